import numpy as np
import pytest

from sktransformer_gp.presets import PRESETS
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.simulation import make_cross


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=300, n_markers=200, n_qtl=6, h2=0.8, random_state=0)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_fit_and_take_overrides(cross, name):
    model = TransformerGPRegressor.from_preset(name, max_iter=1, random_state=0)

    predicted = model.fit(cross.data, cross.target).predict(cross.data)

    assert predicted.shape == cross.target.shape and model.n_iter_ == 1
    assert TransformerGPRegressor.from_preset(name, batch_size=3).batch_size == 3


def test_preset_selection_is_fitted_on_the_training_rows_only(cross):
    model = TransformerGPRegressor.from_preset("gptransformer", max_iter=1, random_state=0)
    kept = []
    for rows in (slice(0, 100), slice(200, 300)):
        model.fit(cross.data[rows], cross.target[rows])
        kept.append(model.preprocessor_[-1].mutual_information_)
    assert len(kept[0]) != len(kept[1]) or not np.allclose(*kept)


def test_presets_cannot_be_changed_through_a_model():
    model = TransformerGPRegressor.from_preset("gptransformer")
    model.set_params(preprocessor__mutualinformationselector__k=3)

    assert PRESETS["gptransformer"]["preprocessor"][-1].k == 256


def test_unknown_preset_is_named():
    with pytest.raises(ValueError, match=r"\['gptransformer', 'lecture'\], got 'bert'"):
        TransformerGPRegressor.from_preset("bert")
