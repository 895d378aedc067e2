"""Products of dosage matrices: relationships and distances between samples, sums over markers.

Integer dosages stay integers: they become floats in blocks, so that no float copy of a whole
dosage matrix is made. Inner products of integers are exact, also where single precision computes
them, because a block ends before its sums could exceed 2**24.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils.validation import check_array

BLOCK = 2**22  # elements of a block: 16 MB in float32, 32 MB in float64
ROWS = 256  # samples of a block where all markers are looked at
EXACT = 2**24  # float32 holds every integer up to here


def relationship_matrix(X: ArrayLike) -> NDArray:
    """Compute the genomic relationship matrix of VanRaden (2008).

    ``G = Z Z' / c`` with the dosages `Z` minus each marker's mean and ``c`` the sum of the
    markers' variances.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_markers)
        Dosages without missing values, at least 2 samples.

    Returns
    -------
    ndarray of shape (n_samples, n_samples)
        Relationships, without unit. Rows sum to 0; the mean diagonal is 1.

    Raises
    ------
    ValueError
        If no marker varies, or a dosage is NaN or infinite.

    Notes
    -----
    Differs from the paper: ``c = 2 sum(p (1 - p))`` there, the variance of a diploid's markers
    under Hardy-Weinberg proportions. The observed variance fits haploids, inbred lines and
    polyploids as well.

    References
    ----------
    VanRaden PM (2008) Efficient methods to compute genomic predictions. J Dairy Sci 91:4414-4423.

    Examples
    --------
    >>> from sktransformer_gp.relationship import relationship_matrix
    >>> relationship_matrix([[0, 0], [0, 2], [2, 2], [2, 0]])
    array([[ 1.,  0., -1.,  0.],
           [ 0.,  1.,  0., -1.],
           [-1.,  0.,  1.,  0.],
           [ 0., -1.,  0.,  1.]])
    """
    X = check_array(X, ensure_min_samples=2)
    products = inner_products(X, X)
    centred = products - products.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    c = np.trace(centred) / len(centred)
    if c <= 0:
        raise ValueError(f"none of the {X.shape[1]} markers varies between the {len(X)} samples")
    return centred / c


def inner_products(left: NDArray, right: NDArray) -> NDArray:
    """Compute ``(L - o) (R - o)'``, where the origin ``o`` is the first row of `right`.

    The shift makes a marker that does not vary an exact 0 and keeps precision where dosages sit on
    a large offset; centring cancels it.

    Parameters
    ----------
    left : ndarray of shape (n_left, n_markers)
        Dosages.
    right : ndarray of shape (n_right, n_markers)
        Dosages; the same array as `left` costs half.

    Returns
    -------
    ndarray of shape (n_left, n_right), of float64
        Inner products over markers.
    """
    total = np.zeros((len(left), len(right)))
    for a, b in _pairs_of_blocks(left, right):
        total += a @ b.T
    return total


def squared_distances(left: NDArray, right: NDArray) -> NDArray:
    """Compute squared Euclidean distances between samples, over all markers.

    Parameters
    ----------
    left : ndarray of shape (n_left, n_markers)
        Dosages.
    right : ndarray of shape (n_right, n_markers)
        Dosages; the same array as `left` costs half.

    Returns
    -------
    ndarray of shape (n_left, n_right), of float64
        Distances >= 0, in squared units of dosage.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.relationship import squared_distances
    >>> squared_distances(np.array([[0, 0], [2, 1]]), np.array([[0, 1]]))
    array([[1.],
           [4.]])
    """
    total = np.zeros((len(left), len(right)))
    for a, b in _pairs_of_blocks(left, right):
        total += (a**2).sum(axis=1)[:, None]
        total += (b**2).sum(axis=1)
        total -= 2 * (a @ b.T)
    return np.maximum(total, 0)


def marker_sums(X: NDArray, weights: NDArray) -> NDArray:
    """Compute ``(X - o)' A``, the weighted sums over samples, where ``o`` is the first row of `X`.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.
    weights : ndarray of shape (n_samples, n_traits)
        Weights ``A``; where they sum to 0, the origin cancels.

    Returns
    -------
    ndarray of shape (n_markers, n_traits)
        Sums; exactly 0 for a marker that does not vary.
    """
    width = max(1, BLOCK // len(X))
    blocks = _shifted_blocks(X, X[0], np.float64, width)
    return np.concatenate([block.T @ weights for block in blocks])


def genetic_values(X: NDArray, effects: NDArray) -> NDArray:
    """Compute ``X B'``, each sample's sum of marker effects.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.
    effects : ndarray of shape (n_markers,) or (n_traits, n_markers)
        Marker effects ``B``.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_traits)
        Genetic values.
    """
    height = max(1, BLOCK // X.shape[1])
    rows = range(0, len(X), height)
    return np.concatenate([X[s : s + height].astype(np.float64) @ effects.T for s in rows])


def column_moments(X: NDArray, weights: NDArray | None = None) -> tuple[NDArray, NDArray]:
    """Compute mean and standard deviation of each column, a block of rows at a time.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages without missing values; never copied as a whole.
    weights : ndarray of shape (n_samples,) or None, default=None
        Weights > 0 of the samples; None = all 1.

    Returns
    -------
    mean, scale : ndarray of shape (n_markers,), of float64
        The scale of a constant column is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.relationship import column_moments
    >>> column_moments(np.array([[0, 1], [2, 1]], dtype=np.int8))
    (array([1., 1.]), array([1., 1.]))
    """
    blocks = [slice(i, i + ROWS) for i in range(0, len(X), ROWS)]
    if weights is None:
        mean = sum(X[b].sum(axis=0, dtype=np.float64) for b in blocks) / len(X)
        variance = sum(np.square(X[b] - mean).sum(axis=0) for b in blocks) / len(X)
    else:
        mean = sum(weights[b] @ X[b] for b in blocks) / weights.sum()
        variance = sum(weights[b] @ np.square(X[b] - mean) for b in blocks) / weights.sum()
    return mean, spread_or_one(np.sqrt(variance), mean)


def marker_factors(
    X: NDArray, marker_weights: ArrayLike | None = None, weights: NDArray | None = None
) -> tuple[NDArray, NDArray]:
    """Compute what dosages are shifted and multiplied by: ``z = (x - center) * factors``.

    Divided by its standard deviation `s`, each marker would have one variance, rare ones the larger
    effects; left as it is, effects of one size. ``factors ~ s ** -0.5`` lies between: effects of
    variance ``s ** (2 alpha)`` with ``alpha = -1 / 2``, about what human traits are found to have.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages without missing values; never copied as a whole.
    marker_weights : array-like of shape (n_markers,), default=None
        How often each marker counts, > 0; None = all 1.
    weights : ndarray of shape (n_samples,) or None, default=None
        Weights > 0 of the samples; None = all 1.

    Returns
    -------
    center, factors : ndarray of shape (n_markers,), of float64
        Means, and factors such that the variances of z add up to 1; 0 where a marker does not vary.

    References
    ----------
    Zeng J et al. (2018) Signatures of negative selection in the genetic architecture of human
    complex traits. Nat Genet 50:746-753.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.relationship import marker_factors
    >>> center, factors = marker_factors(np.array([[0, 1, 0], [2, 1, 8]]))
    >>> center, factors**2  # standard deviations of 1, 0 and 4
    (array([1., 1., 4.]), array([0.2 , 0.  , 0.05]))
    """
    counts = np.ones(X.shape[1])
    if marker_weights is not None:
        counts = np.asarray(marker_weights, dtype=np.float64)
    center, spread = column_moments(X, weights)
    counts = counts * (X.max(axis=0) > X.min(axis=0))
    total = counts @ spread
    return center, np.sqrt(counts / spread / (total if total > 0 else 1.0))


def spread_or_one(spread: NDArray, mean: NDArray) -> NDArray:
    """Return the spread of values with this mean, 1 where they are equal.

    Parameters
    ----------
    spread, mean : ndarray of shape (n,)
        Standard deviations and means.

    Returns
    -------
    ndarray of shape (n,)
        Spread > 0, to divide by.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.relationship import spread_or_one
    >>> spread_or_one(np.array([2.0, 1e-17]), np.array([0.0, 1.0]))
    array([2., 1.])
    """
    # The spread of equal numbers is zero but for rounding.
    return np.where(spread > 1e-10 * np.abs(mean), spread, 1.0)


def _pairs_of_blocks(left: NDArray, right: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    dtype, width = _precision(left, right)
    blocks = _shifted_blocks(right, right[0], dtype, width)
    if left is right:
        return ((block, block) for block in blocks)
    return zip(_shifted_blocks(left, right[0], dtype, width), blocks, strict=True)


def _precision(left: NDArray, right: NDArray) -> tuple[DTypeLike, int]:
    """Return float32 and a width of blocks that keeps sums exact, or float64."""
    width = max(1, BLOCK // max(len(left), len(right)))
    if left.dtype.kind in "iub" and right.dtype.kind in "iub":
        span = max(int(left.max()), int(right.max())) - min(int(left.min()), int(right.min()))
        exact = EXACT // max(1, span**2)
        if exact >= 256:
            return np.float32, min(width, exact)
    return np.float64, width


def _shifted_blocks(X: NDArray, origin: NDArray, dtype: DTypeLike, width: int) -> Iterator[NDArray]:
    for start in range(0, X.shape[1], width):
        columns = slice(start, start + width)
        block = X[:, columns].astype(dtype)
        block -= origin[columns].astype(dtype)
        yield block
