import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp.markers import chromosomes_from_names
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.preprocessing import LinkageMerger


@pytest.fixture
def dosages():
    return np.random.default_rng(0).integers(0, 3, (40, 6), dtype=np.int8)


@pytest.fixture
def phenotypes(dosages):
    noise = np.random.default_rng(1).normal(size=(40, 3))
    return dosages @ np.arange(18.0).reshape(6, 3) + noise


@parametrize_with_checks([PerTraitRegressor(), PerTraitRegressor(LinearRegression())])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_complete_phenotypes_equal_multi_output_regressor(dosages, phenotypes):
    expected = MultiOutputRegressor(Ridge(2.0)).fit(dosages, phenotypes).predict(dosages)
    predicted = PerTraitRegressor(Ridge(2.0)).fit(dosages, phenotypes).predict(dosages)
    np.testing.assert_array_equal(predicted, expected)


def test_unobserved_phenotypes_are_left_out_of_their_trait_only(dosages, phenotypes):
    complete = PerTraitRegressor(Ridge()).fit(dosages, phenotypes)
    phenotypes[:15, 1] = np.nan
    model = PerTraitRegressor(Ridge()).fit(dosages, phenotypes)
    by_hand = Ridge().fit(dosages[15:], phenotypes[15:, 1]).predict(dosages)
    np.testing.assert_array_equal(model.predict(dosages)[:, 1], by_hand)
    others = [0, 2]
    np.testing.assert_array_equal(
        model.predict(dosages)[:, others], complete.predict(dosages)[:, others]
    )


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 3)])
def test_predictions_have_the_shape_of_the_phenotypes(dosages, phenotypes, shape):
    y = phenotypes.ravel()[: np.prod(shape)].reshape(shape)
    predicted = PerTraitRegressor().fit(dosages, y).predict(dosages)
    assert predicted.shape == shape
    assert predicted.dtype == np.float64


def test_one_dimension_with_gaps(dosages, phenotypes):
    y = np.where(np.arange(40) < 10, np.nan, phenotypes[:, 0])
    expected = Ridge().fit(dosages[10:], y[10:]).predict(dosages)
    np.testing.assert_array_equal(PerTraitRegressor().fit(dosages, y).predict(dosages), expected)


def test_the_inner_random_state_gives_equal_fits(dosages, phenotypes):
    forest = RandomForestRegressor(5, random_state=3)
    first, second = (
        PerTraitRegressor(forest).fit(dosages, phenotypes).predict(dosages) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert not hasattr(forest, "estimators_")


def test_a_frame_keeps_the_marker_map_inside(dosages, phenotypes):
    # The same column twice, on two chromosomes: merged without the map, kept apart with it.
    names = [f"chr{1 + j // 3}:{j}" for j in range(6)]
    dosages[:, 3] = dosages[:, 2]
    model = PerTraitRegressor(make_pipeline(LinkageMerger(), Ridge()))
    with_map = model.fit(pd.DataFrame(dosages, columns=names), phenotypes)
    merger = with_map.estimators_[0][0]
    assert chromosomes_from_names(merger.feature_names_in_)[3] == "chr2"
    assert merger.groups_[3] != merger.groups_[2]
    assert with_map.feature_names_in_.tolist() == names
    without = model.fit(dosages, phenotypes).estimators_[0][0]
    assert without.groups_[3] == without.groups_[2]


def test_rows_of_a_frame_are_taken_by_place_not_by_label(dosages, phenotypes):
    phenotypes[::2, 0] = np.nan
    frame = pd.DataFrame(dosages, index=np.arange(40)[::-1], columns=list("abcdef"))
    expected = PerTraitRegressor().fit(dosages, phenotypes).predict(dosages)
    predicted = PerTraitRegressor().fit(frame, phenotypes).predict(frame)
    # a frame is stored column by column, which changes the order of summation
    np.testing.assert_allclose(predicted, expected, rtol=1e-10)


def test_missing_dosages_pass_where_the_inner_regressor_takes_them(dosages, phenotypes):
    X = np.where(np.random.default_rng(2).random(dosages.shape) < 0.1, np.nan, dosages)
    for inner in (make_pipeline(SimpleImputer(), Ridge()), HistGradientBoostingRegressor()):
        expected = inner.fit(X, phenotypes[:, 2]).predict(X)
        predicted = PerTraitRegressor(inner).fit(X, phenotypes).predict(X)
        np.testing.assert_array_equal(predicted[:, 2], expected)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        PerTraitRegressor(Ridge()).fit(X, phenotypes)


def test_score_leaves_unobserved_phenotypes_out(dosages, phenotypes):
    model = PerTraitRegressor().fit(dosages, phenotypes[:, 0])
    y = np.where(np.arange(40) < 5, np.nan, phenotypes[:, 0])
    rest = dosages[5:], y[5:]
    # equal but for the order of summation
    assert model.score(dosages, y) == pytest.approx(
        Ridge().fit(dosages, phenotypes[:, 0]).score(*rest)
    )


def test_a_trait_without_phenotypes_is_named(dosages, phenotypes):
    phenotypes[1:, 1] = np.nan
    frame = pd.DataFrame(phenotypes, columns=["Lactate", "Lactose", "Maltose"])
    with pytest.raises(ValueError, match="trait 'Lactose' has 1 observed"):
        PerTraitRegressor().fit(dosages, frame)


def test_an_infinite_phenotype_is_an_error(dosages, phenotypes):
    phenotypes[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        PerTraitRegressor().fit(dosages, phenotypes)
