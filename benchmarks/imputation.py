"""Concordance of imputed dosages: a tenth of the calls hidden, fitted on four in five samples.

    python benchmarks/imputation.py --out benchmarks/imputation.csv

Each data set x repeat x strategy is appended as it is done; what stands in the CSV is not run
again. "nearest" is the rule to beat: the call at the nearest observed marker of the chromosome,
turned into the call that most often goes with it in the training rows. "sklearn" is scikit-learn's
KNNImputer with as many neighbours as "knn".
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import KNNImputer
from sklearn.model_selection import train_test_split

from sktransformer_gp import DosageImputer, datasets
from sktransformer_gp.markers import chromosome_runs, chromosomes_from_names

HIDDEN = 0.1


class NearestMarker(TransformerMixin, BaseEstimator):
    """Take a missing call from the nearest observed marker, on either side."""

    def fit(self, X: pd.DataFrame, y=None) -> "NearestMarker":
        self.train_ = X.to_numpy()
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        filled = X.to_numpy(copy=True)
        chromosomes = chromosomes_from_names(X.columns)
        for run in chromosome_runs(chromosomes, X.shape[1]):
            for marker in range(run.start, run.stop):
                others = np.array([m for m in range(run.start, run.stop) if m != marker])
                others = others[np.argsort(np.abs(others - marker), kind="stable")]
                rows = np.flatnonzero(X.to_numpy()[:, marker] < 0)
                self._fill(filled, X.to_numpy(), rows, marker, others)
        return filled

    def _fill(self, filled, calls, rows, marker, others) -> None:
        for other in others:
            if not len(rows):
                return
            seen = calls[rows, other] >= 0
            here, there = self.train_[:, marker], self.train_[:, other]
            for call in np.unique(calls[rows[seen], other]):
                together = here[(here >= 0) & (there == call)]
                if len(together):
                    of_call = rows[seen & (calls[rows, other] == call)]
                    filled[of_call, marker] = np.bincount(together).argmax()
            rows = rows[filled[rows, marker] < 0]


class SklearnKNN(KNNImputer):
    """scikit-learn's imputer on dosages with -1 = missing."""

    def __init__(self):
        super().__init__(missing_values=-1, n_neighbors=5)


STRATEGIES = {
    "nearest": NearestMarker(),
    **{name: DosageImputer(name) for name in ("mean", "mode", "knn", "linkage")},
    "sklearn": SklearnKNN(),
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", nargs="+", default=["yeast", "barley", "mice"])
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for dataset in arguments.datasets:
        truth = None
        for repeat in range(arguments.repeats):
            for strategy in arguments.strategies:
                case = {"dataset": dataset, "repeat": repeat, "strategy": strategy}
                if not is_done(arguments.out, **case):
                    if truth is None:
                        truth = getattr(datasets, f"fetch_{dataset}")(as_frame=True).data
                    append(arguments.out, [{**case, **run(truth, strategy, repeat)}])


def run(truth: pd.DataFrame, strategy: str, repeat: int) -> dict:
    """Hide calls, impute those of the test rows, compare."""
    rng = np.random.default_rng(repeat)
    hidden = (rng.random(truth.shape) < HIDDEN) & (truth >= 0).to_numpy()
    train, test = train_test_split(np.arange(len(truth)), test_size=0.2, random_state=repeat)
    masked = truth.mask(hidden, -1).astype(np.int8)
    started = time.perf_counter()
    imputer = STRATEGIES[strategy].fit(masked.iloc[train])
    fitted = time.perf_counter()
    filled = np.asarray(imputer.transform(masked.iloc[test]))
    seconds = {"fit_seconds": fitted - started, "transform_seconds": time.perf_counter() - fitted}
    true, imputed = (values[hidden[test]] for values in (truth.to_numpy()[test], filled))
    return {
        "n_hidden": len(true),
        "concordance": (np.rint(imputed) == true).mean(),
        "r2": np.corrcoef(imputed, true)[0, 1] ** 2,
        **seconds,
    }


if __name__ == "__main__":
    main()
