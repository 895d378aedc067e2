import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import multivariate_normal

from sktransformer_gp.likelihood import LAMBDAS
from sktransformer_gp.spectrum import kernel_spectrum, marker_spectrum
from sktransformer_gp.variance import fit_reml, missingness_patterns
from sktransformer_gp.weights import SampleWeights

N = 30


def markers(kind):
    rng = np.random.default_rng(5)
    Z = rng.integers(0, 3, size=(N, 12 if kind == "fewer markers than samples" else 90))
    if kind == "identical samples":
        Z[10:20] = Z[:10]
    return Z.astype(float)


def designs(kind):
    rng = np.random.default_rng(6)
    group = np.arange(N) % 3
    columns = {
        "intercept": [],
        "covariate": [1e3 + rng.normal(size=N)],
        "all dummies": [group == 0, group == 1, group == 2],
    }[kind]
    return np.column_stack([np.ones(N), *columns]).astype(float)


KINDS = ["more markers than samples", "fewer markers than samples", "identical samples"]
DESIGNS = ["intercept", "covariate", "all dummies"]


def phenotypes(Z, n_traits=4, seed=7):
    """Traits from all genetic to all noise."""
    rng = np.random.default_rng(seed)
    genetic = (Z - Z.mean(axis=0)) @ rng.normal(size=(Z.shape[1], n_traits))
    genetic /= genetic.std(axis=0)
    return 10 + genetic * np.linspace(1, 0, n_traits) + rng.normal(size=(N, n_traits)) * 0.7


def fit(Z, W, y, decompose=kernel_spectrum):
    return fit_reml(
        y,
        lambda rows: decompose(
            Z[rows] @ Z[rows].T if decompose is kernel_spectrum else Z[rows], W[rows]
        ),
    )


def brute_force(Z, W, y, lambda_):
    """Return the log density of a basis of error contrasts, and s2_g at its best, densely."""
    A = null_space(W.T)
    centred = Z - Z.mean(axis=0)
    K = centred @ centred.T / centred.var(axis=0).sum()
    V = A.T @ (K + lambda_ * np.eye(len(y))) @ A
    q = A.T @ y
    s2_g = q @ np.linalg.solve(V, q) / len(q)
    return multivariate_normal(cov=s2_g * V).logpdf(q), s2_g


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("design", DESIGNS)
def test_the_optimum_is_that_of_the_dense_restricted_likelihood(kind, design):
    Z, W = markers(kind), designs(design)
    y = phenotypes(Z)
    found = fit(Z, W, y)
    for k in range(y.shape[1]):
        likelihood, s2_g = brute_force(Z, W, y[:, k], found.lambda_[k])
        assert found.log_likelihood[k] == pytest.approx(likelihood, abs=1e-6)
        # numpy's solve at condition numbers up to 1e7
        expected = [s2_g, found.lambda_[k] * s2_g]
        np.testing.assert_allclose(found.components[:, k], expected, rtol=1e-6)
        near = found.lambda_[k] * np.geomspace(0.5, 2, 41)
        near = near[(near >= LAMBDAS[0]) & (near <= LAMBDAS[-1])]
        everywhere = np.concatenate([np.geomspace(1e-5, 1e5, 80), near])
        dense = [brute_force(Z, W, y[:, k], value)[0] for value in everywhere]
        assert max(dense) <= found.log_likelihood[k] + 1e-6


@pytest.mark.parametrize("design", DESIGNS)
def test_an_inner_optimum_is_precise(design):
    Z, W = markers(KINDS[0]), designs(design)
    y = phenotypes(Z)[:, [1]]
    lambda_ = fit(Z, W, y).lambda_[0]
    assert 1e-4 < lambda_ < 1e4
    # The central difference of the dense likelihood vanishes there: error of the step 1e-6.
    up, down = (brute_force(Z, W, y[:, 0], lambda_ * np.exp(h))[0] for h in (1e-3, -1e-3))
    assert (up - down) / 2e-3 == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_the_highest_of_several_maxima_is_found(seed):
    # Few samples give likelihoods with several maxima.
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(size=(6, 3)), rng.standard_t(2, size=(6, 1))
    found = fit(Z, np.ones((6, 1)), y).log_likelihood[0]
    dense = [brute_force(Z, np.ones((6, 1)), y[:, 0], v)[0] for v in np.geomspace(1e-5, 1e5, 500)]
    assert max(dense) - 1e-7 <= found <= max(dense) + 1e-3  # the grid misses a peak by 0.001


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("design", DESIGNS)
def test_dual_coefficients_solve_the_mixed_model_equations(kind, design):
    Z, W = markers(kind), designs(design)
    y = phenotypes(Z)
    found = fit(Z, W, y)
    K = Z @ Z.T
    for k, lambda_ in enumerate(found.lambda_):
        c = Z.var(axis=0).sum()
        V = np.linalg.inv(K / c + lambda_ * np.eye(N))
        alpha = np.linalg.lstsq(W.T @ V @ W, W.T @ V @ y[:, k], rcond=None)[0]
        expected = V @ (y[:, k] - W @ alpha) / c
        size = np.abs(expected).max()
        np.testing.assert_allclose(found.dual_coef[:, k], expected, atol=1e-6 * size)
        # Henderson's property: no fixed effect is left in the weights
        np.testing.assert_allclose(W.T @ found.dual_coef[:, k], 0, atol=1e-8 * size * 1e3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("design", DESIGNS)
def test_markers_and_their_kernel_have_the_same_fit(kind, design):
    Z, W = markers(kind), designs(design)
    y = phenotypes(Z)
    by_kernel, by_markers = fit(Z, W, y), fit(Z, W, y, marker_spectrum)
    for kernel_part, marker_part in zip(by_kernel[:4], by_markers[:4], strict=True):
        size = np.abs(kernel_part).max()
        np.testing.assert_allclose(marker_part, kernel_part, rtol=1e-6, atol=1e-9 * size)


@pytest.mark.parametrize("decompose", [kernel_spectrum, marker_spectrum])
@pytest.mark.parametrize("code", [1, -1])
def test_weights_are_as_many_copies(decompose, code):
    """With markers that are copies of each other, of either sign."""
    Z = code * np.repeat(markers(KINDS[1]), 2, axis=1)
    y, weights = phenotypes(Z)[:, :2], np.arange(N) % 3 + 1.0
    copies = np.repeat(np.arange(N), weights.astype(int))

    def spectrum(rows, weights=None):
        marks = Z[rows] @ Z[rows].T if decompose is kernel_spectrum else Z[rows]
        return decompose(marks, np.ones((len(rows), 1)), weights)

    of_weights = spectrum(np.arange(N), SampleWeights(weights, repeats=True))
    of_copies = spectrum(copies)
    assert len(of_weights.values) == len(of_copies.values) == 12
    np.testing.assert_allclose(of_weights.values, of_copies.values, rtol=1e-8)
    assert of_weights.scale == pytest.approx(of_copies.scale)
    found = fit_reml(y, lambda rows: of_weights)
    expected = fit_reml(y[copies], lambda rows: of_copies)
    np.testing.assert_allclose(found.lambda_, expected.lambda_, rtol=1e-6)
    np.testing.assert_allclose(found.components, expected.components, rtol=1e-6)
    size = np.abs(expected.dual_coef).max()
    summed = np.array([expected.dual_coef[copies == i].sum(axis=0) for i in range(N)])
    np.testing.assert_allclose(found.dual_coef, summed, atol=1e-6 * size)


def test_missing_phenotypes_give_the_fit_of_each_trait_alone():
    Z, W = markers(KINDS[0]), designs("covariate")
    y = phenotypes(Z, n_traits=5)
    y[3:9, 0] = y[3:9, 2] = np.nan  # one pattern
    y[[0, 20], 1] = np.nan
    together = fit(Z, W, y)
    for k in range(5):
        rows = ~np.isnan(y[:, k])
        alone = fit(Z[rows], W[rows], y[rows][:, [k]])
        assert together.lambda_[k] == pytest.approx(alone.lambda_[0], rel=1e-9)
        np.testing.assert_allclose(together.components[:, k], alone.components[:, 0], rtol=1e-9)
        np.testing.assert_allclose(
            together.dual_coef[rows, k], alone.dual_coef[:, 0], rtol=1e-7, atol=1e-12
        )
        np.testing.assert_array_equal(together.dual_coef[~rows, k], 0)
        assert together.log_likelihood[k] == pytest.approx(alone.log_likelihood[0], abs=1e-9)


def test_variance_components_at_the_bounds():
    Z, W = markers(KINDS[1]), designs("intercept")
    centred = Z - Z.mean(axis=0)
    genetic = Z @ np.random.default_rng(0).normal(size=12)
    outside = null_space(np.column_stack([np.ones(N), centred]).T)[:, 0]
    found = fit(Z, W, np.column_stack([genetic, outside]))
    assert found.lambda_.tolist() == [LAMBDAS[0], LAMBDAS[-1]]
    assert found.components[1, 0] < 1e-4 * found.components[0, 0]
    assert found.components[0, 1] < 1e-4 * found.components[1, 1]
    assert found.components[1, 1] == pytest.approx(1 / (N - 1), rel=1e-6)  # s2_e = y'y / (n - 1)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e15])
def test_a_constant_trait_has_no_variance(constant):
    Z, W = markers(KINDS[0]), designs("intercept")
    y = np.column_stack([np.full(N, constant), phenotypes(Z)[:, 0]])
    found = fit(Z, W, y)
    assert found.lambda_[0] == np.inf
    assert found.log_likelihood[0] == -np.inf
    np.testing.assert_array_equal(found.components[:, 0], 0)
    np.testing.assert_array_equal(found.dual_coef[:, 0], 0)
    alone = fit(Z, W, y[:, [1]])
    assert found.lambda_[1] == pytest.approx(alone.lambda_[0], rel=1e-12)


def test_a_trait_that_the_fixed_effects_explain_has_no_variance():
    Z, W = markers(KINDS[0]), designs("covariate")
    found = fit(Z, W, W @ [[3.0], [-2.0]])
    assert found.lambda_[0] == np.inf
    np.testing.assert_array_equal(found.dual_coef, 0)


@pytest.mark.parametrize("decompose", [kernel_spectrum, marker_spectrum])
@pytest.mark.parametrize("code", [0.0, 1.0, 0.1])
def test_markers_that_do_not_vary_leave_all_to_the_residual(decompose, code):
    y = phenotypes(markers(KINDS[0]))
    found = fit(np.full((N, 7), code), np.ones((N, 1)), y, decompose)
    np.testing.assert_array_equal(found.lambda_, np.inf)
    np.testing.assert_array_equal(found.dual_coef, 0)
    np.testing.assert_array_equal(found.components[0], 0)
    np.testing.assert_allclose(found.components[1], y.var(axis=0, ddof=1), rtol=1e-12)


@pytest.mark.parametrize("decompose", [kernel_spectrum, marker_spectrum])
def test_markers_confounded_with_a_fixed_effect_leave_all_to_the_residual(decompose):
    W = designs("covariate")
    found = fit(W[:, [1]] - 1e3, W, phenotypes(markers(KINDS[0])), decompose)
    np.testing.assert_array_equal(found.lambda_, np.inf)


def test_a_flat_likelihood_is_no_evidence_of_genetic_variance():
    # Two samples have one contrast; unrelated ones of equal variance have equal eigenvalues.
    two = fit(np.array([[0.0, 1.0], [1.0, 1.0]]), np.ones((2, 1)), np.array([[1.0], [4.0]]))
    unrelated = fit(np.eye(N), np.ones((N, 1)), phenotypes(markers(KINDS[0])))
    assert two.lambda_.tolist() == [LAMBDAS[-1]]
    assert unrelated.lambda_.tolist() == [LAMBDAS[-1]] * 4


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_unit_of_a_trait_does_not_matter(scale):
    Z, W = markers(KINDS[0]), designs("covariate")
    y = phenotypes(Z)
    found, scaled = fit(Z, W, y), fit(Z, W, scale * y)
    np.testing.assert_allclose(scaled.lambda_, found.lambda_, rtol=1e-8)
    np.testing.assert_allclose(scaled.components, scale**2 * found.components, rtol=1e-8)


def test_a_large_mean_does_not_matter():
    Z, W = markers(KINDS[0]), designs("covariate")
    y = phenotypes(Z)
    # float64 keeps 4 decimals of a phenotype beside 1e12
    np.testing.assert_allclose(fit(Z, W, y + 1e12).lambda_, fit(Z, W, y).lambda_, rtol=1e-2)


@pytest.mark.parametrize("unit", [1e-15, 1e15])
def test_the_unit_of_a_covariate_does_not_matter(unit):
    Z, W = markers(KINDS[0]), designs("covariate")
    y = phenotypes(Z)
    other = fit(Z, np.column_stack([W * [1, unit], np.zeros(N)]), y)  # zeros explain nothing
    np.testing.assert_allclose(other.lambda_, fit(Z, W, y).lambda_, rtol=1e-6)


def test_patterns_cover_each_observed_phenotype_once():
    y = np.where(np.random.default_rng(0).random((6, 12)) < 0.4, np.nan, 1.0)
    covered = np.zeros(y.shape, dtype=int)
    n_patterns = 0
    for rows, traits in missingness_patterns(y):
        covered[np.ix_(rows, traits)] += 1
        n_patterns += 1
    np.testing.assert_array_equal(covered, ~np.isnan(y))
    assert n_patterns == len({tuple(pattern) for pattern in np.isnan(y).T})


def kriging(K, W, y, lambda_, out):
    """Predict some samples from the others by generalised least squares; return mean, variance."""
    V = K + lambda_ * np.eye(len(y))
    rest = ~out
    inverse = np.linalg.inv(V[np.ix_(rest, rest)])
    X, k = W[rest], V[np.ix_(rest, out)]
    information = np.linalg.pinv(X.T @ inverse @ X)
    alpha = information @ X.T @ inverse @ y[rest]
    left = W[out].T - X.T @ inverse @ k
    variance = V[np.ix_(out, out)] - k.T @ inverse @ k + left.T @ information @ left
    return W[out] @ alpha + k.T @ inverse @ (y[rest] - X @ alpha), variance.diagonal()


def assert_folds_are_predicted_as_without_them(Z, W, y):
    """Compare what is left out with kriging, and return the fit."""
    folds = np.random.default_rng(1).permutation(N) % 5
    centred = Z - Z.mean(axis=0)
    K = centred @ centred.T / centred.var(axis=0).sum()

    found = fit_reml(y, lambda rows: kernel_spectrum(Z @ Z.T, W), folds)

    for k, lambda_ in enumerate(found.lambda_):
        for fold in range(5):
            out = folds == fold
            mean, variance = kriging(K, W, y[:, k], lambda_, out)
            dual = found.left_out_coef[fold, :, k]
            rest = y[:, k] - Z @ (Z.T @ dual)
            fixed = np.linalg.lstsq(W[~out], rest[~out], rcond=None)[0]
            assert (dual[out] == 0).all()
            # lambda may be 1e-5, which costs five of the sixteen digits.
            np.testing.assert_allclose(
                Z[out] @ (Z.T @ dual) + W[out] @ fixed, mean, atol=1e-6 * np.abs(y[:, k]).max()
            )
            np.testing.assert_allclose(
                found.left_out_variance[out, k] * lambda_, variance, rtol=1e-5
            )
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("design", DESIGNS)
def test_a_fold_is_predicted_as_without_it(kind, design):
    Z = markers(kind)
    assert_folds_are_predicted_as_without_them(Z, designs(design), phenotypes(Z))


def test_traits_of_the_same_lambda_keep_their_own_predictions():
    Z, W = markers(KINDS[1]), designs("intercept")
    genetic = Z @ np.random.default_rng(0).normal(size=(12, 3))
    y = np.column_stack([genetic[:, :2], phenotypes(Z), genetic[:, 2]])
    found = assert_folds_are_predicted_as_without_them(Z, W, y)
    assert (found.lambda_[[0, 1, -1]] == LAMBDAS[0]).all()


def test_without_a_fold_a_constant_trait_is_predicted_by_its_mean():
    Z = markers(KINDS[0])
    folds = np.arange(N) % 3

    found = fit_reml(
        np.full((N, 1), 7.0), lambda rows: kernel_spectrum(Z @ Z.T, np.ones((N, 1))), folds
    )

    assert found.left_out_coef.shape == (3, N, 1) and (found.left_out_coef == 0).all()
    # The mean of 20 others has a variance of its own.
    np.testing.assert_allclose(found.left_out_variance, 1 + 1 / 20)
