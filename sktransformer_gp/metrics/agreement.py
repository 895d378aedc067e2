"""How well predictions agree with phenotypes: correlations, mean squared error and R²."""

import numpy as np
import sklearn.metrics
from numpy.typing import ArrayLike, NDArray

from sktransformer_gp.metrics.traits import is_constant, over_traits


def pearson_correlation(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Correlate observed and predicted phenotypes, trait by trait.

    ``r = sum(w (y - m_y) (p - m_p)) / sqrt(sum(w (y - m_y)^2) sum(w (p - m_p)^2))`` over the
    samples observed for the trait, with the weighted means ``m``. This is the *predictive
    ability* of genomic prediction.

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
        Correlation in [-1, 1]. It is 0.0 where the predictions (or the observed phenotypes) of a
        trait are constant: they then rank nobody, and a fold of a cross-validation stays usable.
        Constant means a range below 1e-13 of the largest absolute value.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, or a trait has fewer than 2 observed
        phenotypes: a correlation is then not defined, and a number for it would enter the mean
        over folds unnoticed. Inside ``cross_validate`` scikit-learn turns the error into
        `error_score` (NaN with a warning by default).

    See Also
    --------
    pearson_scorer : The mean over traits as a scorer.
    pearson_scorers : One scorer for each trait.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.metrics import pearson_correlation
    >>> y_true = np.array([[1.0, 4.0], [2.0, np.nan], [3.0, 2.0], [4.0, 1.0]])
    >>> y_pred = np.array([[2.0, 7.0], [4.0, 9.0], [6.0, 7.0], [8.0, 7.0]])
    >>> pearson_correlation(y_true, y_pred, multioutput="raw_values")
    array([1., 0.])
    >>> pearson_correlation(y_true, y_pred)
    0.5
    """
    return over_traits(_pearson, y_true, y_pred, sample_weight, multioutput, min_observed=2)


def rank_correlation(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Correlate the ranks of observed and predicted phenotypes (Spearman), trait by trait.

    Pearson's correlation of the ranks, ties at their mean rank: what counts where lines are ordered
    and the best are taken, whatever the scale of the predictions.

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
        Correlation in [-1, 1]; 0.0 where predictions (or phenotypes) of a trait are constant, as in
        :func:`pearson_correlation`. A weight counts as that many samples.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, or a trait has fewer than 2 observed
        phenotypes.

    Examples
    --------
    >>> from sktransformer_gp.metrics import rank_correlation
    >>> rank_correlation([1.0, 2.0, 3.0, 9.0], [0.1, 0.2, 0.3, 0.4])
    1.0
    """
    return over_traits(_spearman, y_true, y_pred, sample_weight, multioutput, min_observed=2)


def mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Average the squared errors over the observed phenotypes, trait by trait.

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
        Mean squared error in the squared unit of the trait.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, or a trait was never observed.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.metrics import mean_squared_error
    >>> mean_squared_error([1.0, np.nan, 3.0], [2.0, 9.0, 3.0])
    0.5
    """
    error = sklearn.metrics.mean_squared_error
    return over_traits(error, y_true, y_pred, sample_weight, multioutput, min_observed=1)


def r2_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Compute R², the share of the phenotypes' variance that is predicted, trait by trait.

    ``R² = 1 - sum(w (y - p)^2) / sum(w (y - m_y)^2)`` over the samples observed for the trait.

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
        R² <= 1. For constant phenotypes, as in scikit-learn: 1.0 where exact, otherwise 0.0.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, or a trait has fewer than 2 observed
        phenotypes.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.metrics import r2_score
    >>> r2_score([1.0, np.nan, 3.0], [1.5, 9.0, 3.0])
    0.875
    """
    score = sklearn.metrics.r2_score
    return over_traits(score, y_true, y_pred, sample_weight, multioutput, min_observed=2)


def _pearson(true: NDArray, pred: NDArray, *, sample_weight: NDArray) -> float:
    r = _standardised(true, sample_weight) @ _standardised(pred, sample_weight)
    return float(np.clip(r, -1.0, 1.0))


def _standardised(values: NDArray, weight: NDArray) -> NDArray:
    """Centre and scale to length one; a constant becomes zeros, hence a correlation of 0."""
    if is_constant(values):
        return np.zeros_like(values)
    centred = values - np.average(values, weights=weight)
    centred /= np.abs(centred).max()  # no overflow in the squares of huge phenotypes
    centred *= np.sqrt(weight)
    return centred / np.linalg.norm(centred)


def _spearman(true: NDArray, pred: NDArray, *, sample_weight: NDArray) -> float:
    if is_constant(true) or is_constant(pred):
        return 0.0
    ranks = (_mean_ranks(values, sample_weight) for values in (true, pred))
    return _pearson(*ranks, sample_weight=sample_weight)


def _mean_ranks(values: NDArray, weight: NDArray) -> NDArray:
    """Return the weight of what is smaller and half of what is equal, for each value."""
    _, places = np.unique(values, return_inverse=True)
    tied = np.bincount(places, weights=weight)
    return (np.cumsum(tied) - tied / 2)[places]
