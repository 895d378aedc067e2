"""A grid search over dask workers: how much of each worker is put to use.

    python benchmarks/grid.py --out benchmarks/grid.csv

24 settings x 5 folds of the transformer on a small simulated cross, by scikit-learn's own
``GridSearchCV`` with joblib's dask backend. Efficiency is the time of one worker over the time of
k workers, times k; with more workers than cores it cannot stay at 1.
"""

import argparse
import os
import time
from pathlib import Path

import joblib
import pandas as pd
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from sktransformer_gp import TransformerGPRegressor, pearson_scorer
from sktransformer_gp.datasets import make_cross

GRID = {
    "gate_penalty": [0.01, 0.02, 0.03, 0.04],
    "learning_rate_init": [0.001, 0.003, 0.01],
    "dim_readout": [32, 64],
}


def main() -> None:
    """Search with one worker, two and four."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    seconds = {n: search(n) for n in arguments.workers}
    table = pd.DataFrame({"n_workers": list(seconds), "seconds": list(seconds.values())})
    table["efficiency"] = table.seconds[0] * table.n_workers[0] / table.seconds / table.n_workers
    table["n_cores"] = os.cpu_count()
    table.to_csv(arguments.out, index=False, float_format="%.4g")
    print(table.to_string(index=False))


def search(n_workers: int) -> float:
    """Return the wall seconds of the search, workers warmed up."""
    cross = make_cross(n_samples=150, n_markers=1000, n_traits=1, random_state=0)
    model = TransformerGPRegressor(token_dropout=0.05, random_state=0)
    search = GridSearchCV(model, GRID, cv=5, scoring=pearson_scorer, refit=False)
    cluster = LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=None, scheduler_port=0
    )
    with cluster, Client(cluster) as client, joblib.parallel_config("dask"):
        client.run(warm_up)
        start = time.perf_counter()
        search.fit(cross.data, cross.target.ravel())
        return time.perf_counter() - start


def warm_up() -> None:
    """Import what a fit needs."""
    cross = make_cross(n_samples=60, n_markers=100, n_traits=1, random_state=0)
    TransformerGPRegressor(max_iter=1, cross_fitting=2).fit(cross.data, cross.target.ravel())


if __name__ == "__main__":
    main()
