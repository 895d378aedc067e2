import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp import polygenic
from sktransformer_gp.datasets import fetch_wheat, make_cross
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.polygenic import PolygenicRegressor


@parametrize_with_checks([PolygenicRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=120, n_markers=300, n_traits=2, random_state=0)


def scaled(X, training):
    """Divide centred dosages by the root of their standard deviation, to a mean variance of 1."""
    spread = training.std(axis=0)
    return (X - training.mean(axis=0)) / np.sqrt(spread * spread.mean())


def kernels_between(left, right, width):
    """Compute the four kernels pair by pair."""
    G = np.array([[(a * b).mean() for b in right] for a in left])
    R = np.array([[np.exp(-((a - b) ** 2).mean() / width) for b in right] for a in left])
    return [G, (G + R) / 2, R, R * R]


@pytest.mark.parametrize("n_missing", [0, 30])
def test_predictions_average_four_gaussian_processes(cross, n_missing):
    """Densely, with each kernel's generalised least squares mean and kriging variance."""
    y = cross.target[:80].copy()
    y[:n_missing, 1] = np.nan
    model = PolygenicRegressor().fit(cross.data[:80], y)
    Z = scaled(cross.data, cross.data[:80])
    kernels = kernels_between(Z, Z, model.width_)

    mean, std = model.predict(cross.data[80:], return_std=True)

    for t, rows in enumerate([np.arange(80), np.arange(n_missing, 80)]):
        n, new = len(rows), np.arange(80, 120)
        one, S = np.ones(n), np.eye(n) - 1 / n
        means, variances = [], []
        for K, lambda_, s2_e in zip(
            kernels, model.lambda_[:, t], model.residual_variance_[:, t], strict=True
        ):
            scale = np.trace(S @ K[np.ix_(rows, rows)] @ S) / n
            V = K / scale + lambda_ * np.eye(120)
            inverse, k = np.linalg.inv(V[np.ix_(rows, rows)]), V[np.ix_(rows, new)]
            information = one @ inverse @ one
            mu = one @ inverse @ y[rows, t] / information
            means.append(mu + k.T @ inverse @ (y[rows, t] - mu))
            left = 1 - one @ inverse @ k
            variance = V[new, new] - np.einsum("ij,ik,kj->j", k, inverse, k)
            variances.append((variance + left**2 / information) / lambda_ * s2_e)
        weights = model.kernel_weights_[:, t]
        expected = weights @ means
        spread = weights @ (np.array(variances) + (np.array(means) - expected) ** 2)

        np.testing.assert_allclose(mean[:, t], expected, atol=1e-8)
        np.testing.assert_allclose(std[:, t], np.sqrt(spread), rtol=1e-6)


def test_standard_deviations_hold_out_of_fold_and_for_new_samples(cross):
    """Both say the same of a sample that the model has not seen."""
    folds = np.zeros(120, dtype=int)
    folds[80:] = 1
    held_out = PolygenicRegressor().fit(cross.data, cross.target, folds)
    new = PolygenicRegressor().fit(cross.data[:80], cross.target[:80])

    mean, std = new.predict(cross.data[80:], return_std=True)

    # Marker scales, variances and kernel weights are those of 120 samples or of 80.
    assert np.corrcoef(held_out.out_of_fold_[80:, 0], mean[:, 0])[0, 1] > 0.9
    np.testing.assert_allclose(held_out.out_of_fold_std_[80:].mean(), std.mean(), rtol=0.25)


def test_median_distance_is_that_between_pairs(cross):
    Z = scaled(cross.data, cross.data)
    pairs = [((Z[i] - Z[j]) ** 2).mean() for i in range(120) for j in range(i)]

    width = PolygenicRegressor().fit(cross.data, cross.target).width_

    # Both halves of a symmetric matrix have the median of one.
    assert width == pytest.approx(np.median(pairs), rel=1e-3)


def test_kernel_weights_follow_the_likelihood_of_gaussian_processes():
    """scikit-learn maximises the marginal likelihood, near enough to the restricted one here."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(150, 6)).astype(float)
    interaction = (X[:, 0] != X[:, 1]) * 2.0 + rng.normal(0, 0.3, 150)
    additive = X @ rng.normal(size=6) + rng.normal(0, 0.3, 150)
    Z = scaled(X, X)

    model = PolygenicRegressor().fit(X, np.column_stack([interaction, additive]))

    def log_likelihood(y, width):
        # exp(-mean of squares / width) = exp(-sum of squares / (2 l^2)), l^2 = 6 width / 2
        gaussian = ConstantKernel() * RBF(np.sqrt(3 * width), "fixed")
        process = GaussianProcessRegressor(gaussian + WhiteKernel(), normalize_y=True)
        return process.fit(Z, y).log_marginal_likelihood_value_

    expected = log_likelihood(interaction, model.width_ / 2)
    expected -= log_likelihood(interaction, model.width_)
    found = np.log(model.kernel_weights_[3, 0] / model.kernel_weights_[2, 0])
    # They differ by how the mean is taken into account, a unit or so of log-likelihood.
    assert abs(expected) > 5 and found == pytest.approx(expected, abs=2)
    assert model.kernel_weights_[0, 1] > 0.9 and model.kernel_weights_[0, 0] < 1e-6
    np.testing.assert_allclose(model.kernel_weights_.sum(axis=0), 1)


def test_out_of_fold_predictions_are_close_to_refits(cross):
    """Refits estimate their variances anew, which moves predictions little."""
    folds = np.arange(120) % 6
    model = PolygenicRegressor().fit(cross.data, cross.target, folds)
    refitted = np.empty_like(model.out_of_fold_)
    for fold in range(6):
        out = folds == fold
        refit = PolygenicRegressor().fit(cross.data[~out], cross.target[~out])
        refitted[out] = refit.predict(cross.data[out])

    for k in range(2):
        assert np.corrcoef(refitted[:, k], model.out_of_fold_[:, k])[0, 1] > 0.97
        in_sample = np.corrcoef(model.predict(cross.data)[:, k], refitted[:, k])[0, 1]
        assert np.corrcoef(refitted[:, k], model.out_of_fold_[:, k])[0, 1] > in_sample


@pytest.mark.parametrize("n_missing", [10, 60])
def test_samples_without_the_trait_are_predicted_without_their_fold_as_well(cross, n_missing):
    """Densely: the bordered equations of the other folds, of all samples' variances."""
    y = cross.target.copy()
    y[:n_missing, 1] = np.nan
    folds = np.arange(120) % 4
    model = PolygenicRegressor().fit(cross.data, y, folds)
    Z = scaled(cross.data, cross.data)
    kernels, seen = kernels_between(Z, Z, model.width_), ~np.isnan(y[:, 1])
    expected = np.zeros(120)
    for fold in range(4):
        rest, out = seen & (folds != fold), folds == fold
        n = rest.sum()
        for K, lambda_, weight in zip(
            kernels, model.lambda_[:, 1], model.kernel_weights_[:, 1], strict=True
        ):
            observed = K[np.ix_(seen, seen)]
            ridge = lambda_ * (np.trace(observed) / len(observed) - observed.mean())
            border = np.ones((n + 1, n + 1))
            border[:n, :n], border[n, n] = K[np.ix_(rest, rest)] + ridge * np.eye(n), 0
            dual = np.linalg.solve(border, np.append(y[rest, 1], 0))
            expected[out] += weight * (K[np.ix_(out, rest)] @ dual[:n] + dual[n])

    np.testing.assert_allclose(model.out_of_fold_[:, 1], expected, atol=1e-7)


def test_a_trait_is_fitted_on_the_rows_observed_for_it(cross):
    y = cross.target.copy()
    y[:40, 1] = np.nan
    folds = np.arange(120) % 4

    both = PolygenicRegressor().fit(cross.data, y, folds)
    alone = PolygenicRegressor().fit(cross.data, y[:, 0], folds)

    np.testing.assert_allclose(both.predict(cross.data)[:, 0], alone.predict(cross.data))
    np.testing.assert_allclose(both.out_of_fold_[:, 0], alone.out_of_fold_)
    assert np.isfinite(both.out_of_fold_).all()
    assert np.isnan(both.out_of_fold_std_[:40, 1]).all()
    assert np.isfinite(both.out_of_fold_std_[40:, 1]).all()


def test_constant_trait_and_constant_markers_give_the_mean(cross):
    y = np.column_stack([np.full(120, 3.0), cross.target[:, 0]])

    predicted = PolygenicRegressor().fit(cross.data, y).predict(cross.data)
    flat = PolygenicRegressor().fit(np.ones((120, 3)), y[:, 1]).predict(np.ones((2, 3)))

    np.testing.assert_allclose(predicted[:, 0], 3.0)
    np.testing.assert_allclose(flat, y[:, 1].mean())


def test_a_constant_trait_is_known_for_certain(cross):
    model = PolygenicRegressor().fit(cross.data, np.full(120, 3.0), np.arange(120) % 3)

    mean, std = model.predict(cross.data, return_std=True)

    assert (mean == 3).all() and (std == 0).all()
    assert (model.out_of_fold_ == 3).all() and (model.out_of_fold_std_ == 0).all()


def test_kinship_and_additive_effects_are_averaged_on_wheat(real_data):
    """Mean r over environments and folds: better than the linear kernel by far (Crossa 2010)."""
    wheat = fetch_wheat(data_home=real_data)
    X, y = wheat.data, wheat.target
    test = np.arange(len(X)) % 5 == 0
    r = {}
    for model in (PolygenicRegressor(), GBLUPRegressor()):
        predicted = model.fit(X[~test], y[~test]).predict(X[test])
        r[type(model)] = np.mean(
            [np.corrcoef(predicted[:, k], y[test, k])[0, 1] for k in range(y.shape[1])]
        )

    assert r[PolygenicRegressor] > r[GBLUPRegressor] + 0.02


def test_blocks_of_candidates_and_markers_do_not_show(monkeypatch):
    rng = np.random.default_rng(0)
    X, new = rng.integers(0, 3, (30, 40)), rng.integers(0, 3, (23, 40))
    y = X[:, :3] @ np.ones((3, 2)) + rng.normal(size=(30, 2))
    whole = PolygenicRegressor().fit(X, y).predict(new, return_std=True)

    for name, size in (("ROWS", 10), ("IN_CACHE", 4), ("MARKERS", 7)):
        monkeypatch.setattr(polygenic, name, size)
    parts = PolygenicRegressor().fit(X, y).predict(new, return_std=True)
    alone = PolygenicRegressor().fit(X, y).predict(new)

    np.testing.assert_allclose(parts, whole, rtol=1e-9)
    np.testing.assert_allclose(alone, whole[0], rtol=1e-9)
