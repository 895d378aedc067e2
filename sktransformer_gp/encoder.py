"""The marker encoder, from leaf to root: dosages -> gates -> tokens -> attention blocks -> traits.

Shapes in the comments: N members (see :mod:`sktransformer_gp.layers`), B individuals in the batch,
T windows (tokens), W places in a window, D = d_model, K traits. A place holds a marker's dosage or,
behind the window's dosages, its dominance deviation.
"""

import copy
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sktransformer_gp.layers import Block, Linear, dropout

ALL = slice(None)
TOKENS = ("linear", "dense", "embedding")
POSITIONS = (None, "sinusoidal", "learned")
INITIAL_GATE = 0.3
PENALISED = ("gate", "additive", "embed.weight")
INITIAL_TOKEN_WEIGHT = 0.05
INITIAL_READOUT_WEIGHT = 0.02


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


class WindowTokens(nn.Module):
    """One token for each window of neighbouring markers: ``W_t (g * z)_t + b_t``, own weights each.

    Parameters
    ----------
    n_members, n_windows, width, d_model : int
        Sizes N, T, W and D.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(
        self, n_members: int, n_windows: int, width: int, d_model: int, generator: Generator
    ):
        super().__init__()
        weight = torch.randn(n_windows, width, n_members, d_model, generator=generator)
        weight = weight.permute(2, 0, 3, 1) * INITIAL_TOKEN_WEIGHT  # (N, T, D, W)
        self.weight = nn.Parameter(weight.contiguous())
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_windows, d_model))

    def forward(self, z: Tensor, gate: Tensor | None) -> Tensor:
        """Map standardised dosages (B, T, W) and gates (N, T, W) to tokens (N, B, T, D)."""
        weight = self.weight if gate is None else self.weight * gate.unsqueeze(2)
        # One product for all members.
        weight = weight.transpose(0, 1).flatten(1, 2)  # (T, N * D, W)
        bias = self.bias.permute(2, 1, 0, 3).flatten(2)  # (T, 1, N * D)
        tokens = torch.baddbmm(bias, z.transpose(0, 1), weight.mT)
        return tokens.unflatten(2, (len(self.weight), -1)).permute(2, 1, 0, 3).contiguous()


class DenseTokens(nn.Module):
    """One token for each marker, and each token a linear function of all markers.

    GPTransformer's ``Linear(n, n * d_model)`` in place of embedding and position.

    Parameters
    ----------
    n_members, n_markers, d_model : int
        Sizes; the weights of a member number ``n_markers**2 * d_model``.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(self, n_members: int, n_markers: int, d_model: int, generator: Generator):
        super().__init__()
        linear = Linear(n_members, n_markers, n_markers * d_model, generator)
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, z: Tensor, gate: Tensor | None) -> Tensor:
        """Map standardised dosages (B, T, 1) and gates (N, T, 1) to tokens (N, B, T, D)."""
        z = z.squeeze(2).expand(len(self.weight), -1, -1)  # (N, B, T)
        z = z if gate is None else z * gate.mT
        return torch.baddbmm(self.bias, z, self.weight).unflatten(2, (z.shape[2], -1))


class EmbeddingTokens(nn.Module):
    """One token for each marker: the learned vector of its dosage, times the marker's gate.

    Parameters
    ----------
    n_members, n_dosages, d_model : int
        Sizes of the table: dosages 0..n_dosages-1.
    generator : Generator
        Source of the initial vectors.
    """

    def __init__(self, n_members: int, n_dosages: int, d_model: int, generator: Generator):
        super().__init__()
        weight = torch.randn(n_members, n_dosages, d_model, generator=generator)
        self.weight = nn.Parameter(weight)

    def forward(self, X: Tensor, gate: Tensor | None) -> Tensor:
        """Map whole dosages (B, T) and gates (N, T, 1) to tokens (N, B, T, D)."""
        tokens = self.weight[:, X.long()]
        return tokens if gate is None else tokens * gate.unsqueeze(1)


class AttentionPooling(nn.Module):
    """Sum tokens with the weights that learned queries give them, one query for each head.

    ``T softmax(q_h K' ) V_h`` with keys and values from the tokens: which windows count depends on
    what the other windows of the same individual say, as in attention of a query to a sequence. The
    factor T makes it a sum over windows, so that many small effects do not average out.

    Parameters
    ----------
    n_members, d_model, n_heads : int
        Sizes.
    generator : Generator
        Source of the initial weights.
    """

    def __init__(self, n_members: int, d_model: int, n_heads: int, generator: Generator):
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Parameter(torch.randn(n_members, 1, d_model, generator=generator))
        self.key = nn.Parameter(torch.randn(n_members, d_model, d_model, generator=generator))
        self.value = nn.Parameter(torch.randn(n_members, d_model, d_model, generator=generator))
        with torch.no_grad():
            self.key.mul_(d_model**-0.5)
            self.value.mul_(d_model**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (N, B, T, D) to sums (N, B, D)."""
        heads = (2, (self.n_heads, -1))
        # The queries are the same for everybody, so that q'K needs no keys: (N, D, H).
        folded = (self.key * self.query).unflatten(*heads).sum(-1)
        n, b, t, _ = tokens.shape
        # One product for all individuals, with few rows: BLAS is slow where it has few columns.
        scores = (folded.mT @ tokens.flatten(1, 2).mT).view(n, -1, b, t)
        weights = t * scores.softmax(-1).transpose(1, 2)  # (N, B, H, T)
        # Summed first and mapped to values after: the map is linear.
        sums = (weights.flatten(0, 1) @ tokens.flatten(0, 1)).view(n, b, self.n_heads, -1)
        return torch.einsum("nbhd,ndhe->nbhe", sums, self.value.unflatten(*heads)).flatten(2)


class Readout(nn.Module):
    """Read the traits off all tokens, each at its own place.

    ``W f + b``, and beside it ``W2 max(0, W1 [f, p] + b1)``, with the flat tokens f and their sums
    p under attention: what each window says, and combinations of windows, that is epistasis.

    Parameters
    ----------
    n_members, n_tokens, d_model, n_heads, n_hidden, n_traits : int
        Sizes; ``n_hidden=0`` leaves the second part out, ``n_heads=0`` leaves p out.
    generator : Generator
        Source of the initial weights; what the second part adds starts at zero, and in it what p
        adds: in a few hundred lines, sums of windows that are not sparse yet are noise.

    Notes
    -----
    Pooling alone, or a layer normalisation before the read-out, would make a window without a QTL
    as loud as one with a QTL.
    """

    def __init__(
        self,
        n_members: int,
        n_tokens: int,
        d_model: int,
        n_heads: int,
        n_hidden: int,
        n_traits: int,
        generator: Generator,
    ):
        super().__init__()
        n_flat = n_tokens * d_model
        self.n_traits, self.n_hidden = n_traits, n_hidden
        self.n_heads = n_heads if n_hidden else 0
        self.direct = Linear(n_members, n_flat, n_traits, None)
        nn.init.normal_(self.direct.weight, std=INITIAL_READOUT_WEIGHT, generator=generator)
        if self.n_heads:
            self.pool = AttentionPooling(n_members, d_model, n_heads, generator)
            self.from_pool = Linear(n_members, d_model, n_hidden, None)
        if n_hidden:
            self.combined = Linear(n_members, n_flat, n_hidden, None)
            nn.init.normal_(self.combined.weight, std=3 * n_flat**-0.5, generator=generator)
            self.output = Linear(n_members, n_hidden, n_traits, None)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (N, B, T, D) to traits (N, B, K)."""
        out = self.direct(tokens.flatten(2))
        if not self.n_hidden:
            return out
        hidden = self.combined(tokens.flatten(2))
        if self.n_heads:
            hidden = hidden + self.from_pool(self.pool(tokens))
        return out + self.output(F.relu(hidden))


class MarkerEncoder(nn.Module):
    """Encode dosages as tokens, let them attend to each other and read all traits off them.

    Parameters
    ----------
    windows : Tensor of shape (T, W), of int
        Markers of each window, see :func:`sktransformer_gp.markers.window_index`; the number of
        markers = an empty place. One marker each for dense and embedded tokens.
    center, scale : Tensor of shape (n_markers,)
        Mean and standard deviation of each marker in the training rows.
    dominance : Tensor of shape (2, n_markers) or None
        Skewness and factor of each marker's dominance deviation, see
        :func:`sktransformer_gp.dominance.dominance_moments`; None = no member reads them.
    n_dominance : int
        Number of members that read dominance deviations, the last ones; linear tokens with gates.
    n_additive : int
        Number of members that read sums of windows only, those before them.
    token_dropout : Tensor of shape (N,), in [0, 1)
        Probability, for each member, that a token is left out as a whole; its length is the number
        of members.
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
    d_model, n_heads, n_layers, dim_feedforward, dim_readout : int
        Sizes.
    dropout : float in [0, 1)
        Probability of a zero in what the parts of a block add.
    norm_first : bool
        Place of the layer normalisation in the blocks.
    generator : Generator
        Source of the initial weights.

    Notes
    -----
    ``y = readout(blocks(tokens(g * z))) + (g * z) a`` with standardised dosages z, gates g and
    additive effects a. Dominance deviations, where they are read, stand beside z and have gates,
    token weights and effects of their own. Without blocks, :mod:`sktransformer_gp.regime` has the
    same written out, with its derivatives, for CPUs.
    """

    windows: Tensor
    center: Tensor
    scale: Tensor
    dominance: Tensor | None
    token_dropout: Tensor
    gate: Any  # Parameter of shape (N, T, W), or None
    additive: Any  # Parameter of shape (N, K, T, W), or None
    position: Tensor | None
    embed: WindowTokens | DenseTokens | EmbeddingTokens

    def __init__(
        self,
        windows: Tensor,
        center: Tensor,
        scale: Tensor,
        token_dropout: Tensor,
        n_dosages: int,
        n_traits: int,
        *,
        dominance: Tensor | None = None,
        n_dominance: int = 0,
        n_additive: int = 0,
        tokens: str,
        positions: str | None,
        gated: bool,
        d_model: int,
        n_heads: int,
        n_layers: int,
        dim_feedforward: int,
        dim_readout: int,
        dropout: float,
        norm_first: bool,
        generator: Generator,
    ):
        super().__init__()
        n_members, (n_tokens, n_dosage_places) = len(token_dropout), windows.shape
        width = n_dosage_places * (1 if dominance is None else 2)
        self.register_buffer("windows", windows)
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        self.register_buffer("dominance", dominance)
        self.register_buffer("token_dropout", token_dropout)
        self.tokens = tokens
        self.gate = self.additive = None
        if gated:
            self.gate = nn.Parameter(torch.full((n_members, n_tokens, width), INITIAL_GATE))
            self.additive = nn.Parameter(torch.zeros(n_members, n_traits, n_tokens, width))
        if tokens == "linear":
            self.embed = WindowTokens(n_members, n_tokens, width, d_model, generator)
            if dominance is not None:
                # Gate, weights and effect of a place that start at zero have no gradient.
                blind = slice(0, n_members - n_dominance)
                for parameter in (self.gate, self.embed.weight):
                    parameter.data[blind, ..., n_dosage_places:] = 0
        elif tokens == "dense":
            self.embed = DenseTokens(n_members, n_tokens, d_model, generator)
        else:
            self.embed = EmbeddingTokens(n_members, n_dosages, d_model, generator)
        if positions == "learned":
            self.position = nn.Parameter(torch.zeros(n_members, 1, n_tokens, d_model))
        else:
            sinusoidal = positions == "sinusoidal"
            encoding = sinusoidal_positions(n_tokens, d_model) if sinusoidal else None
            self.register_buffer("position", encoding)
        self.blocks = nn.ModuleList(
            Block(n_members, d_model, n_heads, dim_feedforward, dropout, norm_first, generator)
            for _ in range(n_layers)
        )
        self.readout = Readout(
            n_members, n_tokens, d_model, n_heads, dim_readout, n_traits, generator
        )
        if n_additive:
            # Hidden units that start at zero have no gradient, nor have the weights behind them.
            end = n_members - n_dominance
            self.readout.combined.weight.data[end - n_additive : end] = 0

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
        Tensor of shape (N, B, n_traits)
            Each member's prediction, in units of the trait's standard deviation.
        """
        z = self.read(X)
        x = self.tokenize(X, z)
        if generator is not None:
            kept = torch.ones(x.shape[:3], dtype=x.dtype, device=x.device)
            x = x * dropout(kept, self.token_dropout[:, None, None], generator).unsqueeze(-1)
        for block in self.blocks:
            x = block(x, generator)
        out = self.readout(x)
        return out if self.gate is None else out + self.additive_values(z)

    def read(self, X: Tensor) -> Tensor:
        """Fill the windows' places with what individuals have there, 0 where a place is empty.

        Parameters
        ----------
        X : Tensor of shape (B, n_markers)
            Dosages, of any numeric type.

        Returns
        -------
        Tensor of shape (B, T, W)
            Standardised dosages and, behind each window's, its dominance deviations.
        """
        places = self.windows.flatten()
        parts = [F.pad(part, (0, 1)).index_select(1, places) for part in self.standardise(X)]
        parts = [part.unflatten(1, self.windows.shape) for part in parts]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)

    def standardise(self, X: Tensor, markers: Tensor | slice = ALL) -> list[Tensor]:
        """Standardise dosages, and compute dominance deviations where members read them.

        Parameters
        ----------
        X : Tensor of shape (B, m)
            Dosages of some markers, of any numeric type.
        markers : Tensor of shape (m,), of int, or slice, default=slice(None)
            These markers; by default all.

        Returns
        -------
        list of 1 or 2 Tensor of shape (B, m)
            Standardised dosages, then dominance deviations.
        """
        z = (X.to(self.center.dtype) - self.center[markers]) / self.scale[markers]
        if self.dominance is None:
            return [z]
        skewness, factor = self.dominance[:, markers]
        return [z, factor * (1 + skewness * z - z * z)]

    def select(self, members: NDArray) -> "MarkerEncoder":
        """Copy some members.

        Parameters
        ----------
        members : ndarray of int
            Members to keep.

        Returns
        -------
        MarkerEncoder
            A copy that predicts with these members only, without gradients.
        """
        chosen = copy.deepcopy(self)
        chosen.token_dropout = chosen.token_dropout[members]
        for parameter in chosen.parameters():
            parameter.data = parameter.data[members]
            parameter.requires_grad_(False)
        return chosen.eval()

    def tokenize(self, X: Tensor, z: Tensor) -> Tensor:
        """Make tokens (N, B, T, D) from dosages X or what their places hold, z (B, T, W)."""
        x = self.embed(X if self.tokens == "embedding" else z, self.gate)
        return x if self.position is None else x + self.position

    def additive_values(self, z: Tensor) -> Tensor:
        """Sum the places' own effects: (B, T, W) to (N, B, K)."""
        effects = self.gate.unsqueeze(1) * self.additive  # (N, K, T, W)
        values = z.flatten(1) @ effects.flatten(2).flatten(0, 1).T  # (B, N * K)
        return values.unflatten(1, effects.shape[:2]).transpose(0, 1)

    def penalised(self) -> list[nn.Parameter]:
        """List what the gates' penalty acts on: gates, token weights and additive effects.

        L2 on both factors of a product is L1 on the product: on ``g_j W_j`` it acts as a group
        lasso over the marker's weights, and plain gradient descent finds sparse solutions.

        Returns
        -------
        list of Parameter
            The parameters.

        References
        ----------
        Hoff, P. D. (2017). Lasso, fractional norm and structured sparsity estimation using a
        Hadamard product parametrization. Comput. Stat. Data Anal. 115:186-198.
        Ziyin, L. & Wang, Z. (2023). spred: Solving L1 penalty with SGD. ICML.
        """
        return [self.get_parameter(name) for name in PENALISED]
