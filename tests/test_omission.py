import numpy as np
import pytest

from sktransformer_gp.spectrum import kernel_spectrum
from sktransformer_gp.variance import fit_reml

N = 60
KINDS = ["full rank", "few markers", "identical samples"]


def kernel(kind):
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(N, 15 if kind == "few markers" else 90))
    if kind == "identical samples":
        Z[20:30] = Z[:10]
    return Z @ Z.T / Z.shape[1], Z @ rng.normal(size=(Z.shape[1], 5))


def phenotypes(genetic):
    """Traits from all genetic to all noise, each with a few samples missing of its own."""
    rng = np.random.default_rng(4)
    y = 5 + genetic / genetic.std(axis=0) * [3, 1, 0.5, 0.2, 0] + rng.normal(size=(N, 5))
    for k in range(5):
        y[rng.choice(N, 2 * k, replace=False), k] = np.nan
    return y


def fit(K, y, folds, nested):
    calls = []

    def spectrum_of(rows):
        calls.append(len(rows))
        return kernel_spectrum(K[np.ix_(rows, rows)], np.ones((len(rows), 1)))

    return fit_reml(y, spectrum_of, folds, nested=nested), calls


@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_decomposition_gives_what_each_trait_has_from_its_own(kind):
    K, genetic = kernel(kind)
    y, folds = phenotypes(genetic), np.arange(N) % 5

    shared, n_shared = fit(K, y, folds, nested=True)
    alone, n_alone = fit(K, y, folds, nested=False)

    assert n_shared == [N, N] and sorted(n_alone) == [N - 8, N - 6, N - 4, N - 2, N]
    for name in ("lambda_", "components", "log_likelihood"):
        np.testing.assert_allclose(getattr(shared, name), getattr(alone, name), rtol=1e-8)
    for name in ("dual_coef", "left_out_coef", "left_out_variance"):
        expected = getattr(alone, name)
        # lambda down to 1e-5 costs five of the sixteen digits.
        np.testing.assert_allclose(
            getattr(shared, name), expected, rtol=1e-7, atol=1e-9 * abs(expected).max()
        )


def test_traits_that_miss_many_samples_get_a_decomposition_of_their_own():
    K, genetic = kernel("full rank")
    y = phenotypes(genetic)[:, :2]
    y[:20, 1] = np.nan

    n_seen = (~np.isnan(y)).sum(axis=0)
    assert sorted(fit(K, y, None, nested=True)[1]) == sorted(n_seen)


def test_constant_traits_and_kernels_without_variance_miss_samples_as_well():
    K, genetic = kernel("full rank")
    y = phenotypes(genetic)[:, :2]
    y[3:, 1] = 7.0
    y[:3, 1] = np.nan

    found, _ = fit(K, y, np.arange(N) % 5, nested=True)
    assert found.lambda_[1] == np.inf
    np.testing.assert_array_equal(found.dual_coef[:, 1], 0)
    np.testing.assert_array_equal(found.left_out_coef[:, :, 1], 0)

    found, _ = fit(np.ones((N, N)), phenotypes(genetic), None, nested=True)
    assert (found.lambda_ == np.inf).all()
