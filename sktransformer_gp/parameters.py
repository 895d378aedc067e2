"""The valid values of TransformerGPRegressor's parameters, in one table."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sktransformer_gp.encoder import POSITIONS, TOKENS
from sktransformer_gp.weights import WEIGHTINGS

Rule = tuple[Callable[[Any], bool], str]


def _whole(low: int) -> Rule:
    return lambda v: isinstance(v, Integral) and v >= low, f"an integer >= {low}"


def _real(low: float, high: float, *, low_included: bool = False) -> Rule:
    def test(v: Any) -> bool:
        return isinstance(v, Real) and (low <= v if low_included else low < v) and v < high

    return test, f"a number in {'[' if low_included else '('}{low}, {high})"


def _one_of(*choices: Any) -> Rule:
    return lambda v: any(v is c or v == c for c in choices), f"one of {list(choices)}"


def _one_or_more(rule: Rule) -> Rule:
    valid, description = rule

    def test(v: Any) -> bool:
        values = v if isinstance(v, tuple | list | np.ndarray) else [v]
        return len(values) > 0 and all(map(valid, values))

    return test, f"{description} or a sequence of them"


def _or(choice: Any, rule: Rule) -> Rule:
    valid, description = rule
    return lambda v: v is choice or v == choice or valid(v), f"{choice!r} or {description}"


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
    "n_heads": _whole(0),
    "n_layers": _whole(0),
    "dim_feedforward": _whole(1),
    "dim_readout": _whole(0),
    "dropout": SHARE,
    "token_dropout": _one_or_more(SHARE),
    "norm_first": (_flag, "True or False"),
    "gate_penalty": _or(None, _one_or_more(POSITIVE)),
    "cross_fitting": _or(None, _whole(2)),
    "preprocessor": (_transformer, "'linkage', a scikit-learn transformer or None"),
    "max_iter": _whole(1),
    "batch_size": _or("auto", _whole(1)),
    "learning_rate": _one_of("one_cycle", "constant"),
    "learning_rate_init": POSITIVE,
    "early_stopping": (_flag, "True or False"),
    "validation_fraction": _real(0, 1),
    "n_iter_no_change": _whole(1),
    "weighting": _one_of(*WEIGHTINGS),
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
    if estimator.n_heads == 0 and estimator.n_layers:
        raise ValueError(
            f"n_heads=0 is a model without attention, got it with n_layers={estimator.n_layers}"
        )
    if estimator.n_heads and estimator.d_model % estimator.n_heads:
        raise ValueError(
            f"d_model is a multiple of n_heads, got d_model={estimator.d_model} and "
            f"n_heads={estimator.n_heads}"
        )
    n_penalties, n_dropouts = map(np.size, (estimator.gate_penalty, estimator.token_dropout))
    if n_penalties != n_dropouts and min(n_penalties, n_dropouts) > 1:
        raise ValueError(
            "gate_penalty and token_dropout have one entry for each regime, got "
            f"{n_penalties} and {n_dropouts} entries"
        )
    if estimator.cross_fitting is None and max(n_penalties, n_dropouts) > 1:
        raise ValueError(
            "cross_fitting=None trains one encoder: gate_penalty and token_dropout are then one "
            f"number each, got {estimator.gate_penalty!r} and {estimator.token_dropout!r}"
        )
