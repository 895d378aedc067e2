"""The marker map: names that carry chromosome and position, and windows along it.

A marker's name is ``"<chromosome>:<position>"`` or ``"<chromosome>:<position>:<id>"``. Names are
what scikit-learn hands from step to step (``feature_names_in_``, ``get_feature_names_out``), so a
map that lives in the names survives every filter of a pipeline without the user slicing arrays.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

SEPARATOR = ":"


def marker_names(
    chromosomes: ArrayLike, positions: ArrayLike, ids: ArrayLike | None = None
) -> np.ndarray:
    """Write chromosome, position and, where given, the marker's own id into one name each.

    Parameters
    ----------
    chromosomes : array-like of shape (n_markers,)
        Chromosome of each marker; may not contain ``":"``.
    positions : array-like of shape (n_markers,)
        Position on the chromosome, in the data set's own unit (base pairs, Mbp or cM).
    ids : array-like of shape (n_markers,), default=None
        The marker's id; may contain anything.

    Returns
    -------
    ndarray of shape (n_markers,), of str
        ``"<chromosome>:<position>"`` or ``"<chromosome>:<position>:<id>"``.

    Raises
    ------
    ValueError
        If a chromosome's name contains ``":"``, or the lengths differ.

    Examples
    --------
    >>> from sktransformer_gp.markers import marker_names
    >>> marker_names(["chr01", "chr02"], [27915, 310], ["a", "b"]).tolist()
    ['chr01:27915:a', 'chr02:310:b']
    """
    columns = [np.asarray(c).astype(str) for c in (chromosomes, positions, ids) if c is not None]
    if len({c.shape for c in columns}) != 1 or columns[0].ndim != 1:
        raise ValueError(
            "chromosomes, positions and ids need one entry for each marker, got shapes "
            f"{[c.shape for c in columns]}"
        )
    bad = [name for name in np.unique(columns[0]) if SEPARATOR in name]
    if bad:
        raise ValueError(f"a chromosome's name may not contain {SEPARATOR!r}, got {bad[0]!r}")
    return np.array([SEPARATOR.join(parts) for parts in zip(*columns, strict=True)], dtype=object)


def chromosomes_from_names(names: Sequence[str] | np.ndarray | None) -> np.ndarray | None:
    """Read the chromosome of each marker from its name.

    Parameters
    ----------
    names : sequence of str or None
        Marker names.

    Returns
    -------
    ndarray of shape (n_markers,), of str, or None
        The part before the first ``":"``; None where there are no names, or where any name has no
        ``":"`` (a map that covers only some of the markers is no map).

    Examples
    --------
    >>> from sktransformer_gp.markers import chromosomes_from_names
    >>> chromosomes_from_names(["chr01:27915:a", "chr02:310"]).tolist()
    ['chr01', 'chr02']
    >>> chromosomes_from_names(["wPt.0538", "wPt.8463"]) is None
    True
    """
    if names is None or not all(SEPARATOR in name for name in names):
        return None
    return np.array([name.split(SEPARATOR, 1)[0] for name in names], dtype=object)


def input_names(
    n_markers: int, feature_names: np.ndarray | None, chromosomes: ArrayLike | None
) -> np.ndarray:
    """Return marker names that carry the map, where it is known.

    Parameters
    ----------
    n_markers : int
        Number of markers.
    feature_names : ndarray of shape (n_markers,) or None
        Names that came with the dosages.
    chromosomes : array-like of shape (n_markers,) or None
        Chromosome of each marker; takes the place of the names.

    Returns
    -------
    ndarray of shape (n_markers,), of str
        The names.

    Raises
    ------
    ValueError
        If `chromosomes` has not one entry for each marker.

    Examples
    --------
    >>> from sktransformer_gp.markers import input_names
    >>> input_names(2, None, [1, 2]).tolist(), input_names(2, None, None).tolist()
    (['1:0', '2:1'], ['x0', 'x1'])
    """
    columns = np.arange(n_markers)
    if chromosomes is None:
        unnamed = np.array([f"x{j}" for j in columns], dtype=object)
        return unnamed if feature_names is None else feature_names
    if np.shape(chromosomes) != (n_markers,):
        raise ValueError(
            f"chromosomes has the shape {np.shape(chromosomes)}, but X has {n_markers} markers"
        )
    return marker_names(chromosomes, columns)


def chromosome_runs(chromosomes: np.ndarray | None, n_markers: int) -> list[slice]:
    """Cut the marker order into runs of one chromosome.

    Parameters
    ----------
    chromosomes : ndarray of shape (n_markers,) or None
        Chromosome of each marker; None = one run with all markers.
    n_markers : int
        Number of markers.

    Returns
    -------
    list of slice
        Runs in marker order. A chromosome whose markers do not lie together gives several runs.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.markers import chromosome_runs
    >>> chromosome_runs(np.array(["1", "1", "2"]), 3)
    [slice(0, 2, None), slice(2, 3, None)]
    """
    if chromosomes is None:
        return [slice(0, n_markers)]
    starts = np.flatnonzero(np.r_[True, chromosomes[1:] != chromosomes[:-1]]).tolist()
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], n_markers], strict=True)]


def window_index(chromosomes: np.ndarray | None, n_markers: int, size: int) -> np.ndarray:
    """Assign each marker to a window; windows never straddle chromosomes.

    Each run of one chromosome is cut into the fewest windows of at most `size` markers, as equal
    in length as can be, so that no chromosome ends in a window of one or two markers.

    Parameters
    ----------
    chromosomes : ndarray of shape (n_markers,) or None
        Chromosome of each marker; None = contiguous windows over all markers.
    n_markers : int
        Number of markers.
    size : int
        Largest number of markers in a window, >= 1.

    Returns
    -------
    ndarray of shape (n_windows, width), of int
        Column of the marker in each place of each window; ``n_markers`` fills the places that a
        shorter window leaves over (the encoder reads a constant 0 there).

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.markers import window_index
    >>> window_index(np.array(["1", "1", "1", "2"]), 4, size=2)
    array([[0, 1],
           [2, 4],
           [3, 4]])
    """
    windows = [
        part
        for run in chromosome_runs(chromosomes, n_markers)
        for part in np.array_split(
            np.arange(run.start, run.stop), -(-(run.stop - run.start) // size)
        )
    ]
    index = np.full((len(windows), max(map(len, windows))), n_markers)
    for row, window in zip(index, windows, strict=True):
        row[: len(window)] = window
    return index
