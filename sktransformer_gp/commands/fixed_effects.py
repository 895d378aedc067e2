"""Fixed effects of a command: classes and numbers of its lines, beside the markers."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator
    from sklearn.utils import Bunch


def put_beside_markers(
    study: "Bunch", arguments: argparse.Namespace
) -> tuple["pd.DataFrame", list[str]]:
    """Put fixed effects in front of the dosages: 0 and 1 for each class, and numbers.

    Parameters
    ----------
    study : Bunch
        `data` and `covariates`, DataFrames of the same lines; `covariates` may be None.
    arguments : Namespace
        Options `fixed_effects` and `covariates`: names of columns.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_effects + n_markers)
        The very dosages where no column is named.
    names : list of str
        Names of the effects, such as ``sex=F`` or ``age``.

    Raises
    ------
    ValueError
        If there is no such column, or a cell is empty or no number where it is to be one.
    """
    import pandas as pd

    columns = [*arguments.fixed_effects, *arguments.covariates]
    if not columns:
        return study.data, []
    valid = [] if study.covariates is None else list(study.covariates)
    for column in columns:
        if column not in valid:
            raise ValueError(f"{study.name}: no column {column!r}; the valid ones are {valid}")
        empty = study.covariates[column].isna()
        if empty.any():
            raise ValueError(
                f"{study.name}: line {empty.idxmax()!r} has an empty cell in column {column!r}"
            )
    parts = [_as_numbers(study.covariates[column]) for column in arguments.covariates]
    if arguments.fixed_effects:
        classes = study.covariates[arguments.fixed_effects].astype(str)
        parts.insert(0, pd.get_dummies(classes, prefix_sep="=", dtype="int8"))
    effects = pd.concat(parts, axis=1)
    return pd.concat([effects, study.data], axis=1), list(effects)


def stand_around(model: "BaseEstimator", names: list[str]) -> "BaseEstimator":
    """Put fixed effects around a model.

    Parameters
    ----------
    model : estimator
        Unfitted.
    names : list of str
        What :func:`put_beside_markers` returns.

    Returns
    -------
    estimator
        A `FixedEffectsRegressor`; the model itself where there are no effects.
    """
    from sktransformer_gp.fixed_effects import FixedEffectsRegressor

    return FixedEffectsRegressor(model, names) if names else model


def _as_numbers(column: "pd.Series") -> "pd.Series":
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().any():
        line = numbers.isna().idxmax()
        raise ValueError(
            f"column {column.name!r} of --covariates is to hold numbers, but line {line!r} has "
            f"{column[line]!r}; classes go to --fixed-effects"
        )
    return numbers.astype(float)
