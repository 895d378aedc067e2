"""Predictions of the same samples again and again, each time with a few dosages changed."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sktransformer_gp.inspection.encoders import EncoderPart
from sktransformer_gp.inspection.kernels import KernelPart, Relations
from sktransformer_gp.inspection.steps import LastStep
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.snp_blup import SNPBLUPRegressor


class Substitution:
    """Predict the same samples with other dosages of some markers.

    Parameters
    ----------
    step : LastStep
        The model and the dosages that reach it.

    Attributes
    ----------
    base : ndarray of shape (n_samples, n_traits)
        Predictions with nothing changed.

    Notes
    -----
    Any model predicts anew. A `TransformerGPRegressor` is taken apart: of its encoders and its
    polygenic term only what the changed markers do is computed, in the encoders in single
    precision.
    """

    def __init__(self, step: LastStep):
        self.step, self.base = step, step.predict(step.X)
        self._encoders = self._polygenic = None
        if isinstance(step.model, TransformerGPRegressor):
            part = EncoderPart(step.model)
            self._encoders = EncoderChanges(part, part.inputs(step.X))
            if step.model.polygenic_ is not None:
                is_linear = isinstance(step.model.polygenic_, SNPBLUPRegressor)
                term = _LinearChanges if is_linear else _KernelChanges
                self._polygenic = term(step.model.polygenic_, self._encoders.Z.numpy())

    def predict(self, columns: NDArray, dosages: NDArray) -> NDArray:
        """Predict with other dosages of some markers.

        Parameters
        ----------
        columns : ndarray of shape (n_changed,), of int
            Markers to change.
        dosages : ndarray of shape (n_samples, n_changed) or (n_changed,)
            Their dosages.

        Returns
        -------
        ndarray of shape (n_samples, n_traits)
            Predictions in each trait's own unit.
        """
        X = self.step.X.astype(np.result_type(self.step.X, dosages))
        X[:, columns] = dosages
        if self._encoders is None:
            return self.step.predict(X)
        Z = self._encoders.part.inputs(X)
        predicted = self.base + self._encoders.values(Z) - self._encoders.base
        if self._polygenic is not None:
            moved = (Z != self._encoders.Z).any(dim=0).numpy()
            change = self._polygenic.change(np.flatnonzero(moved), Z.numpy()[:, moved])
            predicted += self.step.model.weights_[-1] * change @ self.step.model.selection_index_
        return predicted


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
            change = self._readout.change(columns, Z[:, columns])
            return self.base + self.part.weigh(change, self.folds).cpu().double().numpy()


class _ReadoutChanges:
    """What markers change in the read-out of tokens that do not attend to each other.

    Shapes as in :mod:`sktransformer_gp.encoder`, with M inputs: the standardised dosages of all
    markers and, where members read them, their dominance deviations.
    """

    def __init__(self, part: EncoderPart, Z: Tensor):
        self.encoder, self.readout, self.Z = part.encoder, part.encoder.readout, Z
        self.tokens = self.encoder.tokenize(Z, self.encoder.read(Z))  # (N, B, T, D)
        self._read_effects()
        if self.readout.n_hidden:
            self.flat = self.readout.combined(self.tokens.flatten(2))  # (N, B, n_hidden)
            self.to_hidden = self._through(self.readout.combined.weight)
            if self.readout.n_heads:
                self._read_attention()
            self.base = self._output(torch.zeros_like(self.flat), [])

    def change(self, columns: Tensor, dosages: Tensor) -> Tensor:
        """Return the change in value (N, B, n_outputs) where columns have dosages (B, c)."""
        before, after = (self._inputs(x, columns) for x in (self.Z[:, columns], dosages))
        deltas = after - before
        n_markers = self.Z.shape[1]
        columns = torch.cat([columns + start for start in range(0, len(self.window), n_markers)])
        change = deltas @ self.to_output[:, columns]
        if not self.readout.n_hidden:
            return change
        moved = []
        if self.readout.n_heads:
            for t in self.window[columns].unique():
                here = self.window[columns] == t
                moved.append((t, deltas[:, here] @ self.to_token[:, columns[here]]))
        return change + self._output(deltas @ self.to_hidden[:, columns], moved) - self.base

    def _inputs(self, dosages: Tensor, markers: Tensor) -> Tensor:
        dosages = dosages.to(self.tokens.device)
        return torch.cat(self.encoder.standardise(dosages, markers), dim=1)

    def _read_effects(self) -> None:
        """Compute what one unit of an input adds to its token, hidden units and output."""
        encoder = self.encoder
        filled = encoder.windows < len(encoder.center)  # in the order of the markers
        n_kinds = 1 if encoder.dominance is None else 2
        self.window = filled.nonzero()[:, 0].repeat(n_kinds)  # (M,)

        def by_input(values: Tensor) -> Tensor:
            """Take (N, C, T, W) to (N, M, C)."""
            kinds = values.chunk(n_kinds, dim=3)
            return torch.cat([kind[..., filled] for kind in kinds], dim=2).mT

        gate = 1 if encoder.gate is None else encoder.gate[:, None]
        self.to_token = by_input(encoder.embed.weight.transpose(1, 2) * gate)
        self.to_output = self._through(self.readout.direct.weight)
        if encoder.gate is not None:
            self.to_output = self.to_output + by_input(encoder.additive * gate)

    def _through(self, weight: Tensor) -> Tensor:
        """Follow each input through its token and a map of all tokens, to (N, M, n_out)."""
        by_token = weight.unflatten(1, self.tokens.shape[2:])  # (N, T, D, n_out)
        out = self.to_token.new_empty(*self.to_token.shape[:2], weight.shape[-1])
        for t in range(by_token.shape[1]):
            here = (self.window == t).nonzero()[:, 0]
            out[:, here] = self.to_token[:, here] @ by_token[:, t]
        return out

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
        return self.readout.output(F.relu(hidden))

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


class _LinearChanges:
    """What markers change in a linear polygenic term."""

    def __init__(self, model: SNPBLUPRegressor, Z: NDArray):
        self.Z, self.effects = Z, model.coef_.T

    def change(self, columns: NDArray, dosages: NDArray) -> NDArray:
        """Return the change in value (n_samples, n_traits) where columns have other dosages."""
        return (dosages - self.Z[:, columns]) @ self.effects[columns]


class _KernelChanges:
    """What markers change in a polygenic term of kernels."""

    def __init__(self, model: PolygenicRegressor, Z: NDArray):
        each = np.eye(np.size(model.intercept_[0]))
        self.parts = [KernelPart.of_polygenic(model, trait) for trait in each]
        self.Z, self.relations = Z, self.parts[0].relate(Z, model.center_)
        self.base = self._values(self.relations)

    def change(self, columns: NDArray, dosages: NDArray) -> NDArray:
        """Return the change in value (n_samples, n_traits) where columns have other dosages."""
        relations = self.parts[0].change(self.relations, self.Z, columns, dosages)
        return self._values(relations) - self.base

    def _values(self, relations: Relations) -> NDArray:
        return np.column_stack([part.values(relations) for part in self.parts])
