"""How good predictions are, trait by trait.

All metrics leave phenotypes that were not observed (NaN) out, per trait, so that one ``y`` with
gaps serves several traits.
"""

from sktransformer_gp.metrics.agreement import (
    mean_squared_error,
    pearson_correlation,
    r2_score,
    rank_correlation,
)
from sktransformer_gp.metrics.calibration import prediction_bias, regression_slope
from sktransformer_gp.metrics.scorers import (
    TraitRegressorMixin,
    pearson_scorer,
    pearson_scorers,
    rank_correlation_scorer,
    selection_response_scorer,
    top_fraction_overlap_scorer,
)
from sktransformer_gp.metrics.selection import selection_response, top_fraction_overlap

__all__ = [
    "TraitRegressorMixin",
    "mean_squared_error",
    "pearson_correlation",
    "pearson_scorer",
    "pearson_scorers",
    "prediction_bias",
    "r2_score",
    "rank_correlation",
    "rank_correlation_scorer",
    "regression_slope",
    "selection_response",
    "selection_response_scorer",
    "top_fraction_overlap",
    "top_fraction_overlap_scorer",
]
