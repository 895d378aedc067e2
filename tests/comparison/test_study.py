import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.comparison.study import as_phenotypes, check_study, count_observed


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (30, 12))
    return X, X[:, :2] + rng.normal(size=(30, 2))


def test_the_study_keeps_the_very_objects(data):
    X, y = data
    study = check_study(X, y, dataset="cross", groups=np.repeat(["a", "b", "c"], 10).tolist())
    assert study.X is X
    assert study.y is y
    assert study.traits == ("trait_1", "trait_2")
    assert study.groups.tolist() == ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    frame = pd.DataFrame(X)
    assert check_study(frame, y).X is frame


def test_a_single_trait_has_one_dimension():
    assert as_phenotypes([[1], [2]]).tolist() == [1.0, 2.0]
    assert as_phenotypes(pd.DataFrame({"a": [1.0, np.nan], "b": [2, 3]})).shape == (2, 2)


def test_observed_phenotypes_are_counted():
    assert count_observed(np.array([1.0, np.nan, 2.0])).tolist() == [2]
    assert count_observed(np.array([[1.0, np.nan], [np.nan, np.nan]])).tolist() == [1, 0]
