import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sktransformer_gp.comparison.inference import adjust_holm, corrected_t_test

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "rejection.py"


def test_corrected_t_test_by_hand():
    # mean .02; var .0002 with n - 1; error sqrt((1/4 + 30/120) * .0002) = .01; t = 2 on 3 df
    d = 0.02 + np.array([-1, -1, 1, 1]) * np.sqrt(0.00015)
    test = corrected_t_test(d, np.array([120, 120, 120, 120]), np.full(4, 30), confidence=0.9)
    assert test["t"] == pytest.approx(2.0)
    assert test["p_value"] == pytest.approx(0.1393, abs=1e-4)  # a table of t with 3 df
    assert test["high"] - test["difference"] == pytest.approx(2.3534 * 0.01, abs=1e-6)
    assert test["difference"] - test["low"] == pytest.approx(2.3534 * 0.01, abs=1e-6)


def test_without_overlap_it_is_the_paired_t_test():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 12))
    test = corrected_t_test(ours - theirs, np.full(12, 80), np.zeros(12), confidence=0.99)
    expected = stats.ttest_rel(ours, theirs)
    interval = expected.confidence_interval(0.99)
    assert (test["t"], test["p_value"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (test["low"], test["high"]) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.25, 0.0), (-0.25, 0.0)])
def test_equal_differences(value, p):
    test = corrected_t_test(np.full(5, value), np.full(5, 80), np.full(5, 20))
    assert (test["low"], test["difference"], test["high"]) == (value, value, value)
    assert test["p_value"] == p


def test_adjusted_p_values_by_hand():
    # sorted: .001 x 4, .01 x 3, .02 x 2 -> .04, .03 x 1 -> at least .04
    p = np.array([0.03, 0.001, 0.02, 0.01])
    np.testing.assert_allclose(adjust_holm(p), [0.04, 0.004, 0.04, 0.03])
    assert adjust_holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


@pytest.fixture(scope="module")
def rejection():
    spec = importlib.util.spec_from_file_location("rejection", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("design", "n_samples", "n_markers", "repeats"),
    [("draw_halves", 300, 10, 5), ("draw_chips", 100, 50, 2)],
)
def test_the_five_percent_test_rejects_five_percent_where_there_is_no_difference(
    rejection, design, n_samples, n_markers, repeats
):
    rng = np.random.default_rng(1)
    draw = getattr(rejection, design)
    differences = [
        rejection.compare(rng, *draw(rng, n_samples, n_markers), repeats) for _ in range(200)
    ]
    # 200 data sets: a standard error of 1.5 % around what a thousand give in rejection.csv
    assert 0.03 <= rejection.reject(differences, repeats, n_samples, corrected=True) <= 0.08
    assert rejection.reject(differences, repeats, n_samples, corrected=False) > 0.15


def test_chips_are_mirror_images_of_each_other(rejection):
    y, (first, second), penalties = rejection.draw_chips(np.random.default_rng(0), 4000, 50)
    r = [np.corrcoef(chip.T, y)[-1, :-1] for chip in (first, second)]
    assert first.shape == second.shape == (4000, 50)
    # the halves of either chip hold the loci's mirror images: the same, but for sampling
    np.testing.assert_allclose(r[0][:25], r[1][25:], atol=5 / np.sqrt(4000))
    np.testing.assert_allclose(r[0][25:], r[1][:25], atol=5 / np.sqrt(4000))
    assert np.abs(r[0][:25] - r[1][:25]).max() > 5 / np.sqrt(4000)
    assert penalties[0] == pytest.approx(penalties[1], rel=0.02)


def test_one_fold_cannot_be_tested():
    with pytest.raises(ValueError, match="at least 2 folds in common, got 1"):
        corrected_t_test(np.ones(1), np.ones(1), np.ones(1))
