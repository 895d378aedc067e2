"""Phenotypes that were not observed, trait by trait: what all metrics share."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array

MULTIOUTPUT = ("uniform_average", "raw_values")
# Rounding leaves predictions that should be equal up to some hundred float64 spacings apart.
CONSTANT = 1e-13
FORM = {"ensure_2d": False, "dtype": np.float64}


def over_traits(
    metric: Callable,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None,
    multioutput: str,
    *,
    min_observed: int,
) -> float | NDArray:
    """Apply a metric to the observed samples of each trait.

    Parameters
    ----------
    metric : callable
        Takes phenotypes, predictions and `sample_weight` of one trait; returns a float.
    y_true : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes; NaN = not observed.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Predictions, finite everywhere.
    sample_weight : array-like of shape (n_samples,) or None
        Weights >= 0; 0 = left out. None = all 1.
    multioutput : {"uniform_average", "raw_values"}
        The mean over traits, or one value for each trait.
    min_observed : int
        Fewest observed phenotypes of a trait.

    Returns
    -------
    float or ndarray of shape (n_traits,)
        The metric.

    Raises
    ------
    ValueError
        If shapes differ, a prediction is not finite or a trait has too few phenotypes.
    """
    if multioutput not in MULTIOUTPUT:
        raise ValueError(f"multioutput is one of {MULTIOUTPUT}, got {multioutput!r}")
    names, y_true, y_pred, sample_weight = check_pair(y_true, y_pred, sample_weight)
    used = ~np.isnan(y_true) & (sample_weight > 0)[:, None]
    _check_observed(names, used.sum(axis=0), min_observed)
    values = [
        metric(true[rows], pred[rows], sample_weight=sample_weight[rows])
        for true, pred, rows in zip(y_true.T, y_pred.T, used.T, strict=True)
    ]
    return np.array(values) if multioutput == "raw_values" else float(np.mean(values))


def check_pair(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Sequence, NDArray, NDArray, NDArray]:
    """Validate phenotypes, predictions and weights.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed, and predictions.
    sample_weight : array-like of shape (n_samples,) or None
        Weights >= 0; None = all 1.

    Returns
    -------
    names : sequence of length n_traits
        Columns of `y_true`, or numbers.
    y_true, y_pred : ndarray of shape (n_samples, n_traits)
        In two dimensions.
    sample_weight : ndarray of shape (n_samples,)
        Weights.

    Raises
    ------
    ValueError
        If shapes differ, a prediction is not finite or a weight is negative.
    """
    names = list(getattr(y_true, "columns", []))
    y_true = check_array(y_true, input_name="y_true", ensure_all_finite="allow-nan", **FORM)
    y_pred = check_array(y_pred, input_name="y_pred", **FORM)
    y_true, y_pred = (y.reshape(-1, 1) if y.ndim == 1 else y for y in (y_true, y_pred))
    if y_true.shape != y_pred.shape:
        raise ValueError(f"y_true and y_pred differ in shape: {y_true.shape} and {y_pred.shape}")
    weight = check_weight(sample_weight, len(y_true))
    return names or range(y_true.shape[1]), y_true, y_pred, weight


def check_weight(sample_weight: ArrayLike | None, n_samples: int) -> NDArray:
    """Validate weights of samples.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
        Weights >= 0; None = all 1.
    n_samples : int
        Number of samples.

    Returns
    -------
    ndarray of shape (n_samples,), of float64
        The weights.

    Raises
    ------
    ValueError
        If there is not one finite weight >= 0 for each sample.
    """
    if sample_weight is None:
        return np.ones(n_samples)
    weight = check_array(sample_weight, input_name="sample_weight", **FORM)
    rule = f"sample_weight is one number >= 0 for each of the {n_samples} samples"
    if weight.shape != (n_samples,):
        raise ValueError(f"{rule}, got the shape {weight.shape}")
    if weight.min() < 0:
        raise ValueError(f"{rule}, got {weight.min():g}")
    return weight


def _check_observed(names: Sequence, n_observed: NDArray, min_observed: int) -> None:
    for name, n in zip(names, n_observed, strict=True):
        if n < min_observed:
            raise ValueError(
                f"trait {name!r} has {n} observed phenotypes; at least {min_observed} are needed"
            )


def is_constant(values: NDArray) -> bool:
    """Tell whether values rank nobody: their range is below 1e-13 of the largest absolute value.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Phenotypes or predictions.

    Returns
    -------
    bool
        True = constant up to rounding.
    """
    return bool(np.ptp(values) <= CONSTANT * np.abs(values).max())
