import hashlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sktransformer_gp.comparison.provenance import (
    describe_machine,
    describe_model,
    describe_run,
    describe_session,
    describe_value,
    find_changes,
    hash_folds,
)
from sktransformer_gp.comparison.study import check_study
from sktransformer_gp.folds import Fold, draw_folds

X = np.random.default_rng(0).integers(0, 3, (600, 4), dtype=np.int8)
Y = np.random.default_rng(1).normal(size=(600, 2))


def describe(X=X, y=Y, models=None, cv=3, **kwargs):
    study = check_study(X, y, dataset="cross", **kwargs)
    folds = draw_folds(study.y, cv)
    models = models or {"a, b": Ridge()}
    return describe_run(study, folds, models, {"cv": cv, "random_state": 0})


def test_hash_of_folds_by_hand():
    folds = [Fold(0, 0, np.array([0, 2], dtype=np.int32), np.array([1]))]
    data = b"0 0 1.0" + b"".join(row.to_bytes(8, "little") for row in (0, 2, 1))
    assert hash_folds(folds) == hashlib.sha256(data).hexdigest()


def test_a_run_is_described_for_json():
    run = json.loads(json.dumps(describe(groups=np.arange(600) % 7)))
    assert (run["data"]["n_samples"], run["data"]["n_markers"]) == (600, 4)
    assert run["data"]["traits"] == ["trait_1", "trait_2"]
    assert run["data"]["phenotypes_sha256"] == hashlib.sha256(Y.tobytes()).hexdigest()
    assert run["protocol"]["groups"] == 7
    assert run["protocol"]["n_folds"] == run["protocol"]["cv"] == 3
    ridge = run["models"]["a, b"]
    assert ridge["class"] == "sklearn.linear_model._ridge.Ridge"
    assert ridge["parameters"]["alpha"] == 1.0


def test_the_same_run_has_no_changes():
    assert find_changes(describe(), json.loads(json.dumps(describe()))) == []


def test_descriptions_are_the_same_in_another_process():
    model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), Ridge())
    code = (
        "import json, numpy as np; from sklearn.linear_model import Ridge\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer, StandardScaler\n"
        "from sktransformer_gp.comparison.provenance import describe_model\n"
        "model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), Ridge())\n"
        "print(json.dumps(describe_model(model)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == describe_model(model)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"X": np.where(np.arange(4) == 3, 0, X)}, "data dosages_sha256"),
        ({"X": pd.DataFrame(X)}, "data dosages_sha256"),  # columns have names
        ({"y": Y + 1e-12}, "data phenotypes_sha256"),
        ({"trait_names": ["u", "v"]}, "data traits was ['trait_1', 'trait_2'] and is ['u', 'v']"),
        ({"cv": 4}, "protocol cv was 3 and is 4"),
        ({"cv": [(np.arange(500), np.arange(500, 600))]}, "protocol folds_sha256"),
        ({"groups": np.arange(600)}, "protocol groups was None and is 600"),
        ({"models": {"a, b": Ridge(2.0)}}, "models a, b parameters alpha was 1.0 and is 2.0"),
        ({"models": {"c": Ridge()}}, "models a, b class was 'sklearn.linear_model._ridge.Ridge'"),
    ],
)
def test_changes_are_named(other, message):
    assert any(change.startswith(message) for change in find_changes(describe(), describe(**other)))


def test_runs_of_this_format_only_go_on():
    assert find_changes({**describe(), "format": 1}, describe()) == []
    assert find_changes({"format": 2}, describe()) == ["format was 2 and is 1"]


def test_a_model_may_join():
    models = {"a, b": Ridge(), "c": Ridge(3.0)}
    assert find_changes(describe(), describe(models=models)) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (np.nan, "nan"),
        (-np.inf, "-inf"),
        (np.log1p, "<ufunc 'log1p'>"),
        (print, "<built-in function print>"),
        (lambda: 0, "<function <lambda>>"),
        (KFold(3), "KFold(n_splits=3, random_state=None, shuffle=False)"),
        (Ridge(7.0), "Ridge"),
        (np.zeros(2), f"ndarray (2,) sha256 {hashlib.sha256(bytes(16)).hexdigest()}"),
    ],
)
def test_values(value, expected):
    assert describe_value(value) == expected


def test_a_long_value_is_cut_but_known_by_its_hash():
    values = list(range(1000))
    text = describe_value(values)
    assert text.startswith(str(values)[:300] + "... ")
    assert len(text) == 300 + 4 + 64
    assert text != describe_value([*values[:-1], 0])


def test_a_session_tells_command_versions_and_machine():
    session = json.loads(json.dumps(describe_session(["compare", "--cv", "3"], n_jobs=2)))
    assert session["command"] == ["compare", "--cv", "3"]
    assert session["versions"]["scikit-learn"] == sklearn.__version__
    assert session["started"].endswith("+00:00")
    assert session["finished"] is None
    assert describe_session(None, 1)["command"] == sys.argv
    assert session["machine"] == describe_machine()
    assert session["machine"]["n_cores"] >= 1
