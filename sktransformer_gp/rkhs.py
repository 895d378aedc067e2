"""RKHS regression: genetic values from a Gaussian kernel on the markers, variances by REML."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.relationship import squared_distances
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

ROWS = 1024  # candidates predicted at a time


class RKHSRegressor(ModelFileMixin, TraitRegressorMixin, PageMixin, BaseEstimator):
    """Predict genetic values by a Gaussian kernel on the markers (RKHS regression).

    Each trait follows ``y = mu + g + e`` with ``g ~ N(0, s2_g K / c)``, ``e ~ N(0, s2_e I)`` and
    ``K = exp(-D / (bandwidth * median(D)))``; `D` holds the squared Euclidean distances between
    the samples' dosages, ``c`` is the mean diagonal of `K` centred by the training mean. Bandwidth
    and variances of each trait maximise its restricted likelihood (REML) in the training data.

    Parameters
    ----------
    bandwidths : tuple of float, default=(0.25, 0.5, 1.0, 2.0, 4.0)
        Bandwidths to choose from, > 0, in units of the median squared distance between the
        observed samples (pairs of identical samples left out). Small = only close kin count;
        large = close to GBLUP.
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means. "repeats": w equal samples, as in scikit-learn.
        "precision": one sample of residual variance ``s2_e / w``, such as a mean over w plots, or a
        breeding value of reliability w. A mean that is called repeats makes believe that plots
        agree to the last digit: heritability goes to 1.

    Attributes
    ----------
    bandwidth_ : float or ndarray of shape (n_traits,)
        Bandwidth of the highest restricted likelihood; the first where a trait is constant.
    width_ : float or ndarray of shape (n_traits,)
        ``bandwidth_ * median(D)``, in squared units of dosage.
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_traits)
        Weights of the training samples: predictions are ``K @ dual_coef_ + intercept_``.
    intercept_ : float or ndarray of shape (n_traits,)
        Intercept ``mu``.
    h2_ : float or ndarray of shape (n_traits,)
        ``s2_g / (s2_g + s2_e)`` in [0, 1], a broad-sense heritability as far as the kernel goes.
    lambda_ : float or ndarray of shape (n_traits,)
        ``s2_e / s2_g``, in 1e-5..1e5; inf where the trait or the markers do not vary.
    variance_components_ : ndarray of shape (2,) or (n_traits, 2)
        ``s2_g`` and ``s2_e``, in the squared unit of the trait.
    X_fit_ : ndarray of shape (n_samples, n_markers)
        Training dosages, in their own type.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where `X` had them.

    See Also
    --------
    sktransformer_gp.gblup.GBLUPRegressor : The linear kernel.

    Notes
    -----
    Restricted likelihoods may be compared between bandwidths because all have the same fixed
    effect, the intercept: they are likelihoods of the same contrasts of `y`. Where one does not
    want common markers to count more than rare ones, put a ``StandardScaler`` before it.

    Samples without a phenotype of a trait (NaN) are left out for this trait. A constant trait is
    predicted by its constant, with ``h2_ = 0``.

    References
    ----------
    de los Campos G, Gianola D, Rosa GJM, Weigel KA, Crossa J (2010) Semi-parametric genomic-enabled
    prediction of genetic values using reproducing kernel Hilbert spaces methods. Genet Res
    92:295-308.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.rkhs import RKHSRegressor
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10, dtype=np.int8)
    >>> y = X[:, 0] ^ X[:, 1]  # interaction only: no marker has an effect of its own
    >>> RKHSRegressor().fit(X, y).predict(X[:4]).round(2)
    array([0., 1., 1., 0.])
    """

    def __init__(
        self,
        bandwidths: Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0),
        weighting: str = "repeats",
    ):
        self.bandwidths = bandwidths
        self.weighting = weighting

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "RKHSRegressor":
        """Choose the bandwidth and estimate the variances of each trait.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, in any unit; NaN = not observed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. None = all 1.

        Returns
        -------
        RKHSRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a dosage is missing, a phenotype infinite, a trait observed fewer than 2 times, a
            bandwidth is not above 0, or a weight is not valid.
        """
        bandwidths = self._check_bandwidths()
        X = check_dosages(self, X, reset=True, min_samples=2)
        weights = check_sample_weight(sample_weight, len(X), self.weighting)
        y = check_phenotypes(self, y, X, weights)
        X, y, weights = drop_weightless(X, y, weights, self.weighting)
        traits = y.reshape(len(y), -1)
        distances = squared_distances(X, X)
        fits = [fit_reml(traits, _spectra(distances, b, weights)) for b in bandwidths]
        best = np.argmax([fit.log_likelihood for fit in fits], axis=0)  # (n_traits,)
        lambda_, components, dual = (
            np.stack([getattr(fit, name) for fit in fits])[best, ..., np.arange(len(best))]
            for name in ("lambda_", "components", "dual_coef")
        )  # (n_traits, ...)
        widths = bandwidths[best] * _median_distances(distances, traits, weights)
        genetic = _genetic_values(distances, widths, dual)

        trait = 0 if y.ndim == 1 else slice(None)
        self.X_fit_, self.dual_coef_ = X, dual.T[:, trait]
        self.bandwidth_, self.width_ = bandwidths[best][trait], widths[trait]
        self.intercept_ = weighted_mean(traits - genetic, weights)[trait]
        self.lambda_, self.h2_ = lambda_[trait], 1 / (1 + lambda_[trait])
        self.variance_components_ = components[trait]
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict phenotypes: intercept plus genetic value.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages of the markers seen in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_traits)
            Predictions, in the unit of the trait.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False)
        dual, widths = np.atleast_2d(self.dual_coef_.T), np.atleast_1d(self.width_)
        genetic = np.concatenate(
            [
                _genetic_values(squared_distances(X[s : s + ROWS], self.X_fit_), widths, dual)
                for s in range(0, len(X), ROWS)
            ]
        )
        return (genetic[:, 0] if self.dual_coef_.ndim == 1 else genetic) + self.intercept_

    def _check_bandwidths(self) -> NDArray:
        bandwidths = np.asarray(self.bandwidths)
        numeric = bandwidths.dtype.kind in "iuf" and bandwidths.ndim == 1 and bandwidths.size > 0
        if not numeric or not np.all((bandwidths > 0) & (bandwidths < np.inf)):
            raise ValueError(
                f"bandwidths is a sequence of finite numbers > 0, got {self.bandwidths!r}"
            )
        return bandwidths.astype(np.float64)


def _spectra(
    distances: NDArray, bandwidth: float, weights: SampleWeights | None
) -> Callable[[NDArray], Spectrum]:
    """Return what decomposes the kernel between some rows."""

    def spectrum_of(rows: NDArray) -> Spectrum:
        kernel, weight = distances[np.ix_(rows, rows)], take(weights, rows)
        kernel /= -bandwidth * median_distance(kernel, weight)
        np.exp(kernel, out=kernel)
        return kernel_spectrum(kernel, np.ones((len(rows), 1)), weight)

    return spectrum_of


def _median_distances(distances: NDArray, y: NDArray, weights: SampleWeights | None) -> NDArray:
    medians = np.empty(y.shape[1])
    for rows, traits in missingness_patterns(y):
        observed = distances[np.ix_(rows, rows)]
        medians[traits] = median_distance(observed, take(weights, rows))
    return medians


def _genetic_values(distances: NDArray, widths: NDArray, dual: NDArray) -> NDArray:
    genetic = np.empty((len(distances), len(widths)))
    for width in np.unique(widths):
        alike = widths == width
        genetic[:, alike] = np.exp(distances / -width) @ dual[alike].T
    return genetic
