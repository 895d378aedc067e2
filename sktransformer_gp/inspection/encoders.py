"""The encoders' part of a prediction, as a function of the markers."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import gen_batches
from torch import Tensor

from sktransformer_gp.inspection.paths import integrate_gradients
from sktransformer_gp.regressor import TransformerGPRegressor

BATCH = 64


class EncoderPart:
    """The weighted sum of all encoders of a model, in units of the traits.

    Parameters
    ----------
    model : TransformerGPRegressor
        The fitted model.
    traits : list of int or None, default=None
        Traits to look at; members without a weight in any of them are left out. None = all.

    Attributes
    ----------
    encoder : MarkerEncoder
        The members that count.
    index : Tensor of shape (n_outputs, n_traits)
        What each trait of the encoders adds to each of these traits.
    """

    def __init__(self, model: TransformerGPRegressor, traits: list[int] | None = None):
        self._preprocess = model._input.transform
        index = model.selection_index_ if traits is None else model.selection_index_[:, traits]
        self.index = torch.as_tensor(index, dtype=torch.float32)
        share = model.weights_[: model._n_regimes] * model.y_scale_ * (index != 0).any(axis=1)
        encoder = model.net_.module_
        n_folds = len(encoder.token_dropout) // len(share)
        used = np.flatnonzero(np.repeat(share.any(axis=1), n_folds))
        used = used if len(used) else np.array([0])
        self.encoder = encoder.select(used)
        self.folds = torch.as_tensor(used % n_folds)
        self.n_folds = n_folds
        self.weights = torch.as_tensor(share[used // n_folds] / n_folds, dtype=torch.float32)

    def inputs(self, X: NDArray) -> Tensor:
        """Preprocess dosages (n_samples, n_markers), whole or not, to (n_samples, M)."""
        return self._preprocess(X).float()

    def values(self, Z: Tensor, folds: NDArray | None = None) -> NDArray:
        """Predict from preprocessed dosages, without the traits' means.

        Parameters
        ----------
        Z : Tensor of shape (n_samples, M)
            Preprocessed dosages.
        folds : ndarray of shape (n_samples,), of int, default=None
            Inner fold of each sample: only members that have not seen it predict it. None = all
            members do.

        Returns
        -------
        ndarray of shape (n_samples, n_traits)
            Values in each trait's own unit.
        """
        with torch.inference_mode():
            parts = [
                self._sum(Z[rows], None if folds is None else folds[rows])
                for rows in gen_batches(len(Z), BATCH)
            ]
        return torch.cat(parts).cpu().double().numpy()

    def contributions(self, Z: Tensor, reference: Tensor, tolerance: float) -> NDArray:
        """Integrate gradients of the first trait along the line from a reference to each sample.

        Parameters
        ----------
        Z : Tensor of shape (n_samples, M)
            Preprocessed dosages.
        reference : Tensor of shape (1, M)
            Where all lines begin.
        tolerance : float
            Largest difference between a sample's sum of contributions and its change in value.

        Returns
        -------
        ndarray of shape (n_samples, M)
            Contribution of each marker, in the trait's unit.
        """
        parts = [
            integrate_gradients(
                lambda points: self._sum(points)[:, 0], reference, Z[rows] - reference, tolerance
            )
            for rows in gen_batches(len(Z), BATCH)
        ]
        return np.concatenate(parts)

    def weigh(self, out: Tensor, folds: NDArray | None = None) -> Tensor:
        """Sum members with their weights, and what traits borrow from each other.

        Parameters
        ----------
        out : Tensor of shape (N, n_samples, n_outputs)
            Values of each member, in units of the trait's standard deviation.
        folds : ndarray of shape (n_samples,), of int, default=None
            Inner fold of each sample, see `values`.

        Returns
        -------
        Tensor of shape (n_samples, n_traits)
            Values in each trait's own unit.
        """
        weights = self.weights.to(out.device)[:, None]  # (N, 1, n_outputs)
        if folds is not None:
            unseen = self.folds[:, None] == torch.as_tensor(folds)
            weights = weights * self.n_folds * unseen.to(out.device)[:, :, None]
        return (weights * out).sum(dim=0) @ self.index.to(out.device)

    def _sum(self, Z: Tensor, folds: NDArray | None = None) -> Tensor:
        return self.weigh(self.encoder(Z.to(self.encoder.center.device)), folds)


def encoder_markers(model: TransformerGPRegressor) -> NDArray:
    """Name the markers that reach the encoder.

    Parameters
    ----------
    model : TransformerGPRegressor
        The fitted model.

    Returns
    -------
    ndarray of shape (M,), of str
        What the preprocessor calls its columns.
    """
    if model.preprocessor_ is None:
        return model._input.names
    return np.asarray(model.preprocessor_.get_feature_names_out(model._input.names))


def encoder_columns(model: TransformerGPRegressor) -> NDArray:
    """Find the markers that reach the encoder among those that reach the model.

    Parameters
    ----------
    model : TransformerGPRegressor
        The fitted model.

    Returns
    -------
    ndarray of shape (M,), of int
        Their columns, in the encoder's order.

    Raises
    ------
    ValueError
        If the preprocessor makes columns that are no markers.
    """
    names = model._input.names
    if model.preprocessor_ is None:
        return np.arange(len(names))
    place = {name: column for column, name in enumerate(names)}
    reached = encoder_markers(model)
    unknown = [name for name in reached if name not in place]
    if unknown:
        raise ValueError(
            f"the preprocessor {type(model.preprocessor_).__name__} makes new columns "
            f"({unknown[0]!r}), whose importance is none of a marker's; choose method='permutation'"
        )
    return np.array([place[name] for name in reached])
