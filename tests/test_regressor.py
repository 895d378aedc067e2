import copy
import pickle
import random

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LassoCV, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktransformer_gp.datasets import fetch_yeast
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.metrics import pearson_correlation, pearson_scorer
from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.simulation import make_cross

SINGLE = {"cross_fitting": None, "gate_penalty": 0.015, "token_dropout": 0.1}
TINY = {
    **SINGLE,
    "max_iter": 2,
    "batch_size": 32,
    "window_size": 16,
    "d_model": 4,
    "dim_feedforward": 4,
    "dim_readout": 4,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=300, n_markers=400, n_qtl=6, h2=0.8, random_state=0)


@pytest.fixture(scope="module")
def fitted(cross):
    return TransformerGPRegressor(random_state=0).fit(cross.data[:200], cross.target[:200])


def test_default_predicts_new_segregants_about_as_well_as_the_breeding_values_allow(cross, fitted):
    predicted = fitted.predict(cross.data[200:])

    r = pearson_correlation(cross.target[200:], predicted, multioutput="raw_values")
    ceiling = pearson_correlation(
        cross.target[200:], cross.breeding_values[200:], multioutput="raw_values"
    )
    gblup = GBLUPRegressor().fit(cross.data[:200], cross.target[:200]).predict(cross.data[200:])
    # With 200 segregants and 6 QTL most of the additive variance is found.
    assert (r > ceiling - 0.1).all()
    assert (r > pearson_correlation(cross.target[200:], gblup, multioutput="raw_values")).all()


def test_mixed_precision_trains_on_products_of_16_bits(cross, fitted):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = clone(fitted).fit(cross.data[:200], cross.target[:200])
    new = cross.data[200:]

    assert {p.dtype for p in mixed.net_.module_.parameters()} == {torch.float32}
    full, rounded = fitted.predict(new), mixed.predict(new)
    # bfloat16 has 8 bits: other predictions, but of the same genetic values.
    assert not np.allclose(full, rounded, rtol=1e-4)
    assert (pearson_correlation(full, rounded, multioutput="raw_values") > 0.9).all()


def test_default_finds_the_epistasis_behind_maltose(real_data):
    """Growth on maltose is known for strong interactions between loci, which GBLUP cannot see."""
    yeast = fetch_yeast(data_home=real_data, traits=["Maltose"], complete_cases=True)
    X, y = yeast.data, yeast.target[:, 0]
    train, test = next(KFold(5, shuffle=True, random_state=0).split(X))

    r_transformer, r_gblup = (
        pearson_correlation(y[test], model.fit(X[train], y[train]).predict(X[test]))
        for model in (TransformerGPRegressor(random_state=0), GBLUPRegressor())
    )

    # Five-fold means on other folds: .88 to .90 against .72.
    assert r_transformer > r_gblup + 0.1


def test_output_has_the_shape_of_y_in_float64(cross, fitted):
    X, Y = cross.data, cross.target
    assert fitted.predict(X).shape == Y.shape and fitted.predict(X).dtype == np.float64

    one = TransformerGPRegressor(**TINY)
    assert one.fit(X, Y[:, 0]).predict(X).shape == (300,)
    assert one.fit(X, Y[:, :1]).predict(X).shape == (300, 1)
    np.testing.assert_array_equal(one.predict(X)[:, 0], clone(one).fit(X, Y[:, 0]).predict(X))


def test_predictions_are_in_the_traits_own_unit(cross):
    X, Y = cross.data, cross.target
    small, large = (TransformerGPRegressor(**TINY) for _ in range(2))

    small.fit(X, Y)
    large.fit(X, Y * [1e3, 1e-3] + [5e4, 7])

    # The net sees standardised traits in float32: equal but for rounding of relative size 6e-8.
    np.testing.assert_allclose(
        large.predict(X), small.predict(X) * [1e3, 1e-3] + [5e4, 7], rtol=1e-4
    )


@pytest.mark.parametrize("kind", ["int8", "int16", "int64", "float32", "float64", "frame"])
def test_every_numeric_type_of_dosage_gives_the_same(cross, kind):
    X = cross.data[:100]
    given = pd.DataFrame(X, columns=[f"m{j}" for j in range(400)]) if kind == "frame" else X
    given = given if kind == "frame" else X.astype(kind)

    predicted = TransformerGPRegressor(**TINY).fit(given, cross.target[:100]).predict(given)

    expected = TransformerGPRegressor(**TINY).fit(X, cross.target[:100]).predict(X)
    np.testing.assert_array_equal(predicted, expected)


def test_two_fits_are_equal_to_the_bit_and_leave_the_global_streams_alone(cross):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    streams = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002

    fits = [TransformerGPRegressor(**TINY).fit(cross.data, cross.target) for _ in range(2)]

    np.testing.assert_array_equal(*(model.predict(cross.data) for model in fits))
    assert fits[0].loss_curve_ == fits[1].loss_curve_
    assert torch.equal(streams[0], torch.get_rng_state())
    assert (streams[1] == np.random.get_state()[1]).all() and streams[2] == random.getstate()  # noqa: NPY002


def test_another_seed_gives_another_model(cross):
    first, second = (
        TransformerGPRegressor(**{**TINY, "random_state": s}).fit(cross.data, cross.target)
        for s in (0, 1)
    )
    assert not np.allclose(first.predict(cross.data), second.predict(cross.data))


def test_predictions_do_not_depend_on_who_is_predicted_together(cross, fitted):
    X = cross.data
    together = fitted.predict(X)

    np.testing.assert_allclose(fitted.predict(X[7:8]), together[7:8], rtol=1e-11, atol=1e-13)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(fitted.predict(X[order]), together[order], rtol=1e-11, atol=1e-13)


def test_phenotypes_behind_nan_do_not_matter(cross):
    """A gap says nothing: leaving rows out altogether gives the same fit as NaN in all traits."""
    X, Y = cross.data[:120], cross.target[:120].copy()
    Y[100:] = np.nan

    with_gaps = TransformerGPRegressor(**TINY).fit(X, Y)

    without = TransformerGPRegressor(**TINY).fit(X[:100], Y[:100])
    np.testing.assert_array_equal(with_gaps.predict(X), without.predict(X))


def test_a_trait_with_gaps_still_learns_from_what_is_observed(cross):
    Y = cross.target[:200].copy()
    Y[::2, 1] = np.nan

    model = TransformerGPRegressor(**SINGLE, random_state=0).fit(cross.data[:200], Y)

    r = pearson_correlation(
        cross.target[200:], model.predict(cross.data[200:]), multioutput="raw_values"
    )
    assert (r > 0.5).all()


def test_a_trait_of_weight_zero_teaches_the_encoder_nothing(cross):
    shuffled = cross.target.copy()
    shuffled[:, 1] = shuffled[::-1, 1]
    first, second = (
        TransformerGPRegressor(**TINY).fit(cross.data, Y, trait_weights=[1, 0]).predict(cross.data)
        for Y in (cross.target, shuffled)
    )

    np.testing.assert_array_equal(first[:, 0], second[:, 0])
    weighted = TransformerGPRegressor(**TINY).fit(cross.data, shuffled).predict(cross.data)
    assert not np.allclose(weighted[:, 0], second[:, 0])


def test_a_constant_trait_is_predicted_as_that_constant(cross):
    Y = cross.target.copy()
    Y[:, 1] = 7.25

    plain = TransformerGPRegressor(**{**TINY, "max_iter": 10}).fit(cross.data, Y)
    mixed = TransformerGPRegressor(**{**TINY, "cross_fitting": 2}).fit(cross.data, Y)

    # The scale of a constant trait is 1: what is left is the net's error around zero.
    np.testing.assert_allclose(plain.predict(cross.data)[:, 1], 7.25, atol=0.2)
    np.testing.assert_allclose(mixed.predict(cross.data)[:, 1], 7.25, atol=1e-9)


def test_a_trait_with_one_phenotype_is_named(cross):
    Y = pd.DataFrame(cross.target, columns=["Lactate", "Lactose"])
    Y.loc[1:, "Lactose"] = np.nan

    with pytest.raises(ValueError, match="trait 'Lactose' has 1 observed"):
        TransformerGPRegressor(**TINY).fit(cross.data, Y)


def test_windows_follow_the_chromosomes_of_names_or_argument(cross):
    named = pd.DataFrame(cross.data, columns=cross.feature_names)
    by_name = TransformerGPRegressor(**TINY).fit(named, cross.target)
    by_argument = TransformerGPRegressor(**TINY)
    by_argument.fit(cross.data, cross.target, chromosomes=cross.chromosomes)
    unmapped = TransformerGPRegressor(**TINY).fit(cross.data, cross.target)

    kept = by_name.preprocessor_.get_support()
    assert by_name.chromosomes_.tolist() == np.asarray(cross.chromosomes)[kept].tolist()
    windows = by_name.net_.module_.windows.numpy()
    for window in windows:
        assert len(set(by_name.chromosomes_[window[window < kept.sum()]])) == 1
    np.testing.assert_array_equal(by_name.predict(named), by_argument.predict(cross.data))
    assert unmapped.chromosomes_ is None


def test_a_map_flows_through_a_pipeline_that_drops_markers(cross):
    named = pd.DataFrame(cross.data, columns=cross.feature_names)
    pipeline = make_pipeline(LinkageMerger(r2=0.8), TransformerGPRegressor(**TINY))
    pipeline.set_output(transform="pandas")

    model = pipeline.fit(named, cross.target)[-1]

    kept = pipeline[0].get_support()
    assert set(model.chromosomes_) == set(np.asarray(cross.chromosomes)[kept])


def test_fits_in_pipeline_cross_validation_and_grid_search(cross):
    X = cross.data.astype(float)
    X[3, 5] = np.nan
    pipeline = make_pipeline(DosageImputer(), TransformerGPRegressor(**TINY))

    scores = cross_val_score(pipeline, X, cross.target, scoring=pearson_scorer, cv=3)
    grid = {
        "transformergpregressor__gate_penalty": [None, 0.015],
        "transformergpregressor__preprocessor": [None, LinkageMerger()],
    }
    search = GridSearchCV(pipeline, grid, scoring=pearson_scorer, cv=KFold(2))
    search.fit(X, cross.target)

    assert np.isfinite(scores).all()
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == cross.target.shape


def test_early_stopping_keeps_the_best_epoch(cross):
    X, Y = cross.data, cross.target
    model = TransformerGPRegressor(**SINGLE, early_stopping=2, max_iter=40, random_state=0)

    model.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])

    best = int(np.argmax(model.validation_scores_))
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_scores_)
    assert model.n_iter_ < 40 and model.n_iter_ == best + 1 + 2
    # Recorded in float32.
    r = pearson_correlation(Y[200:], model.predict(X[200:]))
    assert r == pytest.approx(model.validation_scores_[best], abs=1e-5)


def test_validation_rows_are_set_aside_and_never_trained_on(cross):
    model = TransformerGPRegressor(
        **{**TINY, "early_stopping": 10, "validation_fraction": 0.25, "preprocessor": None}
    )
    model.fit(cross.data, cross.target)

    assert len(model.validation_scores_) == model.n_iter_
    # The standardisation is learned on the 225 rows that are left: not the mean of all 300.
    assert not np.allclose(model.y_mean_, cross.target.mean(axis=0))
    twelfths = model.net_.module_.center.double() * 225
    assert torch.allclose(twelfths, twelfths.round(), atol=1e-3)


def test_watching_validation_rows_changes_nothing(cross):
    X, Y = cross.data, cross.target
    watched = TransformerGPRegressor(**TINY).fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    alone = TransformerGPRegressor(**TINY).fit(X[:200], Y[:200])

    np.testing.assert_array_equal(watched.predict(X), alone.predict(X))
    assert alone.validation_scores_ is None and len(watched.validation_scores_) == 2


def test_validation_rows_with_other_traits_are_refused(cross):
    with pytest.raises(ValueError, match="y_val has 1 traits, but y has 2"):
        TransformerGPRegressor(**TINY).fit(
            cross.data, cross.target, X_val=cross.data, y_val=cross.target[:, 0]
        )


def test_divergence_is_an_error_that_says_what_to_lower(cross):
    model = TransformerGPRegressor(
        **{**TINY, "learning_rate_init": 1e30, "learning_rate": "constant"}
    )
    with pytest.raises(FloatingPointError, match=r"lower learning_rate_init \(now 1e\+30\)"):
        model.fit(cross.data, cross.target)


def test_silent_by_default_and_one_bar_on_demand(cross, capfd):
    TransformerGPRegressor(**TINY).fit(cross.data, cross.target)
    assert capfd.readouterr() == ("", "")

    model = TransformerGPRegressor(**{**TINY, "verbose": 1, "early_stopping": 10})
    model.fit(cross.data, cross.target)
    out, err = capfd.readouterr()
    assert out == "" and "2/2" in err and "loss=" in err and "validation r=" in err


def test_interrupting_stops_the_fit(cross, monkeypatch):
    from sktransformer_gp.callbacks import DivergenceGuard

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(DivergenceGuard, "on_epoch_end", interrupt)
    model = TransformerGPRegressor(**TINY)

    with pytest.raises(KeyboardInterrupt):
        model.fit(cross.data, cross.target)
    assert not hasattr(model, "net_")


def test_pickle_keeps_predictions_and_no_training_data(cross, fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(cross.data), fitted.predict(cross.data))

    def pickled_size(n_rows):
        X, Y = np.resize(cross.data, (n_rows, 400)), np.resize(cross.target, (n_rows, 2))
        model = clone(fitted).set_params(**{**TINY, "batch_size": n_rows})
        return len(pickle.dumps(model.fit(X, Y, X_val=X, y_val=Y)))

    # 600 more rows would be 240 kB.
    assert abs(pickled_size(900) - pickled_size(300)) < 10_000


def test_gates_find_qtl_that_ridge_smears(cross):
    """Most markers are all but closed, and those near the QTL are open."""
    model = TransformerGPRegressor(**{**SINGLE, "gate_penalty": 0.06}, random_state=0)
    encoder = model.fit(cross.data[:200], cross.target[:200]).net_.module_
    places = encoder.windows.numpy().ravel()
    kept = model.preprocessor_.get_support(indices=True)
    effects = np.linalg.norm((encoder.gate[:, None] * encoder.additive).detach(), axis=1)
    ridge = np.linalg.norm(Ridge(100).fit(cross.data[:200], cross.target[:200]).coef_, axis=0)

    def share_near_qtl(weight, columns):
        near = np.abs(columns[:, None] - cross.qtl[None, :]).min(axis=1) <= 5
        return weight[near].sum() / weight.sum()

    full = places < len(kept)
    gated = share_near_qtl(effects.ravel()[full] ** 2, kept[places[full]])
    smeared = share_near_qtl(ridge**2, np.arange(400))
    # Of the weight that ridge puts away from the QTL, less than half is left: .10 against .35.
    assert 1 - gated < (1 - smeared) / 2


def test_components_and_weights_make_the_prediction(cross, fitted):
    components = fitted.predict_components(cross.data)
    assert components.shape == (len(fitted.component_names_), 300, 2)
    assert fitted.component_names_[-1] == "polygenic"
    assert (fitted.weights_ >= 0).all() and fitted.weights_.shape == (len(components), 2)

    mixed = (components * fitted.weights_[:, None]).sum(axis=0) @ fitted.selection_index_

    # What is left is the intercept of the weights, the same for everybody.
    left = fitted.predict(cross.data) - mixed
    np.testing.assert_allclose(left, np.broadcast_to(left[0], left.shape), atol=1e-10)


def test_rows_are_predicted_out_of_fold_by_the_encoders_of_their_fold(cross):
    model = TransformerGPRegressor(**{**TINY, "cross_fitting": 3, "preprocessor": None})
    model.fit(cross.data, cross.target)

    members = model.net_.predict_double(torch.tensor(cross.data))
    by_regime = (members * model.y_scale_ + model.y_mean_).reshape(-1, 3, *cross.target.shape)
    for row, fold in enumerate(model.folds_):
        np.testing.assert_allclose(model.out_of_fold_[:-1, row], by_regime[:, fold, row], rtol=1e-9)


def test_weights_are_those_of_the_out_of_fold_predictions(cross, fitted):
    """They lie between those of non-negative least squares and the last one as it is."""
    Y = cross.target[:200]
    for k in range(2):
        F = fitted.out_of_fold_[:, :, k].T
        most = LinearRegression(positive=True).fit(F, Y[:, k]).coef_
        least = np.array([0, 0, 0, 1])
        way = (fitted.weights_[:, k] - least) @ (most - least) / ((most - least) ** 2).sum()
        assert 0 < way < 1
        np.testing.assert_allclose(fitted.weights_[:, k], least + way * (most - least), atol=1e-8)


def test_loci_that_add_up_are_found_as_a_lasso_finds_them():
    """Markers are not linked: what combinations of windows learn, there, fits by chance."""
    rng = np.random.default_rng(2)
    X = rng.binomial(2, rng.uniform(0.05, 0.5, 800), (400, 800)).astype(np.int8)
    values = X[:, :20] @ rng.normal(size=20)
    y = values + values.std() * rng.normal(size=400)
    models = {
        "transformer": TransformerGPRegressor(random_state=0),
        "lasso": make_pipeline(StandardScaler(), LassoCV(cv=5)),
        "gblup": GBLUPRegressor(),
    }
    predicted = {k: m.fit(X[:300], y[:300]).predict(X[300:]) for k, m in models.items()}
    r = {name: pearson_correlation(y[300:], p) for name, p in predicted.items()}
    # One r of 100 individuals has a standard error of .06, their difference half of that.
    assert r["transformer"] > r["lasso"] - 0.03
    assert r["transformer"] > r["gblup"] + 0.15


def test_weights_come_from_rows_a_member_has_not_seen(cross):
    """Pure noise: what a member says of its own rows looks right, out of fold it is worthless."""
    noise = np.random.default_rng(0).normal(size=(120, 1))
    model = TransformerGPRegressor(
        **{**TINY, "cross_fitting": 3, "max_iter": 60, "gate_penalty": 1e-6, "token_dropout": 0.0}
    )

    model.fit(cross.data[:120], noise)

    in_sample = model.predict_components(cross.data[:120])[0, :, 0]
    assert np.corrcoef(in_sample, noise[:, 0])[0, 1] > 0.6
    assert model.weights_[0, 0] < 0.35


@pytest.mark.parametrize(
    ("n_traits", "penalty", "batch_size", "rate"),
    [(7, (0.04, 0.12), 3, 0.003), (8, (0.08, 0.24), 6, 0.009)],  # of 60 rows, 25 steps, or half
)
def test_with_many_traits_steps_are_larger_and_gates_sparser(
    cross, n_traits, penalty, batch_size, rate
):
    known = {"gate_penalty": penalty, "batch_size": batch_size, "learning_rate_init": rate}
    X, rng = cross.data[:60], np.random.default_rng(0)
    Y = X[:, :5] @ rng.normal(size=(5, n_traits)) + rng.normal(size=(60, n_traits))
    short = {"cross_fitting": 2, "max_iter": 2, "random_state": 0}
    fits = [TransformerGPRegressor(**short, **values).fit(X, Y) for values in ({}, known)]

    np.testing.assert_array_equal(fits[0].predict(X), fits[1].predict(X))
    assert fits[0].net_.batch_size == batch_size


def test_too_few_rows_for_folds_get_equal_weights():
    X = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 1]])

    model = TransformerGPRegressor(**{**TINY, "cross_fitting": 5}).fit(X, [1.0, 2.0, 4.0])

    np.testing.assert_allclose(model.weights_, 1 / 3)


@pytest.mark.parametrize("tokens", ["linear", "dense", "embedding"])
@pytest.mark.parametrize("positions", [None, "sinusoidal", "learned"])
def test_tokens_and_positions_are_one_switch(cross, tokens, positions):
    model = TransformerGPRegressor(**TINY, tokens=tokens, positions=positions)

    predicted = model.fit(cross.data[:, :30], cross.target).predict(cross.data[:, :30])

    assert np.isfinite(predicted).all()


def test_embedding_refuses_a_dosage_it_never_saw(cross):
    model = TransformerGPRegressor(**TINY, tokens="embedding").fit(cross.data[:, :30], cross.target)
    with pytest.raises(ValueError, match=r"looks up the dosages \[0, 1\]"):
        model.predict(np.full((1, 30), 2, dtype=np.int8))


def test_standard_deviations_cover_new_phenotypes():
    """Of the held-out phenotypes, 90 % are to lie within 1.645 standard deviations."""
    cross = make_cross(1200, 400, random_state=0)
    model = TransformerGPRegressor(random_state=0).fit(cross.data[:200], cross.target[:200])
    mean, std = model.predict(cross.data[200:], return_std=True)

    np.testing.assert_array_equal(mean, model.predict(cross.data[200:]))
    inside = np.abs(cross.target[200:] - mean) < 1.645 * std
    # The error of a standard deviation from 200 samples is 5 %, that of the share by it .02.
    assert 0.84 < inside.mean() < 0.96


def test_standard_deviations_are_larger_away_from_the_training_samples(cross, fitted):
    far = np.full((1, cross.data.shape[1]), 2 * cross.data.max(), dtype=np.int8)

    near, away = (fitted.predict(X, return_std=True)[1] for X in (cross.data[:50], far))

    assert (away > near.max(axis=0)).all()


def test_standard_deviations_need_cross_fitting(cross):
    model = TransformerGPRegressor(**{**TINY, "cross_fitting": None})
    model.fit(cross.data, cross.target[:, 0])
    with pytest.raises(ValueError, match="return_std=True needs cross_fitting"):
        model.predict(cross.data, return_std=True)


def test_standard_deviations_have_the_shape_of_y(cross):
    model = TransformerGPRegressor(**{**TINY, "cross_fitting": 3}).fit(
        cross.data, cross.target[:, 0]
    )

    mean, std = model.predict(cross.data, return_std=True)

    assert mean.shape == std.shape == (300,) and (std > 0).all()


def test_components_without_a_weight_are_not_computed(fitted, cross, monkeypatch):
    model = copy.deepcopy(fitted)
    model.weights_[:3] = [[0.3], [0], [0]]
    model.selection_index_ = np.array([[1, 0.2], [-0.1, 1]])
    components = model.predict_components(cross.data)
    own = (components * model.weights_[:, None]).sum(axis=0)
    known = own @ model.selection_index_ + model._intercept
    asked = []
    predict = model.net_.predict_double
    monkeypatch.setattr(
        model.net_,
        "predict_double",
        lambda Z, members: asked.append(len(members)) or predict(Z, members=members),
    )
    np.testing.assert_allclose(model.predict(cross.data), known, rtol=1e-12)
    assert asked == [len(model.net_.module_.token_dropout) // 3]
    model.weights_[:-1] = 0
    polygenic = model.predict_components(cross.data)[-1]
    known = (polygenic * model.weights_[-1]) @ model.selection_index_ + model._intercept
    np.testing.assert_allclose(model.predict(cross.data), known, rtol=1e-12)
    assert len(asked) == 2  # the second one by predict_components
