import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sktransformer_gp import relationship
from sktransformer_gp.relationship import (
    genetic_values,
    inner_products,
    marker_sums,
    relationship_matrix,
    squared_distances,
)


def dosages(dtype, n=17, m=53, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(size=(n, m)).astype(dtype)
    return rng.integers(0, 2 if dtype is bool else 5, size=(n, m)).astype(dtype)


@pytest.fixture(params=[None, 40], ids=["one block", "many blocks"])
def block(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(relationship, "BLOCK", request.param)


DTYPES = [bool, np.int8, np.uint8, np.int64, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_inner_products_of_shifted_rows(dtype, block):
    left, right = dosages(dtype), dosages(dtype, n=9, seed=1)
    origin = right[0].astype(float)
    expected = (left.astype(float) - origin) @ (right.astype(float) - origin).T
    # float input: the order of 53 summands; integers are exact
    tolerance = 1e-12 if np.dtype(dtype).kind == "f" else 0
    np.testing.assert_allclose(inner_products(left, right), expected, rtol=0, atol=tolerance)
    own = inner_products(right, right)
    expected = (right.astype(float) - origin) @ (right.astype(float) - origin).T
    np.testing.assert_allclose(own, expected, rtol=0, atol=tolerance)
    assert own.dtype == np.float64


@pytest.mark.parametrize("dtype", DTYPES)
def test_squared_distances_equal_scipy(dtype, block):
    left, right = dosages(dtype), dosages(dtype, n=9, seed=1)
    expected = cdist(left.astype(float), right.astype(float), "sqeuclidean")
    np.testing.assert_allclose(squared_distances(left, right), expected, rtol=0, atol=1e-11)
    assert squared_distances(left, left).min() >= 0


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 2), (-128, 127), (0, 2**15 - 1)], ids=str)
def test_integers_are_exact_at_every_span(low, high):
    # Sums of up to 20,000 squares of the span pass what float32 holds exactly (2**24).
    dtype = np.int8 if high < 128 else np.int16
    X = np.random.default_rng(0).integers(low, high, size=(4, 20_000), endpoint=True, dtype=dtype)
    exact = X.astype(np.int64) - X[0].astype(np.int64)
    np.testing.assert_array_equal(inner_products(X, X), exact @ exact.T)
    differences = X[:, None].astype(np.int64) - X[None].astype(np.int64)
    np.testing.assert_array_equal(squared_distances(X, X), (differences**2).sum(axis=2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_samples_and_over_markers(dtype, block):
    X, rng = dosages(dtype), np.random.default_rng(2)
    weights, effects = rng.normal(size=(17, 3)), rng.normal(size=(3, 53))
    floats = X.astype(float)
    np.testing.assert_allclose(
        marker_sums(X, weights), (floats - floats[0]).T @ weights, atol=1e-11
    )
    np.testing.assert_allclose(genetic_values(X, effects), floats @ effects.T, atol=1e-11)
    assert genetic_values(X, effects[0]).shape == (17,)


def test_a_constant_marker_sums_to_exactly_0():
    X = np.column_stack([np.full(30, 0.1), np.arange(30.0)])
    weights = np.random.default_rng(0).normal(size=(30, 1))
    assert marker_sums(X, weights)[0, 0] == 0.0


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_relationship_matrix_is_the_formula(dtype):
    X = dosages(dtype)
    Z = X - X.mean(axis=0, dtype=float)
    G = relationship_matrix(X)
    np.testing.assert_allclose(G, Z @ Z.T / Z.var(axis=0).sum(), atol=1e-12)
    assert np.trace(G) == pytest.approx(len(X), rel=1e-12)
    np.testing.assert_allclose(relationship_matrix(X * 1e-6), G, atol=1e-12)


def test_scale_is_that_of_vanraden_under_hardy_weinberg():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, size=3000)
    X = rng.binomial(2, p, size=(400, 3000)).astype(np.int8)
    frequency = X.mean(axis=0) / 2
    Z = X - 2 * frequency
    vanraden = Z @ Z.T / (2 * frequency * (1 - frequency)).sum()
    # 3000 sample variances of 400 diploids differ from 2pq by 0.1 % in the sum
    np.testing.assert_allclose(relationship_matrix(X), vanraden, rtol=5e-3)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((4, 3), 0.1), "none of the 3 markers varies between the 4 samples"),
        ([[0.0, 1.0]], "minimum of 2"),
        ([[0.0, np.nan], [1.0, 1.0]], "NaN"),
    ],
)
def test_relationship_matrix_refuses(X, message):
    with pytest.raises(ValueError, match=message):
        relationship_matrix(X)
