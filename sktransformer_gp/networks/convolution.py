"""The convolutional net, from leaf to root: dosages -> gates -> filters -> blocks -> traits.

Shapes in the comments: B individuals in the batch, L places along the genome, C channels, K traits.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sktransformer_gp.layers import Linear, dropout
from sktransformer_gp.markers import chromosome_runs

INITIAL_GATE = 0.3
INITIAL_FILTER = 0.3
INITIAL_LOCAL_WEIGHT = 0.05
INITIAL_READOUT_WEIGHT = 0.02


def places_along_genome(chromosomes: NDArray | None, n_markers: int, gap: int) -> NDArray:
    """Line the markers up, with empty places between chromosomes and at both ends.

    Parameters
    ----------
    chromosomes : ndarray of shape (n_markers,) or None
        Chromosome of each marker; None = one chromosome.
    n_markers : int
        Number of markers.
    gap : int
        Number of empty places: a filter of ``gap + 1`` places never sees two chromosomes.

    Returns
    -------
    ndarray of shape (n_places,), of int
        Column of the marker in each place; `n_markers` in an empty one.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.networks.convolution import places_along_genome
    >>> places_along_genome(np.array(["1", "1", "2"]), 3, gap=1)
    array([3, 0, 1, 3, 2, 3])
    """
    empty = np.full(gap, n_markers)
    runs = chromosome_runs(chromosomes, n_markers)
    parts = [part for run in runs for part in (empty, np.arange(run.start, run.stop))]
    return np.concatenate([*parts, empty])


class Convolution(nn.Module):
    """Filters that slide along the genome, the same everywhere.

    Parameters
    ----------
    n_in, n_out, kernel_size : int
        Number of channels in and out, and of places under a filter.
    generator : Generator or None
        Source of the initial weights, normal with variance 1 / (n_in kernel_size); None = zero.
    stride : int, default=1
        Number of places a filter moves on; with 1 the number of places stays the same.
    """

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, generator: Generator | None, stride: int = 1
    ):
        super().__init__()
        self.stride, self.padding = stride, kernel_size // 2 if stride == 1 else 0
        self.weight = nn.Parameter(torch.zeros(n_out, n_in, kernel_size))
        self.bias = nn.Parameter(torch.zeros(n_out))
        if generator is not None:
            nn.init.normal_(self.weight, std=(n_in * kernel_size) ** -0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_in, L) to (B, n_out, L / stride)."""
        return F.conv1d(x, self.weight, self.bias, stride=self.stride, padding=self.padding)


class LocalFilters(nn.Module):
    """Filters as those of a convolution, but with weights of their own at each place.

    Parameters
    ----------
    n_places, n_out, kernel_size, stride : int
        Number of places L, channels, places under a filter, and places it moves on.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(
        self, n_places: int, n_out: int, kernel_size: int, stride: int, generator: Generator
    ):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        n_filters = (n_places - kernel_size) // stride + 1
        weight = torch.randn(n_filters, kernel_size, n_out, generator=generator)
        self.weight = nn.Parameter(weight * INITIAL_LOCAL_WEIGHT)
        self.bias = nn.Parameter(torch.zeros(n_filters, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, 1, L) to (B, n_out, L / stride)."""
        under = x.squeeze(1).unfold(1, self.kernel_size, self.stride)  # (B, L / stride, kernel)
        return torch.baddbmm(self.bias, under.transpose(0, 1), self.weight).permute(1, 2, 0)


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to what went in: ``x + f2(relu(f1(relu(x))))``.

    Parameters
    ----------
    n_channels, kernel_size : int
        Sizes.
    generator : Generator
        Source of the initial weights. What the block adds starts at zero.
    """

    def __init__(self, n_channels: int, kernel_size: int, generator: Generator):
        super().__init__()
        self.first = Convolution(n_channels, n_channels, kernel_size, generator)
        self.second = Convolution(n_channels, n_channels, kernel_size, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, L) to (B, C, L)."""
        return x + self.second(F.relu(self.first(F.relu(x))))


class ConvolutionalNet(nn.Module):
    """Slide filters along the genome and read all traits off what they find, place by place.

    Parameters
    ----------
    places : Tensor of shape (L,), of int
        Marker in each place, see `places_along_genome`.
    center, scale : Tensor of shape (n_markers,)
        Mean and standard deviation of each marker in the training rows.
    n_traits : int
        Number of outputs.
    gated : bool
        Whether each marker has a gate and an additive effect.
    locally_connected : bool
        Whether the first filters have weights of their own at each place.
    n_channels, kernel_size, stride, n_layers, pool_size, dim_readout : int
        Sizes; `kernel_size` is odd.
    dropout : float in [0, 1)
        Probability that a pooled place is left out in a training step.
    generator : Generator
        Source of the initial weights.

    Notes
    -----
    ``y = readout(pool(blocks(filters(g * z)))) + (g * z) a`` with standardised dosages z, gates g
    and additive effects a. The read-out has weights of its own for each pooled place: where on the
    genome a pattern lies is what tells its effect.
    """

    places: Tensor
    center: Tensor
    scale: Tensor
    gate: Any  # Parameter of shape (n_markers,), or None
    additive: Any  # Parameter of shape (n_markers, n_traits), or None
    filters: LocalFilters | Convolution

    def __init__(
        self,
        places: Tensor,
        center: Tensor,
        scale: Tensor,
        n_traits: int,
        *,
        gated: bool,
        locally_connected: bool,
        n_channels: int,
        kernel_size: int,
        stride: int,
        n_layers: int,
        pool_size: int,
        dim_readout: int,
        dropout: float,
        generator: Generator,
    ):
        super().__init__()
        self.register_buffer("places", places)
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        self.pool_size, self.dropout = pool_size, dropout
        self.gate = self.additive = None
        if gated:
            self.gate = nn.Parameter(torch.full((len(center),), INITIAL_GATE))
            self.additive = nn.Parameter(torch.zeros(len(center), n_traits))
        if locally_connected:
            self.filters = LocalFilters(len(places), n_channels, kernel_size, stride, generator)
        else:
            self.filters = Convolution(1, n_channels, kernel_size, generator, stride)
            with torch.no_grad():
                self.filters.weight.mul_(INITIAL_FILTER)
        self.blocks = nn.ModuleList(
            ResidualBlock(n_channels, kernel_size, generator) for _ in range(n_layers)
        )
        n_filtered = (len(places) - kernel_size) // stride + 1
        n_flat = n_channels * -(-n_filtered // pool_size)
        self.direct = Linear(1, n_flat, n_traits, None)
        nn.init.normal_(self.direct.weight, std=INITIAL_READOUT_WEIGHT, generator=generator)
        self.dim_readout = dim_readout
        if dim_readout:
            self.hidden = Linear(1, n_flat, dim_readout, generator)
            self.output = Linear(1, dim_readout, n_traits, None)

    def forward(self, X: Tensor, generator: Generator | None = None) -> Tensor:
        """Predict standardised phenotypes.

        Parameters
        ----------
        X : Tensor of shape (B, n_markers)
            Dosages, of any numeric type.
        generator : Generator or None, default=None
            Source of dropout; None = no dropout.

        Returns
        -------
        Tensor of shape (1, B, n_traits)
            Predictions, in units of the trait's standard deviation.
        """
        z = (X.to(self.center.dtype) - self.center) / self.scale
        z = z if self.gate is None else z * self.gate
        x = self.filters(F.pad(z, (0, 1))[:, self.places].unsqueeze(1))  # (B, C, L / stride)
        for block in self.blocks:
            x = block(x)
        out = self.read(self.pool(x, generator))
        return out if self.gate is None else out + z @ self.additive

    def pool(self, x: Tensor, generator: Generator | None) -> Tensor:
        """Average neighbouring places, and leave some out: (B, C, L) to (B, C, L / pool_size)."""
        x = F.avg_pool1d(x, self.pool_size, ceil_mode=True)
        return x * dropout(torch.ones_like(x[:, :1]), self.dropout, generator)

    def read(self, x: Tensor) -> Tensor:
        """Map pooled places (B, C, L) to traits (1, B, K)."""
        flat = x.flatten(1).unsqueeze(0)
        out = self.direct(flat)
        return out + self.output(F.relu(self.hidden(flat))) if self.dim_readout else out

    def penalised(self) -> list[nn.Parameter]:
        """List gates, first filters and additive effects."""
        parts = (self.gate, self.filters.weight, self.additive)
        return [part for part in parts if part is not None]
