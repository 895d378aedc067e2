"""Text files, plain or gzipped, line by line; what is wrong with one is said with its name."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator

from tqdm import tqdm

GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BAR_AFTER = 2
LINES_PER_UPDATE = 256


class GenotypeFormatError(ValueError):
    """A file of genotypes or phenotypes is not what its format asks for.

    The message names the file, the line, byte or cell, what stands there and what was expected.

    Examples
    --------
    >>> from sktransformer_gp.io import GenotypeFormatError
    >>> issubclass(GenotypeFormatError, ValueError)
    True
    """


def read_lines(path: str | os.PathLike) -> Iterator[str]:
    r"""Yield the lines of a text file, with a progress bar where that takes over 2 s.

    Parameters
    ----------
    path : str or path-like
        UTF-8, or UTF-16 with a byte-order mark; plain, gzipped or bgzipped, told by its first
        bytes and not by its name.

    Yields
    ------
    str
        A line without its end (``\n``, ``\r\n`` or ``\r``).

    Raises
    ------
    GenotypeFormatError
        If the file is empty, binary, cut off inside a gzip stream, or not of this encoding.
    OSError
        If it cannot be opened.
    """
    n_lines = 0
    with open(path, "rb") as raw, _progress(path) as bar:
        try:
            stream = _decompressed(raw)
            with io.TextIOWrapper(stream, encoding=_encoding(stream, path)) as text:
                for line in text:
                    n_lines += 1
                    if n_lines % LINES_PER_UPDATE == 0:
                        bar.update(raw.tell() - bar.n)
                    yield line.rstrip("\n")
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise GenotypeFormatError(
                f"{path}, after line {n_lines}: the compressed file is cut off or damaged ({error})"
            ) from error
        except UnicodeDecodeError as error:
            raise GenotypeFormatError(
                f"{path}, soon after line {n_lines}: expected text in UTF-8, got the byte "
                f"0x{error.object[error.start]:02x}; a spreadsheet calls it 'CSV UTF-8'"
            ) from error
    if n_lines == 0:
        raise GenotypeFormatError(f"{path}: the file is empty")


def first_bytes(path: str | os.PathLike, size: int = 4096) -> bytes:
    """Return the beginning of a file, decompressed where it is gzipped.

    Parameters
    ----------
    path : str or path-like
        The file.
    size : int, default=4096
        Largest number of bytes.

    Returns
    -------
    bytes
        The first bytes; empty where even those cannot be decompressed.
    """
    with open(path, "rb") as raw:
        try:
            return _decompressed(raw).read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return b""


def _decompressed(raw: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP else raw


def _encoding(stream: io.BufferedReader | gzip.GzipFile, path: str | os.PathLike) -> str:
    head = stream.peek(4096)
    if head.startswith(UTF_16):
        return "utf-16"
    if b"\0" in head:
        raise GenotypeFormatError(
            f"{path}, byte {head.index(0)}: expected text, got a zero byte: the file is binary"
        )
    return "utf-8-sig"


def _progress(path: str | os.PathLike) -> tqdm:
    # tqdm's disable=None shows the bar on a terminal only.
    return tqdm(
        total=os.path.getsize(path),
        desc=os.path.basename(path),
        unit="B",
        unit_scale=True,
        delay=BAR_AFTER,
        disable=None,
        leave=False,
    )
