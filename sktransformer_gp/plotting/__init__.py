"""Figures from tidy tables and fitted models; each draws on given axes and returns them.

matplotlib is imported when a figure is drawn: it comes with the extra ``plot``.
"""

from sktransformer_gp.plotting.axes import COLOURS, MARKERS
from sktransformer_gp.plotting.candidates import plot_contributions, plot_selection
from sktransformer_gp.plotting.comparisons import plot_comparison, plot_differences
from sktransformer_gp.plotting.costs import plot_time, plot_training_size
from sktransformer_gp.plotting.fits import plot_learning_curve, plot_predictions
from sktransformer_gp.plotting.heatmaps import plot_attention, plot_linkage
from sktransformer_gp.plotting.importance import plot_importance
from sktransformer_gp.plotting.quality import plot_quality
from sktransformer_gp.plotting.searches import plot_search

__all__ = [
    "COLOURS",
    "MARKERS",
    "plot_attention",
    "plot_comparison",
    "plot_contributions",
    "plot_differences",
    "plot_importance",
    "plot_learning_curve",
    "plot_linkage",
    "plot_predictions",
    "plot_quality",
    "plot_search",
    "plot_selection",
    "plot_time",
    "plot_training_size",
]
