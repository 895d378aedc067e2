"""Do other versions of Python and of the libraries give the same numbers?

    python benchmarks/versions.py fit results/oldest.json
    python benchmarks/versions.py compare results/*.json --out benchmarks/versions.csv

``.ci/matrix`` makes an environment for each row and runs the first command in it; the second
compares all rows with the one of the versions in constraints.txt. A difference is the largest one
of a prediction, in units of the trait's standard deviation, and has to be below `TOLERANCES`.
"""

import argparse
import csv
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from sktransformer_gp import GBLUPRegressor, RKHSRegressor, TransformerGPRegressor
from sktransformer_gp.datasets import make_cross

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "skorch", "torch")
MODELS = {
    "gblup": GBLUPRegressor(),
    "rkhs": RKHSRegressor(),
    "lecture": TransformerGPRegressor.from_preset("lecture", max_iter=3, random_state=0),
    "transformer": TransformerGPRegressor(max_iter=5, cross_fitting=3, random_state=0),
}
# Closed forms differ by rounding and by where the search for variances stops; training passes
# roundings in single precision on from step to step.
TOLERANCES = {"gblup": 1e-6, "rkhs": 1e-6, "lecture": 1e-2, "transformer": 1e-2}
TESTED = "tested"


def main() -> int:
    """Fit, or compare what was fitted elsewhere; 1 where a difference is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("fit").add_argument("path", type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("paths", type=Path, nargs="+")
    comparing.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "fit":
        arguments.path.write_text(json.dumps(fit()), encoding="utf-8")
        return 0
    return compare(arguments.paths, arguments.out)


def fit() -> dict:
    """Return versions, and each model's predictions of segregants that it has not seen."""
    cross = make_cross(n_samples=160, n_markers=300, n_epistatic_pairs=2, random_state=0)
    unit = cross.target[:120].std(axis=0)
    predictions = {}
    for name, model in MODELS.items():
        model.fit(cross.data[:120], cross.target[:120])
        predictions[name] = (model.predict(cross.data[120:]) / unit).tolist()
    versions = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    return {"versions": versions, "predictions": predictions}


def compare(paths: list[Path], out: Path) -> int:
    """Write a row for each environment, with the largest difference from the tested one."""
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    tested, too_large = results[TESTED]["predictions"], []
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["environment", "python", *LIBRARIES, *MODELS])
        for name, result in results.items():
            differences = {
                model: np.abs(np.subtract(result["predictions"][model], tested[model])).max()
                for model in MODELS
            }
            writer.writerow(
                [name, *result["versions"].values(), *(f"{d:.1e}" for d in differences.values())]
            )
            too_large += [(name, m, d) for m, d in differences.items() if d > TOLERANCES[m]]
    for name, model, difference in too_large:
        print(f"{name}: {model} differs by {difference:.1e}, more than {TOLERANCES[model]:.0e}")
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
