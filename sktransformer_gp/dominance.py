"""Dominance: what heterozygotes are beyond the mean of the homozygotes."""

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

BLOCK = 2**22  # dosages at a time
# Of the dosages' variance: dominance deviations have 1/2 in an F2, .12 in an F4 and .06 in an F5,
# and near 1/3 in an outbred population.
LEAST_SHARE = 0.1


def dominance_moments(X: NDArray, weights: NDArray | None = None) -> NDArray | None:
    r"""Learn the dominance deviation of each marker.

    Heterozygosity under ploidy :math:`p` is :math:`h = 2 x (p - x) / p`, which is 1 for a diploid
    heterozygote. Less its regression on the dosage, and in units of the dosage's standard
    deviation :math:`s`, it is :math:`(2 s / p) (1 + \gamma z - z^2)`, with the standardised dosage
    :math:`z` and its skewness :math:`\gamma`: not correlated with the dosage, so that additive
    effects keep their meaning, and zero where a marker has two genotypes only. In Hardy-Weinberg
    equilibrium its values are those of Vitezica et al.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages 0..ploidy without missing values; read in blocks of rows.
    weights : ndarray of shape (n_samples,) or None, default=None
        Weights > 0 of the samples; None = all 1.

    Returns
    -------
    ndarray of shape (2, n_markers), of float64, or None
        Skewness :math:`\gamma` and factor :math:`2 s / p` of each marker, 0 where it is constant.
        None where there is little to learn: the deviations have less than 10 % of the variance that
        the dosages have (haploids, inbred lines), or there are values below 0, which no dosage
        has.

    References
    ----------
    Vitezica ZG, Varona L, Legarra A (2013) On the additive and dominant variance and covariance of
    individuals within the genomic selection scope. Genetics 195:1223-1230.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.dominance import dominance_moments
    >>> dominance_moments(np.array([[0], [1], [1], [2]])).round(3)  # an F2
    array([[0.   ],
           [0.707]])
    >>> dominance_moments(np.array([[0], [0], [2], [2]])) is None  # inbred lines
    True
    """
    ploidy = float(X.max())
    if ploidy < 2 or X.min() < 0:
        return None
    powers = np.zeros((4, X.shape[1]))
    for rows in gen_batches(len(X), max(1, BLOCK // X.shape[1])):
        x = X[rows].astype(np.float64)
        weight, power = np.ones(len(x)) if weights is None else weights[rows], x.copy()
        for total in powers:
            total += weight @ power
            power *= x
    m1, m2, m3, m4 = powers / (len(X) if weights is None else weights.sum())
    variance = np.maximum(m2 - m1**2, 0)  # exact enough: dosages are small numbers
    varies = variance > 1e-12 * ploidy**2
    s = np.sqrt(np.where(varies, variance, 1))
    skewness = np.where(varies, (m3 - 3 * m1 * m2 + 2 * m1**3) / s**3, 0)
    kurtosis = np.where(varies, (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / s**4, 1)
    factor = np.where(varies, 2 / ploidy * s, 0)
    share = factor**2 * np.maximum(kurtosis - skewness**2 - 1, 0)
    if not varies.any() or share[varies].mean() < LEAST_SHARE:
        return None
    return np.stack([skewness, factor])
