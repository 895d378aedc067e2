import inspect
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktransformer_gp import preprocessing
from sktransformer_gp.fixed_effects import FixedEffectsRegressor
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.inputs import TraitScale
from sktransformer_gp.networks import (
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    MaskedGenotypePretrainer,
    PretrainedGPRegressor,
)
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.rkhs import RKHSRegressor
from sktransformer_gp.saving.container import ModelFileError, read_container, write_container
from sktransformer_gp.saving.estimators import load_model, read_metadata, save_model
from sktransformer_gp.simulation import make_cross

TINY = {
    "window_size": 8,
    "d_model": 4,
    "dim_feedforward": 3,
    "dim_readout": 3,
    "max_iter": 2,
    "random_state": 0,
}
CNN = {"n_channels": 3, "dim_readout": 3, "max_iter": 2, "random_state": 0}
REGRESSORS = {
    "transformer": TransformerGPRegressor(cross_fitting=3, **TINY),
    "plain": TransformerGPRegressor(
        **{**TINY, "cross_fitting": None, "gate_penalty": 0.01, "token_dropout": 0.1}
    ),
    "lecture": TransformerGPRegressor.from_preset("lecture", **TINY),
    "gptransformer": TransformerGPRegressor.from_preset("gptransformer", **TINY),
    "stopping": TransformerGPRegressor(cross_fitting=2, early_stopping=1, **TINY),
    "cnn": CNNGPRegressor(**CNN),
    "plain cnn": CNNGPRegressor(
        **{**CNN, "gate_penalty": None, "locally_connected": False, "dim_readout": 0}
    ),
    "cross attention": CrossAttentionGPRegressor(max_iter=2, d_model=4, random_state=0),
    "pretrained": PretrainedGPRegressor(
        MaskedGenotypePretrainer(max_iter=1, d_model=4), max_iter=2, random_state=0
    ),
    "gblup": GBLUPRegressor(),
    "covariate": GBLUPRegressor(fixed_effects=[0, 3]),
    "fixed effects": FixedEffectsRegressor(
        make_pipeline(LinkageMerger(), GBLUPRegressor()), [0, 3]
    ),
    "rkhs": RKHSRegressor(bandwidths=np.array([0.5, 2.0])),
    "polygenic": PolygenicRegressor(),
    "per trait": PerTraitRegressor(RKHSRegressor()),
    "per trait, pipeline": PerTraitRegressor(make_pipeline(LinkageMerger(), GBLUPRegressor())),
    "pipeline": make_pipeline(
        DosageImputer("mode"), LinkageMerger(), TransformerGPRegressor(cross_fitting=2, **TINY)
    ).set_output(transform="pandas"),
    "pipeline of arrays": make_pipeline(DosageImputer(), "passthrough", GBLUPRegressor()),
}

PREPROCESSORS = [
    name
    for name, value in vars(preprocessing).items()
    if inspect.isclass(value) and value.__module__.startswith(preprocessing.__name__)
]


@pytest.fixture(scope="module")
def cross():
    cross = make_cross(n_samples=50, n_markers=40, random_state=0, as_frame=True)
    cross.target.iloc[:5, 1] = np.nan
    return cross


def round_trip(model, folder, **kwargs):
    save_model(model, folder / "m.safetensors", **kwargs)
    return load_model(folder / "m.safetensors")


def deviating(model, X):
    """Return the standard deviations of predictions where a model has them."""
    if isinstance(model, TransformerGPRegressor) and model.polygenic_ is None:
        return []
    return model.predict(X, return_std=True) if hasattr(model, "polygenic_") else []


@pytest.mark.parametrize("name", REGRESSORS)
def test_predictions_are_equal_bit_for_bit(cross, tmp_path, name):
    model = clone(REGRESSORS[name]).fit(cross.data[:40], cross.target[:40])
    loaded = round_trip(model, tmp_path)

    np.testing.assert_array_equal(loaded.predict(cross.data), model.predict(cross.data))
    for found, expected in zip(
        deviating(loaded, cross.data), deviating(model, cross.data), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_loaded_model_can_be_cloned_and_fitted_again(cross, tmp_path, name):
    X, y = cross.data.to_numpy(), cross.target.iloc[:, 1].to_numpy()  # one trait, as an array
    model = clone(REGRESSORS[name]).fit(X[:40], y[:40])
    loaded = round_trip(model, tmp_path)
    expected = model.predict(X)

    assert repr(loaded.get_params()) == repr(model.get_params())
    assert type(loaded) is type(model)
    for again in (loaded, clone(loaded)):
        np.testing.assert_array_equal(again.predict(X) if again is loaded else expected, expected)
        np.testing.assert_array_equal(again.fit(X[:40], y[:40]).predict(X), expected)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float32, ">f8"])
def test_training_dosages_of_any_layout(cross, tmp_path, order, dtype):
    X = np.array(cross.data, dtype=dtype, order=order)
    model = PolygenicRegressor().fit(X[:40, ::2], cross.target[:40])
    loaded = round_trip(model, tmp_path)

    assert loaded.X_fit_.dtype == model.X_fit_.dtype.newbyteorder("=")
    for found, expected in zip(
        loaded.predict(X[:, ::2], return_std=True),
        model.predict(X[:, ::2], return_std=True),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
@pytest.mark.parametrize("strategy", ["mean", "mode", "knn", "linkage", "autoencoder"])
def test_imputers(cross, tmp_path, strategy, dtype):
    missing = np.random.default_rng(0).random(cross.data.shape) < 0.2
    X = cross.data.mask(missing, -1).astype(dtype)
    imputer = DosageImputer(strategy).set_output(transform="pandas").fit(X)
    loaded = round_trip(imputer, tmp_path)

    pd.testing.assert_frame_equal(loaded.transform(X), imputer.transform(X))
    assert loaded.get_feature_names_out().tolist() == imputer.get_feature_names_out().tolist()


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_every_preprocessor_of_the_package_can_be_saved(cross, tmp_path, name):
    transformer = getattr(preprocessing, name)().fit(cross.data, cross.target.iloc[:, 0])
    loaded = round_trip(transformer, tmp_path)

    np.testing.assert_array_equal(loaded.transform(cross.data), transformer.transform(cross.data))


def test_what_fit_learned_is_there_but_for_the_training_history(cross, tmp_path):
    model = clone(REGRESSORS["stopping"]).fit(cross.data, cross.target)
    loaded = round_trip(model, tmp_path)

    for name in ("weights_", "out_of_fold_", "y_mean_", "chromosomes_", "feature_names_in_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name), strict=True)
    for name in ("loss_curve_", "validation_scores_", "n_iter_", "component_names_"):
        assert getattr(loaded, name) == getattr(model, name)
    np.testing.assert_array_equal(loaded.preprocessor_.groups_, model.preprocessor_.groups_)
    assert len(model.net_.history) > 0
    assert len(loaded.net_.history) == 0


def test_metadata(cross, tmp_path):
    path = tmp_path / "m.safetensors"
    markers = pd.DataFrame({"id": list(cross.data), "position": np.arange(40) / 7, "A1": "T"})
    metadata = {
        "markers": markers.to_dict("list"),
        "traits": ("Ertrag", "Höhe"),
        "maf": np.linspace(0, 0.5, 40),
        "sd": np.float32(0.1),
        "release": None,
    }
    save_model(GBLUPRegressor().fit(cross.data, cross.target), path, metadata=metadata)
    found = read_metadata(path)

    pd.testing.assert_frame_equal(pd.DataFrame(found.pop("markers")), markers)
    np.testing.assert_array_equal(found.pop("maf"), metadata["maf"], strict=True)
    assert found == {key: metadata[key] for key in ("traits", "sd", "release")}


def test_no_metadata(cross, tmp_path):
    round_trip(GBLUPRegressor().fit(cross.data, cross.target), tmp_path)

    assert read_metadata(tmp_path / "m.safetensors") == {}


def test_save_and_load_of_the_class(cross, tmp_path):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    model.save(tmp_path / "m", metadata={"trait": "yield"})

    assert type(GBLUPRegressor.load(str(tmp_path / "m"))) is GBLUPRegressor
    assert read_metadata(tmp_path / "m") == {"trait": "yield"}
    with pytest.raises(ModelFileError, match="holds a GBLUPRegressor, not a TransformerGPRegr"):
        TransformerGPRegressor.load(tmp_path / "m")


def test_what_is_not_fitted_is_not_saved(tmp_path):
    for model in (TransformerGPRegressor(), make_pipeline(DosageImputer(), GBLUPRegressor())):
        with pytest.raises(NotFittedError):
            save_model(model, tmp_path / "m")
    with pytest.raises(TypeError, match="not an estimator"):
        save_model("model", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_preprocessors_and_regressors_of_others_are_refused_by_name(cross, tmp_path):
    X, Y = cross.data, cross.target
    own = TransformerGPRegressor(cross_fitting=2, **TINY, preprocessor=StandardScaler()).fit(X, Y)
    for model, place in [
        (own, r"model\.preprocessor is sklearn.preprocessing._data.StandardScaler"),
        (PerTraitRegressor(Ridge()).fit(X, Y), r"model\.estimator is .*Ridge.*joblib.dump"),
    ]:
        with pytest.raises(TypeError, match=place):
            save_model(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_model_changed_by_hand_is_not_saved(cross, tmp_path):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    model.coef_ = model.coef_[:, :-1]

    with pytest.raises(ValueError, match="coef_ has the shape"):
        save_model(model, tmp_path / "m")


def test_requests_of_metadata_routing_do_not_stand_in_the_way(cross, tmp_path):
    with config_context(enable_metadata_routing=True):
        model = TransformerGPRegressor(cross_fitting=2, **TINY).set_fit_request(chromosomes=True)
        loaded = round_trip(model.fit(cross.data, cross.target), tmp_path)

        assert loaded.set_fit_request(chromosomes=True) is loaded


def test_the_file_does_not_depend_on_when_it_is_written(cross, tmp_path):
    model = clone(REGRESSORS["transformer"]).fit(cross.data, cross.target)
    for name in "ab":
        save_model(model, tmp_path / name)
    save_model(load_model(tmp_path / "a"), tmp_path / "c")

    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content, tensors: content.pop("model"), "KeyError.*model"),
        (lambda content, tensors: content.update(metadata=[]), "more than model and metadata"),
        (lambda content, tensors: content.update(model=3), "not an estimator instance"),
        (lambda content, tensors: tensors.update(more=np.ones(1)), "more than .*'more'"),
        (lambda content, tensors: tensors.clear(), "KeyError"),
        (
            lambda content, tensors: content.update(
                model={"object": "GBLUPRegressor", "state": {"fixed_effects": None}}
            ),
            "not fitted",
        ),
        (
            lambda content, tensors: content["model"]["state"].pop("intercept_"),
            "GBLUPRegressor.intercept_ is missing",
        ),
        (
            lambda content, tensors: content["model"]["state"].update(n_features_in_=41),
            r"coef_ has the shape \(2, 40\), not \(traits\?, features\) with features = 41",
        ),
    ],
)
def test_forged_files_are_refused(cross, tmp_path, change, reason):
    path = tmp_path / "m.safetensors"
    GBLUPRegressor().fit(cross.data.to_numpy(), cross.target).save(path)
    content, tensors = read_container(path)
    change(content, tensors)
    write_container(path, content, tensors)

    with pytest.raises(ModelFileError, match=reason) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_helpers_are_no_models(cross, tmp_path):
    with pytest.raises(TypeError, match="not an estimator"):
        save_model(TraitScale(np.eye(2)), tmp_path / "m")


def test_loading_and_predicting_runs_no_pickle_and_no_command(cross, tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(clone(REGRESSORS["pipeline"]).fit(cross.data, cross.target), path)
    code = f"""
import sys
import numpy as np
import sktransformer_gp.regressor
from sktransformer_gp import load_model
found = []
def note(event, arguments):
    if event.startswith(("pickle", "os.system", "os.exec", "subprocess", "socket", "ctypes")):
        found.append(event)
sys.addaudithook(note)
model = load_model({str(path)!r})
model[-1].predict(np.zeros((3, model[-1].n_features_in_)), return_std=True)
print(found)
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "[]"
