"""What the scores of a comparison say: means, and differences with their uncertainty."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktransformer_gp.comparison.inference import adjust_holm, corrected_t_test

REQUIRED = ("dataset", "model", "trait", "r", "mse", "r2", "fit_seconds", "predict_seconds")
FURTHER = ("rank_correlation", "bias", "slope", "selection_response", "top_fraction_overlap")
FOLD = ("repeat", "fold")
DIFFERENCES = ("difference", "low", "high", "p_value", "p_adjusted")
ALL_TRAITS = "(mean of traits)"


def summarise(
    scores: pd.DataFrame, reference: str | None = None, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Average the scores over folds and repeats; compare the models with one of them.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`, or several of them
        concatenated.
    reference : str, default=None
        Model that the others' r is compared with; None = no comparison.
    confidence : float in (0, 1), default=0.95
        Probability of the interval of the difference.

    Returns
    -------
    DataFrame
        One row per data set x model x trait, in the order of `scores`: `dataset`, `model`,
        `trait`, `n_folds` (over all repeats), `r_mean`, `r_sd` (with n - 1; NaN for a single
        fold), `mse_mean`, `r2_mean`, `fit_seconds_mean` and `predict_seconds_mean` (per fold), the
        means of the further metrics in `scores`, and `rank` (by mean r among the models, from 1;
        ties share their mean rank). With shares of the training rows there is a row for each
        `train_fraction`. With a `reference` there are also the columns `difference`, `low`,
        `high`, `p_value` and `p_adjusted` of :func:`paired_differences` (NaN for the reference
        itself).

    Raises
    ------
    ValueError
        If a column of :func:`~sktransformer_gp.comparison.compare_models` is missing, or there is
        no model of the reference's name.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.comparison.statistics import REQUIRED, summarise
    >>> folds = [("yeast", "gblup", "Lactate", r, 0.5, 0.5, 1.0, 0.1) for r in (0.7, 0.8)]
    >>> summarise(pd.DataFrame(folds, columns=REQUIRED))[["model", "n_folds", "r_mean", "r_sd"]]
       model  n_folds  r_mean      r_sd
    0  gblup        2    0.75  0.070711
    """
    _check_columns(scores, REQUIRED)
    blocks = block_columns(scores)
    keys = ["dataset", "model", *blocks[1:]]
    # dropna=False: an empty data set name comes back from a CSV file as NaN.
    table = scores.groupby(keys, sort=False, dropna=False).agg(
        n_folds=("r", "size"),
        r_mean=("r", "mean"),
        r_sd=("r", "std"),
        mse_mean=("mse", "mean"),
        r2_mean=("r2", "mean"),
        fit_seconds_mean=("fit_seconds", "mean"),
        predict_seconds_mean=("predict_seconds", "mean"),
        **{f"{name}_mean": (name, "mean") for name in FURTHER if name in scores},
    )
    table = table.reset_index()
    table["rank"] = table.groupby(blocks, dropna=False)["r_mean"].rank(ascending=False)
    if reference is None:
        return table
    differences = paired_differences(scores, reference, confidence=confidence)
    return table.merge(differences[[*keys, *DIFFERENCES]], how="left", on=keys)


def paired_differences(
    scores: pd.DataFrame,
    reference: str,
    *,
    metric: str = "r",
    confidence: float = 0.95,
    over_traits: bool = False,
) -> pd.DataFrame:
    """Compare models with one of them, fold by fold, by the corrected resampled t-test.

    With differences d of J folds, ``t = mean(d) / sqrt((1 / J + n_test / n_train) var(d))`` has
    J - 1 degrees of freedom. The second term stands for the training rows that folds share, which
    the ordinary paired t-test takes for independent: it finds differences where there are none.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`.
    reference : str
        Model that the others are compared with.
    metric : str, default="r"
        Column that is compared.
    confidence : float in (0, 1), default=0.95
        Probability of the interval.
    over_traits : bool, default=False
        Whether to compare the mean over traits in each fold, in place of trait by trait. Sensible
        for metrics without unit, such as r.

    Returns
    -------
    DataFrame
        One row per data set x trait x model other than the reference: `dataset`, `trait`,
        `model`, `reference`, `n_folds` (those that both models have), `difference` (mean of model
        minus reference), `low` and `high` (its confidence interval), `t`, `p_value` (two-sided),
        and `p_adjusted` (after Holm, over all rows).

    Raises
    ------
    ValueError
        If a column is missing, there is no model of the reference's name or no other, or a model
        has fewer than 2 folds in common with the reference.

    Notes
    -----
    The correction takes scores to depend on the training set by its size alone; no estimate from
    the scores themselves is exact (Bengio & Grandvalet 2004). In simulations of equally good models
    (``benchmarks/rejection.csv``), GBLUP by two SNP chips on 100 to 500 lines of a cross, the 5 %
    test rejects in 3 to 5 % of the data sets with one 5-fold, 4 to 7 % with two repeats and 7 to
    9 % with five; with models that share no marker in 1 to 5, 2 to 8 and 3 to 11 %. Without the
    correction it is 4 to 55 %. More repeats smooth the scores, but the degrees of freedom count
    them as if they were new data.

    References
    ----------
    Nadeau, C. & Bengio, Y. (2003). Inference for the generalization error. Mach. Learn. 52:239-281.

    Bengio, Y. & Grandvalet, Y. (2004). No unbiased estimator of the variance of k-fold
    cross-validation. J. Mach. Learn. Res. 5:1089-1105.

    Bouckaert, R. R. & Frank, E. (2004). Evaluating the replicability of significance tests for
    comparing learning algorithms. PAKDD.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.comparison import paired_differences
    >>> scores = pd.DataFrame({"dataset": "yeast", "trait": "Lactate", "repeat": 0,
    ...                        "model": ["gblup", "lasso"] * 3, "fold": [0, 0, 1, 1, 2, 2],
    ...                        "n_train": 800, "n_test": 200,
    ...                        "r": [0.70, 0.72, 0.74, 0.75, 0.69, 0.72]})
    >>> paired_differences(scores, "gblup")[["model", "difference", "p_value"]].round(3)
       model  difference  p_value
    0  lasso        0.02     0.12
    """
    _check_columns(scores, ("dataset", "model", "trait", *FOLD, "n_train", "n_test", metric))
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies in (0, 1), got {confidence!r}")
    models = list(scores["model"].unique())
    if reference not in models or len(models) < 2:
        raise ValueError(f"reference is one of two or more models {models}, got {reference!r}")
    if over_traits:
        scores = average_over_traits(scores, metric)
    blocks = block_columns(scores)
    rows = []
    for values, block in scores.groupby(blocks, sort=False, dropna=False):
        where = dict(zip(blocks, values, strict=True))
        for model in block["model"].unique():
            if model != reference:
                pairs = _pair(block, model, reference, metric)
                test = corrected_t_test(*pairs, confidence=confidence)
                rows.append(where | {"model": model, "reference": reference} | test)
    table = pd.DataFrame(rows)
    return table.assign(p_adjusted=adjust_holm(table["p_value"].to_numpy()))


def average_over_traits(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Average a metric and the numbers of samples over the traits of each fold.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`.
    metric : str
        Column that is averaged.

    Returns
    -------
    DataFrame
        One row per data set x model x fold, with the trait ``"(mean of traits)"``.
    """
    keys = [*block_columns(scores)[:-1], "model", *FOLD]
    means = scores.groupby(keys, sort=False, dropna=False)[["n_train", "n_test", metric]].mean()
    return means.reset_index().assign(trait=ALL_TRAITS)


def block_columns(scores: pd.DataFrame) -> list[str]:
    """Name the columns within which models are compared.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`.

    Returns
    -------
    list of str
        `dataset`, `train_fraction` where there are several, and `trait`.
    """
    several = "train_fraction" in scores and scores["train_fraction"].nunique() > 1
    return ["dataset", *(["train_fraction"] if several else []), "trait"]


def at_full_size(scores: pd.DataFrame) -> pd.DataFrame:
    """Keep the scores with the largest share of the training rows.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`, of any version.

    Returns
    -------
    DataFrame
        Its rows of the largest `train_fraction`; all where there is no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.comparison.statistics import at_full_size
    >>> at_full_size(pd.DataFrame({"train_fraction": [0.5, 1.0], "r": [0.4, 0.5]}))["r"].tolist()
    [0.5]
    """
    if "train_fraction" not in scores:
        return scores
    return scores[scores["train_fraction"] == scores["train_fraction"].max()]


def choose_reference(models: Sequence[str]) -> str:
    """Name the model that others are compared with unless told otherwise.

    Parameters
    ----------
    models : sequence of str
        Names of the models.

    Returns
    -------
    str
        "gblup" where it is among them, otherwise the first.
    """
    return "gblup" if "gblup" in models else models[0]


def with_common_folds(scores: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Keep the models that can be compared with one of them.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`.
    reference : str
        Model that the others are compared with.

    Returns
    -------
    DataFrame
        The rows of models that have two folds or more in common with the reference wherever they
        were scored: a fit may have failed, and a single fold tells nothing of a spread.
    """
    blocks = block_columns(scores)
    folds = pd.MultiIndex.from_frame(scores[[*blocks, *FOLD]].astype(str))
    shared = pd.Series(folds.isin(folds[scores["model"] == reference]), index=scores.index)
    keys = [scores[name].astype(str) for name in ("model", *blocks)]
    n_shared = shared.groupby(keys).transform("sum")
    return scores[n_shared.groupby(scores["model"]).transform("min") >= 2]


def _check_columns(scores: pd.DataFrame, needed: Sequence[str]) -> None:
    missing = [column for column in needed if column not in scores]
    if missing:
        raise ValueError(f"scores has no column {missing[0]!r}; it needs {list(needed)}")


def _pair(
    block: pd.DataFrame, model: str, reference: str, metric: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return differences, training and test sizes of the folds that both models have."""
    keys = list(FOLD)
    ours, theirs = (
        block.loc[block["model"] == name].set_index(keys) for name in (model, reference)
    )
    both = ours.join(theirs[metric].rename("of_reference"), how="inner")
    differences = both[metric] - both["of_reference"]
    return tuple(column.to_numpy() for column in (differences, both["n_train"], both["n_test"]))
