"""How often does the 5 % test find a difference where there is none?

    python benchmarks/rejection.py --out benchmarks/rejection.csv

Two ridge regressions, each on its own half of the markers; both halves have the same effects, so
that the expected difference of r is zero. Each data set is drawn anew, compared in repeated 5-fold
cross-validation and tested at 5 %, once corrected for the training rows that folds share (as
``paired_differences`` does) and once not.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from sktransformer_gp.comparison.inference import corrected_t_test

N_DATASETS = 1000
SAMPLES, MARKERS, REPEATS = (100, 300, 1000), (10, 50), (1, 2, 5)
N_FOLDS = 5


def main() -> None:
    """Write one row for each number of samples, markers and repeats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rows = []
    for n_samples, n_markers in itertools.product(SAMPLES, MARKERS):
        rng = np.random.default_rng(0)
        differences = [draw(rng, n_samples, n_markers, max(REPEATS)) for _ in range(N_DATASETS)]
        for repeats in REPEATS:
            rates = [reject(differences, repeats, n_samples, corrected) for corrected in (1, 0)]
            rows.append((n_samples, n_markers, repeats, N_DATASETS, *rates))
            print(rows[-1], flush=True)
    names = ["n_samples", "n_markers", "repeats", "n_datasets", "corrected", "uncorrected"]
    pd.DataFrame(rows, columns=names).to_csv(arguments.out, index=False)


def reject(differences: list, repeats: int, n_samples: int, corrected: bool) -> float:
    """Return the share of data sets in which the test rejects at 5 %."""
    n_folds = repeats * N_FOLDS
    n_test = n_samples / N_FOLDS if corrected else 0
    sizes = np.full(n_folds, n_samples * (1 - 1 / N_FOLDS)), np.full(n_folds, n_test)
    tests = (corrected_t_test(d[:n_folds], *sizes) for d in differences)
    return float(np.mean([test["p_value"] < 0.05 for test in tests]))


def draw(rng: np.random.Generator, n_samples: int, n_markers: int, repeats: int) -> np.ndarray:
    """Return differences of r in all folds of a new data set of heritability one half."""
    X = rng.normal(size=(n_samples, 2 * n_markers))
    y = X.sum(axis=1) + rng.normal(0, np.sqrt(2 * n_markers), n_samples)
    halves = X[:, :n_markers], X[:, n_markers:]
    differences = []
    for _ in range(repeats):
        order = rng.permutation(n_samples)
        for test in np.array_split(order, N_FOLDS):
            train = np.setdiff1d(order, test)
            ours, theirs = (ridge_r(Z[train], y[train], Z[test], y[test]) for Z in halves)
            differences.append(ours - theirs)
    return np.array(differences)


def ridge_r(Z: np.ndarray, y: np.ndarray, Z_test: np.ndarray, y_test: np.ndarray) -> float:
    """Return predictive ability of a ridge regression."""
    effects = np.linalg.solve(Z.T @ Z + 5 * np.eye(Z.shape[1]), Z.T @ (y - y.mean()))
    return np.corrcoef(Z_test @ effects, y_test)[0, 1]


if __name__ == "__main__":
    main()
