"""VCF and BCF files."""

import os
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from sktransformer_gp.io.dosage_text import DosageText
from sktransformer_gp.io.extras import import_extra
from sktransformer_gp.io.files import BAR_AFTER, GenotypeFormatError, first_bytes, read_lines
from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.marker_rows import MarkerRows
from sktransformer_gp.io.marker_table import UNKNOWN
from sktransformer_gp.io.names import find_samples
from sktransformer_gp.validation import MISSING

FIELDS = ("GT", "DS")
FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
CALL = re.compile(r"[/|]?(?:\d{1,5}|\.)(?:[/|](?:\d{1,5}|\.))*")


def read_vcf(
    path: str | os.PathLike,
    samples: Sequence[str] | None = None,
    markers: Sequence[str] | None = None,
    *,
    field: str = "GT",
    ploidy: int = 2,
) -> Genotypes:
    """Read a VCF file, plain, gzipped or bgzipped, or a BCF file.

    The counted allele is ALT, the other one REF.

    Parameters
    ----------
    path : str or path-like
        The file; what it is is told by its first bytes.
    samples, markers : sequence of str, default=None
        Names (of markers also ids) to read, in the order wanted; None = all, in the file's order.
        A file is read through, but only these are decoded and kept.
    field : {"GT", "DS"}, default="GT"
        The calls, or the dosages (expected numbers of copies) of an imputation program.
    ploidy : int, default=2
        Number of alleles of a call.

    Returns
    -------
    Genotypes
        `dosages` int8 with -1 = missing for "GT", float32 with NaN = missing for "DS".

    Raises
    ------
    GenotypeFormatError
        If the file is cut off, is no VCF, has no samples or no such field, a sample stands twice,
        a call names an allele that its record does not have, or a dosage is outside 0..ploidy.
    ValueError
        If a name is unknown or a parameter not valid.
    ImportError
        For BCF, if the package cyvcf2 is missing (extra ``vcf``).

    Notes
    -----
    - A record with several ALT alleles becomes one marker for each, whose dosage is the copies of
      that allele; to its id is added ``":<REF>_<ALT>"``. A record without ALT has dosages 0.
    - A call in which any allele is missing (``./1``) is missing.
    - A call of more or fewer alleles than `ploidy` must be homozygous and counts as that: in a
      diploid file the haploid call ``1`` (males, X) has the dosage 2, as in PLINK; with
      ``ploidy=1``, haploids that a program wrote as ``1/1`` have the dosage 1.
    - Phase, quality and filters are not looked at.
    - Text is parsed here and not by htslib, which ends the whole process on some malformed lines
      (seen in cyvcf2 0.35: a position that is no number). BCF records go through cyvcf2, turned
      into text.
    - Memory: the dosages twice, while they are turned from markers to samples.

    References
    ----------
    Danecek, P. et al. (2011). The variant call format and VCFtools. Bioinformatics 27:2156-2158.

    Examples
    --------
    >>> from sktransformer_gp.io import read_vcf
    >>> genotypes = read_vcf("panel.vcf.gz", field="DS")  # doctest: +SKIP
    """
    if field not in FIELDS or ploidy < 1:
        raise ValueError(
            f"field is one of {FIELDS} and ploidy at least 1, got {field!r} and {ploidy!r}"
        )
    lines = enumerate(_bcf_lines(path) if first_bytes(path, 3) == b"BCF" else read_lines(path), 1)
    names = _read_header(path, lines)
    chosen = find_samples(samples, names)
    decoder = _CallDecoder(ploidy) if field == "GT" else _DosageDecoder(ploidy)
    rows = MarkerRows(markers)
    for number, line in lines:
        try:
            _read_record(line, len(names), None if samples is None else chosen, decoder, rows)
        except ValueError as error:
            raise GenotypeFormatError(f"{path}, line {number}: {error}") from error
    return rows.genotypes(path, names[chosen], ploidy)


def _bcf_lines(path: str | os.PathLike) -> Iterator[str]:
    cyvcf2 = import_extra("cyvcf2", "vcf")
    try:
        records = cyvcf2.VCF(os.fspath(path))
        yield from records.raw_header.splitlines()
        for record in tqdm(records, unit=" records", delay=BAR_AFTER, disable=None, leave=False):
            # Attributes of a damaged record end the process (cyvcf2 0.35); its text does not.
            yield str(record).rstrip("\n")
    except Exception as error:
        # cyvcf2 raises plain exceptions, and UnicodeDecodeError.
        raise GenotypeFormatError(
            f"{path}: the BCF file is cut off or damaged ({error})"
        ) from error


def _read_header(path: str | os.PathLike, lines: Iterator[tuple[int, str]]) -> NDArray:
    number, line = next(lines)
    if not line.startswith("##fileformat=VCF"):
        raise GenotypeFormatError(
            f"{path}, line 1: expected '##fileformat=VCF...', got {line[:40]!r}"
        )
    while line.startswith("##"):
        number, line = next(lines, (number + 1, ""))
    columns = line.split("\t")
    if columns[: len(FIXED)] != FIXED or len(columns) == len(FIXED):
        raise GenotypeFormatError(
            f"{path}, line {number}: expected the columns {' '.join(FIXED)} and samples, between "
            f"tabs, got {line[:80]!r}"
        )
    names = np.array(columns[len(FIXED) :], dtype=object)
    if len(set(names)) < len(names):
        twice = next(name for name in names if columns.count(name) > 1)
        raise GenotypeFormatError(
            f"{path}, line {number}: expected each sample once, got {twice!r} more often"
        )
    return names


def _read_record(
    line: str,
    n_samples: int,
    chosen: NDArray | None,
    decoder: "_CallDecoder | _DosageDecoder",
    rows: MarkerRows,
) -> None:
    """Add the markers of one record to `rows`."""
    fixed = line.split("\t", len(FIXED))
    if len(fixed) <= len(FIXED):
        raise ValueError(f"expected {len(FIXED) + n_samples} columns, got {len(fixed)}")
    sites = _sites(*fixed[:5])
    wanted = [k for k, site in enumerate(sites) if rows.wants(site)]
    if not wanted:
        return
    cells = fixed[-1].split("\t")
    if len(cells) != n_samples:
        raise ValueError(f"expected the calls of {n_samples} samples, got {len(cells)}")
    if chosen is not None:
        cells = [cells[i] for i in chosen]
    values = _values(cells, fixed[8].split(":"), decoder.field)
    for k in wanted:
        rows.add(sites[k], decoder.dosages(values, k, len(sites)))


def _sites(chromosome: str, position: str, id: str, ref: str, alts: str) -> list[tuple]:
    if not (chromosome and position.isdecimal() and len(position) < 19 and ref and alts):
        raise ValueError(
            "expected a chromosome, a whole number as position and alleles, got "
            f"{chromosome!r}, {position!r}, {ref[:20]!r} and {alts[:20]!r}"
        )
    alleles = alts.split(",")
    several = len(alleles) > 1 and id != UNKNOWN
    ids = [f"{id}:{ref}_{alt}" if several else id or UNKNOWN for alt in alleles]
    return [(i, chromosome, int(position), alt, ref) for i, alt in zip(ids, alleles, strict=True)]


def _values(cells: list[str], keys: list[str], field: str) -> list[str]:
    """Return the field of each sample, "." where it is left out at the end."""
    if field not in keys:
        raise ValueError(f"expected the field {field} in FORMAT, got {':'.join(keys)!r}")
    place = keys.index(field)
    if len(keys) == 1:
        return cells
    if place == 0:
        return [cell.partition(":")[0] for cell in cells]
    parts = (cell.split(":", place + 1) for cell in cells)
    return [part[place] if len(part) > place else UNKNOWN for part in parts]


class _CallDecoder:
    """Turn calls (GT) into dosages of one ALT allele, each different call once."""

    field = "GT"

    def __init__(self, ploidy: int):
        self.ploidy = ploidy
        self._known: dict[tuple[int, int], _CallDosages] = {}

    def dosages(self, calls: list[str], alt: int, n_alts: int) -> NDArray:
        key = alt, n_alts
        if key not in self._known:
            self._known[key] = _CallDosages(alt + 1, n_alts, self.ploidy)
        dosages = map(self._known[key].__getitem__, calls)
        return np.fromiter(dosages, dtype=np.int8, count=len(calls))


class _CallDosages(dict):
    """Dosage of each call of one allele among REF and `n_alts` others."""

    def __init__(self, allele: int, n_alts: int, ploidy: int):
        super().__init__()
        self.allele, self.n_alts, self.ploidy = allele, n_alts, ploidy

    def __missing__(self, call: str) -> int:
        self[call] = dosage = self._dosage(call)
        return dosage

    def _dosage(self, call: str) -> int:
        if not CALL.fullmatch(call):
            raise ValueError(f"expected a call such as 0/1 or ./., got {call[:20]!r}")
        alleles = re.findall(r"\d+|\.", call)
        numbers = [int(allele) for allele in alleles if allele != UNKNOWN]
        if max(numbers, default=0) > self.n_alts:
            raise ValueError(f"expected the alleles 0 to {self.n_alts}, got the call {call!r}")
        if len(numbers) < len(alleles):
            return MISSING
        if len(alleles) == self.ploidy:
            return numbers.count(self.allele)
        if len(set(numbers)) > 1:
            raise ValueError(
                f"expected {self.ploidy} alleles or a homozygous call, got {call!r}; give the "
                "ploidy if it is another"
            )
        return self.ploidy * (numbers[0] == self.allele)


class _DosageDecoder:
    """Turn dosages (DS) into numbers."""

    field = "DS"

    def __init__(self, ploidy: int):
        self._known = DosageText(0, ploidy)

    def dosages(self, values: list[str], alt: int, n_alts: int) -> NDArray:
        if n_alts > 1:
            values = [self._of_allele(value, alt, n_alts) for value in values]
        return self._known.row(values)

    @staticmethod
    def _of_allele(value: str, alt: int, n_alts: int) -> str:
        parts = value.split(",")
        if len(parts) != n_alts and value != UNKNOWN:
            raise ValueError(f"expected {n_alts} dosages, got {value[:20]!r}")
        return UNKNOWN if value == UNKNOWN else parts[alt]
