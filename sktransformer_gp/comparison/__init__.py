"""Compare models on the same folds: estimators in, one tidy table out."""

from sktransformer_gp.comparison.cells import COLUMNS, Failure
from sktransformer_gp.comparison.compare import compare_models
from sktransformer_gp.comparison.run import FailedFits
from sktransformer_gp.comparison.statistics import summarise

__all__ = ["COLUMNS", "FailedFits", "Failure", "compare_models", "summarise"]
