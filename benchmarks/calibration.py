"""How often new phenotypes lie inside the 90 % interval of ``predict(return_std=True)``.

python benchmarks/calibration.py --out benchmarks/calibration.csv
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.model_selection import KFold

from sktransformer_gp import TransformerGPRegressor
from sktransformer_gp.datasets import fetch_wheat, fetch_yeast

LEVEL = 0.9


def main() -> None:
    """Write the share of each trait and fold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    studies = {
        "yeast": fetch_yeast(
            traits=["Trehalose", "Xylose", "Maltose", "Indoleacetic_Acid"], as_frame=True
        ),
        "wheat": fetch_wheat(as_frame=True),
    }
    rows = [row for name, study in studies.items() for row in coverage(name, study)]
    table = pd.DataFrame(rows)
    table.to_csv(arguments.out, index=False, float_format="%.5g")
    print(table.groupby(["dataset", "trait"])[["inside", "mean_std", "rmse"]].mean())


def coverage(name: str, study):
    """Yield the share inside the interval, trait by trait and fold by fold."""
    X, Y = study.data, study.target
    half = norm.ppf((1 + LEVEL) / 2)
    for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        model = TransformerGPRegressor(random_state=0).fit(X.iloc[train], Y.iloc[train])
        mean, std = model.predict(X.iloc[test], return_std=True)
        error = Y.iloc[test].to_numpy() - mean
        for k, trait in enumerate(Y):
            seen = ~np.isnan(error[:, k])
            yield {
                "dataset": name,
                "trait": trait,
                "fold": fold,
                "n_test": int(seen.sum()),
                "inside": float((np.abs(error[seen, k]) < half * std[seen, k]).mean()),
                "mean_std": float(std[seen, k].mean()),
                "rmse": float(np.sqrt(np.mean(error[seen, k] ** 2))),
            }


if __name__ == "__main__":
    main()
