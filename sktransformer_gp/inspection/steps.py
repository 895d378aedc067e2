"""The last step of a pipeline, the dosages that reach it, and what tables call rows and columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sktransformer_gp.io.marker_table import parse_markers
from sktransformer_gp.markers import input_names
from sktransformer_gp.validation import check_dosages


@dataclass(frozen=True)
class LastStep:
    """A fitted estimator that predicts, with its input.

    Attributes
    ----------
    model : estimator
        The estimator, without the steps before it.
    X : ndarray of shape (n_samples, n_markers)
        Dosages that reach it.
    markers : ndarray of shape (n_markers,), of str
        Names of these markers; they carry the map where it is known.
    samples : ndarray of shape (n_samples,)
        Names of the samples: the index of a DataFrame, else row numbers.
    """

    model: BaseEstimator
    X: NDArray
    markers: NDArray
    samples: NDArray

    @property
    def n_traits(self) -> int:
        """Number of traits that the model predicts."""
        return self.predict(self.X[:1]).shape[1]

    def predict(self, X: NDArray) -> NDArray:
        """Predict from dosages that reach the estimator.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_markers)
            Dosages.

        Returns
        -------
        ndarray of shape (n_samples, n_traits)
            Predictions in each trait's own unit.
        """
        return np.reshape(self.model.predict(_named(self.model, X)), (len(X), -1))

    def predict_with_std(self) -> tuple[NDArray, NDArray]:
        """Predict the samples, with standard deviations.

        Returns
        -------
        mean, std : ndarray of shape (n_samples, n_traits)
            Predictions and standard deviations of new phenotypes, in each trait's own unit.
        """
        mean, std = self.model.predict(_named(self.model, self.X), return_std=True)
        return mean.reshape(len(mean), -1), std.reshape(len(std), -1)

    def draw(self, max_samples: int | None, rng: np.random.RandomState) -> NDArray:
        """Draw samples at random.

        Parameters
        ----------
        max_samples : int or None
            Largest number of samples; None = all.
        rng : RandomState
            Source of the draw.

        Returns
        -------
        ndarray of int
            Row numbers, in order.

        Raises
        ------
        ValueError
            If `max_samples` is below 2.
        """
        n_samples = len(self.X)
        if max_samples is not None and max_samples < 2:
            raise ValueError(f"max_samples is at least 2 or None, got {max_samples!r}")
        if max_samples is None or max_samples >= n_samples:
            return np.arange(n_samples)
        return np.sort(rng.permutation(n_samples)[:max_samples])

    def take(self, rows: NDArray) -> "LastStep":
        """Return the step with some of the samples.

        Parameters
        ----------
        rows : ndarray of int
            Samples to keep.

        Returns
        -------
        LastStep
            The same model with these samples.
        """
        return replace(self, X=self.X[rows], samples=self.samples[rows])


def last_step(model: BaseEstimator, X: ArrayLike) -> LastStep:
    """Take dosages through a pipeline as far as its last step.

    Parameters
    ----------
    model : estimator
        Fitted estimator, or pipeline that ends in one.
    X : array-like of shape (n_samples, n_markers)
        Dosages that `model` predicts from. An array takes its names from `model`.

    Returns
    -------
    LastStep
        The last step and what reaches it.

    Raises
    ------
    ValueError
        If a dosage is missing where the last step begins, or `X` does not fit the model.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktransformer_gp import GBLUPRegressor, LinkageMerger
    >>> from sktransformer_gp.inspection.steps import last_step
    >>> X = pd.DataFrame({"1:10": [0, 1, 0], "1:11": [0, 1, 0], "2:5": [1, 1, 0]})
    >>> model = make_pipeline(LinkageMerger(), GBLUPRegressor()).set_output(transform="pandas")
    >>> last_step(model.fit(X, [1.0, 2.0, 3.0]), X).markers
    array(['1:10', '2:5'], dtype=object)
    """
    index = X.index if isinstance(X, pd.DataFrame) else None
    X = _named(model, X)
    if isinstance(model, Pipeline):
        if len(model) > 1:
            X = _named(model[-1], model[:-1].transform(X))
        model = model[-1]
    dosages = check_dosages(model, X, reset=False)
    samples = np.arange(len(dosages)) if index is None else np.asarray(index)
    return LastStep(model, dosages, _marker_names(model, dosages.shape[1]), samples)


def trait_names(traits: Sequence[str] | None, y: ArrayLike | None, n_traits: int) -> list[str]:
    """Return names of the traits.

    Parameters
    ----------
    traits : sequence of str or None
        Names that were given.
    y : array-like or None
        Phenotypes: a DataFrame or Series has names.
    n_traits : int
        Number of traits.

    Returns
    -------
    list of str
        The given ones, else those of `y`, else ``trait_1``, ``trait_2``, ...

    Raises
    ------
    ValueError
        If there is not one name for each trait.

    Examples
    --------
    >>> from sktransformer_gp.inspection.steps import trait_names
    >>> trait_names(None, None, 2)
    ['trait_1', 'trait_2']
    """
    if traits is None:
        named = getattr(y, "columns", [getattr(y, "name", None)])
        traits = [f"trait_{i}" for i in range(1, n_traits + 1)]
        return traits if any(name is None for name in named) else [str(name) for name in named]
    if isinstance(traits, str) or len(traits) != n_traits:
        raise ValueError(f"traits has one name for each of the {n_traits} traits, got {traits!r}")
    return list(traits)


def marker_map(markers: NDArray) -> pd.DataFrame:
    """Return the map of markers, read from their names.

    Parameters
    ----------
    markers : ndarray of shape (n_markers,), of str
        Marker names.

    Returns
    -------
    DataFrame
        `marker`, `chromosome` ("." = unknown) and `position` (NaN = unknown).

    Examples
    --------
    >>> from sktransformer_gp.inspection.steps import marker_map
    >>> marker_map(["1:10:a", "2:5:b"])
       marker chromosome  position
    0  1:10:a          1        10
    1   2:5:b          2         5
    """
    parsed = parse_markers(markers).rename_axis("marker").reset_index()
    return parsed[["marker", "chromosome", "position"]]


def _named(model: BaseEstimator, X: ArrayLike) -> ArrayLike:
    """Give an array the names that the model was fitted with."""
    names = getattr(model, "feature_names_in_", None)
    if names is None or hasattr(X, "columns") or np.shape(X)[1:] != np.shape(names):
        return X
    return pd.DataFrame(X, columns=names)


def _marker_names(model: BaseEstimator, n_markers: int) -> NDArray:
    if hasattr(model, "_input"):  # chromosomes that were given to `fit` are in these names
        return model._input.names
    return input_names(n_markers, getattr(model, "feature_names_in_", None), None)
