"""Axes along the genome: places of markers, and chromosomes below them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sktransformer_gp.markers import SEPARATOR, chromosome_runs, chromosomes_from_names

if TYPE_CHECKING:
    from matplotlib.axis import XAxis, YAxis

DIGITS = "0123456789"
GAP = 0.01  # between chromosomes, of the genome
MOST_IN_A_LINE = 18  # labels below each other's neighbours from here on


def genome_places(chromosomes: pd.Series, positions: pd.Series) -> tuple[NDArray, list[slice]]:
    """Lay chromosomes end to end.

    Parameters
    ----------
    chromosomes : Series of str
        Chromosome of each marker, in the order of the genome.
    positions : Series of float
        Position on the chromosome; where one is NaN, all markers stand at equal distances.

    Returns
    -------
    places : ndarray of shape (n_markers,)
        Place of each marker on an axis from 0 to 1.
    runs : list of slice
        Markers of each chromosome.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.plotting.genome import genome_places
    >>> table = pd.DataFrame({"chromosome": ["1", "1", "2"], "position": [0.0, 50.0, 50.0]})
    >>> genome_places(table["chromosome"], table["position"])[0].round(3)
    array([0.   , 0.495, 1.   ])
    """
    runs = chromosome_runs(chromosomes.to_numpy(), len(chromosomes))
    steps = positions.to_numpy(dtype=float)
    if np.isnan(steps).any():
        steps = np.concatenate([np.arange(run.stop - run.start) for run in runs]).astype(float)
    lengths = np.array([steps[run].max() for run in runs])
    total = lengths.sum() or 1.0
    starts = np.cumsum([0, *lengths[:-1]]) / total + GAP * np.arange(len(runs))
    places = np.concatenate(
        [start + steps[run] / total for start, run in zip(starts, runs, strict=True)]
    )
    return places / (places.max() or 1.0), runs


def window_runs(names: Sequence[str]) -> tuple[list[slice], list[str]]:
    """Group windows or markers by the chromosome in their names.

    Parameters
    ----------
    names : sequence of str
        Names that begin with ``"<chromosome>:"``.

    Returns
    -------
    runs : list of slice
        Windows of each chromosome; one run where names carry no map.
    chromosomes : list of str
        Name of each run.

    Examples
    --------
    >>> from sktransformer_gp.plotting.genome import window_runs
    >>> window_runs(["chr01:1-9", "chr01:10-20", "chr02:5-9"])
    ([slice(0, 2, None), slice(2, 3, None)], ['chr01', 'chr02'])
    """
    runs = chromosome_runs(chromosomes_from_names(names), len(names))
    return runs, [str(names[run.start]).split(SEPARATOR)[0] for run in runs]


def short_names(chromosomes: Sequence[str]) -> list[str]:
    """Leave out what all chromosomes have before their number, and leading zeros.

    Parameters
    ----------
    chromosomes : sequence of str
        Names.

    Returns
    -------
    list of str
        Short names, for ticks.

    Examples
    --------
    >>> from sktransformer_gp.plotting.genome import short_names
    >>> short_names(["chr01", "chr02", "chr16"]), short_names(["1H", "2H"])
    (['1', '2', '16'], ['1H', '2H'])
    """
    beginnings = {name.rstrip(DIGITS) for name in chromosomes}
    prefix = beginnings.pop() if len(beginnings) == 1 else ""
    return [name.removeprefix(prefix).lstrip("0") or name for name in chromosomes]


def label_chromosomes(
    axis: "XAxis | YAxis", middles: Sequence[float], chromosomes: Sequence[str]
) -> None:
    """Write chromosomes below (or beside) their middles.

    Parameters
    ----------
    axis : XAxis or YAxis
        The x or y axis of an Axes.
    middles : sequence of float
        Where each label stands.
    chromosomes : sequence of str
        Names.
    """
    labels = short_names(chromosomes)
    if len(labels) > MOST_IN_A_LINE and axis.axis_name == "x":
        labels = ["\n" * (i % 2) + label for i, label in enumerate(labels)]
    axis.set_ticks(middles, labels)
    axis.set_tick_params(length=0)
    axis.set_label_text("chromosome")
