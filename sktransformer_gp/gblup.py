"""GBLUP: breeding values from genomic relationships, with variances by REML."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.conjugate import LinearKernel, fit_iteratively
from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.relationship import genetic_values, inner_products, marker_sums
from sktransformer_gp.saving.estimators import ModelFileMixin
from sktransformer_gp.spectrum import Spectrum, kernel_spectrum, marker_spectrum
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_phenotypes
from sktransformer_gp.variance import VarianceFit, fit_reml, missingness_patterns
from sktransformer_gp.weights import SampleWeights, check_sample_weight, drop_weightless, take

# Samples and markers beyond which no matrix is decomposed: at 20,000 each takes 3 GB, and an hour.
LARGEST_DECOMPOSITION = 20_000


class GBLUPRegressor(ModelFileMixin, TraitRegressorMixin, PageMixin, BaseEstimator):
    """Predict breeding values by genomic best linear unbiased prediction (GBLUP).

    Each trait follows ``y = W alpha + g + e`` with ``g ~ N(0, s2_g G)``, ``e ~ N(0, s2_e I)`` and
    the relationship matrix ``G = Z Z' / c`` of VanRaden (2008): `Z` holds the dosages minus their
    mean in the training data, and ``c`` is the sum of the markers' variances there. The variances
    maximise the restricted likelihood (REML) of the trait.

    Parameters
    ----------
    fixed_effects : list of int or list of str, default=None
        Columns of `X`, by number or by name, that are no markers but covariates (a trial's dummy
        variable, a principal component): their effects are not shrunk. In an `X` of integers they
        may not be negative, -1 means a missing dosage. None = the intercept is the only fixed
        effect.
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means. "repeats": w equal samples, as in scikit-learn.
        "precision": one sample of residual variance ``s2_e / w``, such as a mean over w plots, or a
        breeding value of reliability w. A mean that is called repeats makes believe that plots
        agree to the last digit: heritability goes to 1.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_traits, n_features)
        Marker effects, in the unit of the trait per unit of dosage; in the columns of
        `fixed_effects` the fixed effects. Exactly 0 for a marker that does not vary.
    intercept_ : float or ndarray of shape (n_traits,)
        Intercept: predictions are ``X @ coef_.T + intercept_``.
    h2_ : float or ndarray of shape (n_traits,)
        Genomic heritability ``s2_g / (s2_g + s2_e)`` in [0, 1].
    lambda_ : float or ndarray of shape (n_traits,)
        ``s2_e / s2_g``, in 1e-5..1e5; inf where the trait or the markers do not vary.
    variance_components_ : ndarray of shape (2,) or (n_traits, 2)
        ``s2_g`` and ``s2_e``, in the squared unit of the trait.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where `X` had them.

    See Also
    --------
    sktransformer_gp.rkhs.RKHSRegressor : A kernel that sees interactions between markers.
    sktransformer_gp.relationship.relationship_matrix : The matrix ``G``.
    sklearn.linear_model.Ridge : The same predictions with ``alpha = lambda_ * c``.

    Notes
    -----
    VanRaden's ``c = 2 sum(p (1 - p))`` is the variance of the markers of a diploid under
    Hardy-Weinberg proportions. Differs from the paper: the observed variances are summed instead,
    so that the mean diagonal of ``G`` is 1 for haploids, inbred lines and polyploids too, and
    `h2_` is the share of genetic variance between these samples. Predictions do not depend on
    ``c``.

    Samples without a phenotype of a trait (NaN) are left out for this trait: its mean dosages,
    ``c`` and variances come from the others. Traits observed on the same samples share one
    eigendecomposition. With more than 20,000 samples and markers nothing is decomposed: the ratio
    of the variances is that of 4,096 samples, and the equations of all samples are solved by
    conjugate gradients. A constant trait gets ``h2_ = 0``, effects of 0 and its constant as
    intercept; so does any trait where no marker varies, with its mean.

    References
    ----------
    VanRaden PM (2008) Efficient methods to compute genomic predictions. J Dairy Sci 91:4414-4423.

    Kang HM et al. (2008) Efficient control of population structure in model organism association
    mapping. Genetics 178:1709-1723.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.gblup import GBLUPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 3, size=(200, 50), dtype=np.int8)
    >>> y = X @ rng.normal(size=50) + rng.normal(scale=5, size=200)
    >>> model = GBLUPRegressor().fit(X[:150], y[:150])
    >>> bool(np.corrcoef(y[150:], model.predict(X[150:]))[0, 1] > 0.5)
    True
    """

    def __init__(
        self,
        fixed_effects: Sequence[int] | Sequence[str] | None = None,
        weighting: str = "repeats",
    ):
        self.fixed_effects = fixed_effects
        self.weighting = weighting

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "GBLUPRegressor":
        """Estimate variances, marker effects and fixed effects.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Dosages 0..ploidy without missing values, and the columns of `fixed_effects`.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, in any unit; NaN = not observed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. None = all 1.

        Returns
        -------
        GBLUPRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a dosage is missing, a phenotype infinite, a trait observed fewer than 2 times,
            `fixed_effects` names no column of `X`, no marker is left, the fixed effects leave no
            contrast between the samples, or a weight is not valid.
        """
        X = check_dosages(self, X, reset=True, min_samples=2)
        weights = check_sample_weight(sample_weight, len(X), self.weighting)
        y = check_phenotypes(self, y, X, weights)
        X, y, weights = drop_weightless(X, y, weights, self.weighting)
        traits = y.reshape(len(y), -1)
        names = list(getattr(self, "feature_names_in_", []))
        is_fixed = mark_fixed_effects(self.fixed_effects, X.shape[1], names)
        markers = X[:, ~is_fixed] if is_fixed.any() else X
        design = np.column_stack([np.ones(len(X)), X[:, is_fixed]])
        variances, effects, fixed = fit_mixed_model(markers, traits, design, weights)

        coef = np.empty((traits.shape[1], X.shape[1]))
        coef[:, ~is_fixed], coef[:, is_fixed] = effects, fixed[:, 1:]
        trait = 0 if y.ndim == 1 else slice(None)
        self.coef_, self.intercept_ = coef[trait], fixed[:, 0][trait]
        self.lambda_, self.h2_ = variances.lambda_[trait], 1 / (1 + variances.lambda_[trait])
        self.variance_components_ = variances.components.T[trait]
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict phenotypes: breeding value plus fixed effects.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Dosages and the columns of `fixed_effects`, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_traits)
            Predictions, in the unit of the trait.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False)
        return genetic_values(X, self.coef_) + self.intercept_


def mark_fixed_effects(
    given: Sequence[int] | Sequence[str] | None, n_columns: int, names: list[str]
) -> NDArray:
    """Mark the columns that are covariates.

    Parameters
    ----------
    given : list of int, list of str or None
        Columns by number or by name; None = none.
    n_columns : int
        Number of columns.
    names : list of str
        Their names; empty where they have none.

    Returns
    -------
    ndarray of shape (n_columns,), of bool
        True for a covariate, False for a marker.

    Raises
    ------
    ValueError
        If there is no such column, or no marker is left.

    Examples
    --------
    >>> from sktransformer_gp.gblup import mark_fixed_effects
    >>> mark_fixed_effects(["sex"], 3, ["sex", "chr1:7", "chr1:9"])
    array([ True, False, False])
    """
    columns = _column_numbers([] if given is None else given, names, n_columns)
    if columns is None:
        raise ValueError(
            "fixed_effects is None or a list of columns of X, by number "
            f"(0..{n_columns - 1}) or, where X has names, by name; got {given!r}"
        )
    is_fixed = np.isin(np.arange(n_columns), columns)
    if is_fixed.all():
        raise ValueError(f"fixed_effects={given!r} leaves no marker, X has {n_columns} feature(s)")
    return is_fixed


def _column_numbers(given: Sequence, names: list[str], n_columns: int) -> list[int] | None:
    """Translate columns to numbers; None where one is unknown."""
    if isinstance(given, str) or not np.iterable(given):
        return None
    valid = names if all(isinstance(c, str) for c in given) else range(n_columns)
    unknown = any(isinstance(c, bool | np.bool_) or c not in valid for c in given)
    return None if unknown else [valid.index(c) for c in given]


class MixedModel(NamedTuple):
    """Hold what is estimated of ``y = W alpha + g + e``.

    Attributes
    ----------
    variances : VarianceFit
        Variances of g and e, trait by trait.
    effects : ndarray of shape (n_traits, n_markers)
        Marker effects.
    fixed : ndarray of shape (n_traits, n_effects)
        Fixed effects alpha.
    """

    variances: VarianceFit
    effects: NDArray
    fixed: NDArray


def fit_mixed_model(
    markers: NDArray, y: NDArray, design: NDArray, weights: SampleWeights | None = None
) -> MixedModel:
    """Estimate variances by REML, then marker effects and fixed effects.

    Parameters
    ----------
    markers : ndarray of shape (n_samples, n_markers)
        Dosages.
    y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    design : ndarray of shape (n_samples, n_effects)
        Fixed effects' columns W, the intercept's ones first.
    weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.

    Returns
    -------
    MixedModel
        The estimates; fixed effects by generalised least squares.

    Raises
    ------
    ValueError
        If the fixed effects leave no contrast between the samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.gblup import fit_mixed_model
    >>> markers, sex = np.array([[0], [0], [1], [1]]), np.array([0, 1, 0, 1])
    >>> y = np.array([[1.0], [3.1], [1.1], [3.0]])
    >>> design = np.column_stack([np.ones(4), sex])
    >>> fit_mixed_model(markers, y, design).fixed.round(2)
    array([[1.05, 2.  ]])
    """
    variances = _fit_variances(markers, y, design, weights)
    effects = marker_sums(markers, variances.dual_coef).T
    residuals = y - genetic_values(markers, effects)
    if weights is not None:
        design, residuals = design * weights.roots, residuals * weights.roots
    return MixedModel(variances, effects, _fixed_effects(design, residuals).T)


def _fit_variances(
    markers: NDArray, y: NDArray, design: NDArray, weights: SampleWeights | None
) -> VarianceFit:
    if min(markers.shape) > LARGEST_DECOMPOSITION:
        ones = np.ones(markers.shape[1])
        kernel = LinearKernel(markers, markers[0].astype(np.float64), ones)
        return fit_iteratively(kernel, y, design, weights=weights)
    nested = weights is None and design.shape[1] == 1
    return fit_reml(y, _spectra(markers, design, weights), nested=nested)


def _spectra(
    markers: NDArray, design: NDArray, weights: SampleWeights | None
) -> Callable[[NDArray], Spectrum]:
    """Return what decomposes the relationships of some rows, by the smaller of two matrices."""
    if markers.shape[1] < len(markers):
        shifted = markers.astype(np.float64) - markers[0]
        return lambda rows: marker_spectrum(shifted[rows], design[rows], take(weights, rows))
    products = inner_products(markers, markers)
    return lambda rows: kernel_spectrum(
        products[np.ix_(rows, rows)], design[rows], take(weights, rows)
    )


def _fixed_effects(design: NDArray, y: NDArray) -> NDArray:
    """Regress each trait's observed rows on the fixed effects."""
    norms = np.linalg.norm(design, axis=0)
    scale = np.where(norms > 0, norms, 1)
    effects = np.empty((design.shape[1], y.shape[1]))
    for rows, traits in missingness_patterns(y):
        observed = y[np.ix_(rows, traits)]
        effects[:, traits] = np.linalg.lstsq(design[rows] / scale, observed, rcond=None)[0]
    return effects / scale[:, None]
