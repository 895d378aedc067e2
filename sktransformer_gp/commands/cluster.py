"""A command's fits on a cluster of machines."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def join_cluster(address: str | None, data: list) -> Iterator[None]:
    """Send what joblib runs in parallel to a dask cluster.

    Parameters
    ----------
    address : str or None
        Address of the scheduler, for instance ``"tcp://host:8786"``; None = stay on this machine.
    data : list of ndarray or DataFrame
        Large arguments of the fits: sent once to every worker, so that a worker that is lost takes
        nothing with it.

    Raises
    ------
    ImportError
        If `distributed` is not installed: names the extra.
    OSError
        If nobody answers at the address.

    Examples
    --------
    >>> from sktransformer_gp.commands.cluster import join_cluster
    >>> with join_cluster(None, []):
    ...     print("on this machine")
    on this machine
    """
    if address is None:
        yield
        return
    from joblib import parallel_config

    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("--dask needs dask: pip install 'sktransformer-gp[dask]'") from error
    with Client(address, timeout="10s"), parallel_config(backend="dask", scatter=data):
        yield
