"""Weights of samples, in all regressors: 0 = left out, whole numbers = so many equal samples."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktransformer_gp import (
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    FixedEffectsRegressor,
    GBLUPRegressor,
    MaskedGenotypePretrainer,
    PerTraitRegressor,
    PretrainedGPRegressor,
    RKHSRegressor,
    TransformerGPRegressor,
)
from sktransformer_gp.metrics import r2_score
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.training import MaskedMSELoss
from sktransformer_gp.weights import (
    SampleWeights,
    check_sample_weight,
    drop_weightless,
    median_distance,
    take,
    weighted_mean,
)

TINY = {"max_iter": 2, "cross_fitting": 3, "d_model": 4, "n_heads": 2, "dim_readout": 4}
MIXED_MODELS = {
    "gblup": GBLUPRegressor,
    "rkhs": RKHSRegressor,
    "polygenic": PolygenicRegressor,
}
SEED = {"max_iter": 2, "random_state": 0}
NETWORKS = {
    "transformer": partial(TransformerGPRegressor, **TINY, random_state=0),
    "cnn": partial(CNNGPRegressor, n_channels=4, dim_readout=4, **SEED),
    "cross-attention": partial(CrossAttentionGPRegressor, **SEED),
    "pretrained": partial(PretrainedGPRegressor, MaskedGenotypePretrainer(max_iter=1), **SEED),
}
REGRESSORS = {
    **MIXED_MODELS,
    **NETWORKS,
    "ridge for each trait": PerTraitRegressor,
    "fixed effects": partial(FixedEffectsRegressor, fixed_effects=[0]),
    "pipeline for each trait": lambda: PerTraitRegressor(
        make_pipeline(StandardScaler(with_std=False), GBLUPRegressor())
    ),
}
# A scaler in a pipeline is given no weights, here as in scikit-learn.
ALIKE = {name: make for name, make in REGRESSORS.items() if "pipeline" not in name}
every_regressor = pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
every_mixed_model = pytest.mark.parametrize("make", MIXED_MODELS.values(), ids=MIXED_MODELS)
every_weighted_model = pytest.mark.parametrize(
    "make",
    [
        *MIXED_MODELS.values(),
        lambda **given: TransformerGPRegressor(**TINY, random_state=0, **given),
    ],
    ids=[*MIXED_MODELS, "transformer"],
)
# As markers outnumber samples or not, GBLUP decomposes another matrix.
every_shape = pytest.mark.parametrize("n_markers", [12, 90])


def simulate(n_markers=30, n=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n, n_markers), dtype=np.int8)
    effects = 2 * rng.normal(size=(n_markers, 2)) / np.sqrt(n_markers)
    Y = 5 + X @ effects + rng.normal(size=(n, 2))
    return X, Y, rng.integers(0, 4, size=n)


@every_regressor
def test_weight_zero_is_a_row_left_out(make):
    X, Y, weights = simulate()
    kept = weights > 0

    weighted = make().fit(X, Y, sample_weight=weights)
    without = make().fit(X[kept], Y[kept], sample_weight=weights[kept])

    np.testing.assert_array_equal(weighted.predict(X), without.predict(X))


@every_shape
@pytest.mark.parametrize("make", ALIKE.values(), ids=ALIKE)
def test_whole_weights_are_repeated_rows(make, n_markers):
    X, Y, weights = simulate(n_markers)
    Y[5:15, 1] = np.nan
    weighted = make().fit(X, Y, sample_weight=weights)
    repeated = make().fit(X.repeat(weights, axis=0), Y.repeat(weights, axis=0))

    # Variances are searched to a tolerance, where likelihoods are flat.
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6)


@every_shape
def test_variances_of_gblup_are_those_of_repeated_rows(n_markers):
    X, Y, weights = simulate(n_markers)
    X = np.column_stack([X, np.arange(40) % 2])

    weighted, repeated = (GBLUPRegressor(fixed_effects=[n_markers]) for _ in range(2))
    weighted.fit(X, Y, sample_weight=weights)
    repeated.fit(X.repeat(weights, axis=0), Y.repeat(weights, axis=0))

    for name in ("h2_", "variance_components_", "coef_", "intercept_"):
        size = np.abs(getattr(repeated, name)).max()
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(repeated, name), rtol=1e-6, atol=1e-8 * size
        )


def test_standard_deviations_and_held_out_predictions_are_those_of_repeated_rows():
    X, Y, weights = simulate()
    folds = np.arange(40) % 4
    rows = np.arange(40).repeat(weights)

    weighted = PolygenicRegressor().fit(X, Y, folds, sample_weight=weights)
    repeated = PolygenicRegressor().fit(X[rows], Y[rows], folds[rows])

    first = np.unique(rows, return_index=True)[1]
    for name in ("out_of_fold_", "out_of_fold_std_"):
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(repeated, name)[first], rtol=1e-6
        )
    for found, expected in zip(
        weighted.predict(X, return_std=True), repeated.predict(X, return_std=True), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(weighted.kernel_weights_, repeated.kernel_weights_, atol=1e-8)


@every_shape
def test_precisions_solve_hendersons_equations_with_residual_variance_over_weight(n_markers):
    X, Y, _ = simulate(n_markers)
    y, n_plots = Y[:, 0], np.random.default_rng(1).integers(1, 6, size=40)

    model = GBLUPRegressor(weighting="precision").fit(X, y, sample_weight=n_plots)

    W, Z, R = np.ones((40, 1)), X.astype(float), np.diag(n_plots)
    mean = n_plots @ Z / n_plots.sum()
    c = n_plots @ ((Z - mean) ** 2).sum(axis=1) / n_plots.sum()
    shrunk = Z.T @ R @ Z + model.lambda_ * c * np.eye(n_markers)
    left = np.block([[W.T @ R @ W, W.T @ R @ Z], [Z.T @ R @ W, shrunk]])
    solution = np.linalg.solve(left, np.concatenate([W.T @ R @ y, Z.T @ R @ y]))
    np.testing.assert_allclose(model.intercept_, solution[0], rtol=1e-7)
    np.testing.assert_allclose(model.coef_, solution[1:], rtol=1e-6, atol=1e-8)


@every_mixed_model
def test_the_unit_of_precisions_does_not_matter(make):
    X, Y, weights = simulate()
    small, large = (
        make(weighting="precision").fit(X, Y, sample_weight=weights * unit) for unit in (0.01, 7)
    )

    # Bounds of lambda are in units of weight 1, and a likelihood may have its top there.
    np.testing.assert_allclose(small.predict(X), large.predict(X), atol=5e-3)


@every_mixed_model
def test_equal_precisions_are_none(make):
    X, Y, _ = simulate()
    weighted = make(weighting="precision").fit(X, Y, sample_weight=np.full(40, 3.0))

    np.testing.assert_allclose(weighted.predict(X), make().fit(X, Y).predict(X), atol=1e-4)


def test_heritability_of_means_over_plots_is_found_with_precisions_only():
    """Lines on 1 to 8 plots each, h2 of a plot is .5; as repeats, plots seem to agree exactly."""
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.integers(0, 3, size=(300, 200))
        genetic = X @ rng.normal(size=200)
        n_plots = rng.integers(1, 9, size=300)
        y = genetic / genetic.std() + rng.normal(size=300) / np.sqrt(n_plots)
        found.append(
            [
                GBLUPRegressor(weighting=weighting).fit(X, y, sample_weight=n_plots).h2_
                for weighting in ("precision", "repeats")
            ]
        )

    # The standard error of REML is about .07 here: .03 for the mean of five.
    precision, repeats = np.mean(found, axis=0)
    assert precision == pytest.approx(0.5, abs=0.1) and repeats > 0.9


@every_weighted_model
def test_predictions_follow_the_precise_half(make):
    """What one half of the samples says is the contrary of what the other half says."""
    rng = np.random.default_rng(0)
    X, new = rng.integers(0, 3, size=(2, 120, 4))
    sign = np.where(np.arange(120) < 60, 1, -1)
    y = sign * X[:, 0] + rng.normal(0, 0.3, size=120)

    for half in (1, -1):
        weights = np.where(sign == half, 10.0, 1.0)
        predicted = make(weighting="precision").fit(X, y, sample_weight=weights).predict(new)
        assert half * np.corrcoef(predicted, new[:, 0])[0, 1] > 0.3


def test_the_loss_of_whole_weights_is_that_of_repeated_rows():
    rng = np.random.default_rng(0)
    f, y = torch.tensor(rng.normal(size=(2, 5, 3))), torch.tensor(rng.normal(size=(5, 2, 3)))
    y[1, 0, 2] = torch.nan
    weights = torch.tensor([1, 3, 2, 1, 4])
    loss = MaskedMSELoss(torch.tensor(rng.uniform(size=(2, 3))))

    relative = (weights / weights.double().mean())[:, None, None].expand(5, 2, 1)
    weighted = loss(f, torch.cat([y, relative], dim=2))

    repeated = loss(f.repeat_interleave(weights, 1), y.repeat_interleave(weights, 0))
    assert weighted.item() == pytest.approx(repeated.item(), rel=1e-12)


def test_out_of_fold_predictions_are_in_the_order_of_the_rows():
    # Enough rows for any folds: those of weighted rows hang on the last bit of the phenotypes,
    # which another BLAS simulates otherwise.
    X, Y, weights = simulate(n_markers=10, n=120)
    Y[3] = np.nan
    model = TransformerGPRegressor(**TINY, random_state=0).fit(X, Y, sample_weight=weights)

    used = (weights > 0) & (np.arange(120) != 3)
    assert model.out_of_fold_.shape == (5, used.sum(), 2)
    # The polygenic term sees the phenotypes of the other folds: a shuffle has r = 0 +- .1.
    r = [np.corrcoef(model.out_of_fold_[-1, :, k], Y[used, k])[0, 1] for k in range(2)]
    assert min(r) > 0.2


def test_copies_are_one_sample_of_their_number():
    X, Y, _ = simulate()
    rows = np.r_[np.arange(40), 4, 4, 9]

    copied = TransformerGPRegressor(**TINY, random_state=0).fit(X[rows], Y[rows])
    shuffled = TransformerGPRegressor(**TINY, random_state=0).fit(X[rows[::-1]], Y[rows[::-1]])

    assert copied.out_of_fold_.shape[1] == 43
    np.testing.assert_array_equal(copied.out_of_fold_[:, 40], copied.out_of_fold_[:, 4])
    # In a fixed order of their own, whatever the order they come in.
    np.testing.assert_array_equal(copied.predict(X), shuffled.predict(X))


def test_two_copies_of_all_there_is_of_a_trait_stay_two():
    X, Y, _ = simulate()
    X[1], Y[1] = X[0], Y[0]
    Y[2:, 1] = np.nan

    predicted = TransformerGPRegressor(**TINY, random_state=0).fit(X, Y).predict(X)

    # Too few for inner folds: an encoder that has hardly begun counts as much as all else.
    np.testing.assert_allclose(predicted[:, 1], Y[0, 1], atol=0.5)


def test_validation_rows_that_are_set_aside_keep_their_weights():
    X, Y, weights = simulate(n=120)
    model = TransformerGPRegressor(
        **{**TINY, "max_iter": 3, "preprocessor": None}, early_stopping=10, random_state=0
    )
    rows = np.arange(120).repeat(weights)

    weighted = model.fit(X, Y, sample_weight=weights).validation_scores_
    repeated = model.fit(X[rows], Y[rows]).validation_scores_
    ones = model.fit(X, Y, sample_weight=np.minimum(weights, 1)).validation_scores_

    assert weighted == repeated and weighted != ones


@every_regressor
def test_score_weighs_the_squares(make):
    X, Y, weights = simulate()
    model = make().fit(X, Y)
    kept = weights > 0

    expected = r2_score(Y.repeat(weights, axis=0), model.predict(X).repeat(weights, axis=0))

    assert model.score(X, Y, sample_weight=weights) == pytest.approx(expected, rel=1e-10)
    assert model.score(X, Y, kept) == pytest.approx(model.score(X[kept], Y[kept]), rel=1e-10)


@every_regressor
def test_weights_are_routed_through_searches_and_pipelines(make):
    X, Y, weights = simulate()
    with sklearn.config_context(enable_metadata_routing=True):
        model = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        if isinstance(model, PerTraitRegressor) and model.estimator is not None:
            model.estimator[0].set_fit_request(sample_weight=False)
            model.estimator[1].set_fit_request(sample_weight=True)
        search = GridSearchCV(make_pipeline(model), {}, cv=3, error_score="raise")
        search.fit(X, Y, sample_weight=weights)
        unweighted = GridSearchCV(make_pipeline(make()), {}, cv=3).fit(X, Y)

    by_hand = make().fit(X, Y, sample_weight=weights)
    np.testing.assert_allclose(search.predict(X), by_hand.predict(X))
    assert search.best_score_ != unweighted.best_score_
    assert not np.allclose(search.predict(X), unweighted.predict(X))


def test_without_routing_a_step_is_given_weights_by_its_name():
    X, Y, weights = simulate()
    pipeline = make_pipeline(StandardScaler(), GBLUPRegressor())

    scores = cross_validate(
        pipeline, X, Y, cv=3, params={"gblupregressor__sample_weight": weights}, error_score="raise"
    )

    assert not np.allclose(scores["test_score"], cross_validate(pipeline, X, Y, cv=3)["test_score"])


def test_an_estimator_that_takes_no_weights_is_named():
    X, Y, weights = simulate()
    with pytest.raises(ValueError, match=r"not taken by KNeighborsRegressor\(\)"):
        PerTraitRegressor(KNeighborsRegressor()).fit(X, Y, sample_weight=weights)
    forest = PerTraitRegressor(RandomForestRegressor(3, random_state=0))
    assert np.isfinite(forest.fit(X, Y, sample_weight=weights).predict(X)).all()


@every_mixed_model
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(39), r"each of the 40 samples, got the shape \(39,\)"),
        (np.ones((40, 1)), r"got the shape \(40, 1\)"),
        (np.r_[np.ones(39), -2], "got -2"),
        (np.r_[np.ones(39), np.nan], "sample_weight contains NaN"),
        (np.r_[np.ones(39), np.inf], "sample_weight contains infinity"),
        (np.zeros(40), "zero for all samples"),
        (["heavy"] * 40, "could not convert string"),
        (np.full(40, 0.3), "mean 0.3, but with weighting='repeats'.*'precision'"),
        (np.r_[1, np.zeros(39)], "trait 0 has 1 observed"),
    ],
)
def test_bad_weights_are_refused(make, weights, message):
    X, Y, _ = simulate()
    with pytest.raises(ValueError, match=message):
        make().fit(X, Y, sample_weight=weights)


def test_a_trait_observed_on_samples_of_weight_0_only_is_named():
    X, Y, weights = simulate()
    Y = pd.DataFrame(Y, columns=["yield", "height"])
    Y.loc[weights > 0, "height"] = np.nan
    with pytest.raises(ValueError, match="trait 'height' has 0 observed"):
        GBLUPRegressor().fit(X, Y, sample_weight=weights)


@every_mixed_model
def test_unknown_weighting_is_named(make):
    with pytest.raises(ValueError, match=r"\('repeats', 'precision'\), got 'plots'"):
        make(weighting="plots").fit(*simulate()[:2])
    with pytest.raises(ValueError, match=r"weighting is one of .* got 'plots'"):
        TransformerGPRegressor(weighting="plots").fit(*simulate()[:2])


def test_weights_of_mean_one_are_repeats_up_to_rounding():
    weights = np.random.default_rng(0).uniform(size=1000)
    weights /= weights.mean()

    np.testing.assert_array_equal(check_sample_weight(weights, 1000, "repeats"), weights)
    assert check_sample_weight(None, 1000, "repeats") is None


def test_nothing_is_copied_where_all_count():
    X, Y, _ = simulate()

    for weights in (None, np.full(40, 2.0)):
        same_X, same_Y, kept = drop_weightless(X, Y, weights, "precision")
        assert same_X is X and same_Y is Y
    assert drop_weightless(X, Y, None, "repeats")[2] is None and kept.repeats is False


def test_weights_of_some_samples():
    weights = SampleWeights(np.array([1.0, 4.0, 9.0]), repeats=True)

    assert take(weights, np.array([0, 2])).n_observations == 10
    assert take(weights, np.array([True, False, True])).roots.tolist() == [[1.0], [3.0]]
    assert take(None, np.array([0])) is None


def test_means_leave_gaps_out():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(3, 6, 2)), rng.integers(1, 4, size=6)
    values[1, 2, 0] = np.nan

    found = weighted_mean(values, SampleWeights(weights.astype(float), True), axis=1)

    np.testing.assert_allclose(found, np.nanmean(values.repeat(weights, axis=1), axis=1))
    np.testing.assert_array_equal(weighted_mean(values[0], None), values[0].mean(axis=0))


@pytest.mark.parametrize("seed", range(20))
def test_median_distance_is_that_of_repeated_samples(seed):
    rng = np.random.default_rng(seed)
    points, weights = rng.integers(0, 9, size=(5 + seed % 3, 1)), rng.integers(1, 5, size=9)
    weights = weights[: len(points)]
    distances = (points - points.T) ** 2.0
    rows = np.arange(len(points)).repeat(weights)

    repeated = distances[np.ix_(rows, rows)]

    expected = np.median(repeated[repeated > 0])
    assert median_distance(distances, SampleWeights(weights.astype(float), True)) == expected
    assert median_distance(repeated) == expected


def test_median_distance_of_identical_samples_is_one():
    assert median_distance(np.zeros((3, 3))) == 1.0
