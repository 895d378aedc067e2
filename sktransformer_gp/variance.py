"""Restricted maximum likelihood (REML) of a genetic and a residual variance, in spectral form.

The model of one trait, on the samples observed for it::

    y = W alpha + g + e,   g ~ N(0, s2_g K / c),   e ~ N(0, s2_e I),   lambda = s2_e / s2_g

with fixed effects `W`, a relationship or kernel matrix `K`, and ``c`` the mean diagonal of the
centred `K`, so that ``s2_g`` is the variance between these samples and the heritability is
``h2 = s2_g / (s2_g + s2_e) = 1 / (1 + lambda)``. With the spectrum ``S K S / c = U diag(v) U'``
(:mod:`sktransformer_gp.spectrum`), the squared contrasts ``(U'y)^2`` are all that the restricted
likelihood needs to know of a trait (Kang et al. 2008). One eigendecomposition serves every lambda
and every trait that was observed on the same samples.

Weights w of samples make ``e ~ N(0, s2_e / w)``: rows of `y`, `W` and `K` are scaled by ``sqrt(w)``
and all else holds for what is scaled. Where a weight means so many equal samples, the contrasts
among these, all 0, are counted as well.

References
----------
Patterson HD, Thompson R (1971) Recovery of inter-block information when block sizes are unequal.
Biometrika 58:545-554.

Kang HM, Zaitlen NA, Wade CM, Kirby A, Heckerman D, Daly MJ, Eskin E (2008) Efficient control of
population structure in model organism association mapping. Genetics 178:1709-1723.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sktransformer_gp.likelihood import maximise, profile_likelihood
from sktransformer_gp.omission import Omission
from sktransformer_gp.spectrum import Spectrum, project
from sktransformer_gp.weights import ROUNDING

# Largest share of missing phenotypes for which a decomposition of all samples is the cheaper one.
FEW_MISSING = 1 / 6


class _Contrasts(NamedTuple):
    """What the restricted likelihood needs to know of the traits."""

    values: NDArray  # (rank + 1,): eigenvalues, then 0 for the contrasts without genetic variance
    counts: NDArray  # (rank + 1,): number of contrasts behind each entry
    squares: NDArray  # (rank + 1, n_traits): their summed squares


class VarianceFit(NamedTuple):
    """Hold the REML fit of every trait; traits are the last axis.

    Attributes
    ----------
    lambda_ : ndarray of shape (n_traits,)
        ``s2_e / s2_g`` in 1e-5..1e5; inf where `y` or the markers do not vary.
    components : ndarray of shape (2, n_traits)
        Genetic and residual variance, in the squared unit of the trait.
    log_likelihood : ndarray of shape (n_traits,)
        Restricted log-likelihood at `lambda_`; -inf where `lambda_` is inf. It is that of an
        orthonormal set of contrasts, and may be compared between kernels with the same `W`.
    dual_coef : ndarray of shape (n_samples, n_traits)
        ``a`` with ``K a`` = predicted genetic values; 0 for samples not observed.
    left_out_coef : ndarray of shape (n_folds, n_samples, n_traits) or None
        `dual_coef` from the samples of the other folds, at this `lambda_`, fold by fold in
        ascending order; 0 in the fold itself. None where no folds were given.
    left_out_variance : ndarray of shape (n_samples, n_traits) or None
        Variance of a phenotype around its prediction by these, were it of weight 1, in units of the
        residual variance, >= 1; 0 for samples not observed.
    """

    lambda_: NDArray
    components: NDArray
    log_likelihood: NDArray
    dual_coef: NDArray
    left_out_coef: Any = None  # or NDArray
    left_out_variance: Any = None


def fit_reml(
    y: NDArray,
    spectrum_of: Callable[[NDArray], Spectrum],
    folds: NDArray | None = None,
    nested: bool = False,
) -> VarianceFit:
    """Estimate the variances of every trait from the samples observed for it.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed; at least 2 observed for each trait.
    spectrum_of : callable
        Gives the `Spectrum` of the samples with the row numbers it gets; called once for each
        pattern of missing phenotypes.
    folds : ndarray of shape (n_samples,), of int, default=None
        Fold of each sample, for what is left out; each trait is observed in 2 folds at least.
    nested : bool, default=False
        Whether `spectrum_of` decomposes blocks of one matrix, with the intercept as only fixed
        effect: traits that miss few samples then share a decomposition.

    Returns
    -------
    VarianceFit
        Each trait's fit is that of the trait alone on its observed samples. Where the likelihood
        is flat (two samples, all equally related), the largest lambda is taken: no evidence, no
        genetic variance.
    """
    n, n_traits = y.shape
    per_trait, per_sample = (n_traits,), (n, n_traits)
    fit = VarianceFit(*map(np.zeros, [per_trait, (2, n_traits), per_trait, per_sample]))
    membership = None
    if folds is not None:
        membership = folds == np.unique(folds)[:, None]  # (n_folds, n_samples)
        left_out = np.zeros((len(membership), *per_sample)), np.zeros(per_sample)
        fit = VarianceFit(*fit[:4], *left_out)
    seen = np.flatnonzero(~np.isnan(y).all(axis=1))
    shared = None
    for rows, traits in missingness_patterns(y):
        if nested and 0 < len(seen) - len(rows) <= FEW_MISSING * len(seen):
            shared = shared or spectrum_of(seen)
            traits = _fit_few_missing(fit, shared, y, seen, traits, membership)
        if len(traits):
            _fit_observed(fit, spectrum_of(rows), y, rows, traits, membership)
    return fit


def _fit_observed(
    fit: VarianceFit,
    spectrum: Spectrum,
    y: NDArray,
    rows: NDArray,
    traits: NDArray,
    membership: NDArray | None,
) -> None:
    """Fit traits that were observed on the samples of the spectrum, and enter them in `fit`."""
    cells = np.ix_(rows, traits)
    part = _fit_complete(spectrum, y[cells], None if membership is None else membership[:, rows])
    fit.lambda_[traits] = part.lambda_
    fit.components[:, traits] = part.components
    fit.log_likelihood[traits] = part.log_likelihood
    fit.dual_coef[cells] = part.dual_coef
    if membership is not None:
        fit.left_out_coef[:, *cells], fit.left_out_variance[cells] = part[4:]


def _fit_few_missing(
    fit: VarianceFit,
    spectrum: Spectrum,
    y: NDArray,
    seen: NDArray,
    traits: NDArray,
    membership: NDArray | None,
) -> NDArray:
    """Fit traits that miss samples of the spectrum; return those that it can't serve."""
    varies = np.nanmax(y[:, traits], axis=0) > np.nanmin(y[:, traits], axis=0)
    if len(spectrum.values) == 0:
        return traits
    among_seen = None if membership is None else membership[:, seen]
    for k in traits[varies]:
        part = Omission(spectrum, y[seen, k]).fit(among_seen)
        fit.lambda_[k], fit.log_likelihood[k] = part.lambda_, part.log_likelihood
        fit.components[:, k] = part.residual_variance / part.lambda_, part.residual_variance
        fit.dual_coef[seen, k] = part.dual_coef
        if membership is not None:
            fit.left_out_coef[:, seen, k] = part.left_out_coef
            fit.left_out_variance[seen, k] = part.left_out_variance
    return traits[~varies]


def missingness_patterns(y: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    """Group traits that were observed on the same samples.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.

    Yields
    ------
    rows : ndarray of int
        Samples observed for the traits of the group.
    traits : ndarray of int
        Traits of the group.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.variance import missingness_patterns
    >>> y = np.array([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
    >>> [(rows.tolist(), traits.tolist()) for rows, traits in missingness_patterns(y)]
    [([1], [2]), ([0, 1], [0, 1])]
    """
    patterns, group = np.unique(~np.isnan(y), axis=1, return_inverse=True)
    for k, observed in enumerate(patterns.T):
        yield np.flatnonzero(observed), np.flatnonzero(group.ravel() == k)


def _fit_complete(spectrum: Spectrum, y: NDArray, membership: NDArray | None) -> VarianceFit:
    values, vectors, fixed, scale, weights = spectrum
    roots = np.ones((len(y), 1)) if weights is None else weights.roots
    shifted = (y - y[0]) * roots  # a constant trait becomes an exact 0
    residual = project(fixed, shifted)
    explained = _norm(residual) <= ROUNDING * _norm(shifted)
    residual[:, explained] = 0
    projected = vectors.T @ residual
    rest = residual - vectors @ projected
    # Once more: what rounding leaves of the two in it would be divided by a small lambda.
    rest = project(fixed, project(vectors, rest))
    contrasts = _contrasts(spectrum, projected, rest)
    lambda_, likelihood = _maximise(contrasts, varies=~explained & (len(values) > 0))
    shares = 1 / (contrasts.values[:, None] / lambda_ + 1)  # (rank + 1, n_traits)
    residual_variance = (shares * contrasts.squares).sum(axis=0) / contrasts.counts.sum()
    components = np.vstack([residual_variance / lambda_, residual_variance])
    dual = _dual(spectrum, projected, rest, lambda_)
    left_out = None, None
    if membership is not None:
        shrinkage = values[:, None] / (values[:, None] + lambda_)  # (rank, n_traits)
        left = residual - vectors @ (shrinkage * projected)
        errors, variance = _errors(spectrum, lambda_, left, membership)
        off = project(fixed, errors)
        projected_off = vectors.T @ off
        rest_off = off - vectors @ projected_off
        left_out_dual = dual - _dual(spectrum, projected_off, rest_off, lambda_)
        left_out_dual[membership] = 0  # but for rounding
        # Of one observation: without the part that a weight other than 1 gives the residual.
        left_out = left_out_dual * roots / scale, 1 + (variance - 1) / roots**2
    return VarianceFit(lambda_, components, likelihood, dual * roots / scale, *left_out)


def _errors(
    spectrum: Spectrum, lambda_: NDArray, left: NDArray, membership: NDArray
) -> tuple[NDArray, NDArray]:
    """Solve ``P_ff e_f = (P y)_f``, fold by fold, with ``P = S - U diag(v / (v + lambda)) U'``.

    ``e_f = y_f - E(y_f | y of the other folds)``, exact for the given lambda: the inverse of a
    block of the precision matrix is the variance given the rest, here in units of s2_e. With e_f
    taken from y_f, all samples have the dual coefficients of the other folds.
    """
    errors, variance = np.zeros((len(membership), *left.shape)), np.zeros(left.shape)
    # Of many traits, some have the same lambda, at a bound.
    groups = [(value, np.flatnonzero(lambda_ == value)) for value in np.unique(lambda_)]
    for error, out in zip(errors, membership, strict=True):
        vectors, fixed = spectrum.vectors[out], spectrum.fixed[out]
        unrelated = np.eye(len(fixed)) - fixed @ fixed.T
        for value, traits in groups:
            # A matrix times its own transpose is half the work.
            shrunken = vectors * np.sqrt(spectrum.values / (spectrum.values + value))
            precision = unrelated - shrunken @ shrunken.T
            # Not SciPy's, as for small kernels' spectra: where they take turns, ten times slower.
            covariance = np.linalg.inv(precision)
            cells = np.ix_(out, traits)
            error[cells], variance[cells] = covariance @ left[cells], covariance.diagonal()[:, None]
    return errors, variance


def _dual(spectrum: Spectrum, projected: NDArray, rest: NDArray, lambda_: NDArray) -> NDArray:
    """Return dual coefficients (..., n_samples, n_traits) in the scaled model."""
    ridge = spectrum.values[:, None] + lambda_
    return spectrum.vectors @ (projected / ridge) + rest / lambda_


def _contrasts(spectrum: Spectrum, projected: NDArray, rest: NDArray) -> _Contrasts:
    n, n_fixed = spectrum.fixed.shape
    n = n if spectrum.weights is None else spectrum.weights.n_observations
    rank = len(spectrum.values)
    return _Contrasts(
        values=np.append(spectrum.values, 0.0),
        counts=np.append(np.ones(rank), n - n_fixed - rank),
        squares=np.vstack([projected**2, (rest**2).sum(axis=0)]),
    )


def _maximise(contrasts: _Contrasts, varies: NDArray) -> tuple[NDArray, NDArray]:
    lambda_, likelihood = np.full(len(varies), np.inf), np.full(len(varies), -np.inf)
    for k in np.flatnonzero(varies):
        profile = partial(_profile, contrasts.values, contrasts.counts, contrasts.squares[:, k])
        lambda_[k], likelihood[k] = maximise(profile)
    return lambda_, likelihood


def _profile(
    values: NDArray, counts: NDArray, squares: NDArray, lambdas: NDArray
) -> tuple[NDArray, NDArray]:
    kept = lambdas[:, None] / (values + lambdas[:, None])  # (n_lambdas, rank + 1)
    log_dets = -np.log(kept) @ counts
    return profile_likelihood(
        kept @ squares, kept**2 @ squares, kept @ counts, log_dets, counts.sum()
    )


def _norm(matrix: NDArray) -> NDArray:
    return np.linalg.norm(matrix, axis=0)
