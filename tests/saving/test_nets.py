import copy
import itertools
import tracemalloc

import numpy as np
import pytest
import torch

from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.saving import nets
from sktransformer_gp.saving.nets import from_state, get_state

X = np.random.default_rng(0).integers(0, 2, (30, 10), dtype=np.int8)
Y = X[:, :2] + np.random.default_rng(1).normal(size=(30, 2))
SINGLE = {"cross_fitting": None, "gate_penalty": 0.01, "token_dropout": 0.1}
TINY = {"max_iter": 1, "d_model": 4, "dim_feedforward": 3, "dim_readout": 2, "random_state": 0}


def trained(**parameters):
    return TransformerGPRegressor(**{**TINY, **SINGLE, **parameters}).fit(X, Y).net_


@pytest.fixture(scope="module")
def deep():
    return get_state(trained(n_layers=2, window_size=3))


@pytest.mark.parametrize(
    ("tokens", "positions"),
    list(itertools.product(["linear", "dense", "embedding"], [None, "sinusoidal", "learned"])),
)
def test_every_kind_of_encoder_predicts_what_it_did(tokens, positions):
    gates = {"gate_penalty": None} if positions is None else {}
    net = trained(tokens=tokens, positions=positions, n_layers=1, preprocessor=None, **gates)
    back = from_state(get_state(net))

    np.testing.assert_array_equal(
        back.predict_double(torch.tensor(X)), net.predict_double(torch.tensor(X))
    )
    assert back.get_params_for("module").keys() == net.get_params_for("module").keys()
    assert (back.lr, back.seed, back.batch_size) == (net.lr, net.seed, net.batch_size)


@pytest.mark.parametrize("parameters", [{"n_heads": 0}, {"dim_readout": 0}, {"norm_first": False}])
def test_encoders_without_some_parts(parameters):
    net = trained(**parameters)

    np.testing.assert_array_equal(
        from_state(get_state(net)).predict_double(torch.tensor(X)),
        net.predict_double(torch.tensor(X)),
    )


def test_an_encoder_that_reads_dominance():
    diploid = X + np.random.default_rng(2).integers(0, 2, X.shape, dtype=np.int8)
    net = TransformerGPRegressor(**TINY).fit(diploid, Y).net_
    back = from_state(get_state(net))
    np.testing.assert_array_equal(
        back.predict_double(torch.tensor(diploid)), net.predict_double(torch.tensor(diploid))
    )
    assert back.module_.dominance is not None


def test_the_net_has_an_empty_history_and_goes_through_deepcopy(deep):
    net = from_state(deep)

    assert len(net.history) == 0
    assert len(copy.deepcopy(net).history) == 0


def test_global_random_numbers_are_not_touched(deep):
    before = torch.random.get_rng_state()
    from_state(deep)

    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("device", ["cuda", "cuda:99", "mps:99", "xpu", "meta"])
def test_where_the_device_is_not_there_the_cpu_takes_its_place(deep, monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    net = from_state({**deep, "device": device})

    assert net.device == "cpu"
    assert net.predict_double(torch.tensor(X)).shape == (1, 30, 2)


def test_an_index_is_compared_with_the_number_of_devices(deep, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert nets._device_that_is_there("cuda:1") == "cuda:1"
    assert nets._device_that_is_there("cuda:2") == "cpu"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("n_layers", 10**9, "n_layers is 1000000000, but there are 2 blocks"),
        ("n_layers", 1, "n_layers is 1, but there are 2 blocks"),
        ("n_layers", -1, "n_layers is -1, not a size"),
        ("d_model", 4.0, "d_model is 4.0, not a size"),
        ("d_model", 10**6, "embed.weight is float32 .*, but its parameters make it .* 1000000"),
        ("dim_feedforward", 10**12, "hidden.weight is"),
        ("dim_readout", 0, "readout.* is float32 .*, but its parameters make it None"),
        ("n_traits", 3, "additive is float32"),
        ("n_heads", 0, "readout.pool.query is float32 .*, but its parameters make it None"),
        ("n_heads", 3, "unflatten"),
        ("gated", False, "gate is float32 .*, but its parameters make it None"),
        ("positions", "learned", "position is None, but its parameters make it float32"),
        ("tokens", "dense", "embed.weight is float32 .*, but its parameters make it"),
    ],
)
def test_parameters_that_are_not_those_of_the_weights(deep, name, value, reason):
    state = {**deep, "encoder": {**deep["encoder"], name: value}}

    with pytest.raises((ValueError, RuntimeError), match=reason):
        from_state(state)


def test_no_memory_is_taken_before_the_weights_are_compared(deep):
    # 10^12 weights, or 4 TB, in the square matrices of attention alone.
    state = {**deep, "encoder": {**deep["encoder"], "d_model": 10**6}}
    tracemalloc.start()
    with pytest.raises(ValueError, match="but its parameters make it"):
        from_state(state)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 10e6


@pytest.mark.parametrize("place", [-1, 11, 2**40])
def test_windows_of_other_markers_are_refused(deep, place):
    windows = deep["weights"]["windows"].copy()
    windows[0, 0] = place

    with pytest.raises(ValueError, match="windows are not of its 10 markers"):
        from_state({**deep, "weights": {**deep["weights"], "windows": windows}})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("readout.direct.weight", lambda w: w.astype(np.float64)),
        ("readout.direct.weight", lambda w: w[..., :1].copy()),
        ("windows", lambda w: w.astype(np.int32)),
    ],
)
def test_weights_of_another_shape_or_dtype_are_refused(deep, name, change):
    weights = {**deep["weights"], name: change(deep["weights"][name])}

    with pytest.raises(ValueError, match=f"the encoder's {name}"):
        from_state({**deep, "weights": weights})


def test_missing_and_surplus_weights_are_refused(deep):
    fewer = {k: v for k, v in deep["weights"].items() if k != "readout.direct.bias"}
    more = {**deep["weights"], "extra": np.zeros(1, dtype=np.float32)}

    for weights in (fewer, more):
        with pytest.raises(ValueError, match=r"is None, but|make it None"):
            from_state({**deep, "weights": weights})
