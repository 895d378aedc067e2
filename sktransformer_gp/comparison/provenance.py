"""Where scores come from: data, protocol, models, versions, machine and command."""

import hashlib
import math
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sktransformer_gp.comparison.study import Study, as_phenotypes
from sktransformer_gp.folds import Fold

FORMAT = 1
PACKAGES = ("sktransformer-gp", "numpy", "scipy", "pandas", "scikit-learn", "joblib", "skorch")
EXTRAS = ("torch", "distributed", "lightgbm", "xgboost")
FIXED = ("data", "protocol", "models")
ROWS_A_BLOCK = 256
LONGEST = 300  # letters of a value that are written


def describe_run(
    study: Study, folds: Sequence[Fold], models: Mapping[str, BaseEstimator], protocol: Mapping
) -> dict[str, Any]:
    """Describe what a run compares: what has to be the same when it is resumed.

    Parameters
    ----------
    study : Study
        The data.
    folds : sequence of Fold
        The splits.
    models : mapping of str to estimator
        The unfitted models.
    protocol : mapping of str to object
        How the folds were asked for.

    Returns
    -------
    dict
        `format`, `data` (sizes, traits and SHA-256 of dosages and phenotypes), `protocol` (with
        the number and the SHA-256 of the fold indices) and `models` (class and parameters), ready
        for JSON.
    """
    return {
        "format": FORMAT,
        "data": _describe_data(study),
        "protocol": {
            **{name: describe_value(value) for name, value in protocol.items()},
            "groups": None if study.groups is None else len(np.unique(study.groups)),
            "n_folds": len(folds),
            "folds_sha256": hash_folds(folds),
        },
        "models": {name: describe_model(model) for name, model in models.items()},
    }


def describe_session(command: Sequence[str] | None, n_jobs: int) -> dict[str, Any]:
    """Describe one process that works on a run: when, by what command, with what, where.

    Parameters
    ----------
    command : sequence of str or None
        Arguments of the command line; None = those of the process.
    n_jobs : int
        Fits that run at once.

    Returns
    -------
    dict
        `started`, `finished` (None), `command`, `n_jobs`, `versions` and `machine`.
    """
    return {
        "started": now(),
        "finished": None,
        "command": list(sys.argv if command is None else command),
        "n_jobs": n_jobs,
        "versions": describe_versions(),
        "machine": describe_machine(),
    }


def now() -> str:
    """Return the time as text, to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a score may depend on.

    Returns
    -------
    dict of str to str
        Name and version; of the extras those that are loaded.
    """
    loaded = [name for name in EXTRAS if name in sys.modules]
    versions = {"python": platform.python_version()}
    for name in (*PACKAGES, *loaded):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed as a package"
    return versions


def describe_machine() -> dict[str, Any]:
    """Return operating system, processor, cores, memory and GPUs.

    Returns
    -------
    dict
        `system`, `processor`, `n_cores`, `memory_gb` (None where the system does not tell) and
        `gpus` (names; empty where torch is not loaded).
    """
    memory = None
    if hasattr(os, "sysconf") and {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= os.sysconf_names.keys():
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    # torch is not imported for this: it takes seconds.
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    n_gpus = cuda.device_count() if cuda and cuda.is_available() else 0
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "n_cores": joblib.cpu_count(),
        "memory_gb": memory,
        "gpus": [cuda.get_device_name(i) for i in range(n_gpus)],
    }


def describe_model(model: BaseEstimator) -> dict[str, Any]:
    """Return class and parameters of a model.

    Parameters
    ----------
    model : estimator
        The unfitted model.

    Returns
    -------
    dict
        `class` and `parameters`, those of steps included, as text where JSON has no such value.
    """
    parameters = model.get_params() if hasattr(model, "get_params") else {}
    return {
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "parameters": {name: describe_value(parameters[name]) for name in sorted(parameters)},
    }


def describe_value(value: Any) -> Any:
    """Return a value as JSON knows it, otherwise as one line of text.

    Parameters
    ----------
    value : object
        A parameter.

    Returns
    -------
    object
        None, bool, int, float, str, or text without addresses in memory, which differ from one
        process to the next.

    Examples
    --------
    >>> from sktransformer_gp.comparison.provenance import describe_value
    >>> describe_value(0.5), describe_value((1, 2)), describe_value(len)
    (0.5, '(1, 2)', '<built-in function len>')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return repr(float(value))  # JSON has no NaN, and NaN is not equal to itself
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | pd.DataFrame | pd.Series):
        return f"{type(value).__name__} {value.shape} sha256 {_sha256([_bytes_of(value)])}"
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value).__qualname__  # its parameters are listed one by one
    text = " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value)).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... {_sha256([text.encode()])}"


def hash_folds(folds: Iterable[Fold]) -> str:
    """Return the SHA-256 of the folds' row numbers.

    Parameters
    ----------
    folds : iterable of Fold
        The splits, in order.

    Returns
    -------
    str
        64 hexadecimal digits, the same on every machine.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.comparison.provenance import hash_folds
    >>> from sktransformer_gp.folds import Fold
    >>> hash_folds([Fold(0, 0, np.array([0, 1]), np.array([2]))])[:8]
    '...'
    """
    parts = []
    for fold in folds:
        parts.append(f"{fold.repeat} {fold.fold} {fold.train_fraction!r}".encode())
        parts += [np.asarray(rows, dtype="<i8").tobytes() for rows in (fold.train, fold.test)]
        if fold.hidden is not None:
            parts.append(fold.hidden.tobytes())
    return _sha256(parts)


def find_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Compare two descriptions of a run.

    Parameters
    ----------
    old, new : mapping
        What :func:`describe_run` gave when the run was started, and gives now. Models may have
        been added.

    Returns
    -------
    list of str
        One line for each thing that differs, with both values; the formats alone where these do.
    """
    if old["format"] != new["format"]:
        return [f"format was {old['format']!r} and is {new['format']!r}"]
    changes = []
    for part in FIXED:
        before, after = _flatten(old[part]), _flatten(new[part])
        if part == "models":
            after = {path: value for path, value in after.items() if path[0] in old[part]}
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                name = " ".join((part, *path))
                changes.append(f"{name} was {before.get(path)!r} and is {after.get(path)!r}")
    return changes


def _flatten(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {}
    for name, value in tree.items():
        inner = _flatten(value, (*path, name)) if isinstance(value, Mapping) else {}
        leaves |= inner or {(*path, name): value}
    return leaves


def _describe_data(study: Study) -> dict[str, Any]:
    n_samples, n_markers = np.shape(study.X)
    return {
        "dataset": study.dataset,
        "n_samples": n_samples,
        "n_markers": n_markers,
        "traits": list(study.traits),
        "dosages_sha256": _hash_dosages(study.X),
        "phenotypes_sha256": _sha256([as_phenotypes(study.y).tobytes()]),
    }


def _hash_dosages(X: Any) -> str:
    """Hash block by block: a panel of many markers is not copied as a whole."""
    rows = X.iloc if hasattr(X, "iloc") else X
    starts = range(0, len(X), ROWS_A_BLOCK)
    blocks = (_bytes_of(rows[start : start + ROWS_A_BLOCK]) for start in starts)
    return _sha256(chain([repr(list(getattr(X, "columns", []))).encode()], blocks))


def _bytes_of(values: Any) -> bytes:
    values = np.asarray(values)
    return repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes()


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
