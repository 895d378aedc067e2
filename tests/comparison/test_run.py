import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Lasso, Ridge

from sktransformer_gp.comparison import COLUMNS, FailedFits, compare_models
from sktransformer_gp.comparison.journal import Journal

SECONDS = ["fit_seconds", "predict_seconds"]
X = np.random.default_rng(0).integers(0, 3, (60, 30), dtype=np.int8)
Y = X[:, :2] * 10.0 + np.random.default_rng(1).normal(0, 8, (60, 2))
MODELS = {"ridge": Ridge(), "lasso": Lasso(0.1)}

# Fits of 20 ms in a process of their own, which can be killed.
PROGRAM = """
import sys, time
import numpy as np
from sklearn.linear_model import Ridge
from sktransformer_gp.comparison import compare_models

class Slow(Ridge):
    def fit(self, X, y):
        time.sleep(0.02)
        return super().fit(X, y)

X = np.random.default_rng(0).integers(0, 3, (60, 30), dtype=np.int8)
Y = X[:, :2] * 10.0 + np.random.default_rng(1).normal(0, 8, (60, 2))
models = {"ridge": Slow(), "strong": Slow(300.0)}
compare_models(models, X, Y, repeats=4, folder=sys.argv[1], resume=sys.argv[2] == "resume")
"""


class Sometimes(RegressorMixin, BaseEstimator):
    """Ridge that fails until a file is there."""

    def __init__(self, path=None):
        self.path = path

    def fit(self, X, y):
        if not self.path.exists():
            raise ConnectionError("no licence")
        self.model_ = Ridge().fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


class CountsFits(Ridge):
    n_fits = 0

    def fit(self, X, y):
        CountsFits.n_fits += 1
        return super().fit(X, y)


def run(folder, models=None, **arguments):
    return compare_models(models or MODELS, X, Y, cv=4, folder=folder, verbose=0, **arguments)


def test_the_file_is_the_table(tmp_path):
    scores = run(tmp_path, dataset="cross", repeats=2)
    written = pd.read_csv(tmp_path / "scores.csv", dtype=str, na_filter=False)
    written = written.astype(scores.dtypes)
    pd.testing.assert_frame_equal(written, scores, check_exact=True)
    assert list(scores) == list(COLUMNS)
    assert not (tmp_path / "errors.jsonl").exists()
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert provenance["data"]["dataset"] == "cross"
    assert [session["failed"] for session in provenance["sessions"]] == [0]
    assert provenance["sessions"][0]["finished"] >= provenance["sessions"][0]["started"]


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    run(tmp_path)
    before = (tmp_path / "scores.csv").read_bytes()
    with pytest.raises(FileExistsError, match="holds a run already"):
        run(tmp_path)
    assert (tmp_path / "scores.csv").read_bytes() == before


def test_nothing_to_resume_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        run(tmp_path, resume=True)


def test_a_run_that_is_over_fits_nothing_and_gives_its_table(tmp_path):
    models = {"counts": CountsFits()}
    first = run(tmp_path, models, n_jobs=1)
    CountsFits.n_fits = 0
    again = run(tmp_path, models, resume=True)
    assert CountsFits.n_fits == 0
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    assert len(Journal(tmp_path).read_provenance()["sessions"]) == 2


def test_only_what_is_missing_is_run_and_another_model_may_join(tmp_path):
    first = run(tmp_path, {"counts": CountsFits()})
    journal = Journal(tmp_path)
    journal.write_scores(first[first["fold"] != 2])
    CountsFits.n_fits = 0
    again = run(tmp_path, {"ridge": Ridge(), "counts": CountsFits()}, resume=True)
    assert CountsFits.n_fits == 1
    assert again["model"].tolist() == ["ridge"] * 8 + ["counts"] * 8
    counts = again[again["model"] == "counts"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        counts.drop(columns=SECONDS), first.drop(columns=SECONDS), check_exact=True
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"random_state": 1}, "protocol folds_sha256 was"),
        ({"models": {"ridge": Ridge(), "lasso": Lasso(0.2)}}, "models lasso parameters alpha"),
        ({"models": {"ridge": Ridge()}}, "models lasso class was"),
    ],
)
def test_another_run_is_not_resumed(tmp_path, arguments, message):
    run(tmp_path)
    with pytest.raises(ValueError, match=message):
        run(tmp_path, resume=True, **arguments)


def test_another_version_is_a_warning(tmp_path):
    run(tmp_path)
    journal = Journal(tmp_path)
    provenance = journal.read_provenance()
    provenance["sessions"][-1]["versions"]["numpy"] = "1.0.0"
    journal.write_provenance(provenance)
    with pytest.warns(UserWarning, match=r"begun with numpy 1\.0\.0 and goes on with"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_failures_are_written_and_run_again(tmp_path, n_jobs):
    folder, licence = tmp_path / "run", tmp_path / "licence"
    models = {"ridge": Ridge(), "sometimes": Sometimes(licence)}
    with pytest.raises(FailedFits, match=r"ConnectionError: no licence \(4 of 8 fits failed"):
        run(folder, models, n_jobs=n_jobs)
    lines = [json.loads(line) for line in (folder / "errors.jsonl").read_text().splitlines()]
    assert sorted((line["model"], line["fold"]) for line in lines) == [
        ("sometimes", fold) for fold in range(4)
    ]
    assert all(line["type"] == "ConnectionError" for line in lines)
    assert all("raise ConnectionError" in line["traceback"] for line in lines)
    assert set(pd.read_csv(folder / "scores.csv")["model"]) == {"ridge"}
    assert Journal(folder).read_provenance()["sessions"][-1]["failed"] == 4
    licence.touch()
    scores = run(folder, models, n_jobs=n_jobs, resume=True)
    assert not (folder / "errors.jsonl").exists()
    ridge, sometimes = (scores.loc[scores["model"] == name, "r"].tolist() for name in models)
    assert ridge == sometimes


def test_all_fits_failing_leaves_an_empty_table(tmp_path, capfd):
    models = {"sometimes": Sometimes(tmp_path / "licence")}
    with pytest.raises(FailedFits) as caught:
        compare_models(models, X, Y, cv=4, folder=tmp_path, verbose=1)
    assert len(caught.value.scores) == 0
    assert list(pd.read_csv(tmp_path / "scores.csv")) == list(COLUMNS)
    assert "sometimes=(4 failed)" in capfd.readouterr().err


class Dies(Ridge):
    """Ends its process: as a model does that is too large for the memory."""

    def __init__(self, path=None):
        super().__init__()
        self.path = path

    def fit(self, X, y):
        if self.path is None or not self.path.exists():
            if self.path is not None:
                self.path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


def test_a_worker_that_dies_once_costs_no_result(tmp_path):
    models = {"dies": Dies(tmp_path / "died"), "ridge": Ridge()}
    with pytest.warns(UserWarning, match=r"a worker was lost \(TerminatedWorkerError\)"):
        scores = run(tmp_path / "run", models, n_jobs=2)
    dies, ridge = (scores.loc[scores["model"] == name, "r"].tolist() for name in models)
    assert dies == ridge == compare_models({"r": Ridge()}, X, Y, cv=4, verbose=0)["r"].tolist()


def test_a_model_that_kills_its_workers_does_not_stop_the_others(tmp_path):
    models = {"dies": Dies(), "ridge": Ridge()}
    cv = [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))]
    with (
        pytest.warns(UserWarning, match="a worker was lost"),
        pytest.raises(FailedFits, match=r"'dies' failed in .*LostWorker: the process") as caught,
    ):
        compare_models(models, X, Y, cv=cv, n_jobs=2, verbose=0, folder=tmp_path)
    assert [failure.fold for failure in caught.value.failures] == [0, 1]
    assert caught.value.scores["model"].tolist() == ["ridge"] * 4
    assert len(Journal(tmp_path).read_failures()) == 2


def start(folder, how):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), how],
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_run_goes_on_to_the_table_of_an_undisturbed_one(tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    start(undisturbed, "start").communicate()
    rng, how = random.Random(0), "start"
    for _ in range(3):
        process = start(killed, how)
        while process.poll() is None and not (killed / "provenance.json").exists():
            time.sleep(0.005)
        if how == "resume":  # the progress bar begins when the imports are over
            process.stderr.read(1)
        time.sleep(rng.uniform(0, 0.25))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stderr.close()
        how = "resume"
    n_lines = (killed / "scores.csv").read_bytes().count(b"\n")
    assert 0 < n_lines < 81  # else nothing was interrupted
    last = start(killed, "resume")
    assert last.communicate()[1].rstrip().endswith("]")
    assert last.returncode == 0
    tables = [
        pd.read_csv(folder / "scores.csv", dtype=str).drop(columns=SECONDS)
        for folder in (undisturbed, killed)
    ]
    pd.testing.assert_frame_equal(*tables)  # as text: bit for bit
    assert len(tables[0]) == 2 * 4 * 5 * 2
    assert len(Journal(killed).read_provenance()["sessions"]) == 4
