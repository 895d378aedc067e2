"""The denoising network, from leaf to root: calls -> noise -> code -> tokens -> blocks -> calls.

Shapes in the comments: B individuals in the batch, M markers, T windows, W markers in a window,
D = d_model, C dosages.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sktransformer_gp.layers import Block
from sktransformer_gp.networks.calls import corrupt
from sktransformer_gp.networks.windows import WindowLinear
from sktransformer_gp.validation import MISSING


class DenoisingNet(nn.Module):
    """Write what is seen of an individual into a code, and tell all its calls from that.

    Parameters
    ----------
    windows : Tensor of shape (T, W), of int
        Markers of each window; the number of markers = an empty place.
    neighbours : Tensor of shape (T, 3), of int
        Windows beside each, see :func:`sktransformer_gp.networks.windows.window_neighbours`.
    marker_places : Tensor of shape (M,), of int
        Place of each marker among those of all windows.
    center, scale : Tensor of shape (M,)
        Mean and standard deviation of each marker's observed calls.
    axes : Tensor of shape (M, K)
        Orthonormal axes of the code, over standardised calls; K = 0: no bottleneck, the code is all
        tokens, T * D.
    n_dosages : int
        Number of dosages C.
    d_model, dim_feedforward : int
        Size of a token, and of the hidden layers of a block and of a window's decoder.
    n_layers, n_heads : int
        Number of self-attention blocks between the windows, and of their heads.
    mask_rate, flip_rate : float
        Noise in training, see :func:`sktransformer_gp.networks.calls.corrupt`.
    generator : Generator
        Source of the initial weights.

    Notes
    -----
    A window is decoded from three tokens, its own and those beside it on its chromosome.
    """

    windows: Tensor
    neighbours: Tensor
    marker_places: Tensor
    center: Tensor
    scale: Tensor
    axes: Tensor

    def __init__(
        self,
        windows: Tensor,
        neighbours: Tensor,
        marker_places: Tensor,
        center: Tensor,
        scale: Tensor,
        axes: Tensor,
        *,
        n_dosages: int,
        d_model: int,
        dim_feedforward: int,
        n_layers: int,
        n_heads: int,
        mask_rate: float,
        flip_rate: float,
        generator: Generator,
    ):
        super().__init__()
        self.register_buffer("windows", windows)
        self.register_buffer("neighbours", neighbours)
        self.register_buffer("marker_places", marker_places)
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        self.register_buffer("axes", axes)
        self.n_dosages, self.mask_rate, self.flip_rate = n_dosages, mask_rate, flip_rate
        n_windows, width = windows.shape
        # Behind a code all markers have a value; without one, a second number says which are seen.
        n_values = 1 if axes.shape[1] else 2
        self.embed = WindowLinear(n_windows, n_values * width, d_model, generator)
        self.blocks = nn.ModuleList(
            Block(1, d_model, n_heads, dim_feedforward, 0.0, True, generator)
            for _ in range(n_layers)
        )
        self.hidden = WindowLinear(n_windows, 3 * d_model, dim_feedforward, generator)
        self.logits = WindowLinear(n_windows, dim_feedforward, width * n_dosages, generator)

    def forward(self, calls: Tensor, generator: Generator | None = None) -> Tensor:
        """Map calls (B, M), -1 = missing, to logits (1, B, M, C); with a generator, add noise."""
        if generator is not None:
            calls = corrupt(calls, self.mask_rate, self.flip_rate, generator)
        return self.decode(self.encode(calls).squeeze(0))

    def encode(self, calls: Tensor) -> Tensor:
        """Map calls (B, M), -1 = missing, to codes (1, B, K or T * D)."""
        seen = calls != MISSING
        z = torch.where(seen, (calls.to(self.center.dtype) - self.center) / self.scale, 0)
        if self.axes.shape[1]:
            # Missing calls add nothing to the sums; the others count for them.
            share = seen.to(z.dtype).mean(1, keepdim=True).clamp(min=1 / len(self.center))
            return (z @ self.axes / share).unsqueeze(0)
        return self.tokenize(torch.stack([z, seen.to(z.dtype)])).flatten(2)

    def tokenize(self, values: Tensor) -> Tensor:
        """Map values (1 or 2, B, M) of the markers to tokens (1, B, T, D)."""
        windows = F.pad(values, (0, 1))[..., self.windows]  # (1 or 2, B, T, W)
        x = F.relu(self.embed(windows.permute(2, 1, 0, 3).flatten(2)))  # (T, B, D)
        x = x.transpose(0, 1).unsqueeze(0)
        for block in self.blocks:
            x = block(x)
        return x

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (B, K or T * D) to logits (1, B, M, C)."""
        if self.axes.shape[1]:
            tokens = self.tokenize((codes @ self.axes.T).unsqueeze(0)).squeeze(0)
        else:
            tokens = codes.unflatten(1, (len(self.windows), -1))
        tokens = tokens.transpose(0, 1)  # (T, B, D)
        context = F.pad(tokens, (0, 0, 0, 0, 0, 1))[self.neighbours]  # (T, 3, B, D)
        hidden = F.relu(self.hidden(context.transpose(1, 2).flatten(2)))
        logits = self.logits(hidden).transpose(0, 1).unflatten(2, (-1, self.n_dosages))
        return logits.flatten(1, 2)[:, self.marker_places].unsqueeze(0)  # (1, B, M, C)
