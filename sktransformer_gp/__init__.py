"""Genomic prediction with a transformer encoder, as scikit-learn estimators.

Public names are imported when they are first used: torch takes seconds, which GBLUP, the data sets
and ``--help`` need not wait for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sktransformer_gp.comparison import compare_models, summarise
    from sktransformer_gp.gblup import GBLUPRegressor
    from sktransformer_gp.metrics import pearson_correlation, pearson_scorer, pearson_scorers
    from sktransformer_gp.per_trait import PerTraitRegressor
    from sktransformer_gp.preprocessing import (
        DosageImputer,
        LinkageMerger,
        MutualInformationSelector,
    )
    from sktransformer_gp.regressor import TransformerGPRegressor
    from sktransformer_gp.rkhs import RKHSRegressor
    from sktransformer_gp.saving import load_model, save_model

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
    "load_model",
    "pearson_correlation",
    "pearson_scorer",
    "pearson_scorers",
    "save_model",
    "summarise",
]

_MODULES = {
    "comparison": ["compare_models", "summarise"],
    "gblup": ["GBLUPRegressor"],
    "metrics": ["pearson_correlation", "pearson_scorer", "pearson_scorers"],
    "per_trait": ["PerTraitRegressor"],
    "preprocessing": ["DosageImputer", "LinkageMerger", "MutualInformationSelector"],
    "regressor": ["TransformerGPRegressor"],
    "rkhs": ["RKHSRegressor"],
    "saving": ["load_model", "save_model"],
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
