"""How often `interaction_scan` finds epistatic pairs, and pairs that are none; restartable.

    python benchmarks/interactions.py --out benchmarks/interactions.csv
    python benchmarks/interactions.py --out benchmarks/interactions.csv --report

Crosses of 500 samples x 800 markers (`make_cross`: h2 .7, 6 QTL), 60 without epistasis and 30 in
which 2 pairs of QTL interact, each with its own share of the phenotypic variance. A pair is found
where both its QTL are within 10 cM of the blocks of a pair with p < .05; a pair with p < .05 is
false where it is more than 50 cM from all true ones (nearer, it is linked with one). Two scans,
both of the training data:

model      `interaction_scan` of the default transformer: pairs of the 20 strongest blocks.
all pairs  the classical scan in two dimensions: products of all pairs of the same blocks against
           the errors of ten-fold cross-validated GBLUP, with a permutation null over all pairs.

Each cross is appended as it is done; what stands in the CSV is not run again.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from scipy.stats import binomtest
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.utils import Bunch

from sktransformer_gp import GBLUPRegressor, TransformerGPRegressor
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.inspection import interaction_scan
from sktransformer_gp.inspection.disequilibrium import linkage_blocks
from sktransformer_gp.simulation import MORGANS_PER_BP

NEAR, LINKED, LEVEL = 10.0, 50.0, 0.05  # cM, cM, p-value
N_PERMUTATIONS = 199
# Epistatic pairs and seed, in an order that is worth stopping at any time.
CROSSES = [case for seed in range(30) for case in ((0, 2 * seed), (0, 2 * seed + 1), (2, seed))]


def main() -> None:
    """Run what is missing, or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    if arguments.report:
        print(report(pd.read_csv(arguments.out)).to_string(index=False, float_format="%.3f"))
        return
    for n_pairs, seed in CROSSES:
        if not is_done(arguments.out, n_pairs=n_pairs, seed=seed):
            append(arguments.out, run(n_pairs, seed), digits=4)


def run(n_pairs: int, seed: int) -> pd.DataFrame:
    """Scan one cross: a row for each epistatic pair, and one for false pairs, whose share is 0."""
    cross = make_cross(
        *(500, 800, 1), h2=0.7, n_qtl=6, n_epistatic_pairs=n_pairs, random_state=seed, as_frame=True
    )
    effects = cross.epistatic_effects[:, 0] / cross.target.iloc[:, 0].std()
    shares = effects**2 / 16  # a product of two fair alleles has the variance 1 / 16
    rows = []
    for scan, pairs in (("model", scan_model(cross)), ("all pairs", scan_all(cross))):
        true_pairs = cross.epistatic_pairs
        found = [any(is_near(cross, pair, true, NEAR) for pair in pairs) for true in true_pairs]
        linked = [any(is_near(cross, pair, true, LINKED) for true in true_pairs) for pair in pairs]
        found.append(not all(linked))
        for share, hit in zip([*shares, 0.0], found, strict=True):
            rows.append((n_pairs, seed, scan, share, int(hit)))
    return pd.DataFrame(rows, columns=["n_pairs", "seed", "scan", "share", "found"])


def scan_model(cross: Bunch) -> list[tuple[str, str]]:
    """Return pairs of markers that the scan of the transformer calls."""
    y = cross.target.iloc[:, 0]
    model = TransformerGPRegressor(random_state=0).fit(cross.data, y)
    table = interaction_scan(model, cross.data, y, random_state=0, n_permutations=N_PERMUTATIONS)
    return [(row.first, row.second) for row in table[table["p_value"] < LEVEL].itertuples()]


def scan_all(cross: Bunch) -> list[tuple[str, str]]:
    """Return pairs of markers that the classical scan calls."""
    X, names = cross.data.to_numpy(float), cross.feature_names
    folds = KFold(10, shuffle=True, random_state=0)
    y = cross.target.iloc[:, 0].to_numpy()
    errors = y - cross_val_predict(GBLUPRegressor(), X, y, cv=folds)
    middles = [block[len(block) // 2] for block in linkage_blocks(X, names, 0.5)]
    pairs = np.array(list(combinations(middles, 2)))
    Z = (X - X.mean(axis=0)).T.astype(np.float32)
    products = Z[pairs[:, 0]] * Z[pairs[:, 1]]
    products -= products.mean(axis=1, keepdims=True)
    products /= np.linalg.norm(products, axis=1, keepdims=True)
    rng = np.random.default_rng(0)
    errors = (errors - errors.mean()).astype(np.float32)
    permuted = np.column_stack([rng.permutation(errors) for _ in range(N_PERMUTATIONS)])
    null = np.abs(products @ permuted).max(axis=0)
    called = np.abs(products @ errors) > np.quantile(null, 1 - LEVEL)
    return [(names[a], names[b]) for a, b in pairs[called]]


def is_near(cross: Bunch, pair: tuple[str, str], true: np.ndarray, distance: float) -> bool:
    """Tell whether the markers of a pair are near the loci of a true one, in either order."""
    places = [cross.data.columns.get_loc(name) for name in pair]
    near = np.array([[centimorgans(cross, a, b) <= distance for b in true] for a in places])
    return bool(near.diagonal().all() or near[:, ::-1].diagonal().all())


def centimorgans(cross: Bunch, a: int, b: int) -> float:
    """Return the distance of two markers; inf on different chromosomes."""
    if cross.chromosomes[a] != cross.chromosomes[b]:
        return np.inf
    return abs(cross.positions[a] - cross.positions[b]) * MORGANS_PER_BP * 100


def report(rows: pd.DataFrame) -> pd.DataFrame:
    """Return shares with 95 % intervals (Clopper-Pearson): false pairs, and power by effect."""
    false, true = rows[rows["share"] == 0], rows[rows["share"] > 0]
    cases = {
        "any pair, no epistasis": false[false["n_pairs"] == 0],
        "any false pair, epistasis": false[false["n_pairs"] > 0],
        "pair of < 1 % of variance": true[true["share"] < 0.01],
        "pair of 1-5 %": true[true["share"].between(0.01, 0.05)],
        "pair of > 5 %": true[true["share"] > 0.05],
    }
    table = []
    for case, chosen in cases.items():
        for scan, found in chosen.groupby("scan", sort=False)["found"]:
            interval = binomtest(int(found.sum()), len(found)).proportion_ci()
            bounds = {"from": interval.low, "to": interval.high}
            table.append(
                {"found": case, "scan": scan, "n": len(found), "share": found.mean(), **bounds}
            )
    return pd.DataFrame(table)


if __name__ == "__main__":
    main()
