"""The marker encoder, from leaf to root: dosages -> gates -> tokens -> attention blocks -> traits.

Shapes in the comments: B individuals in the batch, M markers, T tokens, W markers in a window,
D = d_model, H heads. Nothing draws from torch's global random stream: initial values and dropout
come from the generator that is passed in, and without a generator there is no dropout.
"""

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

TOKENS = ("linear", "dense", "embedding")
POSITIONS = (None, "sinusoidal", "learned")
INITIAL_GATE = 0.1


def dropout(x: Tensor, p: float, generator: Generator | None) -> Tensor:
    """Zero each value with probability p and scale the rest by 1 / (1 - p).

    Parameters
    ----------
    x : Tensor
        Values of any shape.
    p : float in [0, 1)
        Probability of a zero.
    generator : Generator or None
        Source of randomness; None = x as it is.

    Returns
    -------
    Tensor
        Values of x's shape.
    """
    if generator is None or p == 0:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) >= p
    return x * kept / (1 - p)


def sinusoidal_positions(n_tokens: int, d_model: int) -> Tensor:
    """Evaluate the classical positional encoding.

    ``sin(t / 10000^(i / d_model))`` for even i, ``cos(t / 10000^((i - 1) / d_model))`` for odd i.

    Parameters
    ----------
    n_tokens : int
        Number of positions t.
    d_model : int
        Number of dimensions i.

    Returns
    -------
    Tensor of shape (n_tokens, d_model)
        The encoding.

    References
    ----------
    Vaswani, A. et al. (2017). Attention is all you need. NeurIPS 30.

    Examples
    --------
    >>> from sktransformer_gp.encoder import sinusoidal_positions
    >>> sinusoidal_positions(2, 2)
    tensor([[0.0000, 1.0000],
            [0.8415, 0.5403]])
    """
    position = torch.arange(n_tokens, dtype=torch.float64)[:, None]
    even = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = position / 10000 ** (even / d_model)
    encoding = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    return encoding[:, :d_model].float()


class Linear(nn.Module):
    """An affine map with weights from a given generator (Glorot uniform) or zero.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    generator : Generator or None
        Source of the initial weights; None = zero.
    """

    def __init__(self, n_in: int, n_out: int, generator: Generator | None):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
        if generator is not None:
            nn.init.xavier_uniform_(self.weight, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., n_in) to (..., n_out)."""
        return F.linear(x, self.weight, self.bias)


class WindowTokens(nn.Module):
    """One token for each window of neighbouring markers: ``W_t x_t + b_t``, own weights each.

    Parameters
    ----------
    windows : Tensor of shape (T, W), of int
        Column of the marker in each place; the number of markers = an empty place.
    d_model : int
        Size of a token.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(self, windows: Tensor, d_model: int, generator: Generator):
        super().__init__()
        self.register_buffer("windows", windows)
        weight = torch.randn(*windows.shape, d_model, generator=generator)
        self.weight = nn.Parameter(weight / math.sqrt(windows.shape[1]))
        self.bias = nn.Parameter(torch.zeros(len(windows), d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Map dosages (B, M) to tokens (B, T, D)."""
        places = F.pad(x, (0, 1))[:, self.windows]  # (B, T, W); an empty place reads 0
        return torch.einsum("btw,twd->btd", places, self.weight) + self.bias


class DenseTokens(nn.Module):
    """One token for each marker, and each token a linear function of all markers.

    GPTransformer's ``Linear(n, n * d_model)`` in place of embedding and position.

    Parameters
    ----------
    n_markers, d_model : int
        Sizes; the weights number ``n_markers**2 * d_model``.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(self, n_markers: int, d_model: int, generator: Generator):
        super().__init__()
        self.linear = Linear(n_markers, n_markers * d_model, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map dosages (B, M) to tokens (B, M, D)."""
        return self.linear(x).unflatten(1, (x.shape[1], -1))


class EmbeddingTokens(nn.Module):
    """One token for each marker: the learned vector of its dosage.

    Parameters
    ----------
    n_dosages, d_model : int
        Sizes of the table: dosages 0..n_dosages-1.
    generator : Generator
        Source of the initial vectors.
    """

    def __init__(self, n_dosages: int, d_model: int, generator: Generator):
        super().__init__()
        self.table = nn.Parameter(torch.randn(n_dosages, d_model, generator=generator))

    def forward(self, X: Tensor) -> Tensor:
        """Map whole dosages (B, M) to tokens (B, M, D)."""
        return self.table[X.long()]


class SelfAttention(nn.Module):
    """Multi-head self-attention, ``softmax(Q K' / sqrt(d_k)) V`` and an output projection.

    Parameters
    ----------
    d_model, n_heads : int
        Size of a token and number of heads; d_k = d_model / n_heads.
    generator : Generator
        Source of the initial weights.

    Notes
    -----
    Attention weights have no dropout: with it the fused kernel cannot be used, and a training
    step takes 1.6 to 2.7 times as long.
    """

    def __init__(self, d_model: int, n_heads: int, generator: Generator):
        super().__init__()
        self.n_heads = n_heads
        self.project_in = Linear(d_model, 3 * d_model, generator)
        self.project_out = Linear(d_model, d_model, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, T, D) to tokens (B, T, D)."""
        heads = self.project_in(x).unflatten(2, (3, self.n_heads, -1))  # (B, T, 3, H, D/H)
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, D/H)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.project_out(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """``max(0, x W1 + b1) W2 + b2`` on each token.

    Parameters
    ----------
    d_model, dim_feedforward : int
        Size of a token and of the hidden layer.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(self, d_model: int, dim_feedforward: int, generator: Generator):
        super().__init__()
        self.hidden = Linear(d_model, dim_feedforward, generator)
        self.output = Linear(dim_feedforward, d_model, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, T, D) to tokens (B, T, D)."""
        return self.output(F.relu(self.hidden(x)))


class Block(nn.Module):
    """Attention and feed-forward network, each with a residual and a layer normalisation.

    Parameters
    ----------
    d_model, n_heads, dim_feedforward : int
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
        d_model: int,
        n_heads: int,
        dim_feedforward: int,
        dropout: float,
        norm_first: bool,
        generator: Generator,
    ):
        super().__init__()
        self.dropout, self.norm_first = dropout, norm_first
        self.parts = nn.ModuleList(
            [
                SelfAttention(d_model, n_heads, generator),
                FeedForward(d_model, dim_feedforward, generator),
            ]
        )
        self.norms = nn.ModuleList([nn.LayerNorm(d_model), nn.LayerNorm(d_model)])

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Map tokens (B, T, D) to tokens (B, T, D)."""
        for part, norm in zip(self.parts, self.norms, strict=True):
            if self.norm_first:
                x = x + dropout(part(norm(x)), self.dropout, generator)
            else:
                x = norm(x + dropout(part(x), self.dropout, generator))
        return x


class MarkerEncoder(nn.Module):
    """Encode dosages as tokens, let them attend to each other and read all traits off them.

    Parameters
    ----------
    windows : Tensor of shape (T, W), of int
        Markers of each window, see :func:`sktransformer_gp.markers.window_index`.
    center, scale : Tensor of shape (M,)
        Mean and standard deviation of each marker in the training rows.
    n_dosages : int
        Size of the embedding's table; used by ``tokens="embedding"``.
    n_traits : int
        Number of outputs.
    tokens : {"linear", "dense", "embedding"}
        How dosages become tokens.
    positions : {None, "sinusoidal", "learned"}
        What is added to the tokens to tell them apart.
    gated : bool
        Whether each marker has a gate and an additive effect.
    d_model, n_heads, n_layers, dim_feedforward : int
        Sizes.
    dropout, token_dropout : float in [0, 1)
        Probability of a zero in the blocks, and of a token's loss as a whole.
    norm_first : bool
        Place of the layer normalisation in the blocks.
    generator : Generator
        Source of the initial weights.

    Notes
    -----
    ``y = head(blocks(tokens(g * z))) + (g * z) a`` with standardised dosages z, gates g and
    additive effects a. The head is linear and reads each token at its own place: pooling over
    tokens, or a layer normalisation before the head, would make a window without a QTL as loud as
    one with a QTL.
    """

    def __init__(
        self,
        windows: Tensor,
        center: Tensor,
        scale: Tensor,
        n_dosages: int,
        n_traits: int,
        *,
        tokens: str,
        positions: str | None,
        gated: bool,
        d_model: int,
        n_heads: int,
        n_layers: int,
        dim_feedforward: int,
        dropout: float,
        token_dropout: float,
        norm_first: bool,
        generator: Generator,
    ):
        super().__init__()
        n_markers = len(center)
        n_tokens = len(windows) if tokens == "linear" else n_markers
        self.tokens, self.gated, self.token_dropout = tokens, gated, token_dropout
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        if gated:
            self.gate = nn.Parameter(torch.full((n_markers,), INITIAL_GATE))
            self.additive = nn.Parameter(torch.zeros(n_markers, n_traits))
        self.embed = {
            "linear": lambda: WindowTokens(windows, d_model, generator),
            "dense": lambda: DenseTokens(n_markers, d_model, generator),
            "embedding": lambda: EmbeddingTokens(n_dosages, d_model, generator),
        }[tokens]()
        self.position = {
            None: lambda: None,
            "sinusoidal": lambda: nn.Buffer(sinusoidal_positions(n_tokens, d_model)),
            "learned": lambda: nn.Parameter(torch.zeros(n_tokens, d_model)),
        }[positions]()
        self.blocks = nn.ModuleList(
            Block(d_model, n_heads, dim_feedforward, dropout, norm_first, generator)
            for _ in range(n_layers)
        )
        self.head = Linear(n_tokens * d_model, n_traits, generator)

    def forward(self, X: Tensor, generator: Generator | None = None) -> Tensor:
        """Predict standardised phenotypes.

        Parameters
        ----------
        X : Tensor of shape (B, M)
            Dosages, of any numeric type.
        generator : Generator or None, default=None
            Source of dropout; None = no dropout.

        Returns
        -------
        Tensor of shape (B, n_traits)
            Phenotypes in units of the trait's standard deviation.
        """
        z = (X.to(self.center.dtype) - self.center) / self.scale
        if self.gated:
            z = z * self.gate
        tokens = self.tokenize(X, z)  # (B, T, D)
        if generator is not None and self.token_dropout:
            whole = torch.ones(tokens.shape[:2], dtype=tokens.dtype, device=tokens.device)
            tokens = tokens * dropout(whole, self.token_dropout, generator)[:, :, None]
        for block in self.blocks:
            tokens = block(tokens, generator)
        out = self.head(tokens.flatten(1))
        return out + z @ self.additive if self.gated else out

    def tokenize(self, X: Tensor, z: Tensor) -> Tensor:
        """Make tokens (B, T, D) from dosages X and gated standardised dosages z, both (B, M)."""
        if self.tokens == "embedding":
            tokens = self.embed(X)
            tokens = tokens * self.gate[:, None] if self.gated else tokens
        else:
            tokens = self.embed(z)
        return tokens if self.position is None else tokens + self.position

    def gate_penalty(self) -> Tensor:
        """Sum the squares of gates, token weights and additive effects.

        L2 on both factors of a product is L1 on the product: on ``g_j W_j`` it acts as a group
        lasso over the marker's weights, and plain gradient descent finds sparse solutions.

        Returns
        -------
        Tensor of shape ()
            ``|g|^2 + |W|^2 + |a|^2``; 0 without gates.

        References
        ----------
        Hoff, P. D. (2017). Lasso, fractional norm and structured sparsity estimation using a
        Hadamard product parametrization. Comput. Stat. Data Anal. 115:186-198.
        Ziyin, L. & Wang, Z. (2023). spred: Solving L1 penalty with SGD. ICML.
        """
        if not self.gated:
            return self.head.bias.new_zeros(())
        factors = [self.gate, self.additive, *self.embed.parameters()]
        return sum(factor.square().sum() for factor in factors)
