"""Predictions and training steps of one regime of the default encoder, derivatives by hand.

Autograd takes many small operations for such a step, each with memory of its own; here there are
fewer, most of them products, in memory that is laid out once. Shapes as in
:mod:`sktransformer_gp.encoder`; N are the members of the regime, H its heads, U its hidden units.
A name in ``d_`` is the derivative of the loss by what the rest of the name says, one in ``_t`` the
same with the last two axes exchanged.
"""

from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from sktransformer_gp.encoder import MarkerEncoder

# Products are slow where their rows are not a multiple of a register long.
REGISTER = 8
# Weights by what they are called here: those of all regimes, and those that combine windows.
SUMMING = {
    "gate": "gate",
    "additive": "additive",
    "weight": "embed.weight",
    "bias": "embed.bias",
    "direct": "readout.direct.weight",
    "direct_bias": "readout.direct.bias",
}
COMBINING = {
    "query": "readout.pool.query",
    "key": "readout.pool.key",
    "value": "readout.pool.value",
    "from_pool": "readout.from_pool.weight",
    "pool_bias": "readout.from_pool.bias",
    "combined": "readout.combined.weight",
    "combined_bias": "readout.combined.bias",
    "output": "readout.output.weight",
}
OUTPUT_BIAS = {"output_bias": "readout.output.bias"}
# With few traits, products are quick where these are by trait, (N, K, ...).
BY_TRAIT = ("direct", "direct_bias", "output", "output_bias")
PLACES = ("gate", "additive", "weight")  # have places, and are penalised


def combine_windows(encoder: MarkerEncoder) -> Tensor:
    """Tell which members have hidden units that read windows, (N,)."""
    if not encoder.readout.n_hidden:
        return torch.zeros(len(encoder.gate), dtype=torch.bool)
    # What starts at zero on both sides of a product stays there.
    return encoder.readout.combined.weight.flatten(1).any(1)


def read_dominance(encoder: MarkerEncoder) -> Tensor:
    """Tell which members have gates of dominance deviations, (N,)."""
    return encoder.gate[..., encoder.windows.shape[1] :].flatten(1).any(1)


def n_places_of(encoder: MarkerEncoder, members: slice) -> int:
    """Return the number of places that these members read of each window."""
    reads_dominance = bool(read_dominance(encoder)[members].any())
    return encoder.gate.shape[2] if reads_dominance else encoder.windows.shape[1]


def padded_width(n_places: int) -> int:
    """Return the number of places up to a multiple of `REGISTER`."""
    return -(-n_places // REGISTER) * REGISTER


class SummedValues:
    """Predictions of members that do not combine windows: sums of an effect for each place.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one :func:`sktransformer_gp.fused.can_fuse` agrees to.
    members : slice
        The members.

    Attributes
    ----------
    n_places : int
        Number of places that they read of each window.
    """

    def __init__(self, encoder: MarkerEncoder, members: slice):
        readout, gate = encoder.readout, encoder.gate[members].unsqueeze(1)  # (N, 1, T, W)
        weight, bias = (encoder.get_parameter(f"embed.{x}")[members] for x in ("weight", "bias"))
        direct = readout.direct.weight[members].unflatten(1, weight.shape[1:3])  # (N, T, D, K)
        effects = torch.einsum("ntdw,ntdk->nktw", weight, direct) + encoder.additive[members]
        self.n_places = n_places_of(encoder, members)
        effects = _padded((gate * effects)[..., : self.n_places])
        self._shape, self._effects = effects.shape[:2], effects.flatten(2).flatten(0, 1)
        constant = torch.einsum("nbtd,ntdk->nbk", bias, direct) + readout.direct.bias[members]
        self._constant = constant + readout.output.bias[members] if readout.n_hidden else constant

    def values(self, z: Tensor) -> Tensor:
        """Predict, see :meth:`RegimeValues.values`."""
        sums = self._effects @ z.flatten(1).T
        return sums.unflatten(0, self._shape).mT + self._constant


class RegimeValues:
    """Predictions of members that have the same parts, in memory of their own.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one :func:`sktransformer_gp.fused.can_fuse` agrees to.
    members : slice
        The members.

    Attributes
    ----------
    n_places : int
        Number of places that they read of each window.
    has_hidden : bool
        Whether there are hidden units, if only their bias.
    combines : bool
        Whether these members have weights for them.
    """

    def __init__(self, encoder: MarkerEncoder, members: slice):
        self.members, self.n_heads = members, encoder.readout.n_heads
        self.n_places = n_places_of(encoder, members)
        self.has_hidden = encoder.readout.n_hidden > 0
        self.combines = bool(combine_windows(encoder)[members].any())
        names = {**SUMMING, **OUTPUT_BIAS} if self.has_hidden else SUMMING
        names = {**names, **COMBINING} if self.combines else names
        parameters = {k: encoder.get_parameter(v).detach()[members] for k, v in names.items()}
        self._blocks = {k: self.in_order(v, k) for k, v in parameters.items()}
        self._views = self._weights()
        self._fixed = self._lay_out_weights()
        self._prepare(self._fixed)
        self._rooms: dict[int, SimpleNamespace] = {}

    def values(self, z: Tensor) -> Tensor:
        """Predict.

        Parameters
        ----------
        z : Tensor of shape (B, T, W)
            What is in the places, with zeros up to a multiple of `REGISTER`.

        Returns
        -------
        Tensor of shape (N, B, K)
            Standardised phenotypes, in memory that the next call overwrites.
        """
        room = self._room(len(z))
        self._sum_windows(room, z.transpose(0, 1), z.flatten(1).T)
        if self.combines:
            self._combine_windows(room)
        return room.values_t

    def in_order(self, parameter: Tensor, name: str) -> Tensor:
        """View the members' part of a parameter in the order of axes that is quick, as it is here.

        Parameters
        ----------
        parameter : Tensor of shape (N, ...)
            The weights, or their derivatives.
        name : str
            Their name here.

        Returns
        -------
        Tensor
            Of what has places, those that are read: gates (N, T, W), additive effects (N, K, T, W)
            and, windows first, token weights (T, N, D, W).
        """
        if name == "weight":
            parameter = parameter.transpose(0, 1)
        if name in PLACES:
            return parameter[..., : self.n_places]
        return parameter.mT if name in BY_TRAIT else parameter

    def _weights(self) -> dict[str, Tensor]:
        """Return the weights by the names that they have here, places padded with zeros."""
        weights = {
            name: _padded(block) if name in PLACES else block.contiguous()
            for name, block in self._blocks.items()
        }
        if self.combines:  # in float64, the product with it is quicker by a third
            weights["combined"] = weights["combined"].mT.contiguous().mT
        return weights

    def _room(self, b: int) -> SimpleNamespace:
        """Return memory for batches of a size."""
        if b not in self._rooms:
            m = self._rooms[b] = self._lay_out_batch(b)
            # To view takes as long as a short operation.
            transposed = {f"{k}_t": x.mT for k, x in vars(m).items() if _is_matrix(x)}
            vars(m).update(transposed)
        return self._rooms[b]

    def _prepare(self, m: SimpleNamespace) -> None:
        """Compute what depends on weights alone."""
        torch.mul(m.weight, m.gate_by_window, out=m.gated)
        m.bias_by_window.copy_(m.bias)
        if self.has_hidden:
            torch.add(m.direct_bias, m.output_bias, out=m.constant)
        if self.combines:
            torch.mul(m.key, m.query, out=m.key_query)
            torch.sum(m.key_query_by_head, 3, out=m.folded)
            torch.add(m.combined_bias, m.pool_bias, out=m.hidden_bias)

    def _sum_windows(self, m: SimpleNamespace, by_window: Tensor, flat_t: Tensor) -> None:
        """Compute tokens, and sums over single windows and places."""
        # One product for all members.
        torch.baddbmm(m.start, by_window, m.gated_of_each_t, out=m.tokens_by_window)
        m.tokens.copy_(m.tokens_by_member)
        torch.mul(m.additive, m.gate_by_trait, out=m.effects)
        torch.addmm(m.constant_of_each, m.effects_of_each, flat_t, out=m.values_of_each)
        m.values.baddbmm_(m.direct, m.flat_tokens_t)

    def _combine_windows(self, m: SimpleNamespace) -> None:
        """Add what hidden units make of all windows, and of what learned queries attend to."""
        torch.bmm(m.folded_t, m.all_tokens_t, out=m.scores)
        torch.softmax(m.scores_by_token, -1, out=m.shares)
        torch.mul(m.shares_by_sample, m.tokens.shape[2], out=m.attention)
        torch.bmm(m.attention_of_each, m.tokens_of_each, out=m.attended_of_each)
        # All heads' values of all heads' sums: those of the same head are taken.
        torch.bmm(m.attended, m.value, out=m.crossed)
        m.pooled_by_head.copy_(m.own_head)
        torch.baddbmm(m.hidden_bias, m.pooled, m.from_pool, out=m.hidden)
        m.hidden.baddbmm_(m.flat_tokens, m.combined).relu_()
        m.values.baddbmm_(m.output, m.hidden_t)

    def _lay_out_weights(self) -> SimpleNamespace:
        """Take memory of the size of the weights, and all views of it that are needed."""
        m = SimpleNamespace(**self._views)
        (t, n, d, _), new = m.weight.shape, m.weight.new_zeros
        m.gate_by_window = m.gate.transpose(0, 1).unsqueeze(2)
        m.gated, m.effects = torch.zeros_like(m.weight), torch.zeros_like(m.additive)
        m.gate_by_trait = m.gate.unsqueeze(1)
        m.gated_of_each = m.gated.flatten(1, 2)
        m.effects_of_each = m.effects.flatten(2).flatten(0, 1)
        m.start = new(t, 1, n * d)
        m.constant = torch.zeros_like(m.direct_bias) if self.has_hidden else m.direct_bias
        m.constant_of_each = m.constant.flatten(0, 1)
        m.bias, m.bias_by_window = m.bias.permute(2, 1, 0, 3), m.start.view(t, 1, n, d)
        if self.combines:
            m.folded, m.key_query = new(n, d, self.n_heads), new(n, d, d)
            m.key_query_by_head = m.key_query.unflatten(2, (self.n_heads, -1))
            m.hidden_bias = new(n, 1, m.output.shape[2])
        return m

    def _lay_out_batch(self, b: int) -> SimpleNamespace:
        """Take memory for batches of a size, and all views of it that are needed."""
        m = SimpleNamespace(**vars(self._fixed))
        (t, n, d, _), k, new = m.weight.shape, m.additive.shape[1], m.weight.new_zeros
        m.tokens_by_window = new(t, b, n * d)
        m.tokens_by_member = m.tokens_by_window.view(t, b, n, d).permute(2, 1, 0, 3)
        m.tokens = new(n, b, t, d)
        m.flat_tokens = m.tokens.flatten(2)
        m.values = new(n, k, b)
        m.values_of_each = m.values.flatten(0, 1)
        if self.combines:
            h = self.n_heads
            m.all_tokens, m.tokens_of_each = m.tokens.flatten(1, 2), m.tokens.flatten(0, 1)
            m.scores, m.shares = new(n, h, b * t), new(n, h, b, t)
            m.scores_by_token = m.scores.view_as(m.shares)
            m.shares_by_sample = m.shares.transpose(1, 2)
            m.attention = new(n, b, h, t)
            m.attention_of_each = m.attention.flatten(0, 1)
            m.attended, m.crossed = new(2, n, b * h, d)
            m.attended_of_each = m.attended.view(n * b, h, d)
            m.own_head = _own_head(m.crossed, h)
            m.pooled, m.hidden = new(n, b, d), new(n, b, m.output.shape[2])
            m.pooled_by_head = m.pooled.view(n, b, h, -1)
        return m


class WeightGroup(NamedTuple):
    """Hold weights for an optimizer.

    Attributes
    ----------
    weights, derivatives : Tensor of shape (n,)
        The weights, and the loss's derivatives by them.
    decay : float
        What times the weights is the penalty's derivative.
    """

    weights: Tensor
    derivatives: Tensor
    decay: float


class RegimeStep(RegimeValues):
    """Loss and derivatives of the members of one regime.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one :func:`sktransformer_gp.fused.can_fuse` agrees to.
    members : slice
        The regime's members.
    loss_weight : Tensor of shape (n_members, n_traits)
        Weight of each trait in the loss of each member of the encoder.
    penalty : float
        What the sum of squares of gates and what they multiply is multiplied by.

    Attributes
    ----------
    groups : list of WeightGroup
        The regime's weights one behind the other, those that are penalised and the others, with the
        loss's derivatives after each call. `store` takes the weights to the encoder.
    derivatives : dict of str to Tensor
        The same derivatives, by the names of this module.
    """

    groups: list[WeightGroup]
    derivatives: dict[str, Tensor]

    def __init__(self, encoder: MarkerEncoder, members: slice, loss_weight: Tensor, penalty: float):
        self.penalty = penalty
        super().__init__(encoder, members)
        self.loss_weight = loss_weight[members].unsqueeze(2)  # (N, K, 1)

    def store(self) -> None:
        """Take the weights to the encoder."""
        for name, block in self._blocks.items():
            block.copy_(self._views[name][..., : block.shape[-1]])

    def __call__(self, z: Tensor, y: Tensor) -> float:
        """Compute the loss and its derivatives, without the penalty.

        Parameters
        ----------
        z : Tensor of shape (B, T, W)
            What is in the places, with zeros up to a multiple of `REGISTER`.
        y : Tensor of shape (n_members or 1, n_traits or n_traits + 1, B)
            Standardised phenotypes, NaN = not observed, and weights of samples behind them.

        Returns
        -------
        float
            The regime's part of the loss.
        """
        self._prepare(self._fixed)
        self.values(z)
        room, by_window, flat = self._room(len(z)), z.transpose(0, 1), z.flatten(1)
        loss = self._compare(room, y)
        self._back_to_sums(room, flat)
        if self.combines:
            self._back_to_combinations(room)
        self._back_to_tokens(room, by_window)
        return loss

    def _weights(self) -> dict[str, Tensor]:
        """Lay the weights out one behind the other, and their derivatives like them."""
        weights = super()._weights()
        flat = torch.cat([block.flatten() for block in weights.values()])
        n = sum(weights[name].numel() for name in PLACES)
        derivatives = torch.zeros_like(flat)
        self.groups = [
            WeightGroup(flat[:n], derivatives[:n], 2 * self.penalty),
            WeightGroup(flat[n:], derivatives[n:], 0.0),
        ]
        self.derivatives = _part(derivatives, weights)
        return _part(flat, weights)

    def _compare(self, m: SimpleNamespace, y: Tensor) -> float:
        """Return the loss, and keep its derivative by the values."""
        y = y if len(y) == 1 else y[self.members]
        n_traits = m.values.shape[1]
        is_weighted = y.shape[1] > n_traits
        observed = y[:, :n_traits] if is_weighted else y
        torch.sub(m.values, observed, out=m.error).masked_fill_(observed.isnan(), 0)
        torch.mul(m.error, m.twice_loss_weight, out=m.d_values)
        if is_weighted:
            m.d_values.mul_(y[:, n_traits:])
        return torch.dot(m.all_d_values, m.all_errors).item() / 2

    def _back_to_sums(self, m: SimpleNamespace, flat: Tensor) -> None:
        """Go from the values to additive effects and direct weights, and to the tokens."""
        # Derivatives by effects take the place of effects, and before their own those by gates.
        torch.mm(m.d_values_of_each, flat, out=m.effects_of_each)
        torch.mul(m.effects, m.additive, out=m.d_additive)
        torch.sum(m.d_additive, 1, out=m.d_gate)
        torch.mul(m.effects, m.gate_by_trait, out=m.d_additive)
        torch.sum(m.d_values, 2, keepdim=True, out=m.d_direct_bias)
        if self.has_hidden:
            m.d_output_bias.copy_(m.d_direct_bias)
        torch.bmm(m.d_values, m.flat_tokens, out=m.d_direct)
        if m.values.shape[1] == 1:  # BLAS is slow at this product
            torch.mul(m.d_values_t, m.direct, out=m.d_flat_tokens)
        else:
            torch.bmm(m.d_values_t, m.direct, out=m.d_flat_tokens)

    def _back_to_combinations(self, m: SimpleNamespace) -> None:
        """Go from the values to all that hidden units are made of; add to the tokens'."""
        torch.bmm(m.d_values, m.hidden, out=m.d_output)
        torch.bmm(m.d_values_t, m.output, out=m.d_hidden)
        m.d_hidden.mul_(torch.sign(m.hidden, out=m.is_on))
        torch.sum(m.d_hidden, 1, keepdim=True, out=m.d_combined_bias)
        m.d_pool_bias.copy_(m.d_combined_bias)
        torch.bmm(m.flat_tokens_t, m.d_hidden, out=m.d_combined)
        torch.bmm(m.pooled_t, m.d_hidden, out=m.d_from_pool)
        m.d_flat_tokens.baddbmm_(m.d_hidden, m.combined_t)

        # Through attention.
        torch.bmm(m.d_hidden, m.from_pool_t, out=m.d_pooled)
        m.d_own_head.copy_(m.d_pooled_by_head)
        torch.bmm(m.attended_t, m.d_crossed, out=m.d_value)
        torch.bmm(m.d_crossed, m.value_t, out=m.d_attended)
        m.d_tokens_of_each.baddbmm_(m.attention_of_each_t, m.d_attended_of_each)
        torch.bmm(m.d_attended_of_each, m.tokens_of_each_t, out=m.d_attention_of_each)
        # Of a softmax s: s (d - sum of s d).
        m.d_attention.mul_(m.attention)
        torch.sum(m.d_attention, 3, keepdim=True, out=m.total)
        torch.mul(m.shares, m.total_by_head, out=m.d_scores_by_token)
        torch.sub(m.d_attention_by_head, m.d_scores_by_token, out=m.d_scores_by_token)
        m.d_all_tokens.baddbmm_(m.d_scores_t, m.folded_t)
        torch.bmm(m.d_scores, m.all_tokens, out=m.d_folded)
        torch.mul(m.d_folded_by_head, m.query_by_head, out=m.d_key_by_head)
        torch.mul(m.d_folded_by_head, m.key_by_head, out=m.key_query_by_head)
        torch.sum(m.key_query, 1, keepdim=True, out=m.d_query)

    def _back_to_tokens(self, m: SimpleNamespace, by_window: Tensor) -> None:
        """Go from the tokens to their weights, and to the gates."""
        torch.sum(m.d_flat_tokens, 1, out=m.d_flat_bias)
        m.tokens_by_member.copy_(m.d_tokens)
        # As with effects.
        torch.bmm(m.tokens_by_window_t, by_window, out=m.gated_of_each)
        torch.mul(m.gated, m.weight, out=m.d_weight)
        torch.sum(m.d_weight, 2, out=m.d_gate_of_weights)
        m.d_gate_by_window.add_(m.d_gate_of_weights)
        torch.mul(m.gated, m.gate_by_window, out=m.d_weight)

    def _lay_out_weights(self) -> SimpleNamespace:
        m = super()._lay_out_weights()
        vars(m).update({f"d_{name}": view for name, view in self.derivatives.items()})
        (t, n, d, p), new = m.weight.shape, m.weight.new_zeros
        m.d_gate_by_window, m.d_gate_of_weights = m.d_gate.transpose(0, 1), new(t, n, p)
        m.d_flat_bias = m.d_bias.view(n, t * d)
        if self.combines:
            for name in ("key", "query", "d_key"):
                setattr(m, f"{name}_by_head", getattr(m, name).unflatten(2, (self.n_heads, -1)))
            m.d_folded = new(n, self.n_heads, d)
            m.d_folded_by_head = m.d_folded.mT.unsqueeze(3)
        return m

    def _lay_out_batch(self, b: int) -> SimpleNamespace:
        m = super()._lay_out_batch(b)
        (t, n, d, _), k, new = m.weight.shape, m.additive.shape[1], m.weight.new_zeros
        m.d_tokens = new(n, b, t, d)
        m.d_flat_tokens = m.d_tokens.flatten(2)
        m.d_values, m.error = new(2, n, k, b)
        m.d_values_of_each = m.d_values.flatten(0, 1)
        m.all_d_values, m.all_errors = m.d_values.flatten(), m.error.flatten()
        m.twice_loss_weight = 2 * self.loss_weight / b
        if self.combines:
            h = self.n_heads
            m.d_all_tokens, m.d_tokens_of_each = m.d_tokens.flatten(1, 2), m.d_tokens.flatten(0, 1)
            m.d_scores_by_token, m.d_attention = new(n, h, b, t), new(n, b, h, t)
            m.d_scores = m.d_scores_by_token.flatten(2)
            m.d_attention_of_each = m.d_attention.flatten(0, 1)
            m.d_attention_by_head = m.d_attention.transpose(1, 2)
            m.total = new(n, b, h, 1)
            m.total_by_head = m.total.transpose(1, 2)
            m.d_attended, m.d_crossed = new(2, n, b * h, d)
            m.d_attended_of_each = m.d_attended.view(n * b, h, d)
            m.d_own_head = _own_head(m.d_crossed, h)
            m.d_pooled = new(n, b, d)
            m.d_pooled_by_head = m.d_pooled.view(n, b, h, -1)
            m.d_hidden, m.is_on = new(2, n, b, m.output.shape[2])
        return m


def _own_head(crossed: Tensor, n_heads: int) -> Tensor:
    """View what each head makes of its own sum in (N, B * H, D), as (N, B, H, D / H)."""
    by_head = crossed.unflatten(1, (-1, n_heads)).unflatten(3, (n_heads, -1))
    return by_head.diagonal(dim1=2, dim2=3).mT


def _is_matrix(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() > 1


def _padded(places: Tensor) -> Tensor:
    """Copy what has places, with zeros behind them."""
    return F.pad(places, (0, padded_width(places.shape[-1]) - places.shape[-1])).contiguous()


def _part(flat: Tensor, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """View what lies one behind the other by name."""
    parts = flat.split([block.numel() for block in like.values()])
    return {k: x.view(block.shape) for (k, block), x in zip(like.items(), parts, strict=True)}
