"""Figures of a fitted model: its training, and what it predicts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sktransformer_gp.metrics import pearson_correlation
from sktransformer_gp.plotting.axes import COLOURS, new_axes, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    ax = new_axes(6.4, 3.8) if ax is None else ax
    _draw_curve(ax, loss, "training loss", COLOURS[0], "-")
    validation = getattr(model, "validation_scores_", None)
    if validation is not None and len(validation):
        _draw_curve(ax.twinx(), validation, "validation r", COLOURS[1], "--")
    ax.set_xlabel("epoch")
    ax.locator_params(axis="x", integer=True)
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
    panels = new_panels(n_traits) if ax is None else np.asarray(ax).ravel()
    if y_true.shape != y_pred.shape or len(panels) != n_traits:
        raise ValueError(
            f"y_true and y_pred need the same shape and ax one Axes a trait, got {y_true.shape}, "
            f"{y_pred.shape} and {len(panels)} Axes"
        )
    for panel, name, *pair in zip(panels, names, y_true.T, y_pred.T, strict=True):
        _draw_predictions(panel, name, *pair)
    return panels[0] if n_traits == 1 else panels


def _draw_curve(ax: "Axes", values: Sequence[float], name: str, colour: str, line: str) -> None:
    ax.plot(np.arange(1, len(values) + 1), values, line, color=colour)
    ax.set_ylabel(name, color=colour)
    ax.tick_params(axis="y", colors=colour)


def _panel_names(y: ArrayLike) -> list[str]:
    """Return the traits' names with a colon after each, or empty strings where there are none."""
    if hasattr(y, "columns"):
        return [f"{column}: " for column in y.columns]
    name = getattr(y, "name", None)
    if name is not None:
        return [f"{name}: "]
    y = np.asarray(y)
    n_traits = y.reshape(len(y), -1).shape[1]
    return [""] if n_traits == 1 else [f"trait_{i}: " for i in range(1, n_traits + 1)]


def _draw_predictions(ax: "Axes", name: str, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    observed = ~np.isnan(y_true)
    y_true, y_pred = y_true[observed], y_pred[observed]
    r = pearson_correlation(y_true, y_pred)
    ax.plot(y_pred, y_true, "o", color=COLOURS[0], markersize=4, alpha=0.4, mew=0)
    ax.axline((y_true.mean(), y_true.mean()), slope=1, color="0.3", linestyle="--", linewidth=1)
    ax.set(xlabel="predicted", ylabel="observed", title=f"{name}r = {r:.3f}, n = {len(y_true)}")
