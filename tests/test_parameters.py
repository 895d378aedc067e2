import inspect

import numpy as np
import pytest

from sktransformer_gp.parameters import RULES, check_parameters
from sktransformer_gp.regressor import TransformerGPRegressor

BAD = {
    "tokens": ["Linear", None],
    "positions": ["sine", False],
    "window_size": [0, 2.5, "64"],
    "d_model": [0, -1],
    "n_heads": [-1, 1.0],
    "n_layers": [-1],
    "dim_feedforward": [0],
    "dim_readout": [-1, 0.5],
    "dropout": [1, -0.1, "0.1"],
    "token_dropout": [1.0, np.nan, (0.1, 1.0), ()],
    "norm_first": [1, None],
    "gate_penalty": [0, -1, np.inf, "none", (0.1, 0), []],
    "dominance": [1, None, "auto"],
    "cross_fitting": [0, 1, 2.5, True],
    "preprocessor": ["merge", 3],
    "max_iter": [0, 1e3],
    "batch_size": [0, "all"],
    "learning_rate": ["adaptive"],
    "learning_rate_init": [0, np.nan, np.inf, "adaptive"],
    "early_stopping": ["yes", 0, True],
    "validation_fraction": [0, 1, 2],
    "weighting": ["counts", None],
    "verbose": [-1, "1"],
    "device": [0, None],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in BAD.items() for v in vs])
def test_a_bad_value_is_named_with_the_valid_ones(name, value):
    model = TransformerGPRegressor(**{name: value})

    with pytest.raises(ValueError, match=f"{name} is ") as error:
        model.fit(np.zeros((4, 3)), np.arange(4.0))

    assert RULES[name][1] in str(error.value)
    assert f"got {value!r}" in str(error.value)


def test_every_parameter_has_a_rule_a_bad_case_and_a_place_in_the_docstring():
    parameters = set(inspect.signature(TransformerGPRegressor).parameters)

    assert set(RULES) == set(BAD) == parameters - {"random_state"}
    assert len(parameters) <= 25
    assert all(f"    {name} : " in TransformerGPRegressor.__doc__ for name in parameters)


def test_numpy_scalars_are_numbers():
    check_parameters(
        TransformerGPRegressor(max_iter=np.int64(3), dropout=np.float32(0.1), verbose=True)
    )


def test_penalties_may_be_an_array():
    check_parameters(TransformerGPRegressor(gate_penalty=np.array([0.04, 0.12])))


def test_heads_must_divide_the_model():
    with pytest.raises(ValueError, match="d_model=10 and n_heads=4"):
        check_parameters(TransformerGPRegressor(d_model=10, n_heads=4))


def test_self_attention_needs_heads():
    check_parameters(TransformerGPRegressor(n_heads=0))
    with pytest.raises(ValueError, match=r"n_heads=0 .* n_layers=1"):
        check_parameters(TransformerGPRegressor(n_heads=0, n_layers=1))


def test_regimes_come_in_pairs():
    with pytest.raises(ValueError, match="got 3 and 2 entries"):
        check_parameters(
            TransformerGPRegressor(gate_penalty=(0.1, 0.2, 0.3), token_dropout=(0.1, 0.2))
        )


def test_one_encoder_has_one_regime():
    check_parameters(TransformerGPRegressor(cross_fitting=None))
    with pytest.raises(ValueError, match="cross_fitting=None trains one encoder"):
        check_parameters(TransformerGPRegressor(cross_fitting=None, gate_penalty=(0.1, 0.2)))
