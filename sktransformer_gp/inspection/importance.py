"""How much each marker counts in a fitted model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sktransformer_gp.inspection.changes import Substitution
from sktransformer_gp.inspection.contributions import contributions
from sktransformer_gp.inspection.disequilibrium import linkage_blocks, smooth
from sktransformer_gp.inspection.encoders import encoder_columns
from sktransformer_gp.inspection.steps import LastStep, last_step, marker_map, trait_names
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.validation import check_phenotypes


def marker_importance(
    model: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike | None = None,
    method: str = "gradient",
    *,
    smoothing: float | None = 0.7,
    block_r2: float = 0.5,
    n_repeats: int = 5,
    max_samples: int | None = 256,
    traits: Sequence[str] | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    """Tell how much each marker counts in a fitted model, trait by trait.

    ================  ==============================================================================
    ``gradient``      Standard deviation over the samples of what the marker contributes to the
                      prediction, interactions with other markers included
                      (:func:`~sktransformer_gp.inspection.marker_contributions`).
    ``effect``        The same of its average effect (Fisher): the regression of its contribution on
                      its dosage. In a linear model the marker effect times the standard deviation
                      of the dosage.
    ``gate``          Square of the marker's gate, plus that of its dominance deviation where this
                      is read, averaged over the encoders with their weights. All traits share the
                      gates; the polygenic term has none. Needs no samples.
    ``permutation``   Loss of R2 when the markers of its linkage block are permuted together between
                      samples. Takes any model.
    ================  ==============================================================================

    The first two are conditional on the rest of the genome, as the model is: a marker that is only
    linked to a QTL elsewhere on the chromosome does not count. Close by, models split an effect
    between linked markers at will; with `smoothing`, linked markers share theirs.

    Parameters
    ----------
    model : estimator
        Fitted :class:`~sktransformer_gp.regressor.TransformerGPRegressor`, encoders and polygenic
        term counting with their weights; for "gradient" and "effect" also what
        :func:`~sktransformer_gp.inspection.marker_contributions` takes; or a pipeline.
    X : array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy; what is missing has to be imputed in the pipeline.
    y : array-like of shape (n_samples,) or (n_samples, n_traits), default=None
        Phenotypes, NaN = not observed; for "permutation" only. Take samples that `model` has not
        seen: in the training data it shows what was learned, noise included.
    method : {"gradient", "effect", "gate", "permutation"}, default="gradient"
        See above.
    smoothing : float in [0, 1) or None, default=0.7
        Markers of one chromosome with a higher r2 share: importance is that of their sum with
        weights that fall from 1 at r2 = 1 to 0 here. None = each marker by itself. Not for
        "permutation".
    block_r2 : float in (0, 1], default=0.5
        Blocks are runs of neighbours with at least this r2 with the first of them; for
        "permutation" only.
    n_repeats : int, default=5
        Number of permutations of each block.
    max_samples : int or None, default=256
        Largest number of samples to look at, drawn at random; None = all.
    traits : sequence of str, default=None
        Names of the traits; None = the columns of `y`, else ``trait_1``, ``trait_2``, ...
    random_state : int, RandomState instance or None, default=None
        Seed of the samples that are drawn and of the permutations.

    Returns
    -------
    DataFrame
        One row for each trait and marker that reaches the last step of the pipeline: `trait`,
        `marker`, `chromosome` ("." = unknown), `position` (NaN = unknown), `importance` (>= 0 but
        for "permutation"; in the trait's unit for "gradient" and "effect") and `sign`: +1 where
        more copies of the counted allele raise the prediction, -1 where they lower it, 0 where
        they do nothing.

    Raises
    ------
    ValueError
        If `method` is none of these or does not suit `model`, `y` is missing, or another parameter
        is out of its range.

    Examples
    --------
    >>> from sktransformer_gp import GBLUPRegressor
    >>> from sktransformer_gp.datasets import make_cross
    >>> from sktransformer_gp.inspection import marker_importance
    >>> cross = make_cross(200, 500, 1, n_qtl=1, random_state=0, as_frame=True)
    >>> model = GBLUPRegressor().fit(cross.data, cross.target)
    >>> table = marker_importance(model, cross.data)
    >>> best = table.loc[table["importance"].idxmax()]
    >>> best["chromosome"], cross.chromosomes[cross.qtl[0]]
    ('chr02', 'chr02')
    """
    if method not in _METHODS:
        raise ValueError(f"method is one of {sorted(_METHODS)}, got {method!r}")
    rng = check_random_state(random_state)
    step = last_step(model, X)
    Y = None if y is None else check_phenotypes(step.model, y, step.X).reshape(len(step.X), -1)
    rows = step.draw(max_samples, rng)
    step, Y = step.take(rows), None if Y is None else Y[rows]
    settings = _Settings(smoothing, block_r2, n_repeats, rng)
    importance, sign = _METHODS[method](step, Y, settings)
    names = trait_names(traits, y, len(importance))
    table = pd.concat([marker_map(step.markers)] * len(names), ignore_index=True)
    table.insert(0, "trait", np.repeat(names, len(step.markers)))
    return table.assign(importance=importance.ravel(), sign=np.sign(sign).ravel().astype(int))


@dataclass(frozen=True)
class _Settings:
    smoothing: float | None
    block_r2: float
    n_repeats: int
    random_state: np.random.RandomState


Importance = tuple[NDArray, NDArray]  # importance and what has its sign, (n_traits, n_markers)


def _from_contributions(step: LastStep, settings: _Settings, revise: Callable) -> Importance:
    importance, slopes = [], []
    deviations = step.X - step.X.mean(axis=0)
    for trait in range(step.n_traits):
        values = revise(contributions(step, step.X, trait, step.X.mean(axis=0)), deviations)
        shared = smooth(values, step.X, step.markers, settings.smoothing)
        importance.append(shared.std(axis=0))
        slopes.append((deviations * shared).sum(axis=0))
    return np.array(importance), np.array(slopes)


def _gradient(step: LastStep, Y: NDArray | None, settings: _Settings) -> Importance:
    return _from_contributions(step, settings, lambda values, deviations: values)


def _effect(step: LastStep, Y: NDArray | None, settings: _Settings) -> Importance:
    return _from_contributions(step, settings, _linear)


def _linear(values: NDArray, deviations: NDArray) -> NDArray:
    """Replace each marker's contributions by their regression on its dosage."""
    squares = (deviations**2).sum(axis=0)
    slopes = (deviations * values).sum(axis=0) / np.where(squares > 0, squares, 1)
    return deviations * slopes


def _gate(step: LastStep, Y: NDArray | None, settings: _Settings) -> Importance:
    model = step.model
    if not isinstance(model, TransformerGPRegressor) or model.net_.module_.gate is None:
        raise ValueError(
            "method='gate' needs a TransformerGPRegressor with gates, got "
            f"{type(model).__name__}{' with gate_penalty=None' * hasattr(model, 'gate_penalty')}"
        )
    shares = model.weights_[: model._n_regimes]  # (n_regimes, n_traits)
    encoder = model.net_.module_
    gate, additive = (p.detach().cpu().double().numpy() for p in (encoder.gate, encoder.additive))
    windows = encoder.windows.cpu().numpy()
    filled = windows < len(encoder.center)
    columns = encoder_columns(model)[windows[filled]]
    # A marker's gates for dosage and, where it is read, dominance: squares add up.
    n_kinds = 1 if encoder.dominance is None else 2
    squares = sum(np.square(part) for part in np.split(gate, n_kinds, axis=2))
    gate, additive = (values[..., : filled.shape[1]] for values in (gate, additive))
    effects = gate[:, None] * additive  # (N, n_traits, T, W)
    squares = np.broadcast_to(squares[:, None], effects.shape)
    out = np.zeros((2, shares.shape[1], len(step.markers)))
    for values, part in zip((squares, effects), out, strict=True):
        by_regime = values[..., filled].reshape(len(shares), -1, shares.shape[1], len(columns))
        part[:, columns] = (by_regime.mean(axis=1) * shares[..., None]).sum(axis=0)
    importance, sign = (smooth(part, step.X, step.markers, settings.smoothing) for part in out)
    return importance, sign


def _permutation(step: LastStep, Y: NDArray | None, settings: _Settings) -> Importance:
    if Y is None:
        raise ValueError("method='permutation' needs phenotypes: y is None")
    if settings.n_repeats < 1:
        raise ValueError(f"n_repeats is at least 1, got {settings.n_repeats!r}")
    substitution = Substitution(step)
    losses, slopes = np.zeros((2, Y.shape[1], len(step.markers)))
    for block in linkage_blocks(step.X, step.markers, settings.block_r2):
        dosages = step.X[:, block]
        for _ in range(settings.n_repeats):
            others = dosages[settings.random_state.permutation(len(dosages))]
            predicted = substitution.predict(block, others)
            loss = _lost_r2(Y, substitution.base, predicted) / settings.n_repeats
            losses[:, block] += loss[:, None]
            slopes[:, block] += (substitution.base - predicted).T @ (dosages - others)
    return losses, slopes


def _lost_r2(Y: NDArray, before: NDArray, after: NDArray) -> NDArray:
    """Return the loss of R2 for each trait."""
    rise = np.nanmean((Y - after) ** 2 - (Y - before) ** 2, axis=0)
    variance = np.nanvar(Y, axis=0)
    return rise / np.where(variance > 0, variance, 1)


_METHODS = {
    "gradient": _gradient,
    "effect": _effect,
    "gate": _gate,
    "permutation": _permutation,
}
