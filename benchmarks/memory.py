"""Fit 200 models in one process: does its memory stay flat?

    python benchmarks/memory.py --fits 200 --out benchmarks/memory.csv

Transformer, GBLUP and polygenic term take turns on simulated segregants, new ones for each fit. A
row has the resident memory of the process after the fit.
"""

import argparse
import csv
import os
from pathlib import Path

from sktransformer_gp import GBLUPRegressor, RKHSRegressor, TransformerGPRegressor
from sktransformer_gp.datasets import make_cross

PAGE = os.sysconf("SC_PAGE_SIZE")
SMALL = {"max_iter": 2, "cross_fitting": 3, "device": "cpu"}


def main() -> None:
    """Write one row for each fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    models = (TransformerGPRegressor(**SMALL), GBLUPRegressor(), RKHSRegressor())
    with arguments.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fit", "model", "resident_megabytes"])
        for fit in range(arguments.fits):
            cross = make_cross(n_samples=150, n_markers=1000, random_state=fit)
            model = models[fit % len(models)].fit(cross.data, cross.target)
            model.predict(cross.data)
            writer.writerow([fit, type(model).__name__, round(resident(), 1)])


def resident() -> float:
    """Return the resident memory of this process in megabytes (Linux)."""
    n_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return n_pages * PAGE / 1e6


if __name__ == "__main__":
    main()
