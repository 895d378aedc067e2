"""Manhattan plots of marker importance."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sktransformer_gp.plotting.axes import COLOURS, pyplot
from sktransformer_gp.plotting.genome import genome_places, label_chromosomes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_WIDTH, LABEL_HEIGHT = 0.12, 0.12  # of the panel
LOWEST_PEAK = 0.1  # of the highest: lower ones have no label


def plot_importance(
    importance: pd.DataFrame,
    *,
    n_labels: int = 5,
    unit: str = "",
    unit_size: float = 1,
    ax: "Axes | np.ndarray | None" = None,
) -> "Axes | np.ndarray":
    """Draw the importance of markers along the genome, one panel for each trait.

    Parameters
    ----------
    importance : DataFrame
        Table of :func:`~sktransformer_gp.inspection.marker_importance`.
    n_labels : int, default=5
        Largest number of peaks whose position is written above them; none below a tenth of the
        highest, nor where it would cover another.
    unit : str, default=""
        Unit of the positions that are written.
    unit_size : float, default=1
        How many of the map's own units it holds: 1000, with ``unit="kb"``, for base pairs.
    ax : Axes or array of Axes, default=None
        One Axes for each trait; None = a new figure.

    Returns
    -------
    Axes or ndarray of Axes
        One Axes for one trait, else an array. Points are markers, chromosomes have two colours in
        turn; triangles point up where the counted allele raises the trait, down where it lowers it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is not one Axes for each trait.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_importance
    >>> table = pd.DataFrame({"trait": "u", "chromosome": ["1", "2"], "position": [5.0, 7.0],
    ...                       "importance": [0.1, 0.3], "sign": [1, -1]})
    >>> plot_importance(table).texts[0].get_text()
    '2 7'
    """
    traits = list(importance["trait"].unique())
    panels = _new_panels(len(traits)) if ax is None else np.asarray(ax).ravel()
    if len(panels) != len(traits):
        raise ValueError(f"ax needs one Axes for each of {len(traits)} traits, got {len(panels)}")
    for panel, trait in zip(panels, traits, strict=True):
        rows = importance[importance["trait"] == trait].reset_index(drop=True)
        places = _draw_points(panel, rows)
        panel.set(title=trait, ylabel="importance")
        peaks = _peaks(rows["importance"].to_numpy(), places, n_labels)
        _label_peaks(panel, rows.loc[peaks], places[peaks], unit, unit_size)
    return panels[0] if len(panels) == 1 else panels


def _new_panels(n_panels: int) -> np.ndarray:
    size = (10, 0.6 + 2.4 * n_panels)
    return pyplot().subplots(n_panels, figsize=size, layout="constrained", squeeze=False)[1][:, 0]


def _draw_points(ax: "Axes", rows: pd.DataFrame) -> np.ndarray:
    """Draw the markers and return their places."""
    places, runs = genome_places(rows["chromosome"], rows["position"])
    for number, run in enumerate(runs):
        for sign, shape in ((1, "^"), (-1, "v"), (0, ".")):
            chosen = np.arange(run.start, run.stop)[rows["sign"][run] == sign]
            colour = COLOURS[(0, 5)[number % 2]]
            values = rows["importance"].to_numpy()[chosen]
            ax.plot(places[chosen], values, shape, color=colour, markersize=3.5, mew=0)
    middles = [(places[run].min() + places[run].max()) / 2 for run in runs]
    label_chromosomes(ax.xaxis, middles, [rows["chromosome"][run.start] for run in runs])
    ax.set_xlim(-0.01, 1.01)
    low, high = min(0.0, rows["importance"].min()), max(rows["importance"].max(), 1e-12)
    ax.set_ylim(1.05 * low, 1.2 * high)
    ax.grid(axis="y", alpha=0.3)
    return places


def _peaks(values: np.ndarray, places: np.ndarray, n_labels: int) -> list[int]:
    """Return the highest markers that leave room for each other's labels."""
    peaks: list[int] = []
    heights = values / max(values.max(), np.finfo(float).tiny)
    for marker in np.argsort(-values, kind="stable"):
        if len(peaks) == n_labels or heights[marker] < LOWEST_PEAK:
            break
        far = np.abs(places[marker] - places[peaks])
        covers = (far < LABEL_WIDTH) & (heights[peaks] - heights[marker] < LABEL_HEIGHT)
        # What is nearer than that belongs to the same peak.
        is_new = not (covers | (far < LABEL_WIDTH / 4)).any()
        around = heights[np.abs(places[marker] - places) < LABEL_WIDTH / 3] - heights[marker]
        if is_new and not ((around > 0) & (around < LABEL_HEIGHT)).any():
            peaks.append(int(marker))
    return peaks


def _label_peaks(
    ax: "Axes", peaks: pd.DataFrame, places: np.ndarray, unit: str, unit_size: float
) -> None:
    for place, row in zip(places, peaks.itertuples(), strict=True):
        ax.annotate(
            _write_place(row.chromosome, row.position / unit_size, unit),
            (place, row.importance),
            xytext=(0, 4),
            textcoords="offset points",
            ha="left" if place < 0.08 else "right" if place > 0.95 else "center",
            fontsize="small",
            bbox={"boxstyle": "square,pad=0", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
        )


def _write_place(chromosome: str, position: float, unit: str) -> str:
    if np.isnan(position):
        return chromosome
    digits = ",.0f" if position >= 100 else ".3g"
    return f"{chromosome} {position:{digits}} {unit}".rstrip()
