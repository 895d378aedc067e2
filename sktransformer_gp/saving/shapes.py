"""Whether the attributes of a fitted model fit each other."""

import copy
import re
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from sktransformer_gp.validation import MISSING

DTYPES = {
    "float": r"float64",
    "single": r"float32",
    "number": r"bool|u?int\d+|float\d+",
    "text": r"object|str\d+",
}
# How long each axis is, as far as it is known; None where the arrays have no such axis.
Sizes = dict[str, Any]

# Attributes: dtype and axes. "?" after a dtype: None will do; after an axis: all arrays with this
# axis have it, or none has. "size": a number, how long the axis is. Each attribute of a class is
# here, in `CHOICES` or in `_PARTS`.
EVERY = {"n_features_in_": "size features", "feature_names_in_": "text? features"}
CODES = {
    "ploidy_": "size ploidy",
    "n_components_": "size codes",
    "lowest_": "number",
    "net_.module_.center net_.module_.scale": "single features",
    "n_iter_": "size epochs",
    "loss_curve_": "float epochs",
}
SHAPES: dict[str, dict[str, str]] = {
    "GBLUPRegressor": {
        "coef_": "float traits? features",
        "intercept_ lambda_ h2_": "float traits?",
        "variance_components_": "float traits? 2",
    },
    "FixedEffectsRegressor": {
        "covariate_means_": "float effects",
        "fixed_effects_": "float traits? effects",
    },
    "RKHSRegressor": {
        "X_fit_": "number samples features",
        "dual_coef_": "float samples traits?",
        "intercept_ lambda_ h2_ bandwidth_ width_": "float traits?",
        "variance_components_": "float traits? 2",
    },
    "PolygenicRegressor": {
        "X_fit_": "number samples features",
        "center_ factors_": "float features",
        "_norms": "float samples",
        "_weights": "float? samples",
        "width_": "float",
        "dual_coef_": "float 4 samples traits?",
        "intercept_ lambda_ kernel_weights_ residual_variance_": "float 4 traits?",
        "out_of_fold_ out_of_fold_std_": "float? samples traits?",
    },
    "SNPBLUPRegressor": {
        "coef_": "float traits? features",
        "intercept_ lambda_ h2_ residual_std_": "float traits?",
        "out_of_fold_ out_of_fold_std_": "float? samples traits?",
    },
    "CNNGPRegressor": {
        "n_outputs_": "size outputs",
        "_traits.mean _traits.scale": "float outputs",
        "_input.names": "text features",
        "_input.center _input.scale": "float kept",
        "_input.chromosomes": "text? kept",
        "net_.module_.center net_.module_.scale": "single kept",
        "net_.module_.direct.bias": "single 1 1 outputs",
        "n_iter_": "size epochs",
        "loss_curve_": "float epochs",
    },
    "CrossAttentionGPRegressor": {
        "n_outputs_": "size outputs",
        "_traits.mean _traits.scale": "float outputs",
        "_input.names": "text features",
        "_input.center _input.scale": "float kept",
        "_input.chromosomes": "text? kept",
        "net_.module_.center net_.module_.scale": "single kept",
        "net_.module_.panel": "number samples kept",
        "net_.module_.phenotypes": "single samples outputs",
        "net_.module_.weights": "single samples",
        "leave_out_prediction_": "float samples outputs",
        "n_iter_": "size epochs",
        "loss_curve_": "float epochs",
    },
    "GenotypeAutoencoder": CODES,
    "HaplotypeCopier": {
        "X_fit_": "number samples features",
        "chromosomes_": "text? features",
    },
    "MaskedGenotypePretrainer": CODES,
    "PretrainedGPRegressor": {
        "n_outputs_": "size outputs",
        "_traits.mean _traits.scale": "float outputs",
        "pretrainer_.n_features_in_": "size features",
        "net_.module_.center net_.module_.scale": "single features",
        "net_.module_.readout.n_traits": "size outputs",
        "n_iter_": "size epochs",
        "loss_curve_": "float epochs",
    },
    "TransformerGPRegressor": {
        "n_outputs_": "size outputs",
        "_n_regimes": "size regimes",
        "_traits.mean _traits.scale _intercept _error_ratio": "float outputs",
        "_input.names": "text features",
        "_input.center _input.scale": "float kept",
        "_input.counts": "number kept",
        "_input.chromosomes": "text? kept",
        "component_names_": "text components",
        "weights_": "float components outputs",
        "selection_index_": "float outputs outputs",
        "out_of_fold_": "float? components rows outputs",
        "folds_": "number? rows",
        "net_.module_.center net_.module_.scale": "single kept",
        "net_.module_.dominance": "single? 2 kept",
        "net_.module_.token_dropout": "single members",
        "net_.module_.readout.n_traits": "size outputs",
        "n_iter_": "size epochs",
        "loss_curve_": "float epochs",
        "validation_scores_": "float? epochs",
        "polygenic_.n_features_in_": "size? kept",
    },
}

CHOICES: dict[str, dict[str, tuple]] = {
    "PolygenicRegressor": {"_trait": (0, slice(None))},
    "PerTraitRegressor": {"_one_dimensional": (False, True)},
    "CNNGPRegressor": {"_y_ndim": (1, 2)},
    "CrossAttentionGPRegressor": {"_y_ndim": (1, 2)},
    "GenotypeAutoencoder": {"_gives_calls": (False, True)},
    "MaskedGenotypePretrainer": {"_gives_calls": (False, True)},
    "PretrainedGPRegressor": {"_y_ndim": (1, 2)},
    "TransformerGPRegressor": {"_y_ndim": (1, 2)},
}


def check_fitted(model: Any) -> None:
    """Check that what a model has learned is complete and of one size.

    Parameters
    ----------
    model : object
        Of a class of this package; one that is not fitted passes.

    Raises
    ------
    ValueError
        If an attribute is missing, or its shape or dtype does not fit the others.

    Examples
    --------
    >>> from sktransformer_gp import GBLUPRegressor
    >>> from sktransformer_gp.saving.shapes import check_fitted
    >>> model = GBLUPRegressor().fit([[0], [1], [2], [2]], [0.0, 1.0, 2.0, 3.0])
    >>> model.coef_ = model.coef_[None]
    >>> check_fitted(model)
    Traceback (most recent call last):
    ValueError: GBLUPRegressor.intercept_ has the shape (), not (traits?) with features = 1,
    traits? = 1
    """
    if not isinstance(model, BaseEstimator) or not any(key.endswith("_") for key in vars(model)):
        return
    kind = type(model).__name__
    sizes: Sizes = {}
    for names, rule in {**EVERY, **SHAPES.get(kind, {})}.items():
        for name in names.split():
            _check(model, name, rule, sizes)
    for name, choices in CHOICES.get(kind, {}).items():
        if _attribute(model, name) not in choices:
            raise ValueError(f"{kind}.{name} is {_attribute(model, name)!r}, not one of {choices}")
    if kind in _PARTS:
        _PARTS[kind](model, sizes)
    if hasattr(model, "transform"):
        transformed_width(model)


def check_steps(steps: Sequence[BaseEstimator]) -> None:
    """Check that each fitted step takes as many markers as the one before it returns.

    Parameters
    ----------
    steps : sequence of estimator
        The steps; only the last may be without ``transform``.

    Raises
    ------
    Exception
        Of any kind where a step cannot transform; a ValueError where the numbers differ.
    """
    for step, following in pairwise(steps):
        if hasattr(step, "n_features_in_") and hasattr(following, "n_features_in_"):
            width = transformed_width(step)
            if width != following.n_features_in_:
                raise ValueError(
                    f"{type(step).__name__} returns {width} markers, but "
                    f"{type(following).__name__} takes {following.n_features_in_}"
                )


def transformed_width(transformer: BaseEstimator) -> int:
    """Transform one sample, and return how many markers it has then.

    Parameters
    ----------
    transformer : transformer
        A fitted transformer of this package, or a pipeline that ends in one.

    Returns
    -------
    int
        Number of markers.

    Raises
    ------
    Exception
        Of any kind where its attributes do not fit each other.
    """
    if hasattr(transformer, "steps"):
        return transformed_width([s for _, s in transformer.steps if hasattr(s, "transform")][-1])
    n_markers = transformer.n_features_in_
    learned = [value for value in vars(transformer).values() if isinstance(value, np.ndarray)]
    if hasattr(transformer, "net_"):
        learned.append(transformer.net_.module_.center)
    # Before memory is asked for: the number may be any that a file states.
    if not any(n_markers in value.shape for value in learned):
        raise ValueError(f"{type(transformer).__name__} has learned nothing of {n_markers} markers")
    dosage = MISSING if get_tags(transformer).input_tags.allow_nan else 0
    nameless = copy.copy(transformer)
    # scikit-learn looks at a DataFrame column by column: a second for each 10,000 markers.
    for name in ("feature_names_in_", "_sklearn_output_config"):
        vars(nameless).pop(name, None)
    return nameless.transform(np.full((1, n_markers), dosage, dtype=np.int8)).shape[1]


def _check(model: Any, name: str, rule: str, sizes: Sizes) -> None:
    (dtype, *axes), value = rule.split(), _attribute(model, name)
    if value is None and dtype.endswith("?"):
        return
    where, dtype = f"{type(model).__name__}.{name}", dtype.removesuffix("?")
    if value is None:
        raise ValueError(f"{where} is missing")
    if dtype == "size":
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{where} is {value!r}, not a whole number above 0")
        shape = (int(value),)
    else:
        found = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
        found = getattr(found, "name", str(found).removeprefix("torch."))
        if not re.fullmatch(DTYPES[dtype], found):
            raise ValueError(f"{where} has the dtype {found}, not {dtype}")
        shape = tuple(np.shape(value))
    if not _fits(shape, axes, sizes):
        known = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
        raise ValueError(f"{where} has the shape {shape}, not ({', '.join(axes)}) with {known}")


def _attribute(model: Any, path: str) -> Any:
    for name in path.split("."):
        model = getattr(model, name, None)
    return model


def _fits(shape: tuple[int, ...], axes: Sequence[str], sizes: Sizes) -> bool:
    """Compare a shape with sizes that are known, and learn those that are not."""
    lengths: list[int | None] = list(shape)
    if len(shape) < len(axes):
        for place, axis in enumerate(axes):
            if axis.endswith("?"):
                lengths.insert(place, None)
    return len(lengths) == len(axes) and all(
        sizes.setdefault(axis, int(axis) if axis.isdigit() else length) == length
        for axis, length in zip(axes, lengths, strict=True)
    )


def _check_components(model: Any, sizes: Sizes) -> None:
    n_components = model._n_regimes + (model.polygenic_ is not None)
    if sizes["components"] != n_components or sizes["members"] % model._n_regimes:
        raise ValueError(
            f"{sizes['members']} encoders in {model._n_regimes} regimes do not make "
            f"{sizes['components']} components"
        )
    if model.polygenic_ is not None:
        found = np.shape(np.atleast_2d(model.polygenic_.intercept_))[1]
        if found != sizes["outputs"]:
            raise ValueError(f"the polygenic term has {found} traits, not {sizes['outputs']}")
    _check_kept(model, sizes)


def _check_codes(model: Any, sizes: Sizes) -> None:
    net = model.net_.module_
    n_codes = net.axes.shape[1] or len(net.windows) * net.embed.bias.shape[2]
    if (n_codes, net.n_dosages) != (sizes["codes"], sizes["ploidy"] + 1):
        raise ValueError(f"the net has codes of {n_codes} and {net.n_dosages} dosages")


def _check_kept(model: Any, sizes: Sizes) -> None:
    preprocessor, kept = model._input.preprocessor, sizes["features"]
    if preprocessor is not None:
        if preprocessor.n_features_in_ != kept:
            raise ValueError(f"the preprocessor takes other markers than the {kept} of the model")
        kept = transformed_width(preprocessor)
    if kept != sizes["kept"]:
        raise ValueError(f"{kept} markers reach the net, which takes {sizes['kept']}")


def _check_patterns(model: Any, sizes: Sizes) -> None:
    n_samples, n_traits = sizes["samples"], sizes["traits?"] or 1
    for rows, traits in model._patterns:
        for columns, end in ((rows, n_samples), (traits, n_traits)):
            if columns.dtype.kind != "i" or not np.isin(columns, np.arange(end)).all():
                raise ValueError(f"_patterns are not of {n_samples} samples and {n_traits} traits")


def _check_traits(model: Any, sizes: Sizes) -> None:
    found = [estimator.n_features_in_ for estimator in model.estimators_]
    if not found or set(found) != {sizes["features"]}:
        raise ValueError(f"the traits' models take {found} markers, not {sizes['features']}")


def _check_effects(model: Any, sizes: Sizes) -> None:
    n_effects, n_markers = len(model.covariate_means_), model.estimator_.n_features_in_
    if n_effects + n_markers != sizes["features"]:
        raise ValueError(
            f"{n_effects} fixed effects and {n_markers} markers are not {sizes['features']} columns"
        )


_PARTS = {
    "CNNGPRegressor": _check_kept,
    "CrossAttentionGPRegressor": _check_kept,
    "FixedEffectsRegressor": _check_effects,
    "GenotypeAutoencoder": _check_codes,
    "MaskedGenotypePretrainer": _check_codes,
    "PerTraitRegressor": _check_traits,
    "PolygenicRegressor": _check_patterns,
    "TransformerGPRegressor": _check_components,
}
