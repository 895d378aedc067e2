"""The models of a comparison by name, each at a fair setting and ready for missing dosages."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LassoCV
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.preprocessing import DosageImputer, DosageScaler, LinkageMerger
from sktransformer_gp.rkhs import RKHSRegressor

Steps = list[BaseEstimator]


def make_model(name: str, *, random_state: int = 0, n_jobs: int | None = None) -> Pipeline:
    """Make an unfitted model by its name.

    =================== ============================================================================
    ``transformer``     :class:`~sktransformer_gp.regressor.TransformerGPRegressor`, its defaults
    ``lecture``         its preset of the lecture
    ``gptransformer``   its preset after Jubair et al. (2021)
    ``cnn``             :class:`~sktransformer_gp.networks.CNNGPRegressor`, its defaults
    ``cross_attention`` :class:`~sktransformer_gp.networks.CrossAttentionGPRegressor`, its defaults
    ``gblup``           :class:`~sktransformer_gp.gblup.GBLUPRegressor`, variances by REML
    ``rkhs``            :class:`~sktransformer_gp.rkhs.RKHSRegressor`, Gaussian kernel
    ``lasso``           lasso on merged, standardised markers; penalty by inner 5-fold, per trait
    ``rf``              random forest, 500 trees, ``max_features="sqrt"``, per trait
    ``hgb``             gradient boosting on merged markers, 300 small trees, per trait
    ``lightgbm``        the same by LightGBM; comes with the extra ``boosting``
    ``xgboost``         the same by XGBoost; comes with the extra ``boosting``
    =================== ============================================================================

    Parameters
    ----------
    name : str
        One of `MODEL_NAMES`.
    random_state : int, default=0
        Seed of the model, for those that draw random numbers.
    n_jobs : int or None, default=None
        Cores for the lasso's inner folds and the forest's trees; None = 1, -1 = all. Leave it
        where a comparison or a grid search already runs in parallel.

    Returns
    -------
    Pipeline
        A :class:`~sktransformer_gp.preprocessing.DosageImputer` and the model, all fitted on the
        training rows alone. Takes `X` with missing dosages (NaN or -1), best as a DataFrame whose
        columns carry the marker map, and `y` of one or several traits with NaN = not observed.

    Raises
    ------
    ValueError
        If there is no model of that name.
    ImportError
        If LightGBM or XGBoost is asked for and not installed: names the extra.

    Examples
    --------
    >>> from sktransformer_gp.models import make_model
    >>> [name for name, _ in make_model("lasso").steps]
    ['dosageimputer', 'linkagemerger', 'dosagescaler', 'pertraitregressor']
    """
    if name not in _STEPS:
        raise ValueError(f"unknown model {name!r}; the valid ones are {', '.join(MODEL_NAMES)}")
    steps = _STEPS[name](random_state, n_jobs)
    # As DataFrames the dosages keep their marker names, and with them the marker map.
    return make_pipeline(DosageImputer(), *steps).set_output(transform="pandas")


def default_models(*, random_state: int = 0, n_jobs: int | None = None) -> dict[str, Pipeline]:
    """Make the models of a fair comparison, one line each.

    Parameters
    ----------
    random_state : int, default=0
        Seed of those that draw random numbers.
    n_jobs : int or None, default=None
        As in :func:`make_model`.

    Returns
    -------
    dict of str to Pipeline
        ``transformer``, ``gblup``, ``rkhs``, ``lasso``, ``rf`` and ``hgb``; ``lightgbm`` and
        ``xgboost`` where they are installed.

    Examples
    --------
    >>> from sktransformer_gp.models import default_models
    >>> list(default_models())[:6]
    ['transformer', 'gblup', 'rkhs', 'lasso', 'rf', 'hgb']
    """
    names = [name for name in DEFAULTS if name not in EXTRAS or find_spec(name)]
    return {name: make_model(name, random_state=random_state, n_jobs=n_jobs) for name in names}


def suggested_grid(prefix: str = "") -> dict[str, list]:
    """Return a small grid for the transformer: what it does not decide by itself.

    Sparsity and the weight of each part are chosen in `fit` from out-of-fold predictions; left are
    the number of markers in a token and whether combinations of windows are read.

    Parameters
    ----------
    prefix : str, default=""
        Name of the step in a pipeline, with two underscores: ``"transformergpregressor__"`` for
        ``make_model("transformer")``.

    Returns
    -------
    dict of str to list
        Six candidates for ``GridSearchCV``; with ``HalvingGridSearchCV`` the resource is
        ``prefix + "max_iter"``.

    Examples
    --------
    >>> from sktransformer_gp.models import suggested_grid
    >>> suggested_grid("transformergpregressor__")["transformergpregressor__dim_readout"]
    [0, 64]
    """
    grid = {"window_size": [32, 64, 128], "dim_readout": [0, 64]}
    return {f"{prefix}{name}": values for name, values in grid.items()}


def _transformer(random_state: int, n_jobs: int | None, preset: str | None = None) -> Steps:
    # Imported here because torch takes seconds, which a list of names need not wait for.
    from sktransformer_gp.regressor import TransformerGPRegressor

    if preset is None:
        return [TransformerGPRegressor(random_state=random_state)]
    return [TransformerGPRegressor.from_preset(preset, random_state=random_state)]


def _lecture(random_state: int, n_jobs: int | None) -> Steps:
    return _transformer(random_state, n_jobs, preset="lecture")


def _gptransformer(random_state: int, n_jobs: int | None) -> Steps:
    return _transformer(random_state, n_jobs, preset="gptransformer")


def _cnn(random_state: int, n_jobs: int | None) -> Steps:
    from sktransformer_gp.networks import CNNGPRegressor

    return [CNNGPRegressor(random_state=random_state)]


def _cross_attention(random_state: int, n_jobs: int | None) -> Steps:
    from sktransformer_gp.networks import CrossAttentionGPRegressor

    return [CrossAttentionGPRegressor(random_state=random_state)]


def _gblup(random_state: int, n_jobs: int | None) -> Steps:
    return [GBLUPRegressor()]


def _rkhs(random_state: int, n_jobs: int | None) -> Steps:
    return [RKHSRegressor()]


def _lasso(random_state: int, n_jobs: int | None) -> Steps:
    # The path ends at 1 % of the largest penalty: on three yeast traits and wheat the chosen one
    # lies at 2-28 %. scikit-learn's path to 0.1 %, at a tenth of this tolerance, took 10-40 times
    # as long for the same r (Maltose .765, Indoleacetic_Acid .606 in the first fold).
    lasso = LassoCV(
        cv=KFold(5, shuffle=True, random_state=random_state),
        eps=0.01,
        tol=1e-3,
        max_iter=5000,
        n_jobs=n_jobs,
    )
    # In float32, which takes half as long as float64 and moves no penalty (a trait of the mice).
    scaler = DosageScaler("unit_variance")
    return [LinkageMerger(), scaler, PerTraitRegressor(lasso)]


def _random_forest(random_state: int, n_jobs: int | None) -> Steps:
    # All markers: merging loses r here (yeast, two folds: Maltose .84 to .76), since a locus with
    # many linked markers is among the candidates of a split more often.
    forest = RandomForestRegressor(
        500, max_features="sqrt", random_state=random_state, n_jobs=n_jobs
    )
    return [PerTraitRegressor(forest)]


def _boosting(random_state: int, n_jobs: int | None) -> Steps:
    # Small trees over all markers did best of what was tried on yeast. Mean r in three folds of
    # Maltose, Trehalose, Indoleacetic_Acid and Lithium_Chloride: .865 .710 .710 .813;
    # a fifth of the markers for each split .844 .705 .715 .809, that with 31 leaves .843 .705 .712
    # .790, that with early stopping .842 .700 .698 .802; its defaults .864 .696 .703 .771.
    # Early stopping would also set training rows aside, which no other model here does.
    boosting = HistGradientBoostingRegressor(
        learning_rate=0.05,
        max_iter=300,
        max_leaf_nodes=8,
        early_stopping=False,
        random_state=random_state,
    )
    return [LinkageMerger(), PerTraitRegressor(boosting)]


def _lightgbm(random_state: int, n_jobs: int | None) -> Steps:
    boosting = _import("lightgbm").LGBMRegressor(
        learning_rate=0.05,
        n_estimators=300,
        num_leaves=8,
        random_state=random_state,
        n_jobs=n_jobs or 1,
        verbose=-1,
    )
    return [LinkageMerger(), PerTraitRegressor(_on_arrays(boosting))]


def _xgboost(random_state: int, n_jobs: int | None) -> Steps:
    boosting = _import("xgboost").XGBRegressor(
        learning_rate=0.05,
        n_estimators=300,
        max_depth=3,
        tree_method="hist",
        random_state=random_state,
        n_jobs=n_jobs or 1,
    )
    return [LinkageMerger(), PerTraitRegressor(_on_arrays(boosting))]


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} is not installed: pip install 'sktransformer-gp[boosting]'"
        ) from error


def _on_arrays(model: BaseEstimator) -> Pipeline:
    # LightGBM rejects the colon of the marker map in a column's name.
    return make_pipeline(FunctionTransformer(np.asarray), model)


_STEPS: dict[str, Callable[[int, int | None], Steps]] = {
    "transformer": _transformer,
    "lecture": _lecture,
    "gptransformer": _gptransformer,
    "cnn": _cnn,
    "cross_attention": _cross_attention,
    "gblup": _gblup,
    "rkhs": _rkhs,
    "lasso": _lasso,
    "rf": _random_forest,
    "hgb": _boosting,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
}

MODEL_NAMES = tuple(_STEPS)
EXTRAS = ("lightgbm", "xgboost")
DEFAULTS = ("transformer", "gblup", "rkhs", "lasso", "rf", "hgb", *EXTRAS)
