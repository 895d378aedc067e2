"""Linkage disequilibrium between markers: squared correlations of dosages, and blocks of them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sktransformer_gp.markers import (
    SEPARATOR,
    chromosome_runs,
    chromosomes_from_names,
    input_names,
    window_index,
)
from sktransformer_gp.preprocessing import LinkageMerger
from sktransformer_gp.validation import check_dosages

BLOCK = 1024


def linkage(
    X: ArrayLike, chromosomes: ArrayLike | None = None, *, window_size: int | None = None
) -> pd.DataFrame:
    """Compute linkage disequilibrium r2 between all markers, or between windows of them.

    ``r2_jl = corr(x_j, x_l)^2`` over the samples; 0 where a marker does not vary.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy without missing values, at least 2 samples.
    chromosomes : array-like of shape (n_markers,), default=None
        Chromosome of each marker; None = read from the markers' names where `X` is a DataFrame.
    window_size : int, default=None
        Largest number of markers in a window; windows stay inside chromosomes. None = each marker
        by itself: 4 bytes for each pair, 540 MB for 11,623 markers.

    Returns
    -------
    DataFrame of shape (n_markers, n_markers) or (n_windows, n_windows), of float32
        r2 in [0, 1], of windows the mean over their pairs of markers (so that the diagonal is below
        1 where a window spans recombinations). Rows and columns are named by marker, or by window:
        ``"<chromosome>:<first position>-<last position>"``.

    Raises
    ------
    ValueError
        If a dosage is missing, there is one sample only, `window_size` is below 1, or `chromosomes`
        does not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.inspection import linkage
    >>> X = pd.DataFrame({"1:10": [0, 0, 1, 1], "1:11": [1, 1, 0, 0], "2:5": [0, 1, 0, 1]})
    >>> linkage(X)
          1:10  1:11  2:5
    1:10   1.0   1.0  0.0
    1:11   1.0   1.0  0.0
    2:5    0.0   0.0  1.0
    """
    if window_size is not None and window_size < 1:
        raise ValueError(f"window_size is at least 1, got {window_size!r}")
    holder = BaseEstimator()
    X = check_dosages(holder, X, reset=True, min_samples=2)
    names = input_names(X.shape[1], getattr(holder, "feature_names_in_", None), chromosomes)
    Z = standardised(X)
    if window_size is None:
        r2 = np.empty((len(Z), len(Z)), dtype=np.float32)
        for rows, columns, block in _blocks(Z, np.arange(len(Z))):
            r2[rows, columns], r2[columns, rows] = block, block.T
        given = getattr(holder, "feature_names_in_", names)
        return pd.DataFrame(r2, given, given, copy=False)
    starts = window_index(chromosomes_from_names(names), len(Z), window_size)[:, 0]
    windows = span_names(names, starts, np.append(starts[1:], len(Z)) - 1)
    return pd.DataFrame(_window_means(Z, starts).astype(np.float32), windows, windows)


def standardised(X: NDArray) -> NDArray:
    """Centre each marker and scale it to length 1; a constant marker becomes 0.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages.

    Returns
    -------
    ndarray of shape (n_markers, n_samples), of float32
        Unit vectors, whose products are correlations.
    """
    Z = np.array(X.T, dtype=np.float32, order="C")
    Z -= Z.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z / np.where(norms > 1e-6 * np.sqrt(Z.shape[1]), norms, np.inf)


def linkage_blocks(X: NDArray, markers: NDArray, r2: float) -> list[NDArray]:
    """Group neighbouring markers that are linked with the first of their block.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages without missing values.
    markers : ndarray of shape (n_markers,), of str
        Marker names.
    r2 : float in (0, 1]
        Smallest squared correlation with the first marker.

    Returns
    -------
    list of ndarray of int
        Markers of each block, in order; those that do not vary are in none.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.inspection.disequilibrium import linkage_blocks
    >>> X = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]])
    >>> linkage_blocks(X, np.array(["1:5", "1:6", "1:9"]), r2=0.5)
    [array([0, 1]), array([2])]
    """
    groups = LinkageMerger(r2).fit(pd.DataFrame(X, columns=markers)).groups_
    varying = np.flatnonzero(groups >= 0)
    return np.split(varying, np.flatnonzero(np.diff(groups[varying])) + 1)


def span_names(markers: NDArray, first: NDArray, last: NDArray) -> list[str]:
    """Name runs of markers by chromosome, first and last position.

    Parameters
    ----------
    markers : ndarray of shape (n_markers,), of str
        Marker names.
    first, last : ndarray of shape (n_runs,), of int
        First and last marker of each run.

    Returns
    -------
    list of str
        ``"<chromosome>:<first position>-<last position>"``, or ``"<first name>-<last name>"`` where
        names carry no map.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.inspection.disequilibrium import span_names
    >>> span_names(np.array(["1:10:a", "1:20:b", "2:5"]), np.array([0, 2]), np.array([1, 2]))
    ['1:10-20', '2:5-5']
    """
    if chromosomes_from_names(markers) is None:
        return [f"{a}-{b}" for a, b in zip(markers[first], markers[last], strict=True)]
    parts = [name.split(SEPARATOR) for name in markers]
    return [
        f"{parts[a][0]}{SEPARATOR}{parts[a][1]}-{parts[b][1]}"
        for a, b in zip(first, last, strict=True)
    ]


def smooth(values: NDArray, X: NDArray, markers: NDArray, r2: float | None) -> NDArray:
    """Sum values over linked neighbours, with weights ``max(0, (r2_jl - r2) / (1 - r2))``.

    Parameters
    ----------
    values : ndarray of shape (n, n_markers)
        Values of each marker.
    X : ndarray of shape (n_samples, n_markers)
        Dosages, for the squared correlations.
    markers : ndarray of shape (n_markers,), of str
        Marker names: nothing is shared between chromosomes, nor beyond 1,024 markers.
    r2 : float in [0, 1) or None
        Squared correlation from which on markers share; None = `values` as they are.

    Returns
    -------
    ndarray of shape (n, n_markers)
        Sums; a marker's own value counts fully.

    Raises
    ------
    ValueError
        If `r2` is outside [0, 1).
    """
    if r2 is None:
        return values
    if not 0 <= r2 < 1:
        raise ValueError(f"smoothing lies in [0, 1) or is None, got {r2!r}")
    Z, out = standardised(X), np.empty(values.shape)
    for run in chromosome_runs(chromosomes_from_names(markers), len(markers)):
        for start in range(run.start, run.stop, BLOCK):
            block = slice(start, min(start + BLOCK, run.stop))
            near = slice(max(run.start, start - BLOCK), min(run.stop, block.stop + BLOCK))
            weights = np.maximum((Z[near] @ Z[block].T) ** 2 - r2, 0) / (1 - r2)
            out[:, block] = values[:, near] @ weights
    return out


def _window_means(Z: NDArray, starts: NDArray) -> NDArray:
    """Average r2 over the pairs of markers of each two windows."""
    sums = np.zeros((len(starts), len(starts)))
    for rows, columns, block in _blocks(Z, starts):
        a, b = starts[rows], starts[columns]
        first, second = (a - a[0], b - b[0])
        part = np.add.reduceat(np.add.reduceat(block, first, 0), second, 1, dtype=np.float64)
        sums[rows, columns], sums[columns, rows] = part, part.T
    sizes = np.diff(np.append(starts, len(Z)))
    return sums / np.outer(sizes, sizes)


def _blocks(Z: NDArray, starts: NDArray) -> Iterator[tuple[slice, slice, NDArray]]:
    """Yield r2 of blocks of windows with those that follow: numbers of windows, r2 of markers."""
    ends = np.append(starts, len(Z))
    cuts = np.unique(np.searchsorted(starts, np.arange(0, len(Z) + BLOCK, BLOCK)))
    for i, a in enumerate(cuts[:-1]):
        left = Z[ends[a] : ends[cuts[i + 1]]]
        for b, c in zip(cuts[i:-1], cuts[i + 1 :], strict=True):
            correlations = left @ Z[ends[b] : ends[c]].T
            yield slice(a, cuts[i + 1]), slice(b, c), np.square(correlations, out=correlations)
