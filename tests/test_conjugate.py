import numpy as np
import pytest

from sktransformer_gp import conjugate
from sktransformer_gp.conjugate import LinearKernel, fit_iteratively
from sktransformer_gp.spectrum import kernel_spectrum
from sktransformer_gp.variance import fit_reml
from sktransformer_gp.weights import SampleWeights, take

N, M = 150, 240
WEIGHTS = {
    "none": None,
    "precision": SampleWeights(np.random.default_rng(1).uniform(0.5, 3, N), repeats=False),
    "repeats": SampleWeights(np.random.default_rng(1).integers(1, 4, N) * 1.0, repeats=True),
}


@pytest.fixture
def data():
    """Give integer dosages, traits (one with gaps, one constant), fixed effects and folds."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(N, M)).astype(np.int8)
    g = X @ rng.normal(size=(M, 2))
    Y = np.column_stack([g / g.std(axis=0) + rng.normal(size=(N, 2)), np.full(N, 3.0)])
    Y[rng.random(N) < 0.3, 1] = np.nan
    return X, Y, np.column_stack([np.ones(N), rng.normal(size=N)]), rng.integers(0, 5, N)


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_equals_the_decomposition(data, weights, dtype):
    X, Y, design, folds = data
    X = X.astype(dtype)
    factors = 1 / X.std(axis=0) / np.sqrt(M)
    kernel = LinearKernel(X, X.mean(axis=0), factors)
    Z = (X - X.mean(axis=0)) * factors
    G = Z @ Z.T
    exact = fit_reml(
        Y,
        lambda rows: kernel_spectrum(G[np.ix_(rows, rows)], design[rows], take(weights, rows)),
        folds,
    )
    found = fit_iteratively(kernel, Y, design, folds, weights)
    np.testing.assert_allclose(found.lambda_, exact.lambda_, rtol=1e-6)
    np.testing.assert_allclose(found.components, exact.components, rtol=1e-5, atol=1e-12)
    # What the relative residual of 1e-5, or 1e-10, leaves.
    near = 1e-4 if dtype == np.int8 else 1e-8
    for name in ("dual_coef", "left_out_coef"):
        known = getattr(exact, name)
        np.testing.assert_allclose(getattr(found, name), known, atol=near * np.abs(known).max())


def test_traits_are_solved_in_batches(data, monkeypatch):
    X, Y, design, folds = data
    kernel = LinearKernel(X, X.mean(axis=0), np.ones(M))
    whole = fit_iteratively(kernel, Y, design, folds)
    monkeypatch.setattr(conjugate, "COLUMNS", 6)  # one trait and its five folds
    batches = fit_iteratively(kernel, Y, design, folds)
    np.testing.assert_allclose(batches.left_out_coef, whole.left_out_coef, atol=1e-4)


def test_blocks_do_not_show(data, monkeypatch):
    X, _, _, _ = data
    kernel = LinearKernel(X, X.mean(axis=0), np.linspace(1, 2, M))
    V = np.linspace(-1, 1, N)[:, None]
    whole = kernel.among(np.arange(20)), kernel.values(kernel.effects(V))
    monkeypatch.setattr(conjugate, "BLOCK", 3 * M)
    np.testing.assert_allclose(kernel.among(np.arange(20)), whole[0], rtol=1e-12)
    np.testing.assert_allclose(kernel.values(kernel.effects(V)), whole[1], rtol=1e-4)
    Z = (X - X.mean(axis=0)) * np.linspace(1, 2, M)
    np.testing.assert_allclose(whole[1], Z @ (Z.T @ V), rtol=1e-4)


def test_lambda_of_some_samples_is_near_that_of_all():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(1200, 60)).astype(np.int8)
    g = X @ rng.normal(size=60)
    y = (g / g.std() + rng.normal(size=1200))[:, None]
    kernel = LinearKernel(X, X.mean(axis=0), np.ones(60))
    some, all_ = (
        fit_iteratively(kernel, y, np.ones((1200, 1)), reml_samples=n) for n in (600, 1200)
    )
    # The standard error of log(lambda) is about .25 with 60 markers' effects, shared by the two.
    assert abs(np.log(some.lambda_ / all_.lambda_)) < 0.3
    assert some.lambda_ != all_.lambda_
    assert np.corrcoef(some.dual_coef[:, 0], all_.dual_coef[:, 0])[0, 1] > 0.999


def test_too_few_iterations_are_an_error(data, monkeypatch):
    X, Y, design, _ = data
    monkeypatch.setattr(conjugate, "MOST_ITERATIONS", 2)
    with pytest.raises(FloatingPointError, match="not solved after 2 iterations"):
        fit_iteratively(LinearKernel(X, X.mean(axis=0), np.ones(M)), Y, design)
