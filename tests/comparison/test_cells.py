import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_info, threadpool_limits

from sktransformer_gp.comparison import compare_models
from sktransformer_gp.comparison.cells import (
    COLUMNS,
    Failure,
    run_cell,
)
from sktransformer_gp.folds import Fold

FOLD = Fold(1, 2, np.arange(20), np.arange(20, 30), 0.5)


class Spy(RegressorMixin, BaseEstimator):
    """Ridge that keeps the number of threads it saw in a file."""

    def __init__(self, path=None):
        self.path = path

    def fit(self, X, y):
        self.model_ = Ridge().fit(X, y)
        with open(self.path, "a") as file:
            file.write(f"{max(pool['num_threads'] for pool in threadpool_info())}\n")
        return self

    def predict(self, X):
        return self.model_.predict(X)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (30, 12))
    return X, X[:, :2] + rng.normal(size=(30, 2))


def test_a_cell_has_one_row_a_trait_and_its_keys(data):
    scores = run_cell("ridge", Ridge(), *data, FOLD, ("a", "b"))
    assert set(scores) == set(COLUMNS) - {"dataset"}
    assert scores["trait"].tolist() == ["a", "b"]
    for column, value in {"model": "ridge", "repeat": 1, "fold": 2, "train_fraction": 0.5}.items():
        assert (scores[column] == value).all()


def test_a_failure_keeps_type_message_and_traceback(data):
    failure = run_cell("ridge", Ridge(alpha="strong"), *data, FOLD, ("a", "b"))
    assert failure.type == "InvalidParameterError"
    assert "'alpha' parameter of Ridge must be" in failure.message
    assert "validate_parameter_constraints" in failure.traceback
    assert str(failure).startswith(
        "model 'ridge' failed in repeat 1, fold 2, 0.5 of the training rows: InvalidParameterError"
    )
    assert Failure(**failure.as_dict()) == failure


def test_a_fit_alone_has_all_threads_that_are_set(data, tmp_path):
    path, n_threads = tmp_path / "threads", joblib.cpu_count() + 1
    with threadpool_limits(n_threads):
        compare_models({"spy": Spy(path)}, *data, n_jobs=1, verbose=0)
    assert {int(line) for line in path.read_text().split()} == {n_threads}


def test_two_fits_at_once_share_the_cores(data, tmp_path):
    path = tmp_path / "threads"
    compare_models({"spy": Spy(path)}, *data, n_jobs=2, verbose=0)
    seen = [int(line) for line in path.read_text().split()]
    assert len(seen) == 5
    assert max(seen) <= max(1, joblib.cpu_count() // 2)
