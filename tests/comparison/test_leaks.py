import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from sktransformer_gp.comparison import LeakWarning, compare_models
from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.comparison.leaks import count_clones, is_transductive, warn_of_clones
from sktransformer_gp.folds import Fold, draw_folds
from sktransformer_gp.splitters import SparseTesting


class Standardises(RegressorMixin, BaseEstimator):
    """Ridge that scales with the samples it predicts, as a step outside the pipeline does."""

    def fit(self, X, y):
        self.model_ = Ridge().fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X - X.mean(axis=0))


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (60, 40)).astype(float)
    return X, X[:, :2] + rng.normal(size=(60, 2))


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame, lambda X: X.astype(object)])
def test_clones_across_training_and_test_are_counted(data, wrap):
    X, y = data
    X[3, 5] = np.nan
    X[[10, 11, 12]] = X[3]  # four of a kind
    X[40] = X[41]
    folds = draw_folds(y, 4)
    expected = []
    for fold in folds:
        same = [
            any(np.array_equal(X[i], X[j], equal_nan=True) for j in fold.train) for i in fold.test
        ]
        expected.append(sum(same))
    assert sum(expected) > 0
    assert count_clones(wrap(X), folds) == expected


def test_a_line_is_no_clone_of_itself(data):
    X, y = data
    assert count_clones(X, draw_folds(y, SparseTesting(3, random_state=0))) == [0, 0, 0]
    fold = Fold(0, 0, np.arange(59), np.array([59]))
    X[59] = X[0]
    assert count_clones(X, [fold]) == [1]


def test_a_comparison_warns_with_the_number_and_notes_it(data, tmp_path):
    X, y = data
    X[1] = X[0]
    cv = [(np.arange(1, 60), [0]), (np.arange(2, 60), [0, 1]), (np.arange(0, 58), [58, 59])]
    cv = [(train, np.r_[test, 58, 59] if len(test) == 1 else test) for train, test in cv]
    cv[0] = (np.arange(1, 58), cv[0][1])
    with pytest.warns(LeakWarning, match=r"1 test samples, in 1 of 3 folds, have the very geno"):
        compare_models({"r": Ridge()}, X, y, cv=cv, verbose=0, folder=tmp_path)
    leaks = Journal(tmp_path).read_provenance()["leaks"]
    assert leaks == {"clones_in_test": 1, "folds_with_clones": 1}


def test_no_clones_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_clones([0, 0])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_predictions_that_depend_on_each_other_are_a_warning(data, n_jobs):
    models = {"alone": Ridge(), "together": Standardises()}
    with pytest.warns(LeakWarning, match="model 'together' predicts 3 samples otherwise") as caught:
        compare_models(models, *data, cv=3, n_jobs=n_jobs, verbose=0)
    assert len(caught) == 1


def test_rounding_is_no_transduction(data):
    X, y = data
    model = Ridge().fit(X, y)
    predicted = model.predict(X)
    noise = 1e-6 * predicted.std() * np.random.default_rng(0).normal(size=predicted.shape)
    assert not is_transductive(model, X, predicted + noise)
    assert not is_transductive(model, pd.DataFrame(X).set_axis(range(40), axis=1), predicted)
    assert is_transductive(model, X, predicted + 1e3 * noise)
