"""HapMap files, as TASSEL and GAPIT write them."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sktransformer_gp.io.files import GenotypeFormatError, read_lines
from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.marker_rows import MarkerRows
from sktransformer_gp.io.marker_table import UNKNOWN
from sktransformer_gp.io.names import find_samples
from sktransformer_gp.validation import MISSING

FIRST_COLUMNS = ["rs#", "alleles", "chrom", "pos"]
N_FIXED = 11
ONE_LETTER = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "0": "+-"}
NO_ALLELE = {"N", "NA", ""}
NO_CALL = set("N.?")


def read_hapmap(
    path: str | os.PathLike,
    samples: Sequence[str] | None = None,
    markers: Sequence[str] | None = None,
    *,
    ploidy: int = 2,
) -> Genotypes:
    """Read a HapMap file (``.hmp.txt``), plain or gzipped.

    The counted allele is the second one of the column "alleles", G in ``A/G``.

    Parameters
    ----------
    path : str or path-like
        The file: a header, then one line for each marker with 11 columns (of which "rs#",
        "alleles", "chrom" and "pos" are read) and the calls, between tabs.
    samples, markers : sequence of str, default=None
        Names (of markers also ids) to read, in the order wanted; None = all, in the file's order.
        A file is read through, but only these are decoded and kept.
    ploidy : {1, 2}, default=2
        1 = the samples are haploid or fully inbred and written as homozygous: dosages are 0/1.

    Returns
    -------
    Genotypes
        `dosages` int8, -1 = missing.

    Raises
    ------
    GenotypeFormatError
        If the file is cut off, is no HapMap file, a sample stands twice, a call contradicts the
        alleles, or a call is heterozygous though ``ploidy=1``.
    ValueError
        If a name is unknown or a parameter not valid.

    Notes
    -----
    - Calls are two letters (``AG``) or one (``A`` = ``AA``, ``R`` = ``AG`` and so on, ``0`` =
      ``+-``). A call with an ``N`` is missing, and so is ``--`` where ``-`` is none of the alleles.
    - A marker with three or four alleles becomes one for each but the first, as in
      :func:`sktransformer_gp.io.read_vcf`.
    - Memory: the dosages twice, while they are turned from markers to samples.

    References
    ----------
    Bradbury, P. J. et al. (2007). TASSEL: software for association mapping of complex traits in
    diverse samples. Bioinformatics 23:2633-2635.

    Examples
    --------
    >>> from sktransformer_gp.io import read_hapmap
    >>> genotypes = read_hapmap("panel.hmp.txt.gz")  # doctest: +SKIP
    """
    if ploidy not in (1, 2):
        raise ValueError(f"ploidy is 1 or 2, got {ploidy!r}")
    lines = enumerate(read_lines(path), 1)
    names = _read_header(path, lines)
    chosen = find_samples(samples, names)
    rows = MarkerRows(markers)
    known: dict[tuple[str, int], _CallDosages] = {}
    for number, line in lines:
        try:
            _read_marker(line, len(names), None if samples is None else chosen, rows, known, ploidy)
        except ValueError as error:
            raise GenotypeFormatError(f"{path}, line {number}: {error}") from error
    return rows.genotypes(path, names[chosen], ploidy)


def _read_header(path: str | os.PathLike, lines: Iterator[tuple[int, str]]) -> NDArray:
    columns = next(lines)[1].split("\t")
    first = [name.strip().lower() for name in columns[: len(FIRST_COLUMNS)]]
    if first != FIRST_COLUMNS or len(columns) <= N_FIXED:
        raise GenotypeFormatError(
            f"{path}, line 1: expected {N_FIXED} columns, {' '.join(FIRST_COLUMNS)} first, and "
            f"samples, between tabs, got {len(columns)} columns, {' '.join(first)[:60]!r} first"
        )
    names = np.array([name.strip() for name in columns[N_FIXED:]], dtype=object)
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise GenotypeFormatError(
            f"{path}, line 1: expected each sample once, got {twice!r} more often"
        )
    return names


def _read_marker(
    line: str,
    n_samples: int,
    chosen: NDArray | None,
    rows: MarkerRows,
    known: dict[tuple[str, int], "_CallDosages"],
    ploidy: int,
) -> None:
    """Add the marker of one line to `rows`, or several where it has more than two alleles."""
    fields = line.split("\t", N_FIXED)
    if len(fields) <= N_FIXED:
        raise ValueError(f"expected {N_FIXED + n_samples} columns, got {len(fields)}")
    alleles = _alleles(fields[1])
    sites = _sites(fields, alleles)
    wanted = [k for k, site in enumerate(sites) if rows.wants(site)]
    if not wanted:
        return
    calls = fields[-1].split("\t")
    if len(calls) != n_samples:
        raise ValueError(f"expected the calls of {n_samples} samples, got {len(calls)}")
    if chosen is not None:
        calls = [calls[i] for i in chosen]
    for k in wanted:
        key = fields[1], k
        if key not in known:
            known[key] = _CallDosages(alleles, sites[k][3], ploidy)
        dosages = map(known[key].__getitem__, calls)
        rows.add(sites[k], np.fromiter(dosages, dtype=np.int8, count=len(calls)))


def _alleles(text: str) -> list[str]:
    alleles = [allele for allele in text.strip().upper().split("/") if allele not in NO_ALLELE]
    if not alleles or len(set(alleles)) < len(alleles) or any(len(a) > 1 for a in alleles):
        raise ValueError(f"expected alleles such as 'A/G', got {text[:20]!r}")
    return alleles


def _sites(fields: list[str], alleles: list[str]) -> list[tuple]:
    id, chromosome, position = (fields[column].strip() for column in (0, 2, 3))
    if not (chromosome and position.isdecimal() and len(position) < 19):
        raise ValueError(
            "expected a chromosome and a whole number as position, got "
            f"{chromosome!r} and {position!r}"
        )
    id = UNKNOWN if id in NO_ALLELE else id
    first, *counted = alleles if len(alleles) > 1 else [*alleles, UNKNOWN]
    several = len(counted) > 1 and id != UNKNOWN
    ids = [f"{id}:{first}_{allele}" if several else id for allele in counted]
    return [(i, chromosome, int(position), a, first) for i, a in zip(ids, counted, strict=True)]


class _CallDosages(dict):
    """Dosage of each call of one allele, worked out when the call is first met."""

    def __init__(self, alleles: list[str], counted: str, ploidy: int):
        super().__init__()
        self.alleles, self.counted, self.ploidy = alleles, counted, ploidy

    def __missing__(self, call: str) -> int:
        self[call] = dosage = self._dosage(call.strip().upper())
        return dosage

    def _dosage(self, call: str) -> int:
        letters = ONE_LETTER.get(call, call * 2 if len(call) == 1 else call.replace("/", ""))
        if not letters or NO_CALL & set(letters) or (letters == "--" and "-" not in self.alleles):
            return MISSING
        if len(letters) != 2 or not set(letters) <= set(self.alleles):
            raise ValueError(
                f"the call {call[:20]!r} contradicts the alleles {'/'.join(self.alleles)!r}"
            )
        if self.ploidy == 1 and letters[0] != letters[1]:
            raise ValueError(f"expected homozygous calls, as ploidy=1 was given, got {call!r}")
        return letters.count(self.counted) * self.ploidy // 2
