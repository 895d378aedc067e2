import pickle

import numpy as np
import pytest
import sklearn.metrics
from scipy.stats import pearsonr, spearmanr
from sklearn.base import BaseEstimator, is_regressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.utils import get_tags

from sktransformer_gp.metrics import (
    TraitRegressorMixin,
    pearson_scorer,
    pearson_scorers,
    rank_correlation_scorer,
    selection_response,
    selection_response_scorer,
    top_fraction_overlap,
    top_fraction_overlap_scorer,
)


@pytest.fixture
def gaps():
    """Phenotypes of three traits with gaps, and predictions that correlate with them."""
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(40, 3)) * [1.0, 20.0, 0.3] + [0.0, 500.0, -7.0]
    y_pred = 0.5 * y_true + rng.normal(size=(40, 3))
    y_true[rng.random((40, 3)) < 0.2] = np.nan
    return y_true, y_pred


class MeanOfTraits(TraitRegressorMixin, BaseEstimator):
    """Predicts the training mean of each trait, with phenotypes missing."""

    def fit(self, X, y):
        self.mean_ = np.nanmean(y, axis=0)
        return self

    def predict(self, X):
        return np.zeros((len(X), *np.shape(self.mean_))) + self.mean_


def by_trait(metric, y_true, y_pred):
    observed = ~np.isnan(y_true)
    return [metric(y_true[o, k], y_pred[o, k]) for k, o in enumerate(observed.T)]


@pytest.fixture
def cross():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 3, size=(60, 8)).astype(float)
    return X, X @ rng.normal(size=(8, 2)) + rng.normal(size=(60, 2))


def test_pearson_scorer_is_the_mean_over_traits_of_each_fold(cross):
    X, y = cross
    folds = KFold(4)
    expected = []
    for train, test in folds.split(X):
        predicted = Ridge().fit(X[train], y[train]).predict(X[test])
        expected.append(np.mean([pearsonr(y[test, k], predicted[:, k])[0] for k in (0, 1)]))
    scores = cross_val_score(Ridge(), X, y, cv=folds, scoring=pearson_scorer)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_pearson_scorer_picks_the_best_in_a_grid_search(cross):
    X, y = cross
    search = GridSearchCV(Ridge(), {"alpha": [1e-3, 10.0, 1e6]}, scoring=pearson_scorer, cv=3)
    search.fit(X, y)
    means = [
        cross_val_score(Ridge(alpha=alpha), X, y, cv=3, scoring=pearson_scorer).mean()
        for alpha in (1e-3, 10.0, 1e6)
    ]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means, rtol=1e-12)
    assert search.best_index_ == int(np.argmax(means))


def test_scorers_report_each_trait_by_name_and_survive_pickling(cross):
    X, y = cross
    scorers = pickle.loads(pickle.dumps(pearson_scorers(["Lactate", "Lactose"])))
    y = y.copy()
    y[::7, 1] = np.nan
    model = LinearRegression().fit(X, cross[1])
    observed = ~np.isnan(y[:, 1])
    expected = pearsonr(y[observed, 1], model.predict(X)[observed, 1]).statistic
    assert scorers["Lactose"](model, X, y) == pytest.approx(expected, rel=1e-12)
    weight = observed.astype(float)
    assert scorers["Lactate"](model, X, y, sample_weight=weight) == pytest.approx(
        pearsonr(y[observed, 0], model.predict(X)[observed, 0]).statistic, rel=1e-12
    )


def test_scorers_in_cross_validate_average_to_the_mean_scorer(cross):
    X, y = cross
    scores = cross_validate(Ridge(), X, y, cv=3, scoring=pearson_scorers(["a", "b"]))
    mean = (scores["test_a"] + scores["test_b"]) / 2
    np.testing.assert_allclose(
        mean, cross_val_score(Ridge(), X, y, cv=3, scoring=pearson_scorer), rtol=1e-12
    )


def test_an_unobserved_trait_of_a_fold_is_an_error_that_names_it(cross):
    X, y = cross
    y = y.copy()
    y[20:40, 1] = np.nan
    scoring = pearson_scorers(["Lactate", "Lactose"])
    with pytest.raises(ValueError, match="'Lactose' has 0 observed"):
        cross_validate(MeanOfTraits(), X, y, cv=3, scoring=scoring, error_score="raise")
    with pytest.warns(UserWarning, match="Scoring failed"):
        scores = cross_validate(MeanOfTraits(), X, y, cv=3, scoring=scoring)
    np.testing.assert_array_equal(np.isnan(scores["test_Lactose"]), [False, True, False])
    np.testing.assert_array_equal(scores["test_Lactate"], 0.0)  # a mean ranks nobody


@pytest.mark.parametrize("names", [[], ["a", "a"], "ab"])
def test_trait_names_are_different_names(names):
    with pytest.raises(ValueError, match=r"trait_names.*got"):
        pearson_scorers(names)


def test_scorers_refuse_another_number_of_traits(cross):
    X, y = cross
    scorer = pearson_scorers(["a", "b", "c"])["a"]
    with pytest.raises(ValueError, match=r"2 traits.*\['a', 'b', 'c'\]"):
        scorer(LinearRegression().fit(X, y), X, y)


def test_mixin_scores_the_observed_phenotypes(gaps):
    y, X = gaps
    model = MeanOfTraits().fit(X, y[:, 0])
    expected = by_trait(sklearn.metrics.r2_score, y[:20], model.fit(X, y).predict(X[:20]))
    assert model.score(X[:20], y[:20]) == pytest.approx(np.mean(expected), rel=1e-12)
    weight = np.r_[np.ones(10), np.zeros(10)]
    assert model.score(X[:20], y[:20], sample_weight=weight) == model.score(X[:10], y[:10])
    assert is_regressor(model)
    assert get_tags(model).target_tags.multi_output


def test_the_other_scorers_are_their_metrics(cross):
    X, y = cross
    model = Ridge().fit(X, y)
    predicted = model.predict(X)
    ranks = [spearmanr(y[:, k], predicted[:, k]).statistic for k in (0, 1)]
    assert rank_correlation_scorer(model, X, y) == pytest.approx(np.mean(ranks))
    assert selection_response_scorer(model, X, y) == selection_response(y, predicted)
    assert top_fraction_overlap_scorer(model, X, y) == top_fraction_overlap(y, predicted)
    folds = KFold(4)
    scores = cross_val_score(model, X, y, cv=folds, scoring=selection_response_scorer)
    assert (scores > 0).all()
