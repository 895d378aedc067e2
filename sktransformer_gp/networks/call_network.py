"""What the estimators share that read calls and tell calls."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from sktransformer_gp.markers import chromosomes_from_names, input_names
from sktransformer_gp.networks.calls import as_calls, lowest_dosage
from sktransformer_gp.networks.fitting import train_denoiser
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.validation import MISSING, check_dosages, check_ploidy, is_missing

ROWS = 64  # individuals whose probabilities are in memory at once
NET_PARAMETERS = ("d_model", "dim_feedforward", "mask_rate", "flip_rate")


class CallNetwork(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PageMixin, BaseEstimator):
    """A transformer whose network is held to tell all calls from what noise leaves of them.

    Attributes
    ----------
    net_ : SeededNet
        The trained net.
    ploidy_, lowest_ : int
        Largest dosage from `lowest_`, and what counts as dosage 0.
    n_components_ : int
        Size of a code.
    """

    def transform(self, X: ArrayLike) -> NDArray:
        """Write genotypes into codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing.

        Returns
        -------
        ndarray of shape (n_samples, n_components), of float64
            The codes.
        """
        return self.net_.predict_double(self.read(X), method="encode")[0]

    def read(self, X: ArrayLike) -> Tensor:
        """Turn dosages into what the network reads.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing.

        Returns
        -------
        Tensor of shape (n_samples, n_markers)
            Dosages from 0, -1 = missing.
        """
        X = self._from_zero(self._check(X))
        check_ploidy(X, self.ploidy_, type(self).__name__)
        return as_calls(X)

    def _fit_net(self, X: ArrayLike, chromosomes: ArrayLike | None, **parameters: Any) -> Self:
        """Learn what dosages are, and train the net on them."""
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        X = check_dosages(self, X, reset=True, allow_missing=True)
        self.lowest_ = lowest_dosage(X)
        self.ploidy_ = check_ploidy(self._from_zero(X), None, type(self).__name__)
        self._gives_calls = X.dtype.kind != "f"
        names = input_names(X.shape[1], getattr(self, "feature_names_in_", None), chromosomes)
        self.net_ = train_denoiser(
            self,
            as_calls(self._from_zero(X)),
            chromosomes_from_names(names),
            self.ploidy_ + 1,
            seed,
            **{name: getattr(self, name) for name in NET_PARAMETERS},
            **parameters,
        )
        net = self.net_.module_
        self.n_components_ = net.axes.shape[1] or len(net.windows) * self.d_model
        self.n_iter_ = len(self.net_.history)
        self.loss_curve_ = [float(loss) for loss in self.net_.history[:, "train_loss"]]
        return self

    def _tell(self, calls: Tensor) -> NDArray:
        """Return the likeliest or the expected dosages of a block of individuals."""
        if self._gives_calls:
            return self.net_.predict_double(calls)[0].argmax(axis=-1)
        return self._expected(calls)

    def _expected(self, block: Tensor, method: str = "forward") -> NDArray:
        logits = self.net_.predict_double(block, method=method)[0]
        return softmax(logits, axis=-1) @ np.arange(logits.shape[-1]) + self.lowest_

    def _fill(self, X: NDArray, missing: NDArray, told: NDArray) -> NDArray:
        """Write what is told where X is missing."""
        keeps_type = self._gives_calls or X.dtype.kind == "f"
        filled = X.astype(X.dtype if keeps_type else np.float32, copy=True)
        filled[missing] = self._known(told)[missing]
        return filled

    def _known(self, told: NDArray) -> NDArray:
        """Put the lowest dosage where the training rows had nothing above it, or nothing at all."""
        never_above = (self.net_.module_.center == 0).cpu().numpy()
        return np.where(never_above, self.lowest_, told)

    def _check(self, X: ArrayLike) -> NDArray:
        check_is_fitted(self)
        return check_dosages(self, X, reset=False, allow_missing=True)

    def _from_zero(self, X: NDArray) -> NDArray:
        return np.where(is_missing(X), MISSING, X - self.lowest_) if self.lowest_ else X

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags
