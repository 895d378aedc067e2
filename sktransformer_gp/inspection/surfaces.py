"""A fitted prediction as a function of blocks of linked markers."""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from sktransformer_gp.inspection.changes import EncoderChanges, Substitution
from sktransformer_gp.inspection.disequilibrium import linkage_blocks, span_names
from sktransformer_gp.inspection.encoders import EncoderPart, encoder_markers
from sktransformer_gp.inspection.steps import LastStep
from sktransformer_gp.markers import chromosome_runs, chromosomes_from_names
from sktransformer_gp.regressor import TransformerGPRegressor

Evaluate = Callable[[NDArray, NDArray], NDArray]


class Surface:
    """Predictions of samples with some blocks of markers at their mean dosages.

    Parameters
    ----------
    dosages : ndarray of shape (n_samples, M)
        Dosages of the samples.
    markers : ndarray of shape (M,), of str
        Marker names.
    block_r2 : float in (0, 1]
        Smallest r2 of a block's markers with its first one.
    base : ndarray of shape (n_samples, n_traits)
        Predictions with nothing changed.
    predicted : ndarray of shape (n_samples, n_traits)
        Predictions of the whole model; `base` may be a part of it.
    evaluate : callable
        Predicts from columns and the dosages that all samples take there.

    Attributes
    ----------
    blocks : list of ndarray of int
        Markers of each block.
    names, middles : ndarray of shape (n_blocks,), of str
        Span of each block, and the marker in its middle.
    """

    def __init__(
        self,
        dosages: NDArray,
        markers: NDArray,
        block_r2: float,
        base: NDArray,
        predicted: NDArray,
        evaluate: Evaluate,
    ):
        self.dosages, self.base, self.predicted = dosages, base, predicted
        self.blocks = linkage_blocks(dosages, markers, block_r2)
        first, last = (np.array([b[end] for b in self.blocks], dtype=int) for end in (0, -1))
        self.names = np.array(span_names(markers, first, last), dtype=object)
        self.middles = markers[[block[len(block) // 2] for block in self.blocks]]
        self._evaluate = evaluate
        self._reference = dosages.mean(axis=0, dtype=np.float64)
        self._known: dict[tuple[int, ...], NDArray] = {}
        self._block_of = {markers[j]: n for n, block in enumerate(self.blocks) for j in block}

    def without(self, *numbers: int) -> NDArray:
        """Predict with the markers of some blocks at their means.

        Parameters
        ----------
        *numbers : int
            Numbers of the blocks.

        Returns
        -------
        ndarray of shape (n_samples, n_traits)
            Predictions, kept for the next time.
        """
        if numbers not in self._known:
            columns = np.concatenate([self.blocks[number] for number in numbers])
            self._known[numbers] = self._evaluate(columns, self._reference[columns])
        return self._known[numbers]

    def score(self, number: int) -> NDArray:
        """Summarise the dosages of a block by their first principal component.

        Parameters
        ----------
        number : int
            Number of the block.

        Returns
        -------
        ndarray of shape (n_samples,)
            Scores, of mean 0; they rise with the marker in the middle of the block.
        """
        dosages = self.dosages[:, self.blocks[number]]
        deviations = dosages - dosages.mean(axis=0)
        scores = np.linalg.svd(deviations, full_matrices=False)[0][:, 0]
        return scores if scores @ deviations[:, deviations.shape[1] // 2] >= 0 else -scores

    def find(self, pair: tuple[str, str]) -> tuple[int, int]:
        """Return the numbers of the blocks of two markers, in order.

        Parameters
        ----------
        pair : (str, str)
            Names of the markers.

        Returns
        -------
        (int, int)
            Numbers of their blocks.

        Raises
        ------
        ValueError
            If there is no such marker, it does not vary, or both are in one block.
        """
        known = self._block_of
        if len(pair) != 2 or not known.keys() >= set(pair):
            raise ValueError(
                f"pairs holds pairs of names of markers that vary, such as {next(iter(known))!r}; "
                f"got {tuple(pair)!r}"
            )
        first, second = sorted(known[name] for name in pair)
        if first == second:
            raise ValueError(f"the markers {tuple(pair)!r} are in one block, {self.names[first]}")
        return first, second

    def add_merged(self, markers: NDArray) -> None:
        """Let markers that were merged into others be found, too.

        Parameters
        ----------
        markers : ndarray of shape (n_markers,), of str
            All markers, in the order of the genome: those without a block are in that of the
            last one before them on their chromosome.
        """
        chromosomes = chromosomes_from_names(markers)
        for run in chromosome_runs(chromosomes, len(markers)):
            last = None
            for name in markers[run]:
                last = self._block_of.get(name, last)
                if last is not None:
                    self._block_of[name] = last


def make_surface(
    step: LastStep,
    Y: NDArray | None,
    block_r2: float,
    max_samples: int | None,
    rng: np.random.RandomState,
) -> tuple[Surface, NDArray | None]:
    """Prepare the prediction of a pipeline's last step.

    Parameters
    ----------
    step : LastStep
        The model and the dosages that reach it.
    Y : ndarray of shape (n_samples, n_traits) or None
        Phenotypes, NaN = not observed.
    block_r2 : float in (0, 1]
        See :class:`Surface`.
    max_samples : int or None
        Largest number of samples.
    rng : RandomState
        Source of the samples that are drawn.

    Returns
    -------
    surface : Surface
        The prediction. Where the samples are the training data of a `TransformerGPRegressor`, each
        is predicted by what has not seen it.
    Y : ndarray of shape (n_drawn, n_traits) or None
        Phenotypes of the samples that were drawn.
    """
    if Y is not None:
        observed = ~np.isnan(Y).all(axis=1)
        step, Y = step.take(observed), Y[observed]
    predicted, folds = _predict(step, has_test=Y is not None)
    rows = step.draw(max_samples, rng)
    drawn, predicted = step.take(rows), predicted[rows]
    Y = None if Y is None else Y[rows]
    if not isinstance(step.model, TransformerGPRegressor):
        substitution = Substitution(drawn)
        parts = (substitution.base, predicted, substitution.predict)
        return Surface(drawn.X, drawn.markers, block_r2, *parts), Y
    return _encoder_surface(drawn, None if folds is None else folds[rows], predicted, block_r2), Y


def _predict(step: LastStep, has_test: bool) -> tuple[NDArray, NDArray | None]:
    """Return predictions up to a constant and, for training data, inner folds."""
    model, dosages, holder = step.model, step.X, step.model
    if isinstance(model, TransformerGPRegressor):
        holder, dosages = model.polygenic_, model._input.transform(step.X).numpy()
    known = getattr(holder, "X_fit_", None)
    if has_test and known is not None:
        if getattr(model, "folds_", None) is not None and np.array_equal(dosages, known):
            return model._combine(model.out_of_fold_), model.folds_
        _warn_of_training_samples(dosages, known)
    return step.predict(step.X), None


def _warn_of_training_samples(dosages: NDArray, known: NDArray) -> None:
    seen = {row.tobytes() for row in known.astype(np.float32)}
    n_seen = sum(row.tobytes() in seen for row in dosages.astype(np.float32))
    if n_seen:
        warnings.warn(
            f"{n_seen} of {len(dosages)} samples have the dosages of training samples: p-values "
            "are too small where the model has seen the phenotypes",
            stacklevel=5,
        )


def _encoder_surface(
    step: LastStep, folds: NDArray | None, predicted: NDArray, block_r2: float
) -> Surface:
    model = step.model
    if model.tokens == "embedding":
        raise ValueError("tokens='embedding' looks dosages up and has no value at their means")
    part = EncoderPart(model)
    Z = part.inputs(step.X)
    changes = EncoderChanges(part, Z, folds)

    def evaluate(columns: NDArray, dosages: NDArray) -> NDArray:
        changed = Z.clone()
        changed[:, columns] = torch.as_tensor(dosages, dtype=Z.dtype)
        return changes.values(changed)

    parts = (changes.base, predicted, evaluate)
    surface = Surface(Z.numpy(), encoder_markers(model), block_r2, *parts)
    surface.add_merged(step.markers)
    return surface
