"""The denoising network, from leaf to root: calls -> noise -> tokens -> blocks -> code -> calls.

Shapes in the comments: B individuals in the batch, M markers, T windows, W markers in a window,
D = d_model, C dosages.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sktransformer_gp.layers import Block, Linear
from sktransformer_gp.networks.calls import corrupt
from sktransformer_gp.networks.windows import WindowLinear
from sktransformer_gp.validation import MISSING


class DenoisingNet(nn.Module):
    """Encode what is seen of each window, and tell all calls from the codes.

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
    n_dosages : int
        Number of dosages C.
    n_components : int
        Size of the code; 0 = the code is all tokens, T * D.
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

    def __init__(
        self,
        windows: Tensor,
        neighbours: Tensor,
        marker_places: Tensor,
        center: Tensor,
        scale: Tensor,
        *,
        n_dosages: int,
        n_components: int,
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
        self.n_dosages, self.mask_rate, self.flip_rate = n_dosages, mask_rate, flip_rate
        n_windows, width = windows.shape
        self.embed = WindowLinear(n_windows, 2 * width, d_model, generator)
        self.blocks = nn.ModuleList(
            Block(1, d_model, n_heads, dim_feedforward, 0.0, True, generator)
            for _ in range(n_layers)
        )
        self.compress = self.expand = None
        if n_components:
            self.compress = Linear(1, n_windows * d_model, n_components, generator)
            self.expand = Linear(1, n_components, n_windows * d_model, generator)
        self.hidden = WindowLinear(n_windows, 3 * d_model, dim_feedforward, generator)
        self.logits = WindowLinear(n_windows, dim_feedforward, width * n_dosages, generator)

    def forward(self, calls: Tensor, generator: Generator | None = None) -> Tensor:
        """Map calls (B, M), -1 = missing, to logits (1, B, M, C); with a generator, add noise."""
        if generator is not None:
            calls = corrupt(calls, self.mask_rate, self.flip_rate, generator)
        return self.decode(self.encode(calls).squeeze(0))

    def tokenize(self, calls: Tensor) -> Tensor:
        """Map calls (B, M), -1 = missing, to tokens (1, B, T, D)."""
        seen = calls != MISSING
        z = torch.where(seen, (calls.to(self.center.dtype) - self.center) / self.scale, 0)
        both = F.pad(torch.stack([z, seen.to(z.dtype)]), (0, 1))[..., self.windows]  # (2, B, T, W)
        x = F.relu(self.embed(both.permute(2, 1, 0, 3).flatten(2)))  # (T, B, D)
        x = x.transpose(0, 1).unsqueeze(0)
        for block in self.blocks:
            x = block(x)
        return x

    def encode(self, calls: Tensor) -> Tensor:
        """Map calls (B, M), -1 = missing, to codes (1, B, n_components or T * D)."""
        flat = self.tokenize(calls).flatten(2)
        return flat if self.compress is None else self.compress(flat)

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (B, n_components or T * D) to logits (1, B, M, C)."""
        flat = codes if self.expand is None else F.relu(self.expand(codes.unsqueeze(0))[0])
        tokens = flat.unflatten(1, (len(self.windows), -1)).transpose(0, 1)  # (T, B, D)
        context = F.pad(tokens, (0, 0, 0, 0, 0, 1))[self.neighbours]  # (T, 3, B, D)
        hidden = F.relu(self.hidden(context.transpose(1, 2).flatten(2)))
        logits = self.logits(hidden).transpose(0, 1).unflatten(2, (-1, self.n_dosages))
        return logits.flatten(1, 2)[:, self.marker_places].unsqueeze(0)  # (1, B, M, C)
