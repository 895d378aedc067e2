"""Spectra of relationship matrices and kernels between the contrasts of the fixed effects.

With fixed effects `W`, a relationship or kernel matrix `K` and the projection
``S = I - W (W'W)^-1 W'``, the spectrum is ``S K S / c = U diag(v) U'``, where ``c`` is the mean
diagonal of the centred `K`. It is the same for every trait that was observed on the same samples,
and for every ratio of the variances (:mod:`sktransformer_gp.variance`).

Weights of samples scale the rows of `W` and `K` by their roots.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, orth, svd

from sktransformer_gp.weights import ROUNDING, SampleWeights

# Number of samples up to which speed counts more than memory in an eigendecomposition.
QUICK_UP_TO = 5000


class Spectrum(NamedTuple):
    """Hold the eigendecomposition ``S K S / c = U diag(v) U'`` without its null space.

    Attributes
    ----------
    values : ndarray of shape (rank,)
        Eigenvalues ``v`` > 0; none where no marker varies.
    vectors : ndarray of shape (n_samples, rank)
        Eigenvectors ``U``.
    fixed : ndarray of shape (n_samples, n_fixed)
        Orthonormal basis of the fixed effects `W`.
    scale : float
        Mean diagonal ``c`` of the centred `K`.
    weights : SampleWeights or None
        Weights of the samples, by whose roots the rows of `vectors` and `fixed` are scaled.
    """

    values: NDArray
    vectors: NDArray
    fixed: NDArray
    scale: float
    weights: SampleWeights | None = None


def kernel_spectrum(
    kernel: NDArray, design: NDArray, weights: SampleWeights | None = None
) -> Spectrum:
    """Decompose a relationship or kernel matrix between the fixed effects' contrasts.

    Parameters
    ----------
    kernel : ndarray of shape (n_samples, n_samples)
        Positive semi-definite matrix `K`; need not be centred.
    design : ndarray of shape (n_samples, n_fixed)
        Fixed effects `W`, a column of ones among them.
    weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.

    Returns
    -------
    Spectrum
        Eigenvalues in units of the mean diagonal of the centred `kernel`.

    Raises
    ------
    ValueError
        If the fixed effects leave no contrast between the samples.
    """
    total, mean = np.trace(kernel) / len(kernel), kernel.mean()
    if weights is not None:
        shares, roots = weights.values / weights.values.sum(), weights.roots
        total, mean = shares @ kernel.diagonal(), shares @ kernel @ shares
        kernel, design = kernel * roots * roots.T, design * roots
    fixed = _fixed_basis(design, weights)
    contrasts = fixed @ (fixed.T @ kernel)
    np.subtract(kernel, contrasts, out=contrasts)
    del kernel  # where it is the caller's no more, its memory is free
    contrasts -= (contrasts @ fixed) @ fixed.T
    values, vectors = _decompose(contrasts)
    return _spectrum(values, vectors, fixed, total - mean, total, weights)


def marker_spectrum(
    markers: NDArray, design: NDArray, weights: SampleWeights | None = None
) -> Spectrum:
    """Decompose ``K = Z Z'`` from `Z`, the cheaper way where markers are fewer than samples.

    Parameters
    ----------
    markers : ndarray of shape (n_samples, n_markers), of float
        Marker codes `Z`; need not be centred.
    design : ndarray of shape (n_samples, n_fixed)
        Fixed effects `W`, a column of ones among them.
    weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.

    Returns
    -------
    Spectrum
        As ``kernel_spectrum(markers @ markers.T, design)``.

    Raises
    ------
    ValueError
        If the fixed effects leave no contrast between the samples.
    """
    total, variance = (markers**2).mean(axis=0).sum(), markers.var(axis=0).sum()
    if weights is not None:
        shares, roots = weights.values / weights.values.sum(), weights.roots
        total = shares @ (markers**2).sum(axis=1)
        variance = shares @ ((markers - shares @ markers) ** 2).sum(axis=1)
        markers, design = markers * roots, design * roots
    fixed = _fixed_basis(design, weights)
    vectors, singular, _ = svd(project(fixed, markers), full_matrices=False, overwrite_a=True)
    return _spectrum(singular**2, vectors, fixed, variance, total, weights)


def project(fixed: NDArray, matrix: NDArray) -> NDArray:
    """Take from a matrix what fixed effects explain of its columns.

    Parameters
    ----------
    fixed : ndarray of shape (n_samples, n_fixed)
        Orthonormal basis of the fixed effects.
    matrix : ndarray of shape (..., n_samples, n_columns)
        Columns to project.

    Returns
    -------
    ndarray of shape (..., n_samples, n_columns)
        Columns orthogonal to the basis.
    """
    return matrix - fixed @ (fixed.T @ matrix)


def _decompose(matrix: NDArray) -> tuple[NDArray, NDArray]:
    """Return eigenvalues and eigenvectors of a symmetric matrix, which may be overwritten."""
    if len(matrix) <= QUICK_UP_TO:
        # SciPy's BLAS is not that of the products: where calls take turns, the threads of the two
        # are in each other's way.
        return np.linalg.eigh(matrix)
    # In place, with two matrices of this size less.
    return eigh(matrix.T, overwrite_a=True, check_finite=False, driver="evd")


def _fixed_basis(design: NDArray, weights: SampleWeights | None) -> NDArray:
    n = len(design) if weights is None else min(len(design), weights.n_observations)
    norms = np.linalg.norm(design, axis=0)
    fixed = orth(design / np.where(norms > 0, norms, 1))
    if fixed.shape[1] >= n:
        raise ValueError(
            f"{fixed.shape[1]} fixed effects (the intercept counts) leave no contrast between the "
            f"{n:g} samples observed for a trait; give more samples or fewer fixed effects"
        )
    return fixed


def _spectrum(
    values: NDArray,
    vectors: NDArray,
    fixed: NDArray,
    scale: float,
    total: float,
    weights: SampleWeights | None,
) -> Spectrum:
    n = len(vectors) if weights is None else weights.values.sum()
    kept = values > ROUNDING * total * n
    scale = scale if kept.any() else 1.0
    return Spectrum(values[kept] / scale, vectors[:, kept], fixed, scale, weights)
