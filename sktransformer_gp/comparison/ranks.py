"""Models ranked over traits and data sets: which is better than another throughout."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from sktransformer_gp.comparison.statistics import block_columns

HIGHER = ("r", "r2", "rank_correlation", "selection_response", "top_fraction_overlap")
LOWER = ("mse",)


@dataclass(frozen=True)
class RankTest:
    """Mean ranks of models with Friedman's test and Nemenyi's comparisons.

    Parameters
    ----------
    ranks : Series of shape (n_models,)
        Mean rank of each model, 1 = best, the best first.
    n_blocks : int
        Number of data sets x traits.
    statistic : float
        Friedman's chi-squared, corrected for ties.
    p_value : float
        Probability of such ranks if all models were alike.
    critical_difference : float
        Difference of mean ranks from which on two models differ.
    pairs : DataFrame of shape (n_models, n_models)
        Nemenyi's p-value of each pair of models.
    """

    ranks: pd.Series
    n_blocks: int
    statistic: float
    p_value: float
    critical_difference: float
    pairs: pd.DataFrame


def rank_models(scores: pd.DataFrame, *, metric: str = "r", confidence: float = 0.95) -> RankTest:
    """Rank models in each data set and trait and test whether their ranks differ.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`, or several of them
        concatenated.
    metric : str, default="r"
        Column whose means over folds are ranked: `r`, `r2`, `rank_correlation`,
        `selection_response`, `top_fraction_overlap` (higher is better) or `mse` (lower).
    confidence : float in (0, 1), default=0.95
        One minus the level of the critical difference.

    Returns
    -------
    RankTest
        Mean ranks, Friedman's test and Nemenyi's comparisons.

    Raises
    ------
    ValueError
        If there are fewer than 3 models or 2 data sets x traits, a model has no scores in one of
        them, or the metric is none that can be ranked.

    Notes
    -----
    The test takes data sets x traits for independent. Traits of one data set share genotypes and
    folds and are often correlated: many traits of one cross tell less than as many crosses.

    References
    ----------
    Demsar, J. (2006). Statistical comparisons of classifiers over multiple data sets. J. Mach.
    Learn. Res. 7:1-30.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.comparison import rank_models
    >>> rows = [("wheat", f"trait {t}", model, r + t / 100)
    ...         for t in range(9) for model, r in [("rf", 0.4), ("gblup", 0.5), ("rkhs", 0.6)]]
    >>> scores = pd.DataFrame(rows, columns=["dataset", "trait", "model", "r"])
    >>> test = rank_models(scores)
    >>> test.ranks.to_dict(), round(test.statistic), round(test.critical_difference, 3)
    ({'rkhs': 1.0, 'gblup': 2.0, 'rf': 3.0}, 18, 1.105)
    """
    if metric not in HIGHER + LOWER:
        raise ValueError(f"metric is one of {HIGHER + LOWER}, got {metric!r}")
    means = _block_means(scores, metric)
    n_blocks, n_models = means.shape
    if n_models < 3 or n_blocks < 2:
        raise ValueError(
            "ranks need at least 3 models and 2 data sets x traits, got "
            f"{n_models} and {n_blocks}; paired_differences compares two models"
        )
    ranks = means.rank(axis=1, ascending=metric in LOWER).mean().sort_values(kind="stable")
    friedman = stats.friedmanchisquare(*means.to_numpy().T)
    unit = np.sqrt(n_models * (n_models + 1) / (6 * n_blocks))
    range_ = stats.studentized_range(n_models, np.inf)
    distances = np.abs(np.subtract.outer(ranks.to_numpy(), ranks.to_numpy()))
    pairs = range_.sf(distances / unit * np.sqrt(2))
    return RankTest(
        ranks=ranks,
        n_blocks=n_blocks,
        statistic=float(friedman.statistic),
        p_value=float(friedman.pvalue),
        critical_difference=float(range_.ppf(confidence) / np.sqrt(2) * unit),
        pairs=pd.DataFrame(pairs, index=ranks.index, columns=list(ranks.index)),
    )


def _block_means(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the mean over folds, a row for each data set x trait and a column for each model."""
    blocks = block_columns(scores)
    means = scores.groupby([*blocks, "model"], sort=False, dropna=False)[metric].mean()
    table = means.unstack("model").reindex(columns=scores["model"].unique())
    incomplete = table.columns[table.isna().any()]
    if len(incomplete):
        raise ValueError(f"model {incomplete[0]!r} has no scores in some data set or trait")
    return table
