import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from scipy.stats import pearsonr
from sklearn.base import BaseEstimator, is_regressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.utils import get_tags

from sktransformer_gp.metrics import (
    TraitRegressorMixin,
    mean_squared_error,
    pearson_correlation,
    pearson_scorer,
    pearson_scorers,
    r2_score,
)

ALL = [pearson_correlation, mean_squared_error, r2_score]


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


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (pearson_correlation, lambda y, p: pearsonr(y, p).statistic),
        (mean_squared_error, sklearn.metrics.mean_squared_error),
        (r2_score, sklearn.metrics.r2_score),
    ],
)
def test_each_trait_equals_the_reference_on_its_observed_samples(ours, reference, gaps):
    expected = by_trait(reference, *gaps)
    # two algorithms for the same sums of 40 terms: a few spacings of float64
    np.testing.assert_allclose(ours(*gaps, multioutput="raw_values"), expected, rtol=1e-12)
    mean = ours(*gaps)
    assert isinstance(mean, float)
    assert mean == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_weights_are_repeated_rows_and_zero_removes(metric, gaps):
    y_true, y_pred = gaps
    weight = np.arange(40) % 3
    repeated = np.repeat(np.arange(40), weight)
    weighted = metric(y_true, y_pred, sample_weight=weight, multioutput="raw_values")
    expected = metric(y_true[repeated], y_pred[repeated], multioutput="raw_values")
    np.testing.assert_allclose(weighted, expected, rtol=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_one_trait_in_one_or_two_dimensions_and_other_containers(metric, gaps):
    y_true, y_pred = gaps[0][:, 0], gaps[1][:, 0]
    expected = metric(y_true, y_pred)
    assert metric(y_true[:, None], y_pred) == expected
    assert metric(list(y_true), pd.Series(y_pred)) == expected
    assert metric(y_true, y_pred, multioutput="raw_values").shape == (1,)


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]),
        ([1.0, 2.0, 3.0], [0.1 * 3, 0.3, 0.1 + 0.2]),
        ([1.0, 2.0, 3.0], [7e8, 7e8 + 2e-7, 7e8]),
        ([5.0, 5.0, 5.0], [1.0, 2.0, 3.0]),
        ([5.0, 5.0, np.nan], [1.0, 2.0, 3.0]),
    ],
    ids=["zeros", "rounding", "rounding of large values", "observed", "observed with a gap"],
)
def test_a_constant_correlates_0(y_true, y_pred):
    assert pearson_correlation(y_true, y_pred) == 0.0


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e12, 1e200])
@pytest.mark.parametrize("offset", [0.0, 1e10])
def test_correlation_keeps_its_value_at_any_scale_and_on_an_offset(scale, offset):
    rng = np.random.default_rng(1)
    y_true, y_pred = rng.normal(size=(2, 50))
    expected = pearsonr(y_true, y_pred).statistic
    # the offset leaves 6 of float64's 16 digits to the phenotypes
    assert pearson_correlation(scale * (y_true + offset), y_pred) == pytest.approx(
        expected, abs=1e-12 if offset == 0 else 1e-5
    )
    assert pearson_correlation(y_true, -scale * y_pred) == pytest.approx(-expected, abs=1e-12)


def test_correlation_never_leaves_its_range():
    rng = np.random.default_rng(2)
    for slope in (3, -3):
        r = [pearson_correlation(y, slope * y + 1) for y in rng.normal(size=(200, 7))]
        assert np.abs(r).max() <= 1.0
        np.testing.assert_allclose(r, np.sign(slope), atol=1e-12)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], {}, r"differ in shape: \(2, 1\) and \(3, 1\)"),
        (np.ones((4, 2)), np.ones(4), {}, r"differ in shape: \(4, 2\) and \(4, 1\)"),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2)), {}, "dim 3"),
        ([1.0, 2.0], [1.0, np.nan], {}, "y_pred contains NaN"),
        ([1.0, 2.0], [1.0, np.inf], {}, "y_pred contains infinity"),
        ([1.0, -np.inf], [1.0, 2.0], {}, "y_true contains infinity"),
        ([1.0, 2.0], [1.0, 2.0], {"multioutput": "mean"}, "uniform_average.*got 'mean'"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [1.0, -0.5]}, r">= 0.*-0\.5"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [1.0]}, r"inconsistent.*\[1, 2\]"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [[1.0], [1.0]]}, "one number"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [1.0, np.nan]}, "sample_weight contains NaN"),
        ([np.nan, np.nan], [1.0, 2.0], {}, "trait 0 has 0 observed"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [0.0, 0.0]}, "trait 0 has 0 observed"),
    ],
)
def test_bad_input_is_refused(metric, y_true, y_pred, options, message):
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_pred, **options)


@pytest.mark.parametrize("metric", [pearson_correlation, r2_score])
def test_a_trait_observed_once_is_named(metric):
    y_true = pd.DataFrame({"Lactate": [1.0, 2.0, 3.0], "Lactose": [1.0, np.nan, np.nan]})
    message = "trait 'Lactose' has 1 observed phenotypes; at least 2"
    with pytest.raises(ValueError, match=message):
        metric(y_true, np.ones((3, 2)))


def test_one_observed_phenotype_has_a_squared_error():
    assert mean_squared_error([1.0, np.nan], [3.0, 9.0]) == 4.0


def test_input_stays_as_it_is(gaps):
    before = [values.copy() for values in gaps]
    pearson_correlation(*gaps)
    np.testing.assert_array_equal(gaps, before)


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
