"""The lecture's practical on the real cross: one model per trait against one for both.

python benchmarks/practical.py --out benchmarks/practical.csv
"""

import argparse
from pathlib import Path

from sktransformer_gp import PerTraitRegressor, compare_models
from sktransformer_gp.datasets import fetch_yeast
from sktransformer_gp.models import make_model


def main() -> None:
    """Write the scores of each fold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    yeast = fetch_yeast(traits=["Lactate", "Lactose"], complete_cases=True, as_frame=True)
    models = {"GBLUP": make_model("gblup")}
    for name in ("lecture", "transformer"):
        models[f"{name}, single-trait"] = PerTraitRegressor(make_model(name))
        models[f"{name}, multi-trait"] = make_model(name)
    scores = compare_models(
        models,
        yeast.data,
        yeast.target,
        repeats=arguments.repeats,
        dataset="yeast",
        n_jobs=arguments.jobs,
    )
    scores.to_csv(arguments.out, index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
