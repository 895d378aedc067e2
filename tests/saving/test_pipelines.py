import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger
from sktransformer_gp.saving.pipelines import from_state, get_state

X = np.random.default_rng(0).integers(0, 3, (30, 8), dtype=np.int8)
Y = X[:, :2] + np.random.default_rng(1).normal(size=(30, 2))


def test_round_trip():
    pipeline = make_pipeline(DosageImputer(), "passthrough", None, GBLUPRegressor(), verbose=True)
    pipeline.fit(X, Y)
    state = get_state(pipeline)
    back = from_state(state)

    assert state.keys() == {"steps", "verbose"}
    assert back.get_params().keys() == pipeline.get_params().keys()
    assert [name for name, _ in back.steps] == [name for name, _ in pipeline.steps]
    np.testing.assert_array_equal(back.predict(X), pipeline.predict(X))


def test_pipelines_within_pipelines():
    inner = make_pipeline(DosageImputer(), LinkageMerger())
    pipeline = make_pipeline(inner, make_pipeline(GBLUPRegressor())).fit(X, Y)

    np.testing.assert_array_equal(from_state(get_state(pipeline)).predict(X), pipeline.predict(X))


def test_unfitted_pipelines():
    assert len(from_state(get_state(make_pipeline(LinkageMerger(), GBLUPRegressor())))) == 2


def test_a_memory_is_refused_on_both_sides(tmp_path):
    pipeline = Pipeline([("gblup", GBLUPRegressor())], memory=str(tmp_path)).fit(X, Y)

    with pytest.raises(ValueError, match="would load pickles from there"):
        get_state(pipeline)
    with pytest.raises(ValueError, match="has steps and no memory"):
        from_state({"steps": pipeline.steps, "memory": str(tmp_path)})


@pytest.mark.parametrize(
    ("state", "error", "reason"),
    [
        ({"steps": []}, ValueError, "has steps and no memory"),
        ({"steps": [("a", 3)]}, ValueError, "'a' is not a step"),
        ({"steps": [(1, GBLUPRegressor())]}, ValueError, "1 is not a step"),
        ({"steps": ["abc"]}, ValueError, "unpack"),
        ({"steps": 3}, TypeError, "iterable"),
        ({}, TypeError, "steps"),
        ({"steps": [("a", GBLUPRegressor())], "verb": 1}, TypeError, "verb"),
    ],
)
def test_what_is_no_pipeline_is_an_error(state, error, reason):
    with pytest.raises(error, match=reason):
        from_state(state)


def test_steps_that_do_not_fit_each_other_are_an_error():
    steps = [("merger", LinkageMerger().fit(X)), ("gblup", GBLUPRegressor().fit(X[:, 1:], Y))]

    with pytest.raises(ValueError, match="returns 8 markers, but GBLUPRegressor takes 7"):
        from_state({"steps": steps})
