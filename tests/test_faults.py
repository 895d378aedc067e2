"""What goes wrong around a fit: interrupts, memory, full disks, threads."""

import errno
import gc
import inspect
import resource
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso, Ridge
from sklearn.utils.validation import check_is_fitted

import sktransformer_gp
from sktransformer_gp import (
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    FixedEffectsRegressor,
    GBLUPRegressor,
    MaskedGenotypePretrainer,
    PerTraitRegressor,
    PretrainedGPRegressor,
    RKHSRegressor,
    TransformerGPRegressor,
    compare_models,
    load_model,
    save_model,
)
from sktransformer_gp.__main__ import main
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.snp_blup import SNPBLUPRegressor
from sktransformer_gp.training import EncoderNet

TINY = {"max_iter": 2, "cross_fitting": 2, "d_model": 4, "n_heads": 2, "dim_readout": 4}
SEED = {"max_iter": 2, "random_state": 0}
REGRESSORS = {
    "transformer": lambda: TransformerGPRegressor(**TINY, random_state=0),
    "gblup": GBLUPRegressor,
    "rkhs": RKHSRegressor,
    "polygenic": PolygenicRegressor,
    "ridge for each trait": PerTraitRegressor,
    "snp-blup": SNPBLUPRegressor,
    "fixed effects": lambda: FixedEffectsRegressor(fixed_effects=[0]),
    "cnn": lambda: CNNGPRegressor(n_channels=4, dim_readout=4, **SEED),
    "cross-attention": lambda: CrossAttentionGPRegressor(**SEED),
    "pretrained": lambda: PretrainedGPRegressor(MaskedGenotypePretrainer(max_iter=1), **SEED),
}
SECONDS = ["fit_seconds", "predict_seconds"]
every_regressor = pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)


def simulate(seed=0, n=60, n_markers=40):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n, n_markers), dtype=np.int8)
    return X, X[:, :5] @ rng.normal(size=(5, 2)) + rng.normal(size=(n, 2))


def interrupt(*_, **__):
    raise KeyboardInterrupt


# The last thing that each does in its fit, or nearly so.
LATE = {
    "transformer": "sktransformer_gp.regressor.mixing_weights",
    "gblup": "sktransformer_gp.gblup.genetic_values",
    "rkhs": "sktransformer_gp.rkhs.weighted_mean",
    "polygenic": "sktransformer_gp.polygenic.missingness_patterns",
    "ridge for each trait": "sktransformer_gp.per_trait.PerTraitRegressor._fit_trait",
    "snp-blup": "sktransformer_gp.snp_blup.fit_iteratively",
    "fixed effects": "sktransformer_gp.gblup.genetic_values",
    "cnn": "sktransformer_gp.neural.NeuralRegressorMixin._keep_record",
    "cross-attention": "sktransformer_gp.neural.NeuralRegressorMixin._keep_record",
    "pretrained": "sktransformer_gp.neural.NeuralRegressorMixin._keep_record",
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_an_interrupt_leaves_an_unfitted_estimator_that_can_be_fitted(name, monkeypatch):
    X, Y = simulate()
    model, undisturbed = (REGRESSORS[name]() for _ in range(2))
    with monkeypatch.context() as patched:
        patched.setattr(LATE[name], interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y)

    assert vars(model).keys() == model.get_params(deep=False).keys()
    with pytest.raises(NotFittedError):
        model.predict(X)
    np.testing.assert_array_equal(model.fit(X, Y).predict(X), undisturbed.fit(X, Y).predict(X))


PUBLIC = [
    value
    for value in (getattr(sktransformer_gp, name) for name in sktransformer_gp.__all__)
    if inspect.isclass(value) and issubclass(value, BaseEstimator)
]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_a_failed_fit_on_other_data_leaves_nothing_of_an_earlier_one(kind):
    X, Y = simulate()
    model = kind()
    if "max_iter" in model.get_params():
        model.set_params(max_iter=1)
    model.fit(X, Y[:, 0])
    check_is_fitted(model)

    infinite = pd.DataFrame(X[:, :9].astype(float)).add_prefix("1:")
    infinite.iloc[3, 4] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        model.fit(infinite, Y[:, 0])

    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_settings_of_scikit_learn_outlive_a_failed_fit():
    with sklearn.config_context(enable_metadata_routing=True):
        model = GBLUPRegressor().set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match="0 sample"):
            model.fit(np.empty((0, 3)), [])
        assert model.get_metadata_routing().fit.requests["sample_weight"] is True


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 20.00 GiB",
        "MPS backend out of memory",
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory",
    ],
)
@pytest.mark.parametrize("where", ["fit_loop", "initialize", "predict_double"])
def test_a_lack_of_memory_says_what_to_lower(monkeypatch, text, where):
    X, Y = simulate()

    def fail(*_, **__):
        raise RuntimeError(text)

    target = (EncoderNet, where)
    if where == "predict_double":
        target = (torch.Tensor, "split")
    monkeypatch.setattr(*target, fail)
    model = TransformerGPRegressor(**TINY, batch_size=16, device="cpu", random_state=0)

    with pytest.raises(MemoryError, match=r"'cpu': lower batch_size \(now 16\), cross_fitting"):
        model.fit(X, Y)
    assert not hasattr(model, "net_")


def test_other_errors_of_torch_stay_as_they_are(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("cuDNN error")

    monkeypatch.setattr(EncoderNet, "fit_loop", fail)
    with pytest.raises(RuntimeError, match=r"^cuDNN error$"):
        TransformerGPRegressor(**TINY, device="cpu").fit(*simulate())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_without_memory_says_what_to_lower():
    X, Y = simulate(n=200, n_markers=2000)
    before = torch.cuda.get_per_process_memory_fraction()
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(MemoryError, match="'cuda': lower batch_size"):
            TransformerGPRegressor(preprocessor=None, device="cuda").fit(X, Y)
    finally:
        torch.cuda.set_per_process_memory_fraction(before)


@every_regressor
def test_two_fits_at_once_in_threads_are_those_of_each_alone(make):
    studies = [simulate(seed) for seed in range(4)]
    alone = [make().fit(X, Y).predict(X) for X, Y in studies]

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda study: make().fit(*study).predict(study[0]), studies))

    for expected, found in zip(alone, together, strict=True):
        np.testing.assert_array_equal(found, expected)


def count_alive():
    """Return the number of objects that Python watches, and the bytes of torch's tensors."""
    gc.collect()
    alive = gc.get_objects()
    tensors = [o for o in alive if issubclass(type(o), torch.Tensor)]
    return len(alive), sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def test_fits_leave_no_memory_behind():
    """The benchmark memory.py looks at the whole process over 200 fits."""
    X, Y = simulate(n=100, n_markers=1000)
    model = TransformerGPRegressor(**{**TINY, "max_iter": 1}, preprocessor=None, random_state=0)
    used = []
    for _ in range(5):
        model.fit(X, Y)
        used.append(count_alive())

    # 100 kB of dosages, and some thousand objects of skorch, if each fit stayed.
    (n_before, bytes_before), (n_after, bytes_after) = used[1], used[-1]
    assert n_after - n_before < 1000 and bytes_after - bytes_before < 50_000


def run(folder, **arguments):
    X, Y = simulate()
    models = {"ridge": Ridge(), "lasso": Lasso(0.1), "strong": Ridge(1e3)}
    scores = compare_models(models, X, Y, cv=5, repeats=2, folder=folder, verbose=0, **arguments)
    return scores.drop(columns=SECONDS)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are those of POSIX")
def test_a_full_disk_stops_a_comparison_and_costs_nothing(tmp_path):
    """The system refuses to write more than the first files and some scores, as on a full disk."""
    expected = run(tmp_path / "undisturbed")
    sizes = {p.name: p.stat().st_size for p in (tmp_path / "undisturbed").iterdir()}
    limit = sizes["provenance.json"] + 300
    assert limit < 0.9 * sizes["scores.csv"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match=r"File too large|is the disk full\?"):
            run(tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    written = pd.read_csv(tmp_path / "run" / "scores.csv", on_bad_lines="skip")
    assert 10 < len(written) < len(expected)
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"provenance.json", "scores.csv"}
    resumed = run(tmp_path / "run", resume=True)
    pd.testing.assert_frame_equal(resumed, expected, check_exact=True)


def refuse(*_, **__):
    raise PermissionError(errno.EACCES, "Permission denied", "/results/run")


def test_a_folder_that_is_read_only_is_an_error_before_any_fit(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    monkeypatch.setattr(Ridge, "fit", interrupt)

    with pytest.raises(PermissionError, match=r"Permission denied: '/results/run'"):
        run("/results/run")
    with pytest.raises(SystemExit) as caught:
        main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", "/results/run"])

    assert caught.value.code == 2
    assert "Permission denied: '/results/run'" in capfd.readouterr().err


def test_a_folder_under_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("results of last year")

    with pytest.raises(OSError, match="file"):
        run(tmp_path / "file" / "run")

    assert (tmp_path / "file").read_text() == "results of last year"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are those of POSIX")
def test_a_full_disk_leaves_the_saved_model_that_was_there(tmp_path):
    X, Y = simulate()
    path = tmp_path / "model.safetensors"
    first = GBLUPRegressor().fit(X, Y)
    save_model(first, path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            save_model(RKHSRegressor().fit(X, Y), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]
    np.testing.assert_array_equal(load_model(path).predict(X), first.predict(X))
