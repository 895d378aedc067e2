"""Values of the encoders where a few markers change."""

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sktransformer_gp.encoder import MarkerEncoder
from sktransformer_gp.inspection.encoders import EncoderPart


class EncoderChanges:
    """Evaluate encoders for the same samples again and again, each time with a few other dosages.

    Parameters
    ----------
    part : EncoderPart
        The encoders.
    Z : Tensor of shape (n_samples, M)
        Preprocessed dosages.
    folds : ndarray of shape (n_samples,), of int, default=None
        Inner fold of each sample: only members that have not seen it predict it. None = all do.

    Attributes
    ----------
    base : ndarray of shape (n_samples, n_traits)
        Values of `Z`, without the traits' means, in each trait's own unit.

    Notes
    -----
    Where windows are tokens and there are no self-attention blocks, a marker acts on its own token
    only, and through it on sums over tokens: only its terms in these are computed. Otherwise all
    is computed anew.
    """

    def __init__(self, part: EncoderPart, Z: Tensor, folds: NDArray | None = None):
        self.part, self.Z, self.folds = part, Z, folds
        self.base = part.values(Z, folds)
        self._readout = None
        if part.encoder.tokens == "linear" and not len(part.encoder.blocks):
            with torch.inference_mode():
                self._readout = _ReadoutChanges(part, Z)

    def values(self, Z: Tensor) -> NDArray:
        """Evaluate the encoders with other dosages.

        Parameters
        ----------
        Z : Tensor of shape (n_samples, M)
            Preprocessed dosages of the same samples, of which some differ.

        Returns
        -------
        ndarray of shape (n_samples, n_traits)
            Values without the traits' means, in each trait's own unit.
        """
        if self._readout is None:
            return self.part.values(Z, self.folds)
        columns = (Z != self.Z).any(dim=0).nonzero()[:, 0]
        with torch.inference_mode():
            change = self._readout.change(columns, (Z - self.Z)[:, columns])
            return self.base + self.part.weigh(change, self.folds).cpu().double().numpy()


class _ReadoutChanges:
    """What markers change in the read-out of tokens that do not attend to each other.

    Shapes as in :mod:`sktransformer_gp.encoder`, with M markers.
    """

    def __init__(self, part: EncoderPart, Z: Tensor):
        encoder, self.traits = part.encoder, part.traits
        self.readout = encoder.readout
        z = (Z.to(encoder.center.device) - encoder.center) / encoder.scale
        self.tokens = encoder.tokenize(Z, F.pad(z, (0, 1))[:, encoder.windows])  # (N, B, T, D)
        self._read_effects(encoder)
        if self.readout.n_hidden:
            self.flat = self.readout.from_flat(self.tokens.flatten(2))  # (N, B, n_hidden)
            if self.readout.n_heads:
                self._read_attention()
            self.base = self._output(torch.zeros_like(self.flat), [])

    def change(self, columns: Tensor, deltas: Tensor) -> Tensor:
        """Return the change in value (N, B, n_traits) where columns change by deltas (B, c)."""
        deltas = deltas.to(self.tokens.device)
        change = deltas @ self.to_output[:, columns]
        if not self.readout.n_hidden:
            return change
        moved = []
        if self.readout.n_heads:
            for t in self.window[columns].unique():
                here = self.window[columns] == t
                moved.append((t, deltas[:, here] @ self.to_token[:, columns[here]]))
        return change + self._output(deltas @ self.to_hidden[:, columns], moved) - self.base

    def _read_effects(self, encoder: MarkerEncoder) -> None:
        """Compute what one more copy at a marker adds to its token, hidden units and output."""
        filled = encoder.windows < len(encoder.center)  # in the order of the markers
        self.window = filled.nonzero()[:, 0]  # (M,)
        gate = torch.ones_like(filled[..., None]) if encoder.gate is None else encoder.gate
        scale = encoder.scale[:, None, None]
        weight = (encoder.embed.weight * gate[..., None])[filled]  # (M, N, D)
        self.to_token = (weight / scale).transpose(0, 1)
        self.to_output = self._through(self.readout.direct.weight)[:, :, self.traits]
        if encoder.gate is not None:
            effects = (encoder.additive * gate[..., None])[filled]  # (M, N, K)
            self.to_output += (effects / scale).transpose(0, 1)[:, :, self.traits]
        if self.readout.n_hidden:
            self.to_hidden = self._through(self.readout.from_flat.weight)

    def _through(self, weight: Tensor) -> Tensor:
        """Follow each marker through its token and a map of all tokens, to (N, M, n_out)."""
        by_token = weight.unflatten(1, self.tokens.shape[2:]).unbind(1)  # T times (N, D, n_out)
        markers = self.to_token.split(self.window.bincount().tolist(), dim=1)
        return torch.cat([x @ w for x, w in zip(markers, by_token, strict=True)], dim=1)

    def _read_attention(self) -> None:
        """Keep the sums that attention is made of."""
        pool = self.readout.pool
        self.folded = (pool.key * pool.query).unflatten(2, (pool.n_heads, -1)).sum(-1)  # (N, D, H)
        scores = self.tokens @ self.folded[:, None]  # (N, B, T, H)
        self.highest = scores.amax(dim=2)  # (N, B, H): keeps exponentials small
        shares = (scores - self.highest[:, :, None]).exp()
        self.total = shares.sum(dim=2)  # (N, B, H)
        self.sums = torch.einsum("nbth,nbtd->nbhd", shares, self.tokens)

    def _output(self, hidden: Tensor, moved: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Read hidden units plus what is added to them, with some tokens moved."""
        hidden = self.flat + hidden
        if self.readout.n_heads:
            hidden = hidden + self.readout.from_pool(self._pooled(moved))
        return self.readout.output(F.relu(hidden))[:, :, self.traits]

    def _pooled(self, moved: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Sum tokens under attention, (N, B, D)."""
        total, sums = self.total, self.sums
        for t, step in moved:
            for sign, x in ((-1, self.tokens[:, :, t]), (1, self.tokens[:, :, t] + step)):
                shares = sign * (x @ self.folded - self.highest).exp()  # (N, B, H)
                total = total + shares
                sums = sums + shares[..., None] * x[:, :, None]
        pool = self.readout.pool
        value = pool.value.unflatten(2, (pool.n_heads, -1))  # (N, D, H, D / H)
        means = self.tokens.shape[2] * sums / total[..., None]
        return torch.einsum("nbhd,ndhe->nbhe", means, value).flatten(2)
