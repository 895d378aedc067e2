"""How well calibrated predictions are: their level, and their spread."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sktransformer_gp.metrics.traits import is_constant, over_traits


def prediction_bias(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Average what the predictions are too high by, trait by trait.

    ``bias = mean(p) - mean(y)`` over the samples observed for the trait.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, in any unit; NaN = not observed, left out for this trait only.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Predictions, finite everywhere.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0; 0 = left out. None = all 1.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        The mean over traits, or one value for each trait.

    Returns
    -------
    float or ndarray of shape (n_traits,)
        Bias in the unit of the trait; 0 = the predictions are right on average.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, or a trait was never observed.

    See Also
    --------
    regression_slope : The spread of the predictions.

    Examples
    --------
    >>> from sktransformer_gp.metrics import prediction_bias
    >>> prediction_bias([1.0, 2.0, 3.0], [2.0, 2.0, 5.0])
    1.0
    """
    return over_traits(_bias, y_true, y_pred, sample_weight, multioutput, min_observed=1)


def regression_slope(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Regress the phenotypes on their predictions and return the slope, trait by trait.

    ``slope = cov(y, p) / var(p)``: 1 = a line predicted to be one unit better is one unit better
    on average; below 1 the predictions are inflated, above 1 they are shrunk too much.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, in any unit; NaN = not observed, left out for this trait only.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Predictions, finite everywhere.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0; 0 = left out. None = all 1.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        The mean over traits, or one value for each trait.

    Returns
    -------
    float or ndarray of shape (n_traits,)
        Slope; 0.0 where the predictions of a trait are constant, as
        :func:`~sktransformer_gp.metrics.pearson_correlation` is.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, or a trait has fewer than 2 observed
        phenotypes.

    See Also
    --------
    prediction_bias : The level of the predictions.

    References
    ----------
    Legarra, A. & Reverter, A. (2018). Semi-parametric estimates of population accuracy and bias of
    predictions of breeding values and future phenotypes using the LR method. Genet. Sel. Evol.
    50:53.

    Examples
    --------
    >>> from sktransformer_gp.metrics import regression_slope
    >>> regression_slope([1.0, 2.0, 3.0], [0.0, 2.0, 4.0])
    0.5
    """
    return over_traits(_slope, y_true, y_pred, sample_weight, multioutput, min_observed=2)


def _bias(true: NDArray, pred: NDArray, *, sample_weight: NDArray) -> float:
    return float(np.average(pred - true, weights=sample_weight))


def _slope(true: NDArray, pred: NDArray, *, sample_weight: NDArray) -> float:
    if is_constant(pred):
        return 0.0
    true = true - np.average(true, weights=sample_weight)
    pred = pred - np.average(pred, weights=sample_weight)
    scale = np.abs(pred).max()  # no overflow in the squares
    pred = pred / scale
    return float((sample_weight * pred) @ (true / scale) / ((sample_weight * pred) @ pred))
