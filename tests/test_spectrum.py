import numpy as np
import pytest

from sktransformer_gp import spectrum
from sktransformer_gp.spectrum import kernel_spectrum, marker_spectrum, project
from sktransformer_gp.weights import SampleWeights

N = 30
WEIGHTS = SampleWeights(np.linspace(0.5, 2, N), repeats=False)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 3, size=(N, 45)).astype(float)
    W = np.column_stack([np.ones(N), rng.normal(size=N)])
    return Z, W


def assert_spectrum_is(found, matrix):
    """Compare ``U diag(v) U'`` with what it is the spectrum of, and U with its meaning."""
    vectors, values = found.vectors, found.values
    np.testing.assert_allclose(vectors * values @ vectors.T, matrix, atol=1e-11)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(values)), atol=1e-11)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal weights", "weights"])
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("by", ["kernel", "markers"])
def test_it_is_that_of_the_kernel_between_contrasts(data, weights, in_place, by, monkeypatch):
    Z, W = data
    given = Z @ Z.T if by == "kernel" else Z
    before = given.copy()
    monkeypatch.setattr(spectrum, "QUICK_UP_TO", N - 1 if in_place else N)
    found = (kernel_spectrum if by == "kernel" else marker_spectrum)(given, W, weights)
    np.testing.assert_array_equal(given, before)

    w = np.ones(N) if weights is None else weights.values
    roots = np.sqrt(w)[:, None]
    S = np.eye(N) - (W * roots) @ np.linalg.pinv(W * roots)
    centred = Z - w @ Z / w.sum()
    c = w @ (centred**2).sum(axis=1) / w.sum()
    assert found.scale == pytest.approx(c)
    assert_spectrum_is(found, S @ ((Z @ Z.T) * roots * roots.T) @ S / c)
    np.testing.assert_allclose(np.eye(N) - found.fixed @ found.fixed.T, S, atol=1e-12)


def test_what_fixed_effects_explain_is_taken_out(data):
    Z, W = data
    left = Z - W @ np.linalg.lstsq(W, Z, rcond=None)[0]
    np.testing.assert_allclose(project(np.linalg.qr(W)[0], Z), left, atol=1e-12)


@pytest.mark.parametrize("decompose", [kernel_spectrum, marker_spectrum])
def test_fixed_effects_may_not_use_up_the_samples(decompose):
    W = np.column_stack([np.ones(4), np.eye(4)[:, :3]])
    with pytest.raises(ValueError, match=r"4 fixed effects .* the 4 samples"):
        decompose(np.eye(4), W)
