"""What predictive ability costs: training samples, and time."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sktransformer_gp.comparison.statistics import FOLD, at_full_size
from sktransformer_gp.plotting.axes import new_axes, put_legend_aside, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_training_size(
    scores: pd.DataFrame, ax: "Axes | None" = None, *, metric: str = "r"
) -> "Axes":
    """Draw predictive ability against the number of training samples, a line for each model.

    Parameters
    ----------
    scores : DataFrame
        Table of ``compare_models(..., train_fractions=(...))``, of one data set.
    ax : Axes, default=None
        Axes to draw on; None = a new figure.
    metric : str, default="r"
        Column that is drawn.

    Returns
    -------
    Axes
        The axes: means over folds of the mean over traits, with bars of one standard deviation.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the table has one training size only, or several data sets.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_training_size
    >>> scores = pd.DataFrame({"dataset": "wheat", "model": "gblup", "trait": "yield",
    ...                        "repeat": 0, "fold": [0, 0, 1, 1], "train_fraction": [0.5, 1] * 2,
    ...                        "n_train": [240, 480] * 2, "r": [0.4, 0.5, 0.42, 0.52]})
    >>> plot_training_size(scores).get_xlabel()
    'training samples'
    """
    if "train_fraction" not in scores or scores["train_fraction"].nunique() < 2:
        raise ValueError("scores has one training size: compare_models(..., train_fractions=...)")
    if scores["dataset"].nunique(dropna=False) > 1:
        raise ValueError(f"scores has several data sets: {list(scores['dataset'].unique())}")
    ax = new_axes(6.4, 4.2) if ax is None else ax
    folds = scores.groupby(["model", "train_fraction", *FOLD], sort=False)[["n_train", metric]]
    sizes = folds.mean().groupby(["model", "train_fraction"], sort=False)
    means, spread = sizes.mean(), sizes[metric].std().fillna(0)
    for number, model in enumerate(scores["model"].unique()):
        line = means.loc[model].sort_index()
        ax.errorbar(
            line["n_train"].to_numpy(),
            line[metric].to_numpy(),
            yerr=spread.loc[model].sort_index().to_numpy(),
            **style(number),
            capsize=3,
            label=model,
        )
    ax.set(xlabel="training samples", ylabel=f"{_name(metric)}, mean ± sd over folds")
    ax.grid(alpha=0.3)
    put_legend_aside(ax)
    return ax


def plot_time(scores: pd.DataFrame, ax: "Axes | None" = None, *, metric: str = "r") -> "Axes":
    """Draw predictive ability against the time of fit and predict, a point for each model.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`; of several shares of the
        training rows the largest is drawn.
    ax : Axes, default=None
        Axes to draw on; None = a new figure.
    metric : str, default="r"
        Column that is drawn.

    Returns
    -------
    Axes
        The axes: means over traits and folds, with bars of one standard deviation over folds; time
        on a logarithmic scale.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_time
    >>> scores = pd.DataFrame({"dataset": "wheat", "model": ["gblup", "rf"], "trait": "yield",
    ...                        "repeat": 0, "fold": 0, "r": [0.5, 0.48],
    ...                        "fit_seconds": [0.2, 9.0], "predict_seconds": 0.1})
    >>> plot_time(scores).get_xscale()
    'log'
    """
    scores = at_full_size(scores)
    ax = new_axes(6.4, 4.2) if ax is None else ax
    # One fit serves all traits of a fold: its seconds stand in each of their rows.
    columns = [metric, "fit_seconds", "predict_seconds"]
    folds = scores.groupby(["model", "dataset", *FOLD], sort=False, dropna=False)[columns].mean()
    for number, (model, fold) in enumerate(folds.groupby("model", sort=False)):
        ax.errorbar(
            (fold["fit_seconds"] + fold["predict_seconds"]).mean(),
            fold[metric].mean(),
            yerr=fold[metric].std() if len(fold) > 1 else 0.0,
            **(style(number) | {"linestyle": "none"}),
            markersize=8,
            capsize=4,
            label=model,
        )
    _set_decades(ax)
    ax.set(xlabel="seconds a fold (fit and predict)", ylabel=f"{_name(metric)}, mean ± sd")
    ax.grid(alpha=0.3)
    put_legend_aside(ax)
    return ax


def _set_decades(ax: "Axes") -> None:
    """Scale the seconds logarithmically, from a power of ten to a power of ten."""
    low, high = np.log10(ax.dataLim.intervalx)
    ax.set_xscale("log")
    ax.set_xlim(10 ** np.floor(low - 0.05), 10 ** np.ceil(high + 0.05))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(lambda x, position: "")


def _name(metric: str) -> str:
    return "predictive ability r" if metric == "r" else metric
