"""One model in one fold: fitted on the training rows, scored on the test rows, or failed."""

import json
import time
import traceback
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.metadata_routing import get_routing_for_object
from threadpoolctl import ThreadpoolController

from sktransformer_gp.comparison.leaks import is_transductive
from sktransformer_gp.folds import Fold
from sktransformer_gp.metrics import (
    mean_squared_error,
    pearson_correlation,
    prediction_bias,
    r2_score,
    rank_correlation,
    regression_slope,
    selection_response,
    top_fraction_overlap,
)

KEYS = ("model", "repeat", "fold", "train_fraction")
METRICS = {
    "r": pearson_correlation,
    "mse": mean_squared_error,
    "r2": r2_score,
    "rank_correlation": rank_correlation,
    "bias": prediction_bias,
    "slope": regression_slope,
    "selection_response": selection_response,
    "top_fraction_overlap": top_fraction_overlap,
}
COLUMNS = (
    "dataset",
    "model",
    "trait",
    "repeat",
    "fold",
    "train_fraction",
    "n_train",
    "n_test",
    *METRICS,
    "fit_seconds",
    "predict_seconds",
    "best_params",
)


@dataclass(frozen=True)
class Failure:
    """What went wrong with a model in a fold.

    Parameters
    ----------
    model : str
        Name of the model.
    repeat, fold : int
        Numbers of the repeat and of the fold within it.
    train_fraction : float
        Share of the fold's training rows.
    type : str
        Class of the error.
    message : str
        What the error says.
    traceback : str
        Where it was raised.

    Examples
    --------
    >>> from sktransformer_gp.comparison.cells import Failure
    >>> print(Failure("rf", 0, 2, 1.0, "MemoryError", "no memory left", "..."))
    model 'rf' failed in repeat 0, fold 2: MemoryError: no memory left
    """

    model: str
    repeat: int
    fold: int
    train_fraction: float
    type: str
    message: str
    traceback: str

    def __str__(self) -> str:
        nowhere = np.empty(0, dtype=int)
        fold = Fold(self.repeat, self.fold, nowhere, nowhere, self.train_fraction)
        return f"model {self.model!r} failed in {fold}: {self.type}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class Study:
    """The data of a comparison, as the models are handed them.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_samples, n_markers)
        Dosages.
    y : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes as they came, NaN = not observed.
    traits : tuple of str
        Names of the traits.
    dataset : str, default=""
        Name of the data set.
    groups : ndarray of shape (n_samples,), default=None
        Family, cage or environment of each sample.
    """

    X: Any
    y: Any
    traits: tuple[str, ...]
    dataset: str = ""
    groups: np.ndarray | None = None


def check_study(
    X: ArrayLike,
    y: ArrayLike,
    trait_names: Iterable[str] | None = None,
    dataset: str = "",
    groups: ArrayLike | None = None,
) -> Study:
    """Validate data and name the traits.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_markers)
        Dosages.
    y : array-like, Series or DataFrame of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    trait_names : iterable of str, default=None
        Names of the traits; None = the columns of `y`, or ``trait_1``, ``trait_2``, ...
    dataset : str, default=""
        Name of the data set.
    groups : array-like of shape (n_samples,), default=None
        Family, cage or environment of each sample.

    Returns
    -------
    Study
        The data; arrays and DataFrames are the very objects that came in, so that what was
        scattered to a cluster is recognised.

    Raises
    ------
    ValueError
        If the lengths differ, a phenotype is infinite, or names do not fit the traits.
    """
    X = X if hasattr(X, "iloc") else np.asarray(X)
    phenotypes = as_phenotypes(y)
    check_consistent_length(X, phenotypes)
    n_traits = 1 if phenotypes.ndim == 1 else phenotypes.shape[1]
    names = _default_trait_names(y, n_traits) if trait_names is None else list(trait_names)
    if len(names) != n_traits or len(set(names)) != n_traits:
        raise ValueError(f"trait_names needs {n_traits} different name(s) for y, got {names}")
    return Study(X, y, tuple(names), dataset, None if groups is None else np.asarray(groups))


def as_phenotypes(y: ArrayLike) -> np.ndarray:
    """Validate phenotypes.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_traits), of float64
        The phenotypes, with one dimension for a single trait.

    Raises
    ------
    ValueError
        If a phenotype is infinite or no number.
    """
    y = check_array(
        y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
    )
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


def count_observed(y: np.ndarray) -> np.ndarray:
    """Count the observed phenotypes.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.

    Returns
    -------
    ndarray of shape (n_traits,), of int
        Number of phenotypes of each trait.
    """
    return (~np.isnan(y.reshape(len(y), -1))).sum(axis=0)


def run_cell(
    name: str,
    model: BaseEstimator,
    X: Any,
    y: Any,
    fold: Fold,
    traits: tuple[str, ...],
    n_threads: int | None = None,
) -> pd.DataFrame | Failure:
    """Fit a clone of the model on the training rows and score it on the test rows.

    Parameters
    ----------
    name : str
        Name of the model.
    model : estimator
        The unfitted model.
    X : ndarray or DataFrame of shape (n_samples, n_markers)
        Dosages of all samples.
    y : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes of all samples.
    fold : Fold
        The training and the test rows.
    traits : tuple of str
        Names of the traits.
    n_threads : int or None, default=None
        Most threads of BLAS and OpenMP (torch's too); None = as they are set.

    Returns
    -------
    DataFrame or Failure
        One row of scores for each trait, or what the model raised. In the first fold
        ``attrs["transductive"]`` tells whether the model's predictions depend on each other.
    """
    phenotypes = as_phenotypes(y)
    try:
        with limit_threads(n_threads):
            fitted, predicted, seconds = _fit_and_predict(clone(model), X, phenotypes, fold)
            transductive = _is_first(fold) and is_transductive(
                fitted, _take_rows(X, fold.test), predicted
            )
    except Exception as error:
        return Failure(
            *(name, fold.repeat, fold.fold, fold.train_fraction),
            *(type(error).__name__, str(error), traceback.format_exc()),
        )
    observed = fold.test_phenotypes(phenotypes).reshape(predicted.shape)
    columns = {
        "trait": traits,
        "n_train": count_observed(fold.training_phenotypes(phenotypes)),
        "n_test": count_observed(observed),
        **{
            column: metric(observed, predicted, multioutput="raw_values")
            for column, metric in METRICS.items()
        },
    }
    keys = dict(zip(KEYS, (name, fold.repeat, fold.fold, fold.train_fraction), strict=True))
    scores = pd.DataFrame(columns).assign(**keys, **seconds, best_params=_best_params(fitted))
    scores.attrs["transductive"] = transductive
    return scores


def limit_threads(n_threads: int | None) -> AbstractContextManager:
    """Keep the threads of BLAS and OpenMP, which torch uses as well, below a number.

    Parameters
    ----------
    n_threads : int or None
        Most threads; None = as they are set. Fewer that are set already stay.

    Returns
    -------
    context manager
        The limit holds inside it.

    Examples
    --------
    >>> from sktransformer_gp.comparison.cells import limit_threads
    >>> with limit_threads(1):
    ...     pass
    """
    if n_threads is None:
        return nullcontext()
    pools = ThreadpoolController()
    return pools.limit(
        limits={pool["prefix"]: min(n_threads, pool["num_threads"]) for pool in pools.info()}
    )


def _default_trait_names(y: ArrayLike, n_traits: int) -> list[str]:
    if hasattr(y, "columns"):
        return [str(column) for column in y.columns]
    if getattr(y, "name", None) is not None:
        return [str(y.name)]
    return [f"trait_{i}" for i in range(1, n_traits + 1)]


def _fit_and_predict(
    model: BaseEstimator, X: Any, y: np.ndarray, fold: Fold
) -> tuple[BaseEstimator, np.ndarray, dict[str, float]]:
    """Return the model, predictions (n_test, n_traits) and the seconds of fit and predict."""
    groups = {"groups": fold.train_groups} if _wants_groups(model, fold) else {}
    started = time.perf_counter()
    model.fit(_take_rows(X, fold.train), fold.training_phenotypes(y), **groups)
    fitted = time.perf_counter()
    predicted = np.asarray(model.predict(_take_rows(X, fold.test)), dtype=np.float64)
    seconds = {"fit_seconds": fitted - started, "predict_seconds": time.perf_counter() - fitted}
    expected = y[fold.test].reshape(len(fold.test), -1).shape
    if predicted.reshape(len(predicted), -1).shape != expected:
        raise ValueError(f"predictions have the shape {predicted.shape}, expected {expected}")
    if not np.isfinite(predicted).all():
        raise ValueError(f"{(~np.isfinite(predicted)).sum()} of the predictions are not finite")
    return model, predicted.reshape(expected), seconds


def _take_rows(X: Any, rows: np.ndarray) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _is_first(fold: Fold) -> bool:
    return fold.repeat == fold.fold == 0


def _wants_groups(model: BaseEstimator, fold: Fold) -> bool:
    """Tell whether a model is a search whose splitter needs groups, and there are any."""
    splitter = getattr(model, "cv", None)
    if fold.train_groups is None or not hasattr(splitter, "split"):
        return False
    return get_routing_for_object(splitter).split.requests.get("groups") is True


def _best_params(model: BaseEstimator) -> str:
    chosen = getattr(model, "best_params_", None)
    return "" if chosen is None else json.dumps(chosen, default=repr)
