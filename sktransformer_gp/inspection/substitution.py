"""Predictions of samples some of whose markers carry other dosages."""

import numpy as np
from numpy.typing import NDArray

from sktransformer_gp.inspection.changes import EncoderChanges
from sktransformer_gp.inspection.encoders import EncoderPart
from sktransformer_gp.inspection.kernels import KernelPart, Relations
from sktransformer_gp.inspection.steps import LastStep
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.snp_blup import SNPBLUPRegressor


class Substitution:
    """Predict the same samples again and again, each time with a few markers changed.

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
    Any model predicts anew. A `TransformerGPRegressor` is taken apart: its encoders predict anew,
    in single precision, and of its polygenic term only what the changed markers do is computed.
    """

    def __init__(self, step: LastStep):
        model, X = step.model, step.X
        self.step, self.base = step, step.predict(X)
        self._change, self._polygenic = self._predict_anew, None
        if isinstance(model, TransformerGPRegressor):
            self._encoders = EncoderPart(model, list(range(self.base.shape[1])))
            self._Z = self._encoders.inputs(X)
            self._changes = EncoderChanges(self._encoders, self._Z)
            if model.polygenic_ is not None:
                is_linear = isinstance(model.polygenic_, SNPBLUPRegressor)
                term = _LinearTerm if is_linear else _PolygenicTerm
                self._polygenic = term(model.polygenic_, self._Z.numpy())
            self._change = self._predict_parts

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
        return self._change(columns, dosages)

    def _predict_anew(self, columns: NDArray, dosages: NDArray) -> NDArray:
        return self.step.predict(self._changed(columns, dosages))

    def _predict_parts(self, columns: NDArray, dosages: NDArray) -> NDArray:
        Z = self._encoders.inputs(self._changed(columns, dosages))
        predicted = self.base + self._changes.values(Z) - self._changes.base
        if self._polygenic is not None:
            moved = (Z != self._Z).any(dim=0).numpy()
            change = self._polygenic.change(np.flatnonzero(moved), Z.numpy()[:, moved])
            predicted += self.step.model.weights_[-1] * change
        return predicted

    def _changed(self, columns: NDArray, dosages: NDArray) -> NDArray:
        X = self.step.X.astype(np.result_type(self.step.X, dosages))
        X[:, columns] = dosages
        return X


class _LinearTerm:
    """How a linear polygenic term changes with some markers."""

    def __init__(self, model: SNPBLUPRegressor, X: NDArray):
        self.X, self.effects = X, model.coef_.T

    def change(self, columns: NDArray, dosages: NDArray) -> NDArray:
        """Return the differences, (n_samples, n_traits)."""
        return (dosages - self.X[:, columns]) @ self.effects[columns]


class _PolygenicTerm:
    """How the polygenic term changes with some markers."""

    def __init__(self, model: PolygenicRegressor, X: NDArray):
        n_traits = np.size(model.intercept_[0])
        self.parts = [KernelPart.of_polygenic(model, trait) for trait in range(n_traits)]
        self.X, self.relations = X, self.parts[0].relate(X, model.center_)
        self.base = self._values(self.relations)

    def change(self, columns: NDArray, dosages: NDArray) -> NDArray:
        """Return the differences, (n_samples, n_traits)."""
        changed = self.parts[0].change(self.relations, self.X, columns, dosages)
        return self._values(changed) - self.base

    def _values(self, relations: Relations) -> NDArray:
        return np.column_stack([part.values(relations) for part in self.parts])
