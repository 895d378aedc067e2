import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from sktransformer_gp import DosageImputer, GBLUPRegressor, LinkageMerger
from sktransformer_gp.inspection.steps import last_step, marker_map, trait_names


def test_a_pipeline_is_followed_to_its_last_step(cross):
    X = cross.data.astype(float).mask(np.random.default_rng(0).random(cross.data.shape) < 0.05)
    model = make_pipeline(DosageImputer(), LinkageMerger(0.9), GBLUPRegressor())
    model.set_output(transform="pandas").fit(X, cross.target)

    step = last_step(model, X)

    kept = model[1].get_support()
    assert step.markers.tolist() == X.columns[kept].tolist()
    assert step.samples.tolist() == X.index.tolist()
    np.testing.assert_array_equal(step.X, model[:-1].transform(X))
    np.testing.assert_allclose(step.predict(step.X), model.predict(X), rtol=1e-12)
    assert step.n_traits == 2


def test_an_array_takes_the_names_of_the_model(cross):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    step = last_step(model, cross.data.to_numpy())
    assert step.markers.tolist() == cross.feature_names.tolist()
    assert step.samples.tolist() == list(range(240))


def test_without_names_markers_are_numbered():
    X = np.eye(4)[:, :3]
    assert last_step(GBLUPRegressor().fit(X, [1.0, 2.0, 3.0, 4.0]), X).markers.tolist() == [
        "x0",
        "x1",
        "x2",
    ]


@pytest.mark.parametrize("preprocessor", ["linkage", None])
def test_chromosomes_given_to_fit_are_in_the_names(cross, make, preprocessor):
    X = cross.data.to_numpy()[:40]
    model = make(preprocessor=preprocessor, max_iter=1)
    model.fit(X, cross.target[:40], chromosomes=cross.chromosomes)
    names = last_step(model, X).markers
    assert [name.split(":")[0] for name in names] == cross.chromosomes.tolist()


def test_samples_are_drawn_and_taken(cross):
    step = last_step(GBLUPRegressor().fit(cross.data, cross.target), cross.data)
    rows = step.draw(50, np.random.RandomState(0))
    assert len(set(rows)) == 50 and (np.diff(rows) > 0).all()
    part = step.take(rows)
    assert part.samples.tolist() == cross.data.index[rows].tolist()
    np.testing.assert_array_equal(part.X, cross.data.to_numpy()[rows])
    for many in (None, 240, 1000):
        assert step.draw(many, np.random.RandomState(0)).tolist() == list(range(240))
    with pytest.raises(ValueError, match="max_samples is at least 2 or None, got 1"):
        step.draw(1, np.random.RandomState(0))


def test_deviations_are_those_of_the_model(cross, fitted):
    step = last_step(fitted, cross.data[:9])
    mean, std = fitted.predict(cross.data[:9], return_std=True)
    np.testing.assert_array_equal(step.predict_with_std(), (mean, std))


def test_missing_dosages_name_the_imputer(cross):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    with pytest.raises(ValueError, match="DosageImputer"):
        last_step(model, pd.DataFrame(-1, index=[0], columns=cross.data.columns))


def test_samples_of_lists_are_numbered():
    X = [[0, 1], [1, 0], [2, 1]]
    assert last_step(GBLUPRegressor().fit(X, [1.0, 2.0, 3.0]), X).samples.tolist() == [0, 1, 2]


def test_traits_are_named_by_argument_then_by_y_then_by_number():
    frame = pd.DataFrame(np.eye(2), columns=["u", "v"])
    assert trait_names(["a", "b"], frame, 2) == ["a", "b"]
    assert trait_names(None, frame, 2) == ["u", "v"]
    assert trait_names(None, frame["u"], 1) == ["u"]
    assert trait_names(None, pd.Series([1.0]), 1) == ["trait_1"]
    assert trait_names(None, np.eye(2), 2) == ["trait_1", "trait_2"]


@pytest.mark.parametrize("traits", ["ab", ["a"]])
def test_one_name_for_each_trait(traits):
    with pytest.raises(ValueError, match="one name for each of the 2 traits"):
        trait_names(traits, None, 2)


def test_map_of_names_and_of_names_without_one():
    table = marker_map(np.array(["1:2.5:a", "2:7"]))
    assert table.to_numpy().tolist() == [["1:2.5:a", "1", 2.5], ["2:7", "2", 7.0]]
    assert table.columns.tolist() == ["marker", "chromosome", "position"]
    unknown = marker_map(np.array(["a", "b"]))
    assert unknown["chromosome"].tolist() == [".", "."] and unknown["position"].isna().all()
