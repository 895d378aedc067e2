import signal
import subprocess
import sys
import threading
import time

from threadpoolctl import threadpool_info, threadpool_limits

from sktransformer_gp.comparison.workers import WATCH, end_with_parent, limit_threads

PROGRAM = """
import os, time
from joblib import Parallel, delayed
from sktransformer_gp.comparison.workers import end_with_parent

def work(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

Parallel(n_jobs=2, initializer=end_with_parent)(delayed(work)(60) for _ in range(2))
"""


def test_threads_are_limited_and_set_back():
    with threadpool_limits(2):
        before = [pool["num_threads"] for pool in threadpool_info()]
        with limit_threads(1):
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert [pool["num_threads"] for pool in threadpool_info()] == before
        with limit_threads(None), limit_threads(64):  # never more than are set
            assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_the_main_process_is_not_watched():
    end_with_parent()
    assert WATCH not in {thread.name for thread in threading.enumerate()}


def test_workers_of_a_killed_process_end():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        workers = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, workers))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
