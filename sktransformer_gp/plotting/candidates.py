"""Figures for a selection meeting: one line's chromosomes, and all candidates in order."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sktransformer_gp.plotting.axes import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIXED = ("trait", "sample", "rank", "selected", "prediction", "std", "reference")
MOST_NAMES = 20


def plot_contributions(
    table: pd.DataFrame, sample: object, trait: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw how the chromosomes of one candidate lead from the reference to its prediction.

    Parameters
    ----------
    table : DataFrame
        Table of :func:`~sktransformer_gp.inspection.breeding_value_table`.
    sample : object
        The candidate, as it stands in the column `sample`.
    trait : str, default=None
        The trait; None = the only one.
    ax : Axes, default=None
        Axes to draw on; None = a new figure.

    Returns
    -------
    Axes
        The axes: a waterfall from top to bottom.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no such trait or candidate.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_contributions
    >>> table = pd.DataFrame({"trait": ["u"], "sample": ["a"], "prediction": [3.0],
    ...                       "reference": [2.0], "1": [1.5], "2": [-0.5]})
    >>> [text.get_text() for text in plot_contributions(table, "a").texts]
    ['+1.5', '-0.5', '2', '3']
    """
    rows = _rows_of_trait(table, trait)
    row = rows[rows["sample"] == sample]
    if row.empty:
        raise ValueError(f"no candidate {sample!r}; the first are {rows['sample'].tolist()[:3]}")
    row = row.iloc[0]
    chromosomes = [column for column in table if column not in FIXED]
    steps = row[chromosomes].to_numpy(dtype=float)
    starts = row["reference"] + np.cumsum([0, *steps[:-1]])
    ax = new_axes(6.4, 1.4 + 0.26 * (len(steps) + 2)) if ax is None else ax
    _draw_steps(ax, starts, steps)
    ends = {0: row["reference"], len(steps) + 1: row["prediction"]}
    for height, value in ends.items():
        ax.plot(value, height, "D", color=COLOURS[6], markersize=5)
        _write(ax, value, height, f"{value:.3g}")
    ax.axvline(row["reference"], color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    ax.set_yticks(range(len(steps) + 2), ["reference", *chromosomes, "prediction"])
    edges = np.array([*starts, row["prediction"]])
    room = 0.05 * (np.ptp(edges) or 1.0)
    ax.set_xlim(edges.min() - room, edges.max() + 3 * room)
    ax.set(ylim=(len(steps) + 1.6, -0.6), xlabel=row["trait"], title=f"{sample}")
    return ax


def plot_selection(
    table: pd.DataFrame, trait: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw predictions of all candidates in order, and who is selected.

    Parameters
    ----------
    table : DataFrame
        Table of :func:`~sktransformer_gp.inspection.breeding_value_table`.
    trait : str, default=None
        The trait; None = the only one.
    ax : Axes, default=None
        Axes to draw on; None = a new figure.

    Returns
    -------
    Axes
        The axes: points are predictions by rank, the band is prediction ± standard deviation of a
        new phenotype where the table has it. Up to 20 who are selected are named.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no such trait.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_selection
    >>> table = pd.DataFrame({"trait": "u", "sample": ["a", "b"], "rank": [1, 2],
    ...                       "selected": [True, False], "prediction": [3.0, 2.0]})
    >>> plot_selection(table).get_legend_handles_labels()[1]
    ['selected (1 of 2)']
    """
    rows = _rows_of_trait(table, trait).sort_values("rank")
    ax = new_axes(7.5, 4.4) if ax is None else ax
    chosen, others = rows[rows["selected"]], rows[~rows["selected"]]
    if "std" in rows:
        low, high = rows["prediction"] - rows["std"], rows["prediction"] + rows["std"]
        ax.fill_between(rows["rank"], low, high, color=COLOURS[5], alpha=0.25, lw=0, label="± sd")
    ax.plot(others["rank"], others["prediction"], ".", color="0.45", markersize=4)
    label = f"selected ({len(chosen)} of {len(rows)})"
    ax.plot(chosen["rank"], chosen["prediction"], "o", color=COLOURS[1], markersize=5, label=label)
    ax.set(xlabel="rank", ylabel=f"predicted {rows['trait'].iloc[0]}")
    is_falling = rows["prediction"].iloc[0] >= rows["prediction"].iloc[-1]
    ax.legend(loc="lower left" if is_falling else "upper left", frameon=False)
    if len(chosen) <= MOST_NAMES:
        _list_names(ax, chosen, is_falling)
    return ax


def _rows_of_trait(table: pd.DataFrame, trait: str | None) -> pd.DataFrame:
    """Return the rows of one trait; None = the only one."""
    traits = list(table["trait"].unique())
    if trait is None and len(traits) == 1:
        return table
    if trait not in traits:
        raise ValueError(f"trait is one of {traits}, got {trait!r}")
    return table[table["trait"] == trait]


def _draw_steps(ax: "Axes", starts: np.ndarray, steps: np.ndarray) -> None:
    """Draw a bar for each step, with its size beside it and a line to the next."""
    heights = np.arange(1, len(steps) + 1)
    colours = [COLOURS[0] if step >= 0 else COLOURS[1] for step in steps]
    ax.barh(heights, steps, left=starts, height=0.7, color=colours)
    ax.vlines(starts, heights - 1, heights, color="0.6", linewidth=0.8, zorder=0)
    end = starts[-1] + steps[-1]
    ax.vlines(end, heights[-1], heights[-1] + 1, color="0.6", linewidth=0.8, zorder=0)
    for height, (start, step) in enumerate(zip(starts, steps, strict=True), 1):
        _write(ax, max(start, start + step), height, f"{step:+.2g}")


def _write(ax: "Axes", place: float, height: float, text: str) -> None:
    ax.annotate(
        text,
        (place, height),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize="small",
    )


def _list_names(ax: "Axes", chosen: pd.DataFrame, is_falling: bool) -> None:
    """List the selected on the right, where the curve has left room."""
    lines = [f"{row.sample}  {row.prediction:.3g}" for row in chosen.itertuples()]
    ax.text(
        0.98,
        0.97 if is_falling else 0.03,
        "\n".join(lines),
        transform=ax.transAxes,
        ha="right",
        va="top" if is_falling else "bottom",
        fontsize="small",
        color=COLOURS[1],
    )
