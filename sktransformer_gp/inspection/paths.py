"""Integrals of gradients along straight paths, exact where the function has kinks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import gen_batches
from torch import Tensor

BATCH = 64  # points evaluated at a time
N_NODES = 2
N_PIECES = 4  # to begin with: fewer can be right in sum and wrong marker by marker
MOST_ROUNDS = 40

Function = Callable[[Tensor], Tensor]


def integrate_gradients(
    function: Function, reference: Tensor, steps: Tensor, tolerance: float
) -> NDArray:
    """Integrate gradients along the line from a reference to each sample.

    Each path begins as four pieces, integrated by Gauss-Legendre quadrature. The integral over a
    piece is known without it: it is the difference of the function between its ends. Pieces that
    miss theirs are halved, until all of a path together miss no more than the tolerance.

    Parameters
    ----------
    function : callable
        Maps points (n, M) to values (n,), differentiably.
    reference : Tensor of shape (1, M)
        Where all paths begin.
    steps : Tensor of shape (n_samples, M)
        From there to the samples.
    tolerance : float
        Largest sum of what the pieces of a path miss.

    Returns
    -------
    ndarray of shape (n_samples, M), of float64
        ``steps * (mean gradient over the path)``.

    Raises
    ------
    FloatingPointError
        If the tolerance cannot be kept: it is below the rounding of the function.

    Examples
    --------
    >>> import torch
    >>> from sktransformer_gp.inspection.paths import integrate_gradients
    >>> kinked = lambda x: (x[:, 0] - 0.2).relu() * x[:, 1]
    >>> ends = torch.tensor([[1.0, 1.0]])
    >>> integrate_gradients(kinked, torch.zeros(1, 2), ends, 1e-3).round(2).tolist()
    [[0.48, 0.32]]
    """
    paths = _Paths(function, reference, steps)
    pieces = paths.cut()
    for _ in range(MOST_ROUNDS):
        wrong = pieces.find_wrong(tolerance)
        if not wrong.any():
            out = np.zeros(steps.shape)
            np.add.at(out, pieces.rows, pieces.integrals)
            return out
        pieces = pieces.take(~wrong).join(paths.halve(pieces.take(wrong)))
    raise FloatingPointError(
        f"the contributions of a sample miss their sum by more than {tolerance:g} after "
        f"{MOST_ROUNDS} rounds of halving"
    )


@dataclass(frozen=True)
class _Pieces:
    """Pieces of paths: samples, both ends (0 = reference, 1 = sample), values there, integrals."""

    rows: NDArray
    ends: NDArray  # (n_pieces, 2)
    values: NDArray  # (n_pieces, 2)
    integrals: NDArray  # (n_pieces, M)

    def find_wrong(self, tolerance: float) -> NDArray:
        """Return which pieces miss more than their share, on paths that miss too much."""
        errors = self.integrals.sum(axis=1) - np.diff(self.values)[:, 0]
        missed = np.abs(np.bincount(self.rows, errors))[self.rows]
        share = tolerance / np.bincount(self.rows)[self.rows]
        return (missed > tolerance) & (np.abs(errors) > share)

    def take(self, chosen: NDArray) -> "_Pieces":
        return _Pieces(*(values[chosen] for values in vars(self).values()))

    def join(self, others: "_Pieces") -> "_Pieces":
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return _Pieces(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class _Paths:
    """The function along straight lines from a reference."""

    function: Function
    reference: Tensor
    steps: Tensor

    def cut(self) -> _Pieces:
        """Return each path in few pieces."""
        n_samples, cuts = len(self.steps), np.linspace(0, 1, N_PIECES + 1)
        values = self._evaluate(
            np.repeat(np.arange(n_samples), len(cuts)), np.tile(cuts, n_samples)
        ).reshape(n_samples, -1)
        rows = np.repeat(np.arange(n_samples), N_PIECES)
        ends = np.tile(np.column_stack([cuts[:-1], cuts[1:]]), (n_samples, 1))
        return self._integrate(
            rows, ends, np.stack([values[:, :-1], values[:, 1:]], 2).reshape(-1, 2)
        )

    def halve(self, pieces: _Pieces) -> _Pieces:
        """Return both halves of pieces."""
        middles = pieces.ends.mean(axis=1)
        at_middles = self._evaluate(pieces.rows, middles)
        ends, values = (
            np.concatenate([np.column_stack([old[:, 0], new]), np.column_stack([new, old[:, 1]])])
            for old, new in ((pieces.ends, middles), (pieces.values, at_middles))
        )
        return self._integrate(np.tile(pieces.rows, 2), ends, values)

    def _integrate(self, rows: NDArray, ends: NDArray, values: NDArray) -> _Pieces:
        """Return pieces with their integrals, by quadrature."""
        nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
        widths = np.diff(ends)  # (n_pieces, 1)
        total = np.zeros((len(widths), self.steps.shape[1]))
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            places = ends[:, 0] + node * widths[:, 0]
            for batch in gen_batches(len(places), BATCH):
                gradients = self._gradient(rows[batch], places[batch])
                total[batch] += weight * widths[batch] * gradients
        return _Pieces(rows, ends, values, total * self.steps.double().numpy()[rows])

    def _evaluate(self, rows: NDArray, places: NDArray) -> NDArray:
        with torch.inference_mode():
            parts = [
                self.function(self._points(rows[batch], places[batch])).cpu().double().numpy()
                for batch in gen_batches(len(rows), BATCH)
            ]
        return np.concatenate(parts)

    def _gradient(self, rows: NDArray, places: NDArray) -> NDArray:
        points = self._points(rows, places).requires_grad_(True)
        (gradient,) = torch.autograd.grad(self.function(points).sum(), points)
        return gradient.cpu().double().numpy()

    def _points(self, rows: NDArray, places: NDArray) -> Tensor:
        steps = self.steps[rows]
        return self.reference + torch.as_tensor(places, dtype=steps.dtype)[:, None] * steps
