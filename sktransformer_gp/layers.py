"""Layers of the encoder, for several members at once.

The *members* of an average share their input and are trained side by side in one module: all
weights and products carry the member as their first axis. Shapes in the comments: N members,
B individuals in the batch, T tokens, D = d_model, H heads.

Nothing draws from torch's global random stream: initial values and dropout come from the generator
that is passed in, and without a generator there is no dropout.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F


def dropout(x: Tensor, p: float | Tensor, generator: Generator | None) -> Tensor:
    """Zero each value with probability p and scale the rest by 1 / (1 - p).

    Parameters
    ----------
    x : Tensor
        Values of any shape.
    p : float or Tensor in [0, 1)
        Probability of a zero; a Tensor is broadcast against x.
    generator : Generator or None
        Source of randomness; None = x as it is.

    Returns
    -------
    Tensor
        Values of x's shape.
    """
    if generator is None or not torch.as_tensor(p).any():
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) >= p
    return x * kept / (1 - p)


class Linear(nn.Module):
    """An affine map for each member, with initial weights of a given size or zero.

    Parameters
    ----------
    n_members, n_in, n_out : int
        Sizes.
    generator : Generator or None
        Source of the initial weights, normal with variance 1 / n_in; None = zero.
    """

    def __init__(self, n_members: int, n_in: int, n_out: int, generator: Generator | None):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_members, n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_out))
        if generator is not None:
            nn.init.normal_(self.weight, std=n_in**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, ..., n_in) to (N, ..., n_out)."""
        out = torch.baddbmm(self.bias, x.flatten(1, -2), self.weight)
        return out.view(*x.shape[:-1], -1)


class LayerNorm(nn.Module):
    """Layer normalisation of tokens, with weights for each member.

    Parameters
    ----------
    n_members, d_model : int
        Sizes.
    """

    def __init__(self, n_members: int, d_model: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_members, 1, 1, d_model))
        self.bias = nn.Parameter(torch.zeros(n_members, 1, 1, d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, B, T, D) to tokens (N, B, T, D)."""
        return F.layer_norm(x, x.shape[-1:]) * self.weight + self.bias


class SelfAttention(nn.Module):
    """Multi-head self-attention, ``softmax(Q K' / sqrt(d_k)) V`` and an output projection.

    Parameters
    ----------
    n_members, d_model, n_heads : int
        Number of members, size of a token and number of heads; d_k = d_model / n_heads.
    generator : Generator
        Source of the initial weights; the output projection starts at zero.

    Notes
    -----
    Attention weights have no dropout: with it the fused kernel cannot be used, and a training
    step takes 1.6 to 2.7 times as long.
    """

    def __init__(self, n_members: int, d_model: int, n_heads: int, generator: Generator):
        super().__init__()
        self.n_heads = n_heads
        self.project_in = Linear(n_members, d_model, 3 * d_model, generator)
        self.project_out = Linear(n_members, d_model, d_model, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, B, T, D) to tokens (N, B, T, D)."""
        heads = self.project_in(x).flatten(0, 1)  # (N * B, T, 3 * D)
        heads = heads.unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads  # each (N * B, H, T, D / H)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.project_out(mixed.transpose(1, 2).reshape(x.shape))


class FeedForward(nn.Module):
    """``max(0, x W1 + b1) W2 + b2`` on each token.

    Parameters
    ----------
    n_members, d_model, dim_feedforward : int
        Number of members, size of a token and of the hidden layer.
    generator : Generator
        Source of the initial weights; the second layer starts at zero.
    """

    def __init__(self, n_members: int, d_model: int, dim_feedforward: int, generator: Generator):
        super().__init__()
        self.hidden = Linear(n_members, d_model, dim_feedforward, generator)
        self.output = Linear(n_members, dim_feedforward, d_model, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, B, T, D) to tokens (N, B, T, D)."""
        return self.output(F.relu(self.hidden(x)))


class Block(nn.Module):
    """Attention and feed-forward network, each with a residual and a layer normalisation.

    Parameters
    ----------
    n_members, d_model, n_heads, dim_feedforward : int
        Sizes.
    dropout : float in [0, 1)
        Probability of a zero in what each part adds to the residual stream.
    norm_first : bool
        True: ``x + f(norm(x))``; False: ``norm(x + f(x))``, the original Add & Norm.
    generator : Generator
        Source of the initial weights. What the parts add starts at zero.
    """

    def __init__(
        self,
        n_members: int,
        d_model: int,
        n_heads: int,
        dim_feedforward: int,
        dropout: float,
        norm_first: bool,
        generator: Generator,
    ):
        super().__init__()
        self.dropout, self.norm_first = dropout, norm_first
        attention = SelfAttention(n_members, d_model, n_heads, generator)
        feed_forward = FeedForward(n_members, d_model, dim_feedforward, generator)
        self.parts = nn.ModuleList([attention, feed_forward])
        self.norms = nn.ModuleList(LayerNorm(n_members, d_model) for _ in self.parts)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Map tokens (N, B, T, D) to tokens (N, B, T, D)."""
        for part, norm in zip(self.parts, self.norms, strict=True):
            if self.norm_first:
                x = x + dropout(part(norm(x)), self.dropout, generator)
            else:
                x = norm(x + dropout(part(x), self.dropout, generator))
        return x
