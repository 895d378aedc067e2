"""What `load_model` makes of damaged and of forged model files.

Damaged files are what discs, networks and editors make of a file; forged ones have a valid sha256,
as the file of someone who means harm has. Each file has to be refused with a `ModelFileError` or
loaded, soon and without more memory than a model of this size takes. `tests/test_saving.py` does
the same with fewer files.

python benchmarks/fuzz_saving.py --files 10000 --out benchmarks/fuzz_saving.csv
"""

import argparse
import copy
import hashlib
import random
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sktransformer_gp import (
    DosageImputer,
    GBLUPRegressor,
    LinkageMerger,
    PerTraitRegressor,
    RKHSRegressor,
    TransformerGPRegressor,
    load_model,
    save_model,
)
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.saving import ModelFileError
from sktransformer_gp.saving.container import read_container, write_container

SECONDS = 20  # for one file
DIGEST = re.compile(rb'(\\"sha256\\":\\")[0-9a-f]{64}')
LEAVES = [
    *(None, True, -1, 0, 1, 3, 10**9, 10**30, 1e308, 0.5, "", "nan", "cuda:7", "linear"),
    *([], {}, [0] * 1000, {"float": "nan"}, {"tuple": [0, -1]}, {"slice": [0, 10**12, -1]}),
    *({"scalar": "int8", "value": 300}, {"dict": {}}, {"array": "no such array"}),
    *({"object": "GBLUPRegressor", "state": {}}, {"object": "os.system", "state": {}}),
    {"object": "TraitScale", "state": {"__class__": "x"}},
]


def main() -> None:
    """Write the outcome of each kind of change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    table = summarise(pd.DataFrame(fuzz(arguments.files, arguments.seed)))
    table.to_csv(arguments.out, index=False, float_format="%.3g")
    print(table.to_string(index=False))


def summarise(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Count the outcomes of each kind of change."""
    by_kind = outcomes.groupby("change", sort=False)
    counts = by_kind["outcome"].value_counts().unstack(fill_value=0)
    return counts.assign(
        files=by_kind.size(),
        seconds_max=by_kind["seconds"].max(),
        grown_mb=by_kind["grown_mb"].sum(),
    ).reset_index()


def fuzz(n_files: int, seed: int) -> Iterator[dict]:
    """Yield what became of each of `n_files` changed files."""
    draw = random.Random(seed)
    X, models = fitted_models()
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        originals = [Path(folder) / f"{i}.safetensors" for i in range(len(models))]
        for model, path in zip(models, originals, strict=True):
            save_model(model, path, metadata={"traits": ["a", "b"], "maf": np.ones(3)})
            outcome(path, X)  # what is imported and allocated once is not a file's doing
        for i in range(n_files):
            path = Path(folder) / "changed.safetensors"
            change = [*DAMAGES, *FORGERIES][i % (len(DAMAGES) + len(FORGERIES))]
            change(draw.choice(originals), path, draw)
            yield {"change": change.__name__, **outcome(path, X)}


def fitted_models() -> tuple[pd.DataFrame, list]:
    """Return dosages and small models with every part that a file can have."""
    cross = make_cross(n_samples=40, n_markers=30, random_state=0, as_frame=True)
    X, Y = cross.data, cross.target
    size = {"window_size": 8, "d_model": 4, "dim_readout": 3, "dim_feedforward": 3}
    small = {**size, "n_heads": 2, "max_iter": 1, "random_state": 0}
    mixed = TransformerGPRegressor(cross_fitting=2, **small)
    deep = TransformerGPRegressor.from_preset("lecture", **small)
    models = [
        make_pipeline(DosageImputer("linkage"), mixed),
        make_pipeline(DosageImputer("knn"), LinkageMerger(), RKHSRegressor()),
        deep,
        GBLUPRegressor(),
        PerTraitRegressor(GBLUPRegressor()),
    ]
    return X, [model.fit(X, Y) for model in models]


def outcome(path: Path, X: pd.DataFrame) -> dict:
    """Load a file and, where that goes well, predict; say what happened and what it took."""
    before, start = _peak_mb(), time.perf_counter()
    signal.alarm(SECONDS)
    try:
        model = load_model(path)
    except ModelFileError as error:
        out_of_memory = isinstance(error.__cause__, MemoryError) or "alloc" in str(error)
        found = "asked for too much memory" if out_of_memory else "refused"
    except BaseException as error:
        found = f"ended in {type(error).__name__}"
    else:
        found = _predict(model, X)
    signal.alarm(0)
    seconds = time.perf_counter() - start
    return {"outcome": found, "seconds": seconds, "grown_mb": _peak_mb() - before}


def _predict(model, X: pd.DataFrame) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 1e308 in place of a variance overflows
            model.predict(X)
    except Exception:
        return "loaded, does not predict"
    return "loaded, predicts"


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _too_long(*_: object) -> None:
    raise KeyboardInterrupt


def flip_bit(source: Path, target: Path, draw: random.Random) -> None:
    """Flip one bit anywhere."""
    data = bytearray(source.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    target.write_bytes(data)


def flip_header_bit(source: Path, target: Path, draw: random.Random) -> None:
    """Flip one bit in the header or its length."""
    data = bytearray(source.read_bytes())
    end = 8 + int.from_bytes(data[:8], "little")
    data[draw.randrange(end)] ^= 1 << draw.randrange(8)
    target.write_bytes(data)


def cut_off(source: Path, target: Path, draw: random.Random) -> None:
    """Keep the beginning."""
    data = source.read_bytes()
    target.write_bytes(data[: draw.randrange(len(data))])


def insert(source: Path, target: Path, draw: random.Random) -> None:
    """Insert bytes."""
    data = source.read_bytes()
    at = draw.randrange(len(data) + 1)
    target.write_bytes(data[:at] + draw.randbytes(draw.randint(1, 64)) + data[at:])


def leave_out(source: Path, target: Path, draw: random.Random) -> None:
    """Leave bytes out."""
    data = source.read_bytes()
    at = draw.randrange(len(data))
    target.write_bytes(data[:at] + data[at + draw.randint(1, 64) :])


def overwrite(source: Path, target: Path, draw: random.Random) -> None:
    """Overwrite bytes with zeros, as a disc does with a lost block."""
    data = bytearray(source.read_bytes())
    at, n = draw.randrange(len(data)), draw.randint(1, 512)
    data[at : at + n] = bytes(len(data[at : at + n]))
    if data == source.read_bytes():
        data[0] ^= 1
    target.write_bytes(data)


def forge_header(source: Path, target: Path, draw: random.Random) -> None:
    """Change characters of the header, with a valid sha256."""
    data = bytearray(source.read_bytes())
    end = 8 + int.from_bytes(data[:8], "little")
    for _ in range(draw.randint(1, 3)):
        data[draw.randrange(8, end)] = draw.choice(b'0123456789"[]{}:,-\\aFIU_')
    target.write_bytes(signed(bytes(data)))


def forge_length(source: Path, target: Path, draw: random.Random) -> None:
    """Change a number in the header (a size, an offset), with a valid sha256."""
    data = source.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    number = draw.choice(list(re.finditer(rb"\d+", data[8:end])))
    digits = str(draw.choice([0, 1, 7, 2**31, 2**63, 2**64, 10**30])).encode()
    header = data[8:end][: number.start()] + digits + data[8:end][number.end() :]
    header += b" " * (-len(header) % 8)
    target.write_bytes(signed(len(header).to_bytes(8, "little") + header + data[end:]))


def forge_value(source: Path, target: Path, draw: random.Random) -> None:
    """Put something else in one place of the description, or leave it out."""
    content, tensors = read_container(source)
    holder, key = draw.choice(list(places(content)))
    if draw.random() < 0.2:
        del holder[key]
    else:
        holder[key] = copy.deepcopy(draw.choice(LEAVES))
    write_container(target, content, tensors)


def forge_order(source: Path, target: Path, draw: random.Random) -> None:
    """Swap two places of the description."""
    content, tensors = read_container(source)
    (holder, key), (other, place) = draw.sample(list(places(content)), 2)
    first, second = copy.deepcopy(holder[key]), copy.deepcopy(other[place])
    holder[key], other[place] = second, first
    write_container(target, content, tensors)


def forge_nesting(source: Path, target: Path, draw: random.Random) -> None:
    """Nest lists or objects a thousand times and more in one place of the description."""
    content, tensors = read_container(source)
    holder, key = draw.choice(list(places(content)))
    holder[key] = "nested"
    write_container(target, content, tensors)
    before, after = draw.choice([("[", "]"), (r"{\"tuple\":", "}"), (r"{\"dict\":{\"a\":", "}}")])
    depth = draw.choice([100, 1000, 100_000])
    nested = f"{before * depth}0{after * depth}".encode()
    data = target.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = data[8:end].replace(rb"\"nested\"", nested, 1)
    header += b" " * (-len(header) % 8)
    target.write_bytes(signed(len(header).to_bytes(8, "little") + header + data[end:]))


def forge_array(source: Path, target: Path, draw: random.Random) -> None:
    """Change one array's shape, dtype or values, or leave it out."""
    content, tensors = read_container(source)
    name = draw.choice(sorted(tensors))
    array = tensors.pop(name)
    kind = draw.randrange(7)
    changed = [
        lambda: array[None],
        lambda: array.ravel(),
        lambda: array.ravel()[: draw.randrange(array.size + 1)],
        lambda: array.astype(draw.choice(["i1", "u4", "i8", "f2", "f4", "f8", "?"])),
        lambda: np.full_like(array, draw.choice([0, 1, 100])),
        lambda: np.frombuffer(draw.randbytes(array.nbytes), array.dtype).reshape(array.shape),
        lambda: np.concatenate([array.reshape(-1)] * 3),
    ][kind]()
    if draw.random() < 0.9:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tensors[name] = np.ascontiguousarray(changed)
    write_container(target, content, tensors)


def places(tree: dict | list) -> Iterator[tuple[dict | list, str | int]]:
    """Yield every list or dict within a JSON value, with each of its keys."""
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)


def signed(data: bytes) -> bytes:
    """Return the file with the sha256 that it has to have."""
    blank = DIGEST.sub(rb"\g<1>" + b"0" * 64, data, count=1)
    digest = hashlib.sha256(blank).hexdigest().encode()
    return DIGEST.sub(rb"\g<1>" + digest, data, count=1)


DAMAGES = [flip_bit, flip_header_bit, cut_off, insert, leave_out, overwrite]
FORGERIES = [forge_header, forge_length, forge_value, forge_order, forge_nesting, forge_array]

if __name__ == "__main__":
    main()
