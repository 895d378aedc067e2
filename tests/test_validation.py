import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sktransformer_gp.validation import (
    check_dosages,
    check_phenotypes,
    check_ploidy,
    check_trait_weights,
    is_missing,
)

X = np.array([[0, 1], [2, 1], [1, 0]], dtype=np.int8)


def test_dosages_keep_their_type_and_set_the_number_of_markers():
    estimator = Ridge()

    assert check_dosages(estimator, X, reset=True).dtype == np.int8
    assert estimator.n_features_in_ == 2
    with pytest.raises(ValueError, match="expecting 2 features"):
        check_dosages(estimator, X[:, :1], reset=False)


@pytest.mark.parametrize(
    ("dosages", "words"),
    [
        (np.array([[0.0, np.nan]]), ["NaN", "1 missing", "DosageImputer"]),
        (np.array([[0, -1]], dtype=np.int8), ["dosage -1", "DosageImputer"]),
        (np.array([[0, -7]]), ["dosage -7", "DosageImputer"]),
        (np.array([[0.0, np.inf]]), ["infinity"]),
    ],
)
def test_a_missing_dosage_is_an_error_that_names_the_imputer(dosages, words):
    with pytest.raises(ValueError, match="Input X") as error:
        check_dosages(Ridge(), dosages, reset=True)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("missing", [-1, np.nan])
def test_missing_dosages_pass_where_they_are_allowed(missing):
    dosages = np.array([[0, missing]])

    np.testing.assert_array_equal(
        check_dosages(Ridge(), dosages, reset=True, allow_missing=True), dosages
    )
    with pytest.raises(ValueError, match=r"dosage -9; .* and -1 means missing$"):
        check_dosages(Ridge(), np.array([[-1, -9]]), reset=True, allow_missing=True)


def test_floats_may_be_negative_since_they_may_be_coded_or_centred():
    assert check_dosages(Ridge(), X - 1.0, reset=True).min() == -1


def test_phenotypes_keep_nan_and_shape():
    y = [1.0, np.nan, 2.0]

    assert check_phenotypes(Ridge(), y, X).shape == (3,)
    assert np.isnan(check_phenotypes(Ridge(), np.c_[y, y], X)[1]).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "Ridge requires y to be passed, but the target y is None"),
        ([1.0, np.inf, 2.0], "y contains infinity"),
        ([1.0, 2.0], "inconsistent numbers of samples"),
        (np.ones((3, 1, 1)), "dim 3"),
        ([1.0, np.nan, np.nan], "trait 0 has 1 observed"),
        (pd.DataFrame({"a": [1.0, 2.0, 3.0], "yield": [np.nan] * 3}), "trait 'yield' has 0 obs"),
        (["x", "y", "z"], "could not convert string"),
    ],
)
def test_bad_phenotypes_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        check_phenotypes(Ridge(), y, X)


def test_trait_weights_default_to_one():
    assert check_trait_weights(None, 3).tolist() == [1, 1, 1]
    assert check_trait_weights([1, 0.5], 2).tolist() == [1, 0.5]


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan], [[1, 1]], 2.0])
def test_bad_trait_weights_are_named(weights):
    with pytest.raises(ValueError, match="each of the 2 traits, not all 0; got"):
        check_trait_weights(weights, 2)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_missing_is_minus_one_in_any_type(dtype):
    assert is_missing(np.array([[0, -1, 2]], dtype)).tolist() == [[False, True, False]]


def test_unsigned_dosages_are_never_missing():
    assert not is_missing(np.array([[0, 255]], np.uint8)).any()


@pytest.mark.parametrize(
    ("dosages", "ploidy", "expected"),
    [
        ([[0, 1, -1]], None, 1),
        ([[0.0, 1.2, np.nan]], None, 2),
        ([[0, 0]], None, 1),
        ([[-1, -1]], None, 1),
        ([[np.nan, np.nan]], None, 1),
        ([[0, 1]], 4, 4),
    ],
)
def test_ploidy_is_given_or_the_largest_dosage(dosages, ploidy, expected):
    assert check_ploidy(np.array(dosages), ploidy, "it") == expected


@pytest.mark.parametrize(
    ("dosages", "ploidy", "message"),
    [
        ([[0, 3]], 2, "it got the dosage 3, above the ploidy 2"),
        ([[0, 1]], 0, "whole number >= 1 or None, got 0"),
        ([[0, 1]], 1.5, r"got 1\.5"),
        ([[0, -2]], None, r"Negative values in data passed to it.* -1 = missing; got -2"),
        ([[0.0, -0.5]], None, "Negative values"),
    ],
)
def test_dosages_outside_the_ploidy_are_named(dosages, ploidy, message):
    with pytest.raises(ValueError, match=message):
        check_ploidy(np.array(dosages), ploidy, "it")


def test_minus_one_is_an_error_where_nothing_may_be_missing():
    with pytest.raises(ValueError, match="ploidy; got -1"):
        check_ploidy(np.array([[0, -1]]), None, "it", allow_missing=False)
