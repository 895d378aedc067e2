import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, RepeatedKFold, ShuffleSplit

from sktransformer_gp.folds import draw_folds
from sktransformer_gp.splitters import ForwardSplit, SparseTesting

Y = np.zeros(23)


def rows(folds):
    return [(fold.train.tolist(), fold.test.tolist()) for fold in folds]


def expected(splitter, *arguments):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(*arguments)]


def test_one_repeat_is_scikit_learns_shuffled_k_fold():
    folds = draw_folds(Y, 5, random_state=0)
    assert rows(folds) == expected(KFold(5, shuffle=True, random_state=0), Y)
    assert [(fold.repeat, fold.fold) for fold in folds] == [(0, i) for i in range(5)]


def test_repeat_i_is_drawn_with_the_seed_plus_i():
    folds = draw_folds(Y, 3, repeats=2, random_state=7)
    first, second = (expected(KFold(3, shuffle=True, random_state=seed), Y) for seed in (7, 8))
    assert rows(folds) == first + second
    assert first != second
    assert [fold.repeat for fold in folds] == [0, 0, 0, 1, 1, 1]


def test_groups_stay_together_and_are_shuffled():
    groups = np.repeat(["a", "b", "c", "d", "e", "f"], [4, 3, 4, 4, 4, 4])
    folds = draw_folds(Y, 3, repeats=2, groups=groups, random_state=1)
    for fold in folds:
        assert set(groups[fold.train]).isdisjoint(groups[fold.test])
    by_hand = [expected(GroupKFold(3, shuffle=True, random_state=s), Y, Y, groups) for s in (1, 2)]
    assert rows(folds) == by_hand[0] + by_hand[1]
    assert by_hand[0] != by_hand[1]


@pytest.mark.parametrize(
    "cv", [RepeatedKFold(n_splits=4, n_repeats=2, random_state=5), ShuffleSplit(3, random_state=5)]
)
def test_a_splitter_is_used_as_it_is(cv):
    folds = draw_folds(Y, cv)
    assert rows(folds) == expected(cv, Y)
    assert [fold.fold for fold in folds] == list(range(len(folds)))


def test_a_splitter_gets_the_groups():
    groups = np.arange(23) % 4
    assert rows(draw_folds(Y, LeaveOneGroupOut(), groups=groups)) == expected(
        LeaveOneGroupOut(), Y, Y, groups
    )


def test_pairs_of_row_numbers_or_masks():
    mask = np.arange(23) < 20
    folds = draw_folds(Y, [(np.arange(20), [20, 21, 22]), (mask, ~mask)])
    assert rows(folds)[0] == rows(folds)[1] == (list(range(20)), [20, 21, 22])


def test_without_a_seed_folds_differ_and_a_random_state_is_consumed():
    assert rows(draw_folds(Y, random_state=None)) != rows(draw_folds(Y, random_state=None))
    first, second = (
        rows(draw_folds(Y, repeats=2, random_state=np.random.RandomState(3))) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cv": 1}, "n_splits=2 or more"),
        ({"cv": 24}, "n_splits=24"),
        ({"cv": 3, "repeats": 0}, "repeats is an int from 1 up, got 0"),
        ({"cv": 3, "repeats": 1.5}, "repeats is an int from 1 up, got 1.5"),
        ({"cv": KFold(3), "repeats": 2}, "RepeatedKFold"),
        ({"cv": []}, "no fold"),
        ({"train_fractions": ()}, r"different numbers in \(0, 1\], got \(\)"),
        ({"train_fractions": [0.5, 0.5]}, "different numbers"),
        ({"train_fractions": [1.2]}, r"\(0, 1\], got \[1\.2\]"),
        ({"cv": [([0, 1, 2], [2, 3])]}, "repeat 0, fold 0 has row 2 in training and test"),
        ({"cv": [([0, 1], [2, 3])], "groups": list("abac" + "d" * 19)}, "has group a in training"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_folds(Y, **arguments)


def test_groups_of_the_training_rows_go_with_the_fold():
    groups = np.arange(23) % 6
    for fold in draw_folds(Y, 3, groups=groups, train_fractions=(0.5, 1)):
        np.testing.assert_array_equal(fold.train_groups, groups[fold.train])
    assert all(fold.train_groups is None for fold in draw_folds(Y, 3))


def test_shares_of_the_training_rows():
    folds = draw_folds(Y, 3, repeats=2, train_fractions=(0.2, 1.0), random_state=4)
    whole = draw_folds(Y, 3, repeats=2, random_state=4)
    assert rows(folds[1::2]) == rows(whole)
    for small, full in zip(folds[::2], folds[1::2], strict=True):
        assert set(small.train) < set(full.train)
        assert len(small.train) == 3  # a fifth of 15 or 16
        assert small.test is full.test
    assert rows(folds) == rows(
        draw_folds(Y, 3, repeats=2, train_fractions=(0.2, 1.0), random_state=4)
    )
    assert str(folds[0]) == "repeat 0, fold 0, 0.2 of the training rows"


def test_sparse_testing_trains_on_what_is_left_and_scores_what_is_hidden():
    y = np.random.default_rng(0).normal(size=(20, 3))
    y[4, 1] = y[7, [0, 1]] = np.nan
    folds = draw_folds(y, SparseTesting(4, random_state=0))
    n_scored = np.zeros(y.shape, dtype=int)
    for fold in folds:
        before = y.copy()
        train, test = fold.training_phenotypes(y), fold.test_phenotypes(y)
        np.testing.assert_array_equal(y, before)
        seen = np.full(y.shape, np.nan)
        seen[fold.train] = train
        scored = np.full(y.shape, np.nan)
        scored[fold.test] = test
        assert not (~np.isnan(seen) & ~np.isnan(scored)).any()
        np.testing.assert_array_equal(np.where(np.isnan(scored), seen, scored), y)
        assert (~np.isnan(train)).any(axis=1).all()
        n_scored += ~np.isnan(scored)
    expected = ~np.isnan(y)
    expected[7] = False  # of line 7 nothing else is known
    np.testing.assert_array_equal(n_scored, expected)


def test_a_forward_split_gets_the_years():
    years = 2020 + np.arange(23) % 3
    assert rows(draw_folds(Y, ForwardSplit(), groups=years)) == expected(
        ForwardSplit(), Y, Y, years
    )
