import sys

import joblib
import numpy as np
import pytest

from sktransformer_gp.commands.cluster import join_cluster


def test_without_an_address_nothing_changes():
    with join_cluster(None, [np.zeros(3)]):
        assert joblib.effective_n_jobs(1) == 1


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ImportError, match=r"sktransformer-gp\[dask\]"),
        join_cluster("tcp://127.0.0.1:8786", []),
    ):
        pass
