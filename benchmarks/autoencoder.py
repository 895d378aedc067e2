"""What the autoencoder is good for, against the classical tool for each job.

    python benchmarks/autoencoder.py imputation --out benchmarks/autoencoder_imputation.csv
    python benchmarks/autoencoder.py codes --out benchmarks/autoencoder_codes.csv
    python benchmarks/autoencoder.py anomalies --out benchmarks/autoencoder_anomalies.csv

imputation: calls hidden at random in all samples, fitted on four in five, scored on the hidden
calls of the rest by class of minor allele frequency; "linkage 60" has only the first 60 markers to
learn from, as many as scikit-learn's IterativeImputer gets through, and "masked" decodes step by
step with the masked pre-training. codes: ridge on codes or principal components of as many
dimensions, all learned in the training fold. anomalies: of the test samples a tenth is contaminated
(each call with a chance of 15 % that of another sample) and a tenth is foreign (all runs of 50
markers from different samples); ROC AUC of each score. Each case is appended as it is done; what
stands in the CSV is not run again.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from sklearn.decomposition import PCA
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, train_test_split

from sktransformer_gp import (
    DosageImputer,
    GenotypeAutoencoder,
    MaskedGenotypePretrainer,
    datasets,
)
from sktransformer_gp.markers import chromosomes_from_names

SHARES = (0.05, 0.2, 0.5)
SUBSET = 60
ON_SUBSET = tuple(f"{name} {SUBSET}" for name in ("linkage", "autoencoder", "iterative"))
STRATEGIES = ("mean", "mode", "nearest", "knn", "linkage", "autoencoder", *ON_SUBSET, "masked")
MAF_CLASSES = (0, 0.05, 0.2, 0.51)
TRAITS = ("Lithium_Chloride",)  # its largest locus, ENA, lies on the first four chromosomes
SIZES = (16, 32, 64, 128, 256)


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--datasets", nargs="+", default=["yeast", "barley", "mice"])
    parser.add_argument("--chromosomes", type=int, default=4, help="the first ones; 0 = all")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for case, run in JOBS[arguments.job](arguments):
        if not is_done(arguments.out, **case):
            append(arguments.out, [{**case, **scores} for scores in run()])


def dosages(dataset: str, n_chromosomes: int) -> pd.DataFrame:
    """Fetch the dosages of some chromosomes."""
    X = getattr(datasets, f"fetch_{dataset}")(as_frame=True).data
    chromosomes = chromosomes_from_names(X.columns)
    names = pd.unique(chromosomes)
    return X.loc[:, np.isin(chromosomes, names[: n_chromosomes or None])]


def imputation(arguments):
    """List the cases of imputing."""
    for dataset in arguments.datasets:
        X = dosages(dataset, arguments.chromosomes)
        for share in SHARES:
            for strategy in STRATEGIES:
                case = {"dataset": dataset, "share": share, "strategy": strategy}
                yield case, lambda X=X, share=share, strategy=strategy: impute(X, share, strategy)


def impute(X: pd.DataFrame, share: float, strategy: str) -> list[dict]:
    """Hide calls, impute those of the test rows, compare class by class."""
    strategy, _, n_markers = strategy.partition(" ")
    X = X.iloc[:, : int(n_markers or X.shape[1])]
    truth = X.to_numpy()
    hidden = (np.random.default_rng(0).random(X.shape) < share) & (truth >= 0)
    train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=0)
    masked = X.mask(hidden, -1).astype(np.int8)
    started = time.process_time()
    filled = fill(strategy, masked.iloc[train], masked.iloc[test])
    seconds = time.process_time() - started
    p = np.nanmean(np.where(truth < 0, np.nan, truth), axis=0) / truth.max()
    maf_class = np.digitize(np.minimum(p, 1 - p), MAF_CLASSES[1:-1])
    rows = []
    for k in range(len(MAF_CLASSES) - 1):
        chosen = hidden[test] & (maf_class == k)
        if chosen.sum() > 100:
            true, told = truth[test][chosen], filled[chosen]
            rows.append(
                {
                    "maf_from": MAF_CLASSES[k],
                    "n_markers": int((maf_class == k).sum()),
                    "n_hidden": len(true),
                    "concordance": (np.rint(told) == true).mean(),
                    "r2": np.corrcoef(told, true)[0, 1] ** 2 if told.std() > 0 else 0.0,
                    "cpu_seconds": seconds,
                }
            )
    return rows


def fill(strategy: str, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Impute the test rows."""
    if strategy == "iterative":
        imputer = IterativeImputer(missing_values=-1, n_nearest_features=20, random_state=0)
        return imputer.fit(train).transform(test)
    if strategy == "masked":
        return MaskedGenotypePretrainer(random_state=0).fit(train).impute(test)
    if strategy == "nearest":
        return nearest(train.to_numpy(), test.to_numpy(), chromosomes_from_names(train.columns))
    return np.asarray(DosageImputer(strategy, random_state=0).fit(train).transform(test))


def nearest(train: np.ndarray, test: np.ndarray, chromosomes: np.ndarray) -> np.ndarray:
    """Take a call from the nearest observed marker, translated by what goes with it in training."""
    filled = test.copy()
    for marker in range(test.shape[1]):
        rows = np.flatnonzero(test[:, marker] < 0)
        others = np.flatnonzero(chromosomes == chromosomes[marker])
        for other in others[np.argsort(np.abs(others - marker), kind="stable")][1:]:
            if not len(rows):
                break
            seen = test[rows, other]
            for call in np.unique(seen[seen >= 0]):
                with_it = train[(train[:, other] == call) & (train[:, marker] >= 0), marker]
                if len(with_it):
                    filled[rows[seen == call], marker] = np.bincount(with_it).argmax()
            rows = rows[filled[rows, marker] < 0]
    return filled


def codes(arguments):
    """List the cases of compressing."""
    for trait in TRAITS:
        for n_components in SIZES:
            for coder in ("pca", "autoencoder"):
                case = {"trait": trait, "n_components": n_components, "coder": coder}
                yield case, lambda c=case: predict_from_codes(**c, n=arguments.chromosomes)


def predict_from_codes(trait: str, n_components: int, coder: str, n: int) -> list[dict]:
    """Cross-validate ridge on codes; also how well the dosages can be told back."""
    study = datasets.fetch_yeast(traits=[trait], complete_cases=True, as_frame=True)
    X, y = study.data[dosages("yeast", n).columns], study.target.to_numpy().ravel()
    rows = []
    for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        if fold >= 2:
            break
        started = time.process_time()
        model = make_coder(coder, n_components).fit(X.iloc[train])
        seconds = time.process_time() - started
        Z, Z_test = model.transform(X.iloc[train]), model.transform(X.iloc[test])
        ridge = RidgeCV(np.logspace(-2, 6, 25)).fit((Z - Z.mean(0)) / Z.std(0), y[train])
        r = np.corrcoef(y[test], ridge.predict((Z_test - Z.mean(0)) / Z.std(0)))[0, 1]
        told = np.rint(np.asarray(model.inverse_transform(Z_test)))
        told_back = (told == X.iloc[test].to_numpy()).mean()
        rows.append({"fold": fold, "r": r, "told_back": told_back, "cpu_seconds": seconds})
    return rows


def make_coder(coder: str, n_components: int):
    """Make an unfitted coder."""
    if coder == "pca":
        return PCA(n_components, random_state=0)
    return GenotypeAutoencoder(n_components, random_state=0)


def anomalies(arguments):
    """List the cases of strange samples."""
    for dataset in arguments.datasets:
        for score in ("pca", "linkage", "autoencoder"):
            case = {"dataset": dataset, "score": score}
            yield case, lambda c=case: find_anomalies(**c, n=arguments.chromosomes)


def find_anomalies(dataset: str, score: str, n: int) -> list[dict]:
    """Spoil some of the test samples and see whether they score lowest."""
    X = dosages(dataset, n)
    X = pd.DataFrame(DosageImputer("mode").fit_transform(X), columns=X.columns)
    train, test = train_test_split(np.arange(len(X)), test_size=0.3, random_state=0)
    spoiled, kind = spoil(X.to_numpy()[test], np.random.default_rng(0))
    scores = normality(score, X.iloc[train], pd.DataFrame(spoiled, columns=X.columns))
    return [
        {"kind": name, "auc": roc_auc_score(kind[kind != other] == 0, scores[kind != other])}
        for name, other in (("contaminated", 2), ("foreign", 1))
    ]


def spoil(X: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Contaminate a tenth of the samples (1), and put mosaics in place of another tenth (2)."""
    kind = np.zeros(len(X), dtype=int)
    tenth = len(X) // 10
    kind[:tenth], kind[tenth : 2 * tenth] = 1, 2
    spoiled = X.copy()
    for i in np.flatnonzero(kind == 1):
        taken = rng.random(X.shape[1]) < 0.15
        spoiled[i, taken] = X[rng.integers(len(X))][taken]
    blocks = np.arange(X.shape[1]) // 50
    for i in np.flatnonzero(kind == 2):
        spoiled[i] = X[rng.integers(0, len(X), blocks.max() + 1)[blocks], np.arange(X.shape[1])]
    return spoiled, kind


def normality(score: str, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Score samples, the higher the more usual."""
    if score == "pca":
        return PCA(64, random_state=0).fit(train).score_samples(test)
    if score == "linkage":
        # What a tenth of the calls is told from the others, ten times in turn.
        imputer, right = DosageImputer("linkage").fit(train), np.zeros(len(test))
        for turn in range(10):
            hidden = test.copy()
            hidden.iloc[:, turn::10] = -1
            right += (np.asarray(imputer.transform(hidden)) == test.to_numpy()).mean(axis=1)
        return right
    return GenotypeAutoencoder(64, random_state=0).fit(train).score_samples(test)


JOBS = {"imputation": imputation, "codes": codes, "anomalies": anomalies}

if __name__ == "__main__":
    main()
