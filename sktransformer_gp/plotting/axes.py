"""Axes to draw on, and colours that everybody can tell apart.

matplotlib is imported when a figure is drawn: it comes with the extra ``plot``.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours, told apart with any colour vision; light yellow is left out on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", ":")


def pyplot() -> ModuleType:
    """Import matplotlib's pyplot.

    Returns
    -------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib is not installed: names the extra.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib: pip install 'sktransformer-gp[plot]'"
        ) from error
    return plt


def new_axes(width: float, height: float) -> "Axes":
    """Make a figure with one axes.

    Parameters
    ----------
    width, height : float
        Size in inches.

    Returns
    -------
    Axes
        Its axes; labels and legends outside it stay on the figure.
    """
    return pyplot().subplots(figsize=(width, height), layout="constrained")[1]


def new_panels(n_panels: int) -> np.ndarray:
    """Make a figure with several axes, as square as may be.

    Parameters
    ----------
    n_panels : int
        Number of axes.

    Returns
    -------
    ndarray of shape (n_panels,), of Axes
        The axes, row by row.
    """
    n_columns = int(np.ceil(np.sqrt(n_panels)))
    n_rows = -(-n_panels // n_columns)
    size = (3.4 * n_columns + 0.4, 3.4 * n_rows + 0.2)
    figure, panels = pyplot().subplots(
        n_rows, n_columns, figsize=size, layout="constrained", squeeze=False
    )
    for spare in panels.ravel()[n_panels:]:
        figure.delaxes(spare)
    return panels.ravel()[:n_panels]


def style(number: int) -> dict[str, Any]:
    """Return colour, marker and line that tell one series from the others.

    Parameters
    ----------
    number : int
        Number of the series, from 0; 21 differ.

    Returns
    -------
    dict
        `color`, `marker` and `linestyle`.

    Examples
    --------
    >>> from sktransformer_gp.plotting.axes import style
    >>> style(0)["linestyle"], style(7)["linestyle"]
    ('-', '--')
    """
    turn = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[(number + turn) % len(MARKERS)],
        "linestyle": LINES[turn % len(LINES)],
    }


def put_legend_aside(ax: "Axes") -> None:
    """Put the legend to the right of the axes, where it covers nothing.

    Parameters
    ----------
    ax : Axes
        Axes with labelled series.
    """
    ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
