"""Concordance of samples: which are nearest to each other, and which are (nearly) the same."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SAMPLES, MARKERS = 2048, 2048  # size of a block
LEAST_SHARED = 0.1


def compare_samples(
    calls: NDArray, ploidy: int, groups: NDArray, near_identical: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare all pairs of samples by the share of equal calls among those that both have.

    Pairs that share calls at less than a tenth of the markers are not compared.

    Parameters
    ----------
    calls : ndarray of shape (n_samples, n_markers), of int
        Whole dosages 0..ploidy, -1 = missing.
    ploidy : int
        Largest dosage.
    groups : ndarray of shape (n_samples,), of int
        Number of each sample's group, -1 = unknown.
    near_identical : float
        Concordance from which on a pair is listed.

    Returns
    -------
    nearest : DataFrame
        One row per sample: row number of the `nearest` other one (-1 = compared with none), their
        `concordance`, and the means `within` the own group and `between` it and the others.
    pairs : DataFrame
        `sample` and `other`, the row numbers of the pairs listed, `concordance` and `n_compared`
        markers; the most similar first.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.concordance import compare_samples
    >>> calls = np.array([[0, 1, 2, 0], [0, 1, 2, -1], [2, 1, 0, 1]])
    >>> compare_samples(calls, 2, np.array([0, 0, 1]), near_identical=0.9)[1]
       sample  other  concordance  n_compared
    0       0      1          1.0           3
    """
    nearest, pairs = [], []
    for rows, concordance, n_compared in _blocks(calls, ploidy):
        nearest.append(_nearest(concordance, groups[rows], groups))
        i, j = np.nonzero(concordance >= near_identical)
        i, j = i[rows[i] < j], j[rows[i] < j]
        found = concordance[i, j], n_compared[i, j].astype(int)
        columns = ("sample", "other", "concordance", "n_compared")
        pairs.append(pd.DataFrame(dict(zip(columns, (rows[i], j, *found), strict=True))))
    ordered = pd.concat(pairs).sort_values("concordance", ascending=False, kind="stable")
    return pd.concat(nearest, ignore_index=True), ordered.reset_index(drop=True)


def _blocks(calls: NDArray, ploidy: int) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield row numbers, concordances and numbers of shared calls, (n_rows, n_samples)."""
    n_samples, n_markers = calls.shape
    for start in range(0, n_samples, SAMPLES):
        rows = np.arange(start, min(start + SAMPLES, n_samples))
        equal, shared = np.zeros((2, len(rows), n_samples))
        for first in range(0, n_markers, MARKERS):
            block = calls[:, first : first + MARKERS]
            for call in range(ploidy + 1):
                equal += _products(block == call, rows)
            shared += _products(block >= 0, rows)
        compared = shared >= max(1, LEAST_SHARED * n_markers)
        compared[np.arange(len(rows)), rows] = False
        yield rows, np.divide(equal, shared, np.full(equal.shape, np.nan), where=compared), shared


def _products(indicators: NDArray, rows: NDArray) -> NDArray:
    as_floats = indicators.astype(np.float32)  # counts up to the size of a block are exact
    return as_floats[rows] @ as_floats.T


def _nearest(concordance: NDArray, own: NDArray, groups: NDArray) -> pd.DataFrame:
    filled = np.nan_to_num(concordance, nan=-1)
    nearest, highest = filled.argmax(axis=1), filled.max(axis=1)
    known = (own[:, None] >= 0) & (groups >= 0)
    same = own[:, None] == groups
    return pd.DataFrame(
        {
            "nearest": np.where(highest < 0, -1, nearest),
            "concordance": np.where(highest < 0, np.nan, highest),
            "within": _mean(concordance, known & same),
            "between": _mean(concordance, known & ~same),
        }
    )


def _mean(concordance: NDArray, chosen: NDArray) -> NDArray:
    """Average the pairs chosen of each row; NaN where there are none."""
    chosen = chosen & ~np.isnan(concordance)
    n = chosen.sum(axis=1)
    total = np.where(chosen, concordance, 0).sum(axis=1)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
