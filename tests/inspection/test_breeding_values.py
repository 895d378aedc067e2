import numpy as np
import pytest

from sktransformer_gp import GBLUPRegressor
from sktransformer_gp.inspection import breeding_value_table, marker_contributions

CHROMOSOMES = [f"chr{c:02d}" for c in range(1, 17)]


@pytest.fixture(scope="module")
def table(cross, fitted):
    return breeding_value_table(fitted, cross.data[180:], top_k=5, traits=["u", "v"])


def test_predictions_and_deviations_are_those_of_the_model(cross, fitted, table):
    mean, std = fitted.predict(cross.data[180:], return_std=True)
    for t, trait in enumerate(["u", "v"]):
        rows = table[table["trait"] == trait].set_index("sample").loc[cross.data.index[180:]]
        np.testing.assert_array_equal(rows["prediction"], mean[:, t])
        np.testing.assert_array_equal(rows["std"], std[:, t])


def test_reference_and_chromosomes_sum_to_the_prediction(cross, fitted, table):
    total = table["reference"] + table[CHROMOSOMES].sum(axis=1)
    np.testing.assert_allclose(total, table["prediction"], atol=1e-3)
    average = fitted.predict(cross.data[180:].mean().to_frame().T)[0]
    by_trait = table.groupby("trait", sort=False)["reference"].first()
    np.testing.assert_allclose(by_trait, average, atol=1e-3)


def test_chromosomes_sum_the_contributions_of_their_markers(cross, fitted, table):
    markers = marker_contributions(fitted, cross.data[180:], trait=1)
    expected = markers.T.groupby(cross.chromosomes).sum().T
    rows = table[table["trait"] == "v"].set_index("sample").loc[markers.index]
    np.testing.assert_allclose(rows[CHROMOSOMES], expected[CHROMOSOMES], atol=1e-9)


def test_best_first_and_the_best_are_selected(table):
    for _, rows in table.groupby("trait"):
        assert rows["prediction"].is_monotonic_decreasing
        assert rows["rank"].tolist() == list(range(1, 61))
        assert rows["selected"].tolist() == [True] * 5 + [False] * 55
    assert table.columns[:7].tolist() == [
        *("trait", "sample", "rank", "selected", "prediction", "std", "reference")
    ]


def test_small_values_can_be_wanted(cross):
    model = GBLUPRegressor().fit(cross.data, cross.target.iloc[:, 0])
    table = breeding_value_table(model, cross.data, largest=False, top_k=1)
    assert table["prediction"].is_monotonic_increasing
    assert table["sample"][0] == cross.data.index[model.predict(cross.data).argmin()]
    assert "std" not in table and table["trait"].unique().tolist() == ["trait_1"]


def test_a_transformer_without_cross_fitting_has_no_deviation(cross, make):
    single = {"cross_fitting": None, "gate_penalty": 0.03, "token_dropout": 0.0, "max_iter": 1}
    model = make(**single).fit(cross.data, cross.target)
    assert "std" not in breeding_value_table(model, cross.data[:4])


def test_candidates_are_split_in_parts(cross, monkeypatch):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    whole = breeding_value_table(model, cross.data)
    monkeypatch.setattr("sktransformer_gp.inspection.breeding_values.ROWS", 7)
    parts = breeding_value_table(model, cross.data)
    np.testing.assert_allclose(parts[CHROMOSOMES], whole[CHROMOSOMES], atol=1e-12)


def test_without_a_map_all_markers_are_one_chromosome_and_rows_are_numbered(cross):
    X = cross.data.to_numpy()
    model = GBLUPRegressor().fit(X, cross.target.to_numpy()[:, 0])
    table = breeding_value_table(model, X, reference=X[0])
    best = int(model.predict(X).argmax())
    assert table["sample"][0] == best
    expected = model.predict(X)[best] - model.predict(X)[0]
    assert table["."][0] == pytest.approx(expected)


def test_top_k_below_one_is_named(cross):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    with pytest.raises(ValueError, match="top_k is at least 1, got 0"):
        breeding_value_table(model, cross.data, top_k=0)
