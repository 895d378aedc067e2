"""The public data sets: where their files are, whom to cite, how to read them.

Each ``read_*`` gives one Bunch with all that a set holds: `data` int8, `target` a DataFrame of all
traits whose index is the sample names, and the rest as `sktransformer_gp.datasets` hands it on.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sktransformer_gp.download import RemoteFile, fetch_file
from sktransformer_gp.markers import marker_names

DataHome = str | os.PathLike | None

YEAST_GENOTYPES = RemoteFile(
    "maryamayat/YeastRVM/de460ea6b3f9b98b98247fd0758469241ed9fd5e/Grinberg/geno_1.RDS",
    size=3_625_901,
    sha256="2b2faf4176081fbd08c6685dff2d2b2f2c80fd0300f9b69755b20c2a2bd9ce85",
)
YEAST_PHENOTYPES = RemoteFile(
    "maryamayat/YeastRVM/de460ea6b3f9b98b98247fd0758469241ed9fd5e/Data/pheno.csv",
    size=796_922,
    sha256="75577b9217cae40c0fffa80ce78967eaf5abe0410d7a2fc315292c6f280f24af",
)
WHEAT = RemoteFile(
    "gdlc/BGLR-R/f66f9bc07a735803ddfb9625f6eea0fe46c3df57/data/wheat.RData",
    size=477_712,
    sha256="8710523389007dd8b7c88a5deb74ee16aea0bae158496bc11f0626fb43b5ea21",
)
MICE = RemoteFile(
    "gdlc/BGLR-R/f66f9bc07a735803ddfb9625f6eea0fe46c3df57/data/mice.RData",
    size=2_091_828,
    sha256="5aec95f7736460cbc98f90fbf02dc12693786d24353bea054768c0da8ae9e3a5",
)
BARLEY = RemoteFile(
    "neyhartj/pbr/0019c243b4ce00363eb46f4dc132f2d2dc6cb7c2/data/cap.barley.rda",
    size=609_755,
    sha256="841e65973576204a7f4d05f2af0b7e0588032e8e24b9035afa0a2de3cb7a8d5a",
)

YEAST_DESCR = f"""Yeast, cross BY x RM

1,008 haploid segregants x 11,623 markers; growth in 46 conditions, 5.2 % of the phenotypes missing.
Coding: 0 = allele of BY (laboratory strain), 1 = of RM (vineyard strain); no missing genotype.
Map: chromosome and base pair; the marker's id is its two alleles, BY's first.
Citation: Bloom JS, Ehrenreich IM, Loo WT, Lite TLV, Kruglyak L (2013). Finding the sources of
missing heritability in a yeast cross. Nature 494:234-237.
Licence: none stated; use it for research and do not pass it on.
Source: {YEAST_GENOTYPES.url} and
{YEAST_PHENOTYPES.url}
"""
WHEAT_DESCR = f"""Wheat, historical lines of CIMMYT

599 inbred lines x 1,279 DArT markers; grain yield in 4 environments (mega-environments 1, 2, 4
and 5 of the paper), standardised, no missing phenotype.
Coding: 0 = band absent, 1 = present; missing genotypes were filled in by the authors, by draws
from the marker's frequency. No map.
Citation: Crossa J, et al. (2010). Prediction of genetic values of quantitative traits in plant
breeding using pedigree and molecular markers. Genetics 186:713-724.
Licence: GPL-3 (R package BGLR).
Source: {WHEAT.url}
"""
MICE_DESCR = f"""Mice, heterogeneous stock

1,814 mice x 10,346 SNPs; 20 traits of obesity and blood biochemistry, 0 to 92 % of the phenotypes
missing. Phenotypes are not corrected for sex, age or date: these are in `covariates`, with litter
number, cage density, coat colour and the body weight at the day of the blood sample.
Coding: 0/1/2 copies of the allele that ends the marker's id; no missing genotype.
Map: chromosome (1..19, X) and position. Upstream's name for the position is "mbp", yet its values
read as cM (118 at the end of chromosome 1). groups = cage: mice of a family share a cage, so
random folds put relatives on both sides of the split; use a grouped cross-validation.
Citation: Valdar W, et al. (2006). Genome-wide genetic association of complex traits in
heterogeneous stock mice. Nature Genetics 38:879-887.
Licence: GPL-3 (R package BGLR).
Source: {MICE.url}
"""
BARLEY_DESCR = f"""Barley, two-row lines of the Barley CAP

1,590 lines x 2,187 SNPs; grain yield and plant height in 6 trials, one target column for each
trait and trial. Most lines stood in one or two trials: 78 % of the phenotypes are missing.
Coding: 0/1/2 copies of one allele (upstream: -1/0/1); -1 = missing, 0.26 % of the genotypes.
Map: chromosome (1H..7H) and cM.
Citation: Barley Coordinated Agricultural Project; Blake VC, et al. (2016). The Triticeae Toolbox:
combining phenotype and genotype data to advance small-grains breeding. The Plant Genome 9(2).
Licence: MIT (R package pbr).
Source: {BARLEY.url}
"""

# The second body weight repeats, but for one mouse, the one among the obesity traits.
MICE_COVARIATES = [
    *("GENDER", "CoatColour", "CageDensity", "Litter", "Biochem.Age", "Biochem.EndNormalBW"),
    *(f"Obesity.Date.{part}" for part in ("Month", "Year", "Season", "Hour", "StudyDay")),
    "Obesity.Date.StudyStartSeconds",
    *(f"Biochem.Date.{part}" for part in ("StudyDay", "Season", "Month", "Year")),
]


def read_yeast(data_home: DataHome = None) -> Bunch:
    """Read the yeast cross BY x RM (Bloom et al. 2013).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder, see `sktransformer_gp.download.get_data_home`.

    Returns
    -------
    sklearn.utils.Bunch
        The whole set, see the module.
    """
    genotypes = read_r(YEAST_GENOTYPES, data_home)
    phenotypes = pd.read_csv(fetch_file(YEAST_PHENOTYPES, data_home), index_col=0)
    # Upstream's names are "<base pair in the genome>_<chromosome>_<base pair>_<BY>_<RM>". The
    # phenotypes have no sample names: their rows are in the order of the genotypes.
    parts = [name.split("_", 3) for name in genotypes.dim_1.values.tolist()]
    chromosomes, positions, alleles = np.array(parts, dtype=object)[:, 1:].T
    return Bunch(
        data=dosages(genotypes.values),
        target=phenotypes.set_axis(genotypes.dim_0.values.astype(object)).rename(
            columns=lambda name: name.removeprefix("pheno.")
        ),
        feature_names=marker_names(chromosomes, positions, alleles),
        chromosomes=chromosomes,
        positions=positions.astype(int),
        groups=None,
        covariates=None,
        DESCR=YEAST_DESCR,
    )


def read_wheat(data_home: DataHome = None) -> Bunch:
    """Read the wheat lines of CIMMYT (Crossa et al. 2010).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder, see `sktransformer_gp.download.get_data_home`.

    Returns
    -------
    sklearn.utils.Bunch
        The whole set, see the module.
    """
    study = read_r(WHEAT, data_home)
    genotypes, phenotypes = study["wheat.X"], study["wheat.Y"]
    # The genotypes have no sample names: their rows are in the order of the phenotypes.
    return Bunch(
        data=dosages(genotypes.values),
        target=pd.DataFrame(
            phenotypes.values,
            index=phenotypes.dim_0.values.astype(object),
            columns=[f"environment_{number}" for number in phenotypes.dim_1.values],
        ),
        feature_names=genotypes.dim_1.values.astype(object),
        chromosomes=None,
        positions=None,
        groups=None,
        covariates=None,
        DESCR=WHEAT_DESCR,
    )


def read_mice(data_home: DataHome = None) -> Bunch:
    """Read the heterogeneous stock mice (Valdar et al. 2006).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder, see `sktransformer_gp.download.get_data_home`.

    Returns
    -------
    sklearn.utils.Bunch
        The whole set, see the module.
    """
    study = read_r(MICE, data_home)
    genotypes, marker_map = study["mice.X"], study["mice.map"]
    phenotypes = study["mice.pheno"].set_axis(genotypes.dim_0.values.astype(object))
    traits = phenotypes.drop(columns=["SUBJECT.NAME", "cage", *MICE_COVARIATES]).astype(float)
    chromosomes = marker_map["chr"].to_numpy(dtype=object)
    positions = marker_map["mbp"].to_numpy(dtype=float)
    return Bunch(
        data=dosages(genotypes.values),
        # R's NA is a signalling NaN, for which arithmetic warns: NumPy's quiet one is put instead.
        target=traits.where(traits.notna(), np.nan),
        feature_names=marker_names(chromosomes, positions, marker_map["snp_id"]),
        chromosomes=chromosomes,
        positions=positions,
        groups=phenotypes["cage"].to_numpy(dtype=object),
        covariates=phenotypes[MICE_COVARIATES],
        DESCR=MICE_DESCR,
    )


def read_barley(data_home: DataHome = None) -> Bunch:
    """Read the two-row barley lines of the Barley CAP.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder, see `sktransformer_gp.download.get_data_home`.

    Returns
    -------
    sklearn.utils.Bunch
        The whole set, see the module.
    """
    study = read_r(BARLEY, data_home)["cap.barley"]
    genotypes, marker_map = study["geno_mat"], study["geno"]
    phenotypes = study["pheno"].pivot(index="line", columns="trial")
    phenotypes = phenotypes.reindex(genotypes.dim_0.values.astype(object)).rename_axis(None)
    chromosomes = marker_map["chrom"].to_numpy(dtype=object)
    positions = marker_map["pos"].to_numpy(dtype=float)
    return Bunch(
        data=dosages(np.nan_to_num(genotypes.values, nan=-2) + 1),
        target=phenotypes.set_axis([f"{trait}_{trial}" for trait, trial in phenotypes], axis=1),
        feature_names=marker_names(chromosomes, positions, marker_map["marker"]),
        chromosomes=chromosomes,
        positions=positions,
        groups=None,
        covariates=None,
        DESCR=BARLEY_DESCR,
    )


def dosages(genotypes: np.ndarray) -> np.ndarray:
    """Store genotypes as int8, sample by sample (R stores marker by marker).

    Parameters
    ----------
    genotypes : ndarray of shape (n_samples, n_markers)
        Dosages, -1 = missing.

    Returns
    -------
    ndarray of shape (n_samples, n_markers), int8
        The same, C-contiguous.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.sources import dosages
    >>> dosages(np.array([[0.0, 2.0], [1.0, -1.0]]))
    array([[ 0,  2],
           [ 1, -1]], dtype=int8)
    """
    return genotypes.astype(np.int8, order="C")


def read_r(file: RemoteFile, data_home: DataHome = None) -> Any:
    """Read a file in one of R's formats, from the cache.

    Parameters
    ----------
    file : RemoteFile
        A file whose name ends in ``.RDS`` (one object), ``.RData`` or ``.rda`` (named objects).
    data_home : str or path-like, default=None
        Cache folder, see `sktransformer_gp.download.get_data_home`.

    Returns
    -------
    object or dict of str to object
        Matrices as xarray.DataArray, data frames as pandas.DataFrame, lists as dict.

    Raises
    ------
    ImportError
        If the package rdata is missing (extra ``data``).
    """
    try:
        import rdata
    except ImportError as error:
        raise ImportError(
            "the public data sets are R files, read with the package rdata, which is missing: "
            "pip install 'sktransformer-gp[data]'"
        ) from error
    read = rdata.read_rds if file.path.endswith(".RDS") else rdata.read_rda
    # Old R files do not mark the encoding of their strings; without a default rdata warns of each.
    return read(fetch_file(file, data_home), default_encoding="utf-8")
