"""Where training runs: the device, the threads of its products, and what to do without memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

# Threads that torch had before the first of those that are in `one_thread` now, for each of them.
_BEFORE: list[int] = []
_LOCK = threading.Lock()
# Of CUDA and MPS; of a CPU.
OUT_OF_MEMORY = ("out of memory", "can't allocate memory")


def pick_device(name: str) -> str:
    """Return the device to train on.

    Parameters
    ----------
    name : str
        A device torch knows, or "auto": the first of cuda, mps and cpu that is there.

    Returns
    -------
    str
        The device's name.

    Raises
    ------
    ValueError
        If torch does not know the name.

    Examples
    --------
    >>> from sktransformer_gp.devices import pick_device
    >>> pick_device("cpu")
    'cpu'
    """
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device is 'auto', 'cpu', 'cuda' or 'mps', got {name!r}") from error
    return name


@contextmanager
def one_thread() -> Iterator[None]:
    """Let one thread have a product to itself, here and in other threads that ask for it.

    Beside OpenMP's number of threads, which each thread has for itself, MKL's of the whole process
    is set, until the last has left: where MKL knows of more threads, it sums in another order, and
    a fit in one of two processes would differ from one alone in the last bit.

    Examples
    --------
    >>> import torch
    >>> from sktransformer_gp.devices import one_thread
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    with _LOCK:
        _BEFORE.append(_BEFORE[0] if _BEFORE else torch.get_num_threads())
    with threadpool_limits(1, user_api="openmp"):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            with _LOCK:
                before = _BEFORE.pop()
                if not _BEFORE:
                    torch.set_num_threads(before)


@contextmanager
def say_what_to_lower(device: str, batch_size: int) -> Iterator[None]:
    """Turn torch's error for a lack of memory into one that says what to lower.

    Parameters
    ----------
    device : str
        Where memory is taken.
    batch_size : int
        Number of individuals in a training step.

    Raises
    ------
    MemoryError
        If torch finds no memory.

    Examples
    --------
    >>> from sktransformer_gp.devices import say_what_to_lower
    >>> with say_what_to_lower("cuda", 32):
    ...     raise RuntimeError("CUDA out of memory. Tried to allocate 20 GiB")
    Traceback (most recent call last):
    MemoryError: no memory left on the device 'cuda': lower batch_size (now 32), cross_fitting...
    """
    try:
        yield
    except RuntimeError as error:  # torch has a class for it on GPUs only
        if not any(text in str(error) for text in OUT_OF_MEMORY):
            raise
        raise MemoryError(
            f"no memory left on the device {device!r}: lower batch_size (now {batch_size}), "
            "cross_fitting (encoders side by side) or d_model, keep fewer markers by a "
            f"preprocessor, or give device='cpu' ({error})"
        ) from error
