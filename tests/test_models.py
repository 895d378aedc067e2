import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LassoCV
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, ParameterGrid
from sklearn.preprocessing import StandardScaler

from sktransformer_gp.datasets import make_cross
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.metrics import pearson_scorer
from sktransformer_gp.models import (
    EXTRAS,
    MODEL_NAMES,
    default_models,
    make_model,
    suggested_grid,
)
from sktransformer_gp.preprocessing import LinkageMerger

TRAIN, TEST = slice(0, 150), slice(150, 200)


@pytest.fixture(scope="module")
def cross():
    return make_cross(200, 150, n_qtl=4, h2=0.8, random_state=1, as_frame=True)


def r_of(cross, predicted):
    return [np.corrcoef(cross.target.iloc[TEST, t], predicted[:, t])[0, 1] for t in range(2)]


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_model_takes_missing_dosages_and_unobserved_phenotypes(cross, name):
    X, y = cross.data.copy(), cross.target.copy()
    random = np.random.default_rng(0)
    X = X.mask(random.random(X.shape) < 0.02, -1)
    y = y.mask(random.random(y.shape) < 0.2)
    if name in EXTRAS:
        pytest.importorskip(name, reason=f"{name} of the extra boosting is not installed")
    model = make_model(name)
    if name == "gptransformer":
        model.set_params(transformergpregressor__max_iter=15)  # a third of its epochs will do here
    predicted = model.fit(X[TRAIN], y[TRAIN]).predict(X[TEST])
    assert predicted.shape == (50, 2)
    # The four loci explain 80 %, so r reaches .89 at best; .35 is what no useless model gets
    # (the standard error of r = 0 is .14).
    assert min(r_of(cross, predicted)) > 0.35


@pytest.mark.parametrize(
    ("name", "fewer"),
    [
        ("lasso", {}),
        ("rf", {"pertraitregressor__estimator__n_estimators": 20}),
        ("hgb", {}),
        ("transformer", {"transformergpregressor__max_iter": 1}),
    ],
)
def test_the_seed_is_the_models(cross, name, fewer):
    data = cross.data.iloc[:60], cross.target.iloc[:60, 0]
    first, again, other = (
        make_model(name, random_state=seed).set_params(**fewer).fit(*data).predict(cross.data[TEST])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    # Boosting draws nothing at its setting: it has no subsamples.
    assert np.array_equal(first, other) == (name == "hgb")


def test_gblup_is_the_plain_estimator_where_nothing_is_missing(cross):
    X, y = cross.data.to_numpy(), cross.target.to_numpy()
    expected = GBLUPRegressor().fit(X[TRAIN], y[TRAIN]).predict(X[TEST])
    predicted = make_model("gblup").fit(cross.data[TRAIN], y[TRAIN]).predict(cross.data[TEST])
    # the imputer hands on float32; dosages 0 and 1 are exact in it, sums are not quite
    np.testing.assert_allclose(predicted, expected, atol=1e-4)


def test_the_forest_is_scikit_learns_for_each_trait(cross):
    X, y = cross.data.to_numpy(), cross.target.to_numpy()
    forest = RandomForestRegressor(500, max_features="sqrt", random_state=4)
    expected = forest.fit(X[TRAIN], y[TRAIN, 1]).predict(X[TEST])
    model = make_model("rf", random_state=4).fit(cross.data[TRAIN], y[TRAIN])
    np.testing.assert_allclose(model.predict(cross.data[TEST])[:, 1], expected, rtol=1e-12)


def test_the_lasso_merges_and_scales_with_the_training_rows(cross):
    y = cross.target.to_numpy()[:, 0]
    merger = LinkageMerger().fit(cross.data[TRAIN])
    scaler = StandardScaler().fit(merger.transform(cross.data[TRAIN]).astype(float))
    Z, Z_test = (
        scaler.transform(merger.transform(cross.data[rows]).astype(float)) for rows in (TRAIN, TEST)
    )
    # scikit-learn's own path, finer and to a smaller end: much the same penalty and predictions
    lasso = LassoCV(cv=KFold(5, shuffle=True, random_state=0), max_iter=10_000).fit(Z, y[TRAIN])
    model = make_model("lasso").fit(cross.data[TRAIN], y[TRAIN])
    assert np.corrcoef(model.predict(cross.data[TEST]), lasso.predict(Z_test))[0, 1] > 0.995


def test_the_marker_map_reaches_the_encoder(cross):
    model = make_model("transformer").set_params(transformergpregressor__max_iter=1)
    model.fit(cross.data[TRAIN], cross.target[TRAIN])
    assert set(model[-1].chromosomes_) == set(cross.chromosomes)


def test_presets(cross):
    assert make_model("lecture")[-1].batch_size == 8
    assert make_model("gptransformer")[-1].tokens == "dense"


def test_arrays_without_names_do_as_well(cross):
    X, y = cross.data.to_numpy(), cross.target.to_numpy()
    predicted = make_model("lasso").fit(X[TRAIN], y[TRAIN]).predict(X[TEST])
    assert min(r_of(cross, predicted)) > 0.35


def test_n_jobs_changes_no_prediction(cross):
    data = cross.data.iloc[:60], cross.target.iloc[:60, 0]
    serial, parallel = (make_model("rf", n_jobs=n).fit(*data) for n in (None, 2))
    X = pd.DataFrame(cross.data[TEST])
    # trees' predictions are added in the order in which threads end
    np.testing.assert_allclose(serial.predict(X), parallel.predict(X), rtol=1e-12)


def test_an_unknown_name_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"unknown model 'blup'.*transformer, lecture.*hgb"):
        make_model("blup")


def test_default_models_are_those_that_can_be_made(monkeypatch):
    installed = {"lightgbm"}
    monkeypatch.setattr("sktransformer_gp.models.find_spec", lambda name: name in installed or None)
    made = []
    monkeypatch.setattr(
        "sktransformer_gp.models.make_model", lambda name, **kwargs: made.append((name, kwargs))
    )
    names = ["transformer", "gblup", "rkhs", "lasso", "rf", "hgb", "lightgbm"]
    assert list(default_models(random_state=3, n_jobs=2)) == names
    assert made == [(name, {"random_state": 3, "n_jobs": 2}) for name in names]


@pytest.mark.parametrize("name", EXTRAS)
def test_without_the_extra_it_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"{name} is not .*sktransformer-gp\[boosting\]"):
        make_model(name)


@pytest.mark.parametrize("name", EXTRAS)
def test_boosting_of_others_is_much_like_scikit_learns(cross, name):
    pytest.importorskip(name, reason=f"{name} of the extra boosting is not installed")
    y = cross.target.iloc[:, 0]
    ours, theirs = (
        make_model(model).fit(cross.data[TRAIN], y[TRAIN]).predict(cross.data[TEST])
        for model in (name, "hgb")
    )
    # the same trees of 8 leaves in 300 steps of .05, grown in another order
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9


def test_the_suggested_grid_is_one_for_the_transformer():
    model = make_model("transformer")
    candidates = list(ParameterGrid(suggested_grid("transformergpregressor__")))
    assert len(candidates) == 6
    defaults = {name: model.get_params()[name] for name in candidates[0]}
    assert defaults in candidates
    for parameters in candidates:
        clone(model).set_params(**parameters)
    assert set(suggested_grid()) <= set(model[-1].get_params())


@pytest.fixture(scope="module")
def quick():
    """Make the transformer's pipeline with one encoder and two epochs."""
    encoder = {"max_iter": 2, "cross_fitting": None, "token_dropout": 0.0, "gate_penalty": 0.03}
    prefixed = {f"transformergpregressor__{name}": value for name, value in encoder.items()}
    return make_model("transformer").set_params(**prefixed)


def test_a_grid_search_over_the_transformer(cross, quick):
    grid = suggested_grid("transformergpregressor__")
    grid["transformergpregressor__window_size"] = [32]  # fewer will do
    folds = KFold(2)
    search = GridSearchCV(quick, grid, scoring=pearson_scorer, cv=folds, n_jobs=2)
    X, y = cross.data.iloc[:80, :60], cross.target.iloc[:80]
    search.fit(X, y)
    for parameters, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        model = clone(quick).set_params(**parameters)
        by_hand = [
            pearson_scorer(model.fit(X.iloc[a], y.iloc[a]), X.iloc[b], y.iloc[b])
            for a, b in folds.split(X)
        ]
        assert score == pytest.approx(np.mean(by_hand), abs=1e-6)  # float32, other threads
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()


def test_a_halving_search_trains_the_better_half_longer(cross, quick):
    resource = "transformergpregressor__max_iter"
    search = HalvingGridSearchCV(
        quick,
        {"transformergpregressor__window_size": [16, 32, 64, 128]},
        resource=resource,
        min_resources=1,
        max_resources=4,
        factor=2,
        scoring=pearson_scorer,
        cv=KFold(2),
    ).fit(cross.data.iloc[:60, :60], cross.target.iloc[:60])
    assert search.n_candidates_ == [4, 2, 1]
    assert search.n_resources_ == [1, 2, 4]
    assert search.best_estimator_[-1].n_iter_ == 4
