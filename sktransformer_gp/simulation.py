"""Simulate a biparental cross: meiosis on a yeast-sized genome, QTL, epistasis, phenotypes."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state, check_scalar
from sklearn.utils.random import sample_without_replacement

from sktransformer_gp.markers import marker_names

# Base pairs of the 16 nuclear chromosomes of S. cerevisiae S288C (reference genome R64).
CHROMOSOME_LENGTHS = np.array(
    [
        *(230_218, 813_184, 316_620, 1_531_933, 576_874, 270_161, 1_090_940, 562_643),
        *(439_888, 745_751, 666_816, 1_078_177, 924_431, 784_333, 1_091_291, 948_066),
    ]
)
MORGANS_PER_BP = 0.35e-5  # 0.35 cM/kb, about 42 Morgans in all

DESCR = """Simulated biparental cross

{} samples x {} markers, {} traits, ploidy {}; {} QTL, {} epistatic pairs, h2 {}, genetic
correlation between traits {}.
Coding: dosages 0..ploidy of one parent's allele; both parents are homozygous. No genotype and no
phenotype is missing; phenotypes have mean 0 and variance 1.
Map: 16 chromosomes with the lengths of S. cerevisiae S288C in base pairs; 0.35 cM/kb, no crossover
interference (Haldane 1919, J Genet 8:299).
Licence: none needed.
"""


def make_cross(
    n_samples: int = 1008,
    n_markers: int = 11623,
    n_traits: int = 2,
    *,
    h2: float | Sequence[float] = 0.6,
    n_qtl: int = 14,
    n_epistatic_pairs: int = 0,
    trait_correlation: float = 0.8,
    ploidy: int = 1,
    random_state: int | np.random.RandomState | None = None,
    as_frame: bool = False,
) -> Bunch:
    r"""Simulate the genotypes and phenotypes of a biparental cross of yeast's size.

    A sample is the sum of `ploidy` independent gametes of the F1 of two homozygous parents:
    haploid segregants (1), an F2 (2). Crossovers fall on a gamete as a Poisson process, so two
    markers `d` Morgans apart recombine with probability :math:`r = (1 - e^{-2d}) / 2`.

    With :math:`z = (x - k/2) / \sqrt{k/4}` the dosage in units of its standard deviation under
    ploidy :math:`k`, the genetic value of a trait is

    .. math:: g = \sum_j a_j z_j + \sum_{(i, j)} b_{ij} z_i z_j

    and the phenotype is :math:`y = g + e` with normal residuals, independent between traits.
    Effects of all QTL and pairs come from one Laplace distribution with a scale that the traits
    share at a locus (few large, many small); a linear map between traits then makes variances and
    correlations of `g` exact in the sample.

    Parameters
    ----------
    n_samples : int, default=1008
        Number of samples, >= 2.
    n_markers : int, default=11623
        Number of markers, >= 1, at distinct base pairs drawn uniformly from the genome.
    n_traits : int, default=2
        Number of traits, >= 1.
    h2 : float or sequence of n_traits floats, default=0.6
        Share of the phenotypic variance that is genetic, in [0, 1]: the variance of `g` is `h2`,
        that of the residuals `1 - h2`. Without epistasis this is the heritability in the narrow
        sense; with it, that in the broad sense, and the narrow one is close to
        ``h2 * n_qtl / (n_qtl + n_epistatic_pairs)`` on average.
    n_qtl : int, default=14
        Number of markers with an additive effect, 1..n_markers. The traits share all QTL.
    n_epistatic_pairs : int, default=0
        Number of pairs of QTL that interact, 0..n_qtl * (n_qtl - 1) / 2.
    trait_correlation : float, default=0.8
        Correlation of the genetic values between each two traits, between ``-1 / (n_traits - 1)``
        and 1; without meaning for one trait.
    ploidy : int, default=1
        Number of gametes that form a sample, 1..127.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws. With one seed the genotypes are the same whatever the traits are.
    as_frame : bool, default=False
        True gives `data` and `target` as DataFrames with the marker, trait and sample names.

    Returns
    -------
    sklearn.utils.Bunch
        - data : ndarray of shape (n_samples, n_markers), int8; dosages 0..ploidy
        - target : ndarray of shape (n_samples, n_traits), float64; phenotypes
        - feature_names : ndarray of str; ``"<chromosome>:<position>"``
        - target_names : list of str
        - sample_names : ndarray of str
        - chromosomes : ndarray of shape (n_markers,), of str
        - positions : ndarray of shape (n_markers,), of int; base pairs
        - groups, covariates : None
        - qtl : ndarray of shape (n_qtl,), of int; columns of `data`, ascending
        - effects : ndarray of shape (n_qtl, n_traits); change of the phenotype per allele
        - epistatic_pairs : ndarray of shape (n_epistatic_pairs, 2), of int; columns of `data`
        - epistatic_effects : ndarray of shape (n_epistatic_pairs, n_traits); coefficient of the
          product of the two dosages, each counted from ``ploidy / 2``
        - breeding_values : ndarray of shape (n_samples, n_traits); additive part of `g`
        - genetic_values : ndarray of shape (n_samples, n_traits); `g`
        - DESCR : str

    Raises
    ------
    ValueError
        If an argument is out of its range, or the QTL vary in fewer directions than there are
        traits, so that no effects give the correlation that was asked for.
    TypeError
        If an argument is not of its type.

    References
    ----------
    Haldane JBS (1919). The combination of linkage values and the calculation of distances between
    the loci of linked factors. Journal of Genetics 8:299-309.

    Examples
    --------
    >>> from sktransformer_gp.datasets import make_cross
    >>> cross = make_cross(n_samples=100, n_markers=500, random_state=0)
    >>> cross.data.shape, cross.target.shape
    ((100, 500), (100, 2))
    """
    _check_sizes(n_samples, n_markers, n_traits, n_qtl, n_epistatic_pairs, ploidy)
    shares = _genetic_shares(h2, n_traits)
    covariance = _genetic_covariance(shares, trait_correlation)
    rng = check_random_state(random_state)
    chromosomes, positions = _draw_map(n_markers, rng)
    recombination = _recombination_fractions(chromosomes, positions)
    gametes = (_draw_gametes(n_samples, recombination, rng) for _ in range(ploidy))
    data = sum(gametes, np.zeros((n_samples, n_markers), np.int8))
    truth = _draw_architecture(data, n_qtl, n_epistatic_pairs, ploidy, covariance, rng)
    residuals = rng.standard_normal((n_samples, n_traits)) * np.sqrt(1 - shares)
    cross = Bunch(
        data=data,
        target=truth["genetic_values"] + residuals,
        feature_names=marker_names(chromosomes, positions),
        target_names=[f"trait_{t + 1}" for t in range(n_traits)],
        sample_names=np.array([f"sample_{i + 1:04d}" for i in range(n_samples)], dtype=object),
        chromosomes=chromosomes,
        positions=positions,
        groups=None,
        covariates=None,
        DESCR=DESCR.format(
            *(n_samples, n_markers, n_traits, ploidy),
            *(n_qtl, n_epistatic_pairs, h2, trait_correlation),
        ),
        **truth,
    )
    if as_frame:
        cross.data = pd.DataFrame(data, cross.sample_names, cross.feature_names)
        cross.target = pd.DataFrame(cross.target, cross.sample_names, cross.target_names)
    return cross


def _check_sizes(
    n_samples: int, n_markers: int, n_traits: int, n_qtl: int, n_epistatic_pairs: int, ploidy: int
) -> None:
    check_scalar(n_samples, "n_samples", Integral, min_val=2)
    check_scalar(n_markers, "n_markers", Integral, min_val=1, max_val=int(CHROMOSOME_LENGTHS.sum()))
    check_scalar(n_traits, "n_traits", Integral, min_val=1)
    check_scalar(n_qtl, "n_qtl", Integral, min_val=1, max_val=n_markers)
    n_pairs = n_qtl * (n_qtl - 1) // 2
    check_scalar(n_epistatic_pairs, "n_epistatic_pairs", Integral, min_val=0, max_val=n_pairs)
    check_scalar(ploidy, "ploidy", Integral, min_val=1, max_val=np.iinfo(np.int8).max)


def _genetic_shares(h2: float | Sequence[float], n_traits: int) -> np.ndarray:
    shares = np.asarray(h2, dtype=float)
    if shares.shape not in ((), (n_traits,)) or not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(
            f"h2 must be one number in [0, 1], or one for each of the n_traits={n_traits} traits, "
            f"got {h2!r}"
        )
    return np.broadcast_to(shares, n_traits)


def _genetic_covariance(shares: np.ndarray, trait_correlation: float) -> np.ndarray:
    # Equal correlations below -1 / (n_traits - 1) cannot hold between all traits at once.
    least = -1 / max(len(shares) - 1, 1)
    check_scalar(trait_correlation, "trait_correlation", Real, min_val=least, max_val=1)
    correlation = np.where(np.eye(len(shares), dtype=bool), 1.0, trait_correlation)
    return correlation * np.sqrt(np.outer(shares, shares))


def _draw_map(n_markers: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum(CHROMOSOME_LENGTHS)
    sites = np.sort(sample_without_replacement(ends[-1], n_markers, random_state=rng))
    chromosomes = np.searchsorted(ends, sites, side="right")
    positions = sites - (ends - CHROMOSOME_LENGTHS)[chromosomes] + 1
    names = np.array([f"chr{c + 1:02d}" for c in range(len(ends))], dtype=object)
    return names[chromosomes], positions


def _recombination_fractions(chromosomes: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Compute each marker's recombination fraction with the marker before it (Haldane 1919)."""
    morgans = np.diff(positions) * MORGANS_PER_BP
    linked = (1 - np.exp(-2 * morgans)) / 2
    same_chromosome = chromosomes[1:] == chromosomes[:-1]
    return np.r_[0.5, np.where(same_chromosome, linked, 0.5)]


def _draw_gametes(
    n_samples: int, recombination: np.ndarray, rng: np.random.RandomState
) -> np.ndarray:
    # Without interference, recombination is independent between intervals: a Markov chain along
    # the chromosome. The fraction 1/2 at a chromosome's first marker draws its parent anew.
    switches = rng.random_sample((n_samples, len(recombination))) < recombination
    return np.bitwise_xor.accumulate(switches.view(np.int8), axis=1)


def _draw_architecture(
    data: np.ndarray,
    n_qtl: int,
    n_epistatic_pairs: int,
    ploidy: int,
    covariance: np.ndarray,
    rng: np.random.RandomState,
) -> dict[str, np.ndarray]:
    qtl = np.sort(rng.choice(data.shape[1], n_qtl, replace=False))
    pairs = _draw_pairs(n_qtl, n_epistatic_pairs, rng)
    deviations = data[:, qtl] - ploidy / 2
    products = deviations[:, pairs].prod(axis=2)
    # Standard deviations of a sum of fair alleles, and of the product of two unlinked sums.
    scales = np.repeat([np.sqrt(ploidy / 4), ploidy / 4], [n_qtl, n_epistatic_pairs])
    standardised = _draw_effects(np.hstack([deviations, products]) / scales, covariance, rng)
    effects, epistatic_effects = np.split(standardised / scales[:, None], [n_qtl])
    breeding_values = deviations @ effects
    return {
        "qtl": qtl,
        "effects": effects,
        "epistatic_pairs": qtl[pairs],
        "epistatic_effects": epistatic_effects,
        "breeding_values": breeding_values,
        "genetic_values": breeding_values + products @ epistatic_effects,
    }


def _draw_pairs(n_qtl: int, n_pairs: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw distinct pairs (i, j), i < j; pair number j (j - 1) / 2 + i stands for (i, j)."""
    number = sample_without_replacement(n_qtl * (n_qtl - 1) // 2, n_pairs, random_state=rng)
    second = ((1 + np.sqrt(1 + 8 * number)) // 2).astype(int)
    return np.column_stack([number - second * (second - 1) // 2, second])


def _draw_effects(
    design: np.ndarray, covariance: np.ndarray, rng: np.random.RandomState
) -> np.ndarray:
    """Draw effects for which `design @ effects` has exactly the covariance asked for."""
    n_loci, n_traits = design.shape[1], len(covariance)
    # A normal whose variance is exponential is Laplace distributed.
    scales = np.sqrt(rng.standard_exponential((n_loci, 1)))
    raw = scales * rng.standard_normal((n_loci, n_traits))
    values = design @ raw
    values -= values.mean(axis=0)
    if np.linalg.matrix_rank(values) < n_traits:
        raise ValueError(
            f"the {n_loci} QTL and pairs vary in fewer directions among the {len(design)} samples "
            f"than there are traits (n_traits={n_traits}): raise n_qtl or n_samples"
        )
    whitener = np.linalg.cholesky(values.T @ values / len(values)).T
    eigenvalues, axes = np.linalg.eigh(covariance)
    root = (axes * np.sqrt(eigenvalues.clip(min=0))) @ axes.T
    return raw @ np.linalg.solve(whitener, root)
