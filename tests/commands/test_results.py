import functools
import sys

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import datasets
from sktransformer_gp.__main__ import main
from sktransformer_gp.commands.results import write_results
from sktransformer_gp.comparison import paired_differences


@pytest.fixture
def small_cross(monkeypatch):
    """Make the simulated cross small."""
    small = functools.partial(datasets.make_cross, n_samples=80, n_markers=120)
    monkeypatch.setattr(datasets, "make_cross", small)
    return small


def test_the_table_is_aligned(small_cross, tmp_path, capfd):
    main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)])
    lines = capfd.readouterr().out.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("model "))
    assert len({len(line) for line in lines[header : header + 3]}) == 1


def test_without_matplotlib_there_is_a_table_and_a_word(small_cross, tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)])
    assert "No figure: matplotlib is not installed" in capfd.readouterr().out
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["provenance.json", "scores.csv", "summary.csv"]


@pytest.fixture
def scores():
    """Two traits in four folds of three models, of which one has a single fold."""
    folds = pd.MultiIndex.from_product([["rf", "gblup", "lasso"], ["a", "b"], range(4)])
    scores = pd.DataFrame(list(folds), columns=["model", "trait", "fold"])
    scores["r"] = np.random.default_rng(0).uniform(size=len(scores))
    numbers = {"mse": 1.0, "r2": 0.0, "fit_seconds": 1.0, "predict_seconds": 1.0}
    scores = scores.assign(dataset="", repeat=0, n_train=30, n_test=10, **numbers)
    return scores[(scores["model"] != "lasso") | (scores["fold"] == 1)]


def test_differences_to_gblup_of_the_models_that_have_folds_in_common(scores, tmp_path, capfd):
    write_results(scores, tmp_path)
    expected = paired_differences(scores[scores["model"] != "lasso"], "gblup")
    found = pd.read_csv(tmp_path / "differences.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(found, expected)
    assert set(found["model"]) == {"rf"}
    assert "Differences to gblup" in capfd.readouterr().out


def test_one_model_has_no_differences_nor_keeps_those_of_an_earlier_run(scores, tmp_path):
    write_results(scores, tmp_path)
    write_results(scores[scores["model"] == "rf"], tmp_path)
    assert not (tmp_path / "differences.csv").exists()
