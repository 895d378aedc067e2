"""Cross-fitting: out-of-fold predictions of the training rows, and the weights that they give.

Components that have learned a phenotype reproduce it; only predictions of rows that a component
was not fitted on tell how much to trust it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from sktransformer_gp.variance import missingness_patterns
from sktransformer_gp.weights import SampleWeights, take, weighted_mean

# Of what is borrowed, in units of the traits' variances. With a residual variance near 1, the
# smallest expects weights of some 0.3: a handful of samples can't ask for more by chance.
PENALTIES = np.logspace(1, 6, 21)


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


def out_of_fold(
    genetic: NDArray, Y: NDArray, folds: NDArray, weights: SampleWeights | None = None
) -> NDArray:
    """Put together predictions that leave out one fold after the other.

    Parameters
    ----------
    genetic : ndarray of shape (n_folds, n_samples, n_traits)
        Predictions of all samples without intercept, learned without each fold in ascending order.
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    folds : ndarray of shape (n_samples,), of int
        Fold of each sample.
    weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.

    Returns
    -------
    ndarray of shape (n_samples, n_traits)
        Prediction of each sample without its fold, observed or not. The intercept is the mean of
        what is left of the phenotypes of the other folds.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.crossfit import out_of_fold
    >>> Y, folds = np.array([[1.0], [2.0], [np.nan], [4.0]]), np.array([0, 0, 1, 1])
    >>> out_of_fold(np.zeros((2, 4, 1)), Y, folds).ravel().tolist()
    [4.0, 4.0, 1.5, 1.5]
    """
    predicted = np.empty_like(Y)
    for values, fold in zip(genetic, np.unique(folds), strict=True):
        out = folds == fold
        left = np.where(out[:, None], np.nan, Y - values)
        predicted[out] = values[out] + weighted_mean(left, weights)
    return predicted


def mixing_weights(
    components: NDArray, Y: NDArray, sample_weights: SampleWeights | None = None
) -> tuple[NDArray, NDArray]:
    """Weigh components by non-negative least squares, shrunk towards the last one as it is.

    ``min |y - (b + F w)|^2, w >= 0`` over the rows observed for the trait. The weights lie between
    these and a weight of 1 for the last component alone, at ``max(0, 1 - (p - 1) s2 / d)`` of the
    way to the first, where the p components leave ``s2`` as residual variance and lower the
    residual sum of squares by `d`: ``(p - 1) s2`` of it is what p - 1 weights gain by chance, as in
    the estimator of James and Stein.

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

    James W, Stein C (1961) Estimation with quadratic loss. Proc Fourth Berkeley Symp Math Stat Prob
    1:361-379.

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


def selection_index(
    predicted: NDArray, Y: NDArray, scale: NDArray, sample_weights: SampleWeights | None = None
) -> tuple[NDArray, NDArray]:
    """Let each trait borrow from the predictions of the others.

    What a trait's own prediction leaves of its phenotypes is regressed on the predictions of the
    other traits, all in units of the traits' standard deviations, by ridge regression. The penalty
    is the one of the least leave-one-out error; the largest lends nothing.

    Parameters
    ----------
    predicted : ndarray of shape (n_samples, n_traits)
        Out-of-fold predictions of all samples.
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    scale : ndarray of shape (n_traits,)
        Standard deviation of each trait.
    sample_weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.

    Returns
    -------
    index : ndarray of shape (n_traits, n_traits)
        The new predictions are ``predicted @ index + intercept``; 1 on the diagonal.
    intercept : ndarray of shape (n_traits,)
        The intercepts.

    References
    ----------
    Hazel LN (1943) The genetic basis for constructing selection indexes. Genetics 28:476-490.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.crossfit import selection_index
    >>> rng = np.random.default_rng(0)
    >>> predicted = rng.normal(size=(500, 2))
    >>> Y = predicted + rng.normal(size=(500, 2))
    >>> Y[:, 1] += predicted[:, 0] / 2  # what the first trait's predictions say about the second
    >>> index, intercept = selection_index(predicted, Y, Y.std(axis=0))
    >>> index.round(1).tolist()
    [[1.0, 0.5], [0.0, 1.0]]
    """
    n_traits = len(scale)
    index, intercept = np.eye(n_traits), np.zeros(n_traits)
    X, left = predicted / scale, (Y - predicted) / scale
    for rows, traits in missingness_patterns(Y) if n_traits > 1 else ():
        counted = take(sample_weights, rows)
        lent, added = _borrowed(X[rows], left[np.ix_(rows, traits)], traits, counted)
        index[:, traits] += lent * scale[traits] / scale[:, None]
        intercept[traits] = added * scale[traits]
    return index, intercept


def _borrowed(
    X: NDArray, left: NDArray, traits: NDArray, weights: SampleWeights | None
) -> tuple[NDArray, NDArray]:
    """Regress what is left of each trait on all columns of `X` but its own, by ridge regression.

    One decomposition serves all traits and penalties: with ``A = inv(X'X + penalty)`` and ``b = A
    X'y``, a regression without column k has the coefficients ``b - A_k b_k / A_kk``, and the
    leverages ``x'Ax - (x'A_k)^2 / A_kk``.

    Returns
    -------
    coefficients : ndarray of shape (X.shape[1], len(traits))
        Those of the least leave-one-out error, 0 for a trait's own column.
    intercept : ndarray of shape (len(traits),)
        The intercepts.
    """
    roots = np.ones((len(X), 1)) if weights is None else weights.roots
    means, mean = weighted_mean(X, weights), weighted_mean(left, weights)
    X, left = (X - means) * roots, (left - mean) * roots
    of_mean = roots**2 / (roots**2).sum()  # leverage of the intercept
    values, vectors = np.linalg.eigh(X.T @ X)
    products = X.T @ left
    own = traits, np.arange(len(traits))
    found = np.zeros((len(PENALTIES), X.shape[1], len(traits)))
    errors = np.zeros((len(PENALTIES), len(traits)))
    for coefficients, error, penalty in zip(found, errors, PENALTIES, strict=True):
        inverse = (vectors / (values + penalty)) @ vectors.T
        shares, diagonal = X @ inverse, inverse.diagonal()[traits]
        whole = inverse @ products
        coefficients[:] = whole - inverse[:, traits] * (whole[own] / diagonal)
        coefficients[own] = 0  # but for rounding
        leverage = np.einsum("ij,ij->i", shares, X)[:, None] - shares[:, traits] ** 2 / diagonal
        error[:] = np.square((left - X @ coefficients) / (1 - leverage - of_mean)).mean(axis=0)
    best = found[errors.argmin(axis=0), :, own[1]].T
    return best, mean - means @ best


def _shrunk_weights(F: NDArray, y: NDArray, n: float) -> NDArray:
    p, alone = F.shape[1], np.zeros(F.shape[1])
    # A weight of its own would let a trait of little heritability lose the last one altogether.
    alone[-1] = 1.0
    weights, norm = nnls(F, y)
    gain, chance = np.square(y - F[:, -1]).sum() - norm**2, (p - 1) * norm**2 / n
    kept = 1 - chance / gain if gain > chance else 0.0
    return alone + kept * (weights - alone)
