"""What all regressors with a neural network share: rows, scales, training and predictions."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sktransformer_gp.copies import Rows, distinct_rows
from sktransformer_gp.inputs import EncoderInput, TraitScale
from sktransformer_gp.markers import input_names
from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.saving.estimators import ModelFileMixin
from sktransformer_gp.training import EncoderNet
from sktransformer_gp.validation import check_phenotypes
from sktransformer_gp.weights import SampleWeights, check_sample_weight, weighted_mean


class NeuralRegressorMixin(ModelFileMixin, TraitRegressorMixin, PageMixin):
    """Take phenotypes of one or several traits, with weights, and give predictions in their shape.

    The estimator has the parameters `weighting` and, for what is scaled, `preprocessor`.
    """

    weighting: str
    preprocessor: Any
    net_: EncoderNet

    def _take_rows(
        self, X: NDArray, y: ArrayLike, sample_weight: ArrayLike | None, unobserved: bool = False
    ) -> tuple[Rows, NDArray | slice]:
        """Validate phenotypes and weights; return the distinct rows that are used, and their place.

        Rows without any phenotype are among them with `unobserved` only.
        """
        given = check_sample_weight(sample_weight, len(X), self.weighting)
        y = check_phenotypes(self, y, X, given)
        self._y_ndim = y.ndim
        self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
        Y = y.reshape(len(y), -1)
        observed = ~np.isnan(Y).all(axis=1)
        if not (unobserved or observed.all()):
            X, Y = X[observed], Y[observed]
            given = None if given is None else given[observed]
        return distinct_rows(X, Y, given, self.weighting)

    def _learn_scales(self, rows: Rows, chromosomes: ArrayLike | None, seed: int) -> None:
        """Fit what comes before the network and turns its outputs back into the traits' units."""
        X, Y, weights = rows
        names = input_names(X.shape[1], getattr(self, "feature_names_in_", None), chromosomes)
        self._input = EncoderInput(self.preprocessor, names, seed).fit(X, Y, weights)
        self._traits = TraitScale(Y, weights)

    def _targets(
        self, Y: NDArray, weights: SampleWeights | None, hidden: NDArray | None = None
    ) -> Tensor:
        """Return standardised phenotypes (n_samples, N or 1, n_traits), with weights behind them.

        NaN is what is `hidden` (n_samples, N) from a member.
        """
        y = self._traits.standardise(Y)[:, None]
        if hidden is not None:
            y = np.where(hidden[:, :, None], np.nan, y)
        if weights is not None:
            relative = weights.relative[:, None, None]
            y = np.concatenate([y, np.broadcast_to(relative, (*y.shape[:2], 1))], axis=2)
        return torch.tensor(y, dtype=torch.float32)

    def _train(
        self,
        Z: Tensor,
        Y: NDArray,
        weights: SampleWeights | None,
        gate_penalty: float | None = None,
        **settings: Any,
    ) -> None:
        """Train a single network on its inputs and the phenotypes that belong to them."""
        share = weighted_mean(~np.isnan(Y), weights)
        self.net_ = EncoderNet(
            gate_penalty=None if gate_penalty is None else torch.tensor([gate_penalty]),
            criterion__weight=torch.tensor(1 / share[None], dtype=torch.float32),
            **settings,
        ).train(Z, self._targets(Y, weights))
        self._keep_record()

    def _keep_record(self) -> None:
        history = self.net_.history
        self.n_iter_ = len(history)
        self.loss_curve_ = [float(loss) for loss in history[:, "train_loss"]]

    def _predict(self, Z: Tensor) -> NDArray:
        """Predict with a single network, in the traits' units and the shape of y."""
        return self._in_shape_of_y(self._traits.restore(self.net_.predict_double(Z)[0]))

    def _in_shape_of_y(self, values: NDArray) -> NDArray:
        return values[:, 0 if self._y_ndim == 1 else slice(None)]
