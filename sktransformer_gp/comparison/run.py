"""The cells of one comparison: which are done, which are to do, what came out."""

import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from sktransformer_gp.comparison.cells import COLUMNS, KEYS, Failure, run_cell
from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.comparison.leaks import warn_of_transduction
from sktransformer_gp.comparison.provenance import find_changes, now
from sktransformer_gp.comparison.study import Study
from sktransformer_gp.comparison.workers import end_with_parent
from sktransformer_gp.folds import Fold

Cell = tuple[str, Fold]
# What joblib raises when a process is gone, here (loky) or in a cluster (dask).
LOST = (BrokenExecutor, CancelledError)
ROUNDS = 2


class FailedFits(RuntimeError):
    """Raised at the end of a comparison in which models failed; carries what was scored.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`compare_models` without the fits that failed.
    failures : list of Failure
        What went wrong, where.

    Attributes
    ----------
    scores, failures
        As given.
    """

    def __init__(self, scores: pd.DataFrame, failures: list[Failure]):
        super().__init__(scores, failures)
        self.scores = scores
        self.failures = failures

    def __str__(self) -> str:
        n_cells = len(self.failures) + len(self.scores[list(KEYS)].drop_duplicates())
        return (
            f"{self.failures[0]} ({len(self.failures)} of {n_cells} fits failed; "
            "the error's `scores` has the others, its `failures` the tracebacks)"
        )


class Run:
    """The cells of one comparison: which are done, which are to do, what came out."""

    def __init__(self, study: Study, folds: list[Fold], models: Mapping[str, BaseEstimator]):
        self.study = study
        self.models = models
        # Fold by fold, not model by model: the running means then compare the same folds.
        self.cells = [(name, fold) for fold in folds for name in models]
        self.tables: list[pd.DataFrame] = []
        self.failures: list[Failure] = []
        self.journal: Journal | None = None
        self.provenance: dict[str, Any] = {}

    def open(
        self, journal: Journal, description: dict[str, Any], session: dict[str, Any], resume: bool
    ) -> None:
        """Write to a folder from now on; go on from what stands in it."""
        sessions = []
        if resume:
            sessions = _check_same_run(journal, description, session)
            self.tables = [journal.read_scores(len(self.study.traits))]
        elif journal.holds_a_run():
            raise FileExistsError(
                f"{journal.folder} holds a run already: resume it, or choose another folder"
            )
        self.journal = journal
        self.provenance = description | {"sessions": [*sessions, session]}
        journal.start(self.provenance)
        if resume:
            journal.write_scores(self.table())

    def work(self, n_jobs: int | None, verbose: int) -> None:
        """Run the cells that are not done, and keep each result as it comes."""
        done = set(self.table()[list(KEYS)].itertuples(index=False, name=None))
        cells = [cell for cell in self.cells if _key(cell) not in done]
        with tqdm(
            total=len(self.cells),
            initial=len(self.cells) - len(cells),
            desc="comparing",
            unit="fit",
            disable=not verbose,
        ) as bar:
            means = RunningMeans(self.table())
            for result in self._results(cells, n_jobs):
                means.add(result)
                self._keep(result)
                bar.set_postfix(means.texts(), refresh=False)
                bar.update()

    def close(self) -> pd.DataFrame:
        """Put the table in order; raise if a model failed."""
        scores = self.table()
        if self.journal is not None:
            self.journal.write_scores(scores)
            self.provenance["sessions"][-1] |= {"finished": now(), "failed": len(self.failures)}
            self.journal.write_provenance(self.provenance)
        if self.failures:
            places = {_key(cell): place for place, cell in enumerate(self.cells)}
            self.failures.sort(key=lambda failure: places[_key_of(failure)])
            raise FailedFits(scores, self.failures)
        return scores

    def table(self) -> pd.DataFrame:
        """Return the scores so far, by model, repeat, fold and share of the training rows."""
        tables = [table for table in self.tables if len(table)]
        if not tables:
            return pd.DataFrame(columns=list(COLUMNS))
        table = pd.concat(tables, ignore_index=True)
        by_model = [cell for name in self.models for cell in self.cells if cell[0] == name]
        places = {_key(cell): place for place, cell in enumerate(by_model)}
        keys = table[list(KEYS)].itertuples(index=False, name=None)
        order = np.argsort([places[key] for key in keys], kind="stable")
        return table.iloc[order].reset_index(drop=True)

    def _results(self, cells: list[Cell], n_jobs: int | None) -> Iterator[pd.DataFrame | Failure]:
        """Yield results as they come; what a lost worker took with it is run again."""
        left = {_key(cell): cell for cell in cells}
        for _ in range(ROUNDS):
            try:
                for result in self._run_all(list(left.values()), n_jobs):
                    left.pop(_key_of(result))
                    yield result
                return
            except LOST as error:
                warnings.warn(
                    f"a worker was lost ({type(error).__name__}): {len(left)} fits are run again",
                    stacklevel=5,
                )
        # Somebody kills workers: each by itself, to find out who without harm to the others.
        for name, fold in left.values():
            try:
                yield from self._run_all([(name, fold)], n_jobs)
            except LOST as error:
                text = f"the process that ran it ended ({type(error).__name__}): out of memory?"
                yield Failure(*_key((name, fold)), "LostWorker", text, traceback.format_exc())

    def _run_all(
        self, cells: Iterable[Cell], n_jobs: int | None
    ) -> Iterator[pd.DataFrame | Failure]:
        study = self.study
        n_parallel = joblib.effective_n_jobs(n_jobs)
        n_threads = None if n_parallel == 1 else max(1, joblib.cpu_count() // n_parallel)
        # Unordered: a slow fit holds back nothing that is ready to be written.
        return Parallel(
            n_jobs=n_jobs, return_as="generator_unordered", initializer=end_with_parent
        )(
            delayed(run_cell)(
                name, self.models[name], study.X, study.y, fold, study.traits, n_threads
            )
            for name, fold in cells
        )

    def _keep(self, result: pd.DataFrame | Failure) -> None:
        if isinstance(result, Failure):
            self.failures.append(result)
            if self.journal is not None:
                self.journal.append_failure(result)
            return
        if result.attrs.pop("transductive"):
            warn_of_transduction(result["model"].iloc[0])
        scores = result.assign(dataset=self.study.dataset)[list(COLUMNS)]
        self.tables.append(scores)
        if self.journal is not None:
            self.journal.append_scores(scores)


class RunningMeans:
    """Mean r of each model so far, for the progress bar."""

    def __init__(self, scores: pd.DataFrame):
        self.r: dict[str, list[float]] = {}
        self.n_failed: Counter[str] = Counter()
        if len(scores):
            self.add(scores)

    def add(self, result: pd.DataFrame | Failure) -> None:
        """Take in one more result, or a table of them."""
        if isinstance(result, Failure):
            self.n_failed[result.model] += 1
            return
        for name, r in result.groupby("model", sort=False)["r"]:
            self.r.setdefault(name, []).extend(r)

    def texts(self) -> dict[str, str]:
        """Return mean r and number of failures of each model."""
        texts = {name: f"{np.mean(r):.3f}" for name, r in self.r.items()}
        for name, n in self.n_failed.items():
            texts[name] = f"{texts.get(name, '')} ({n} failed)".strip()
        return texts


def _key(cell: Cell) -> tuple[str, int, int, float]:
    name, fold = cell
    return name, fold.repeat, fold.fold, fold.train_fraction


def _key_of(result: pd.DataFrame | Failure) -> tuple[str, int, int, float]:
    if isinstance(result, Failure):
        return tuple(getattr(result, name) for name in KEYS)
    return next(result[list(KEYS)].itertuples(index=False, name=None))


def _check_same_run(
    journal: Journal, description: dict[str, Any], session: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the sessions of the run in the folder; an error if it is another run."""
    old = journal.read_provenance()
    changes = find_changes(old, description)
    if changes:
        raise ValueError(
            f"the run in {journal.folder} is another one, {len(changes)} difference(s): "
            + "; ".join(changes[:3])
        )
    before = old["sessions"][-1]["versions"]
    for name, version in session["versions"].items():
        if before.get(name, version) != version:
            warnings.warn(
                f"the run in {journal.folder} was begun with {name} {before[name]} and goes on "
                f"with {version}: scores may differ from those of an undisturbed run",
                stacklevel=4,
            )
    return old["sessions"]
