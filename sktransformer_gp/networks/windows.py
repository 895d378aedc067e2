"""Windows of neighbouring markers with weights of their own, and what lies beside them.

Shapes in the comments: B individuals in the batch, T windows, W markers in a window, D = d_model,
C dosages.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn


class WindowLinear(nn.Module):
    """An affine map for each window.

    Parameters
    ----------
    n_windows, n_in, n_out : int
        Sizes.
    generator : Generator
        Source of the initial weights, normal with variance 1 / n_in.
    """

    def __init__(self, n_windows: int, n_in: int, n_out: int, generator: Generator):
        super().__init__()
        weight = torch.randn(n_windows, n_in, n_out, generator=generator)
        self.weight = nn.Parameter(weight * n_in**-0.5)
        self.bias = nn.Parameter(torch.zeros(n_windows, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (T, B, n_in) to (T, B, n_out)."""
        return torch.baddbmm(self.bias, x, self.weight)


def window_neighbours(windows: NDArray, chromosomes: NDArray | None) -> NDArray:
    """Find the windows before and after each, on the same chromosome.

    Parameters
    ----------
    windows : ndarray of shape (T, W), of int
        Markers of each window, see :func:`sktransformer_gp.markers.window_index`.
    chromosomes : ndarray of shape (n_markers,) or None
        Chromosome of each marker; None = one chromosome.

    Returns
    -------
    ndarray of shape (T, 3), of int
        Window before, the window itself and the one after; T where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.networks.windows import window_neighbours
    >>> window_neighbours(np.array([[0], [1], [2]]), np.array(["1", "1", "2"]))
    array([[3, 0, 1],
           [0, 1, 3],
           [3, 2, 3]])
    """
    n = len(windows)
    own = np.arange(n)
    around = own[:, None] + [-1, 0, 1]
    valid = (around >= 0) & (around < n)
    if chromosomes is not None:
        homes = chromosomes[windows[:, 0]]
        valid &= homes[around.clip(0, n - 1)] == homes[:, None]
    return np.where(valid, around, n)


def marker_places(windows: NDArray, n_markers: int) -> NDArray:
    """Find each marker among the flattened places of all windows.

    Parameters
    ----------
    windows : ndarray of shape (T, W), of int
        Markers of each window; `n_markers` in an empty place.
    n_markers : int
        Number of markers.

    Returns
    -------
    ndarray of shape (n_markers,), of int
        Place of each marker, 0..T * W - 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.networks.windows import marker_places
    >>> marker_places(np.array([[0, 3], [1, 2]]), 3)
    array([0, 2, 3])
    """
    flat = windows.ravel()
    filled = np.flatnonzero(flat < n_markers)
    return filled[np.argsort(flat[filled])]
