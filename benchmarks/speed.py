"""Cost of fits and predictions, measured side by side: wall and CPU seconds, memory, and ratios.

    python benchmarks/speed.py --out benchmarks/speed.csv
    python benchmarks/speed.py --out benchmarks/speed.csv --cases fit predict --threads 1

Each measurement runs in a process of its own, after a warm-up, and is appended as it is done.
Machines are noisy: rounds go through all measurements of a case one after the other, and only
ratios within a round are worth quoting (``tables.py`` takes their medians).
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from results import append
from sklearn.base import clone
from sklearn.utils import Bunch
from speedups import VARIANTS

YEAST = {"n_samples": 806, "n_markers": 11_623}
# Case: what is measured in each round, and its sizes.
CASES = {
    "fit": [("transformer", YEAST), ("forest", YEAST), ("gblup", YEAST), ("rkhs", YEAST)],
    "epoch": [(name, YEAST) for name in ("epoch", "epoch of one encoder", "plain epoch")],
    "matmul": [("step", YEAST), ("matmul", YEAST)],
    "speedups": [(f"fit, {name}", YEAST) for name in VARIANTS],
    "folds": [(f"5 folds, {name}", YEAST) for name in ("transformer", "gblup", "rf")],
    "predict": [("transformer predict", YEAST), ("gblup predict", YEAST), ("rkhs predict", YEAST)],
    "traits": [("transformer", {**YEAST, "n_traits": k}) for k in (1, 46)],
    "samples": [
        ("transformer", {"n_samples": n, "n_markers": 5000})
        for n in (250, 500, 1000, 2000, 4000, 8000, 16_000)
    ],
    "markers": [
        ("transformer", {"n_samples": 500, "n_markers": m}) for m in (1000, 10_000, 50_000, 200_000)
    ],
    "large": [
        (name, {"n_samples": 16_000, "n_markers": 20_000})
        for name in ("transformer", "snp-blup", "gblup")
    ],
    "mapped": [("mapped", {"n_samples": 50_000, "n_markers": 50_000})],
}
N_CANDIDATES = 10_000
ONE_ENCODER = {"cross_fitting": None, "gate_penalty": 0.03, "token_dropout": 0.05}


def main() -> None:
    """Run rounds of the cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*json.loads(arguments.measure))))
        return
    for case in arguments.cases:
        for number in range(arguments.rounds):
            for name, sizes in CASES[case]:
                row = {"case": case, "round": number, "threads": arguments.threads}
                row |= {"measured": name, **{"n_traits": 2, **sizes}}
                row |= run(name, sizes, arguments.threads)
                append(arguments.out, [row], digits=4)
                print(row, flush=True)


def run(name: str, sizes: dict[str, int], threads: int) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--out", "-"]
    command += ["--measure", json.dumps([name, sizes])]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return {**json.loads(done.stdout), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}


def measure(name: str, sizes: dict[str, int]) -> dict[str, float]:
    """Time one piece of work after a warm-up; GFLOP where they are counted, MB above the input."""
    import torch

    from sktransformer_gp.datasets import make_cross

    work, n_times = WORK[name]
    small = make_cross(n_samples=60, n_markers=200, n_traits=2, random_state=0)
    n_threads = torch.get_num_threads()
    prepare, _ = work(small.data, small.target)
    prepare()
    torch.set_num_threads(n_threads)
    data = map_data if name == "mapped" else make_cross
    sizes = {"n_traits": 2, **sizes}
    if data is make_cross:
        sizes["n_qtl"] = max(14, 2 * sizes["n_traits"])
    cross = data(**sizes, random_state=0)
    timed, gflop = work(cross.data, cross.target)
    with Memory() as memory:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(n_times):
            timed()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "wall_seconds": wall / n_times,
        "cpu_seconds": cpu / n_times,
        "peak_mb_above_input": memory.peak,
        "gflop": gflop,
    }


class Memory:
    """Watch memory that is not a file's, in MB above what was taken before.

    Pages of a mapped file are the system's to keep or to drop; where they can't be told apart, off
    Linux, all memory counts.
    """

    def __enter__(self) -> "Memory":
        self.peak, self.done = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch, args=[self._now()])
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.done.set()
        self.thread.join()

    def _watch(self, before: float) -> None:
        while not self.done.wait(0.02):
            self.peak = max(self.peak, self._now() - before)

    @staticmethod
    def _now() -> float:
        status = Path("/proc/self/status")
        if status.exists():
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            return int(fields["RssAnon"].split()[0]) / 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


Work = tuple[Callable[[], object], float]


def fit(name: str) -> Callable[[np.ndarray, np.ndarray], Work]:
    """Return what fits a model of the command line."""

    def work(X, y):
        from sktransformer_gp.models import make_model

        return lambda: make_model(name).fit(X, y), np.nan

    return work


def fit_variant(name: str) -> Callable[[np.ndarray, np.ndarray], Work]:
    """Return what fits the transformer with or without one of its speed-ups."""

    def work(X, y):
        return lambda: clone(VARIANTS[name]).fit(X, y), np.nan

    return work


def fit_snp_blup(X: np.ndarray, y: np.ndarray) -> Work:
    """Fit SNP-BLUP."""
    from sktransformer_gp import SNPBLUPRegressor

    return lambda: SNPBLUPRegressor().fit(X, y), np.nan


def fit_few(X: np.ndarray, y: np.ndarray) -> Work:
    """Fit two members for two epochs, and the polygenic term of all samples."""
    from sktransformer_gp import TransformerGPRegressor

    model = TransformerGPRegressor(
        cross_fitting=2, gate_penalty=0.03, token_dropout=0.05, max_iter=2, random_state=0
    )
    return lambda: model.fit(X, y), np.nan


def map_data(n_samples: int, n_markers: int, n_traits: int, random_state: int) -> Bunch:
    """Write lines that are mosaics of 40 founders to a file, and map it into memory."""
    rng = np.random.default_rng(random_state)
    founders = rng.integers(0, 2, (40, n_markers), dtype=np.int8) * 2
    effects = rng.normal(size=(n_markers, n_traits)) * (rng.random((n_markers, 1)) < 0.01)
    length = n_markers // 100  # of a piece of one founder
    values = np.empty((n_samples, n_traits))
    with tempfile.TemporaryFile() as file:
        for i in range(n_samples):
            origin = rng.integers(0, 40, -(-n_markers // length)).repeat(length)[:n_markers]
            line = founders[origin, np.arange(n_markers)]
            values[i] = line @ effects
            file.write(line.data)
        file.flush()
        X = np.memmap(file, np.int8, "r", shape=(n_samples, n_markers))
    return Bunch(data=X, target=values / values.std(axis=0) + rng.normal(size=values.shape))


def fit_forest(X: np.ndarray, y: np.ndarray) -> Work:
    """Fit a random forest for each trait."""
    from sklearn.ensemble import RandomForestRegressor

    def work():
        for trait in y.T:
            RandomForestRegressor(500, max_features="sqrt", n_jobs=2, random_state=0).fit(X, trait)

    return work, np.nan


def compare(name: str) -> Callable[[np.ndarray, np.ndarray], Work]:
    """Return what cross-validates a model of the command line in five folds."""

    def work(X, y):
        from sktransformer_gp import compare_models
        from sktransformer_gp.models import make_model

        return lambda: compare_models({name: make_model(name)}, X, y, random_state=0), np.nan

    return work


def predict(name: str) -> Callable[[np.ndarray, np.ndarray], Work]:
    """Return what predicts candidates, in the type of the dosages."""

    def work(X, y):
        from sktransformer_gp.models import make_model

        model = make_model(name).fit(X, y)
        candidates = np.resize(X, (N_CANDIDATES, X.shape[1]))
        return lambda: model.predict(candidates), np.nan

    return work


def train_epoch(**parameters: object) -> Callable[[np.ndarray, np.ndarray], Work]:
    """Return what trains the encoders for one epoch more in batches of 8, as a fit does."""

    def work(X, y):
        import torch

        from sktransformer_gp import TransformerGPRegressor

        model = TransformerGPRegressor(**parameters, max_iter=1, batch_size=8, random_state=0)
        net = model.fit(X, y).net_
        net._order, net._n_threads = torch.Generator().manual_seed(0), torch.get_num_threads()
        net._options = iter([])
        torch.set_num_threads(1)  # as a fit does: threads share regimes, but no product
        net._fused = net._fuse(net.gate_penalty)
        Z, targets = _training_data(model, X, y)
        return lambda: net.fit_loop(Z, targets, epochs=1), np.nan

    return work


def train_step(X: np.ndarray, y: np.ndarray) -> Work:
    """Train on the default's batches, and count what the products cost."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from sktransformer_gp import TransformerGPRegressor

    def in_place(shape, left, right, *args, out_shape=None, **kwargs):
        return 2 * left[0] * left[1] * left[2] * right[2]

    model = TransformerGPRegressor(max_iter=1, random_state=0).fit(X, y)
    net, batches = model.net_, _batches(model, X, y, model.net_.batch_size)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    net._n_threads, net._options = 1, iter([])
    # What the counter sees is of its own thread.
    counting = {torch.ops.aten.baddbmm_: in_place}
    with FlopCounterMode(display=False, custom_mapping=counting) as counter:
        list(net._fuse(net.gate_penalty)(batches))
    net._n_threads = n_threads
    training = net._fuse(net.gate_penalty)
    return lambda: list(training(batches)), counter.get_total_flops() / 1e9


def _batches(model, X, y, batch_size):
    """Cut the training data as in a fit."""
    import torch

    Z, targets = _training_data(model, X, y)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    return [(Z[rows], targets[rows]) for rows in order.split(batch_size)]


def _training_data(model, X, y):
    """Return what the encoders are trained on."""
    import torch

    scaled = (y - y.mean(axis=0)) / y.std(axis=0)
    n_members = len(model.net_.module_.token_dropout)
    targets = torch.tensor(scaled[:, None], dtype=torch.float32).expand(-1, n_members, -1)
    # Row by row in memory, as in a fit.
    return torch.tensor(np.ascontiguousarray(model.preprocessor_.transform(X))), targets


def train_plain_epoch(X: np.ndarray, y: np.ndarray) -> Work:
    """Train ``nn.TransformerEncoder`` on the same windows with skorch's own loop, batches of 8."""
    import torch
    from skorch import NeuralNetRegressor
    from torch import nn

    from sktransformer_gp import LinkageMerger

    class Plain(nn.Module):
        def __init__(self, n_windows, width, n_traits):
            super().__init__()
            self.embed = nn.Linear(width, 16)
            layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1)
            self.out = nn.Linear(n_windows * 16, n_traits)
            self.shape = (n_windows, width)

        def forward(self, x):
            return self.out(self.encoder(self.embed(x.unflatten(1, self.shape))).flatten(1))

    torch.manual_seed(0)
    Z = LinkageMerger().fit_transform(X)
    n_windows = -(-Z.shape[1] // 64)
    Z = np.pad(Z, ((0, 0), (0, n_windows * 64 - Z.shape[1]))).astype(np.float32)
    net = NeuralNetRegressor(
        Plain(n_windows, 64, y.shape[1]), batch_size=8, max_epochs=1, train_split=None, verbose=0
    ).initialize()
    return lambda: net.partial_fit(Z, y.astype(np.float32)), np.nan


def multiply(X: np.ndarray, y: np.ndarray) -> Work:
    """Multiply large float32 matrices, what the machine can do at most."""
    import torch

    a = torch.randn(2048, 2048)
    return lambda: a @ a, 2 * 2048**3 / 1e9


# What is measured: the work, and how often it is repeated.
WORK = {
    **{name: (fit(name), 1) for name in ("transformer", "gblup", "rkhs")},
    **{f"fit, {name}": (fit_variant(name), 1) for name in VARIANTS},
    "snp-blup": (fit_snp_blup, 1),
    "mapped": (fit_few, 1),
    **{f"5 folds, {name}": (compare(name), 1) for name in ("transformer", "gblup", "rf")},
    **{f"{name} predict": (predict(name), 1) for name in ("transformer", "gblup", "rkhs")},
    "forest": (fit_forest, 1),
    "epoch": (train_epoch(), 5),
    "epoch of one encoder": (train_epoch(**ONE_ENCODER), 5),
    "plain epoch": (train_plain_epoch, 5),
    "step": (train_step, 24),
    "matmul": (multiply, 24),
}


if __name__ == "__main__":
    main()
