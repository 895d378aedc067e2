"""Genomic prediction with a transformer encoder, as scikit-learn estimators."""

from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger, MutualInformationSelector

__version__ = "0.1.0.dev0"

__all__ = ["DosageImputer", "LinkageMerger", "MutualInformationSelector"]
