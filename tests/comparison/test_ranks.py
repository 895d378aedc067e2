import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sktransformer_gp.comparison import rank_models


def table(values, metric="r", n_folds=1):
    """Make scores of models (columns) in traits (rows), with folds around each mean."""
    n_traits, n_models = values.shape
    rows = [
        ("d", f"t{t}", f"m{m}", fold, values[t, m] + fold - (n_folds - 1) / 2)
        for t in range(n_traits)
        for m in range(n_models)
        for fold in range(n_folds)
    ]
    return pd.DataFrame(rows, columns=["dataset", "trait", "model", "fold", metric])


@pytest.fixture
def values():
    values = np.random.default_rng(0).normal([0, 0.5, 1, 1], size=(14, 4))
    return values.round(1)  # with ties


def test_friedman_is_scipys_on_the_means_over_folds(values):
    test = rank_models(table(values, n_folds=5))
    expected = stats.friedmanchisquare(*values.T)
    assert (test.statistic, test.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert test.n_blocks == 14


def test_ranks_one_is_best_and_ties_share(values):
    test = rank_models(table(values))
    expected = [stats.rankdata(-row) for row in values]
    for m, rank in enumerate(np.mean(expected, axis=0)):
        assert test.ranks[f"m{m}"] == pytest.approx(rank)
    assert test.ranks.is_monotonic_increasing


def test_of_errors_the_smallest_is_best(values):
    errors = rank_models(table(-values, metric="mse"), metric="mse")
    pd.testing.assert_series_equal(errors.ranks, rank_models(table(values)).ranks)


# Demsar (2006), table 5a: critical values of the two-tailed Nemenyi test at .05 for k models.
@pytest.mark.parametrize(
    ("k", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (8, 3.031), (10, 3.164)]
)
def test_critical_differences_are_those_of_the_table(k, q):
    test = rank_models(table(np.random.default_rng(0).normal(size=(14, k))))
    assert test.critical_difference == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 14)), rel=5e-4)
    if k == 4:  # the paper's example: 14 data sets
        assert test.critical_difference == pytest.approx(1.25, abs=0.005)


def test_pairs_beyond_the_critical_difference_are_those_below_five_percent(values):
    test = rank_models(table(values + np.array([0, 0, 0, 2])))
    distances = np.abs(test.ranks.to_numpy()[:, None] - test.ranks.to_numpy())
    beyond = distances > test.critical_difference
    assert beyond.any()
    assert not beyond.all()
    np.testing.assert_array_equal(test.pairs < 0.05, beyond)
    np.testing.assert_allclose(np.diag(test.pairs), 1.0)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((5, 2), "at least 3 models and 2 data sets x traits, got 2 and 5"), ((1, 3), "got 3 and 1")],
)
def test_too_few_of_anything(shape, message):
    with pytest.raises(ValueError, match=message):
        rank_models(table(np.arange(np.prod(shape), dtype=float).reshape(shape)))


def test_a_hole_is_named(values):
    scores = table(values)
    hole = (scores["trait"] == "t3") & (scores["model"] == "m2")
    with pytest.raises(ValueError, match="model 'm2' has no scores in some"):
        rank_models(scores[~hole])


def test_what_has_no_best_is_not_ranked(values):
    with pytest.raises(ValueError, match="got 'slope'"):
        rank_models(table(values, metric="slope"), metric="slope")
