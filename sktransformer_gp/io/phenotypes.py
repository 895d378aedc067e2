"""Phenotypes from spreadsheets."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktransformer_gp.io.dosage_text import NOT_OBSERVED
from sktransformer_gp.io.files import GenotypeFormatError
from sktransformer_gp.io.marker_table import is_finite
from sktransformer_gp.io.names import find
from sktransformer_gp.io.rows import read_rows

NO_PHENOTYPE = NOT_OBSERVED | {"*"}


def read_phenotypes(
    path: str | os.PathLike,
    id: str | None = None,
    traits: Sequence[str] | None = None,
    *,
    sheet: str | None = None,
) -> pd.DataFrame:
    r"""Read phenotypes from CSV, TSV (plain or gzipped) or ``.xlsx``.

    Parameters
    ----------
    path : str or path-like
        The file, with a header and one row for each record. The delimiter is found by itself;
        between semicolons, the comma is the decimal mark.
    id : str, default=None
        Column with the samples' names; None = the first.
    traits : sequence of str, default=None
        Columns to read, in the order wanted; None = all others, which must hold numbers.
    sheet : str, default=None
        Name of the spreadsheet's sheet; None = the first.

    Returns
    -------
    DataFrame of shape (n_records, n_traits), float64
        In the order of the file; the index is the samples' names, of which a name may stand
        several times (replicates, see :func:`sktransformer_gp.io.align`). NaN = not observed.

    Raises
    ------
    GenotypeFormatError
        If the file is damaged, a row is longer or shorter than the header, a sample has no name or
        a cell of a trait is no number.
    ValueError
        If a column is unknown.
    ImportError
        For ``.xlsx``, if the package openpyxl is missing (extra ``excel``).

    Notes
    -----
    Not observed is an empty cell, NA, N/A, NaN, NULL, ``.``, ``-`` or ``*``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sktransformer_gp.io import read_phenotypes
    >>> path = pathlib.Path(tempfile.mkdtemp(), "trial.csv")
    >>> _ = path.write_text("line;plot;yield\nA7;1;6,5\nB2;2;NA\n")
    >>> read_phenotypes(path, id="line", traits=["yield"])
          yield
    line
    A7      6.5
    B2      NaN
    """
    rows = read_rows(path, sheet)
    _, header = next(rows, (1, [""]))
    header = [name.strip() for name in header]
    places = {name: place for place, name in enumerate(header) if name}
    if len(places) < sum(map(bool, header)):
        twice = next(name for name in header if name and header.count(name) > 1)
        raise GenotypeFormatError(
            f"{path}, line 1: expected each column once, got {twice!r} more often"
        )
    key = 0 if id is None else find([id], places, "columns")[0]
    others = [name for name, place in places.items() if place != key]
    if not others:
        raise GenotypeFormatError(f"{path}, line 1: expected a column of phenotypes, got {header}")
    columns = find(others if traits is None else traits, places, "traits")
    names, values = [], []
    for number, row in rows:
        names.append(row[key].strip())
        if not names[-1]:
            raise GenotypeFormatError(
                f"{path}, line {number}: expected the name of a sample in column "
                f"{header[key]!r}, got an empty cell"
            )
        values.append([_phenotype(path, number, header[c], row[c].strip()) for c in columns])
    table = np.array(values, dtype=np.float64).reshape(len(names), len(columns))
    index = pd.Index(names, name=header[key] or None, dtype=object)
    return pd.DataFrame(table, index, [header[column] for column in columns])


def _phenotype(path: str | os.PathLike, line: int, trait: str, cell: str) -> float:
    if cell in NO_PHENOTYPE:
        return np.nan
    if not is_finite(cell):
        raise GenotypeFormatError(
            f"{path}, line {line}, column {trait!r}: expected a number or NA, got {cell[:40]!r}; "
            "name the columns to read with traits"
        )
    return float(cell)
