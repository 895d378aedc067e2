"""Genomic prediction with a transformer encoder, as scikit-learn estimators."""

from sktransformer_gp.comparison import compare_models, summarise
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.metrics import pearson_correlation, pearson_scorer, pearson_scorers
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger, MutualInformationSelector
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.rkhs import RKHSRegressor

__version__ = "0.1.0.dev0"

__all__ = [
    "DosageImputer",
    "GBLUPRegressor",
    "LinkageMerger",
    "MutualInformationSelector",
    "PerTraitRegressor",
    "RKHSRegressor",
    "TransformerGPRegressor",
    "compare_models",
    "pearson_correlation",
    "pearson_scorer",
    "pearson_scorers",
    "summarise",
]
