"""Tables of dosages: CSV, TSV, spreadsheets and Parquet."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sktransformer_gp.io.dosage_text import NOT_OBSERVED, DosageText
from sktransformer_gp.io.extras import import_extra
from sktransformer_gp.io.files import GenotypeFormatError, first_bytes
from sktransformer_gp.io.genotypes import Genotypes, as_dosages
from sktransformer_gp.io.marker_table import UNKNOWN, make_markers, numbers, parse_markers
from sktransformer_gp.io.rows import read_rows
from sktransformer_gp.validation import MISSING

PARQUET = b"PAR1"
CODINGS = ("dosage", "centred")
ORIENTATIONS = ("samples", "markers")
MARKER_WORDS = {"marker", "markers", "snp", "snps", "rs", "rs#", "marker_id", "snp_id"}
MAP_WORDS = {
    **dict.fromkeys(("chromosome", "chrom", "chr"), "chromosome"),
    **dict.fromkeys(("position", "pos"), "position"),
    "counted_allele": "counted_allele",
    "other_allele": "other_allele",
}


def read_table(
    path: str | os.PathLike,
    samples: Sequence[str] | None = None,
    markers: Sequence[str] | None = None,
    *,
    rows: str | None = None,
    coding: str = "dosage",
    ploidy: int = 2,
    sheet: str | None = None,
) -> Genotypes:
    """Read a table of dosages: CSV, TSV (plain or gzipped), ``.xlsx`` or Parquet.

    Which allele is counted is what the table's author counted; it is known here only where the
    table says so.

    Parameters
    ----------
    path : str or path-like
        The file; what it is is told by its first bytes. The first line is a header, the first
        column names the rows. In a Parquet file that pandas wrote with an index of names, the index
        is the first column.
    samples, markers : sequence of str, default=None
        Names (of markers also ids) to keep, in the order wanted; None = all, in the file's order.
    rows : {"samples", "markers"}, default=None
        What a row is. None = a marker where the header's first cell is "marker", "snp" or "rs#",
        otherwise a sample.
    coding : {"dosage", "centred"}, default="dosage"
        "dosage" is 0..ploidy, and -1 is missing. "centred" is minus to plus half the ploidy, as the
        -1, 0, 1 of rrBLUP.
    ploidy : int, default=2
        Largest dosage.
    sheet : str, default=None
        Name of the spreadsheet's sheet; None = the first.

    Returns
    -------
    Genotypes
        `dosages` int8 with -1 = missing where all are whole, otherwise float32 with NaN = missing.

    Raises
    ------
    GenotypeFormatError
        If the file is cut off or no table, a row is longer or shorter than the header, a name
        stands twice or is missing, a cell is no dosage, or the coding cannot be told: -1, 0 and 1
        only.
    ValueError
        If a name is unknown or a parameter not valid.
    ImportError
        If the package is missing for ``.xlsx`` (extra ``excel``) or Parquet (extra ``parquet``).

    Notes
    -----
    - Missing is an empty cell, NA, N/A, NaN, NULL, ``.`` or ``-``.
    - With samples in rows, columns called ``"<chromosome>:<position>"`` or
      ``"<chromosome>:<position>:<id>"`` give the map, and alleles where the id is
      ``"<other>_<counted>"``; other names are ids without a map.
    - With markers in rows, the first columns may be "chromosome", "position", "counted_allele" and
      "other_allele" (in any order; also "chrom", "chr", "pos"); all that follow are samples.
    - Memory: about 10 bytes for each dosage while reading text, 5 from Parquet; 1 when done.

    Examples
    --------
    >>> from sktransformer_gp.io import read_table
    >>> genotypes = read_table("panel.csv", coding="centred")  # doctest: +SKIP
    """
    if rows not in (None, *ORIENTATIONS) or coding not in CODINGS or ploidy < 1:
        raise ValueError(
            f"rows is None or one of {ORIENTATIONS}, coding one of {CODINGS} and ploidy at least "
            f"1, got {rows!r}, {coding!r} and {ploidy!r}"
        )
    half = ploidy / 2 if coding == "centred" else 0
    decoder = DosageText(-half, ploidy - half, NOT_OBSERVED)
    if coding == "dosage":
        decoder |= {"-1": MISSING, "-1.0": MISSING}
    if first_bytes(path, 4) == PARQUET:
        grid = _read_parquet(path, rows, decoder)
    else:
        grid = _read_text(path, rows, decoder, sheet)
    _check_names(path, grid)
    if coding == "dosage" and ploidy > 1:
        _check_coding(path, grid, ploidy)
    return _as_genotypes(path, grid, half, ploidy).select(samples, markers)


class _Grid(NamedTuple):
    """A table as read: the names of its rows and columns, the map, and what is in the cells."""

    by_marker: bool
    names: list[str]
    columns: list[str]
    map: dict[str, list]  # columns that stand before the cells
    cells: NDArray  # (len(names), len(columns))


def _read_text(
    path: str | os.PathLike, rows: str | None, decoder: DosageText, sheet: str | None
) -> _Grid:
    lines = read_rows(path, sheet)
    _, (first, *header) = next(lines, (1, [""]))
    header = [name.strip() for name in header]
    by_marker, mapped = _layout(first, header, rows)
    columns, names, map_rows, cells = header[len(mapped) :], [], [], []
    for number, (name, *row) in lines:
        names.append(name.strip())
        map_rows.append(row[: len(mapped)])
        try:
            cells.append(decoder.row(row[len(mapped) :]))
        except ValueError as error:
            column = _first_bad(row[len(mapped) :], columns, decoder)
            raise GenotypeFormatError(
                f"{path}, line {number}, column {column!r}: {error}"
            ) from error
    matrix = np.stack(cells) if cells else np.empty((0, len(columns)))
    marker_map = dict(zip(mapped, map(list, zip(*map_rows, strict=True)), strict=False))
    return _Grid(by_marker, names, columns, marker_map, matrix)


def _layout(first: str, header: list[str], rows: str | None) -> tuple[bool, list[str]]:
    """Return whether rows are markers, and the columns of the map that stand first."""
    by_marker = first.strip().lower() in MARKER_WORDS if rows is None else rows == "markers"
    mapped: list[str] = []
    for name in header if by_marker else []:
        word = MAP_WORDS.get(name.lower())
        if word is None or word in mapped:
            break
        mapped.append(word)
    return by_marker, mapped


def _first_bad(row: list[str], columns: list[str], decoder: DosageText) -> str:
    for column, cell in zip(columns, row, strict=True):
        try:
            decoder.row([cell])
        except ValueError:
            return column
    raise AssertionError("a row is bad in one of its cells")


def _read_parquet(path: str | os.PathLike, rows: str | None, decoder: DosageText) -> _Grid:
    import_extra("pyarrow", "parquet")
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
        if isinstance(frame.index, pd.RangeIndex) and frame.shape[1]:
            frame = frame.set_index(frame.columns[0])
        names, header = [str(name) for name in frame.index], [str(name) for name in frame.columns]
        by_marker, mapped = _layout(str(frame.index.name), header, rows)
        marker_map = {word: list(map(str, frame.iloc[:, k])) for k, word in enumerate(mapped)}
    except Exception as error:
        # A damaged file ends in errors of Arrow, of Thrift or, where text is decoded, of Python.
        raise GenotypeFormatError(f"{path}: no readable Parquet file ({error})") from error
    cells = _numeric(path, frame.iloc[:, len(mapped) :], decoder)
    return _Grid(by_marker, names, header[len(mapped) :], marker_map, cells)


def _numeric(path: str | os.PathLike, frame: pd.DataFrame, decoder: DosageText) -> NDArray:
    bad = [name for name, kind in frame.dtypes.items() if kind.kind not in "iuf"]
    if bad:
        raise GenotypeFormatError(
            f"{path}, column {bad[0]!r}: expected numbers, got {frame.dtypes[bad[0]]}"
        )
    cells = frame.to_numpy(dtype=np.float32, na_value=np.nan)
    outside = ~((cells >= decoder.smallest) & (cells <= decoder.largest) | np.isnan(cells))
    outside &= cells != decoder.get("-1", np.nan)
    if outside.any():
        i, j = np.argwhere(outside)[0]
        raise GenotypeFormatError(
            f"{path}, row {i + 1}, column {str(frame.columns[j])!r}: expected a dosage from "
            f"{decoder.smallest:g} to {decoder.largest:g}, got {cells[i, j]:g}"
        )
    return cells


def _check_names(path: str | os.PathLike, grid: _Grid) -> None:
    for what, names in (("row", grid.names), ("column", grid.columns)):
        if not names or "" in names:
            place = f"{what} {names.index('') + 1}" if names else "end"
            raise GenotypeFormatError(
                f"{path}, {place}: expected a name for each of at least one {what}, got nothing"
            )
        if len(set(names)) < len(names):
            twice = pd.Index(names).duplicated().argmax()
            raise GenotypeFormatError(
                f"{path}, {what} {twice + 1}: expected each name once, got {names[twice]!r} again"
            )


def _check_coding(path: str | os.PathLike, grid: _Grid, ploidy: int) -> None:
    if (grid.cells == MISSING).any() and np.nanmax(grid.cells) < 2:
        raise GenotypeFormatError(
            f"{path}: expected dosages 0 to {ploidy}, got -1, 0 and 1 only, which can mean two "
            "things: give coding='centred', or ploidy=1, or NA for missing"
        )


def _as_genotypes(path: str | os.PathLike, grid: _Grid, half: float, ploidy: int) -> Genotypes:
    dosages = as_dosages(grid.cells + half if half else grid.cells)
    if grid.by_marker:
        dosages = np.ascontiguousarray(dosages.T)
    samples, names = (grid.columns, grid.names) if grid.by_marker else (grid.names, grid.columns)
    try:
        markers = _with_map(names, grid.map)
    except ValueError as error:
        raise GenotypeFormatError(f"{path}, columns {list(grid.map)}: {error}") from error
    return Genotypes(dosages, np.array(samples, dtype=object), markers, ploidy)


def _with_map(names: list[str], marker_map: dict[str, list[str]]) -> pd.DataFrame:
    if not marker_map:
        return parse_markers(names)
    missing = {"chromosome", "position"} - marker_map.keys()
    if missing:
        raise ValueError(f"expected the columns 'chromosome' and 'position', got no {missing}")
    unknown = [UNKNOWN] * len(names)
    columns = {
        word: [cell.strip() or UNKNOWN for cell in cells] for word, cells in marker_map.items()
    }
    return make_markers(
        names,
        columns["chromosome"],
        numbers(columns["position"]),
        columns.get("counted_allele", unknown),
        columns.get("other_allele", unknown),
    )
