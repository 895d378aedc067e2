"""Figures from tidy tables and fitted models; each draws on given axes and returns them.

matplotlib is imported when a figure is drawn: it comes with the extra ``plot``.
"""

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sktransformer_gp.metrics import pearson_correlation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours, told apart with any colour vision; light yellow is left out on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def plot_comparison(scores: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the predictive ability of each model: points, their mean and standard deviation.

    Up to seven traits have a colour each, with one point per fold. Of more traits, the points are
    the traits' means over folds.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`; its columns `dataset`,
        `model`, `trait` and `r` are used. Models stand from top to bottom in the table's order.
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
    scores, points = _label_series(scores)
    models = list(scores["model"].unique())
    series = list(scores["series"].unique())
    if ax is None:
        ax = _new_axes(6.4, 1.3 + len(models) * max(0.4, 0.14 * len(series)))
    offsets = np.linspace(-0.3, 0.3, 2 * len(series) + 1)[1::2]
    for name, offset, colour, marker in zip(series, offsets, COLOURS, MARKERS, strict=False):
        for row, model in enumerate(models):
            chosen = scores.loc[(scores["model"] == model) & (scores["series"] == name), "r"]
            label = name if row == 0 else None
            _draw_points_and_mean(ax, chosen, row + offset, colour, marker, label)
    ax.set_yticks(range(len(models)), models)
    ax.set_ylim(len(models) - 0.5, -0.5)
    ax.set_xlabel(f"predictive ability r (points: {points}; bars: mean ± sd)")
    ax.grid(axis="x", alpha=0.3)
    if len(series) > 1 or series[0]:
        # As many columns as fit across the axes: an entry is its text and about 6 letters' width.
        n_columns = max(1, 60 // (6 + max(map(len, series))))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=min(n_columns, len(series)))
    return ax


def plot_learning_curve(model: BaseEstimator, ax: "Axes | None" = None) -> "Axes":
    """Draw training loss and validation r against the epoch.

    Parameters
    ----------
    model : estimator
        Fitted estimator with `loss_curve_` and, where it held out validation samples,
        `validation_scores_` (Pearson correlation), one value per epoch; or a pipeline that ends
        in one.
    ax : Axes, default=None
        Axes for the loss; None = a new figure. The correlation stands on a twin to its right.

    Returns
    -------
    Axes
        The axes with the loss.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `model` has no `loss_curve_`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from sktransformer_gp.plotting import plot_learning_curve
    >>> fitted = SimpleNamespace(loss_curve_=[1.0, 0.6, 0.5], validation_scores_=[0.2, 0.5, 0.6])
    >>> plot_learning_curve(fitted).get_ylabel()
    'training loss'
    """
    model = model[-1] if isinstance(model, Pipeline) else model
    loss = getattr(model, "loss_curve_", None)
    if loss is None:
        raise ValueError(
            f"{type(model).__name__} has no loss_curve_: fit a model trained in epochs"
        )
    ax = _new_axes(6.4, 3.8) if ax is None else ax
    _draw_curve(ax, loss, "training loss", COLOURS[0], "-")
    validation = getattr(model, "validation_scores_", None)
    if validation is not None and len(validation):
        _draw_curve(ax.twinx(), validation, "validation r", COLOURS[1], "--")
    ax.set_xlabel("epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def plot_predictions(
    y_true: ArrayLike, y_pred: ArrayLike, ax: "Axes | np.ndarray | None" = None
) -> "Axes | np.ndarray":
    """Draw observed phenotypes against predictions, one panel for each trait.

    Parameters
    ----------
    y_true : array-like, Series or DataFrame of shape (n_samples,) or (n_samples, n_traits)
        Observed phenotypes, NaN = not observed; column names become titles.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Predictions in the same unit.
    ax : Axes or array of n_traits Axes, default=None
        Where to draw; None = a new figure.

    Returns
    -------
    Axes or ndarray of Axes
        One Axes for one trait, else an array of shape (n_traits,). The dashed line is where
        prediction and phenotype agree; the title gives Pearson's r and the number of samples.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the shapes of `y_true`, `y_pred` and `ax` do not fit each other.

    Examples
    --------
    >>> from sktransformer_gp.plotting import plot_predictions
    >>> plot_predictions([1.0, 2.0, 3.0], [1.5, 2.0, 2.5]).get_title()
    'r = 1.000, n = 3'
    """
    names = _panel_names(y_true)
    y_true = np.asarray(y_true, dtype=float)
    y_pred = np.asarray(y_pred, dtype=float)
    y_true, y_pred = (y.reshape(len(y), -1) for y in (y_true, y_pred))
    n_traits = y_true.shape[1]
    panels = _new_panels(n_traits) if ax is None else np.atleast_1d(np.asarray(ax)).ravel()
    if y_true.shape != y_pred.shape or len(panels) != n_traits:
        raise ValueError(
            f"y_true and y_pred need the same shape and ax one Axes a trait, got {y_true.shape}, "
            f"{y_pred.shape} and {len(panels)} Axes"
        )
    for panel, name, *pair in zip(panels, names, y_true.T, y_pred.T, strict=True):
        _draw_predictions(panel, name, *pair)
    return panels[0] if n_traits == 1 else panels


def _pyplot() -> ModuleType:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib: pip install 'sktransformer-gp[plot]'"
        ) from error
    return plt


def _new_axes(width: float, height: float) -> "Axes":
    return _pyplot().subplots(figsize=(width, height), layout="constrained")[1]


def _new_panels(n_panels: int) -> np.ndarray:
    n_columns = int(np.ceil(np.sqrt(n_panels)))
    n_rows = -(-n_panels // n_columns)
    size = (3.4 * n_columns + 0.4, 3.4 * n_rows + 0.2)
    figure, panels = _pyplot().subplots(
        n_rows, n_columns, figsize=size, layout="constrained", squeeze=False
    )
    for spare in panels.ravel()[n_panels:]:
        figure.delaxes(spare)
    return panels.ravel()[:n_panels]


def _label_series(scores: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the scores with a column `series`, which has one colour, and what a point is."""
    several = scores["dataset"].nunique(dropna=False) > 1
    label = scores["trait"].astype(str)
    scores = scores.assign(series=scores["dataset"] + ": " + label if several else label)
    if scores["series"].nunique() <= len(COLOURS):
        return scores, "folds"
    means = scores.groupby(["model", "series"], sort=False)["r"].mean().reset_index()
    return means.assign(series=""), f"means of {scores['series'].nunique()} traits"


def _draw_points_and_mean(
    ax: "Axes", values: pd.Series, height: float, colour: str, marker: str, label: str | None
) -> None:
    style = {"color": colour, "marker": marker, "linestyle": "none"}
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


def _draw_curve(ax: "Axes", values: ArrayLike, name: str, colour: str, line: str) -> None:
    ax.plot(np.arange(1, len(values) + 1), values, line, color=colour)
    ax.set_ylabel(name, color=colour)
    ax.tick_params(axis="y", colors=colour)


def _panel_names(y: ArrayLike) -> list[str]:
    """Return the traits' names with a colon after each, or empty strings where there are none."""
    if hasattr(y, "columns"):
        return [f"{column}: " for column in y.columns]
    if getattr(y, "name", None) is not None:
        return [f"{y.name}: "]
    n_traits = np.asarray(y).reshape(len(y), -1).shape[1]
    return [""] if n_traits == 1 else [f"trait_{i}: " for i in range(1, n_traits + 1)]


def _draw_predictions(ax: "Axes", name: str, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    observed = ~np.isnan(y_true)
    y_true, y_pred = y_true[observed], y_pred[observed]
    r = pearson_correlation(y_true, y_pred)
    ax.plot(y_pred, y_true, "o", color=COLOURS[0], markersize=4, alpha=0.4, mew=0)
    ax.axline((y_true.mean(), y_true.mean()), slope=1, color="0.3", linestyle="--", linewidth=1)
    ax.set(xlabel="predicted", ylabel="observed", title=f"{name}r = {r:.3f}, n = {len(y_true)}")
