import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sktransformer_gp import relationship
from sktransformer_gp.relationship import (
    genetic_values,
    inner_products,
    marker_factors,
    marker_sums,
    relationship_matrix,
    squared_distances,
)
from sktransformer_gp.spectrum import kernel_spectrum
from sktransformer_gp.variance import fit_reml


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


def test_factors_of_markers_are_those_of_numpy():
    X, counts, weights = dosages(np.int8), np.arange(53) % 4 + 1.0, np.arange(17) % 3 + 1.0
    X[:, 7] = 3
    center, factors = marker_factors(X, counts, weights)
    spread = np.sqrt(np.cov(X, rowvar=False, aweights=weights, bias=True).diagonal())
    np.testing.assert_allclose(center, np.average(X, axis=0, weights=weights))
    Z = (X - center) * factors
    np.testing.assert_allclose(np.average(Z**2, axis=0, weights=weights).sum(), 1)
    ratio = factors[1:7] ** 2 / factors[0] ** 2
    np.testing.assert_allclose(ratio, counts[1:7] / counts[0] * spread[0] / spread[1:7])
    assert factors[7] == 0


def test_factors_of_markers_do_not_depend_on_the_coding():
    X = dosages(np.int8)
    X[:, 7] = 3
    scaled = [(A - center) * f for A in (X, 10.0 - 2 * X) for center, f in [marker_factors(A)]]
    np.testing.assert_allclose(scaled[0], -scaled[1], atol=1e-14)
    assert (marker_factors(X[:, [7]])[1] == 0).all()


def test_effects_in_proportion_to_the_factors_have_the_largest_likelihood():
    """Of effects with the variance 1 / s: more than with dosages as they are, or standardised."""
    rng = np.random.default_rng(0)
    frequencies = rng.uniform(0.02, 0.5, 800)
    found = []
    for _ in range(5):
        X = rng.binomial(2, frequencies, (400, 800))
        spread = X.std(axis=0)
        values = X @ (rng.normal(size=800) / np.sqrt(spread))
        y = values + values.std() * rng.normal(size=400) / 2
        center, factors = marker_factors(X)
        scaled = [(X - center) * factor for factor in (factors, 1, 1 / spread)]
        spectra = [kernel_spectrum(Z @ Z.T, np.ones((400, 1))) for Z in scaled]
        fits = [fit_reml(y[:, None], lambda rows, s=s: s) for s in spectra]
        found.append([fit.log_likelihood[0] for fit in fits])
    ours, of_gblup, standardised = np.mean(found, axis=0)
    assert ours > max(of_gblup, standardised)
