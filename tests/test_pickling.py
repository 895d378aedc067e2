"""Pickle, joblib and deepcopy round trips of all estimators, and from a GPU to a CPU."""

import copy
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from skorch.exceptions import DeviceWarning

from sktransformer_gp.fixed_effects import FixedEffectsRegressor
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.preprocessing import (
    AssociationSelector,
    DosageImputer,
    DosageScaler,
    GenotypeCoder,
    LinkageMerger,
    MinorAlleleFilter,
    MutualInformationSelector,
)
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.rkhs import RKHSRegressor
from sktransformer_gp.saving.estimators import load_model, save_model
from sktransformer_gp.simulation import make_cross

TRANSFORMER = TransformerGPRegressor(
    window_size=8, d_model=4, dim_readout=3, max_iter=1, cross_fitting=2, random_state=0
)
REGRESSORS = [
    TRANSFORMER,
    GBLUPRegressor(),
    RKHSRegressor(),
    PolygenicRegressor(),
    PerTraitRegressor(),
    FixedEffectsRegressor(fixed_effects=[0]),
    make_pipeline(DosageImputer(), TRANSFORMER).set_output(transform="pandas"),
]
TRANSFORMERS = [
    *(DosageImputer(strategy) for strategy in ("mean", "mode", "knn", "linkage")),
    LinkageMerger(),
    MinorAlleleFilter(),
    GenotypeCoder(),
    DosageScaler(),
    AssociationSelector(k=5),
    MutualInformationSelector(k=5, random_state=0),
]


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=40, n_markers=30, random_state=0, as_frame=True)


def copies(model, folder):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(model, protocol))
    yield copy.deepcopy(model)
    for compress in (0, 3):
        joblib.dump(model, folder / "model.joblib", compress=compress)
        yield joblib.load(folder / "model.joblib")
    joblib.dump(model, folder / "mapped.joblib")
    yield joblib.load(folder / "mapped.joblib", mmap_mode="r")  # read-only arrays


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda model: type(model).__name__)
def test_regressors(cross, tmp_path, model):
    model = clone(model).fit(cross.data, cross.target)
    expected = model.predict(cross.data)

    for again in copies(model, tmp_path):
        # A memory-mapped array need not be aligned as one that NumPy allocates: same numbers,
        # another order of summation.
        np.testing.assert_allclose(again.predict(cross.data), expected, rtol=1e-12, atol=1e-12)
        assert repr(again.get_params()) == repr(model.get_params())


@pytest.mark.parametrize("model", TRANSFORMERS, ids=lambda model: type(model).__name__)
def test_transformers(cross, tmp_path, model):
    model = clone(model).fit(cross.data, cross.target.iloc[:, 0])

    for again in copies(model, tmp_path):
        np.testing.assert_array_equal(again.transform(cross.data), model.transform(cross.data))


def test_unfitted_estimators(tmp_path):
    for model in [*REGRESSORS, *TRANSFORMERS]:
        for again in copies(clone(model), tmp_path):
            assert repr(again) == repr(model)


def test_a_model_from_a_model_file_can_be_pickled(cross, tmp_path):
    model = clone(TRANSFORMER).fit(cross.data, cross.target)
    save_model(model, tmp_path / "m")

    for again in copies(load_model(tmp_path / "m"), tmp_path):
        np.testing.assert_allclose(
            again.predict(cross.data), model.predict(cross.data), rtol=1e-12, atol=1e-12
        )


def test_a_pickle_from_a_gpu_loads_where_there_is_none(cross, monkeypatch):
    model = clone(TRANSFORMER).fit(cross.data, cross.target)
    expected = model.predict(cross.data)
    model.net_.device = "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.warns(DeviceWarning) as said:
        again = pickle.loads(pickle.dumps(model))
    assert "requested device (cuda) is not available" in " ".join(str(w.message) for w in said)
    np.testing.assert_array_equal(again.predict(cross.data), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_file_from_a_gpu_is_the_same_on_a_cpu(cross, tmp_path, monkeypatch):
    model = clone(TRANSFORMER).set_params(device="cuda").fit(cross.data, cross.target)
    save_model(model, tmp_path / "m")

    assert load_model(tmp_path / "m").net_.device == "cuda"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    again = load_model(tmp_path / "m")
    assert next(again.net_.module_.parameters()).device.type == "cpu"
    # float64 on both, summed in another order
    np.testing.assert_allclose(again.predict(cross.data), model.predict(cross.data), rtol=1e-9)
