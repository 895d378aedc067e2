import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp import (
    DosageImputer,
    FixedEffectsRegressor,
    GBLUPRegressor,
    PerTraitRegressor,
    TransformerGPRegressor,
    compare_models,
)
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.relationship import relationship_matrix

TRAIN, TEST = slice(0, 150), slice(150, 200)
COVARIATES = ["age", "sex"]
TINY = {"max_iter": 2, "cross_fitting": 2, "d_model": 4, "n_heads": 2, "dim_readout": 4}


@pytest.fixture(scope="module")
def cross():
    """A cross whose two traits differ between sexes and change with age."""
    made = make_cross(200, 120, n_traits=2, random_state=0, as_frame=True)
    rng = np.random.default_rng(1)
    made.covariates = pd.DataFrame(
        {"age": rng.normal(size=200), "sex": rng.integers(0, 2, 200)}, made.data.index
    )
    made.effects = np.array([[-1.5, 3.0], [0.5, -2.0]])  # (traits, covariates)
    made.X = pd.concat([made.covariates, made.data], axis=1)
    made.Y = made.target + made.covariates.to_numpy() @ made.effects.T
    return made


class Recorder(RegressorMixin, BaseEstimator):
    """Remember what it is given."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.sample_weight_ = X, np.asarray(y), sample_weight
        return self

    def predict(self, X):
        self.predicted_ = X
        return np.zeros((len(X), *self.y_.shape[1:]))


@parametrize_with_checks(
    [
        FixedEffectsRegressor(fixed_effects=[0]),
        FixedEffectsRegressor(LinearRegression()),
        FixedEffectsRegressor(PerTraitRegressor(), fixed_effects=[0]),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_effects_are_generalised_least_squares(cross):
    Y = cross.Y.to_numpy().copy()
    Y[::3, 1] = np.nan
    model = FixedEffectsRegressor(GBLUPRegressor(), COVARIATES).fit(cross.X, Y)
    mixed = GBLUPRegressor(COVARIATES).fit(cross.X, Y)
    for k in range(2):
        seen = ~np.isnan(Y[:, k])
        markers = cross.data[seen].to_numpy()
        genetic, residual = mixed.variance_components_[k]
        V = genetic * relationship_matrix(markers) + residual * np.eye(len(markers))
        W = np.column_stack([np.ones(len(markers)), cross.covariates[seen]])
        inverse = np.linalg.inv(V)
        expected = np.linalg.solve(W.T @ inverse @ W, W.T @ inverse @ Y[seen, k])
        np.testing.assert_allclose(model.fixed_effects_[k], expected[1:], rtol=1e-6)


def test_with_gblup_it_is_gblup_with_fixed_effects(cross):
    train, test = cross.X[TRAIN], cross.X[TEST]
    both = FixedEffectsRegressor(GBLUPRegressor(), COVARIATES).fit(train, cross.Y[TRAIN])
    alone = GBLUPRegressor(COVARIATES).fit(train, cross.Y[TRAIN])
    # REML counts the effects' degrees of freedom in the one and not in the other: the ratio of the
    # variances differs by a hundredth.
    error = (both.predict(test) - alone.predict(test)) / cross.Y.to_numpy().std(axis=0)
    assert abs(error).max() < 0.01


def test_a_year_of_better_lines_is_not_a_better_year():
    # Later lines are selected; years have no effect on the phenotype.
    cross = make_cross(400, 300, n_traits=1, h2=0.8, random_state=3, as_frame=True)
    seen = cross.genetic_values[:, 0] + np.random.default_rng(0).normal(size=400)
    year = (seen > np.median(seen)).astype(float)
    X, y = cross.data.assign(year=year), cross.target.iloc[:, 0].to_numpy()
    naive = y[year == 1].mean() - y[year == 0].mean()
    found = FixedEffectsRegressor(Ridge(), ["year"]).fit(X, y).fixed_effects_[0]
    assert naive > 0.5 * y.std()
    assert abs(found) < 0.5 * naive


@pytest.mark.parametrize("as_frame", [True, False])
def test_the_estimator_sees_markers_and_what_the_effects_leave(cross, as_frame):
    X = cross.X if as_frame else cross.X.to_numpy()
    fixed = COVARIATES if as_frame else [0, 1]
    recorder = Recorder()
    model = FixedEffectsRegressor(recorder, fixed).fit(X, cross.Y)
    predicted = model.predict(X)

    by_hand = (cross.covariates - cross.covariates.mean()).to_numpy() @ model.fixed_effects_.T
    np.testing.assert_allclose(model.estimator_.y_, cross.Y - by_hand, rtol=1e-12)
    np.testing.assert_allclose(predicted, by_hand, rtol=1e-12)
    for seen in (model.estimator_.X_, model.estimator_.predicted_):
        np.testing.assert_array_equal(seen, cross.data)
        if as_frame:
            assert list(seen) == list(cross.data)
            assert set(seen.dtypes) == {np.dtype("int8")}
    assert model.estimator_ is not recorder
    assert not hasattr(recorder, "X_")


def test_without_fixed_effects_it_is_the_estimator(cross):
    forest = RandomForestRegressor(10, random_state=0)
    model = FixedEffectsRegressor(forest).fit(cross.data[TRAIN], cross.target[TRAIN])
    expected = clone(forest).fit(cross.data[TRAIN], cross.target[TRAIN])
    assert model.fixed_effects_.shape == (2, 0)
    np.testing.assert_array_equal(
        model.predict(cross.data[TEST]), expected.predict(cross.data[TEST])
    )


def test_one_trait_keeps_its_shape(cross):
    y = cross.Y.iloc[:, 0]
    model = FixedEffectsRegressor(Ridge(), COVARIATES).fit(cross.X[TRAIN], y[TRAIN])
    assert model.fixed_effects_.shape == (2,)
    assert model.predict(cross.X[TEST]).shape == (50,)
    # A standard error of .1 or so.
    np.testing.assert_allclose(model.fixed_effects_, cross.effects[0], atol=0.5)


def test_effects_make_a_forest_predict_better(cross):
    forest = RandomForestRegressor(50, random_state=0)
    y = cross.Y.iloc[:, 0].to_numpy()
    adjusted = FixedEffectsRegressor(forest, COVARIATES).fit(cross.X[TRAIN], y[TRAIN])
    markers_only = clone(forest).fit(cross.data[TRAIN], y[TRAIN])
    r = [
        np.corrcoef(y[TEST], predicted)[0, 1]
        for predicted in (adjusted.predict(cross.X[TEST]), markers_only.predict(cross.data[TEST]))
    ]
    assert r[0] > r[1] + 0.2


def test_missing_phenotypes_and_standard_deviations_pass(cross):
    Y = cross.Y.copy()
    Y.iloc[::2, 0] = np.nan
    network = TransformerGPRegressor(**TINY, random_state=0)
    model = FixedEffectsRegressor(network, COVARIATES).fit(cross.X[TRAIN], Y[TRAIN])
    mean, std = model.predict(cross.X[TEST], return_std=True)
    np.testing.assert_array_equal(mean, model.predict(cross.X[TEST]))
    assert mean.shape == std.shape == (50, 2)
    assert (std > 0).all()


def test_missing_dosages_pass_where_the_estimator_takes_them(cross):
    X = cross.X.astype(float)
    X.iloc[::5, 7] = np.nan
    y = cross.Y.iloc[:, 0]
    for inner in (
        make_pipeline(DosageImputer(), GBLUPRegressor()),
        HistGradientBoostingRegressor(max_iter=5),
    ):
        assert np.isfinite(FixedEffectsRegressor(inner, COVARIATES).fit(X, y).predict(X)).all()
    for data, fixed in ((X, COVARIATES), (X.to_numpy(), [0, 1])):
        with pytest.raises(ValueError, match="contains NaN"):
            FixedEffectsRegressor(GBLUPRegressor(), fixed).fit(data, y)


def test_weights_reach_the_estimator_and_leave_rows_out(cross):
    weights = np.where(np.arange(200) < 150, 2.0, 0.0)
    model = FixedEffectsRegressor(Recorder(), COVARIATES, weighting="precision")
    model.fit(cross.X, cross.Y, sample_weight=weights)
    few = FixedEffectsRegressor(Recorder(), COVARIATES).fit(cross.X[TRAIN], cross.Y[TRAIN])
    np.testing.assert_array_equal(model.estimator_.sample_weight_, weights)
    # Twice the precision everywhere: another residual variance, the same effects.
    np.testing.assert_allclose(model.fixed_effects_, few.fixed_effects_, rtol=1e-4)
    uneven = model.fit(cross.X, cross.Y, sample_weight=np.arange(200.0)).fixed_effects_
    assert abs(uneven - few.fixed_effects_).max() > 0.01
    with pytest.raises(ValueError, match="sample_weight is not taken by"):
        FixedEffectsRegressor(PlainRegressor()).fit(cross.data, cross.Y, sample_weight=weights)


def test_repeats_are_equal_samples(cross):
    weights = np.arange(200) % 3
    weighted, repeated = (FixedEffectsRegressor(Ridge(), COVARIATES) for _ in range(2))
    weighted.fit(cross.X, cross.Y, sample_weight=weights)
    repeated.fit(cross.X.loc[cross.X.index.repeat(weights)], cross.Y.to_numpy().repeat(weights, 0))
    np.testing.assert_allclose(weighted.fixed_effects_, repeated.fixed_effects_, rtol=1e-4)


class PlainRegressor(RegressorMixin, BaseEstimator):
    """Take no weights."""

    def fit(self, X, y):
        self.fitted_ = True
        return self


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sex": list("FM") * 100}, r"'sex' has the dtype .*get_dummies"),
        ({"sex": pd.Categorical(list("FM") * 100)}, r"'sex' has the dtype category"),
        ({"age": [np.nan] + [1.0] * 199}, "Input fixed_effects contains NaN"),
        ({"age": pd.array([None] + [1] * 199, dtype="Int8")}, "Input fixed_effects contains NaN"),
    ],
)
def test_what_is_no_covariate_is_refused(cross, change, message):
    model = FixedEffectsRegressor(Ridge(), COVARIATES)
    with pytest.raises(ValueError, match=message):
        model.fit(cross.X.assign(**change), cross.Y)
    model.fit(cross.X, cross.Y)
    with pytest.raises(ValueError, match=message):
        model.predict(cross.X.assign(**change))


def test_truth_values_are_numbers(cross):
    X = cross.X.assign(sex=cross.X["sex"] == 1)
    model = FixedEffectsRegressor(Ridge(), COVARIATES).fit(X, cross.Y)
    expected = FixedEffectsRegressor(Ridge(), COVARIATES).fit(cross.X, cross.Y)
    np.testing.assert_array_equal(model.fixed_effects_, expected.fixed_effects_)


def test_classes_have_effects_around_the_mean_and_a_new_one_is_average(cross):
    trial = pd.Series(np.resize(["a", "b", "c", "c"], 200), cross.data.index)
    shift = trial.map({"a": 30.0, "b": 20.0, "c": 10.0}).to_numpy()
    dummies = pd.get_dummies(trial)
    X = pd.concat([dummies, cross.data], axis=1)
    y = cross.target.iloc[:, 0].to_numpy() + shift
    model = FixedEffectsRegressor(Ridge(), list(dummies)).fit(X, y)
    effects = model.fixed_effects_

    # Standard errors of .2 or so.
    np.testing.assert_allclose(effects - effects.mean(), [10, 0, -10], atol=0.5)
    genetic = model.estimator_.predict(cross.data)
    assert genetic.mean() == pytest.approx(y.mean())
    elsewhere = model.predict(X.assign(a=False, b=False, c=False)) - genetic
    # Between the mean of the samples, 17.5, and that of the classes, 20: columns weigh by their
    # variances, 3/16, 3/16 and 1/4.
    np.testing.assert_allclose(elsewhere, 19 - 17.5, atol=0.5)


def test_columns_that_are_not_there_are_named(cross):
    for fixed, message in [
        (["trial"], r"by name; got \['trial'\]"),
        (list(cross.X), "leaves no marker"),
    ]:
        with pytest.raises(ValueError, match=message):
            FixedEffectsRegressor(Ridge(), fixed).fit(cross.X, cross.Y)
    model = FixedEffectsRegressor(Ridge(), COVARIATES).fit(cross.X, cross.Y)
    with pytest.raises(ValueError, match="sex"):
        model.predict(cross.X.drop(columns="sex"))


def test_models_are_compared_behind_the_same_effects(cross):
    models = {
        name: FixedEffectsRegressor(model, COVARIATES)
        for name, model in {"gblup": GBLUPRegressor(), "ridge": Ridge(100.0)}.items()
    }
    scores = compare_models(models, cross.X, cross.Y, cv=3, random_state=0, verbose=0)
    assert scores.groupby("model")["r"].mean().min() > 0.6
