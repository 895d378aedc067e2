"""One model in one fold: fitted on the training rows, scored on the test rows, or failed."""

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metadata_routing import get_routing_for_object

from sktransformer_gp.comparison.leaks import is_transductive
from sktransformer_gp.comparison.study import as_phenotypes, count_observed
from sktransformer_gp.comparison.workers import limit_threads
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
METRICS: dict[str, Callable] = {
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
    return "" if chosen is None else json.dumps(chosen, default=_plain)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else repr(value)
