"""What predictions of mice know of the sex: from the X chromosome, or told; restartable.

    python benchmarks/sex.py --out benchmarks/sex.csv

Males have one X chromosome and no heterozygotes on it. Three traits that differ between the sexes;
r of predictions and phenotypes in test folds, over all mice and in each sex, and r of predictions
and sex.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from sklearn.base import clone
from sklearn.model_selection import KFold

from sktransformer_gp import (
    FixedEffectsRegressor,
    GBLUPRegressor,
    TransformerGPRegressor,
    pearson_correlation,
)
from sktransformer_gp.datasets import fetch_mice

TRAITS = ["Obesity.EndNormalBW", "Biochem.HDL", "Obesity.BMI"]
TRANSFORMER = TransformerGPRegressor(random_state=0)
MODELS = {
    "gblup": GBLUPRegressor(),
    "transformer, no dominance": TransformerGPRegressor(dominance=False, random_state=0),
    "transformer": TRANSFORMER,
    "gblup, sex fixed": FixedEffectsRegressor(GBLUPRegressor(), ["male"]),
    "transformer, sex fixed": FixedEffectsRegressor(TRANSFORMER, ["male"]),
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    mice = fetch_mice(traits=TRAITS, as_frame=True)
    seen = mice.target.notna().any(axis=1).to_numpy()
    X, Y = mice.data[seen], mice.target[seen]
    male = (mice.covariates["GENDER"][seen] == "M").to_numpy()
    on_x = mice.chromosomes == "X"
    for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        for markers, kept in {"all": on_x | ~on_x, "without X": ~on_x}.items():
            for name in arguments.models:
                case = {"fold": fold, "markers": markers, "model": name}
                if not is_done(arguments.out, **case):
                    data = X.loc[:, kept]
                    if "fixed" in name:
                        data = data.assign(male=male.astype(np.int8))
                    model = clone(MODELS[name]).fit(data.iloc[train], Y.iloc[train])
                    scores = score(Y.iloc[test], model.predict(data.iloc[test]), male[test])
                    append(arguments.out, scores.assign(**case))


def score(Y: pd.DataFrame, predicted: np.ndarray, male: np.ndarray) -> pd.DataFrame:
    """Return r of each trait: over all mice, in each sex, and with the sex."""
    rows = []
    for trait, p in zip(Y, predicted.T, strict=True):
        y = Y[trait].to_numpy()
        seen = ~np.isnan(y)
        row = {"trait": trait, "r": pearson_correlation(y, p)}
        row["r_females"] = pearson_correlation(y[~male], p[~male])
        row["r_males"] = pearson_correlation(y[male], p[male])
        row["r_sex"] = pearson_correlation(male[seen].astype(float), p[seen])
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
