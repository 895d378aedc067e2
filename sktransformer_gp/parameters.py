"""The valid values of TransformerGPRegressor's parameters, in one table."""

import numpy as np
from sklearn.base import BaseEstimator

from sktransformer_gp.automatic import gate_penalty_for
from sktransformer_gp.encoder import POSITIONS, TOKENS
from sktransformer_gp.rules import (
    DEVICE,
    FLAG,
    POSITIVE,
    PREPROCESSOR,
    SHARE,
    Rule,
    check_rules,
    either,
    one_of,
    one_or_more,
    real,
    whole,
)
from sktransformer_gp.weights import WEIGHTINGS

RULES: dict[str, Rule] = {
    "tokens": one_of(*TOKENS),
    "positions": one_of(*POSITIONS),
    "window_size": whole(1),
    "d_model": whole(1),
    "n_heads": whole(0),
    "n_layers": whole(0),
    "dim_feedforward": whole(1),
    "dim_readout": whole(0),
    "dropout": SHARE,
    "token_dropout": one_or_more(SHARE),
    "norm_first": FLAG,
    "gate_penalty": either("auto", either(None, one_or_more(POSITIVE))),
    "dominance": FLAG,
    "cross_fitting": either(None, whole(2)),
    "preprocessor": PREPROCESSOR,
    "max_iter": whole(1),
    "batch_size": either("auto", whole(1)),
    "learning_rate": one_of("one_cycle", "constant"),
    "learning_rate_init": either("auto", POSITIVE),
    # True would be a patience of 1.
    "early_stopping": either(None, whole(1, flags=False)),
    "validation_fraction": real(0, 1),
    "weighting": one_of(*WEIGHTINGS),
    "verbose": whole(0),
    "device": DEVICE,
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
    check_rules(estimator, RULES)
    if estimator.n_heads == 0 and estimator.n_layers:
        raise ValueError(
            f"n_heads=0 is a model without attention, got it with n_layers={estimator.n_layers}"
        )
    if estimator.n_heads and estimator.d_model % estimator.n_heads:
        raise ValueError(
            f"d_model is a multiple of n_heads, got d_model={estimator.d_model} and "
            f"n_heads={estimator.n_heads}"
        )
    penalties = gate_penalty_for(estimator.gate_penalty, 1, estimator.cross_fitting)
    n_penalties, n_dropouts = (np.asarray(x).size for x in (penalties, estimator.token_dropout))
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
