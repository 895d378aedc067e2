"""Genomic prediction with a transformer encoder, as scikit-learn estimators.

Public names are imported when they are first used: torch takes seconds, which GBLUP, the data sets
and ``--help`` need not wait for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sktransformer_gp.comparison import (
        compare_models,
        paired_differences,
        rank_models,
        summarise,
    )
    from sktransformer_gp.fixed_effects import FixedEffectsRegressor
    from sktransformer_gp.gblup import GBLUPRegressor
    from sktransformer_gp.metrics import (
        pearson_correlation,
        pearson_scorer,
        pearson_scorers,
        selection_response,
        top_fraction_overlap,
    )
    from sktransformer_gp.models import default_models, make_model, suggested_grid
    from sktransformer_gp.networks import (
        CNNGPRegressor,
        CrossAttentionGPRegressor,
        GenotypeAutoencoder,
        GenotypeGAN,
        HaplotypeCopier,
        MaskedGenotypePretrainer,
        PretrainedGPRegressor,
    )
    from sktransformer_gp.per_trait import PerTraitRegressor
    from sktransformer_gp.polygenic import PolygenicRegressor
    from sktransformer_gp.preprocessing import (
        AssociationSelector,
        DosageImputer,
        DosageScaler,
        GenotypeCoder,
        LinkageMerger,
        MinorAlleleFilter,
        MutualInformationSelector,
    )
    from sktransformer_gp.quality import quality_report
    from sktransformer_gp.regressor import TransformerGPRegressor
    from sktransformer_gp.rkhs import RKHSRegressor
    from sktransformer_gp.saving import load_model, save_model
    from sktransformer_gp.snp_blup import SNPBLUPRegressor

__version__ = "0.1.0.dev0"

__all__ = [
    "AssociationSelector",
    "CNNGPRegressor",
    "CrossAttentionGPRegressor",
    "DosageImputer",
    "DosageScaler",
    "FixedEffectsRegressor",
    "GBLUPRegressor",
    "GenotypeAutoencoder",
    "GenotypeCoder",
    "GenotypeGAN",
    "HaplotypeCopier",
    "LinkageMerger",
    "MaskedGenotypePretrainer",
    "MinorAlleleFilter",
    "MutualInformationSelector",
    "PerTraitRegressor",
    "PolygenicRegressor",
    "PretrainedGPRegressor",
    "RKHSRegressor",
    "SNPBLUPRegressor",
    "TransformerGPRegressor",
    "compare_models",
    "default_models",
    "load_model",
    "make_model",
    "paired_differences",
    "pearson_correlation",
    "pearson_scorer",
    "pearson_scorers",
    "quality_report",
    "rank_models",
    "save_model",
    "selection_response",
    "suggested_grid",
    "summarise",
    "top_fraction_overlap",
]

_MODULES = {
    "comparison": ["compare_models", "paired_differences", "rank_models", "summarise"],
    "fixed_effects": ["FixedEffectsRegressor"],
    "gblup": ["GBLUPRegressor"],
    "metrics": [
        "pearson_correlation",
        "pearson_scorer",
        "pearson_scorers",
        "selection_response",
        "top_fraction_overlap",
    ],
    "models": ["default_models", "make_model", "suggested_grid"],
    "networks": [
        "CNNGPRegressor",
        "CrossAttentionGPRegressor",
        "GenotypeAutoencoder",
        "GenotypeGAN",
        "HaplotypeCopier",
        "MaskedGenotypePretrainer",
        "PretrainedGPRegressor",
    ],
    "per_trait": ["PerTraitRegressor"],
    "polygenic": ["PolygenicRegressor"],
    "preprocessing": [
        "AssociationSelector",
        "DosageImputer",
        "DosageScaler",
        "GenotypeCoder",
        "LinkageMerger",
        "MinorAlleleFilter",
        "MutualInformationSelector",
    ],
    "quality": ["quality_report"],
    "regressor": ["TransformerGPRegressor"],
    "rkhs": ["RKHSRegressor"],
    "saving": ["load_model", "save_model"],
    "snp_blup": ["SNPBLUPRegressor"],
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
