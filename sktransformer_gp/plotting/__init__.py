"""Figures from tidy tables and fitted models; each draws on given axes and returns them.

matplotlib is imported when a figure is drawn: it comes with the extra ``plot``.
"""

from sktransformer_gp.plotting.axes import COLOURS, MARKERS
from sktransformer_gp.plotting.comparisons import plot_comparison, plot_differences
from sktransformer_gp.plotting.costs import plot_time, plot_training_size
from sktransformer_gp.plotting.fits import plot_learning_curve, plot_predictions
from sktransformer_gp.plotting.searches import plot_search

__all__ = [
    "COLOURS",
    "MARKERS",
    "plot_comparison",
    "plot_differences",
    "plot_learning_curve",
    "plot_predictions",
    "plot_search",
    "plot_time",
    "plot_training_size",
]
