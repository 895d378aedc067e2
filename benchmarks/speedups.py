"""What makes a fit quick, and what it does to predictive ability: restartable.

    python benchmarks/speedups.py --out benchmarks/speedups.csv

The default, and the default without one thing that makes it quick, on the same folds of two yeast
traits (development data). Each repeat x variant is appended as it is done; what stands in the CSV
is not run again.
"""

import argparse
from pathlib import Path

from results import append, is_done

from sktransformer_gp import TransformerGPRegressor, compare_models
from sktransformer_gp.datasets import fetch_yeast

VARIANTS = {
    "default": {},
    "markers not merged": {"preprocessor": None},
    "batches of 8": {"batch_size": 8},
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    study = fetch_yeast(traits=["Trehalose", "Xylose"], complete_cases=True, as_frame=True)
    for repeat in range(arguments.repeats):
        for variant, changes in VARIANTS.items():
            if not is_done(arguments.out, model=variant, repeat=repeat):
                model = {variant: TransformerGPRegressor(random_state=0, **changes)}
                scores = compare_models(model, study.data, study.target, random_state=repeat)
                append(arguments.out, scores.assign(repeat=repeat))


if __name__ == "__main__":
    main()
