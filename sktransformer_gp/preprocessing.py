"""Preprocessors on dosage matrices: imputing, merging and selecting markers.

All learn from the rows they are fitted on and keep marker names (and with them the marker map, see
:mod:`sktransformer_gp.markers`) through ``get_feature_names_out``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.feature_selection import SelectorMixin, mutual_info_regression
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sktransformer_gp.markers import chromosome_runs, chromosomes_from_names
from sktransformer_gp.validation import MISSING, check_dosages, check_phenotypes

BLOCK = 2048


class DosageImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Replace missing dosages by the marker's mean or most frequent dosage in the training rows.

    Parameters
    ----------
    strategy : {"mean", "mode"}, default="mean"
        "mean" gives float32, "mode" keeps the matrix's own type. A marker that is never observed
        in the training rows becomes 0 throughout, so that it carries nothing.

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_markers,)
        Dosage written where a marker is missing.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    sklearn.impute.SimpleImputer : The general tool, which drops markers that are never observed.

    Notes
    -----
    Missing is NaN, or -1.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import DosageImputer
    >>> DosageImputer().fit_transform(np.array([[0, 2], [-1, 1], [1, 0]], dtype=np.int8))
    array([[0. , 2. ],
           [0.5, 1. ],
           [1. , 0. ]], dtype=float32)
    """

    def __init__(self, strategy: str = "mean"):
        self.strategy = strategy

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "DosageImputer":
        """Learn the fill value of each marker.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing.
        y : None
            Ignored.

        Returns
        -------
        DosageImputer
            The fitted imputer.

        Raises
        ------
        ValueError
            If `strategy` is none of the valid ones.
        """
        rules = {"mean": _mean_of_observed, "mode": _mode_of_observed}
        if self.strategy not in rules:
            raise ValueError(f"strategy is one of {sorted(rules)}, got {self.strategy!r}")
        X = validate_data(self, X, ensure_all_finite="allow-nan")
        self.fill_values_ = rules[self.strategy](X, _is_missing(X))
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Fill in what is missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing.

        Returns
        -------
        ndarray of shape (n_samples, n_markers)
            Dosages without missing values; a copy.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite="allow-nan")
        as_floats = self.strategy == "mean" and X.dtype.kind != "f"
        filled = X.astype(np.float32 if as_floats else X.dtype, copy=True)
        rows, columns = np.nonzero(_is_missing(X))
        filled[rows, columns] = self.fill_values_[columns]
        return filled

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _is_missing(X: NDArray) -> NDArray:
    missing = X == MISSING
    return missing | np.isnan(X) if X.dtype.kind == "f" else missing


def _mean_of_observed(X: NDArray, missing: NDArray) -> NDArray:
    n_observed = (~missing).sum(axis=0)
    total = np.where(missing, 0, X).sum(axis=0, dtype=np.float64)
    return total / np.maximum(n_observed, 1)


def _mode_of_observed(X: NDArray, missing: NDArray) -> NDArray:
    modes = np.zeros(X.shape[1])
    for j in np.flatnonzero(~missing.all(axis=0)):
        values, counts = np.unique(X[~missing[:, j], j], return_counts=True)
        modes[j] = values[counts.argmax()]
    return modes


class LinkageMerger(SelectorMixin, BaseEstimator):
    """Keep one marker of each run of neighbours in near-complete linkage.

    Walking along a chromosome, a marker joins the run before it while its squared correlation with
    the run's first marker is at least `r2`; that first marker stands for the run. Monomorphic
    markers belong to no run and are dropped.

    Parameters
    ----------
    r2 : float in (0, 1], default=0.95
        Squared correlation in the training rows from which on two markers carry one signal.

    Attributes
    ----------
    groups_ : ndarray of shape (n_markers,), of int
        Column, after merging, that stands for each marker; -1 = monomorphic in training.
    n_features_in_ : int
        Number of markers before merging.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    MutualInformationSelector : Selection by association with the phenotype.

    Notes
    -----
    Runs never straddle chromosomes where the markers' names carry them, see
    :func:`sktransformer_gp.markers.marker_names`. If all markers are monomorphic, the first stays.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import LinkageMerger
    >>> X = np.array([[0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 1]], dtype=np.int8)
    >>> merger = LinkageMerger().fit(X)
    >>> merger.groups_, merger.transform(X).shape
    (array([0, 0, 0, 1]), (4, 2))
    """

    def __init__(self, r2: float = 0.95):
        self.r2 = r2

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "LinkageMerger":
        """Find the runs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : None
            Ignored.

        Returns
        -------
        LinkageMerger
            The fitted merger.

        Raises
        ------
        ValueError
            If `r2` is outside (0, 1] or a dosage is missing.
        """
        if not 0 < self.r2 <= 1:
            raise ValueError(f"r2 lies in (0, 1], got {self.r2!r}")
        X = check_dosages(self, X, reset=True)
        starts = np.zeros(X.shape[1], dtype=bool)
        polymorphic = np.zeros(X.shape[1], dtype=bool)
        chromosomes = chromosomes_from_names(getattr(self, "feature_names_in_", None))
        for run in chromosome_runs(chromosomes, X.shape[1]):
            for first in range(run.start, run.stop, BLOCK):
                block = slice(first, min(first + BLOCK, run.stop))
                starts[block], polymorphic[block] = _run_starts(X[:, block], self.r2)
        if not starts.any():
            starts[0] = polymorphic[0] = True
        self.groups_ = np.where(polymorphic, np.cumsum(starts) - 1, -1)
        self._starts = starts
        return self

    def _get_support_mask(self) -> NDArray:
        check_is_fitted(self)
        return self._starts


def _run_starts(X: NDArray, r2: float) -> tuple[NDArray, NDArray]:
    """Mark the first marker of each run, and the markers that vary; X (n_samples, n_block)."""
    Z = np.array(X.T, dtype=np.float32, order="C")  # (n_block, n_samples), a copy
    Z -= Z.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(Z, axis=1)
    polymorphic = norm > 1e-6 * np.sqrt(Z.shape[1])
    columns = np.flatnonzero(polymorphic)
    Z = Z[columns] / norm[columns, None]
    starts = np.zeros(len(polymorphic), dtype=bool)
    start, step = 0, 32
    # Float32 products of unit vectors are exact to about 1e-6: r2=1 still merges identical markers.
    threshold = r2 - 1e-5
    while start < len(columns):
        starts[columns[start]] = True
        end = start + 1
        while end < len(columns):
            linked = (Z[end : end + step] @ Z[start]) ** 2 >= threshold
            if not linked.all():
                end += int(linked.argmin())
                break
            end += len(linked)
        start = end
    return starts, polymorphic


class MutualInformationSelector(SelectorMixin, BaseEstimator):
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

    def __init__(self, threshold: float = 0.0, k: int = 1000, random_state=None):
        self.threshold = threshold
        self.k = k
        self.random_state = random_state

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
