"""Synthetic genotypes: how alike, how private, and are they of use in training?

    python benchmarks/generating.py --out benchmarks/generating.csv

Yeast and barley, a few chromosomes. A generator learns half of the individuals and draws as many.
"holdout" are the real individuals of the other half, the best that can be had. Measured: mean
error of allele frequencies and heterozygosity; error of the correlation of markers 1, 10 and 50
apart; overlap with the real half in the plane of two principal components (1 - Hellinger distance
of histograms); adversarial accuracy of the nearest neighbour (.5 = cannot be told apart); AUC of
guessing who was in the training half from the distance to the nearest draw (.5 = private); share of
training individuals that are copied (all but 1 % of the calls). On yeast also r of GBLUP on
Lithium_Chloride with the draws, labelled by GBLUP itself, added to the training half. Each case is
appended as it is done; what stands in the CSV is not run again.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances, roc_auc_score

from sktransformer_gp import (
    DosageImputer,
    GBLUPRegressor,
    GenotypeGAN,
    HaplotypeCopier,
    MaskedGenotypePretrainer,
    datasets,
)
from sktransformer_gp.markers import chromosomes_from_names

GENERATORS = {
    "holdout": None,
    "markov": HaplotypeCopier(1.0),
    "copier .05": HaplotypeCopier(0.05),
    "gan": GenotypeGAN(random_state=0),
    "masked": MaskedGenotypePretrainer(random_state=0),
}
APART = (1, 10, 50)


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", nargs="+", default=["yeast", "barley"])
    parser.add_argument("--chromosomes", type=int, default=4)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for dataset in arguments.datasets:
        X, y = load(dataset, arguments.chromosomes)
        for generator in GENERATORS:
            case = {"dataset": dataset, "generator": generator}
            if not is_done(arguments.out, **case):
                append(arguments.out, [{**case, **run(X, y, generator)}])


def load(dataset: str, n_chromosomes: int) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Fetch the dosages of some chromosomes, and for yeast a trait."""
    if dataset == "yeast":
        study = datasets.fetch_yeast(
            traits=["Lithium_Chloride"], complete_cases=True, as_frame=True
        )
        y = study.target.to_numpy().ravel()
    else:
        study, y = getattr(datasets, f"fetch_{dataset}")(as_frame=True), None
    chromosomes = chromosomes_from_names(study.data.columns)
    X = study.data.loc[:, np.isin(chromosomes, pd.unique(chromosomes)[:n_chromosomes])]
    return DosageImputer("mode").set_output(transform="pandas").fit_transform(X), y


def run(X: pd.DataFrame, y: np.ndarray | None, generator: str) -> dict:
    """Draw as many genotypes as there are in the training half, and compare."""
    order = np.random.default_rng(0).permutation(len(X))
    half = len(X) // 2
    train, other = order[:half], order[half : 2 * half]
    started = time.process_time()
    if generator == "holdout":
        drawn = X.to_numpy()[other]
        # So that draws and those who took no part are not the same individuals.
        other, drawn = other[: half // 2], drawn[half // 2 :]
    else:
        model = GENERATORS[generator].fit(X.iloc[train])
        drawn = model.sample(half, random_state=0)
    seconds = time.process_time() - started
    real, unseen = X.to_numpy()[train], X.to_numpy()[other]
    scores = {**likeness(real, drawn), **privacy(real, unseen, drawn), "cpu_seconds": seconds}
    scores |= {"r_alone": np.nan, "r_augmented": np.nan}
    if y is not None and generator != "holdout":
        scores |= augment(real, drawn, unseen, y[train], y[other])
    return scores


def likeness(real: np.ndarray, drawn: np.ndarray) -> dict:
    """Compare frequencies, heterozygosity, linkage, principal components and neighbours."""
    ploidy = max(real.max(), 1)
    error = np.abs(real.mean(axis=0) - drawn.mean(axis=0)).mean() / ploidy
    heterozygous = [((x > 0) & (x < ploidy)).mean() for x in (real, drawn)]
    scores = {"frequency_error": error, "heterozygosity_error": abs(np.diff(heterozygous)[0])}
    for apart in APART:
        a, b = (correlations(x, apart) for x in (real, drawn))
        scores[f"linkage_error_{apart}"] = np.nanmean(np.abs(a - b))
    pca = PCA(2, random_state=0).fit(real)
    planes = [pca.transform(x) for x in (real, drawn)]
    edges = [np.histogram_bin_edges(planes[0][:, k], 8) for k in (0, 1)]
    p, q = (np.histogram2d(*plane.T, bins=edges)[0].ravel() / len(plane) for plane in planes)
    scores["pca_overlap"] = 1 - np.sqrt(max(0, 1 - np.sqrt(p * q).sum()))
    n = min(len(real), len(drawn))
    scores["adversarial_accuracy"] = adversarial_accuracy(real[:n], drawn[:n])
    return scores


def correlations(X: np.ndarray, apart: int) -> np.ndarray:
    """Correlate each marker with the one so many places on."""
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, np.nan)
    return (Z[:, :-apart] * Z[:, apart:]).mean(axis=0)


def adversarial_accuracy(real: np.ndarray, drawn: np.ndarray) -> float:
    """Tell real from drawn by which set the nearest neighbour comes from."""
    across = pairwise_distances(real, drawn, metric="manhattan")
    shares = []
    for own, other in ((real, across.min(axis=1)), (drawn, across.min(axis=0))):
        within = pairwise_distances(own, metric="manhattan")
        np.fill_diagonal(within, np.inf)
        shares.append((other > within.min(axis=1)).mean())
    return float(np.mean(shares))


def privacy(real: np.ndarray, unseen: np.ndarray, drawn: np.ndarray) -> dict:
    """Guess who took part, and count copies."""
    nearest = [pairwise_distances(x, drawn, metric="manhattan").min(axis=1) for x in (real, unseen)]
    took_part = np.repeat([1, 0], [len(real), len(unseen)])
    auc = roc_auc_score(took_part, -np.concatenate(nearest))
    return {"membership_auc": auc, "copied": (nearest[0] <= 0.01 * real.shape[1]).mean()}


def augment(real, drawn, unseen, y, y_unseen) -> dict:
    """Fit GBLUP to real individuals, and to real and drawn ones with predicted phenotypes."""
    alone = GBLUPRegressor().fit(real, y)
    both = np.vstack([real, drawn]), np.concatenate([y, alone.predict(drawn)])
    return {
        "r_alone": np.corrcoef(alone.predict(unseen), y_unseen)[0, 1],
        "r_augmented": np.corrcoef(GBLUPRegressor().fit(*both).predict(unseen), y_unseen)[0, 1],
    }


if __name__ == "__main__":
    main()
