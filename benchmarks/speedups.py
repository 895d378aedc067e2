"""What makes a fit quick, and what it does to predictive ability: restartable.

    python benchmarks/speedups.py --out benchmarks/speedups.csv

The default, the default without one thing that makes it quick, and what would make it quicker, on
the same folds of twelve yeast traits, fitted two at a time (development data). Each repeat x pair x
variant is appended as it is done; what stands in the CSV is not run again.
"""

import argparse
from pathlib import Path

from results import append, is_done

from sktransformer_gp import TransformerGPRegressor, compare_models
from sktransformer_gp.datasets import fetch_yeast

PAIRS = [
    ["Trehalose", "Xylose"],
    ["Indoleacetic_Acid", "Sorbitol"],
    ["Maltose", "Magnesium_Sulfate"],
    ["Neomycin", "Lithium_Chloride"],
    ["Zeocin", "Raffinose"],
    ["Ethanol", "Hydroxyurea"],
]
VARIANTS = {
    "default": TransformerGPRegressor(random_state=0),
    "markers not merged": TransformerGPRegressor(preprocessor=None, random_state=0),
    "batches of 8": TransformerGPRegressor(batch_size=8, random_state=0),
    "16 epochs": TransformerGPRegressor(max_iter=16, random_state=0),
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="the first so many")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for pair in PAIRS[: arguments.pairs]:
        study = fetch_yeast(traits=pair, complete_cases=True, as_frame=True)
        for repeat in range(arguments.repeats):
            for name in arguments.models:
                if not is_done(arguments.out, model=name, trait=pair[0], repeat=repeat):
                    scores = compare_models(
                        {name: VARIANTS[name]},
                        study.data,
                        study.target,
                        dataset="yeast",
                        random_state=repeat,
                    )
                    append(arguments.out, scores.assign(repeat=repeat))


if __name__ == "__main__":
    main()
