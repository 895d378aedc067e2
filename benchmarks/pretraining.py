"""Does learning genotypes first help where few individuals have phenotypes?

    python benchmarks/pretraining.py --out benchmarks/pretraining.csv

Yeast, merged markers. Of each trait 150 segregants are held out; of the others some keep their
phenotypes, and all are genotyped. The network with and without masked pre-training on all these
genotypes, ridge on its tokens and GBLUP. Each case is appended as it is done; what stands in the
CSV is not run again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done

from sktransformer_gp import (
    GBLUPRegressor,
    LinkageMerger,
    MaskedGenotypePretrainer,
    PretrainedGPRegressor,
    datasets,
)

TRAITS = ("Maltose",)
SIZES = (50, 100, 200, 800)
MODELS = ("gblup", "tokens + gblup", "from random weights", "pre-trained")
N_TEST = 150


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for trait in TRAITS:
        study = datasets.fetch_yeast(traits=[trait], complete_cases=True, as_frame=True)
        X = LinkageMerger().set_output(transform="pandas").fit_transform(study.data)
        y = study.target.to_numpy().ravel()
        for seed in range(arguments.seeds):
            pretrainer = None
            for n in SIZES:
                for model in MODELS:
                    case = {"trait": trait, "seed": seed, "n_phenotyped": n, "model": model}
                    if is_done(arguments.out, **case):
                        continue
                    if pretrainer is None:
                        train = split(len(y), seed)[0]
                        pretrainer = MaskedGenotypePretrainer(random_state=seed).fit(X.iloc[train])
                    r = run(model, X, y, n, seed, pretrainer)
                    append(arguments.out, [{**case, "r": r}])


def split(n_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold out individuals at random."""
    order = np.random.default_rng(seed).permutation(n_samples)
    return order[N_TEST:], order[:N_TEST]


def run(model: str, X: pd.DataFrame, y: np.ndarray, n: int, seed: int, pretrainer) -> float:
    """Fit with n phenotypes, return r on the held-out individuals."""
    train, test = split(len(y), seed)
    few = train[:n]
    if model == "gblup":
        predicted = GBLUPRegressor().fit(X.iloc[few], y[few]).predict(X.iloc[test])
    elif model == "tokens + gblup":
        Z = pretrainer.transform(X)
        predicted = GBLUPRegressor().fit(Z[few], y[few]).predict(Z[test])
    else:
        known = y[train].copy()
        known[n:] = np.nan
        network = PretrainedGPRegressor(
            pretrainer, pretrain=model == "pre-trained", random_state=seed
        )
        predicted = network.fit(X.iloc[train], known).predict(X.iloc[test])
    return np.corrcoef(predicted, y[test])[0, 1]


if __name__ == "__main__":
    main()
