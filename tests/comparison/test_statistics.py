import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sktransformer_gp.comparison import compare_models
from sktransformer_gp.comparison.statistics import REQUIRED, summarise


@pytest.fixture
def X():
    return np.random.default_rng(0).integers(0, 3, (60, 8), dtype=np.int8)


@pytest.fixture
def y(X):
    return X[:, :2] * 10.0 + np.random.default_rng(1).normal(0, 8, (60, 2))


def test_summarise_by_hand():
    rows = [
        ("d", "z", "t", 0.5, 1.0, 0.2, 3.0, 0.1),
        ("d", "z", "t", 0.7, 3.0, 0.4, 5.0, 0.3),
        ("d", "a", "t", -0.1, 2.0, -0.5, 1.0, 0.2),
    ]
    summary = summarise(pd.DataFrame(rows, columns=REQUIRED))
    assert summary["model"].tolist() == ["z", "a"]
    z, a = summary.itertuples(index=False)
    assert z[:4] == ("d", "z", "t", 2)
    # sd of .5 and .7 with n - 1: sqrt(.02)
    assert z[4:] == pytest.approx((0.6, 0.02**0.5, 2.0, 0.3, 4.0, 0.2))
    assert np.isnan(a.r_sd)


def test_summarise_survives_a_csv_file(X, y, tmp_path):
    scores = compare_models({"b": Ridge(), "a": Ridge(9.0)}, X, y, cv=3, verbose=0)
    scores.to_csv(tmp_path / "scores.csv", index=False)
    again = summarise(pd.read_csv(tmp_path / "scores.csv"))
    pd.testing.assert_frame_equal(
        again.drop(columns="dataset"), summarise(scores).drop(columns="dataset")
    )


def test_summarise_names_a_missing_column(X, y):
    scores = compare_models({"b": Ridge()}, X, y, cv=3, verbose=0)
    with pytest.raises(ValueError, match="no column 'mse'"):
        summarise(scores.drop(columns="mse"))
