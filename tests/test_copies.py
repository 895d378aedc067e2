import numpy as np
import pytest

from sktransformer_gp.copies import distinct_rows, has_copies, merge_copies


def test_copies_have_the_same_dosages_and_phenotypes():
    X = np.array([[0, 1], [0, 1], [0, 1], [2, 1], [0, 1]], dtype=np.int8)
    Y = np.array([[1.0, np.nan], [1.0, np.nan], [1.0, 3.0], [1.0, np.nan], [1.0, np.nan]])

    first, weights, place = merge_copies(X, Y, np.array([1.0, 2.0, 3.0, 4.0, 5.0]))

    assert has_copies(X, Y) and not has_copies(X[1:4], Y[1:4])
    np.testing.assert_array_equal(X[first][place], X)
    np.testing.assert_array_equal(Y[first][place], Y)
    assert weights[place].tolist() == [8.0, 8.0, 3.0, 4.0, 8.0]


def test_the_order_of_distinct_samples_is_their_own():
    rng = np.random.default_rng(3)
    X, Y, order = rng.integers(0, 3, (40, 30)), rng.normal(size=(40, 2)), rng.permutation(40)

    ours, theirs = (merge_copies(X[rows], Y[rows], np.ones(40))[0] for rows in (order, slice(40)))

    np.testing.assert_array_equal(order[ours], theirs)


X = np.array([[0, 1], [2, 1], [0, 1], [1, 1], [2, 1]], dtype=np.int8)
Y = np.array([[1.0], [3.0], [1.0], [4.0], [5.0]])


@pytest.mark.parametrize("weights", [None, np.ones(4)])
def test_distinct_rows_that_count_once_are_the_very_arrays(weights):
    rows = X[[0, 1, 3, 4]], Y[[0, 1, 3, 4]]

    found, place = distinct_rows(*rows, weights, "repeats")

    assert found[0] is rows[0] and found[1] is rows[1]
    assert found[2] is None and place == slice(None)


def test_rows_of_weight_0_are_as_if_they_were_not_there():
    (found_X, found_Y, found), _ = distinct_rows(X, Y, np.array([1.0, 0, 0, 1, 1]), "repeats")

    np.testing.assert_array_equal(found_X, X[[0, 3, 4]])
    np.testing.assert_array_equal(found_Y, Y[[0, 3, 4]])
    assert found is None


def test_copies_of_weights_are_one_row_of_their_sum():
    weights = np.array([2.0, 1.0, 3.0, 0.0, 1.0])

    (_, found_Y, found), place = distinct_rows(X, Y, weights, "repeats")

    assert sorted(zip(found_Y[:, 0], found.values, strict=True)) == [(1, 5), (3, 1), (5, 1)]
    np.testing.assert_array_equal(found_Y[place], Y[weights > 0])
    (_, found_Y, found), place = distinct_rows(X, Y, weights, "precision")
    np.testing.assert_array_equal(found.values, [2, 1, 3, 1])
    np.testing.assert_array_equal(found_Y[place], Y[weights > 0])


def test_copies_that_are_all_there_is_of_a_trait_stay():
    (found_X, _, found), place = distinct_rows(X[[0, 2]], Y[[0, 2]], None, "repeats")

    assert len(found_X) == 2 and found is None and place == slice(None)
