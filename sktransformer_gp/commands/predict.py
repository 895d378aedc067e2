"""The command ``predict``: predictions of a saved model for candidates with genotypes only."""

import argparse
import inspect
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktransformer_gp.commands.options import add_overwrite, prepare_target

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

NEEDED = ("marker_names", "markers", "ploidy", "traits")


def fill_predict(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``predict``.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    """
    parser.add_argument(
        "--model", type=Path, required=True, metavar="FILE", help="a model that fit has saved"
    )
    parser.add_argument(
        "--genotypes",
        type=Path,
        required=True,
        metavar="FILE",
        help="the candidates, in any format that fit reads",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("predictions.csv"),
        metavar="FILE",
        help="table of predictions (default: %(default)s)",
    )
    parser.add_argument(
        "--max-missing",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="largest share of the model's markers that the candidates' file may lack "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--std",
        action="store_true",
        help="add the standard deviation of a new phenotype (model transformer)",
    )
    add_overwrite(parser)
    parser.set_defaults(command=run_predict)


def run_predict(parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Run ``predict``: a table with one row for each candidate, in their file's order.

    Parameters
    ----------
    parser : ArgumentParser
        The parser of the whole command line.
    argv : sequence of str
        All arguments.

    Returns
    -------
    int
        Exit status 0.

    Raises
    ------
    ValueError, OSError, ImportError
        If a file cannot be read or is no model of ``fit``, too many markers are missing, or the
        table is there.
    """
    arguments = parser.parse_args(argv)
    prepare_target(arguments.out, overwrite=arguments.overwrite)

    import pandas as pd

    from sktransformer_gp.io import match_markers, read_genotypes

    model, metadata = _load(arguments.model)
    if arguments.std:
        _check_std(model)
    match = match_markers(
        read_genotypes(arguments.genotypes, ploidy=metadata["ploidy"]),
        pd.DataFrame(metadata["markers"], index=pd.Index(metadata["marker_names"])),
        max_missing=arguments.max_missing,
        ploidy=metadata["ploidy"],
    )
    print(match, flush=True)
    X = match.genotypes.to_frame()
    table = _predict(model, X, metadata["traits"], with_std=arguments.std)
    _write_atomically(arguments.out, table.to_csv())
    print(f"{len(table)} candidates: {arguments.out}")
    return 0


def _load(path: Path) -> tuple["Pipeline", dict[str, Any]]:
    from sktransformer_gp.saving import load_model, read_metadata

    model, metadata = load_model(path), read_metadata(path)
    lacking = [name for name in NEEDED if name not in metadata]
    if lacking:
        raise ValueError(
            f"{path} was not saved by the command fit: its metadata lack {', '.join(lacking)}; "
            "predict with load_model and match_markers"
        )
    return model, metadata


def _check_std(model: "Pipeline") -> None:
    regressor = model[-1]
    if "return_std" not in inspect.signature(regressor.predict).parameters:
        raise ValueError(
            f"a {type(regressor).__name__} gives no standard deviations: leave --std out, or fit "
            "with --name transformer"
        )


def _predict(
    model: "Pipeline", X: "pd.DataFrame", traits: list[str], *, with_std: bool
) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    parts = model.predict(X, return_std=True) if with_std else (model.predict(X),)
    columns = [*traits, *(f"{trait}_std" for trait in traits if with_std)]
    if len({"sample", *columns}) <= len(columns):
        raise ValueError(f"a table of predictions has each column once, got {['sample', *columns]}")
    values = np.hstack([part.reshape(len(X), -1) for part in parts])
    return pd.DataFrame(values, X.index, columns)


def _write_atomically(path: Path, text: str) -> None:
    # Beside the target, so that the table appears whole or not at all.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
