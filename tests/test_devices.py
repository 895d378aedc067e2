import threading

import pytest
import torch

from sktransformer_gp.devices import one_thread, pick_device


def test_device_auto_is_the_best_there_is():
    assert pick_device("auto") in ("cuda", "mps", "cpu")
    assert (pick_device("auto") == "cuda") == torch.cuda.is_available()


def test_unknown_device_is_named():
    with pytest.raises(ValueError, match="got 'abacus'"):
        pick_device("abacus")


def test_the_last_thread_to_leave_gives_the_threads_back():
    before, inside, leave = torch.get_num_threads(), threading.Event(), threading.Event()

    def stay():
        with one_thread():
            inside.set()
            leave.wait(10)

    torch.set_num_threads(3)
    try:
        other = threading.Thread(target=stay)
        other.start()
        inside.wait(10)
        with one_thread():
            assert torch.get_num_threads() == 1
        leave.set()
        other.join()
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
