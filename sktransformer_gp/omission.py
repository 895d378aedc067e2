"""REML of a trait that misses a few samples of a decomposed kernel, without decomposing anew.

With the projected precision matrix ``P`` of all samples, that of the samples o without the missing
ones m is ``P_oo - P_om inv(P_mm) P_mo``, and its log determinant differs by that of ``P_mm``. Where
m is small this is far cheaper than an eigendecomposition of its own for each trait, and as exact.
Precision matrices are in units of the residual variance here: ``P = S - U diag(k) U'`` with the
shrinkage ``k = v / (v + lambda)`` of the contrasts.
"""

from typing import NamedTuple

import numpy as np
from numpy.linalg import inv, slogdet
from numpy.typing import NDArray

from sktransformer_gp.likelihood import LAMBDAS, maximise, profile_likelihood
from sktransformer_gp.spectrum import Spectrum

# Each step costs as much here as a whole maximisation does where no sample is missing.
GRID = LAMBDAS[::4]


class _Filled(NamedTuple):
    """The trait where missing phenotypes are what the observed ones predict for them."""

    inverse: NDArray  # (n_missing, n_missing): of P_mm
    log_det: float  # of P_mm
    added: NDArray  # (n_missing,): what was put in
    projected: NDArray  # (rank,): contrasts U'y
    square: float  # y'Py
    squared_norm: float  # |Py|^2


class OmissionFit(NamedTuple):
    """Hold the REML fit of one trait.

    Attributes
    ----------
    lambda_, log_likelihood : float
        As in :class:`sktransformer_gp.variance.VarianceFit`.
    residual_variance : float
        ``s2_e``, in the squared unit of the trait.
    dual_coef : ndarray of shape (n_samples,)
        ``a`` with ``K a`` = predicted genetic values; 0 for missing samples.
    left_out_coef : ndarray of shape (n_folds, n_samples) or None
        As in :class:`sktransformer_gp.variance.VarianceFit`.
    left_out_variance : ndarray of shape (n_samples,) or None
        As there.
    """

    lambda_: float
    log_likelihood: float
    residual_variance: float
    dual_coef: NDArray
    left_out_coef: NDArray | None
    left_out_variance: NDArray | None


class Omission:
    """Fit one trait by the eigendecomposition of more samples than are observed for it.

    Parameters
    ----------
    spectrum : Spectrum
        Decomposition between all samples, with the intercept as only fixed effect.
    y : ndarray of shape (n_samples,)
        Phenotypes, NaN = not observed; they vary.
    """

    def __init__(self, spectrum: Spectrum, y: NDArray):
        values, self.vectors, self.fixed, scale, _ = spectrum
        self.missing = np.isnan(y)
        seen, n_seen = self.vectors[~self.missing], (~self.missing).sum()
        # lambda is in units of the mean diagonal of the kernel centred between observed samples.
        means = seen.mean(axis=0)
        unit = values @ (np.square(seen).sum(axis=0) / n_seen - means**2)
        self.values, self.scale = values / unit, scale * unit
        self.n = n_seen - 1
        self.n_flat = len(y) - 1 - len(values)  # contrasts without genetic variance
        self.of_missing = self.vectors[self.missing]
        shared = self.fixed[self.missing]
        self.shared = np.eye(len(shared)) - shared @ shared.T  # S_mm
        self.constant = -np.log(n_seen / len(y))  # log |W'W| - log |W_o'W_o|
        filled = np.where(self.missing, 0, y - np.nanmean(y))
        self.residual = filled - filled.mean()
        self.projected = self.vectors.T @ self.residual
        rest = self.residual - self.vectors @ self.projected
        self.rest_of_missing, self.rest_square = rest[self.missing], rest @ rest

    def fit(self, membership: NDArray | None) -> OmissionFit:
        """Maximise the restricted likelihood; leave out each fold (n_folds, n_samples) in turn."""
        lambda_, height = maximise(self._profile, GRID)
        shrinkage = self.values / (self.values + lambda_)
        filled = self._fill(shrinkage)
        left = self._left(shrinkage, filled)
        unit = lambda_ * self.scale
        left_out = None, None
        if membership is not None:
            lefts, variance = self._left_out(shrinkage, filled.inverse, left, membership)
            left_out = lefts / unit, variance
        return OmissionFit(lambda_, height, filled.square / self.n, left / unit, *left_out)

    def _profile(self, lambdas: NDArray) -> tuple[NDArray, NDArray]:
        shrinkages = self.values / (self.values + lambdas[:, None])
        terms = np.array([self._terms(shrinkage) for shrinkage in shrinkages])
        squares, squared_norms, traces, log_dets = terms.T
        return profile_likelihood(squares, squared_norms, traces, log_dets, self.n)

    def _terms(self, shrinkage: NDArray) -> tuple[float, float, float, float]:
        """Return y'Py, |Py|^2, the trace of P and the log determinant, of what is observed."""
        kept = 1 - shrinkage
        filled = self._fill(shrinkage)
        squared = self.shared - (self.of_missing * (1 - kept**2)) @ self.of_missing.T  # (P P)_mm
        trace = kept.sum() + self.n_flat - (filled.inverse * squared).sum()
        log_det = filled.log_det - np.log(kept).sum() + self.constant
        return filled.square, filled.squared_norm, trace, log_det

    def _fill(self, shrinkage: NDArray) -> _Filled:
        # By NumPy, as the products: SciPy has a BLAS of its own, whose threads would be in the way.
        precision = self.shared - (self.of_missing * shrinkage) @ self.of_missing.T  # P_mm
        inverse, log_det = inv(precision), slogdet(precision).logabsdet
        left = self.residual[self.missing] - self.of_missing @ (shrinkage * self.projected)
        added = -inverse @ left
        kept, moved = 1 - shrinkage, self.of_missing.T @ added
        projected = self.projected + moved
        square = kept @ self.projected**2 + self.rest_square + left @ added
        rest = self.rest_square + 2 * self.rest_of_missing @ added
        rest += added @ self.shared @ added - moved @ moved
        squared_norm = kept**2 @ projected**2 + max(rest, 0)
        return _Filled(inverse, log_det, added, projected, square, squared_norm)

    def _left(self, shrinkage: NDArray, filled: _Filled) -> NDArray:
        """Return P y of the filled trait, (n_samples,): 0 for missing samples."""
        left = self.residual - self.fixed @ (self.fixed[self.missing].T @ filled.added)
        left -= self.vectors @ (shrinkage * filled.projected)
        left[self.missing] = 0  # but for rounding
        return left

    def _left_out(
        self, shrinkage: NDArray, inverse: NDArray, left: NDArray, membership: NDArray
    ) -> tuple[NDArray, NDArray]:
        """Return P y without the errors of each fold (n_folds, n_samples), and their variances."""
        errors, variance = np.zeros(membership.shape), np.zeros_like(left)
        weights = np.append(np.ones(self.fixed.shape[1]), shrinkage)
        basis = np.hstack([self.fixed, self.vectors])
        of_missing = basis[self.missing]
        membership = membership & ~self.missing
        for error, out in zip(errors, membership, strict=True):
            weighted = basis[out] * weights
            between = weighted @ of_missing.T
            precision = np.eye(len(weighted)) - weighted @ basis[out].T
            precision -= between @ inverse @ between.T
            covariance = inv(precision)
            error[out], variance[out] = covariance @ left[out], covariance.diagonal()
        # Missing phenotypes change by what the errors, taken away, predict for them.
        of_errors = (errors @ basis) * weights
        errors[:, self.missing] = of_errors @ of_missing.T @ inverse
        lefts = left - errors + (errors @ basis) * weights @ basis.T
        lefts[membership | self.missing] = 0  # but for rounding
        return lefts, variance
