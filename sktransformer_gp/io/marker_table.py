"""The table of markers that comes with every matrix of dosages.

One row for each marker, in the matrix's order. The index is the marker's name,
``"<chromosome>:<position>:<id>"``, with which it goes through a pipeline (see
:mod:`sktransformer_gp.markers`); the columns are `COLUMNS`. What is not known is ``"."``, of a
position NaN.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sktransformer_gp.markers import SEPARATOR, chromosomes_from_names

COLUMNS = ["id", "chromosome", "position", "counted_allele", "other_allele"]
UNKNOWN = "."
ALLELES = re.compile(r"([ACGT]+|[*.+-])_([ACGT]+|[*.+-])", re.IGNORECASE)


def make_markers(
    ids: Sequence[str],
    chromosomes: Sequence[str],
    positions: ArrayLike,
    counted: Sequence[str],
    other: Sequence[str],
) -> pd.DataFrame:
    """Build the table of markers from what a file says of them.

    Parameters
    ----------
    ids : sequence of str
        The markers' own ids. Where a marker has none, its name ends in its alleles instead,
        ``"chr01:27915:T_C"`` (the counted one last). An id that stands twice at one position gets
        ``":2"`` the second time, and so on: names are unique.
    chromosomes : sequence of str
        Chromosomes.
    positions : array-like of int or float
        Positions on the chromosomes.
    counted, other : sequence of str
        The allele whose copies are the dosage, and the other one.

    Returns
    -------
    DataFrame of shape (n_markers, 5)
        The table, see the module.

    Raises
    ------
    ValueError
        If a chromosome's name contains ``":"``.

    Examples
    --------
    >>> from sktransformer_gp.io.marker_table import make_markers
    >>> make_markers(["rs1", "."], ["1", "2"], [500, 20], ["G", "C"], ["A", "T"])
                id chromosome  position counted_allele other_allele
    1:500:rs1  rs1          1       500              G            A
    2:20:T_C     .          2        20              C            T
    """
    bad = [chromosome for chromosome in dict.fromkeys(chromosomes) if SEPARATOR in chromosome]
    if bad:
        raise ValueError(f"a chromosome's name may not contain {SEPARATOR!r}, got {bad[0]!r}")
    ids = list(ids)
    rows = zip(ids, chromosomes, np.asarray(positions).tolist(), counted, other, strict=True)
    names = [marker_name(*row) for row in rows]
    for j, number in _repeats(names):
        ids[j] = f"{_label(ids[j], counted[j], other[j])}:{number}"
        names[j] = f"{names[j]}:{number}"
    return _table(names, ids, chromosomes, positions, counted, other)


def marker_name(id: str, chromosome: str, position: float, counted: str, other: str) -> str:
    """Name one marker, see `make_markers`.

    Parameters
    ----------
    id, chromosome : str
        ``"."`` = unknown.
    position : int or float
        Position on the chromosome.
    counted, other : str
        Alleles.

    Returns
    -------
    str
        ``"<chromosome>:<position>:<id>"``, see :func:`sktransformer_gp.markers.marker_names`; the
        id alone where there is no chromosome.

    Examples
    --------
    >>> from sktransformer_gp.io.marker_table import marker_name
    >>> marker_name(".", "chr01", 27915, counted="C", other="T")
    'chr01:27915:T_C'
    """
    label = _label(id, counted, other)
    if chromosome == UNKNOWN:
        return label or UNKNOWN
    parts = [chromosome, str(position)]
    return SEPARATOR.join([*parts, label] if label else parts)


def _label(id: str, counted: str, other: str) -> str:
    if id != UNKNOWN:
        return id
    return "" if counted == other == UNKNOWN else f"{other}_{counted}"


def _repeats(names: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the place of each name that stood before, and a number that makes it a new one."""
    times = dict.fromkeys(names, 0)
    if len(times) == len(names):
        return
    taken = set(times)
    for j, name in enumerate(names):
        times[name] += 1
        if times[name] > 1:
            while f"{name}:{times[name]}" in taken:
                times[name] += 1
            taken.add(f"{name}:{times[name]}")
            yield j, times[name]


def parse_markers(names: Sequence[str] | NDArray) -> pd.DataFrame:
    """Build the table of markers from names that may carry the map.

    Parameters
    ----------
    names : sequence of str
        Marker names. If each is ``"<chromosome>:<position>"`` or
        ``"<chromosome>:<position>:<id>"``, they give chromosome, position and id, and alleles
        where the id is ``"<other>_<counted>"``, as in ``"T_C"``. Otherwise they are ids, and there
        is no map.

    Returns
    -------
    DataFrame of shape (n_markers, 5)
        The table, see the module; its index is `names`, unchanged.

    Examples
    --------
    >>> from sktransformer_gp.io.marker_table import parse_markers
    >>> parse_markers(["chr01:27915:T_C", "chr02:310:wPt.0538"])
                                id chromosome  position counted_allele other_allele
    chr01:27915:T_C              .      chr01     27915              C            T
    chr02:310:wPt.0538  wPt.0538      chr02       310              .            .
    >>> parse_markers(["wPt.0538"])["chromosome"].tolist()
    ['.']
    """
    names = [str(name) for name in names]
    unknown = [UNKNOWN] * len(names)
    chromosomes = chromosomes_from_names(names)
    positions = None if chromosomes is None else _positions(names)
    if chromosomes is None or positions is None:
        return _table(names, names, unknown, np.full(len(names), np.nan), unknown, unknown)
    ids = [(*name.split(SEPARATOR, 2), UNKNOWN)[2] for name in names]
    alleles = [ALLELES.fullmatch(text) for text in ids]
    return _table(
        names,
        [UNKNOWN if found else text for text, found in zip(ids, alleles, strict=True)],
        chromosomes,
        positions,
        [found[2] if found else UNKNOWN for found in alleles],
        [found[1] if found else UNKNOWN for found in alleles],
    )


def _positions(names: list[str]) -> NDArray | None:
    try:
        return numbers([name.split(SEPARATOR, 2)[1] for name in names])
    except ValueError:
        return None


def numbers(texts: Iterable[str]) -> NDArray:
    """Read numbers: whole ones as int where all are, otherwise as float.

    Parameters
    ----------
    texts : iterable of str
        Positions as written.

    Returns
    -------
    ndarray of shape (n,), of int64 or of float64
        The numbers.

    Raises
    ------
    ValueError
        If one is no finite number.

    Examples
    --------
    >>> from sktransformer_gp.io.marker_table import numbers
    >>> numbers(["1", "20"]), numbers(["1", "2.5"])
    (array([ 1, 20]), array([1. , 2.5]))
    """
    texts = list(texts)
    try:
        return np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        bad = [text for text in texts if not is_finite(text)]
    if bad:
        raise ValueError(f"expected a finite number, got {bad[0]!r}")
    return np.array([float(text) for text in texts])


def is_finite(text: str) -> bool:
    """Tell whether a text is a finite number.

    Parameters
    ----------
    text : str
        A cell.

    Returns
    -------
    bool
        False for ``"nan"``, ``"inf"`` and what is no number.

    Examples
    --------
    >>> from sktransformer_gp.io.marker_table import is_finite
    >>> is_finite("2.5"), is_finite("nan"), is_finite("x")
    (True, False, False)
    """
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _table(names: list[str], *columns: ArrayLike) -> pd.DataFrame:
    data = dict(zip(COLUMNS, map(np.asarray, columns), strict=True))
    return pd.DataFrame(data, index=pd.Index(names))
