"""Predictive ability of all models on the same folds, restartable: one CSV of raw fold scores.

    python benchmarks/accuracy.py --dataset yeast --traits Lactate Lactose --complete-cases \
        --repeats 5 --out benchmarks/accuracy_yeast.csv
    python benchmarks/accuracy.py --dataset wheat --repeats 5 --out benchmarks/accuracy_wheat.csv
    python benchmarks/accuracy.py --dataset yeast --alone --out benchmarks/accuracy_yeast46.csv

Each model x repeat (with --alone or --by-trait: x trait) is appended as it is done; what stands in
the CSV is not run again, so that a run can be stopped at any time and two can share the work by
--models. --by-trait keeps the folds of all traits together: for slow models that fit each trait by
itself anyway.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done

from sktransformer_gp import compare_models, datasets
from sktransformer_gp.models import MODEL_NAMES, make_model

DEFAULT_MODELS = ["gblup", "rkhs", "transformer", "lasso", "hgb", "rf"]


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", choices=["yeast", "wheat", "mice", "barley"], required=True)
    parser.add_argument("--traits", nargs="+")
    parser.add_argument("--alone", action="store_true", help="fit each trait on its own folds")
    parser.add_argument("--by-trait", action="store_true", help="fit each trait on shared folds")
    parser.add_argument("--complete-cases", action="store_true")
    parser.add_argument("--group", action="store_true", help="folds by group (mice: cage)")
    parser.add_argument("--models", nargs="+", choices=MODEL_NAMES, default=DEFAULT_MODELS)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    fetch = getattr(datasets, f"fetch_{arguments.dataset}")
    study = fetch(traits=arguments.traits, complete_cases=arguments.complete_cases, as_frame=True)
    traits = list(study.target)
    for repeat in range(arguments.repeats):
        for part in [[t] for t in traits] if arguments.alone or arguments.by_trait else [traits]:
            for model in arguments.models:
                cases = ({"model": model, "repeat": repeat, "trait": trait} for trait in part)
                if not all(is_done(arguments.out, **case) for case in cases):
                    append(arguments.out, run(study, arguments, model, repeat, part))


def run(study, arguments, model: str, repeat: int, traits: list[str]) -> pd.DataFrame:
    """Cross-validate one model on the folds of one repeat."""
    # A trait by itself is observed on fewer rows than all together.
    observed = traits if arguments.alone else list(study.target)
    rows = study.target[observed].notna().any(axis=1).to_numpy()
    scores = compare_models(
        {model: make_model(model)},
        study.data[rows],
        study.target.loc[rows, traits],
        groups=np.asarray(study.groups)[rows] if arguments.group else None,
        dataset=arguments.dataset,
        random_state=repeat,
    )
    return scores.assign(repeat=repeat)


if __name__ == "__main__":
    main()
