"""Figures of a comparison: predictive ability, and differences to a reference."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sktransformer_gp.comparison.statistics import at_full_size, paired_differences
from sktransformer_gp.plotting.axes import COLOURS, MARKERS, new_axes, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_comparison(scores: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the predictive ability of each model: points, their mean and standard deviation.

    Up to seven traits have a colour each, with one point per fold. Of more traits, the points are
    the traits' means over folds.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`; its columns `dataset`,
        `model`, `trait` and `r` are used. Models stand from top to bottom in the table's order.
        Of several shares of the training rows the largest is drawn.
    ax : Axes, default=None
        Axes to draw on; None = a new figure of a height that fits the models.

    Returns
    -------
    Axes
        The axes with the drawing: points with bars from mean - sd to mean + sd.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_comparison
    >>> scores = pd.DataFrame({"dataset": "yeast", "model": ["gblup", "gblup", "rf", "rf"],
    ...                        "trait": "Lactate", "r": [0.73, 0.76, 0.70, 0.72]})
    >>> plot_comparison(scores).get_xlabel()
    'predictive ability r (points: folds; bars: mean ± sd)'
    """
    scores, points = _label_series(at_full_size(scores))
    models = list(scores["model"].unique())
    series = list(scores["series"].unique())
    if ax is None:
        ax = new_axes(6.4, 1.3 + len(models) * max(0.4, 0.14 * len(series)))
    offsets = np.linspace(-0.3, 0.3, 2 * len(series) + 1)[1::2]
    for name, offset, colour, marker in zip(series, offsets, COLOURS, MARKERS, strict=False):
        for row, model in enumerate(models):
            chosen = scores.loc[(scores["model"] == model) & (scores["series"] == name), "r"]
            label = name if row == 0 else None
            _draw_points_and_mean(ax, chosen, row + offset, colour, marker, label)
    _finish_rows(ax, models)
    ax.set_xlabel(f"predictive ability r (points: {points}; bars: mean ± sd)")
    if len(series) > 1 or series[0]:
        _put_legend_above(ax, series)
    return ax


def plot_differences(
    scores: pd.DataFrame,
    reference: str,
    ax: "Axes | None" = None,
    *,
    metric: str = "r",
    confidence: float = 0.95,
) -> "Axes":
    """Draw each model's paired difference to a reference, with its confidence interval.

    Up to seven traits have a colour each. Of more traits, the points are the traits' differences,
    and the interval is that of the mean over traits (one for each data set).

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`; of several shares of the
        training rows the largest is drawn.
    reference : str
        Model that the others are compared with.
    ax : Axes, default=None
        Axes to draw on; None = a new figure of a height that fits the models.
    metric : str, default="r"
        Column that is compared.
    confidence : float in (0, 1), default=0.95
        Probability of the intervals, see
        :func:`~sktransformer_gp.comparison.paired_differences`.

    Returns
    -------
    Axes
        The axes with the drawing; models stand from top to bottom in the table's order.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no model of the reference's name or no other, or fewer than 2 folds in common.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_differences
    >>> scores = pd.DataFrame({"dataset": "yeast", "trait": "Lactate", "repeat": 0,
    ...                        "model": ["gblup", "lasso"] * 2, "fold": [0, 0, 1, 1],
    ...                        "n_train": 800, "n_test": 200, "r": [0.70, 0.72, 0.74, 0.75]})
    >>> ax = plot_differences(scores, "gblup")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['lasso']
    """
    scores = at_full_size(scores)
    by_trait = name_series(paired_differences(scores, reference, metric=metric))
    few = by_trait["series"].nunique() <= len(COLOURS)
    bars = name_series(
        paired_differences(
            scores, reference, metric=metric, confidence=confidence, over_traits=not few
        )
    )
    models = list(bars["model"].unique())
    series = list(bars["series"].unique())
    if ax is None:
        ax = new_axes(6.4, 1.3 + len(models) * max(0.4, 0.2 * len(series)))
    ax.axvline(0, color="0.3", linewidth=1)
    for row, model in enumerate(models):
        if not few:
            points = by_trait.loc[by_trait["model"] == model, "difference"]
            ax.plot(points, np.full(len(points), row), "o", color="0.6", markersize=4, mew=0)
        for number, name in enumerate(series):
            bar = bars[(bars["model"] == model) & (bars["series"] == name)]
            height = row + (number - (len(series) - 1) / 2) * 0.6 / len(series)
            _draw_interval(ax, bar, height, number, name if row == 0 else None)
    _finish_rows(ax, models)
    points = "" if few else f"points: {by_trait['series'].nunique()} traits; "
    ax.set_xlabel(
        f"{metric} minus {metric} of {reference}\n({points}bars: {100 * confidence:g} % interval)"
    )
    if few and (len(series) > 1 or series[0]):
        _put_legend_above(ax, series)
    return ax


def name_series(table: pd.DataFrame) -> pd.DataFrame:
    """Name what has a colour of its own: the trait, with its data set where there are several.

    Parameters
    ----------
    table : DataFrame
        Table with the columns `dataset` and `trait`.

    Returns
    -------
    DataFrame
        The table with a column `series`.
    """
    several = table["dataset"].nunique(dropna=False) > 1
    label = table["trait"].astype(str)
    return table.assign(series=table["dataset"] + ": " + label if several else label)


def _label_series(scores: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the scores with a column `series`, which has one colour, and what a point is."""
    scores = name_series(scores)
    if scores["series"].nunique() <= len(COLOURS):
        return scores, "folds"
    means = scores.groupby(["model", "series"], sort=False)["r"].mean().reset_index()
    return means.assign(series=""), f"means of {scores['series'].nunique()} traits"


def _draw_points_and_mean(
    ax: "Axes", values: pd.Series, height: float, colour: str, marker: str, label: str | None
) -> None:
    style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none"}
    ax.plot(values, np.full(len(values), height), markersize=5, alpha=0.45, mew=0, **style)
    sd = values.std() if len(values) > 1 else 0.0
    ax.errorbar(
        values.mean(),
        height,
        xerr=sd,
        markersize=8,
        capsize=4,
        elinewidth=1.2,
        label=label,
        **style,
    )


def _finish_rows(ax: "Axes", models: list[str]) -> None:
    ax.set_yticks(range(len(models)), models)
    ax.set_ylim(len(models) - 0.5, -0.5)
    ax.grid(axis="x", alpha=0.3)


def _put_legend_above(ax: "Axes", series: list[str]) -> None:
    # As many columns as fit across the axes: an entry is its text and about 6 letters' width.
    n_columns = max(1, 60 // (6 + max(map(len, series))))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=min(n_columns, len(series)))


def _draw_interval(
    ax: "Axes", bar: pd.DataFrame, height: float, number: int, label: str | None
) -> None:
    for row in bar.itertuples():
        ax.errorbar(
            row.difference,
            height,
            xerr=[[row.difference - row.low], [row.high - row.difference]],
            **(style(number) | {"linestyle": "none"}),
            markersize=7,
            capsize=4,
            elinewidth=1.2,
            label=label,
        )
