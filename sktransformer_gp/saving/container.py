"""The model file: one JSON value and named arrays in the safetensors format, under a sha256.

The JSON is a text in the header's metadata, under `KEY`: the sha256 of the whole file (with zeros
in place of its own 64 digits), the version of the format, and the content. Any tool for safetensors
shows it.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray
from safetensors.numpy import load, save

KEY = "sktransformer_gp"
VERSION = 1
BLANK = b"0" * 64
# How the field begins in the file: quotes are escaped, the JSON is a text within a JSON.
DIGEST_FIELD = rb"\"sha256\":\""
LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors' own readers
LONGEST_REASON = 300  # characters of what a damaged file says of itself


class ModelFileError(ValueError):
    """A file is not a model file that this release can read; the message names it and says why.

    Examples
    --------
    >>> import tempfile
    >>> from sktransformer_gp.saving import ModelFileError, load_model
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     try:
    ...         load_model(file.name)
    ...     except ModelFileError as error:
    ...         print(str(error).replace(file.name, "empty.safetensors"))
    cannot load empty.safetensors: it is cut off, or not a safetensors file
    """


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """Turn whatever is wrong with a file's content into a ModelFileError that names the file.

    Parameters
    ----------
    path : str or path-like
        The file.

    Raises
    ------
    ModelFileError
        In place of any error but an OSError.

    Examples
    --------
    >>> from sktransformer_gp.saving.container import reading
    >>> with reading("m.safetensors"):
    ...     raise ValueError("it has no weights")
    Traceback (most recent call last):
    sktransformer_gp.saving.container.ModelFileError: cannot load m.safetensors: it has no weights
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        # A ValueError is ours and says what is wrong; what else a damaged file can do is unknown.
        reason = error if type(error) is ValueError else f"its content is damaged, {error!r}"
        raise ModelFileError(
            f"cannot load {os.fspath(path)}: {str(reason)[:LONGEST_REASON]}"
        ) from error


def write_container(
    path: str | os.PathLike, content: dict[str, Any], tensors: dict[str, NDArray]
) -> None:
    """Write a model file; it appears whole or not at all.

    Parameters
    ----------
    path : str or path-like
        The file; one that is there is replaced, and where it is a link what the link names.
    content : dict
        What JSON can hold.
    tensors : dict of str to ndarray
        Arrays of numbers, C-contiguous.

    Raises
    ------
    ValueError
        If `content` is too long for a header.
    OSError
        If the file cannot be written; one that was there is as it was.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from sktransformer_gp.saving.container import read_container, write_container
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "m.safetensors")
    ...     write_container(path, {"unit": "t/ha"}, {"yield": np.array([3.5, 4.0])})
    ...     read_container(path)
    ({'unit': 't/ha'}, {'yield': array([3.5, 4. ])})
    """
    # The sha256 comes first, so that nothing in the content can pass for it.
    full = {"sha256": BLANK.decode(), "version": VERSION, **content}
    data = save(tensors, metadata={KEY: json.dumps(full, separators=(",", ":"), allow_nan=False)})
    length = _header_length(data)
    if length > LONGEST_HEADER:
        raise ValueError(
            f"numbers, texts and lists take {length} bytes, a model file has room for "
            f"{LONGEST_HEADER}; give long lists as arrays"
        )
    start, digest = _seal(data)
    rest = memoryview(data)[start + len(digest) :]
    _write_atomically(Path(os.path.realpath(path)), [data[:start], digest, rest])


def read_container(path: str | os.PathLike) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Read a model file and check it against its sha256.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    content : dict
        As it was given to `write_container`.
    tensors : dict of str to ndarray
        The arrays, writable.

    Raises
    ------
    Exception
        Of any kind where the file is damaged, see `reading`; a ValueError says why.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    # A pipe or a device may never end.
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    with open(path, "rb") as file:
        content = _read_content(file)
        # All is read only now: until here it could be any file, of any size.
        file.seek(0)
        data = file.read()
    if content.pop("sha256").encode() != _seal(data)[1]:
        raise ValueError("its sha256 does not match: it is cut off, or was changed since")
    return content, load(data)


def _read_content(file: BinaryIO) -> dict[str, Any]:
    size, start = os.fstat(file.fileno()).st_size, file.read(8)
    length = _header_length(start)
    if size < 8 or length > min(size - 8, LONGEST_HEADER):
        raise ValueError("it is cut off, or not a safetensors file")
    texts = _parse(file.read(length), "header").get("__metadata__", {})
    if KEY not in texts:
        raise ValueError(f"it is a safetensors file, but holds no model of {KEY}")
    content = _parse(texts[KEY], "description of the model")
    if (version := content.pop("version")) != VERSION:
        raise ValueError(
            f"it has version {version!r} of the format, and this release of {KEY} reads "
            f"version {VERSION}; install the release that wrote it, or a newer one"
        )
    return content


def _header_length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _parse(text: str | bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {what} is damaged, {error}") from error


def _seal(data: bytes) -> tuple[int, bytes]:
    """Return where the sha256 of a file stands in it, and what it has to be."""
    start = data.find(DIGEST_FIELD) + len(DIGEST_FIELD)
    view, digest = memoryview(data), hashlib.sha256()
    for part in (view[:start], BLANK, view[start + len(BLANK) :]):
        digest.update(part)
    return start, digest.hexdigest().encode()


def _write_atomically(path: Path, parts: list[bytes | memoryview]) -> None:
    # A name of its own for each writer: of two that write the same file, the last one wins.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as output:
            output.writelines(parts)
            output.flush()
            os.fsync(output.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
