"""Cross-fitting: out-of-fold predictions of the training rows, and the weights they give.

Components that have learned a phenotype reproduce it; only predictions of rows that a component
was not fitted on tell how much to trust it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from sktransformer_gp.weights import SampleWeights, take, weighted_mean


def inner_folds(Y: NDArray, n_folds: int, random_state: np.random.RandomState) -> NDArray:
    """Assign each training row to an inner fold.

    Rows with the same traits observed are spread evenly over the folds. There are at most half as
    many folds as the rarest trait has phenotypes.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    n_folds : int
        Largest number of folds.
    random_state : RandomState
        Source of the assignment.

    Returns
    -------
    ndarray of shape (n_samples,), of int
        Fold of each row, 0, 1, ...; all -1, in no fold, where a trait has fewer than 4 phenotypes,
        or fewer than 2 outside a fold.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.crossfit import inner_folds
    >>> np.bincount(inner_folds(np.zeros((10, 1)), 3, np.random.RandomState(0)))
    array([4, 3, 3])
    """
    observed = ~np.isnan(Y)
    n_folds = min(n_folds, int(observed.sum(axis=0).min()) // 2)
    if n_folds < 2:
        return np.full(len(Y), -1)
    _, pattern = np.unique(observed, axis=0, return_inverse=True)
    order = np.lexsort([random_state.permutation(len(Y)), pattern.ravel()])
    folds = np.empty(len(Y), dtype=int)
    folds[order] = np.arange(len(Y)) % n_folds
    outside = [observed[folds != fold].sum(axis=0).min() for fold in range(n_folds)]
    return folds if min(outside) >= 2 else np.full(len(Y), -1)


def mixing_weights(
    components: NDArray, Y: NDArray, sample_weights: SampleWeights | None = None
) -> tuple[NDArray, NDArray]:
    """Weigh components by non-negative least squares, shrunk towards the last one as it is.

    ``min |y - (b + F w)|^2, w >= 0`` over the rows observed for the trait. The weights lie between
    these and a weight of 1 for the last component alone, at ``max(0, 1 - 2 (p - 1) s2 / d)`` of the
    way to the first, where the p components leave ``s2`` as residual variance and lower the
    residual sum of squares by `d`: what p - 1 weights gain by chance (Akaike) counts for nothing.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_samples, n_traits)
        Out-of-fold predictions F; the last one is what to fall back on.
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    sample_weights : SampleWeights or None, default=None
        Weights of the samples in all sums of squares; None = all 1.

    Returns
    -------
    weights : ndarray of shape (n_components, n_traits)
        Weights w >= 0; they need not sum to 1.
    intercept : ndarray of shape (n_traits,)
        The intercepts b.

    References
    ----------
    Breiman L (1996) Stacked regressions. Machine Learning 24:49-64.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.crossfit import mixing_weights
    >>> F = np.array([[[0.0], [2.0], [4.0]], [[1.0], [0.0], [1.0]]])
    >>> weights, intercept = mixing_weights(F, F[0] / 2 + 3)
    >>> weights.round(6).tolist(), intercept.round(6).tolist()
    ([[0.5], [0.0]], [3.0])
    """
    weights = np.empty((len(components), Y.shape[1]))
    intercept = np.empty(Y.shape[1])
    for k, y in enumerate(Y.T):
        observed = ~np.isnan(y)
        F, y, counted = components[:, observed, k].T, y[observed], take(sample_weights, observed)
        means, mean = weighted_mean(F, counted), weighted_mean(y, counted)
        roots, n = (1.0, len(y)) if counted is None else (counted.roots, counted.n_observations)
        centred = np.column_stack([F - means, y - mean]) * roots
        weights[:, k] = _shrunk_weights(centred[:, :-1], centred[:, -1], n)
        intercept[k] = mean - means @ weights[:, k]
    return weights, intercept


def _shrunk_weights(F: NDArray, y: NDArray, n: float) -> NDArray:
    p, alone = F.shape[1], np.zeros(F.shape[1])
    # A weight of its own would let a trait of little heritability lose the last one altogether.
    alone[-1] = 1.0
    weights, norm = nnls(F, y)
    gain, chance = np.square(y - F[:, -1]).sum() - norm**2, 2 * (p - 1) * norm**2 / n
    kept = 1 - chance / gain if gain > chance else 0.0
    return alone + kept * (weights - alone)
