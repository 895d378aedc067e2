"""Tables of cells, from CSV, TSV or a spreadsheet: rows of text, all as wide as the header."""

import csv
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sktransformer_gp.io.extras import import_extra
from sktransformer_gp.io.files import GenotypeFormatError, first_bytes, read_lines

DELIMITERS = "\t;,"
ZIP = b"PK\x03\x04"
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*")


def read_rows(path: str | os.PathLike, sheet: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table, the header first.

    Parameters
    ----------
    path : str or path-like
        Text (see :func:`sktransformer_gp.io.files.read_lines`) whose delimiter is the one of tab,
        semicolon and comma that its first line holds most of; between semicolons, the comma is the
        decimal mark, as in the spreadsheets of much of Europe. Or a spreadsheet, ``.xlsx`` (extra
        ``excel``).
    sheet : str, default=None
        Name of the spreadsheet's sheet; None = the first.

    Yields
    ------
    number : int
        Line of the file or row of the sheet, counted from 1.
    row : list of str
        Its cells, "" where there is nothing. Rows in which all cells are blank are left out.

    Raises
    ------
    GenotypeFormatError
        If a row is longer or shorter than the header, or the table cannot be read.
    ImportError
        If a spreadsheet's reader is missing.
    ValueError
        If the file has no sheets, or none of that name.
    """
    if first_bytes(path, 4) == ZIP:
        rows = _sheet_rows(path, sheet)
    elif sheet is not None:
        raise ValueError(f"{path} is no .xlsx file and has no sheets, got sheet={sheet!r}")
    else:
        rows = _text_rows(path)
    header = None
    for number, row in rows:
        if not any(map(str.strip, row)):
            continue
        header = header or row
        if len(row) != len(header):
            raise GenotypeFormatError(
                f"{path}, line {number}: expected {len(header)} cells as in the header, got "
                f"{len(row)}" + (_NAMELESS if len(row) == len(header) + 1 else "")
            )
        yield number, row


_NAMELESS = "; if the header leaves out the name of the first column, put it in"


def _text_rows(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    lines = read_lines(path)
    first = next(lines)
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter not in first:
        raise GenotypeFormatError(
            f"{path}, line 1: expected columns between tabs, semicolons or commas, got "
            f"{first[:40]!r}"
        )
    reader = csv.reader(_with_ends(itertools.chain([first], lines)), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, _decimal_points(row) if delimiter == ";" else row
    except csv.Error as error:
        raise GenotypeFormatError(f"{path}, line {reader.line_num}: {error}") from error


def _with_ends(lines: Iterable[str]) -> Iterator[str]:
    """Give lines their ends back: a quoted cell may run over several."""
    return (line + "\n" for line in lines)


def _decimal_points(row: list[str]) -> list[str]:
    return [
        cell.replace(",", ".") if "," in cell and DECIMAL_COMMA.fullmatch(cell) else cell
        for cell in row
    ]


def _sheet_rows(path: str | os.PathLike, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    openpyxl = import_extra("openpyxl", "excel")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        names = book.sheetnames
        cells = [] if sheet not in (None, *names) else list(_cells(book[sheet or names[0]]))
        book.close()
    except Exception as error:
        # A damaged file ends in errors of zip, of XML or of openpyxl itself.
        raise GenotypeFormatError(f"{path}: no readable .xlsx file ({error!r})") from error
    if sheet not in (None, *names):
        raise ValueError(f"{path} has the sheets {names}, got sheet={sheet!r}")
    header = next(filter(any, cells), [])
    width = max((i for i, cell in enumerate(header, 1) if cell), default=0)
    for number, row in enumerate(cells, 1):
        surplus = [cell for cell in row[width:] if cell]
        yield number, row[:width] + [""] * (width - len(row)) + surplus


def _cells(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows(values_only=True):
        yield [_as_text(value) for value in row]


def _as_text(value: object) -> str:
    if value is None:
        return ""
    # Excel stores 101 as the number 101.0, and a line may be called 101.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
