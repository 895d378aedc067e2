"""What each marker contributes to the prediction of each sample."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sktransformer_gp.inspection.encoders import EncoderPart, encoder_columns
from sktransformer_gp.inspection.kernels import KernelPart
from sktransformer_gp.inspection.steps import LastStep, last_step
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.rkhs import RKHSRegressor
from sktransformer_gp.snp_blup import SNPBLUPRegressor

TOLERANCE = 5e-4  # of a trait's standard deviation


def marker_contributions(
    model: BaseEstimator, X: ArrayLike, *, trait: int = 0, reference: ArrayLike | None = None
) -> pd.DataFrame:
    r"""Split predictions into the contributions of markers, by integrated gradients.

    With the prediction :math:`f`, a sample's dosages :math:`x` and those of a reference :math:`r`,
    marker :math:`j` contributes

    .. math:: (x_j - r_j) \int_0^1 \frac{\partial f}{\partial x_j}(r + t (x - r)) \, dt

    and the contributions of all markers sum to :math:`f(x) - f(r)`. Where the prediction is linear
    they are the marker effects times the difference in dosage.

    Parameters
    ----------
    model : estimator
        Fitted :class:`~sktransformer_gp.regressor.TransformerGPRegressor` (its encoders and its
        polygenic term are added with their weights), `PolygenicRegressor`, `RKHSRegressor`, any
        linear model with ``coef_`` such as `GBLUPRegressor`, a `PerTraitRegressor` of these, or a
        pipeline that ends in one.
    X : array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy; what is missing has to be imputed in the pipeline.
    trait : int, default=0
        Number of the trait.
    reference : array-like of shape (n_markers,), default=None
        Dosages of the genotype that contributions are counted from, in the markers that reach the
        pipeline's last step. None = the mean of `X` there.

    Returns
    -------
    DataFrame of shape (n_samples, n_markers)
        Contributions in the trait's unit; columns are the markers that reach the last step. They
        sum to the difference of predictions to 5e-4 of the trait's standard deviation.

    Raises
    ------
    ValueError
        If `model` is none of these, `trait` is not one of its traits, or `reference` does not fit.

    References
    ----------
    Sundararajan M, Taly A, Yan Q (2017) Axiomatic attribution for deep networks. ICML.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp import GBLUPRegressor
    >>> from sktransformer_gp.inspection import marker_contributions
    >>> X = pd.DataFrame({"1:10": [0, 1, 2, 1], "2:5": [1, 0, 1, 2]})
    >>> model = GBLUPRegressor().fit(X, [1.0, 2.0, 3.0, 2.0])
    >>> marker_contributions(model, X).round(2) + 0.0  # no negative zeros
       1:10  2:5
    0  -1.0  0.0
    1   0.0  0.0
    2   1.0  0.0
    3   0.0  0.0
    """
    step = last_step(model, X)
    n_traits = step.n_traits
    if trait not in range(n_traits):
        raise ValueError(f"trait is one of 0..{n_traits - 1}, got {trait!r}")
    values = contributions(step, step.X, trait, check_reference(reference, step.X))
    return pd.DataFrame(values, index=step.samples, columns=step.markers)


def contributions(step: LastStep, X: NDArray, trait: int, reference: NDArray) -> NDArray:
    """Split predictions of a pipeline's last step.

    Parameters
    ----------
    step : LastStep
        The last step.
    X : ndarray of shape (n_samples, n_markers)
        Dosages of some samples.
    trait : int
        Number of the trait.
    reference : ndarray of shape (n_markers,)
        Dosages that contributions are counted from.

    Returns
    -------
    ndarray of shape (n_samples, n_markers)
        Contributions in the trait's unit.
    """
    return _splitter(step.model)(step.model, X, trait, reference)


def check_reference(reference: ArrayLike | None, X: NDArray) -> NDArray:
    """Validate the dosages that contributions are counted from.

    Parameters
    ----------
    reference : array-like of shape (n_markers,) or None
        Dosages; None = the mean of `X`.
    X : ndarray of shape (n_samples, n_markers)
        Dosages of the samples.

    Returns
    -------
    ndarray of shape (n_markers,), of float64
        The dosages.

    Raises
    ------
    ValueError
        If there is not one finite dosage for each marker.
    """
    if reference is None:
        return X.mean(axis=0, dtype=np.float64)
    reference = np.asarray(reference, dtype=np.float64)
    if reference.shape != X.shape[1:] or not np.isfinite(reference).all():
        raise ValueError(
            f"reference has a finite dosage for each of the {X.shape[1]} markers that reach the "
            f"model, got the shape {reference.shape}"
        )
    return reference


Splitter = Callable[[BaseEstimator, NDArray, int, NDArray], NDArray]


def _splitter(model: BaseEstimator) -> Splitter:
    for kind, split in _SPLITTERS.items():
        if isinstance(model, kind):
            return split
    if hasattr(model, "coef_"):
        return _split_linear
    raise ValueError(
        f"{type(model).__name__} is not a model whose predictions can be split into contributions "
        f"of markers: they are {', '.join(kind.__name__ for kind in _SPLITTERS)} and linear models "
        "with coef_; method='permutation' takes any model"
    )


def _split_transformer(
    model: TransformerGPRegressor, X: NDArray, trait: int, reference: NDArray
) -> NDArray:
    if model.tokens == "embedding":
        raise ValueError(
            "tokens='embedding' looks dosages up, so that there is nothing between two of them to "
            "follow a gradient along; choose method='gate' or 'permutation'"
        )
    total = np.zeros(X.shape)
    columns = encoder_columns(model)
    part = EncoderPart(model, [trait])
    tolerance = TOLERANCE * model.y_scale_[trait]
    Z, origin = part.inputs(X), part.inputs(reference[None])
    total[:, columns] = part.contributions(Z, origin, tolerance)
    if model.polygenic_ is not None:
        shares = model.weights_[-1] * model.selection_index_[:, trait]
        total[:, columns] += _split_sum(model.polygenic_, Z.numpy(), shares, origin.numpy()[0])
    return total


def _split_sum(
    model: PolygenicRegressor | SNPBLUPRegressor, X: NDArray, shares: NDArray, reference: NDArray
) -> NDArray:
    """Split a sum of traits, each with its share."""
    if isinstance(model, SNPBLUPRegressor):
        return (X - reference) * (shares @ np.reshape(model.coef_, (len(shares), -1)))
    return KernelPart.of_polygenic(model, shares).contributions(X, reference)


def _split_polygenic(
    model: PolygenicRegressor, X: NDArray, trait: int, reference: NDArray
) -> NDArray:
    n_traits = np.size(model.intercept_[0])
    return _split_sum(model, X, np.arange(n_traits) == trait, reference)


def _split_rkhs(model: RKHSRegressor, X: NDArray, trait: int, reference: NDArray) -> NDArray:
    return KernelPart.of_rkhs(model, trait).contributions(X, reference)


def _split_per_trait(
    model: PerTraitRegressor, X: NDArray, trait: int, reference: NDArray
) -> NDArray:
    alone = model.estimators_[trait]
    return _splitter(alone)(alone, X, 0, reference)


def _split_linear(model: BaseEstimator, X: NDArray, trait: int, reference: NDArray) -> NDArray:
    return (X - reference) * np.reshape(model.coef_, (-1, X.shape[1]))[trait]


_SPLITTERS: dict[type, Splitter] = {
    TransformerGPRegressor: _split_transformer,
    PolygenicRegressor: _split_polygenic,
    RKHSRegressor: _split_rkhs,
    PerTraitRegressor: _split_per_trait,
}
