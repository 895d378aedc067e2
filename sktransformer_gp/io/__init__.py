"""Genotypes and phenotypes as users have them: PLINK, VCF, HapMap, tables and spreadsheets.

Every reader gives the same :class:`Genotypes`: dosages, the names of the samples, and a table of
the markers whose names carry the map through a pipeline (see :mod:`sktransformer_gp.markers`).
"""

from sktransformer_gp.io.alignment import Alignment, align
from sktransformer_gp.io.files import GenotypeFormatError
from sktransformer_gp.io.formats import read_genotypes
from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.hapmap import read_hapmap
from sktransformer_gp.io.matching import MarkerMatch, match_markers
from sktransformer_gp.io.phenotypes import read_phenotypes
from sktransformer_gp.io.plink import read_plink
from sktransformer_gp.io.table import read_table
from sktransformer_gp.io.vcf import read_vcf

__all__ = [
    "Alignment",
    "GenotypeFormatError",
    "Genotypes",
    "MarkerMatch",
    "align",
    "match_markers",
    "read_genotypes",
    "read_hapmap",
    "read_phenotypes",
    "read_plink",
    "read_table",
    "read_vcf",
]
