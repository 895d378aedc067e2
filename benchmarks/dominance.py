"""What reading dominance deviations is worth, in diploids of three kinds: restartable.

    python benchmarks/dominance.py --out benchmarks/dominance.csv

Three populations: an F2 (simulated), hybrids between random pairs of barley lines (real dosages of
the lines), and individuals whose 1,000 markers are not linked (simulated). Of 700 individuals, 500
train. Every QTL has an effect a of a Laplace distribution and a dominance effect d = k |a| with k
normal: 0, of mean .2 and standard deviation .3 ("partial"), or of mean .3 and standard deviation 1
("strong"). The genetic value has 61 % of the phenotypic variance. No replicate's seed was used in
development.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done

from sktransformer_gp import DosageImputer, TransformerGPRegressor, pearson_correlation
from sktransformer_gp.datasets import fetch_barley, make_cross
from sktransformer_gp.models import make_model

N, N_TRAIN, FIRST_SEED = 700, 500, 1000
N_QTL = {"F2": 20, "hybrids": 50, "not linked": 20}
DEGREES = {"none": (0, 0), "partial": (0.2, 0.3), "strong": (0.3, 1.0)}
NOISE = 0.8  # standard deviation, over that of the genetic values
MODELS = ["transformer", "transformer, no dominance", "gblup", "rkhs", "lasso", "hgb", "rf"]


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for replicate in range(arguments.replicates):
        for population, make in POPULATIONS.items():
            rng = np.random.default_rng(FIRST_SEED + replicate)
            X = make(rng)
            for dominance, y in traits(X, N_QTL[population], rng):
                for model in MODELS:
                    case = {"population": population, "dominance": dominance}
                    case |= {"replicate": replicate, "model": model}
                    if not is_done(arguments.out, **case):
                        append(arguments.out, [{**case, "r": score(model, X, y)}])


def f2(rng: np.random.Generator) -> pd.DataFrame:
    """Simulate the dosages of an F2."""
    seed = int(rng.integers(2**31))
    return make_cross(N, 2000, 1, ploidy=2, random_state=seed, as_frame=True).data


def hybrids(rng: np.random.Generator) -> pd.DataFrame:
    """Cross pairs of barley lines, as if these were wholly inbred."""
    lines = fetch_barley(as_frame=True).data
    gametes = (DosageImputer().set_output(transform="pandas").fit_transform(lines) > 1).astype("i1")
    mothers, fathers = rng.choice(len(lines), N), rng.choice(len(lines), N)
    X = gametes.iloc[mothers].reset_index(drop=True) + gametes.to_numpy()[fathers]
    return X.loc[:, X.std() > 0.3]


def not_linked(rng: np.random.Generator) -> pd.DataFrame:
    """Simulate markers that are inherited one by one, of minor allele frequencies .05 to .5."""
    return pd.DataFrame(rng.binomial(2, rng.uniform(0.05, 0.5, 1000), (N, 1000)).astype("i1"))


POPULATIONS = {"F2": f2, "hybrids": hybrids, "not linked": not_linked}


def traits(
    X: pd.DataFrame, n_qtl: int, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Simulate a trait of each degree of dominance, on the same QTL."""
    x = X.to_numpy()[:, rng.choice(X.shape[1], n_qtl, replace=False)]
    effects, degree, noise = rng.laplace(size=n_qtl), rng.normal(size=n_qtl), rng.normal(size=N)
    for name, (mean, spread) in DEGREES.items():
        values = (x - 1) @ effects + (x == 1) @ ((mean + spread * degree) * np.abs(effects))
        yield name, values + NOISE * values.std() * noise


def score(model: str, X: pd.DataFrame, y: np.ndarray) -> float:
    """Fit a model on the training rows; return r on the others."""
    if model == "transformer, no dominance":
        fitted = TransformerGPRegressor(dominance=False, random_state=0)
    else:
        fitted = make_model(model, random_state=0)
    fitted.fit(X[:N_TRAIN], y[:N_TRAIN])
    return pearson_correlation(y[N_TRAIN:], fitted.predict(X[N_TRAIN:]))


if __name__ == "__main__":
    main()
