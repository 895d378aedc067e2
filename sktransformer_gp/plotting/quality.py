"""The figure of a quality report."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sktransformer_gp.plotting.axes import COLOURS, new_panels
from sktransformer_gp.quality import QualityReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_BINS = 40
LEAST_WIDTH = 0.02  # of a histogram in which nothing varies


def plot_quality(report: QualityReport, ax: "np.ndarray | None" = None) -> np.ndarray:
    """Draw call rates, allele frequencies, heterozygosity and similarity of samples.

    Parameters
    ----------
    report : QualityReport
        Result of :func:`~sktransformer_gp.quality.quality_report`.
    ax : array of 6 Axes, default=None
        Where to draw; None = a new figure.

    Returns
    -------
    ndarray of 6 Axes
        Call rate of the samples, call rate of the markers, minor allele frequencies;
        heterozygosity of the samples, of the markers against their allele frequency (line: the
        Hardy-Weinberg proportion), and the concordance of each sample with its nearest. Crosses on
        the axis are the suspected samples.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `ax` does not hold 6 Axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import quality_report
    >>> from sktransformer_gp.plotting import plot_quality
    >>> X = np.random.default_rng(0).integers(0, 3, (20, 50))
    >>> [panel.get_xlabel() for panel in plot_quality(quality_report(X))[:3]]
    ['call rate', 'call rate', 'minor allele frequency']
    """
    panels = new_panels(6) if ax is None else np.ravel(ax)
    if len(panels) != 6:
        raise ValueError(f"ax needs 6 Axes, got {len(panels)}")
    samples, markers = report.samples, report.markers
    _draw_histogram(panels[0], samples["call_rate"], (None, 1))
    panels[0].set(xlabel="call rate", ylabel="samples")
    _draw_histogram(panels[1], markers["call_rate"], (None, 1))
    panels[1].set(xlabel="call rate", ylabel="markers")
    _draw_histogram(panels[2], markers["maf"], (0, 0.5))
    panels[2].set(xlabel="minor allele frequency", ylabel="markers")
    _draw_histogram(panels[3], samples["heterozygosity"], (0, None))
    _draw_suspects(panels[3], report, "heterozygosity", samples["heterozygosity"])
    panels[3].set(xlabel="heterozygosity", ylabel="samples")
    _draw_heterozygosity(panels[4], report)
    _draw_histogram(panels[5], samples["concordance"], (None, 1))
    _draw_suspects(panels[5], report, "group", samples["concordance"])
    line = f"near-identical: {report.near_identical:g}"
    panels[5].axvline(report.near_identical, color="0.3", ls="--", lw=1, label=line)
    panels[5].legend()
    panels[5].set(xlabel="concordance with the nearest sample", ylabel="samples")
    return panels


def _draw_histogram(ax: "Axes", values: pd.Series, ends: tuple[float | None, float | None]) -> None:
    """Draw a histogram between the ends, or from the lowest or to the highest value."""
    lower, upper = (
        getattr(values, f)() if end is None else end
        for f, end in zip(("min", "max"), ends, strict=True)
    )
    if not upper - lower > LEAST_WIDTH:
        lower, upper = (
            (lower, lower + LEAST_WIDTH) if ends[0] == 0 else (upper - LEAST_WIDTH, upper)
        )
    edges = np.linspace(lower, upper, N_BINS + 1).tolist()
    ax.hist(values.dropna(), bins=edges, color=COLOURS[0])


def _draw_suspects(ax: "Axes", report: QualityReport, reason: str, values: pd.Series) -> None:
    suspected = report.suspects.loc[report.suspects["reason"] == reason, "sample"]
    chosen = values[values.index.isin(suspected)]
    if len(chosen):
        ax.plot(chosen, np.zeros(len(chosen)), "x", color=COLOURS[1], label="suspected", zorder=3)
        ax.legend()


def _draw_heterozygosity(ax: "Axes", report: QualityReport) -> None:
    """Draw the markers' heterozygosity against the frequency of the minor allele."""
    maf, heterozygosity = report.markers["maf"], report.markers["heterozygosity"]
    ax.plot(maf, heterozygosity, ".", color=COLOURS[0], markersize=3, alpha=0.3, mew=0)
    p = np.linspace(0, 0.5, 101)
    expected = 1 - p**report.ploidy - (1 - p) ** report.ploidy
    ax.plot(p, expected, "--", color="0.3", linewidth=1, label="Hardy-Weinberg")
    ax.legend()
    top = np.nanmax([0.5, *heterozygosity])
    ax.set_ylim(-0.04 * top, 1.2 * top)  # room for the legend above the curve
    ax.set(xlabel="minor allele frequency", ylabel="heterozygosity of the marker")
