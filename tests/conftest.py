import os
import socket
import sys
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores; the thread pools of torch and BLAS in each would fight over them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

LOOPBACK = ("127.", "::1", "localhost")


def refuse_network(event, arguments):
    """Let no test reach beyond this machine, whatever opens the connection."""
    if event != "socket.connect" or arguments[0].type != socket.SOCK_STREAM:
        return
    address = arguments[1]
    if isinstance(address, tuple) and not address[0].startswith(LOOPBACK):
        raise AssertionError(f"a test wants to connect to {address}")


sys.addaudithook(refuse_network)


def pytest_configure(config):
    """Let pytest-randomly choose the order only: its seeds would hide a test that has none."""
    config.option.randomly_reset_seed = False


def pytest_terminal_summary(terminalreporter, config):
    seed = getattr(config.option, "randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order of the tests: --randomly-seed={seed}")


SHARED = Path(__file__).parents[2] / "shared" / "data" / "upstream"


@pytest.fixture(scope="session")
def real_data():
    """Folder with the real data sets in the cache's layout; skips where there is none."""
    folder = Path(os.environ.get("SKTRANSFORMER_GP_DATA", SHARED))
    if not folder.is_dir():
        pytest.skip(f"the real data sets (yeast, wheat, mice, barley) are not in {folder}")
    return folder


@pytest.fixture(autouse=True)
def close_figures():
    """Leave no figure behind: a later test counts those that are open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
