"""Compare models on the same folds: estimators in, one tidy table out."""

from sktransformer_gp.comparison.cells import COLUMNS, Failure
from sktransformer_gp.comparison.compare import compare_models
from sktransformer_gp.comparison.leaks import LeakWarning
from sktransformer_gp.comparison.ranks import RankTest, rank_models
from sktransformer_gp.comparison.run import FailedFits
from sktransformer_gp.comparison.statistics import paired_differences, summarise

__all__ = [
    "COLUMNS",
    "FailedFits",
    "Failure",
    "LeakWarning",
    "RankTest",
    "compare_models",
    "paired_differences",
    "rank_models",
    "summarise",
]
