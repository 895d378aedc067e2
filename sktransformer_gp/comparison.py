"""Compare models on the same folds: estimators in, one tidy table out."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from sktransformer_gp.folds import Fold, draw_folds
from sktransformer_gp.metrics import mean_squared_error, pearson_correlation, r2_score

COLUMNS = (
    "dataset",
    "model",
    "trait",
    "repeat",
    "fold",
    "n_train",
    "n_test",
    "r",
    "mse",
    "r2",
    "fit_seconds",
    "predict_seconds",
)


def compare_models(
    models: Mapping[str, BaseEstimator],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: int | Any | Iterable = 5,
    repeats: int = 1,
    groups: ArrayLike | None = None,
    trait_names: Iterable[str] | None = None,
    dataset: str = "",
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
    verbose: int = 1,
) -> pd.DataFrame:
    """Cross-validate all models on the same folds and score each trait of each fold.

    A model is cloned for each fold and handed a copy of the training rows, nothing else; one fit
    serves all traits.

    Parameters
    ----------
    models : mapping of str to estimator
        Name and estimator of each model. With several traits they have to be multi-output, see
        :class:`~sktransformer_gp.per_trait.PerTraitRegressor` for those that are not.
    X : array-like or DataFrame of shape (n_samples, n_markers)
        Dosages; a DataFrame reaches the models as a DataFrame. Missing dosages pass to the models.
    y : array-like, Series or DataFrame of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed; they pass to the models. A single trait is handed over
        with one dimension.
    cv : int, splitter or iterable of (train, test), default=5
        An int k gives ``KFold(k, shuffle=True)`` or, with `groups`,
        ``GroupKFold(k, shuffle=True)``; else any scikit-learn splitter, or pairs of row numbers.
    repeats : int, default=1
        Number of times that a k-fold is drawn anew, from 1; above 1 for an int `cv` only.
    groups : array-like of shape (n_samples,), default=None
        Family, cage or environment of each sample; a split that has a group in training and test
        at once is an error, whatever `cv` is.
    trait_names : iterable of str, default=None
        Names of the traits; None = the columns of `y`, or ``trait_1``, ``trait_2``, ...
    dataset : str, default=""
        Written into the column of that name.
    random_state : int, RandomState or None, default=0
        Seed of the folds: repeat i is drawn with ``random_state + i``, so that the first of
        several repeats is the only one of a single repeat. The models keep their own seeds.
    n_jobs : int or None, default=None
        Fits that run at once, through joblib; None = 1, -1 = all cores. Scores do not depend on it.
    verbose : int, default=1
        0 = silent; otherwise one progress bar over model x fold with the mean r so far.

    Returns
    -------
    DataFrame
        One row per model x repeat x fold x trait, in that order, with the columns `dataset`,
        `model`, `trait`, `repeat`, `fold`, `n_train` and `n_test` (observed phenotypes), `r`
        (Pearson, predictive ability), `mse` (squared unit of the trait), `r2`, and `fit_seconds`
        and `predict_seconds` (of the model in the fold, all traits together).

    Raises
    ------
    ValueError
        If the arguments do not fit each other, a row or group is in training and test at once, or
        a trait has fewer than 2 observed phenotypes in the training or the test rows of a fold.
    RuntimeError
        If a model raises or predicts anything but finite numbers: names model, repeat and fold,
        caused by the model's own error. Nothing is left out of the table silently.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sktransformer_gp.comparison import compare_models
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 3, (60, 5))
    >>> y = X[:, :2] + rng.normal(0, 0.5, (60, 2))
    >>> scores = compare_models({"ridge": Ridge()}, X, y, cv=3, verbose=0)
    >>> scores.groupby("trait").r.mean().round(1).to_dict()
    {'trait_1': 0.8, 'trait_2': 0.9}
    """
    _check_models(models)
    X, y, names = _check_data(X, y, trait_names)
    folds = draw_folds(y, cv, repeats=repeats, groups=groups, random_state=random_state)
    for fold in folds:
        _check_observed(fold, y, names)
    # Fold by fold, not model by model: the running means then compare the same folds.
    tasks = [(name, fold) for fold in folds for name in models]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_score_fold)(name, models[name], X, y, fold, names) for name, fold in tasks
    )
    scores = _collect(list(models), tasks, results, verbose)
    return scores.assign(dataset=dataset)[list(COLUMNS)]


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the scores over folds and repeats.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`compare_models`, or several of them concatenated.

    Returns
    -------
    DataFrame
        One row per data set x model x trait, in the order of `scores`: `dataset`, `model`,
        `trait`, `n_folds` (over all repeats), `r_mean`, `r_sd` (with n - 1; NaN for a single
        fold), `mse_mean`, `r2_mean`, `fit_seconds_mean` and `predict_seconds_mean` (per fold).

    Raises
    ------
    ValueError
        If a column of :func:`compare_models` is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.comparison import COLUMNS, summarise
    >>> folds = [("yeast", "gblup", "Lactate", 0, fold, 800, 200, r, 0.5, 0.5, 1.0, 0.1)
    ...          for fold, r in enumerate([0.7, 0.8])]
    >>> summarise(pd.DataFrame(folds, columns=COLUMNS))[["model", "n_folds", "r_mean", "r_sd"]]
       model  n_folds  r_mean      r_sd
    0  gblup        2    0.75  0.070711
    """
    missing = [column for column in COLUMNS if column not in scores]
    if missing:
        raise ValueError(f"scores has no column {missing[0]!r}; it needs {list(COLUMNS)}")
    # dropna=False: an empty data set name comes back from a CSV file as NaN.
    groups = scores.groupby(["dataset", "model", "trait"], sort=False, dropna=False)
    return groups.agg(
        n_folds=("r", "size"),
        r_mean=("r", "mean"),
        r_sd=("r", "std"),
        mse_mean=("mse", "mean"),
        r2_mean=("r2", "mean"),
        fit_seconds_mean=("fit_seconds", "mean"),
        predict_seconds_mean=("predict_seconds", "mean"),
    ).reset_index()


def _check_models(models: Mapping[str, BaseEstimator]) -> None:
    if not isinstance(models, Mapping) or not models:
        raise ValueError(f"models is a mapping of names to estimators, not empty; got {models!r}")
    for name, model in models.items():
        if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "predict")):
            raise ValueError(f"model {name!r} is not an estimator with fit and predict: {model!r}")


def _check_data(
    X: ArrayLike, y: ArrayLike, trait_names: Iterable[str] | None
) -> tuple[Any, np.ndarray, list[str]]:
    """Return dosages, phenotypes (one dimension for a single trait) and the traits' names."""
    X = X if hasattr(X, "iloc") else np.asarray(X)
    phenotypes = check_array(
        y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
    )
    check_consistent_length(X, phenotypes)
    n_traits = 1 if phenotypes.ndim == 1 else phenotypes.shape[1]
    names = _default_trait_names(y, n_traits) if trait_names is None else list(trait_names)
    if len(names) != n_traits or len(set(names)) != n_traits:
        raise ValueError(f"trait_names needs {n_traits} different name(s) for y, got {names}")
    return X, phenotypes.ravel() if n_traits == 1 else phenotypes, names


def _default_trait_names(y: ArrayLike, n_traits: int) -> list[str]:
    if hasattr(y, "columns"):
        return [str(column) for column in y.columns]
    if getattr(y, "name", None) is not None:
        return [str(y.name)]
    return [f"trait_{i}" for i in range(1, n_traits + 1)]


def _check_observed(fold: Fold, y: np.ndarray, names: list[str]) -> None:
    for part, rows in (("training", fold.train), ("test", fold.test)):
        for name, n_observed in zip(names, _count_observed(y[rows]), strict=True):
            if n_observed < 2:
                raise ValueError(
                    f"trait {name!r} has {n_observed} observed phenotypes in the {part} rows of "
                    f"{fold}; at least 2 are needed: lower cv or leave the trait out"
                )


def _count_observed(y: np.ndarray) -> np.ndarray:
    return (~np.isnan(y.reshape(len(y), -1))).sum(axis=0)


def _score_fold(
    name: str, model: BaseEstimator, X: Any, y: np.ndarray, fold: Fold, trait_names: list[str]
) -> pd.DataFrame:
    """Fit a clone of the model on the training rows; one row of scores for each trait."""
    try:
        predicted, seconds = _fit_and_predict(clone(model), X, y, fold)
    except Exception as error:
        # The text is repeated here because a worker process cannot send the cause itself.
        raise RuntimeError(
            f"model {name!r} failed in {fold}: {type(error).__name__}: {error}"
        ) from error
    observed = y[fold.test].reshape(predicted.shape)
    per_trait = {
        "trait": trait_names,
        "n_train": _count_observed(y[fold.train]),
        "n_test": _count_observed(observed),
        "r": pearson_correlation(observed, predicted, multioutput="raw_values"),
        "mse": mean_squared_error(observed, predicted, multioutput="raw_values"),
        "r2": r2_score(observed, predicted, multioutput="raw_values"),
    }
    return pd.DataFrame(per_trait).assign(model=name, repeat=fold.repeat, fold=fold.fold, **seconds)


def _fit_and_predict(
    model: BaseEstimator, X: Any, y: np.ndarray, fold: Fold
) -> tuple[np.ndarray, dict[str, float]]:
    """Return predictions (n_test, n_traits) and the seconds that fit and predict took."""
    started = time.perf_counter()
    model.fit(_take_rows(X, fold.train), y[fold.train])
    fitted = time.perf_counter()
    predicted = np.asarray(model.predict(_take_rows(X, fold.test)), dtype=np.float64)
    seconds = {"fit_seconds": fitted - started, "predict_seconds": time.perf_counter() - fitted}
    expected = y[fold.test].reshape(len(fold.test), -1).shape
    if predicted.reshape(len(predicted), -1).shape != expected:
        raise ValueError(f"predictions have the shape {predicted.shape}, expected {expected}")
    if not np.isfinite(predicted).all():
        raise ValueError(f"{(~np.isfinite(predicted)).sum()} of the predictions are not finite")
    return predicted.reshape(expected), seconds


def _take_rows(X: Any, rows: np.ndarray) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _collect(
    names: list[str],
    tasks: list[tuple[str, Fold]],
    results: Iterable[pd.DataFrame],
    verbose: int,
) -> pd.DataFrame:
    """Gather the rows as they come, showing each model's mean r so far; order them by model."""
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in names}
    with tqdm(total=len(tasks), desc="comparing", unit="fit", disable=not verbose) as bar:
        for (name, _), table in zip(tasks, results, strict=True):
            tables[name].append(table)
            means = {n: f"{pd.concat(t).r.mean():.3f}" for n, t in tables.items() if t}
            bar.set_postfix(means, refresh=False)
            bar.update()
    return pd.concat([t for model in tables.values() for t in model], ignore_index=True)
