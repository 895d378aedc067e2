import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import multivariate_normal
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KernelCenterer, StandardScaler

from sktransformer_gp.datasets import fetch_wheat
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.metrics import pearson_scorers
from sktransformer_gp.rkhs import RKHSRegressor


def simulate(n=70, m=90, n_traits=3, seed=0):
    """Additive traits; the last also has interactions between neighbouring markers."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n, m), dtype=np.int8)
    additive = X @ rng.normal(size=(m, n_traits))
    y = additive / additive.std(axis=0) + rng.normal(size=(n, n_traits))
    y[:, -1] += ((X[:, :20:2] - 1) * (X[:, 1:20:2] - 1)).sum(axis=1)
    return X, 50 + y


def kernels(X, rows, bandwidth):
    """Return the kernel between all samples and `rows`, from scipy's distances."""
    X = X.astype(float)
    width = bandwidth * np.median(pdist(X[rows], "sqeuclidean"))
    return np.exp(-cdist(X, X[rows], "sqeuclidean") / width)


def restricted_likelihood(K, y, lambda_):
    """Return the log density of orthonormal contrasts, densely (Helmert's contrasts)."""
    n = len(y)
    H = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:]
    centred = H.T @ K @ H
    V = centred / (np.trace(centred) / n) + lambda_ * np.eye(n - 1)
    q = H.T @ y
    return multivariate_normal(cov=q @ np.linalg.solve(V, q) / (n - 1) * V).logpdf(q)


@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 3.0])
def test_equals_kernel_ridge_of_the_same_strength(bandwidth):
    X, y = simulate()
    y = y[:, 0]
    model = RKHSRegressor(bandwidths=[bandwidth]).fit(X[:50], y[:50])
    K = kernels(X, np.arange(50), bandwidth)
    centre = KernelCenterer().fit(K[:50])
    strength = model.lambda_ * np.trace(centre.transform(K[:50])) / 50
    ridge = KernelRidge(alpha=strength, kernel="precomputed")
    ridge.fit(centre.transform(K[:50]), y[:50] - y[:50].mean())
    expected = y[:50].mean() + ridge.predict(centre.transform(K))
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-9)
    assert model.bandwidth_ == bandwidth
    assert model.width_ == pytest.approx(bandwidth * np.median(pdist(X[:50] * 1.0, "sqeuclidean")))


def test_bandwidth_and_lambda_maximise_the_dense_restricted_likelihood():
    X, y = simulate()
    bandwidths = (0.1, 0.5, 1.0, 2.0, 8.0)
    model = RKHSRegressor(bandwidths=bandwidths).fit(X, y)
    for k in range(3):
        best = [
            max(
                restricted_likelihood(kernels(X, np.arange(70), b), y[:, k], lambda_)
                for lambda_ in np.geomspace(1e-5, 1e5, 101)
            )
            for b in bandwidths
        ]
        chosen = bandwidths.index(model.bandwidth_[k])
        K = kernels(X, np.arange(70), model.bandwidth_[k])
        found = restricted_likelihood(K, y[:, k], model.lambda_[k])
        assert found >= max(best) - 1e-6
        assert best[chosen] >= max(best) - 0.01  # the dense grid misses a peak by less


def test_traits_choose_their_own_bandwidth():
    X, y = simulate(n=150)
    bandwidths = RKHSRegressor().fit(X, y).bandwidth_
    assert bandwidths.shape == (3,)
    assert len(set(bandwidths)) > 1


def test_a_wide_kernel_is_gblup():
    X, y = simulate()
    wide = RKHSRegressor(bandwidths=[1e5]).fit(X[:50], y[:50])
    linear = GBLUPRegressor().fit(X[:50], y[:50])
    # exp(-d) = 1 - d up to d^2 / 2: 1e-5 relative
    np.testing.assert_allclose(wide.predict(X), linear.predict(X), rtol=1e-4)
    np.testing.assert_allclose(wide.h2_, linear.h2_, atol=1e-3)


def test_each_trait_is_the_fit_of_this_trait_on_its_observed_samples():
    X, y = simulate()
    y[:9, 0] = np.nan
    y[[3, 40, 41], 2] = np.nan
    together = RKHSRegressor().fit(X, y)
    for k in range(3):
        rows = ~np.isnan(y[:, k])
        alone = RKHSRegressor().fit(X[rows], y[rows, k])
        for name in ("bandwidth_", "width_", "intercept_", "h2_", "lambda_"):
            assert getattr(together, name)[k] == pytest.approx(getattr(alone, name), rel=1e-7)
        np.testing.assert_allclose(together.variance_components_[k], alone.variance_components_)
        np.testing.assert_allclose(together.predict(X)[:, k], alone.predict(X), rtol=1e-9)
        np.testing.assert_array_equal(together.dual_coef_[~rows, k], 0)


def test_shapes_follow_the_phenotypes():
    X, y = simulate()
    one, column = RKHSRegressor().fit(X, y[:, 0]), RKHSRegressor().fit(X, y[:, :1])
    many = RKHSRegressor().fit(X, y)
    assert [one.predict(X).shape, column.predict(X).shape] == [(70,), (70, 1)]
    assert [one.dual_coef_.shape, many.dual_coef_.shape] == [(70,), (70, 3)]
    assert [np.shape(one.h2_), np.shape(column.h2_), np.shape(many.h2_)] == [(), (1,), (3,)]
    assert many.variance_components_.shape == (3, 2)
    genetic, residual = many.variance_components_.T
    np.testing.assert_allclose(many.h2_, genetic / (genetic + residual))
    np.testing.assert_allclose(many.predict(X)[:, 0], one.predict(X), rtol=1e-9)
    assert one.X_fit_.dtype == np.int8


def test_many_candidates_predict_as_they_do_alone():
    X, y = simulate()
    model = RKHSRegressor().fit(X, y)
    many = model.predict(np.tile(X, (31, 1)))  # 2170 rows, three times what is predicted at once
    np.testing.assert_allclose(many, np.tile(model.predict(X), (31, 1)), rtol=1e-12)


def test_interactions_are_learned_where_no_marker_has_an_effect():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(200, 6), dtype=np.int8)
    y = (X[:, 0] ^ X[:, 1]) + 0.3 * rng.normal(size=200)
    r = np.corrcoef(RKHSRegressor().fit(X[:150], y[:150]).predict(X[150:]), y[150:])[0, 1]
    linear = np.corrcoef(GBLUPRegressor().fit(X[:150], y[:150]).predict(X[150:]), y[150:])[0, 1]
    assert r > 0.7 > 0.3 > linear


@pytest.mark.parametrize("X", [np.ones((10, 4)), np.eye(10)], ids=["identical", "equally distant"])
def test_samples_without_structure_predict_about_the_mean(X):
    y = np.random.default_rng(0).normal(size=10)
    model = RKHSRegressor().fit(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean(), atol=1e-4)
    assert model.h2_ <= 1e-5


def test_duplicated_samples_do_not_narrow_the_kernel():
    X, y = simulate(n=30)
    X_clones = np.vstack([np.repeat(X[:1], 40, axis=0), X[1:]])
    y_clones = np.r_[np.repeat(y[:1, 0], 40), y[1:, 0]]
    model = RKHSRegressor(bandwidths=[1.0]).fit(X_clones, y_clones)
    differ = pdist(X_clones.astype(float), "sqeuclidean")
    assert model.width_ == pytest.approx(np.median(differ[differ > 0]))


def test_a_constant_trait_is_predicted_by_its_constant():
    X, y = simulate()
    model = RKHSRegressor().fit(X, np.column_stack([np.full(70, 0.3), y[:, 0]]))
    np.testing.assert_allclose(model.predict(X)[:, 0], 0.3, rtol=1e-14)
    assert (model.h2_[0], model.lambda_[0], model.bandwidth_[0]) == (0.0, np.inf, 0.25)
    assert model.h2_[1] > 0


@pytest.mark.parametrize("bandwidths", [(), (0.0, 1.0), (1.0, -2.0), (np.inf,), "wide", 1.0, None])
def test_bandwidths_are_positive_numbers(bandwidths):
    X, y = simulate()
    with pytest.raises(ValueError, match="bandwidths is a sequence of finite numbers > 0, got"):
        RKHSRegressor(bandwidths=bandwidths).fit(X, y)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0], [1], [2]], [1.0, np.nan, np.nan], "trait 0 has 1 observed"),
        ([[0], [1], [2]], [1.0, 2.0, np.inf], "infinity"),
        ([[0], [1], [-1]], [1.0, 2.0, 3.0], "-1 means missing"),
        ([[0], [1], [np.nan]], [1.0, 2.0, 3.0], "DosageImputer"),
    ],
)
def test_bad_input_is_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        RKHSRegressor().fit(X, y)


@pytest.mark.parametrize(
    ("model", "tolerance"),
    [
        # the reference: standardised markers, bandwidth 1, lambda by maximum likelihood
        (make_pipeline(StandardScaler(), RKHSRegressor(bandwidths=[1.0])), 0.005),
        (RKHSRegressor(), 0.02),
    ],
    ids=["reference settings", "defaults"],
)
def test_wheat_predictive_ability(model, tolerance, real_data):
    data = fetch_wheat(data_home=real_data)
    scores = cross_validate(
        model,
        data.data,
        data.target,
        cv=KFold(5, shuffle=True, random_state=0),
        scoring=pearson_scorers(data.target_names),
    )
    found = [scores[f"test_{name}"].mean() for name in data.target_names]
    np.testing.assert_allclose(found, [0.594, 0.497, 0.436, 0.499], atol=tolerance)
