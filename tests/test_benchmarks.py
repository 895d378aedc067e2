"""What benchmarks share: results that are appended, and not made twice."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def results(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module("results")


def test_a_case_is_done_once_its_row_stands_in_the_file(tmp_path, results):
    path = tmp_path / "scores.csv"
    case = {"dominance": "none", "fold": 0, "by_trait": False}
    assert not results.is_done(path, **case)

    results.append(path, [{**case, "r": 1 / 3}])

    assert results.is_done(path, **case)
    for other in ({"dominance": "strong"}, {"fold": 1}, {"by_trait": True}):
        assert not results.is_done(path, **{**case, **other})
    # Each value stands there, but in two rows.
    results.append(path, [{**case, "fold": 2, "by_trait": True, "r": np.nan}])
    assert not results.is_done(path, **{**case, "fold": 2})


def test_columns_of_the_file_stay_as_they_are(tmp_path, results):
    path = tmp_path / "scores.csv"
    results.append(path, [{"model": "gblup", "r": 0.1234567}])
    results.append(path, pd.DataFrame({"r": [0.5], "added": [1], "model": ["lasso"]}))
    assert path.read_text(encoding="utf-8") == "model,r\ngblup,0.12346\nlasso,0.5\n"
    with pytest.raises(KeyError, match="r"):
        results.append(path, [{"model": "rkhs"}])


def test_digits_are_those_asked_for(tmp_path, results):
    results.append(tmp_path / "seconds.csv", [{"seconds": 0.1234567}], digits=2)
    assert (tmp_path / "seconds.csv").read_text(encoding="utf-8") == "seconds\n0.12\n"
