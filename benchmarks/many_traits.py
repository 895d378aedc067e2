"""What many traits in one fit of the transformer cost in accuracy: restartable.

    python benchmarks/many_traits.py --out benchmarks/many_traits.csv

All yeast traits but Lactate and Lactose (development data), in random groups of 8, 22 and 44 that
are fitted together, on five folds: with what "auto" takes for 8 traits and more, and with what it
takes for fewer. Each group x fold is appended as it is done; what stands in the CSV is not run
again. Fits of each trait alone are those of ``accuracy.py``.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from sklearn.model_selection import KFold

from sktransformer_gp import TransformerGPRegressor, pearson_correlation
from sktransformer_gp.datasets import fetch_yeast

REPORTED = ["Lactate", "Lactose"]
SIZES = (8, 22, 44)
VARIANTS = {
    "default": {},
    "as for few traits": {
        "gate_penalty": (0.04, 0.12),
        "batch_size": 32,
        "learning_rate_init": 0.003,
    },
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    yeast = fetch_yeast(as_frame=True)
    Y = yeast.target.drop(columns=REPORTED)
    names = np.random.default_rng(1).permutation(list(Y))
    for size in SIZES:
        for group in range(len(names) // size):
            part = Y[names[group * size : (group + 1) * size]]
            seen = part.notna().any(axis=1).to_numpy()
            for model in arguments.models:
                run(yeast.data[seen], part[seen], {"together": size, "model": model}, arguments.out)


def run(X: pd.DataFrame, Y: pd.DataFrame, case: dict[str, str | int], out: Path) -> None:
    """Cross-validate one variant on one group of traits."""
    for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        if is_done(out, **case, fold=fold, trait=Y.columns[0]):
            continue
        model = TransformerGPRegressor(**VARIANTS[str(case["model"])], random_state=0)
        predicted = model.fit(X.iloc[train], Y.iloc[train]).predict(X.iloc[test])
        scores = pearson_correlation(Y.iloc[test], predicted, multioutput="raw_values")
        append(
            out,
            [
                {**case, "fold": fold, "trait": trait, "r": r}
                for trait, r in zip(Y, scores, strict=True)
            ],
        )


if __name__ == "__main__":
    main()
