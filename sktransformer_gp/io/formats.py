"""The format of a file, told by what is in it."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sktransformer_gp.io.bed import MAGIC, bed_paths
from sktransformer_gp.io.files import first_bytes
from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.hapmap import read_hapmap
from sktransformer_gp.io.plink import read_plink
from sktransformer_gp.io.table import read_table
from sktransformer_gp.io.vcf import read_vcf

Reader = Callable[..., Genotypes]

BEGINNINGS: dict[bytes, Reader] = {
    MAGIC[:2]: read_plink,
    b"##fileformat=VCF": read_vcf,
    b"BCF": read_vcf,
    b"rs#\talleles": read_hapmap,
}
ENDINGS: dict[tuple[str, ...], Reader] = {
    (".bed", ".bim", ".fam"): read_plink,
    (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf"): read_vcf,
    (".hmp", ".hmp.txt", ".hmp.txt.gz", ".hapmap", ".hapmap.gz"): read_hapmap,
}


def read_genotypes(
    path: str | os.PathLike,
    samples: Sequence[str] | None = None,
    markers: Sequence[str] | None = None,
    *,
    ploidy: int = 2,
) -> Genotypes:
    """Read genotypes with the reader that fits the file.

    Parameters
    ----------
    path : str or path-like
        A file that begins as PLINK (``.bed``, or what the three names share), VCF, BCF or HapMap
        do, or that is called so; any other is read as a table.
    samples, markers : sequence of str, default=None
        Names (of markers also ids) to read, in the order wanted; None = all, in the file's order.
    ploidy : int, default=2
        Largest dosage.

    Returns
    -------
    Genotypes
        What the reader gives; other parameters have their defaults.

    Raises
    ------
    GenotypeFormatError
        If the file is not what it seems to be.
    OSError
        If it cannot be opened.

    See Also
    --------
    read_plink, read_vcf, read_hapmap, read_table : The readers, with all their parameters.

    Examples
    --------
    >>> from sktransformer_gp.io import read_genotypes
    >>> genotypes = read_genotypes("panel.vcf.gz")  # doctest: +SKIP
    """
    return _reader(path)(path, samples, markers, ploidy=ploidy)


def _reader(path: str | os.PathLike) -> Reader:
    name = os.fspath(path).lower()
    for endings, reader in ENDINGS.items():
        if name.endswith(endings):
            named = reader
            break
    else:
        named = None
    if not Path(path).is_file():
        return (
            read_plink if named is None and bed_paths(path)["bed"].exists() else named or read_table
        )
    head = first_bytes(path)
    fitting = [reader for start, reader in BEGINNINGS.items() if head.startswith(start)]
    return fitting[0] if fitting else named or read_table
