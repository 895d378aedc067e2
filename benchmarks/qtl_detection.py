"""How well each model points at the QTL of simulated crosses, restartable.

    python benchmarks/qtl_detection.py --out benchmarks/qtl_detection.csv
    python benchmarks/qtl_detection.py --out benchmarks/qtl_detection.csv --report

20 crosses of 500 samples x 2,000 markers (`make_cross`: h2 .6, 14 QTL with Laplace effects), one
trait. All methods rank the same markers; a place within 10 cM of a QTL is right. Two areas under
the curve of precision against recall, as average precision:

loci      a method calls the highest marker, passes over all within 10 cM of it, calls the highest
          of the rest, and so on; a call is right where a QTL that was not called before is near.
          Recall counts QTL.
markers   each marker is a call; recall counts the markers near a QTL.

"smoothed" is the `smoothing` of `marker_importance`, given to GBLUP and lasso as well. Its default
was chosen on other crosses (seeds 100 to 109). Of the crosses' 14 QTL some have next to no effect:
no method reaches 1. Each cross is appended as it is done; what stands in the CSV is not run again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from scipy.stats import t
from sklearn.metrics import average_precision_score
from sklearn.utils import Bunch

from sktransformer_gp import GBLUPRegressor, TransformerGPRegressor
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.inspection import marker_importance
from sktransformer_gp.models import make_model
from sktransformer_gp.simulation import MORGANS_PER_BP

NEAR = 10.0  # cM
OURS = "transformer, gradient, smoothed"


def main() -> None:
    """Run what is missing, or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(20))
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    if arguments.report:
        print(report(pd.read_csv(arguments.out)).to_string(index=False, float_format="%.3f"))
        return
    for seed in arguments.seeds:
        if not is_done(arguments.out, seed=seed):
            append(arguments.out, run(seed), digits=4)


def run(seed: int) -> pd.DataFrame:
    """Score all methods on one cross."""
    cross = make_cross(500, 2000, 1, h2=0.6, n_qtl=14, random_state=seed, as_frame=True)
    rows = []
    for method, importance in importances(cross).items():
        is_near = np.any([distances(cross, q) <= NEAR for q in cross.qtl], axis=0)
        loci = locus_precision(importance, cross)
        markers = average_precision_score(is_near, importance)
        rows.append({"seed": seed, "method": method, "loci": loci, "markers": markers})
    return pd.DataFrame(rows)


def distances(cross: Bunch, marker: int) -> np.ndarray:
    """Return the distance of all markers from one, in cM; inf on other chromosomes."""
    centimorgans = np.abs(cross.positions - cross.positions[marker]) * MORGANS_PER_BP * 100
    return np.where(cross.chromosomes == cross.chromosomes[marker], centimorgans, np.inf)


def importances(cross: Bunch) -> dict[str, np.ndarray]:
    """Return the importance of each marker by each method."""
    X, y = cross.data, cross.target.iloc[:, 0]
    ours = TransformerGPRegressor(random_state=0).fit(X, y)
    gblup = GBLUPRegressor().fit(X, y)
    lasso = make_model("lasso").fit(X, y)
    blocks = {"method": "permutation", "n_repeats": 2}
    return {
        OURS: look(ours, X),
        "transformer, gradient": look(ours, X, smoothing=None),
        "transformer, effect, smoothed": look(ours, X, method="effect"),
        "transformer, gate, smoothed": look(ours, X, method="gate"),
        "transformer, permutation": look(ours, X, y=y, **blocks),
        "GBLUP effect": look(gblup, X, method="effect", smoothing=None),
        "GBLUP effect, smoothed": look(gblup, X, method="effect"),
        "lasso": look(lasso, X, method="effect", smoothing=None),
        "lasso, smoothed": look(lasso, X, method="effect"),
        "single-marker scan": X.corrwith(y).abs().to_numpy(),
    }


def look(model, X: pd.DataFrame, **settings) -> np.ndarray:
    """Return the importance of all markers: merged ones have that of the one kept for them."""
    table = marker_importance(model, X, random_state=0, **settings).set_index("marker")
    if len(table) == X.shape[1]:
        return table["importance"].to_numpy()
    merger = model.named_steps["linkagemerger"]
    kept = table["importance"].to_numpy()
    return np.where(merger.groups_ >= 0, kept[merger.groups_], 0.0)


def locus_precision(importance: np.ndarray, cross: Bunch) -> float:
    """Return the average precision of calls of loci, highest first."""
    left, uncalled, right = importance > 0, list(cross.qtl), []
    while left.any():
        away = distances(cross, np.where(left, importance, -np.inf).argmax())
        left &= away > NEAR
        nearest = min(uncalled, key=lambda q: away[q], default=None)
        right.append(nearest is not None and away[nearest] <= NEAR)
        if right[-1]:
            uncalled.remove(nearest)
    right = np.array(right)
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    return float(precision[right].sum() / len(cross.qtl))


def report(scores: pd.DataFrame) -> pd.DataFrame:
    """Return means over crosses, and differences to ours with 95 % intervals."""
    rows = []
    for method in scores["method"].unique():
        row = {"method": method}
        for area in ("loci", "markers"):
            table = scores.pivot(index="seed", columns="method", values=area)
            difference = table[method] - table[OURS]
            half = t.ppf(0.975, len(table) - 1) * difference.std() / np.sqrt(len(table))
            row |= {area: table[method].mean(), f"{area} - ours": difference.mean(), "+-": half}
            row[f"{area} +-"] = row.pop("+-")
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
