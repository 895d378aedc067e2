"""Processes that fit: they share the cores, and none outlives the run."""

import multiprocessing
import os
import threading
import time
from contextlib import AbstractContextManager, nullcontext

from threadpoolctl import ThreadpoolController

WATCH = "end with the run"
SECONDS = 2.0


def limit_threads(n_threads: int | None) -> AbstractContextManager:
    """Keep the threads of BLAS and OpenMP, which torch uses as well, below a number.

    Parameters
    ----------
    n_threads : int or None
        Most threads; None = as they are set. Fewer that are set already stay.

    Returns
    -------
    context manager
        The limit holds inside it.

    Examples
    --------
    >>> from sktransformer_gp.comparison.workers import limit_threads
    >>> with limit_threads(1):
    ...     pass
    """
    if n_threads is None:
        return nullcontext()
    pools = ThreadpoolController()
    return pools.limit(
        limits={pool["prefix"]: min(n_threads, pool["num_threads"]) for pool in pools.info()}
    )


def end_with_parent() -> None:
    """Make a worker process of joblib end when the process that started it is gone.

    Workers of a run that was killed would otherwise wait for ever for the rest of a message, and
    keep their memory. An initializer for ``joblib.Parallel``: a worker has to be watched before it
    reads its first message. Does nothing in the main process.
    """
    if multiprocessing.current_process().name.startswith("LokyProcess"):
        threading.Thread(target=_watch, args=(os.getppid(),), name=WATCH, daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS)
    os._exit(1)
