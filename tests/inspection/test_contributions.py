import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline

from sktransformer_gp import (
    DosageImputer,
    GBLUPRegressor,
    LinkageMerger,
    PerTraitRegressor,
    RKHSRegressor,
)
from sktransformer_gp.inspection import marker_contributions
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.preprocessing import AssociationSelector

MODELS = {
    "transformer": lambda make: make(),
    "one block": lambda make: make(n_layers=1, max_iter=3, cross_fitting=2),
    "dense": lambda make: make(
        tokens="dense", n_layers=1, preprocessor=AssociationSelector(k=30), max_iter=3
    ),
    "polygenic": lambda make: PolygenicRegressor(),
    "rkhs": lambda make: RKHSRegressor(),
    "gblup": lambda make: GBLUPRegressor(),
    "per trait": lambda make: PerTraitRegressor(PolygenicRegressor()),
    "pipeline": lambda make: make_pipeline(LinkageMerger(0.9), make()).set_output(
        transform="pandas"
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_contributions_sum_to_the_change_in_prediction(cross, make, name):
    """Completeness, to a thousandth of the trait's standard deviation."""
    model = MODELS[name](make).fit(cross.data[:180], cross.target[:180])
    X = cross.data[180:190]
    mean = X.mean().to_frame().T  # the average genotype
    change = model.predict(X) - model.predict(mean)
    for trait in (0, 1):
        contributions = marker_contributions(model, X, trait=trait)
        assert contributions.index.tolist() == X.index.tolist()
        gap = np.abs(contributions.sum(axis=1) - change[:, trait])
        assert gap.max() <= 1e-3 * cross.target.iloc[:180, trait].std()


def test_contributions_of_dominance_sum_to_the_change_in_prediction(f2, fitted_f2):
    X = f2.data[180:190]
    mean = X.mean().to_frame().T
    change = fitted_f2.predict(X) - fitted_f2.predict(mean)
    gap = marker_contributions(fitted_f2, X, trait=0).sum(axis=1) - change[:, 0]
    assert np.abs(gap).max() <= 1e-3 * f2.target.iloc[:180, 0].std()


def test_a_linear_model_contributes_effect_times_dosage(cross):
    X = cross.data.to_numpy()
    model = GBLUPRegressor().fit(cross.data, cross.target.iloc[:, 0])
    table = marker_contributions(model, cross.data)
    np.testing.assert_allclose(table, (X - X.mean(axis=0)) * model.coef_, atol=1e-12)
    assert table.columns.tolist() == cross.data.columns.tolist()


def test_contributions_of_a_reference_are_zero(cross, fitted):
    reference = cross.data.iloc[3].to_numpy()
    table = marker_contributions(fitted, cross.data[3:6], trait=1, reference=reference)
    assert (table.iloc[0] == 0).all()
    predicted = fitted.predict(cross.data[3:6])[:, 1]
    np.testing.assert_allclose(table.sum(axis=1), predicted - predicted[0], atol=1e-3)


def test_what_is_missing_is_imputed_in_the_pipeline(cross):
    X = cross.data.astype(float)
    X.iloc[0, :50] = np.nan
    model = make_pipeline(DosageImputer(), GBLUPRegressor()).set_output(transform="pandas")
    model.fit(X, cross.target)
    change = model.predict(X)[:, 0] - model.predict(X)[:, 0].mean()
    np.testing.assert_allclose(marker_contributions(model, X).sum(axis=1), change, atol=1e-6)


def test_what_cannot_be_split_is_named(cross, make):
    X, Y = cross.data[:60], cross.target[:60]
    gblup = GBLUPRegressor().fit(X, Y)
    with pytest.raises(ValueError, match=r"trait is one of 0\.\.1, got 2"):
        marker_contributions(gblup, X, trait=2)
    with pytest.raises(ValueError, match=r"400 markers that reach the model, got the shape \(3,\)"):
        marker_contributions(gblup, X, reference=[1, 2, 3])
    with pytest.raises(ValueError, match="a finite dosage"):
        marker_contributions(gblup, X, reference=np.full(400, np.nan))
    forest = RandomForestRegressor(2).fit(X, Y)
    with pytest.raises(ValueError, match=r"RandomForestRegressor is not .* TransformerGPRegressor"):
        marker_contributions(forest, X)
    embedding = make(tokens="embedding", preprocessor=AssociationSelector(k=10), max_iter=1).fit(
        X, Y
    )
    with pytest.raises(ValueError, match="tokens='embedding' looks dosages up"):
        marker_contributions(embedding, X)


def test_merged_markers_count_in_the_polygenic_term_only(cross, make):
    single = {"cross_fitting": None, "gate_penalty": 0.03, "token_dropout": 0.0, "max_iter": 2}
    model = make(**single, preprocessor=LinkageMerger(0.8)).fit(cross.data, cross.target)
    assert model.polygenic_ is None
    table = marker_contributions(model, cross.data[:60])
    merged = ~model.preprocessor_.get_support()
    assert (table.loc[:, merged] == 0).all(axis=None) and (table.loc[:, ~merged] != 0).any().all()


def test_a_single_trait(cross):
    y = pd.Series(cross.target.iloc[:, 0])
    model = RKHSRegressor().fit(cross.data[:100], y[:100])
    table = marker_contributions(model, cross.data[100:110])
    predicted = model.predict(cross.data[100:110])
    mean = model.predict(cross.data[100:110].mean().to_frame().T)
    np.testing.assert_allclose(table.sum(axis=1), predicted - mean, atol=1e-8)
