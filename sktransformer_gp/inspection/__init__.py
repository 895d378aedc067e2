"""Seeing what a fitted model learned: loci, interactions, attention, linkage, candidates.

All take a fitted model (or a pipeline that ends in one) and dosages, and return tables; figures of
these are in :mod:`sktransformer_gp.plotting`.
"""

from sktransformer_gp.inspection.attention import attention_map
from sktransformer_gp.inspection.breeding_values import breeding_value_table
from sktransformer_gp.inspection.contributions import marker_contributions
from sktransformer_gp.inspection.disequilibrium import linkage
from sktransformer_gp.inspection.importance import marker_importance
from sktransformer_gp.inspection.interactions import interaction_scan

__all__ = [
    "attention_map",
    "breeding_value_table",
    "interaction_scan",
    "linkage",
    "marker_contributions",
    "marker_importance",
]
