"""The comparison: the same folds for all models, one tidy table."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.comparison.leaks import count_clones, warn_of_clones
from sktransformer_gp.comparison.provenance import describe_run, describe_session
from sktransformer_gp.comparison.run import Run
from sktransformer_gp.comparison.study import as_phenotypes, check_study, count_observed
from sktransformer_gp.folds import Fold, draw_folds


def compare_models(
    models: Mapping[str, BaseEstimator],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: int | Any | Iterable = 5,
    repeats: int = 1,
    groups: ArrayLike | None = None,
    train_fractions: Sequence[float] = (1.0,),
    trait_names: Iterable[str] | None = None,
    dataset: str = "",
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
    verbose: int = 1,
    folder: str | os.PathLike | None = None,
    resume: bool = False,
    command: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Cross-validate all models on the same folds and score each trait of each fold.

    A model is cloned for each fold and handed a copy of the training rows, nothing else; one fit
    serves all traits. A model that fails in a fold does not stop the others. A search, such as
    ``GridSearchCV``, chooses anew in each training set: nested cross-validation.

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
        ``GroupKFold(k, shuffle=True)``; else any scikit-learn splitter, one of
        :mod:`sktransformer_gp.splitters`, or pairs of row numbers.
    repeats : int, default=1
        Number of times that a k-fold is drawn anew, from 1; above 1 for an int `cv` only.
    groups : array-like of shape (n_samples,), default=None
        Family, cage, environment or year of each sample; a split that has a group in training and
        test at once is an error, whatever `cv` is. A search among the models whose own splitter
        needs groups is handed those of the training rows.
    train_fractions : sequence of float in (0, 1], default=(1.0,)
        Shares of the training rows that models are fitted on, for predictive ability against
        training size; the smaller are drawn from the larger, the test rows stay.
    trait_names : iterable of str, default=None
        Names of the traits; None = the columns of `y`, or ``trait_1``, ``trait_2``, ...
    dataset : str, default=""
        Written into the column of that name.
    random_state : int, RandomState or None, default=0
        Seed of the folds: repeat i is drawn with ``random_state + i``, so that the first of
        several repeats is the only one of a single repeat. The models keep their own seeds.
    n_jobs : int or None, default=None
        Fits that run at once, through joblib; None = 1 (or what a ``joblib.parallel_config``
        says), -1 = all cores. The fits share the cores' threads between them. Scores do not
        depend on it.
    verbose : int, default=1
        0 = silent; otherwise one progress bar over model x fold with the mean r so far.
    folder : path-like, default=None
        Folder in which scores, errors and provenance are written as they come, see
        :mod:`sktransformer_gp.comparison.journal`; None = nothing is written.
    resume : bool, default=False
        Whether to continue the run in `folder`: what is scored there is not run again, what
        failed is. Data, folds and models have to be those of the run; further models may join.
    command : sequence of str, default=None
        Arguments of a command line, noted in the provenance; None = those of the process.

    Returns
    -------
    DataFrame
        One row per model x repeat x fold x share x trait, in that order, with the columns
        `dataset`, `model`, `trait`, `repeat`, `fold`, `train_fraction`; `n_train` and `n_test`
        (observed phenotypes); the metrics of :mod:`sktransformer_gp.metrics`: `r` (Pearson,
        predictive ability), `mse` (squared unit of the trait), `r2`, `rank_correlation`, `bias`
        (unit of the trait), `slope` (of y on its prediction), `selection_response` (unit of the
        trait) and `top_fraction_overlap` (both for the largest 10 %); and `fit_seconds` and
        `predict_seconds` (of the model in the fold, all traits together); and `best_params`, as
        JSON, where the model is a search, otherwise "". A run that was resumed
        gives the table of a run that was never interrupted, but for the seconds.

    Raises
    ------
    ValueError
        If the arguments do not fit each other or the run in `folder`, a row or group is in training
        and test at once, or a trait has fewer than 2 observed phenotypes in the training or the
        test rows of a fold.
    FileExistsError, FileNotFoundError
        If `folder` holds a run and `resume` is False, or holds none and it is True.
    FailedFits
        At the end, if a model raised or predicted anything but finite numbers: names model, repeat
        and fold, and carries the scores of the others. Nothing is left out silently.

    Warns
    -----
    LeakWarning
        If test samples have the very genotype of a training sample, with their number, or a model
        predicts samples otherwise when they are predicted by themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sktransformer_gp.comparison import compare_models
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 3, (60, 20))
    >>> y = X[:, :2] + rng.normal(0, 0.5, (60, 2))
    >>> scores = compare_models({"ridge": Ridge()}, X, y, cv=3, verbose=0)
    >>> scores.groupby("trait").r.mean().round(1).to_dict()
    {'trait_1': 0.6, 'trait_2': 0.8}
    """
    _check_models(models)
    study = check_study(X, y, trait_names, dataset, groups)
    phenotypes = as_phenotypes(study.y)
    folds = draw_folds(
        phenotypes,
        cv,
        repeats=repeats,
        groups=groups,
        train_fractions=train_fractions,
        random_state=random_state,
    )
    for fold in folds:
        _check_observed(fold, phenotypes, study.traits)
    n_clones = count_clones(study.X, folds)
    warn_of_clones(n_clones)
    run = Run(study, folds, models)
    if folder is not None:
        protocol = {"cv": cv, "repeats": repeats, "random_state": random_state}
        description = describe_run(study, folds, models, protocol)
        description["leaks"] = {
            "clones_in_test": sum(n_clones),
            "folds_with_clones": int(np.count_nonzero(n_clones)),
        }
        session = describe_session(command, joblib.effective_n_jobs(n_jobs))
        run.open(Journal(folder), description, session, resume)
    run.work(n_jobs, verbose)
    return run.close()


def _check_models(models: Mapping[str, BaseEstimator]) -> None:
    if not isinstance(models, Mapping) or not models:
        raise ValueError(f"models is a mapping of names to estimators, not empty; got {models!r}")
    for name, model in models.items():
        if not isinstance(name, str) or not name:
            raise ValueError(f"names of models are text, not empty; got {name!r}")
        if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "predict")):
            raise ValueError(f"model {name!r} is not an estimator with fit and predict: {model!r}")


def _check_observed(fold: Fold, y: np.ndarray, traits: Sequence[str]) -> None:
    parts = {"training": fold.training_phenotypes(y), "test": fold.test_phenotypes(y)}
    for part, phenotypes in parts.items():
        for trait, n_observed in zip(traits, count_observed(phenotypes), strict=True):
            if n_observed < 2:
                raise ValueError(
                    f"trait {trait!r} has {n_observed} observed phenotypes in the {part} rows of "
                    f"{fold}; at least 2 are needed: lower cv or leave the trait out"
                )
