"""Kill a comparison at random points and resume it: is the table that of an undisturbed run?

    python benchmarks/interrupted.py --kills 20 --out benchmarks/interrupted.csv

Each run is a process of its own, ended by SIGKILL after a random share of the time that an
undisturbed run takes, and resumed by ``compare --resume``. A row tells when it was killed, how many
of its fits stood in ``scores.csv`` then, and whether the final table is the same text: all columns
but the seconds, which no two runs share.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

COMMAND = [sys.executable, "-m", "sktransformer_gp", "compare"]
OPTIONS = ["--dataset", "simulated", "--models", "gblup", "--cv", "5", "--repeats", "2"]
SECONDS = ["fit_seconds", "predict_seconds"]


def main() -> None:
    """Write one row for each kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        start(Path(folder, "undisturbed"), jobs=1).wait()
        duration = time.perf_counter() - started
        expected = table(Path(folder, "undisturbed"))
        rows = []
        for kill in range(arguments.kills):
            run, jobs = Path(folder, str(kill)), 1 + kill % 2
            seconds = rng.uniform(0.2, 1) * duration
            n_done = kill_after(seconds, run, jobs)
            resume(run, jobs)
            rows.append((kill, jobs, round(seconds, 2), n_done, table(run).equals(expected)))
            print(rows[-1], flush=True)
    names = ["kill", "jobs", "killed_after_seconds", "fits_written", "same_table"]
    pd.DataFrame(rows, columns=names).to_csv(arguments.out, index=False)


def start(folder: Path, jobs: int) -> subprocess.Popen:
    """Start a run."""
    options = [*OPTIONS, "--jobs", str(jobs), "--out", str(folder)]
    return subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def kill_after(seconds: float, folder: Path, jobs: int) -> int:
    """Start a run, kill it and return the number of fits that stand in its folder."""
    process = start(folder, jobs)
    time.sleep(seconds)
    process.kill()
    process.wait()
    path = folder / "scores.csv"
    n_traits = 2
    return max(0, path.read_bytes().count(b"\n") - 1) // n_traits if path.exists() else 0


def resume(folder: Path, jobs: int) -> None:
    """Finish a run; one that was killed before it began is started anew."""
    if not (folder / "provenance.json").exists():
        start(folder, jobs).wait()
        return
    command = [*COMMAND, "--resume", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def table(folder: Path) -> pd.DataFrame:
    """Return the scores as text."""
    return pd.read_csv(folder / "scores.csv", dtype=str).drop(columns=SECONDS)


if __name__ == "__main__":
    main()
