import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_validate
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp.datasets import fetch_wheat, fetch_yeast
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.metrics import pearson_scorers


def simulate(n=80, m=120, h2=(0.5,), seed=0, ploidy=2):
    rng = np.random.default_rng(seed)
    X = rng.binomial(ploidy, rng.uniform(0.1, 0.9, size=m), size=(n, m)).astype(np.int8)
    genetic = X @ rng.normal(size=(m, len(h2)))
    genetic = (genetic - genetic.mean(axis=0)) / genetic.std(axis=0)
    noise = rng.normal(size=(n, len(h2)))
    return X, 100 + genetic * np.sqrt(h2) + noise * np.sqrt(1 - np.asarray(h2))


def ridge_strength(model, X):
    return model.lambda_ * X.var(axis=0).sum()


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
@pytest.mark.parametrize("m", [30, 400], ids=["fewer markers", "more markers"])
def test_equals_ridge_of_the_same_strength(dtype, m):
    X, y = simulate(m=m)
    X, y = X.astype(dtype), y[:, 0]
    model = GBLUPRegressor().fit(X[:60], y[:60])
    floats = X.astype(float)
    ridge = Ridge(alpha=ridge_strength(model, floats[:60])).fit(floats[:60], y[:60])
    np.testing.assert_allclose(model.predict(X), ridge.predict(floats), rtol=1e-8)
    np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-8 * np.abs(ridge.coef_).max())
    assert model.intercept_ == pytest.approx(ridge.intercept_, rel=1e-8)


@pytest.mark.parametrize("m", [30, 200])
def test_solves_hendersons_mixed_model_equations(m):
    X, y = simulate(m=m)
    rng = np.random.default_rng(1)
    covariates = np.column_stack([np.arange(80) % 2, rng.normal(50, 3, size=80)])
    y = y[:, 0] + covariates @ [5.0, -1.0]
    both = np.insert(X.astype(float), [4, 9], covariates, axis=1)  # columns 4 and 10
    model = GBLUPRegressor(fixed_effects=[10, 4]).fit(both, y)

    W, Z = np.column_stack([np.ones(80), covariates]), X.astype(float)
    shrunk = Z.T @ Z + ridge_strength(model, Z) * np.eye(m)
    left = np.block([[W.T @ W, W.T @ Z], [Z.T @ W, shrunk]])
    solution = np.linalg.solve(left, np.concatenate([W.T @ y, Z.T @ y]))
    # numpy's solve at a condition number of about 1e7
    tolerance = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(model.intercept_, solution[0], **tolerance)
    np.testing.assert_allclose(model.coef_[[4, 10]], solution[1:3], **tolerance)
    np.testing.assert_allclose(np.delete(model.coef_, [4, 10]), solution[3:], **tolerance)


def test_fixed_effects_by_name():
    X, y = simulate()
    frame = pd.DataFrame(X, columns=[f"chr1:{k}" for k in range(119)] + ["trial"])
    by_name = GBLUPRegressor(fixed_effects=["trial", "chr1:7"]).fit(frame, y)
    by_number = GBLUPRegressor(fixed_effects=np.array([7, 119])).fit(X, y)
    np.testing.assert_array_equal(by_name.coef_, by_number.coef_)
    plain = GBLUPRegressor(fixed_effects=[]).fit(X, y)
    assert not np.allclose(plain.coef_[:, 119], by_name.coef_[:, 119])
    np.testing.assert_array_equal(plain.coef_, GBLUPRegressor().fit(X, y).coef_)


@pytest.mark.parametrize(
    "fixed_effects", ["trial", ["height"], [120], [-1], [True], [np.False_], 3, [0.5], ["a", 1]]
)
def test_unknown_fixed_effects_are_refused(fixed_effects):
    X, y = simulate()
    frame = pd.DataFrame(X, columns=["trial"] + [f"m{k}" for k in range(119)])
    with pytest.raises(ValueError, match=r"list of columns .*0\.\.119.*got"):
        GBLUPRegressor(fixed_effects=fixed_effects).fit(frame, y)


def test_fixed_effects_leave_a_marker():
    X, y = simulate(m=2)
    with pytest.raises(ValueError, match=r"\[0, 1\] leaves no marker"):
        GBLUPRegressor(fixed_effects=[0, 1]).fit(X, y)


def test_covariates_that_repeat_each_other_predict_like_one():
    X, y = simulate(n=60)
    trial = np.arange(60) % 2
    once = np.column_stack([X, trial])
    dummies = np.column_stack([X, trial, 1 - trial])
    one = GBLUPRegressor(fixed_effects=[120]).fit(once, y)
    two = GBLUPRegressor(fixed_effects=[120, 121]).fit(dummies, y)
    np.testing.assert_allclose(two.predict(dummies), one.predict(once), rtol=1e-9)


@pytest.mark.parametrize("ploidy", [1, 2, 4])
def test_heritability_is_recovered(ploidy):
    h2 = (0.2, 0.5, 0.8)
    found = [
        GBLUPRegressor().fit(*simulate(n=400, m=300, h2=h2, seed=seed, ploidy=ploidy)).h2_
        for seed in range(5)
    ]
    # REML's standard error is about .07 here, so .03 for a mean of five
    np.testing.assert_allclose(np.mean(found, axis=0), h2, atol=0.09)


def test_variances_agree_with_each_other():
    X, y = simulate(h2=(0.3, 0.7))
    model = GBLUPRegressor().fit(X, y)
    genetic, residual = model.variance_components_.T
    np.testing.assert_allclose(model.h2_, genetic / (genetic + residual))
    np.testing.assert_allclose(model.lambda_, residual / genetic)


def test_each_trait_is_the_fit_of_this_trait_on_its_observed_samples():
    X, y = simulate(h2=(0.3, 0.5, 0.7))
    y[:9, 0] = np.nan
    y[[3, 40, 41], 2] = np.nan
    fixed = {"fixed_effects": [5]}
    together = GBLUPRegressor(**fixed).fit(X, y)
    for k in range(3):
        rows = ~np.isnan(y[:, k])
        alone = GBLUPRegressor(**fixed).fit(X[rows], y[rows, k])
        for name in ("coef_", "intercept_", "h2_", "lambda_", "variance_components_"):
            np.testing.assert_allclose(
                getattr(together, name)[k], getattr(alone, name), rtol=1e-7, atol=1e-10
            )
        np.testing.assert_allclose(together.predict(X)[:, k], alone.predict(X), rtol=1e-9)


def test_shapes_follow_the_phenotypes():
    X, y = simulate()
    one, column = GBLUPRegressor().fit(X, y[:, 0]), GBLUPRegressor().fit(X, y)
    two = GBLUPRegressor().fit(X, np.hstack([y, y]))
    assert one.predict(X).shape == (80,)
    assert column.predict(X).shape == (80, 1)
    assert two.predict(X).shape == (80, 2)
    assert [np.shape(one.h2_), np.shape(column.h2_), np.shape(two.h2_)] == [(), (1,), (2,)]
    assert [one.coef_.shape, column.coef_.shape, two.coef_.shape] == [(120,), (1, 120), (2, 120)]
    assert one.variance_components_.shape == (2,)
    assert two.variance_components_.shape == (2, 2)
    np.testing.assert_allclose(two.predict(X)[:, 1], one.predict(X), rtol=1e-12)


def test_allele_coding_and_unit_do_not_matter():
    X, y = simulate()
    y = y[:, 0]
    expected = GBLUPRegressor().fit(X, y).predict(X)
    flipped = X.copy()
    flipped[:, ::3] = 2 - flipped[:, ::3]
    np.testing.assert_allclose(
        GBLUPRegressor().fit(flipped, y).predict(flipped), expected, rtol=1e-9
    )
    rescaled = GBLUPRegressor().fit(X, 1e-3 * y + 7).predict(X)
    np.testing.assert_allclose(rescaled, 1e-3 * expected + 7, rtol=1e-9)


@pytest.mark.parametrize("m", [30, 120])
def test_an_offset_of_the_dosages_does_not_matter(m):
    X, y = simulate(m=m)
    expected = GBLUPRegressor().fit(X, y).predict(X)
    shifted = X + 1e6
    # marker effects of 1 times dosages of 1e6 leave 9 of float64's 16 digits
    np.testing.assert_allclose(
        GBLUPRegressor().fit(shifted, y).predict(shifted), expected, rtol=1e-8
    )


def test_two_samples_are_enough_for_a_fit():
    model = GBLUPRegressor().fit([[0, 1], [2, 1]], [1.0, 3.0])
    assert model.h2_ == pytest.approx(1e-5, rel=1e-3)  # one contrast: no evidence
    np.testing.assert_allclose(model.predict([[1, 1]]), [2.0])


@pytest.mark.parametrize("value", [0, 1])
def test_a_constant_covariate_changes_nothing(value):
    X, y = simulate()
    wider = np.column_stack([X, np.full(80, value, dtype=np.int8)])
    model = GBLUPRegressor(fixed_effects=[120]).fit(wider, y)
    np.testing.assert_allclose(
        model.predict(wider), GBLUPRegressor().fit(X, y).predict(X), rtol=1e-9
    )


@pytest.mark.parametrize("unit", [1e-15, 1e15])
def test_the_unit_of_a_covariate_does_not_matter(unit):
    X, y = simulate()
    covariate = np.random.default_rng(2).normal(size=80)
    expected = GBLUPRegressor(fixed_effects=[120]).fit(np.column_stack([X, covariate]), y)
    other = GBLUPRegressor(fixed_effects=[120]).fit(np.column_stack([X, unit * covariate]), y)
    np.testing.assert_allclose(other.coef_[0, 120] * unit, expected.coef_[0, 120], rtol=1e-7)


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_a_marker_that_does_not_vary_has_no_effect(dtype):
    X, y = simulate()
    constant = np.full((80, 2), 1 if dtype is np.int8 else 0.1)
    wider = np.hstack([X, constant]).astype(dtype)
    model = GBLUPRegressor().fit(wider, y[:, 0])
    np.testing.assert_array_equal(model.coef_[-2:], 0.0)
    np.testing.assert_allclose(
        model.predict(wider), GBLUPRegressor().fit(X, y[:, 0]).predict(X), rtol=1e-9
    )


@pytest.mark.parametrize("m", [5, 120])
def test_without_variation_the_mean_is_predicted(m):
    X, y = simulate(m=m)
    constant_trait = GBLUPRegressor().fit(X, np.full(80, 0.3))
    constant_markers = GBLUPRegressor().fit(np.ones((80, m), dtype=np.int8), y[:, 0])
    for model, mean in [(constant_trait, 0.3), (constant_markers, y.mean())]:
        np.testing.assert_array_equal(model.coef_, 0.0)
        np.testing.assert_allclose(model.predict(X), mean, rtol=1e-14)
        assert (model.h2_, model.lambda_) == (0.0, np.inf)


def test_no_float_copy_of_all_dosages_is_made():
    X = np.random.default_rng(0).integers(0, 3, size=(100, 300_000), dtype=np.int8)
    y = X[:, :50].sum(axis=1).astype(float)
    tracemalloc.start()
    GBLUPRegressor().fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * X.size * 8  # bytes of the float64 copy; some blocks and the effects stay


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0], [1], [2]], [1.0, np.nan, np.nan], "trait 0 has 1 observed"),
        ([[0], [1], [2]], [1.0, 2.0, np.inf], "infinity"),
        ([[0], [1], [-1]], [1.0, 2.0, 3.0], "-1 means missing"),
        ([[0], [1], [np.nan]], [1.0, 2.0, 3.0], "DosageImputer"),
        ([[0, 1]], [1.0], "1 sample"),
    ],
)
def test_bad_input_is_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        GBLUPRegressor().fit(X, y)


@parametrize_with_checks([GBLUPRegressor(fixed_effects=[0])])
def test_scikit_learn_checks_with_a_fixed_effect(estimator, check):
    check(estimator)


def dense_reml(X, y, new):
    """Estimate h2 by scipy's optimiser on the textbook's formula; return it and predictions."""
    both = np.vstack([X, new]) - X.mean(axis=0)
    K = both @ both.T / X.var(axis=0).sum()
    n, ones = len(y), np.ones((len(y), 1))

    def solve(h2):
        V = h2 * K[:n, :n] + (1 - h2) * np.eye(n)
        information = ones.T @ np.linalg.solve(V, ones)
        mean = ones.T @ np.linalg.solve(V, y) / information[0]
        left = np.linalg.solve(V, y - mean)
        return V, information, mean, left

    def minus_twice_likelihood(h2):
        V, information, _, left = solve(h2)
        n_contrasts = n - 1
        variance = y @ left / n_contrasts
        log_dets = np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
        return log_dets + n_contrasts * np.log(variance)

    h2 = minimize_scalar(
        minus_twice_likelihood, bounds=(1e-4, 1 - 1e-4), method="bounded", options={"xatol": 1e-9}
    ).x
    _, _, mean, left = solve(h2)
    return h2, mean + h2 * K[n:, :n] @ left


@pytest.mark.parametrize("m", [60, 300])
def test_agrees_with_a_dense_reml_by_another_optimiser(m):
    X, Y = simulate(n=120, m=m, h2=(0.3, 0.5, 0.7))
    model = GBLUPRegressor().fit(X[:100], Y[:100])

    for k, h2 in enumerate(model.h2_):
        expected, predicted = dense_reml(X[:100].astype(float), Y[:100, k], X[100:].astype(float))
        assert 0.01 < expected < 0.99
        assert h2 == pytest.approx(expected, abs=1e-5)  # as near as the optimiser comes
        np.testing.assert_allclose(model.predict(X[100:])[:, k], predicted, atol=1e-6)


def cross_validated(X, y, names):
    cv = KFold(5, shuffle=True, random_state=0)
    scores = cross_validate(GBLUPRegressor(), X, y, cv=cv, scoring=pearson_scorers(names))
    return [scores[f"test_{name}"].mean() for name in names]


# Mean over folds of ridge on standardised markers, measured with other code, and its sd over
# folds (of the last three, only the means are on record: Lactate's sd stands in).
YEAST = {
    "Lactate": (0.744, 0.013),
    "Lactose": (0.747, 0.031),
    "Lithium_Chloride": (0.814, 0.013),
    "Maltose": (0.726, 0.013),
    "Magnesium_Sulfate": (0.609, 0.013),
}


@pytest.fixture(scope="module")
def yeast(real_data):
    return fetch_yeast(data_home=real_data, traits=list(YEAST))


@pytest.mark.parametrize("trait", YEAST)
def test_yeast_predictive_ability(trait, yeast):
    y = yeast.target[:, yeast.target_names.index(trait)]
    observed = ~np.isnan(y)
    mean, sd = YEAST[trait]
    assert cross_validated(yeast.data[observed], y[observed], [trait])[0] == pytest.approx(
        mean, abs=sd
    )


def test_yeast_heritabilities_are_the_published_ones(yeast):
    # Bloom et al. 2013: narrow-sense heritabilities .626 and .639, REML on the same segregants
    model = GBLUPRegressor().fit(yeast.data, yeast.target[:, :2])
    np.testing.assert_allclose(model.h2_, [0.626, 0.639], atol=1e-3)


def test_wheat_predictive_ability(real_data):
    wheat = fetch_wheat(data_home=real_data)
    found = np.array(cross_validated(wheat.data, wheat.target, wheat.target_names))
    expected, sd = [0.540, 0.480, 0.387, 0.451], [0.064, 0.086, 0.078, 0.057]
    np.testing.assert_array_less(np.abs(found - expected), sd)
