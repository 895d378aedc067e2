"""Weights of samples: how much each counts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sktransformer_gp.metrics.traits import check_weight

# Relative size below which a distance, a variance or an eigenvalue is rounding error.
ROUNDING = 1e-12
WEIGHTINGS = ("repeats", "precision")


class SampleWeights(NamedTuple):
    """Hold the weights of samples and what they mean.

    Attributes
    ----------
    values : ndarray of shape (n_samples,), of float64
        Weights > 0.
    repeats : bool
        True: a sample of weight w is w equal samples. False: it is one, of residual variance
        ``s2_e / w``.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.weights import SampleWeights
    >>> weights = SampleWeights(np.array([1.0, 4.0]), repeats=True)
    >>> weights.n_observations, weights._replace(repeats=False).n_observations
    (5.0, 2)
    """

    values: NDArray
    repeats: bool

    @property
    def n_observations(self) -> float:
        """Number of observations that the samples stand for."""
        return float(self.values.sum()) if self.repeats else len(self.values)

    @property
    def roots(self) -> NDArray:
        """Square roots of the weights, (n_samples, 1): factors of a row in least squares."""
        return np.sqrt(self.values)[:, None]

    @property
    def relative(self) -> NDArray:
        """Weights of mean 1, (n_samples,): factors of a sample's share in a mean over samples."""
        return self.values / self.values.mean()


def check_sample_weight(
    sample_weight: ArrayLike | None, n_samples: int, weighting: str
) -> NDArray | None:
    """Validate weights of samples and what they mean.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
        Weights >= 0; None = all 1.
    n_samples : int
        Number of samples.
    weighting : {"repeats", "precision"}
        What a weight means.

    Returns
    -------
    ndarray of shape (n_samples,), of float64, or None
        The weights; None where there are none.

    Raises
    ------
    ValueError
        If there is not one finite weight >= 0 for each sample, all are 0, `weighting` is none of
        the two, or weights that are to be repeats are below 1 on average.

    Examples
    --------
    >>> from sktransformer_gp.weights import check_sample_weight
    >>> check_sample_weight([0, 2], 2, "repeats")
    array([0., 2.])
    """
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting is one of {WEIGHTINGS}, got {weighting!r}")
    if sample_weight is None:
        return None
    weights = check_weight(sample_weight, n_samples)
    if not weights.any():
        raise ValueError("sample_weight is zero for all samples: none is left to fit")
    n_kept = np.count_nonzero(weights)
    if weighting == "repeats" and weights.sum() < n_kept * (1 - 1e-9):
        raise ValueError(
            f"sample_weight has the mean {weights.sum() / n_kept:g}, but with weighting='repeats' "
            "a weight is a number of equal samples; for precisions, such as reliabilities, give "
            "weighting='precision'"
        )
    return weights


def drop_weightless(
    X: NDArray, y: NDArray, weights: NDArray | None, weighting: str
) -> tuple[NDArray, NDArray, SampleWeights | None]:
    """Leave out the samples of weight 0.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.
    y : ndarray of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes.
    weights : ndarray of shape (n_samples,) or None
        Weights >= 0; None = all 1.
    weighting : {"repeats", "precision"}
        What a weight means.

    Returns
    -------
    X, y : ndarray
        Those of weight > 0; the very arrays where all are.
    weights : SampleWeights or None
        Their weights; None where there were none.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.weights import drop_weightless
    >>> drop_weightless(np.array([[0], [1]]), np.array([2.0, 5.0]), np.array([0.0, 3.0]), "repeats")
    (array([[1]]), array([5.]), SampleWeights(values=array([3.]), repeats=True))
    """
    if weights is None:
        return X, y, None
    kept = weights > 0
    if not kept.all():
        X, y, weights = X[kept], y[kept], weights[kept]
    return X, y, SampleWeights(weights, weighting == "repeats")


def take(weights: SampleWeights | None, rows: NDArray) -> SampleWeights | None:
    """Return the weights of some samples.

    Parameters
    ----------
    weights : SampleWeights or None
        Weights; None = all 1.
    rows : ndarray of int or bool
        The samples.

    Returns
    -------
    SampleWeights or None
        Their weights.
    """
    return weights and weights._replace(values=weights.values[rows])


def weighted_mean(values: NDArray, weights: SampleWeights | None, axis: int = 0) -> NDArray:
    """Average over samples, NaN left out.

    Parameters
    ----------
    values : ndarray with the samples along `axis`
        Numbers, NaN = not observed.
    weights : SampleWeights or None
        None = all 1.
    axis : int, default=0
        The axis of the samples.

    Returns
    -------
    ndarray
        Means, of one axis less.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.weights import SampleWeights, weighted_mean
    >>> values = np.array([[1.0], [4.0], [np.nan]])
    >>> weighted_mean(values, SampleWeights(np.array([2.0, 1.0, 5.0]), repeats=True))
    array([2.])
    """
    if weights is None:
        return np.nanmean(values, axis=axis)
    last = np.moveaxis(values, axis, -1)
    observed = ~np.isnan(last)
    return np.where(observed, last, 0) @ weights.values / (observed @ weights.values)


def median_distance(distances: NDArray, weights: SampleWeights | None = None) -> float:
    """Take the median over pairs of samples that differ; 1 where none does.

    Parameters
    ----------
    distances : ndarray of shape (n_samples, n_samples)
        Distances >= 0; what is below 1e-12 of the largest is rounding error.
    weights : SampleWeights or None, default=None
        A pair counts as many times as the product of its weights says; None = once.

    Returns
    -------
    float
        Median > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.weights import SampleWeights, median_distance
    >>> distances = np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 9.0], [4.0, 9.0, 0.0]])
    >>> median_distance(distances)
    4.0
    >>> median_distance(distances, SampleWeights(np.array([9.0, 9.0, 1.0]), repeats=True))
    1.0
    """
    differ = distances > ROUNDING * distances.max()
    if not differ.any():
        return 1.0
    if weights is None:
        return float(np.median(distances[differ]))
    values, order = _sorted(distances[differ])
    below = np.cumsum(np.outer(weights.values, weights.values)[differ][order])
    middle = [np.searchsorted(below, below[-1] / 2, side) for side in ("left", "right")]
    return float(values[middle].mean())


def _sorted(values: NDArray) -> tuple[NDArray, NDArray]:
    order = np.argsort(values)
    return values[order], order
