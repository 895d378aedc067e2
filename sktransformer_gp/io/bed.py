"""A PLINK 1 data set is three files: ``.bed`` (calls), ``.bim`` (markers), ``.fam`` (samples)."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from sktransformer_gp.io.extras import import_extra
from sktransformer_gp.io.files import BAR_AFTER, GenotypeFormatError
from sktransformer_gp.io.marker_table import UNKNOWN
from sktransformer_gp.validation import MISSING

MAGIC = b"\x6c\x1b\x01"
# Two bits for the dosages 0, 1, 2 and -1, which is the last.
CODES = np.array([0b11, 0b10, 0b00, 0b01], dtype=np.uint8)
PLINK_UNKNOWN = "0"
CALLS_PER_BLOCK = 1 << 26


def bed_paths(path: str | os.PathLike) -> dict[str, Path]:
    """Name the three files of a data set.

    Parameters
    ----------
    path : str or path-like
        Any of the three, or what they share, such as ``"panel"``.

    Returns
    -------
    dict of str to pathlib.Path
        Keys "bed", "bim" and "fam".

    Examples
    --------
    >>> from sktransformer_gp.io.bed import bed_paths
    >>> bed_paths("panel.v2.bed")["fam"].name, bed_paths("panel.v2")["bim"].name
    ('panel.v2.fam', 'panel.v2.bim')
    """
    prefix = os.fspath(path)
    for suffix in (".bed", ".bim", ".fam"):
        prefix = prefix.removesuffix(suffix)
    return {kind: Path(f"{prefix}.{kind}") for kind in ("bed", "bim", "fam")}


def check_bed(path: Path, n_samples: int, n_markers: int) -> None:
    """Check that a ``.bed`` file is one, and holds what its neighbours say.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    n_samples, n_markers : int
        Lines of ``.fam`` and ``.bim``.

    Raises
    ------
    GenotypeFormatError
        If the first bytes or the size are not those of a PLINK 1 file, marker by marker.
    """
    with open(path, "rb") as file:
        magic = file.read(len(MAGIC))
    if magic != MAGIC:
        transposed = "; it holds sample by sample: convert it with plink --make-bed"
        raise GenotypeFormatError(
            f"{path}, byte 0: expected {MAGIC.hex(' ')} of a PLINK 1 .bed file, got "
            f"{magic.hex(' ') or 'nothing'}" + transposed * (magic == MAGIC[:2] + b"\0")
        )
    size, expected = path.stat().st_size, len(MAGIC) + n_markers * -(-n_samples // 4)
    if size != expected:
        raise GenotypeFormatError(
            f"{path}, byte {min(size, expected)}: expected {expected} bytes for the {n_samples} "
            f"samples of the .fam and the {n_markers} markers of the .bim, got {size}"
        )


def read_bed(path: Path, shape: tuple[int, int], rows: NDArray, columns: NDArray) -> NDArray:
    """Read calls, in blocks of markers, with a progress bar where that takes over 2 s.

    Parameters
    ----------
    path : pathlib.Path
        The ``.bed`` file, checked by `check_bed`.
    shape : tuple (n_samples, n_markers)
        Size of the whole.
    rows, columns : ndarray of int
        The samples and markers to read.

    Returns
    -------
    ndarray of shape (len(rows), len(columns)), of int8
        Copies of allele 1 of the ``.bim``, 0/1/2, -1 = missing.

    Raises
    ------
    ImportError
        If the package bed-reader is missing (extra ``plink``).
    """
    bed = import_extra("bed_reader", "plink").open_bed(path, iid_count=shape[0], sid_count=shape[1])
    dosages = np.empty((len(rows), len(columns)), dtype=np.int8)
    step = max(1, CALLS_PER_BLOCK // len(rows))
    blocks = range(0, len(columns), step)
    with bed:
        for first in tqdm(blocks, desc=path.name, delay=BAR_AFTER, disable=None, leave=False):
            block = columns[first : first + step]
            dosages[:, first : first + step] = bed.read((rows, block), dtype="int8", order="C")
    return np.maximum(dosages, MISSING, out=dosages)


def write_bed(
    path: str | os.PathLike,
    dosages: NDArray,
    samples: Sequence[str] | NDArray,
    markers: pd.DataFrame,
) -> None:
    """Write the three files.

    Parameters
    ----------
    path : str or path-like
        What their names share.
    dosages : ndarray of shape (n_samples, n_markers), of int8
        Copies of the counted allele, 0/1/2, -1 = missing.
    samples : sequence of str
        Names; they become the within-family ids, and the family id is 0.
    markers : DataFrame
        The table of markers. The counted allele is written as allele 1. Positions that are no whole
        numbers are written as centimorgans, with base pair 0.

    Raises
    ------
    ValueError
        If a name holds white space, which PLINK's files cannot.

    Notes
    -----
    Differs from `read_bed` in that bed-reader is not asked: it would round positions to float32.
    """
    paths = bed_paths(path)
    fam = pd.DataFrame({"iid": list(samples)})
    fam = fam.assign(fid="0", father="0", mother="0", sex="0", phenotype="-9")
    tables = {
        "fam": fam[["fid", "iid", "father", "mother", "sex", "phenotype"]],
        "bim": _bim(markers),
    }
    for kind, table in tables.items():
        _check_words(kind, table)
    for kind, table in tables.items():
        table.to_csv(paths[kind], sep="\t", header=False, index=False, lineterminator="\n")
    step = max(1, CALLS_PER_BLOCK // len(samples))
    with open(paths["bed"], "wb") as file:
        file.write(MAGIC)
        for first in range(0, len(markers), step):
            file.write(_pack(dosages[:, first : first + step]))


def _bim(markers: pd.DataFrame) -> pd.DataFrame:
    positions = markers["position"].fillna(0)
    whole = (positions == positions.round()).all()
    known = markers.replace({UNKNOWN: PLINK_UNKNOWN})
    return pd.DataFrame(
        {
            "chromosome": known["chromosome"],
            "id": markers["id"],
            "centimorgan": 0 if whole else positions.map(str),
            "base_pair": positions.astype(np.int64) if whole else 0,
            "allele_1": known["counted_allele"],
            "allele_2": known["other_allele"],
        }
    )


def _check_words(kind: str, table: pd.DataFrame) -> None:
    for column in table:
        bad = [value for value in table[column] if len(str(value).split()) != 1]
        if bad:
            raise ValueError(
                f"a .{kind} file holds names without white space, got {column} {bad[0]!r}"
            )


def _pack(dosages: NDArray) -> bytes:
    """Write four calls to a byte, the first in the lowest bits; dosages (n_samples, n_block)."""
    n_samples, n_markers = dosages.shape
    codes = np.zeros((n_markers, -(-n_samples // 4) * 4), dtype=np.uint8)
    codes[:, :n_samples] = CODES[dosages.T]
    first, second, third, fourth = np.moveaxis(codes.reshape(n_markers, -1, 4), 2, 0)
    return (first | second << 2 | third << 4 | fourth << 6).tobytes()
