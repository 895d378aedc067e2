"""How often does the 5 % test find a difference where there is none?

    python benchmarks/rejection.py --out benchmarks/rejection.csv

Two models of equal ability are compared on data sets drawn anew, in repeated 5-fold
cross-validation, and tested at 5 %: once corrected for the training rows that folds share (as
``paired_differences`` does) and once not. There are two designs, in both of which the models would
change places if the data were mirrored, so that neither is better:

``chips``
    GBLUP with two SNP chips of equal density on doubled haploids of a cross: what a comparison in
    breeding looks like. Either chip has every second marker of each chromosome; loci that lie
    under one chip's marker have mirror images, with the same effect, under the other's.
``halves``
    Two ridge regressions of unrelated markers, each on its own half of them; all have the same
    effect. The models share no information, and with many markers for few samples they change much
    from one training set to the next: hard for the test.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from sktransformer_gp.comparison.inference import corrected_t_test

N_DATASETS = 1000
REPEATS = (1, 2, 5)
N_FOLDS = 5
N_CHROMOSOMES = 5  # and their mirror images
N_LOCI = 20


def main() -> None:
    """Write one row for each design, number of samples, markers and repeats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rows = []
    for name, (draw, samples, markers) in DESIGNS.items():
        for n_samples, n_markers in itertools.product(samples, markers):
            rng = np.random.default_rng(0)
            differences = [
                compare(rng, *draw(rng, n_samples, n_markers)) for _ in range(N_DATASETS)
            ]
            for repeats in REPEATS:
                rates = [reject(differences, repeats, n_samples, corrected) for corrected in (1, 0)]
                rows.append((name, n_samples, n_markers, repeats, N_DATASETS, *rates))
                print(rows[-1], flush=True)
    names = ["n_samples", "n_markers", "repeats", "n_datasets", "corrected", "uncorrected"]
    pd.DataFrame(rows, columns=["design", *names]).to_csv(arguments.out, index=False)


def reject(differences: list, repeats: int, n_samples: int, corrected: bool) -> float:
    """Return the share of data sets in which the test rejects at 5 %."""
    n_folds = repeats * N_FOLDS
    n_test = n_samples / N_FOLDS if corrected else 0
    sizes = np.full(n_folds, n_samples * (1 - 1 / N_FOLDS)), np.full(n_folds, n_test)
    tests = (corrected_t_test(d[:n_folds], *sizes) for d in differences)
    return float(np.mean([test["p_value"] < 0.05 for test in tests]))


def draw_halves(rng: np.random.Generator, n_samples: int, n_markers: int) -> tuple:
    """Return y of heritability one half, the markers of either model, and their penalties."""
    X = rng.normal(size=(n_samples, 2 * n_markers))
    y = X.sum(axis=1) + rng.normal(0, np.sqrt(2 * n_markers), n_samples)
    return y, (X[:, :n_markers], X[:, n_markers:]), (5, 5)


def draw_chips(rng: np.random.Generator, n_samples: int, n_markers: int) -> tuple:
    """Return y of heritability one half, the markers of either chip, and GBLUP's penalties."""
    length = n_markers // N_CHROMOSOMES
    # Chromosomes of one Morgan, and as many that are their mirror images.
    crossovers = rng.random((n_samples, 2, N_CHROMOSOMES, length)) < 1 / length
    crossovers[..., 0] = rng.random((n_samples, 2, N_CHROMOSOMES)) < 0.5
    genome = np.cumsum(crossovers, axis=-1) % 2.0
    first, second = genome.reshape(n_samples, 2, -1).swapaxes(0, 1)
    loci = rng.choice(first.shape[1], N_LOCI, replace=False)
    genetic = (first + second)[:, loci] @ rng.normal(size=N_LOCI)
    y = genetic + rng.normal(0, genetic.std(), n_samples)
    chips = (np.hstack([first[:, start::2], second[:, 1 - start :: 2]]) for start in (0, 1))
    chips = tuple(chip - chip.mean(axis=0) for chip in chips)
    return y, chips, [chip.var(axis=0).sum() for chip in chips]


def compare(
    rng: np.random.Generator,
    y: np.ndarray,
    markers: tuple,
    penalties: tuple,
    repeats: int = max(REPEATS),
) -> np.ndarray:
    """Return differences of r in all folds of all repeats."""
    differences = []
    for _ in range(repeats):
        order = rng.permutation(len(y))
        for test in np.array_split(order, N_FOLDS):
            train = np.setdiff1d(order, test)
            ours, theirs = (
                ridge_r(Z[train], y[train], Z[test], y[test], penalty)
                for Z, penalty in zip(markers, penalties, strict=True)
            )
            differences.append(ours - theirs)
    return np.array(differences)


def ridge_r(
    Z: np.ndarray, y: np.ndarray, Z_test: np.ndarray, y_test: np.ndarray, penalty: float
) -> float:
    """Return predictive ability of a ridge regression."""
    effects = np.linalg.solve(Z.T @ Z + penalty * np.eye(Z.shape[1]), Z.T @ (y - y.mean()))
    return np.corrcoef(Z_test @ effects, y_test)[0, 1]


DESIGNS = {
    "chips": (draw_chips, (100, 200, 500), (50, 200)),
    "halves": (draw_halves, (100, 300, 1000), (10, 50)),
}


if __name__ == "__main__":
    main()
