"""Markers selected by what they tell about the phenotypes of the training rows."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin, mutual_info_regression
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.pages import PageMixin
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_phenotypes, is_missing

BLOCK = 1024


class MutualInformationSelector(SelectorMixin, PageMixin, BaseEstimator):
    """Keep the markers that share most information with the phenotypes of the training rows.

    Parameters
    ----------
    threshold : float, default=0.0
        Smallest mutual information, in nats, of a marker that is kept.
    k : int, default=1000
        Largest number of markers that are kept.
    random_state : int, RandomState or None, default=None
        Seed of the small noise with which scikit-learn breaks ties among phenotypes.

    Attributes
    ----------
    mutual_information_ : ndarray of shape (n_markers,)
        Mutual information with the phenotype in nats; over several traits, the largest.
    n_features_in_ : int
        Number of markers before the selection.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    AssociationSelector : Selection by a test of each marker.
    LinkageMerger : Thinning without a look at the phenotype.

    Notes
    -----
    The estimate is :func:`sklearn.feature_selection.mutual_info_regression` with dosages as
    classes (columns of fractions, or of more values than half the samples, as continuous). A
    trait's missing phenotypes (NaN) are left out. The marker with the largest mutual
    information is always kept.

    References
    ----------
    Jubair, S. et al. (2021). GPTransformer: a transformer-based deep learning method for
    predicting Fusarium related traits in barley. Front. Plant Sci. 12:761402.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import MutualInformationSelector
    >>> X = np.random.default_rng(0).integers(0, 2, (200, 5), dtype=np.int8)
    >>> y = X[:, 3] + np.random.default_rng(1).normal(0, 0.1, 200)
    >>> MutualInformationSelector(k=1).fit(X, y).get_support(indices=True)
    array([3])
    """

    def __init__(
        self,
        threshold: float = 0.0,
        k: int = 1000,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.threshold = threshold
        self.k = k
        self.random_state = random_state

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike) -> "MutualInformationSelector":
        """Estimate the mutual information of each marker with each trait.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, NaN = not observed.

        Returns
        -------
        MutualInformationSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If a dosage is missing, `k` is smaller than 1 or a trait has no observed phenotype.
        """
        if self.k < 1:
            raise ValueError(f"k is at least 1, got {self.k!r}")
        X = check_dosages(self, X, reset=True, min_samples=2)
        Y = check_phenotypes(self, y, X).reshape(len(X), -1)
        self.mutual_information_ = np.max([self._of_trait(X, trait) for trait in Y.T], axis=0)
        return self

    def _of_trait(self, X: NDArray, y: NDArray) -> NDArray:
        observed = ~np.isnan(y)
        X, y = X[observed], y[observed]
        return mutual_info_regression(
            X, y, discrete_features=_is_class(X), random_state=self.random_state
        )

    def _get_support_mask(self) -> NDArray:
        check_is_fitted(self)
        order = np.argsort(-self.mutual_information_, kind="stable")[: self.k]
        kept = order[self.mutual_information_[order] >= self.threshold]
        mask = np.zeros(len(self.mutual_information_), dtype=bool)
        mask[kept if len(kept) else order[:1]] = True
        return mask

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _is_class(X: NDArray) -> NDArray:
    """Mark the columns of whole numbers in which values must repeat; X (n_samples, n_markers)."""
    spread = X.max(axis=0).astype(np.float64) - X.min(axis=0)
    return (np.floor(X) == X).all(axis=0) & (spread < len(X) / 2)


class AssociationSelector(SelectorMixin, PageMixin, BaseEstimator):
    """Keep the markers with the strongest single-marker tests in the training rows.

    Each marker is tested on each trait by simple regression of the phenotype on the dosage:
    ``F = (n - 2) r^2 / (1 - r^2)`` with 1 and n - 2 degrees of freedom.

    Parameters
    ----------
    threshold : float in [0, 1], default=1.0
        Largest p-value of a marker that is kept.
    k : int, default=1000
        Largest number of markers that are kept, those of the smallest p-values.

    Attributes
    ----------
    f_statistics_ : ndarray of shape (n_traits, n_markers)
        F of each test; 0 where marker or phenotype do not vary, or fewer than 3 samples have both.
    p_values_ : ndarray of shape (n_traits, n_markers)
        p-value of each test, 1 where F is 0; the smallest over traits decides. It is not corrected
        for the number of markers and traits: for Bonferroni's, divide `threshold` by both.
    n_features_in_ : int
        Number of markers before the selection.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    MutualInformationSelector : Selection by any dependence, not only by a linear one.
    sklearn.feature_selection.f_regression : The same test of a single trait without gaps.

    Notes
    -----
    A missing dosage (NaN or -1) or phenotype (NaN) is left out of the tests it belongs to; missing
    dosages pass through. The test takes samples for unrelated: among relatives its p-values are
    too small. The marker with the smallest is always kept.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import AssociationSelector
    >>> X = np.random.default_rng(0).integers(0, 3, (200, 5), dtype=np.int8)
    >>> y = X[:, 3] + np.random.default_rng(1).normal(0, 0.5, 200)
    >>> AssociationSelector(threshold=0.01 / 5).fit(X, y).get_support(indices=True)
    array([3])
    """

    def __init__(self, threshold: float = 1.0, k: int = 1000):
        self.threshold = threshold
        self.k = k

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike) -> "AssociationSelector":
        """Test each marker on each trait.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, NaN = not observed.

        Returns
        -------
        AssociationSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If `threshold` lies outside [0, 1], `k` is smaller than 1 or a trait has fewer than 2
            observed phenotypes.
        """
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold lies in [0, 1], got {self.threshold!r}")
        if self.k < 1:
            raise ValueError(f"k is at least 1, got {self.k!r}")
        X = check_dosages(self, X, reset=True, min_samples=2, allow_missing=True)
        Y = check_phenotypes(self, y, X).reshape(len(X), -1)
        blocks = [X[:, start : start + BLOCK] for start in range(0, X.shape[1], BLOCK)]
        tests = [_squared_correlations(block, Y) for block in blocks]
        r2, n = (np.vstack(parts).T for parts in zip(*tests, strict=True))
        residual_df = np.maximum(n - 2, 1)
        with np.errstate(divide="ignore"):  # a perfect fit has an infinite F
            self.f_statistics_ = residual_df * (r2 / (1 - r2))
        self.p_values_ = stats.f.sf(self.f_statistics_, 1, residual_df)
        return self

    def _get_support_mask(self) -> NDArray:
        check_is_fitted(self)
        smallest = self.p_values_.min(axis=0)
        # Of p-values too small for a float, the larger F is first.
        order = np.lexsort((-self.f_statistics_.max(axis=0), smallest))[: self.k]
        kept = order[smallest[order] <= self.threshold]
        mask = np.zeros(len(smallest), dtype=bool)
        mask[kept if len(kept) else order[:1]] = True
        return mask

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _squared_correlations(X: NDArray, Y: NDArray) -> tuple[NDArray, NDArray]:
    """Return r^2 and the number of complete pairs, both (n_markers, n_traits)."""
    X, in_X = _standardised(X.astype(np.float64), is_missing(X))
    Y, in_Y = _standardised(Y, np.isnan(Y))
    n = in_X.T @ in_Y
    at_least_1 = np.maximum(n, 1)
    sum_x, sum_y = X.T @ in_Y, in_X.T @ Y
    square_x = (X**2).T @ in_Y - sum_x**2 / at_least_1
    square_y = in_X.T @ Y**2 - sum_y**2 / at_least_1
    product = X.T @ Y - sum_x * sum_y / at_least_1
    # Both are in units of the variance: less is rounding.
    tested = (n > 2) & (square_x > 1e-10) & (square_y > 1e-10)
    scale = np.where(tested, square_x * square_y, 1)
    return np.where(tested, np.minimum(product**2 / scale, 1), 0), n


def _standardised(values: NDArray, missing: NDArray) -> tuple[NDArray, NDArray]:
    """Return columns of mean 0 and variance 1, 0 where missing, and what is observed as 0/1."""
    observed = (~missing).astype(np.float64)
    n = np.maximum(observed.sum(axis=0), 1)
    centred = np.where(missing, 0, values)
    centred = (centred - centred.sum(axis=0) / n) * observed
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    varies = spread > 1e-10 * np.abs(np.where(missing, 0, values)).max(axis=0)
    return centred / np.where(varies, spread, 1) * varies, observed
