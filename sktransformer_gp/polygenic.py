"""The polygenic term: genetic values from relationships over all markers, linear to Gaussian."""

from collections.abc import Callable, Iterator
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.crossfit import out_of_fold
from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.relationship import marker_factors
from sktransformer_gp.saving.estimators import ModelFileMixin
from sktransformer_gp.spectrum import Spectrum, kernel_spectrum
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_phenotypes
from sktransformer_gp.variance import fit_reml, missingness_patterns
from sktransformer_gp.weights import (
    SampleWeights,
    check_sample_weight,
    drop_weightless,
    median_distance,
    take,
    weighted_mean,
)

ROWS = 2048  # candidates predicted at a time
IN_CACHE = 512  # of these in the cache at a time
MARKERS = 1024  # markers scaled at a time
ALL = slice(None)


class PolygenicRegressor(ModelFileMixin, TraitRegressorMixin, PageMixin, BaseEstimator):
    """Predict genetic values by a likelihood-weighted average over four kernels.

    Each trait follows ``y = mu + g + e`` with ``g ~ N(0, s2_g K)`` and ``e ~ N(0, s2_e I)``, where
    `K` is one of ``G``, ``(G + R) / 2``, ``R`` and ``R * R``: relationships ``G = Z Z'`` and a
    Gaussian kernel ``R = exp(-D / median(D))`` on squared distances `D`, with `Z` the dosages minus
    each marker's mean, over the root of its standard deviation
    (:func:`~sktransformer_gp.relationship.marker_factors`). Each kernel has its variances by REML;
    predictions are averaged in proportion to the restricted likelihoods, so that the data decide
    between additive effects and kinship without ever picking a kernel for good.

    Parameters
    ----------
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means. "repeats": w equal samples, as in scikit-learn.
        "precision": one sample of residual variance ``s2_e / w``, such as a mean over w plots, or a
        breeding value of reliability w. A mean that is called repeats makes believe that plots
        agree to the last digit: heritability goes to 1.

    Attributes
    ----------
    kernel_weights_ : ndarray of shape (4,) or (4, n_traits)
        Weight of each kernel, in the order above; they sum to 1.
    lambda_ : ndarray of shape (4,) or (4, n_traits)
        ``s2_e / s2_g`` with each kernel; inf where the trait or the markers do not vary.
    dual_coef_ : ndarray of shape (4, n_samples) or (4, n_samples, n_traits)
        Weights of the training samples; a kernel's predictions are
        ``K_k @ dual_coef_[k] + intercept_[k]``.
    intercept_ : ndarray of shape (4,) or (4, n_traits)
        Intercept with each kernel.
    residual_variance_ : ndarray of shape (4,) or (4, n_traits)
        ``s2_e`` with each kernel, in the squared unit of the trait.
    out_of_fold_ : ndarray of shape (n_samples,) or (n_samples, n_traits), or None
        Prediction of each training sample, observed or not, from those of the other folds, where
        `fit` got folds.
    out_of_fold_std_ : ndarray of the same shape, or None
        Standard deviation of a phenotype around it; NaN for samples not observed.
    width_ : float
        ``median(D)`` between the training samples that differ, 1 where none does.
    center_, factors_ : ndarray of shape (n_markers,)
        Mean of each marker, and what dosages minus this mean are multiplied by; 0 for a marker that
        does not vary.
    X_fit_ : ndarray of shape (n_samples, n_markers)
        Training dosages, in their own type, of the samples of weight above 0; other attributes
        have no other samples either.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where `X` had them.

    See Also
    --------
    sktransformer_gp.gblup.GBLUPRegressor : The linear kernel alone.
    sktransformer_gp.rkhs.RKHSRegressor : The Gaussian kernel of the likeliest bandwidth.

    Notes
    -----
    Restricted likelihoods may be compared between kernels because all have the same fixed effect,
    the intercept.

    Out-of-fold predictions do not fit the model once for each fold: with ``P`` the projected
    precision matrix, ``y_f - E(y_f | rest) = inv(P_ff) (P y)_f``, and where y_f is replaced by its
    expectation, all samples have the dual coefficients of the rest. Variances and kernel weights
    are those of all training samples, a handful of numbers for each trait.

    Samples without a phenotype of a trait (NaN) are left out for this trait. A constant trait is
    predicted by its constant.

    References
    ----------
    de los Campos G, Gianola D, Rosa GJM, Weigel KA, Crossa J (2010) Semi-parametric genomic-enabled
    prediction of genetic values using reproducing kernel Hilbert spaces methods. Genet Res
    92:295-308.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.polygenic import PolygenicRegressor
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10, dtype=np.int8)
    >>> y = X[:, 0] ^ X[:, 1]  # interaction only: no marker has an effect of its own
    >>> model = PolygenicRegressor().fit(X, y)
    >>> model.predict(X[:4]).round(2), model.kernel_weights_.round(2)
    (array([0., 1., 1., 0.]), array([0., 0., 0., 1.]))
    """

    def __init__(self, weighting: str = "repeats"):
        self.weighting = weighting

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        folds: NDArray | None = None,
        marker_weights: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "PolygenicRegressor":
        """Estimate variances and weight of each kernel, trait by trait.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, in any unit; NaN = not observed.
        folds : ndarray of shape (n_samples,), of int, default=None
            Fold of each sample, for `out_of_fold_`; each trait is observed in 2 folds at least.
        marker_weights : array-like of shape (n_markers,), default=None
            How often each marker counts in relationships, > 0: the number of markers that it stands
            for, after merging. None = all 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. None = all 1.

        Returns
        -------
        PolygenicRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a dosage is missing, a phenotype infinite, a trait observed fewer than 2 times, or a
            weight is not valid.
        """
        X = check_dosages(self, X, reset=True, min_samples=2)
        weights = check_sample_weight(sample_weight, len(X), self.weighting)
        y = check_phenotypes(self, y, X, weights)
        if folds is not None and weights is not None:
            folds = folds[weights > 0]
        X, y, weights = drop_weightless(X, y, weights, self.weighting)
        traits = y.reshape(len(y), -1)
        self._weights = weights and weights.values
        self.center_, self.factors_ = marker_factors(X, marker_weights, self._weights)
        self.X_fit_ = X
        products, self._norms = self._relate(X)
        self.width_ = median_distance(_distances(self._norms, products, self._norms), weights)
        kernels = self._kernels(products, self._norms)
        nested = weights is None
        fits = [fit_reml(traits, _spectra(kernel, weights), folds, nested) for kernel in kernels]
        stacked = {
            name: np.stack([getattr(fit, name) for fit in fits])
            for name in ("lambda_", "components", "log_likelihood", "dual_coef")
        }
        # Where no likelihood is defined (a constant trait), all kernels predict the same.
        likelihoods = np.maximum(stacked["log_likelihood"], np.finfo(float).min / 4)
        dual = stacked["dual_coef"]  # (4, n_samples, n_traits)

        self._trait = 0 if y.ndim == 1 else slice(None)
        self.kernel_weights_ = softmax(likelihoods, axis=0)[:, self._trait]
        self.lambda_ = stacked["lambda_"][:, self._trait]
        self.residual_variance_ = stacked["components"][:, 1, self._trait]
        self.dual_coef_ = dual[..., self._trait]
        self.intercept_ = weighted_mean(traits - kernels @ dual, weights, axis=1)[:, self._trait]
        self.out_of_fold_ = self.out_of_fold_std_ = None
        if folds is not None:
            parts = zip(kernels, fits, strict=True)
            genetic = (kernel @ fit.left_out_coef for kernel, fit in parts)
            means = np.stack([out_of_fold(g, traits, folds, weights) for g in genetic])
            ratios = np.stack([fit.left_out_variance for fit in fits])
            self.out_of_fold_, std = self._average(means, ratios)
            self.out_of_fold_std_ = np.where(np.isnan(y), np.nan, std)
        self._patterns = list(missingness_patterns(traits))
        return self

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[False] = False) -> NDArray: ...

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[True]) -> tuple[NDArray, NDArray]: ...

    def predict(self, X: ArrayLike, return_std: bool = False) -> NDArray | tuple[NDArray, NDArray]:
        """Predict phenotypes: intercept plus genetic value.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages of the markers seen in `fit`.
        return_std : bool, default=False
            Whether to return the standard deviation of a new phenotype of each sample as well.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_traits)
            Predictions, in the unit of the trait.
        std : ndarray of the same shape
            Standard deviation of a phenotype around its prediction: what is not known of the
            genetic value, and the residual. Only with ``return_std=True``.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False)
        blocks = (self._relate(X[start : start + ROWS]) for start in range(0, len(X), ROWS))
        if not return_std:
            by_kernel = (self._means(*block) for block in blocks)
            return np.concatenate([self._average(m, np.zeros_like(m))[0] for m in by_kernel])
        kept = list(blocks)  # as each pattern of missing phenotypes is decomposed once
        means = np.concatenate([self._means(*block) for block in kept], axis=1)
        return self._average(means, self._variance_ratios(kept))

    def _relate(self, X: NDArray) -> tuple[NDArray, NDArray]:
        """Return products with the training samples and with itself."""
        products, norms = np.zeros((len(X), len(self.X_fit_))), np.zeros(len(X))
        # Fresh memory for each block would take as long as what is written to it.
        n_rows, width = min(IN_CACHE, len(X)), min(MARKERS, X.shape[1])
        rooms = np.empty((n_rows, width)), np.empty((len(self.X_fit_), width))
        more = np.empty((n_rows, len(self.X_fit_)))
        for start in range(0, X.shape[1], MARKERS):
            part = slice(start, start + MARKERS)
            known = self._scale(self.X_fit_[:, part], part, rooms[1])
            for rows in _in_cache(len(X)):
                new = self._scale(X[rows, part], part, rooms[0])
                products[rows] += np.matmul(new, known.T, out=more[: len(new)])
                norms[rows] += np.einsum("ij,ij->i", new, new)
        return products, norms

    def _scale(self, dosages: NDArray, markers: slice, room: NDArray) -> NDArray:
        """Centre and scale dosages of some markers, in this memory."""
        scaled = room[: len(dosages), : dosages.shape[1]]
        np.subtract(dosages, self.center_[markers], out=scaled)
        scaled *= self.factors_[markers]
        return scaled

    def _kernels(
        self, products: NDArray, norms: NDArray, rows: NDArray | slice = ALL
    ) -> list[NDArray]:
        """Compute the four kernels between samples and these training samples."""
        products = products[:, rows]
        return self._values(products, _distances(norms, products, self._norms[rows]))

    def _values(self, products: NDArray, distances: NDArray) -> list[NDArray]:
        G, R = products, distances / -self.width_
        np.exp(R, out=R)
        return [G, (G + R) / 2, R, R * R]

    def _means(self, products: NDArray, norms: NDArray) -> NDArray:
        """Predict with each kernel, (4, n, n_traits)."""
        dual = self.dual_coef_.reshape(*self.dual_coef_.shape[:2], -1)
        intercepts = self.intercept_.reshape(len(dual), 1, -1)
        means = np.empty((len(dual), len(norms), dual.shape[2]))
        for rows in _in_cache(len(norms)):
            kernels = self._kernels(products[rows], norms[rows])
            for mean, K, a in zip(means, kernels, dual, strict=True):
                np.matmul(K, a, out=mean[rows])
        return means + intercepts

    def _average(self, means: NDArray, ratios: NDArray) -> tuple[NDArray, NDArray]:
        """Return mean and standard deviation over the kernels of (4, n, n_traits) each.

        `ratios` are variances within a kernel, in units of its residual variance.
        """
        weights, residual = (
            values.reshape(len(means), -1)
            for values in (self.kernel_weights_, self.residual_variance_)
        )
        mean = np.einsum("kt,kit->it", weights, means)
        variances = residual[:, None] * ratios + np.square(means - mean)
        std = np.sqrt(np.einsum("kt,kit->it", weights, variances))
        return mean[:, self._trait], std[:, self._trait]

    def _variance_ratios(self, blocks: list[tuple[NDArray, NDArray]]) -> NDArray:
        """Predict the variance of new phenotypes, in units of the residual variance."""
        lambdas = self.lambda_.reshape(len(self.lambda_), -1)
        weights = None
        if self._weights is not None:
            weights = SampleWeights(self._weights, self.weighting == "repeats")
        among_training = self._relate(self.X_fit_)[0]
        ratios = [np.empty((len(lambdas), len(norms), lambdas.shape[1])) for _, norms in blocks]
        for rows, traits in self._patterns:
            kernels = self._kernels(among_training[rows], self._norms[rows], rows)
            ones, weight = np.ones((len(rows), 1)), take(weights, rows)
            spectra = [kernel_spectrum(kernel, ones, weight) for kernel in kernels]
            for ratio, (products, norms) in zip(ratios, blocks, strict=True):
                between = self._kernels(products, norms, rows)
                own = self._values(norms, np.zeros(len(norms)))
                for k, parts in enumerate(zip(kernels, spectra, between, own, strict=True)):
                    ratio[k][:, traits] = _variance_ratio(*parts, lambdas[k, traits])
        return np.concatenate(ratios, axis=1)


def _in_cache(n_rows: int) -> Iterator[slice]:
    """Part rows into blocks whose kernels stay in the cache."""
    return (slice(start, start + IN_CACHE) for start in range(0, n_rows, IN_CACHE))


def _distances(left: NDArray, products: NDArray, right: NDArray) -> NDArray:
    return np.maximum(left[:, None] + right - 2 * products, 0)


def _spectra(kernel: NDArray, weights: SampleWeights | None) -> Callable[[NDArray], Spectrum]:
    """Return what decomposes the kernel between some rows."""

    def spectrum_of(rows: NDArray) -> Spectrum:
        observed, ones = kernel[np.ix_(rows, rows)], np.ones((len(rows), 1))
        return kernel_spectrum(observed, ones, take(weights, rows))

    return spectrum_of


def _variance_ratio(
    kernel: NDArray, spectrum: Spectrum, between: NDArray, own: NDArray, lambdas: NDArray
) -> NDArray:
    """Compute ``1 + 1 / n + (k_ii - k_i' inv(K + lambda) k_i) / lambda`` of centred kernels.

    The second term is how little is known of the mean.
    """
    weights = np.ones(len(kernel)) if spectrum.weights is None else spectrum.weights.values
    shares = weights / weights.sum()
    means, new = shares @ kernel, between @ shares
    centred = between - means - new[:, None] + means @ shares
    own = (own - 2 * new + means @ shares) / spectrum.scale
    known = np.square(centred * np.sqrt(weights) @ spectrum.vectors / spectrum.scale)  # (n, rank)
    explained = known @ (1 / (spectrum.values[:, None] + lambdas))
    return 1 + 1 / weights.sum() + np.maximum(own[:, None] - explained, 0) / lambdas
