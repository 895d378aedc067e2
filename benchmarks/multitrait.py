"""When do several traits help? One target, alone and with others, on the same folds; restartable.

    python benchmarks/multitrait.py --out benchmarks/multitrait.csv

Auxiliary traits are fitted together with the target and scored for the target only. "half" hides
every second training phenotype of the target; test rows are the same in all scenarios, and no
scenario sees any phenotype of them.
"""

import argparse
from pathlib import Path

import numpy as np
from results import append, is_done
from sklearn.model_selection import KFold

from sktransformer_gp import TransformerGPRegressor, pearson_correlation
from sktransformer_gp.datasets import fetch_yeast

N_CORRELATED = 4
# Scenario: auxiliary traits, their weight in the loss, share of the target's phenotypes hidden.
SCENARIOS = {
    "alone": ("none", 1.0, False),
    "with partner": ("partner", 1.0, False),
    "with partner, weight .3": ("partner", 0.3, False),
    "with the 4 most correlated": ("correlated", 1.0, False),
    "with the 4 most correlated, weight .3": ("correlated", 0.3, False),
    "half, alone": ("none", 1.0, True),
    "half, with partner": ("partner", 1.0, True),
    "half, with partner, weight .3": ("partner", 0.3, True),
    "half, with the 4 most correlated": ("correlated", 1.0, True),
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="Lactate")
    parser.add_argument("--partner", default="Lactose")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    yeast = fetch_yeast(as_frame=True)
    seen = yeast.target[arguments.target].notna()
    X, Y = yeast.data[seen.to_numpy()], yeast.target[seen]
    for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        for scenario in SCENARIOS:
            case = {"target": arguments.target, "scenario": scenario, "fold": fold}
            if not is_done(arguments.out, **case):
                r = score(X, Y, train, test, arguments.target, arguments.partner, scenario)
                append(arguments.out, [{**case, "r": r}])


def score(X, Y, train, test, target: str, partner: str, scenario: str) -> float:
    """Fit a scenario on the training rows; return r of the target on the test rows."""
    kind, weight, half = SCENARIOS[scenario]
    known = Y.iloc[train].copy()
    correlations = known.corr()[target].drop(target).abs().sort_values(ascending=False)
    others = {"none": [], "partner": [partner], "correlated": list(correlations.index)}
    traits = [target, *others[kind][:N_CORRELATED]]
    if half:
        known.iloc[::2, known.columns.get_loc(target)] = np.nan
    weights = [1.0] + [weight] * (len(traits) - 1)
    model = TransformerGPRegressor(random_state=0)
    model.fit(X.iloc[train], known[traits], trait_weights=weights)
    predicted = model.predict(X.iloc[test])[:, 0]
    return pearson_correlation(Y.iloc[test][target].to_numpy(), predicted)


if __name__ == "__main__":
    main()
