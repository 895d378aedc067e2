"""Samples that are copies of each other: equal dosages and equal phenotypes."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from sktransformer_gp.weights import SampleWeights, drop_weightless

Rows = tuple[NDArray, NDArray, SampleWeights | None]


def distinct_rows(
    X: NDArray, Y: NDArray, weights: NDArray | None, weighting: str
) -> tuple[Rows, NDArray | slice]:
    """Return the rows with a weight, copies as one of their number as weight.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    weights : ndarray of shape (n_samples,) or None
        Weights >= 0; None = all 1.
    weighting : {"repeats", "precision"}
        What a weight means; where it is no number of equal samples, copies stay as they are, and so
        they do where they are all that is observed of a trait.

    Returns
    -------
    rows : tuple of X, Y and SampleWeights or None
        The very arrays where nothing is left out or merged; None where all weights are 1.
    place : ndarray of int, or slice
        Where each row with a weight is found in them.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.copies import distinct_rows
    >>> X, Y = np.array([[0], [1], [0]]), np.array([[5.0], [4.0], [5.0]])
    >>> (_, Y, weights), place = distinct_rows(X, Y, None, "repeats")
    >>> sorted(zip(Y[:, 0].tolist(), weights.values.tolist())), Y[place, 0]
    ([(4.0, 1.0), (5.0, 2.0)], array([5., 4., 5.]))
    """
    X, Y, used = drop_weightless(X, Y, weights, weighting)
    if weighting == "repeats":
        values = np.ones(len(X)) if used is None else used.values
        if (values == 1).all() and not has_copies(X, Y):
            return (X, Y, None), slice(None)
        first, merged, place = merge_copies(X, Y, values)
        if (~np.isnan(Y[first])).sum(axis=0).min() >= 2:
            return (X[first], Y[first], SampleWeights(merged, repeats=True)), place
    return (X, Y, used), slice(None)


def merge_copies(X: NDArray, Y: NDArray, weights: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Find samples that are copies of each other, and put the distinct ones in a fixed order.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    weights : ndarray of shape (n_samples,)
        Weights > 0.

    Returns
    -------
    first : ndarray of shape (n_distinct,), of int
        A row of each distinct sample, in an order that depends on dosages and phenotypes alone.
    weights : ndarray of shape (n_distinct,)
        Summed weights of its copies.
    place : ndarray of shape (n_samples,), of int
        Number of the distinct sample that each row is.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.copies import merge_copies
    >>> X, Y = np.array([[0], [1], [0]]), np.array([[5.0], [5.0], [5.0]])
    >>> first, weights, place = merge_copies(X, Y, np.ones(3))
    >>> sorted(zip(X[first, 0].tolist(), weights.tolist())), place[0] == place[2]
    ([(0, 2.0), (1, 1.0)], np.True_)
    """
    _, first, place = np.unique(_digests(X, Y), return_index=True, return_inverse=True)
    return first, np.bincount(place, weights=weights), place


def has_copies(X: NDArray, Y: NDArray) -> bool:
    """Tell whether two samples have the same dosages and the same phenotypes.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.
    Y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.

    Returns
    -------
    bool
        Dosages are looked at only where phenotypes are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.copies import has_copies
    >>> has_copies(np.array([[0], [1], [0]]), np.array([[5.0], [5.0], [7.0]]))
    False
    """
    _, place, counts = np.unique(_digests(Y), return_inverse=True, return_counts=True)
    alike = np.flatnonzero(counts[place] > 1)
    return len(alike) > len(np.unique(_digests(X[alike], Y[alike])))


def _digests(*arrays: NDArray) -> NDArray:
    """Return a text for each sample that only its copies have, too."""
    rows = zip(*map(np.ascontiguousarray, arrays), strict=True)
    return np.array([hashlib.sha256(b"".join(row)).hexdigest() for row in rows], dtype="U64")
