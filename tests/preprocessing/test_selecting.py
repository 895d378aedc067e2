import numpy as np
import pytest
from scipy.stats import linregress
from sklearn.feature_selection import f_regression, mutual_info_regression
from sklearn.metrics import mutual_info_score

from sktransformer_gp.preprocessing import AssociationSelector, MutualInformationSelector


@pytest.fixture
def dosages():
    return np.random.default_rng(0).integers(0, 3, (40, 12)).astype(np.int8)


def test_selector_gives_scikit_learns_estimate_for_classes(dosages):
    y = dosages[:, 3] + np.random.default_rng(0).normal(size=40)

    selector = MutualInformationSelector(k=3, random_state=0).fit(dosages, y)

    expected = mutual_info_regression(dosages, y, discrete_features=True, random_state=0)
    np.testing.assert_array_equal(selector.mutual_information_, expected)
    assert set(selector.get_support(indices=True)) == set(np.argsort(-expected)[:3])


def test_estimate_is_near_the_plug_in_value_for_a_discrete_phenotype():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (2000, 1), dtype=np.int8)
    flipped = rng.random(2000) < 0.1
    y_class = X[:, 0] ^ flipped
    y = y_class * 10 + rng.normal(size=2000)  # two well separated clouds

    selector = MutualInformationSelector(random_state=0).fit(X, y)

    # The nearest-neighbour estimate's own error at n = 2000 is about .02.
    plug_in = mutual_info_score(X[:, 0], y_class)
    assert selector.mutual_information_[0] == pytest.approx(plug_in, abs=0.05)


def test_threshold_cuts_and_the_best_marker_always_stays(dosages):
    y = dosages[:, 3] * 5.0 + np.random.default_rng(0).normal(size=40)

    selector = MutualInformationSelector(threshold=0.4, random_state=0).fit(dosages, y)
    assert (selector.mutual_information_[selector.get_support()] >= 0.4).all()
    assert (selector.mutual_information_[~selector.get_support()] < 0.4).all()

    none = MutualInformationSelector(threshold=99, random_state=0).fit(dosages, y)
    assert none.get_support(indices=True).tolist() == [3]


def test_selector_takes_the_best_trait_and_leaves_gaps_out(dosages):
    noise = np.random.default_rng(0).normal(size=(40, 2))
    Y = dosages[:, [3, 7]] * 5 + noise
    Y[:10, 0] = np.nan

    both = MutualInformationSelector(random_state=0).fit(dosages, Y).mutual_information_

    alone = MutualInformationSelector(random_state=0).fit(dosages[10:], Y[10:, 0])
    other = MutualInformationSelector(random_state=0).fit(dosages, Y[:, 1])
    expected = np.maximum(alone.mutual_information_, other.mutual_information_)
    np.testing.assert_array_equal(both, expected)


def test_k_below_one_is_named(dosages):
    with pytest.raises(ValueError, match="k is at least 1, got 0"):
        MutualInformationSelector(k=0).fit(dosages, dosages[:, 0])


def test_tests_are_those_of_scikit_learn_without_gaps(dosages):
    y = dosages[:, 3] + np.random.default_rng(0).normal(size=40)

    selector = AssociationSelector(k=3).fit(dosages, y)

    F, p = f_regression(dosages, y)
    np.testing.assert_allclose(selector.f_statistics_, [F], rtol=1e-9)
    np.testing.assert_allclose(selector.p_values_, [p], rtol=1e-9)
    assert set(selector.get_support(indices=True)) == set(np.argsort(p)[:3])


@pytest.mark.parametrize("missing", [-1, np.nan])
def test_tests_with_gaps_are_those_of_the_complete_pairs(dosages, missing):
    rng = np.random.default_rng(0)
    gaps = rng.random(dosages.shape) < 0.2
    X = np.where(gaps, missing, dosages)
    Y = 1e3 + dosages[:, [3, 7]] + rng.normal(size=(40, 2))
    Y[rng.random(Y.shape) < 0.3] = np.nan

    p_values = AssociationSelector().fit(X, Y).p_values_

    for i, j in np.ndindex(2, 12):
        pairs = ~gaps[:, j] & ~np.isnan(Y[:, i])
        expected = linregress(dosages[pairs, j], Y[pairs, i]).pvalue
        assert p_values[i, j] == pytest.approx(expected, rel=1e-6)


def test_the_smallest_p_value_over_traits_decides(dosages):
    Y = dosages[:, [3, 7]] + np.random.default_rng(0).normal(0, 0.1, (40, 2))

    assert AssociationSelector(k=2).fit(dosages, Y).get_support(indices=True).tolist() == [3, 7]


def test_markers_above_the_threshold_go_but_the_best_stays(dosages):
    y = dosages[:, 3] + np.random.default_rng(0).normal(size=40)
    best = AssociationSelector(threshold=0.5).fit(dosages, y)

    p = best.p_values_[0]
    assert (best.get_support() == (p <= 0.5)).all()
    assert 1 < best.get_support().sum() < 12
    none = AssociationSelector(threshold=0.0).fit(dosages, y)
    assert none.get_support(indices=True).tolist() == [p.argmin()]


def test_perfect_fits_come_before_p_values_too_small_for_a_float():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 2000).astype(float)
    near = np.where(np.arange(2000) < 3, 2 - y, y)
    X = np.c_[rng.integers(0, 3, 2000), near, y]

    selector = AssociationSelector(k=1).fit(X, y)

    assert selector.p_values_[0, 1:].tolist() == [0, 0]
    assert selector.get_support(indices=True).tolist() == [2]


def test_what_does_not_vary_is_associated_with_nothing(dosages):
    X = dosages.astype(float)
    X[:, 0] = 0.1
    X[:, 1] = np.nan
    X[:, 2] = np.r_[1, 2, np.full(38, np.nan)]
    Y = np.c_[X[:, 3], np.full(40, 0.1)]

    p_values = AssociationSelector().fit(X, Y).p_values_

    assert (p_values[0, :3] == 1).all()
    assert (p_values[1] == 1).all()
    assert p_values[0, 3] == 0


def test_many_markers_are_tested_as_few_are():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (30, 2500))
    y = rng.normal(size=30)

    expected = f_regression(X, y)[1]
    np.testing.assert_allclose(AssociationSelector().fit(X, y).p_values_[0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"k": 0}, "k is at least 1, got 0"), ({"threshold": 2}, r"lies in \[0, 1\], got 2")],
)
def test_parameters_of_the_tests_are_named(dosages, parameters, message):
    with pytest.raises(ValueError, match=message):
        AssociationSelector(**parameters).fit(dosages, dosages[:, 0])
