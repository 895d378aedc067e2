import hashlib
import os
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sktransformer_gp import download
from sktransformer_gp.download import DownloadError, RemoteFile, fetch_file, get_data_home

CONTENT = bytes(range(256)) * 1024  # 256 kB: several chunks
FILE = RemoteFile(
    "owner/repository/c0ffee/data/x.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()
)


class Handler(BaseHTTPRequestHandler):
    status, body, announced = 200, CONTENT, len(CONTENT)

    def do_GET(self):
        self.server.requests.append(self.path)
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.announced))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start loopback servers in place of the public source; returns the list of paths asked for."""
    servers = []

    def start(**answer):
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (Handler,), answer))
        server.requests = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(download, "SOURCE", f"http://127.0.0.1:{server.server_port}")
        return server.requests

    monkeypatch.setenv("no_proxy", "*")
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_url_of_the_public_source():
    assert FILE.url == ("https://raw.githubusercontent.com/owner/repository/c0ffee/data/x.bin")


def test_downloads_once_in_the_documented_layout(serve, tmp_path, capfd):
    requests = serve()
    path = fetch_file(FILE, tmp_path)
    assert path == tmp_path / "owner" / "repository" / "c0ffee" / "data" / "x.bin"
    assert path.read_bytes() == CONTENT
    assert fetch_file(FILE, tmp_path) == path
    assert requests == ["/owner/repository/c0ffee/data/x.bin"]
    assert files_below(tmp_path) == [path]
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_others_may_read_a_downloaded_file_as_the_umask_says(serve, tmp_path):
    serve()
    mask = os.umask(0o022)
    try:
        path = fetch_file(FILE, tmp_path)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404, "body": b"404: Not Found", "announced": 14},
        {"status": 503, "body": b"", "announced": 0},
        {"body": b"<html>not the file</html>", "announced": 25},
        {"body": CONTENT[:1000]},  # the connection closes before all announced bytes came
        {"body": CONTENT[:1000], "announced": 1000},
        {"body": CONTENT + b"x", "announced": len(CONTENT) + 1},
    ],
    ids=["404", "503", "another page", "truncated", "short", "long"],
)
def test_failed_download_is_an_error_and_leaves_no_file(serve, tmp_path, answer):
    serve(**answer)
    with pytest.raises(DownloadError) as caught:
        fetch_file(FILE, tmp_path)
    assert FILE.url in str(caught.value)
    assert files_below(tmp_path) == []
    serve()  # the source is well again: nothing of the failure is in the way
    assert fetch_file(FILE, tmp_path).read_bytes() == CONTENT


def test_wrong_download_names_both_hashes(serve, tmp_path):
    serve(body=b"abc", announced=3)
    with pytest.raises(DownloadError) as caught:
        fetch_file(FILE, tmp_path)
    # SHA-256 of "abc" from FIPS 180-2, appendix B.1
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    for part in (f"expected sha256 {FILE.sha256}", f"got {abc} (3 bytes)", "try again"):
        assert part in str(caught.value)


def test_no_server_names_the_url_and_the_place_for_the_file(serve, tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        monkeypatch.setattr(download, "SOURCE", f"http://127.0.0.1:{closed.server_port}")
    with pytest.raises(DownloadError) as caught:
        fetch_file(FILE, tmp_path)
    for part in (FILE.url, str(tmp_path / FILE.path), "data_home=", "SKTRANSFORMER_GP_DATA"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_silent_server_runs_into_the_timeout(serve, tmp_path, monkeypatch):
    release = threading.Event()
    serve(do_GET=lambda handler: release.wait(10))
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    try:
        with pytest.raises(DownloadError, match="timed out"):
            fetch_file(FILE, tmp_path)
    finally:
        release.set()
    assert files_below(tmp_path) == []


def test_interrupted_download_leaves_no_file(serve, tmp_path, monkeypatch):
    class Interrupted(download.tqdm):
        def update(self, n=1):
            assert len(files_below(tmp_path)) == 1  # the download has begun
            raise KeyboardInterrupt

    serve()
    monkeypatch.setattr(download, "tqdm", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_file(FILE, tmp_path)
    assert files_below(tmp_path) == []


def test_downloads_at_the_same_time_all_succeed(serve, tmp_path):
    requests = serve()
    started = threading.Barrier(4)

    def fetch(_):
        started.wait()
        return fetch_file(FILE, tmp_path).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(fetch, range(4))) == {CONTENT}
    assert requests
    assert files_below(tmp_path) == [tmp_path / FILE.path]


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT[:-1] + b"x"])
def test_broken_file_in_the_cache_is_an_error_and_is_not_touched(serve, tmp_path, content):
    requests = serve()
    path = tmp_path / FILE.path
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DownloadError) as caught:
        fetch_file(FILE, tmp_path)
    found = hashlib.sha256(content).hexdigest()
    for part in (str(path), FILE.sha256, found, f"({len(content)} bytes)", "move it away"):
        assert part in str(caught.value)
    assert path.read_bytes() == content
    assert requests == []


def test_folder_that_cannot_be_made_is_an_error(serve, tmp_path):
    serve()
    (tmp_path / "owner").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="by hand"):
        fetch_file(FILE, tmp_path)


@pytest.mark.parametrize("size", [download.BAR_FROM, download.BAR_FROM + 1])
def test_progress_bar_on_a_terminal_for_large_files_only(serve, tmp_path, monkeypatch, size):
    bars = []

    class Recorded(download.tqdm):
        def __init__(self, **kwargs):
            bars.append(kwargs)
            super().__init__(**kwargs)

    serve()
    monkeypatch.setattr(download, "tqdm", Recorded)
    fetch_file(RemoteFile(FILE.path, size, FILE.sha256), tmp_path)
    # None is tqdm's word for "where the output is no terminal"
    assert [bar["disable"] for bar in bars] == [None if size > 1_000_000 else True]


def test_data_home_argument_before_variable_before_user_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKTRANSFORMER_GP_DATA", str(tmp_path / "variable"))
    assert get_data_home(tmp_path / "argument") == tmp_path / "argument"
    assert get_data_home() == tmp_path / "variable"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SKTRANSFORMER_GP_DATA")
    assert get_data_home() == tmp_path / "xdg" / "sktransformer_gp"


@pytest.mark.parametrize(
    ("platform", "cache"),
    [
        ("linux", Path(".cache")),
        ("darwin", Path("Library", "Caches")),
        ("win32", Path("AppData", "Local")),
    ],
)
def test_user_cache_of_each_platform(tmp_path, monkeypatch, platform, cache):
    for variable in ("SKTRANSFORMER_GP_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(download.sys, "platform", platform)
    assert get_data_home() == tmp_path / cache / "sktransformer_gp"


def test_home_is_expanded(tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert get_data_home("~/genomes") == tmp_path / "genomes"


def test_no_test_reaches_the_network():
    """The address is one that is kept for documentation: nobody answers there."""
    with socket.socket() as connection, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        connection.connect(("192.0.2.1", 80))
