import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate

from sktransformer_gp.splitters import ForwardSplit, SparseTesting

YEARS = np.array([2021, 2019, 2022, 2020, 2019, 2022, 2021, 2020, 2023, 2023])
X = np.random.default_rng(0).normal(size=(10, 3))
Y = np.random.default_rng(1).normal(size=(10, 2))


def splits(cv, groups=YEARS):
    return [(train.tolist(), test.tolist()) for train, test in cv.split(X, groups=groups)]


@pytest.mark.parametrize(
    ("cv", "years"),
    [
        (ForwardSplit(), [2020, 2021, 2022, 2023]),
        (ForwardSplit(2), [2022, 2023]),
        (ForwardSplit(min_train=3), [2022, 2023]),
        (ForwardSplit(1, min_train=2), [2023]),
    ],
)
def test_training_years_come_before_the_test_year(cv, years):
    expected = [
        ([i for i in range(10) if YEARS[i] < y], [i for i in range(10) if YEARS[i] == y])
        for y in years
    ]
    assert splits(cv) == expected
    assert cv.get_n_splits(X, groups=YEARS) == len(years)


def test_years_are_anything_that_has_an_order():
    words = np.array([f"cycle {year}" for year in YEARS])
    assert splits(ForwardSplit(), words) == splits(ForwardSplit())
    assert splits(ForwardSplit(), YEARS.tolist()) == splits(ForwardSplit())


@pytest.mark.parametrize(
    ("cv", "groups", "message"),
    [
        (ForwardSplit(), None, "needs the year of each sample as groups, got None"),
        (ForwardSplit(), np.zeros(10), r"needs 2 years, got 1: \[0\.0\]"),
        (ForwardSplit(4, min_train=2), YEARS, "n_splits=4 with min_train=2 needs 6 years, got 5"),
        (ForwardSplit(0), YEARS, "n_splits is an int from 1 up, got 0"),
        (ForwardSplit(min_train=0), YEARS, "min_train is an int from 1 up, got 0"),
        (ForwardSplit(), YEARS[:9], "inconsistent numbers of samples"),
    ],
)
def test_years_that_do_not_do(cv, groups, message):
    with pytest.raises(ValueError, match=message):
        splits(cv, groups)


def test_a_forward_split_is_a_plain_splitter():
    assert ForwardSplit(3).get_n_splits() == 3
    assert repr(ForwardSplit(3)) == "ForwardSplit(min_train=1, n_splits=3)"
    scores = cross_val_score(Ridge(), X, Y[:, 0], cv=ForwardSplit(2), groups=YEARS)
    for score, (train, test) in zip(scores, splits(ForwardSplit(2)), strict=True):
        assert score == Ridge().fit(X[train], Y[train, 0]).score(X[test], Y[test, 0])
    search = GridSearchCV(Ridge(), {"alpha": [1, 9]}, cv=ForwardSplit(2))
    assert clone(search).fit(X, Y, groups=YEARS).n_splits_ == 2


def test_groups_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(
            Ridge(), X, Y, cv=ForwardSplit(2), params={"groups": YEARS}, error_score="raise"
        )
    plain = cross_validate(Ridge(), X, Y, cv=ForwardSplit(2), groups=YEARS)
    assert routed["test_score"].tolist() == plain["test_score"].tolist()


@pytest.fixture
def gaps():
    rng = np.random.default_rng(2)
    return np.where(rng.random((43, 3)) < 0.2, np.nan, 1.0)


@pytest.mark.parametrize("n_splits", [2, 3, 5])
def test_each_phenotype_of_a_line_that_has_another_is_hidden_once(gaps, n_splits):
    n_hidden = np.zeros(gaps.shape, dtype=int)
    for rows, hidden in SparseTesting(n_splits, random_state=0).hide(gaps):
        assert hidden.any(axis=1).all()
        left = ~np.isnan(gaps[rows]) & ~hidden
        assert left.any(axis=1).all()  # something is known of each test line
        n_hidden[rows] += hidden
    observed = ~np.isnan(gaps)
    assert (n_hidden <= observed).all()
    if n_splits >= 3:  # with two folds and three traits two of them are hidden together
        several = observed.sum(axis=1) > 1
        np.testing.assert_array_equal(n_hidden[several], observed[several])
        assert (n_hidden[~several] == 0).all()


def test_traits_are_hidden_in_equal_numbers_of_lines():
    for _, hidden in SparseTesting(4, random_state=1).hide(np.ones((40, 3))):
        assert hidden.sum(axis=0).tolist() == [10, 10, 10]


def test_chosen_traits_are_hidden_together_and_the_others_never(gaps):
    seen = []
    for rows, hidden in SparseTesting(5, traits=[0, 2], random_state=0).hide(gaps):
        assert not hidden[:, 1].any()
        np.testing.assert_array_equal(hidden[:, [0, 2]], ~np.isnan(gaps[rows][:, [0, 2]]))
        seen += rows.tolist()
    testable = ~np.isnan(gaps[:, 1]) & ~np.isnan(gaps[:, [0, 2]]).all(axis=1)
    assert sorted(seen) == np.flatnonzero(testable).tolist()


def test_repeats_differ_and_seeds_repeat():
    def draw(**arguments):
        return [
            hidden.tolist() for _, hidden in SparseTesting(2, **arguments).hide(np.ones((9, 2)))
        ]

    twice = draw(n_repeats=2, random_state=3)
    assert len(twice) == 4
    assert twice[:2] != twice[2:]
    assert twice == draw(n_repeats=2, random_state=3)
    assert twice[:2] == draw(random_state=3)


@pytest.mark.parametrize(
    ("arguments", "y", "message"),
    [
        ({}, np.ones(9), r"2 or more traits, got y of shape \(9,\)"),
        ({}, np.ones((9, 1)), "2 or more traits"),
        ({"n_splits": 1}, np.ones((9, 2)), "n_splits is an int from 2 up, got 1"),
        ({"n_repeats": 0}, np.ones((9, 2)), "n_repeats is an int from 1 up, got 0"),
        ({"n_splits": 10}, np.ones((9, 2)), "n_splits=10 is more than the 9 samples"),
        ({"traits": [0, 1]}, np.ones((9, 2)), r"not all, of the columns 0\.\.1 of y, got \[0, 1\]"),
        ({"traits": [2]}, np.ones((9, 2)), r"columns 0\.\.1 of y, got \[2\]"),
        ({"traits": []}, np.ones((9, 2)), "some, not all"),
    ],
)
def test_sparse_testing_that_does_not_do(arguments, y, message):
    with pytest.raises(ValueError, match=message):
        list(SparseTesting(**arguments).hide(y))


def test_a_sparse_test_is_no_scikit_learn_splitter():
    # its test rows are training rows: cross_val_score would train on the answers
    assert not hasattr(SparseTesting(), "split")
    assert repr(SparseTesting(3)) == (
        "SparseTesting(n_splits=3, n_repeats=1, traits=None, random_state=None)"
    )
