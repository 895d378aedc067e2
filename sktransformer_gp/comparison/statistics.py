"""What the scores of a comparison say: means, differences, ranks."""

import pandas as pd

REQUIRED = ("dataset", "model", "trait", "r", "mse", "r2", "fit_seconds", "predict_seconds")


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the scores over folds and repeats.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`compare_models`, or several of them concatenated.

    Returns
    -------
    DataFrame
        One row per data set x model x trait, in the order of `scores`: `dataset`, `model`,
        `trait`, `n_folds` (over all repeats), `r_mean`, `r_sd` (with n - 1; NaN for a single
        fold), `mse_mean`, `r2_mean`, `fit_seconds_mean` and `predict_seconds_mean` (per fold).

    Raises
    ------
    ValueError
        If a column of :func:`compare_models` is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.comparison.statistics import REQUIRED, summarise
    >>> folds = [("yeast", "gblup", "Lactate", r, 0.5, 0.5, 1.0, 0.1) for r in (0.7, 0.8)]
    >>> summarise(pd.DataFrame(folds, columns=REQUIRED))[["model", "n_folds", "r_mean", "r_sd"]]
       model  n_folds  r_mean      r_sd
    0  gblup        2    0.75  0.070711
    """
    missing = [column for column in REQUIRED if column not in scores]
    if missing:
        raise ValueError(f"scores has no column {missing[0]!r}; it needs {list(REQUIRED)}")
    # dropna=False: an empty data set name comes back from a CSV file as NaN.
    groups = scores.groupby(["dataset", "model", "trait"], sort=False, dropna=False)
    return groups.agg(
        n_folds=("r", "size"),
        r_mean=("r", "mean"),
        r_sd=("r", "std"),
        mse_mean=("mse", "mean"),
        r2_mean=("r2", "mean"),
        fit_seconds_mean=("fit_seconds", "mean"),
        predict_seconds_mean=("predict_seconds", "mean"),
    ).reset_index()
