"""What must not change a prediction, and what must change it in a known way, on random data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sktransformer_gp import GBLUPRegressor, RKHSRegressor, TransformerGPRegressor
from sktransformer_gp.polygenic import PolygenicRegressor

MIXED_MODELS = [GBLUPRegressor, RKHSRegressor, PolygenicRegressor]
TINY = {"max_iter": 2, "cross_fitting": 2, "d_model": 4, "n_heads": 2, "dim_readout": 4}
NEW = 6
every_mixed_model = pytest.mark.parametrize("make", MIXED_MODELS)
examples = settings(max_examples=15, deadline=None, derandomize=True)


@st.composite
def studies(draw):
    """Draw dosages of training and new samples, and two traits with some heritability."""
    seed = draw(st.integers(0, 2**32 - 1))
    n, m = draw(st.integers(12, 40)), draw(st.integers(3, 60))
    rng = np.random.default_rng(seed)
    X = rng.binomial(2, rng.uniform(0.1, 0.9, m), size=(n + NEW, m)).astype(np.int8)
    Y = X @ rng.normal(size=(m, 2)) / np.sqrt(m) + rng.normal(size=(n + NEW, 2))
    return X[:n], Y[:n], X[n:], rng


def assert_same(found, expected, Y):
    # Variances are searched to a tolerance, and likelihoods are flat around their top.
    np.testing.assert_allclose(found, expected, atol=2e-4 * Y.std())


@every_mixed_model
@given(study=studies())
@examples
def test_which_allele_is_counted_does_not_matter(make, study):
    X, Y, new, rng = study
    flipped = rng.random(X.shape[1]) < 0.5

    expected = make().fit(X, Y).predict(new)
    found = make().fit(np.where(flipped, 2 - X, X), Y).predict(np.where(flipped, 2 - new, new))

    assert_same(found, expected, Y)


@every_mixed_model
@given(study=studies(), shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3))
@examples
def test_units_and_origin_of_a_trait_carry_over(make, study, shift, scale):
    X, Y, new, _ = study

    expected = make().fit(X, Y).predict(new) * scale + shift
    found = make().fit(X, Y * scale + shift).predict(new)

    np.testing.assert_allclose(found, expected, atol=scale * 2e-4 * Y.std() + 1e-9 * abs(shift))


@every_mixed_model
@given(study=studies())
@examples
def test_traits_are_fitted_each_for_itself_in_any_order(make, study):
    X, Y, new, _ = study

    both = make().fit(X, Y).predict(new)

    assert_same(make().fit(X, Y[:, ::-1]).predict(new)[:, ::-1], both, Y)
    assert_same(make().fit(X, Y[:, 0]).predict(new), both[:, 0], Y)


@every_mixed_model
@given(study=studies())
@examples
def test_order_of_samples_and_markers_does_not_matter(make, study):
    X, Y, new, rng = study
    rows, markers = rng.permutation(len(X)), rng.permutation(X.shape[1])

    found = make().fit(X[rows][:, markers], Y[rows]).predict(new[:, markers])

    assert_same(found, make().fit(X, Y).predict(new), Y)


@every_mixed_model
@given(study=studies())
@examples
def test_a_constant_marker_changes_nothing(make, study):
    X, Y, new, _ = study
    more, more_new = (np.column_stack([dosages, np.ones(len(dosages))]) for dosages in (X, new))

    found = make().fit(more, Y).predict(more_new)

    assert_same(found, make().fit(X, Y).predict(new), Y)


@pytest.fixture(scope="module")
def transformer():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(60, 30), dtype=np.int8)
    Y = X[:, :4] @ rng.normal(size=(4, 2)) + rng.normal(size=(60, 2))
    return TransformerGPRegressor(**TINY, random_state=0).fit(X, Y)


@given(
    X=hnp.arrays(np.int8, st.tuples(st.integers(1, 80), st.just(30)), elements=st.integers(0, 2)),
    seed=st.integers(0, 1000),
)
@examples
def test_a_prediction_depends_on_its_own_dosages_only(transformer, X, seed):
    """Not on the order, not on who is predicted together, not on the number of batches."""
    rows = np.random.default_rng(seed).integers(0, len(X), size=2 * len(X))

    mean, std = transformer.predict(X, return_std=True)
    shuffled_mean, shuffled_std = transformer.predict(X[rows], return_std=True)

    np.testing.assert_allclose(shuffled_mean, mean[rows], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(shuffled_std, std[rows], rtol=1e-7, atol=1e-10)
