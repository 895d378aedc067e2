"""PLINK 1 data sets: ``.bed`` with ``.bim`` and ``.fam``."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sktransformer_gp.io.bed import PLINK_UNKNOWN, bed_paths, check_bed, read_bed
from sktransformer_gp.io.files import GenotypeFormatError, read_lines
from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.marker_table import UNKNOWN, is_finite, make_markers, numbers
from sktransformer_gp.io.names import find_markers, find_samples

SAMPLE_IDS = {"IID": slice(1, 2), "FID_IID": slice(0, 2)}


def read_plink(
    path: str | os.PathLike,
    samples: Sequence[str] | None = None,
    markers: Sequence[str] | None = None,
    *,
    ploidy: int = 2,
    sample_id: str = "IID",
) -> Genotypes:
    """Read a PLINK 1 data set (``.bed``, ``.bim``, ``.fam``).

    The counted allele is allele 1, column 5 of the ``.bim`` (as in PLINK's own ``--recode A``);
    PLINK makes that the rarer one unless told otherwise.

    Parameters
    ----------
    path : str or path-like
        Any of the three files, or what their names share.
    samples, markers : sequence of str, default=None
        Names (of markers also ids) to read, in the order wanted; None = all, in the file's order.
        Of the ``.bed`` only these are read.
    ploidy : {1, 2}, default=2
        1 = the samples are haploid, which PLINK writes as homozygous: dosages are 0/1.
    sample_id : {"IID", "FID_IID"}, default="IID"
        What names a sample: the within-family id, column 2 of the ``.fam``, or family and
        within-family id with ``"_"`` between, where families number their members alike.

    Returns
    -------
    Genotypes
        `dosages` int8, -1 = missing. Positions are base pairs, or centimorgans where all base
        pairs are 0; where all chromosomes are 0 there is no map. Allele ``"0"`` is unknown.

    Raises
    ------
    GenotypeFormatError
        If one of the files is not what it should be, they do not fit together, a sample id stands
        twice, or a haploid sample is heterozygous.
    ValueError
        If a name is unknown or a parameter not valid.
    ImportError
        If the package bed-reader is missing (extra ``plink``).

    Notes
    -----
    Memory: the dosages, 1 byte each, a block of at most 64 MB, and the two tables.

    References
    ----------
    Chang, C. C. et al. (2015). Second-generation PLINK: rising to the challenge of larger and
    richer datasets. GigaScience 4:7.

    Examples
    --------
    >>> from sktransformer_gp.io import read_plink
    >>> genotypes = read_plink("panel.bed")  # doctest: +SKIP
    >>> genotypes  # doctest: +SKIP
    Genotypes(1008 samples x 11623 markers, int8, ploidy 2)
    """
    if ploidy not in (1, 2) or sample_id not in SAMPLE_IDS:
        raise ValueError(
            f"ploidy is 1 or 2 and sample_id one of {list(SAMPLE_IDS)}, got {ploidy!r} and "
            f"{sample_id!r}"
        )
    paths = bed_paths(path)
    names = _read_fam(paths["fam"], sample_id)
    table = _read_bim(paths["bim"])
    check_bed(paths["bed"], len(names), len(table))
    rows, columns = find_samples(samples, names), find_markers(markers, table)
    dosages = read_bed(paths["bed"], (len(names), len(table)), rows, columns)
    chosen, table = names[rows], table.iloc[columns]
    if ploidy == 1:
        dosages = _halve(dosages, paths["bed"], chosen, table.index)
    return Genotypes(dosages, chosen, table, ploidy)


def _read_fam(path: Path, sample_id: str) -> NDArray:
    lines: dict[str, int] = {}
    for number, fields in enumerate(_read_fields(path), 1):
        name = "_".join(fields[SAMPLE_IDS[sample_id]])
        if name in lines:
            raise GenotypeFormatError(
                f"{path}, line {number}: expected another {sample_id} for each sample, got "
                f"{name!r} as in line {lines[name]}"
                + "; sample_id='FID_IID' takes the family id in"
                * (sample_id == "IID")
            )
        lines[name] = number
    return np.array(list(lines), dtype=object)


def _read_bim(path: Path) -> pd.DataFrame:
    fields = _read_fields(path, finite=(2, 3))
    chromosomes, ids, centimorgans, base_pairs, counted, other = zip(*fields, strict=True)
    positions = numbers(base_pairs)
    if not positions.any():
        positions = numbers(centimorgans)
    if set(chromosomes) == {PLINK_UNKNOWN}:
        chromosomes = [UNKNOWN] * len(chromosomes)
        positions = np.full(len(chromosomes), np.nan)
    alleles = [
        [UNKNOWN if allele == PLINK_UNKNOWN else allele for allele in column]
        for column in (counted, other)
    ]
    try:
        return make_markers(ids, chromosomes, positions, *alleles)
    except ValueError as error:
        raise GenotypeFormatError(f"{path}, column 1: {error}") from error


def _read_fields(path: Path, finite: Sequence[int] = ()) -> list[list[str]]:
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if len(fields) != 6:
            raise GenotypeFormatError(
                f"{path}, line {number}: expected 6 columns, got {len(fields)}"
            )
        if not all(is_finite(fields[column]) for column in finite):
            raise GenotypeFormatError(
                f"{path}, line {number}: expected numbers in columns 3 and 4, got {fields[2]!r} "
                f"and {fields[3]!r}"
            )
        rows.append(fields)
    return rows


def _halve(dosages: NDArray, path: Path, samples: NDArray, names: pd.Index) -> NDArray:
    heterozygous = dosages == 1
    if heterozygous.any():
        i, j = np.argwhere(heterozygous)[0]
        raise GenotypeFormatError(
            f"{path}: expected homozygous calls, as ploidy=1 was given, got a heterozygous one for "
            f"sample {samples[i]!r} and marker {names[j]!r}"
        )
    return dosages >> 1  # -1 stays -1
