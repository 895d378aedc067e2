import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp.datasets import fetch_wheat, make_cross
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.polygenic import PolygenicRegressor


@parametrize_with_checks([PolygenicRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=120, n_markers=300, n_traits=2, random_state=0)


def kernels_between(left, right, width):
    """Compute the four kernels pair by pair."""
    G = np.array([[(a * b).mean() for b in right] for a in left])
    R = np.array([[np.exp(-((a - b) ** 2).mean() / width) for b in right] for a in left])
    return [G, (G + R) / 2, R, R * R]


def test_prediction_is_the_weighted_average_of_four_gaussian_processes(cross):
    """Densely, with each kernel's own generalised least squares mean."""
    X, y, new = cross.data[:80], cross.target[:80], cross.data[80:]
    model = PolygenicRegressor().fit(X, y)
    scaler = StandardScaler().fit(X)
    Z, Z_new = scaler.transform(X), scaler.transform(new)
    expected = np.zeros((40, 2))
    within = kernels_between(Z, Z, model.width_)
    between = kernels_between(Z_new, Z, model.width_)
    one, S = np.ones(80), np.eye(80) - 1 / 80
    for k in range(4):
        scale = np.trace(S @ within[k] @ S) / 80
        for t in range(2):
            V = within[k] / scale + model.lambda_[k, t] * np.eye(80)
            weights = np.linalg.solve(V, np.column_stack([one, y[:, t]]))
            mean = (one @ weights[:, 1]) / (one @ weights[:, 0])
            dual = np.linalg.solve(V, y[:, t] - mean)
            # The package centres: the intercept is what the training mean leaves.
            fitted, predicted = within[k] @ dual / scale, between[k] @ dual / scale
            predicted += (y[:, t] - fitted).mean()
            expected[:, t] += model.kernel_weights_[k, t] * predicted

    np.testing.assert_allclose(model.predict(new), expected, atol=1e-8)


def test_median_distance_is_that_between_pairs(cross):
    Z = StandardScaler().fit_transform(cross.data)
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
    Z = StandardScaler().fit_transform(X)

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


def test_a_trait_is_fitted_on_the_rows_observed_for_it(cross):
    y = cross.target.copy()
    y[:40, 1] = np.nan
    folds = np.arange(120) % 4

    both = PolygenicRegressor().fit(cross.data, y, folds)
    alone = PolygenicRegressor().fit(cross.data, y[:, 0], folds)

    np.testing.assert_allclose(both.predict(cross.data)[:, 0], alone.predict(cross.data))
    np.testing.assert_allclose(both.out_of_fold_[:, 0], alone.out_of_fold_)
    assert np.isnan(both.out_of_fold_[:40, 1]).all()
    assert np.isfinite(both.out_of_fold_[40:, 1]).all()


def test_constant_trait_and_constant_markers_give_the_mean(cross):
    y = np.column_stack([np.full(120, 3.0), cross.target[:, 0]])

    predicted = PolygenicRegressor().fit(cross.data, y).predict(cross.data)
    flat = PolygenicRegressor().fit(np.ones((120, 3)), y[:, 1]).predict(np.ones((2, 3)))

    np.testing.assert_allclose(predicted[:, 0], 3.0)
    np.testing.assert_allclose(flat, y[:, 1].mean())


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
