"""Heat maps along the genome: attention, and linkage as a triangle."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sktransformer_gp.plotting.axes import new_axes
from sktransformer_gp.plotting.genome import label_chromosomes, window_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST = 2000


def plot_attention(attention: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw how much each query attends to each window, with a grid of chromosomes.

    Parameters
    ----------
    attention : DataFrame of shape (n_queries, n_windows)
        Averaged table of :func:`~sktransformer_gp.inspection.attention_map`, or the rows of one
        sample.
    ax : Axes, default=None
        Axes to draw on; None = a new figure.

    Returns
    -------
    Axes
        The axes; colour is attention in multiples of what each window would get if all got the
        same.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_attention
    >>> table = pd.DataFrame([[0.2, 0.8]], ["query_1"], ["1:5-9", "2:3-8"])
    >>> plot_attention(table).images[0].get_array().tolist()
    [[0.4, 1.6]]
    """
    windows = [str(name) for name in attention.columns]
    queries = [str(name) for name in attention.index.get_level_values(-1)]
    runs, chromosomes = window_runs(windows)
    is_square = queries == windows
    if ax is None:
        ax = new_axes(7.5, 6.4 if is_square else 1.6 + 0.3 * len(queries))
    image = ax.imshow(attention.to_numpy() * len(windows), aspect="auto", cmap="viridis")
    label_chromosomes(ax.xaxis, [(run.start + run.stop - 1) / 2 for run in runs], chromosomes)
    if is_square:
        label_chromosomes(ax.yaxis, [(run.start + run.stop - 1) / 2 for run in runs], chromosomes)
        ax.set_ylabel("query: chromosome")
    else:
        ax.set_yticks(range(len(queries)), queries)
    for run in runs[1:]:
        ax.axvline(run.start - 0.5, color="white", linewidth=0.6)
        if is_square:
            ax.axhline(run.start - 0.5, color="white", linewidth=0.6)
    ax.figure.colorbar(image, ax=ax, label="attention (1 = as to all)")
    return ax


def plot_linkage(r2: pd.DataFrame, *, between: bool = False, ax: "Axes | None" = None) -> "Axes":
    """Draw linkage disequilibrium as a triangle over each chromosome, or over the whole genome.

    Parameters
    ----------
    r2 : DataFrame of shape (n, n)
        Table of :func:`~sktransformer_gp.inspection.linkage`, of at most 2,000 markers or windows.
    between : bool, default=False
        Whether to draw pairs on different chromosomes, too.
    ax : Axes, default=None
        Axes to draw on; None = a new figure.

    Returns
    -------
    Axes
        The axes: two markers meet above the middle between them, the higher the farther apart.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there are more than 2,000 rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting import plot_linkage
    >>> names = ["1:5", "1:9", "2:3"]
    >>> r2 = pd.DataFrame([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], names, names)
    >>> plot_linkage(r2).get_xlabel()
    'chromosome'
    """
    n = len(r2)
    if n > LARGEST:
        raise ValueError(
            f"r2 has {n} rows, more than {LARGEST}: give linkage() a window_size, or a part of X"
        )
    ax = new_axes(10, 5.4 if between else 3) if ax is None else ax
    runs, chromosomes = window_runs([str(name) for name in r2.columns])
    drawn = np.triu(np.ones((n, n), dtype=bool))
    if not between:
        number = np.repeat(range(len(runs)), [run.stop - run.start for run in runs])
        drawn &= number[:, None] == number
    # Cell (i, j) is a square on its corner: centre ((i + j + 1) / 2, j - i).
    corners = np.arange(n + 1)
    x, y = (corners[:, None] + corners) / 2, corners - corners[:, None]
    values = np.ma.masked_where(~drawn, r2.to_numpy(dtype=float))
    mesh = ax.pcolormesh(x, y, values, cmap="magma_r", vmin=0, vmax=1, rasterized=True)
    for run in runs:
        middle, size = (run.start + run.stop) / 2, run.stop - run.start
        ax.plot([run.start, middle, run.stop], [0, size, 0], color="0.6", linewidth=0.6)
    label_chromosomes(ax.xaxis, [(run.start + run.stop) / 2 for run in runs], chromosomes)
    height = n if between else max(run.stop - run.start for run in runs)
    ax.set(xlim=(0, n), ylim=(-0.02 * height, height * 1.02), yticks=[])
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.figure.colorbar(mesh, ax=ax, label="r2", shrink=0.8)
    return ax
