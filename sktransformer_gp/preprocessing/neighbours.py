"""Missing dosages predicted from what is near: similar samples, or markers around on a chromosome.

Both classes work on plain arrays, dosages and a mask of what is missing; they serve
:class:`~sktransformer_gp.preprocessing.DosageImputer`.
"""

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK = 2048  # markers whose products between samples are added up at once
TARGETS = 256  # markers whose regressions are solved at once
ENTRIES = 2**16  # missing dosages that are predicted at once
PASSES = 3
PENALTY = 20.0


class NearestSamples:
    """Predict a missing dosage from the nearest training rows in which it is observed.

    The distance of two samples is the mean squared difference over the markers observed in both.

    Parameters
    ----------
    n_neighbors : int
        Number of samples that donate a dosage, at most.
    as_calls : bool
        Whether a prediction is the donors' most frequent dosage (of several, the smallest) or
        their mean.
    """

    def __init__(self, n_neighbors: int, as_calls: bool):
        self.n_neighbors = n_neighbors
        self.as_calls = as_calls

    def fit(self, X: NDArray, missing: NDArray) -> "NearestSamples":
        """Keep the training rows; dosages and mask of shape (n_samples, n_markers)."""
        self.dosages = np.where(missing, 0, X).astype(X.dtype)
        self.observed = ~missing
        if self.as_calls:
            self.calls = np.unique(self.dosages)
        return self

    def predict(self, X: NDArray, missing: NDArray) -> NDArray:
        """Return a dosage for each True of the mask, row by row; NaN where there is no donor."""
        rows = np.flatnonzero(missing.any(axis=1))
        distances = self._distances(np.where(missing[rows], 0, X[rows]), ~missing[rows])
        order = np.argsort(distances, axis=1, kind="stable")  # NaN last
        n_donors = (~np.isnan(distances)).sum(axis=1)
        values = [
            self._donated(ranked[:n], np.flatnonzero(missing[row]), 4 * self.n_neighbors)
            for row, ranked, n in zip(rows, order, n_donors, strict=True)
        ]
        return np.concatenate([np.empty(0), *values])

    def _distances(self, X: NDArray, observed: NDArray) -> NDArray:
        """Return distances (n_samples, n_training_rows), NaN where no marker is shared."""
        # Float32 sums of a block are exact for whole dosages.
        dtype: DTypeLike = np.float64 if X.dtype.kind == "f" else np.float32
        total = np.zeros((len(X), len(self.dosages)))
        n_shared = np.zeros_like(total)
        for start in range(0, X.shape[1], BLOCK):
            block = (slice(None), slice(start, start + BLOCK))
            left, right = X[block].astype(dtype), self.dosages[block].astype(dtype)
            in_left, in_right = observed[block].astype(dtype), self.observed[block].astype(dtype)
            total += (left**2) @ in_right.T + in_left @ (right**2).T - 2 * (left @ right.T)
            n_shared += in_left @ in_right.T
        return np.divide(total, n_shared, out=np.full_like(total, np.nan), where=n_shared > 0)

    def _donated(self, ranked: NDArray, markers: NDArray, depth: int) -> NDArray:
        """Combine what the nearest rows have at the missing markers of one sample."""
        chosen = np.ix_(ranked[:depth], markers)
        dosages, observed = self.dosages[chosen], self.observed[chosen]
        used = observed & (np.cumsum(observed, axis=0, dtype=np.int32) <= self.n_neighbors)
        n_used = used.sum(axis=0)
        values = self._combined(dosages, used, n_used)
        short = n_used < self.n_neighbors
        if short.any() and depth < len(ranked):
            values[short] = self._donated(ranked, markers[short], 8 * depth)
        return values

    def _combined(self, dosages: NDArray, used: NDArray, n_used: NDArray) -> NDArray:
        if self.as_calls:
            votes = [((dosages == call) & used).sum(axis=0) for call in self.calls]
            return np.where(n_used > 0, self.calls[np.argmax(votes, axis=0)], np.nan)
        total = np.where(used, dosages, 0).sum(axis=0, dtype=np.float64)
        return np.divide(total, n_used, out=np.full(len(total), np.nan), where=n_used > 0)


class LinkageRegression:
    """Predict a missing dosage from the markers around it, with a ridge regression per marker.

    Neighbours that are missing themselves count as their mean in the first pass, and as what the
    pass before predicted in each later one; every pass has weights of its own. The penalty on a
    neighbour's weight is `PENALTY` over the number of samples, in units of its variance.

    Parameters
    ----------
    n_neighbors : int
        Number of markers around each marker that predict it, of the same chromosome.
    as_calls : bool
        Whether a prediction is the most likely of the dosages that occur at the marker, given
        their frequencies and the spread about the regression, or the expected dosage.
    """

    def __init__(self, n_neighbors: int, as_calls: bool):
        self.n_neighbors = n_neighbors
        self.as_calls = as_calls

    def fit(self, X: NDArray, missing: NDArray, runs: list[slice]) -> "LinkageRegression":
        """Learn the weights; dosages and mask (n_samples, n_markers), one run a chromosome."""
        self.mean = mean_of_observed(X, missing)
        self.range = [f(X, where=~missing, initial=0) for f in (np.min, np.max)]
        if self.as_calls:
            self.calls, self.frequencies = _call_frequencies(X, missing)
        self.neighbours = np.concatenate([_around(run, self.n_neighbors) for run in runs])
        self.passes = []
        Z = self._centred(X, missing)
        rows, markers = np.nonzero(missing)
        for _ in range(PASSES if len(rows) else 1):
            self.passes.append(self._regress(Z, missing, runs))
            self._fill(Z, rows, markers, self.passes[-1])
        # Without gaps in training, all passes are the same.
        self.passes += self.passes[:1] * (PASSES - len(self.passes))
        return self

    def predict(self, X: NDArray, missing: NDArray) -> NDArray:
        """Return a dosage for each True of the mask, row by row."""
        rows, markers = np.nonzero(missing)
        Z = self._centred(X, missing)
        for weights in self.passes:
            self._fill(Z, rows, markers, weights)
        expected = Z[rows, markers] + self.mean[markers]
        return self._most_likely(expected, markers) if self.as_calls else expected.clip(*self.range)

    def _centred(self, X: NDArray, missing: NDArray) -> NDArray:
        Z = X - self.mean.astype(np.float32)
        Z[missing] = 0
        return Z.astype(np.float32, copy=False)

    def _fill(self, Z: NDArray, rows: NDArray, markers: NDArray, weights: NDArray) -> None:
        values = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), ENTRIES):
            part = slice(start, start + ENTRIES)
            around = Z[rows[part, None], self.neighbours[markers[part]]]
            values[part] = np.einsum("kw,kw->k", around, weights[markers[part]])
        Z[rows, markers] = values

    def _regress(self, Z: NDArray, missing: NDArray, runs: list[slice]) -> NDArray:
        """Return weights (n_markers, n_neighbors); keep the spread about each regression."""
        weights = np.zeros(self.neighbours.shape, np.float32)
        self.spread = np.zeros(len(weights))
        for run in runs:
            # A short chromosome has fewer neighbours; the places left over keep a weight of 0.
            width = min(self.n_neighbors, run.stop - run.start - 1)
            for start in range(run.start, run.stop, TARGETS):
                targets = slice(start, min(start + TARGETS, run.stop))
                solved = self._solve(Z, missing, targets, self.neighbours[targets, :width])
                weights[targets, :width], self.spread[targets] = solved
        return weights

    def _solve(
        self, Z: NDArray, missing: NDArray, targets: slice, near: NDArray
    ) -> tuple[NDArray, NDArray]:
        """Return weights (n_targets, width) and residual variances (n_targets,)."""
        y = np.where(missing[:, targets], 0, Z[:, targets])
        n_observed = np.maximum((~missing[:, targets]).sum(axis=0), 1)
        variance = (y**2).sum(axis=0) / n_observed
        if near.shape[1] == 0:
            return np.zeros(near.shape), variance
        window = slice(near.min(), near.max() + 1)
        near = near - window.start
        P = Z[:, window]
        products = (P.T @ P / len(P)).astype(np.float64)
        A = products[near[:, :, None], near[:, None, :]]  # (n_targets, width, width)
        b = np.take_along_axis((y.T @ P / n_observed[:, None]).astype(np.float64), near, axis=1)
        diagonal = np.arange(near.shape[1])
        # The constant keeps a window without any variation solvable.
        A[:, diagonal, diagonal] *= 1 + PENALTY / len(P)
        A[:, diagonal, diagonal] += 1e-5
        weights = np.linalg.solve(A, b[..., None])[..., 0]
        return weights, variance - (weights * b).sum(axis=1)

    def _most_likely(self, expected: NDArray, markers: NDArray) -> NDArray:
        """Choose the call c of the largest ``log frequency - (expected - c)^2 / (2 spread)``."""
        precision = 0.5 / np.maximum(self.spread, 1e-4)[markers]
        scores = [
            np.log(np.maximum(frequency, 1e-300))[markers] - precision * (expected - call) ** 2
            for call, frequency in zip(self.calls, self.frequencies, strict=True)
        ]
        return self.calls[np.argmax(scores, axis=0)]


def mean_of_observed(X: NDArray, missing: NDArray) -> NDArray:
    """Average each marker's observed dosages.

    Parameters
    ----------
    X, missing : ndarray of shape (n_samples, n_markers)
        Dosages, and which of them are missing.

    Returns
    -------
    ndarray of shape (n_markers,), of float64
        Means; 0 for a marker that is never observed.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.preprocessing.neighbours import mean_of_observed
    >>> X = np.array([[0, -1], [1, -1]])
    >>> mean_of_observed(X, X < 0)
    array([0.5, 0. ])
    """
    n_observed = (~missing).sum(axis=0)
    total = np.where(missing, 0, X).sum(axis=0, dtype=np.float64)
    return total / np.maximum(n_observed, 1)


def _call_frequencies(X: NDArray, missing: NDArray) -> tuple[NDArray, NDArray]:
    """Return the calls that occur anywhere and the share of each at each marker."""
    calls = np.unique(np.where(missing, 0, X))
    counts = np.array([((X == call) & ~missing).sum(axis=0) for call in calls])
    return calls, counts / np.maximum((~missing).sum(axis=0), 1)


def _around(run: slice, n_neighbors: int) -> NDArray:
    """Return the nearest markers of each of a run, (n_run, n_neighbors), without itself.

    Where a run has fewer, the marker itself fills the places that are left over.
    """
    markers = np.arange(run.start, run.stop)
    width = min(n_neighbors, len(markers) - 1)
    first = np.clip(markers - width // 2, run.start, run.stop - 1 - width)
    around = np.repeat(markers[:, None], n_neighbors, axis=1)
    around[:, :width] = first[:, None] + np.arange(width)
    around[:, :width] += around[:, :width] >= markers[:, None]
    return around
