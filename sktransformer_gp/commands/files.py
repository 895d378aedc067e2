"""A user's own files as the data of a command."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.utils import Bunch

    from sktransformer_gp.io import Alignment


def load_files(arguments: argparse.Namespace) -> "Bunch":
    """Read genotypes and phenotypes of the same lines, and print who is left out.

    Parameters
    ----------
    arguments : Namespace
        Options `genotypes`, `phenotypes`, `id`, `traits`, `ploidy`, `replicates`, `groups`,
        `fixed_effects`, `covariates` and `complete_cases`.

    Returns
    -------
    Bunch
        `name`, `data` and `target` (DataFrames; lines with a phenotype of any of the traits, in
        the order of the genotypes), `groups` (ndarray or None), `covariates` (DataFrame of text;
        the columns of fixed effects and covariates) and `genotypes`
        (:class:`~sktransformer_gp.io.Genotypes`, row by row those of `data`).

    Raises
    ------
    ValueError
        If a column is unknown, a file is damaged, or no line has genotypes and phenotypes.
    OSError, ImportError
        If a file cannot be read.
    """
    import pandas as pd
    from sklearn.utils import Bunch

    aligned = _align(arguments)
    genotypes, target = aligned.genotypes, aligned.phenotypes
    if arguments.complete_cases:
        target = target.dropna()
        genotypes = genotypes.select(samples=_not_empty(target, "all of the traits").index)
    groups = None
    if arguments.groups is not None:
        groups = _column_of_lines(arguments, arguments.groups, target.index)
    covariates = {
        name: _column_of_lines(arguments, name, target.index)
        for name in [*arguments.fixed_effects, *arguments.covariates]
    }
    return Bunch(
        name=arguments.genotypes.name,
        data=genotypes.to_frame(),
        target=target,
        groups=groups,
        covariates=pd.DataFrame(covariates, target.index),
        genotypes=genotypes,
    )


def _align(arguments: argparse.Namespace) -> "Alignment":
    from sktransformer_gp.io import align, read_genotypes, read_phenotypes

    traits = _choose_traits(arguments)
    records = read_phenotypes(arguments.phenotypes, arguments.id, traits).dropna(how="all")
    aligned = align(
        read_genotypes(arguments.genotypes, ploidy=arguments.ploidy),
        _not_empty(records, "any of the traits"),
        replicates=arguments.replicates,
    )
    print(aligned, flush=True)
    return aligned


def _choose_traits(arguments: argparse.Namespace) -> list[str]:
    header = next(_rows(arguments.phenotypes))
    others = [header[0] if arguments.id is None else arguments.id, arguments.groups]
    others += [*arguments.fixed_effects, *arguments.covariates]
    valid = [name for name in header if name and name not in others]
    unknown = [trait for trait in arguments.traits or [] if trait not in valid]
    if unknown:
        raise ValueError(
            f"{arguments.phenotypes}: unknown trait {unknown[0]!r}; the valid ones are {valid}"
        )
    return arguments.traits or valid


def _not_empty(records: "pd.DataFrame", what: str) -> "pd.DataFrame":
    if records.empty:
        raise ValueError(f"no line has phenotypes of {what} {list(records)}")
    return records


def read_column(path: Path, id: str | None, column: str) -> dict[str, str]:
    """Read what a column says of each line, which all its rows have to agree on.

    Parameters
    ----------
    path : Path
        Table with a header.
    id : str or None
        Column with the lines' names; None = the first.
    column : str
        Column with their group, or another class.

    Returns
    -------
    dict of str to str
        Text of each line, "" where the cell is empty.

    Raises
    ------
    ValueError
        If a column is unknown, or a line has two texts.
    """
    rows = _rows(path)
    header = next(rows)
    unknown = [name for name in (id, column) if name is not None and name not in header]
    if unknown:
        raise ValueError(f"{path}: unknown column {unknown[0]!r}; the valid ones are {header}")
    key, place = 0 if id is None else header.index(id), header.index(column)
    texts: dict[str, str] = {}
    for row in rows:
        name, text = row[key], row[place]
        if texts.setdefault(name, text) != text:
            raise ValueError(
                f"{path}: line {name!r} is in two groups of column {column!r}, {texts[name]!r}, "
                f"{text!r}"
            )
    return texts


def _column_of_lines(
    arguments: argparse.Namespace, column: str, lines: "Sequence[str]"
) -> "NDArray":
    import numpy as np

    texts = read_column(arguments.phenotypes, arguments.id, column)
    lacking = [name for name in lines if not texts[name]]
    if lacking:
        raise ValueError(
            f"{arguments.phenotypes}: line {lacking[0]!r} has an empty cell in column {column!r}"
        )
    return np.array([texts[name] for name in lines], dtype=object)


def _rows(path: Path) -> "Iterator[list[str]]":
    from sktransformer_gp.io.rows import read_rows

    return ([cell.strip() for cell in row] for _, row in read_rows(path))
