"""How good predictions are: Pearson correlation, mean squared error and R², trait by trait.

All three leave phenotypes that were not observed (NaN) out, per trait, so that one ``y`` with gaps
serves several traits.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import sklearn.metrics
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import make_scorer
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_consistent_length

MULTIOUTPUT = ("uniform_average", "raw_values")
# Rounding leaves predictions that should be equal up to some hundred float64 spacings apart.
CONSTANT = 1e-13
FORM = {"ensure_2d": False, "dtype": np.float64}


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
    return _over_traits(_pearson, y_true, y_pred, sample_weight, multioutput, min_observed=2)


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
    return _over_traits(error, y_true, y_pred, sample_weight, multioutput, min_observed=1)


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
    return _over_traits(score, y_true, y_pred, sample_weight, multioutput, min_observed=2)


pearson_scorer = make_scorer(pearson_correlation)
"""Mean Pearson correlation over traits, as a scorer for ``cross_val_score`` and `GridSearchCV`."""


def pearson_scorers(trait_names: Sequence[str]) -> dict[str, Callable]:
    """Make one Pearson scorer for each trait, for multi-metric ``cross_validate``.

    Parameters
    ----------
    trait_names : sequence of str
        Names of the traits, in the order of the columns of `y`; all different.

    Returns
    -------
    dict of str to scorer
        Keys are the trait names: ``cross_validate`` reports ``"test_<name>"``. The scorers can be
        pickled. Each raises a ValueError where `y` has another number of traits.

    Raises
    ------
    ValueError
        If there are no names, or a name comes twice.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from sktransformer_gp.metrics import pearson_scorers
    >>> X = np.arange(12.0).reshape(12, 1)
    >>> y = np.hstack([X, -2 * X])
    >>> scoring = pearson_scorers(["Lactate", "Lactose"])
    >>> scores = cross_validate(LinearRegression(), X, y, cv=3, scoring=scoring)
    >>> scores["test_Lactose"].round(6)
    array([1., 1., 1.])
    """
    names = tuple(trait_names)
    if isinstance(trait_names, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"trait_names is a sequence of different names, got {trait_names!r}")
    return {name: make_scorer(_pearson_of_trait, name=name, trait_names=names) for name in names}


class TraitRegressorMixin(RegressorMixin):
    """Give a regressor of one or several traits a ``score`` that knows unobserved phenotypes."""

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean R² over traits of the predictions for `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes; NaN = not observed, left out for this trait only.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0; 0 = left out. None = all 1.

        Returns
        -------
        float
            R², see `r2_score`. For predictive ability use `pearson_scorer`.
        """
        return r2_score(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _pearson_of_trait(y_true, y_pred, *, name, trait_names, sample_weight=None):
    names, y_true, y_pred, sample_weight = _check_pair(y_true, y_pred, sample_weight)
    if len(names) != len(trait_names):
        raise ValueError(f"y has {len(names)} traits, the scorers name {list(trait_names)}")
    k = trait_names.index(name)
    named = pd.DataFrame({name: y_true[:, k]})  # an error names the trait
    return pearson_correlation(named, y_pred[:, k], sample_weight=sample_weight)


def _over_traits(metric, y_true, y_pred, sample_weight, multioutput, *, min_observed):
    if multioutput not in MULTIOUTPUT:
        raise ValueError(f"multioutput is one of {MULTIOUTPUT}, got {multioutput!r}")
    names, y_true, y_pred, sample_weight = _check_pair(y_true, y_pred, sample_weight)
    used = ~np.isnan(y_true) & (sample_weight > 0)[:, None]
    _check_observed(names, used.sum(axis=0), min_observed)
    values = [
        metric(true[rows], pred[rows], sample_weight=sample_weight[rows])
        for true, pred, rows in zip(y_true.T, y_pred.T, used.T, strict=True)
    ]
    return np.array(values) if multioutput == "raw_values" else float(np.mean(values))


def _check_pair(y_true, y_pred, sample_weight):
    """Return trait names, phenotypes and predictions in two dimensions, and weights."""
    names = list(getattr(y_true, "columns", []))
    y_true = check_array(y_true, input_name="y_true", ensure_all_finite="allow-nan", **FORM)
    y_pred = check_array(y_pred, input_name="y_pred", **FORM)
    y_true, y_pred = (y.reshape(-1, 1) if y.ndim == 1 else y for y in (y_true, y_pred))
    if y_true.shape != y_pred.shape:
        raise ValueError(f"y_true and y_pred differ in shape: {y_true.shape} and {y_pred.shape}")
    return names or range(y_true.shape[1]), y_true, y_pred, _check_weight(sample_weight, y_true)


def _check_weight(sample_weight, y_true):
    if sample_weight is None:
        return np.ones(len(y_true))
    weight = check_array(sample_weight, input_name="sample_weight", **FORM)
    check_consistent_length(weight, y_true)
    if weight.ndim != 1 or weight.min() < 0:
        raise ValueError(f"sample_weight is one number >= 0 for each sample, got {sample_weight!r}")
    return weight


def _check_observed(names, n_observed, min_observed):
    for name, n in zip(names, n_observed, strict=True):
        if n < min_observed:
            raise ValueError(
                f"trait {name!r} has {n} observed phenotypes; at least {min_observed} are needed"
            )


def _pearson(true, pred, *, sample_weight):
    r = _standardised(true, sample_weight) @ _standardised(pred, sample_weight)
    return float(np.clip(r, -1.0, 1.0))


def _standardised(values, weight):
    """Centre and scale to length one; a constant becomes zeros, hence a correlation of 0."""
    if np.ptp(values) <= CONSTANT * np.abs(values).max():
        return np.zeros_like(values)
    centred = values - np.average(values, weights=weight)
    centred /= np.abs(centred).max()  # no overflow in the squares of huge phenotypes
    centred *= np.sqrt(weight)
    return centred / np.linalg.norm(centred)
