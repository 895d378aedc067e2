"""The candidates of a search as a heat map."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sktransformer_gp.plotting.axes import new_axes, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 20  # letters of a value that are shown
NOTHING = "(nothing)"


def plot_search(
    search: BaseEstimator | Mapping[str, Any],
    ax: "Axes | None" = None,
    *,
    x: str | None = None,
    y: str | None = None,
    score: str = "mean_test_score",
) -> "Axes":
    """Draw the mean score of each candidate of a search over two of its parameters.

    Parameters
    ----------
    search : fitted search or mapping
        ``GridSearchCV``, ``HalvingGridSearchCV`` or another with `cv_results_`, or these results.
    ax : Axes, default=None
        Axes to draw on; None = a new figure that fits the grid.
    x, y : str, default=None
        Parameters on the axes, with or without the names of steps before them; None = the
        parameter with most values across, the next down.
    score : str, default="mean_test_score"
        Column of the results; with several metrics for example ``"mean_test_r2"``.

    Returns
    -------
    Axes
        The axes. A cell is the best of the candidates that share its two values; the best of all
        has a frame. Of a halving search the last iteration of each candidate counts.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If a parameter or the score is none of the search's, or `x` and `y` are the same.

    Examples
    --------
    >>> from sktransformer_gp.plotting import plot_search
    >>> results = {"param_ridge__alpha": [1, 9], "mean_test_score": [0.3, 0.4],
    ...            "params": [{"ridge__alpha": 1}, {"ridge__alpha": 9}]}
    >>> plot_search(results).get_xlabel()
    'alpha'
    """
    results = getattr(search, "cv_results_", search)
    if score not in results:
        raise ValueError(f"the search has no {score!r}; it has {_scores_of(results)}")
    candidates = _candidates(results, score)
    x, y = _pick_axes(candidates, x, y)
    table = _best_by(candidates, x, y)
    if ax is None:
        ax = new_axes(2.0 + 0.9 * table.shape[1], 1.4 + 0.5 * table.shape[0])
    image = ax.imshow(table.to_numpy(dtype=float), cmap="cividis", aspect="auto")
    _write_cells(ax, table)
    ax.set_xticks(range(table.shape[1]), [str(value) for value in table.columns])
    ax.set_yticks(range(table.shape[0]), [str(value) for value in table.index])
    ax.set(xlabel=_short(x), ylabel=_short(y))
    ax.figure.colorbar(image, ax=ax, label=score.replace("_", " "))
    return ax


def _scores_of(results: Mapping[str, Any]) -> list[str]:
    return [name for name in results if name.startswith("mean_test_")]


def _candidates(results: Mapping[str, Any], score: str) -> pd.DataFrame:
    """Return a row for each candidate: its parameters as text, and its score."""
    # A halving search lists its resource, say max_iter, among the parameters of each candidate.
    resource = _resource(results)
    texts = [
        {name: _text(value) for name, value in params.items() if name != resource}
        for params in results["params"]
    ]
    table = pd.DataFrame(texts).fillna("-")  # a list of grids: not a parameter of this one
    parameters = list(table.columns)
    table["score"] = np.asarray(results[score], dtype=float)
    if "iter" in results:
        table = table.iloc[np.argsort(results["iter"], kind="stable")]
        table = table.groupby(parameters, sort=False, as_index=False).last()
    return table


def _resource(results: Mapping[str, Any]) -> str | None:
    amounts = results.get("n_resources", [])
    for name in results["params"][0] if len(amounts) else ():
        if [params.get(name) for params in results["params"]] == list(amounts):
            return name
    return None


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _pick_axes(candidates: pd.DataFrame, x: str | None, y: str | None) -> tuple[str, str]:
    """Return the names of the parameters across and down; `NOTHING` = there is but one."""
    names = list(candidates.columns[:-1])
    chosen = {axis: _find(name, names) for axis, name in (("x", x), ("y", y)) if name is not None}
    left = [name for name in names if name not in chosen.values()]
    left.sort(key=lambda name: -candidates[name].nunique())
    left.append(NOTHING)
    for axis in "xy":
        if axis not in chosen:
            chosen[axis] = left.pop(0)
    if chosen["x"] == chosen["y"]:
        raise ValueError(f"x and y are two parameters of the search, got {chosen['x']!r} for both")
    return chosen["x"], chosen["y"]


def _find(name: str, names: list[str]) -> str:
    found = [full for full in names if full == name or full.endswith(f"__{name}")]
    if len(found) != 1:
        raise ValueError(f"{name!r} is not one of the search's parameters {names}")
    return found[0]


def _best_by(candidates: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Return the best score for each value of y (rows) and of x (columns), in the grid's order."""
    candidates = candidates.assign(**{NOTHING: ""})
    best = candidates.groupby([y, x], sort=False)["score"].max().unstack(x)
    return best.reindex(index=candidates[y].unique(), columns=candidates[x].unique())


def _write_cells(ax: "Axes", table: pd.DataFrame) -> None:
    values = table.to_numpy(dtype=float)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = "white" if value < middle else "black"
            ax.text(column, row, f"{value:.3f}", ha="center", va="center", color=colour)
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    frame = ax.add_patch(_rectangle((column - 0.5, row - 0.5)))
    frame.set_clip_on(False)


def _rectangle(corner: tuple[float, float]) -> Any:
    return pyplot().Rectangle(corner, 1, 1, fill=False, edgecolor="#D55E00", linewidth=3)


def _short(name: str) -> str:
    return "" if name == NOTHING else name.rpartition("__")[2]
