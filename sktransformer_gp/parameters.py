"""The valid values of TransformerGPRegressor's parameters, in one table."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sktransformer_gp.encoder import POSITIONS, TOKENS

Rule = tuple[Callable[[Any], bool], str]


def _whole(low: int) -> Rule:
    return lambda v: isinstance(v, Integral) and v >= low, f"an integer >= {low}"


def _real(low: float, high: float, *, low_included: bool = False) -> Rule:
    def test(v: Any) -> bool:
        return isinstance(v, Real) and (low <= v if low_included else low < v) and v < high

    return test, f"a number in {'[' if low_included else '('}{low}, {high})"


def _one_of(*choices: Any) -> Rule:
    return lambda v: any(v is c or v == c for c in choices), f"one of {list(choices)}"


def _flag(v: Any) -> bool:
    return isinstance(v, bool | np.bool_)


def _transformer(v: Any) -> bool:
    return v is None or v == "linkage" if isinstance(v, str | None) else hasattr(v, "transform")


SHARE = _real(0, 1, low_included=True)
POSITIVE = _real(0, np.inf)
RULES: dict[str, Rule] = {
    "tokens": _one_of(*TOKENS),
    "positions": _one_of(*POSITIONS),
    "window_size": _whole(1),
    "d_model": _whole(1),
    "n_heads": _whole(1),
    "n_layers": _whole(0),
    "dim_feedforward": _whole(1),
    "dropout": SHARE,
    "token_dropout": SHARE,
    "norm_first": (_flag, "True or False"),
    "gate_penalty": (lambda v: v is None or POSITIVE[0](v), "None or a number > 0"),
    "preprocessor": (_transformer, "'linkage', a scikit-learn transformer or None"),
    "max_iter": _whole(1),
    "batch_size": _whole(1),
    "learning_rate": _one_of("one_cycle", "constant"),
    "learning_rate_init": POSITIVE,
    "weight_decay": _real(0, np.inf, low_included=True),
    "early_stopping": (_flag, "True or False"),
    "validation_fraction": _real(0, 1),
    "n_iter_no_change": _whole(1),
    "verbose": _whole(0),
    "device": (lambda v: isinstance(v, str), "'auto' or the name of a torch device"),
}


def check_parameters(estimator: BaseEstimator) -> None:
    """Check each parameter for itself, then those that depend on each other.

    Parameters
    ----------
    estimator : BaseEstimator
        A TransformerGPRegressor.

    Raises
    ------
    ValueError
        If a value is not valid; the message gives it and the valid ones.
    """
    for name, (valid, description) in RULES.items():
        value = getattr(estimator, name)
        if not valid(value):
            raise ValueError(f"{name} is {description}, got {value!r}")
    if estimator.d_model % estimator.n_heads:
        raise ValueError(
            f"d_model is a multiple of n_heads, got d_model={estimator.d_model} and "
            f"n_heads={estimator.n_heads}"
        )
