import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from scipy.stats import linregress, pearsonr, spearmanr

from sktransformer_gp.metrics import (
    mean_squared_error,
    pearson_correlation,
    prediction_bias,
    r2_score,
    rank_correlation,
    regression_slope,
)

ALL = [
    pearson_correlation,
    rank_correlation,
    mean_squared_error,
    r2_score,
    prediction_bias,
    regression_slope,
]


@pytest.fixture
def gaps():
    """Phenotypes of three traits with gaps, and predictions that correlate with them."""
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(40, 3)) * [1.0, 20.0, 0.3] + [0.0, 500.0, -7.0]
    y_pred = 0.5 * y_true + rng.normal(size=(40, 3))
    y_true[rng.random((40, 3)) < 0.2] = np.nan
    return y_true, y_pred


def by_trait(metric, y_true, y_pred):
    observed = ~np.isnan(y_true)
    return [metric(y_true[o, k], y_pred[o, k]) for k, o in enumerate(observed.T)]


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (pearson_correlation, lambda y, p: pearsonr(y, p).statistic),
        (rank_correlation, lambda y, p: spearmanr(y, p).statistic),
        (prediction_bias, lambda y, p: (p - y).mean()),
        (regression_slope, lambda y, p: linregress(p, y).slope),
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
    assert rank_correlation(y_true, y_pred) == 0.0


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
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [1.0]}, r"of the 2 samples.*\(1,\)"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [[1.0], [1.0]]}, "one number"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [1.0, np.nan]}, "sample_weight contains NaN"),
        ([np.nan, np.nan], [1.0, 2.0], {}, "trait 0 has 0 observed"),
        ([1.0, 2.0], [1.0, 2.0], {"sample_weight": [0.0, 0.0]}, "trait 0 has 0 observed"),
    ],
)
def test_bad_input_is_refused(metric, y_true, y_pred, options, message):
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_pred, **options)


@pytest.mark.parametrize(
    "metric", [pearson_correlation, rank_correlation, r2_score, regression_slope]
)
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


def test_ties_have_their_mean_rank():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 4, (2, 50)).astype(float)
    assert rank_correlation(y_true, y_pred) == pytest.approx(spearmanr(y_true, y_pred).statistic)


def test_ranks_know_no_scale():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 50))
    assert rank_correlation(y_true, np.exp(9 * y_pred)) == rank_correlation(y_true, y_pred)
