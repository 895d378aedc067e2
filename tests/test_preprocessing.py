"""What all preprocessors have in common, and how they compose."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp import TransformerGPRegressor, pearson_scorer, preprocessing
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.preprocessing import (
    AssociationSelector,
    DosageImputer,
    DosageScaler,
    GenotypeCoder,
    LinkageMerger,
    MinorAlleleFilter,
    MutualInformationSelector,
)
from sktransformer_gp.validation import is_missing

# The defaults are among the checks of all public estimators.
OTHERS = [
    DosageImputer("mode"),
    DosageImputer("knn"),
    DosageImputer("linkage"),
    DosageScaler("center"),
    DosageScaler("unit_variance"),
    GenotypeCoder("one_hot"),
    GenotypeCoder("hardy_weinberg"),
]
ALL = [
    *OTHERS,
    AssociationSelector(k=3),
    DosageScaler(),
    GenotypeCoder(),
    LinkageMerger(),
    MinorAlleleFilter(0.2, 0.5),
    MutualInformationSelector(k=3, random_state=0),
]
TAKES_MISSING = (DosageImputer, MinorAlleleFilter, AssociationSelector, DosageScaler)


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=60, n_markers=120, n_traits=2, random_state=0, as_frame=True)


@parametrize_with_checks(OTHERS)
def test_scikit_learn_checks_hold_for_every_choice(estimator, check):
    check(estimator)


def test_every_public_preprocessor_is_among_those_tested_here():
    public = {getattr(preprocessing, name) for name in preprocessing.__all__}

    assert {type(step) for step in ALL} == public == {*filter(inspect.isclass, public)}


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_integers_and_marker_names_go_through(step, cross):
    step = clone(step).set_output(transform="pandas")
    names = cross.data.columns

    out = step.fit_transform(cross.data, cross.target)

    is_coded = isinstance(step, DosageScaler) or (
        isinstance(step, GenotypeCoder) and step.coding != "one_hot"
    )
    assert set(out.dtypes) == {np.dtype("float32" if is_coded else "int8")}
    assert all(":".join(name.split(":")[:2]) in {*names} for name in out.columns)
    assert out.index.equals(cross.data.index)


@pytest.mark.parametrize("missing", [-1, np.nan])
@pytest.mark.parametrize("step", ALL, ids=repr)
def test_missing_dosages_are_taken_or_refused_as_the_table_says(step, missing, cross):
    X = cross.data.to_numpy(np.float64 if np.isnan(missing) else np.int8, copy=True)
    X[3] = missing
    step = clone(step)

    if isinstance(step, TAKES_MISSING):
        out = step.fit_transform(X, cross.target)
        assert is_missing(out)[3].all() == (not isinstance(step, DosageImputer))
        assert not is_missing(np.delete(out, 3, axis=0)).any()
    else:
        with pytest.raises(ValueError, match="DosageImputer"):
            step.fit(X, cross.target)


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_test_rows_take_no_part_in_the_fit_or_in_each_other(step, cross):
    X = cross.data.to_numpy(copy=True)
    if isinstance(step, DosageImputer):
        X[np.random.default_rng(0).random(X.shape) < 0.1] = -1
    step = clone(step).fit(X[:40], cross.target[:40])

    together = step.transform(X[40:])

    one_by_one = np.vstack([step.transform(X[[i]]) for i in range(40, 60)])
    np.testing.assert_array_equal(together, one_by_one)


def test_a_grid_search_over_imputer_filter_and_encoder(cross):
    X = cross.data.copy()
    X[np.random.default_rng(1).random(X.shape) < 0.05] = -1
    tiny = TransformerGPRegressor(
        max_iter=2, cross_fitting=None, gate_penalty=0.03, token_dropout=0.0, random_state=0
    )
    pipeline = make_pipeline(DosageImputer(), MinorAlleleFilter(0.01), tiny)
    grid = {
        "dosageimputer__strategy": ["mean", "linkage"],
        "minorallelefilter__maf": [0.01, 0.3],
        "transformergpregressor__d_model": [8],
    }

    search = GridSearchCV(pipeline, grid, scoring=pearson_scorer, cv=2, error_score="raise")
    search.fit(X.to_numpy(), cross.target)

    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X.to_numpy()[:3]).shape == (3, 2)


def test_the_encoder_learns_of_chromosomes_through_the_names(cross):
    X = cross.data.copy()
    X[np.random.default_rng(1).random(X.shape) < 0.05] = -1
    tiny = TransformerGPRegressor(
        max_iter=1, cross_fitting=None, gate_penalty=0.03, token_dropout=0.0, random_state=0
    )
    pipeline = make_pipeline(MinorAlleleFilter(0.1), DosageImputer("linkage"), tiny)

    pipeline.set_output(transform="pandas").fit(X, cross.target)

    expected = {name.split(":")[0] for name in pipeline[0].get_feature_names_out()}
    assert {*pipeline[-1].chromosomes_} == expected
    assert len(expected) > 1
