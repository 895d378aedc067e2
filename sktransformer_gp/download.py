"""The data cache: public files named by commit, downloaded once and checked at every use."""

import hashlib
import os
import secrets
import sys
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from tqdm import tqdm

SOURCE = "https://raw.githubusercontent.com"
TIMEOUT = 30
CHUNK = 1 << 16
BAR_FROM = 1_000_000


class DownloadError(OSError):
    """A data file could not be fetched, or it is not the file that was published."""


@dataclass(frozen=True)
class RemoteFile:
    """Name one public file and what it must contain.

    Parameters
    ----------
    path : str
        ``"<owner>/<repository>/<commit>/<path in the repository>"``: the file's place below the
        source's address and below the cache folder.
    size : int
        Number of bytes.
    sha256 : str
        SHA-256 of the content, as 64 hexadecimal digits.

    Examples
    --------
    >>> from sktransformer_gp.download import RemoteFile
    >>> RemoteFile("owner/repository/c0ffee/data/x.csv", size=1, sha256="00").url
    'https://raw.githubusercontent.com/owner/repository/c0ffee/data/x.csv'
    """

    path: str
    size: int
    sha256: str

    @property
    def url(self) -> str:
        """The file's public address."""
        return f"{SOURCE}/{self.path}"


def get_data_home(data_home: str | os.PathLike | None = None) -> Path:
    """Return the folder in which the downloaded data sets are kept; it need not exist yet.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder; None = the environment variable ``SKTRANSFORMER_GP_DATA`` where it is set, else
        ``sktransformer_gp`` in the user's cache folder: ``$XDG_CACHE_HOME`` where it is set, else
        ``%LOCALAPPDATA%`` on Windows, ``~/Library/Caches`` on macOS, ``~/.cache`` elsewhere.

    Returns
    -------
    pathlib.Path
        The folder, with ``~`` expanded.

    Examples
    --------
    >>> from sktransformer_gp.download import get_data_home
    >>> get_data_home("/data/genomes").as_posix()
    '/data/genomes'
    """
    chosen = data_home or os.environ.get("SKTRANSFORMER_GP_DATA")
    return Path(chosen or _user_cache() / "sktransformer_gp").expanduser()


def _user_cache() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    return Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")


def fetch_file(file: RemoteFile, data_home: str | os.PathLike | None = None) -> Path:
    """Return the path of a cached file, downloading it on first use.

    The content is checked against its SHA-256 at every use. A file that is already there is never
    overwritten or deleted, so a folder that is shared or read-only can serve as the cache.

    Parameters
    ----------
    file : RemoteFile
        The file.
    data_home : str or path-like, default=None
        The cache folder, see `get_data_home`.

    Returns
    -------
    pathlib.Path
        The file in the cache, in the layout ``<owner>/<repository>/<commit>/<path>``.

    Raises
    ------
    DownloadError
        If the file cannot be downloaded or written, or if its content is not what was published.
        A failed or interrupted download leaves no file behind.

    Examples
    --------
    >>> from sktransformer_gp.download import RemoteFile, fetch_file
    >>> licence = RemoteFile("owner/repository/c0ffee/LICENSE", size=1, sha256="00")
    >>> path = fetch_file(licence)  # doctest: +SKIP
    """
    target = get_data_home(data_home) / file.path
    if not target.exists():
        _download(file, target)
    _check_content(target, file, "It is left as it is: move it away and it is downloaded again")
    return target


def _download(file: RemoteFile, target: Path) -> None:
    # A name of its own for each download: two processes that fetch the same file both succeed.
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        _transfer(file, part)
        _check_content(part, file, f"Nothing was kept of what {file.url} sent; try again")
        os.replace(part, target)
    except DownloadError:
        raise
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()  # the error is the server's response as well, and holds its socket
        raise DownloadError(
            f"could not download {file.url} ({file.size} bytes) to {target}: {error!r}. Without a "
            f"network, put the file there by hand, or name a folder that holds {file.path} with "
            "data_home= or the environment variable SKTRANSFORMER_GP_DATA"
        ) from error
    finally:
        if part.exists():
            part.unlink()


def _transfer(file: RemoteFile, part: Path) -> None:
    # tqdm's disable=None shows the bar on a terminal only.
    quiet = None if file.size > BAR_FROM else True
    with urllib.request.urlopen(file.url, timeout=TIMEOUT) as response:
        part.parent.mkdir(parents=True, exist_ok=True)
        name = file.path.rpartition("/")[2]
        bar = tqdm(total=file.size, desc=name, unit="B", unit_scale=True, disable=quiet)
        with open(part, "xb") as output, bar:
            while chunk := response.read(CHUNK):
                output.write(chunk)
                bar.update(len(chunk))


def _check_content(path: Path, file: RemoteFile, advice: str) -> None:
    with open(path, "rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.sha256:
        raise DownloadError(
            f"{path} is not the published file (half-written, or changed): expected sha256 "
            f"{file.sha256} ({file.size} bytes), got {found} ({path.stat().st_size} bytes). "
            f"{advice}"
        )
