"""A cluster of several worker processes on this machine: the same scores as without it."""

import os
import signal

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sktransformer_gp import DosageImputer, GBLUPRegressor, datasets, pearson_scorer
from sktransformer_gp.__main__ import main
from sktransformer_gp.comparison import compare_models

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
SECONDS = ["fit_seconds", "predict_seconds"]
X = pd.DataFrame(np.random.default_rng(0).integers(0, 3, (90, 200)).astype(float))
X.columns = [f"1:{j}" for j in range(200)]
Y = X.iloc[:, :2] + np.random.default_rng(1).normal(size=(90, 2))
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


class KillsItsWorkerOnce(Ridge):
    """Ends its process by SIGKILL in the first fit of all, by the file it leaves."""

    def __init__(self, path=None):
        super().__init__()
        self.path = path

    def fit(self, X, y):
        if not os.path.exists(self.path):
            open(self.path, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


@pytest.fixture(scope="module")
def cluster():
    # Any free port: the usual one is taken where another cluster runs.
    options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with distributed.LocalCluster(n_workers=3, **options) as cluster:
        yield cluster


def models():
    return {"gblup": make_pipeline(DosageImputer(), GBLUPRegressor()), "ridge": Ridge()}


def compare(models, **arguments):
    scores = compare_models(models, X, Y, cv=3, repeats=2, verbose=0, **arguments)
    return scores.drop(columns=SECONDS)


@pytest.fixture(scope="module")
def serial():
    return compare(models())


def test_scores_are_the_serial_ones(cluster, serial):
    with distributed.Client(cluster), joblib.parallel_config(backend="dask", scatter=[X, Y]):
        pd.testing.assert_frame_equal(compare(models()), serial, check_exact=True)


# What was not scattered lies on one worker and may be lost with it: its fits are run again.
@pytest.mark.filterwarnings("ignore:a worker was lost")
@pytest.mark.parametrize("scatter", [[X, Y], [X]], ids=["all", "dosages alone"])
def test_a_worker_that_is_killed_costs_no_result(cluster, serial, tmp_path, scatter):
    killed = {**models(), "ridge": KillsItsWorkerOnce(str(tmp_path / "killed"))}
    with distributed.Client(cluster), joblib.parallel_config(backend="dask", scatter=scatter):
        scores = compare(killed, folder=tmp_path / "run")
    assert (tmp_path / "killed").exists()
    pd.testing.assert_frame_equal(scores, serial, check_exact=True)


def test_a_grid_search_has_the_serial_scores(cluster):
    search = GridSearchCV(Ridge(), {"alpha": [1, 100, 1e4]}, scoring=pearson_scorer, cv=3)
    serial = search.fit(X, Y).cv_results_["mean_test_score"]
    with distributed.Client(cluster), joblib.parallel_config(backend="dask", scatter=[X, Y]):
        spread = search.fit(X, Y).cv_results_["mean_test_score"]
    assert spread.tolist() == serial.tolist()


@pytest.fixture
def small_cross(monkeypatch):
    cross = datasets.make_cross(80, 120, random_state=0, as_frame=True)
    monkeypatch.setattr(datasets, "make_cross", lambda **arguments: cross)


def test_the_command_line_joins_a_cluster(cluster, tmp_path, small_cross):
    command = ["compare", "--dataset", "simulated", "--models", "gblup", "--cv", "3", "--out"]
    assert main([*command, str(tmp_path / "here")]) == 0
    address = cluster.scheduler_address
    assert main([*command, str(tmp_path / "there"), "--dask", address]) == 0
    here, there = (
        pd.read_csv(tmp_path / name / "scores.csv", dtype=str).drop(columns=SECONDS)
        for name in ("here", "there")
    )
    pd.testing.assert_frame_equal(here, there)


def test_nobody_at_the_address(small_cross, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("distributed.Client.__init__", refuse)
    with pytest.raises(SystemExit) as caught:
        main(["compare", "--dataset", "simulated", "--dask", "tcp://no", "--out", str(tmp_path)])
    assert caught.value.code == 2
    assert "Timed out trying to connect to tcp://no" in capfd.readouterr().err


def refuse(self, address, **options):
    raise OSError(f"Timed out trying to connect to {address}")
