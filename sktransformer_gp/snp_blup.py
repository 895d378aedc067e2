"""SNP-BLUP: breeding values from marker effects, for more samples than can be decomposed."""

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.conjugate import REML_SAMPLES, LinearKernel, fit_iteratively
from sktransformer_gp.crossfit import out_of_fold
from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.relationship import genetic_values, marker_factors
from sktransformer_gp.saving.estimators import ModelFileMixin
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_phenotypes
from sktransformer_gp.weights import check_sample_weight, drop_weightless, weighted_mean


class SNPBLUPRegressor(ModelFileMixin, TraitRegressorMixin, PageMixin, BaseEstimator):
    """Predict breeding values from the effects of scaled markers (SNP-BLUP).

    Each trait follows ``y = mu + Z u + e`` with dosages `Z` minus each marker's mean, over the root
    of its standard deviation (:func:`~sktransformer_gp.relationship.marker_factors`), effects
    ``u ~ N(0, s2_g I)`` and ``e ~ N(0, s2_e I)``: the linear kernel of
    :class:`~sktransformer_gp.polygenic.PolygenicRegressor`, at a cost that grows linearly with
    samples and markers. The ratio of the variances is that of at most `reml_samples` samples, by
    REML; the equations of all samples are then solved by conjugate gradients.

    Parameters
    ----------
    reml_samples : int >= 2, default=4096
        Largest number of samples that the variances' ratio is estimated from, evenly spaced among
        those observed for a trait.
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means: w equal samples, or one of residual variance ``s2_e / w``.

    Attributes
    ----------
    coef_ : ndarray of shape (n_markers,) or (n_traits, n_markers)
        Marker effects, in the unit of the trait per unit of dosage.
    intercept_ : float or ndarray of shape (n_traits,)
        Intercept: predictions are ``X @ coef_.T + intercept_``.
    lambda_ : float or ndarray of shape (n_traits,)
        ``s2_e / s2_g``, in 1e-5..1e5; inf where the trait or the markers do not vary.
    h2_ : float or ndarray of shape (n_traits,)
        Genomic heritability ``s2_g / (s2_g + s2_e)`` in [0, 1].
    residual_std_ : float or ndarray of shape (n_traits,)
        Standard deviation of phenotypes around their prediction from other folds where `fit` got
        folds, else the root of ``s2_g + s2_e``.
    out_of_fold_ : ndarray of shape (n_samples,) or (n_samples, n_traits), or None
        Prediction of each training sample, observed or not, from those of the other folds, where
        `fit` got folds.
    out_of_fold_std_ : ndarray of the same shape, or None
        `residual_std_`; NaN for samples not observed.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where `X` had them.

    See Also
    --------
    sktransformer_gp.gblup.GBLUPRegressor : The same predictions of fewer samples, markers not
        scaled.

    Notes
    -----
    Dosages are read in blocks of rows: an `X` on disk, mapped into memory, is never copied. Samples
    without a phenotype of a trait (NaN) are left out for this trait. A constant trait is predicted
    by its constant.

    References
    ----------
    Strandén I, Garrick DJ (2009) Technical note: derivation of equivalent computing algorithms for
    genomic predictions and reliabilities of animal merit. J Dairy Sci 92:2971-2975.

    Loh P-R et al. (2015) Efficient Bayesian mixed-model analysis increases association power in
    large cohorts. Nat Genet 47:284-290.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.snp_blup import SNPBLUPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 3, size=(200, 50), dtype=np.int8)
    >>> y = X @ rng.normal(size=50) + rng.normal(scale=5, size=200)
    >>> model = SNPBLUPRegressor().fit(X[:150], y[:150])
    >>> bool(np.corrcoef(y[150:], model.predict(X[150:]))[0, 1] > 0.5)
    True
    """

    def __init__(self, reml_samples: int = REML_SAMPLES, weighting: str = "repeats"):
        self.reml_samples = reml_samples
        self.weighting = weighting

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        folds: NDArray | None = None,
        marker_weights: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "SNPBLUPRegressor":
        """Estimate the variances' ratio and the marker effects.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, in any unit; NaN = not observed.
        folds : ndarray of shape (n_samples,), of int >= 0, default=None
            Fold of each sample, for `out_of_fold_`; each trait is observed in 2 folds at least.
        marker_weights : array-like of shape (n_markers,), default=None
            How often each marker counts in relationships, > 0: the number of markers that it stands
            for, after merging. None = all 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. None = all 1.

        Returns
        -------
        SNPBLUPRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a dosage is missing, a phenotype infinite, a trait observed fewer than 2 times, or a
            parameter or weight is not valid.
        FloatingPointError
            If the equations are not solved after 2,000 iterations.
        """
        if not (isinstance(self.reml_samples, int | np.integer) and self.reml_samples >= 2):
            raise ValueError(f"reml_samples is a whole number >= 2, got {self.reml_samples!r}")
        X = check_dosages(self, X, reset=True, min_samples=2)
        weights = check_sample_weight(sample_weight, len(X), self.weighting)
        y = check_phenotypes(self, y, X, weights)
        if folds is not None and weights is not None:
            folds = folds[weights > 0]
        X, y, weights = drop_weightless(X, y, weights, self.weighting)
        traits = y.reshape(len(y), -1)
        scaling = marker_factors(X, marker_weights, weights and weights.values)
        kernel = LinearKernel(X, *scaling)
        ones = np.ones((len(X), 1))
        fit = fit_iteratively(kernel, traits, ones, folds, weights, self.reml_samples)
        coef = kernel.effects(fit.dual_coef).T
        intercept = weighted_mean(traits - genetic_values(X, coef), weights)

        trait = 0 if y.ndim == 1 else slice(None)
        self.coef_, self.intercept_ = coef[trait], intercept[trait]
        self.lambda_, self.h2_ = fit.lambda_[trait], 1 / (1 + fit.lambda_[trait])
        std = np.sqrt(fit.components.sum(axis=0))
        self.out_of_fold_ = self.out_of_fold_std_ = None
        if folds is not None:
            left_out = kernel.values(kernel.effects(np.concatenate(fit.left_out_coef, axis=1)))
            genetic = left_out.reshape(len(X), -1, traits.shape[1]).swapaxes(0, 1)
            means = out_of_fold(genetic, traits, folds, weights)
            std = np.sqrt(weighted_mean(np.square(traits - means), weights))
            self.out_of_fold_ = means[:, trait]
            self.out_of_fold_std_ = np.where(np.isnan(traits), np.nan, std)[:, trait]
        self.residual_std_ = std[trait]
        return self

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[False] = False) -> NDArray: ...

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[True]) -> tuple[NDArray, NDArray]: ...

    def predict(self, X: ArrayLike, return_std: bool = False) -> NDArray | tuple[NDArray, NDArray]:
        """Predict phenotypes: intercept plus breeding value.

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
            `residual_std_`, the same for all samples. Only with ``return_std=True``.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False)
        mean = genetic_values(X, self.coef_) + self.intercept_
        return (mean, np.full_like(mean, self.residual_std_)) if return_std else mean
