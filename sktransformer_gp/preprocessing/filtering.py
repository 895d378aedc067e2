"""Markers that are too rare, or too often missing, left out."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.pages import PageMixin
from sktransformer_gp.preprocessing.neighbours import mean_of_observed
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_ploidy, is_missing


class MinorAlleleFilter(SelectorMixin, PageMixin, BaseEstimator):
    """Keep the markers whose minor allele is frequent enough in the training rows.

    With the frequency ``p = mean dosage / ploidy`` of the counted allele over the observed
    dosages, the minor allele frequency is ``maf = min(p, 1 - p)``.

    Parameters
    ----------
    maf : float in [0, 0.5], default=0.01
        Smallest minor allele frequency of a marker that is kept.
    max_missing : float in [0, 1], default=1.0
        Largest share of missing dosages of a marker that is kept. A marker that is never observed
        is dropped in any case.
    ploidy : int or None, default=None
        Largest possible dosage: 2 for diploids, 1 for haploids and for inbred lines coded 0/1.
        None = the largest dosage in the training rows, rounded up.

    Attributes
    ----------
    maf_ : ndarray of shape (n_markers,)
        Minor allele frequency of each marker; NaN where it is never observed.
    missing_ : ndarray of shape (n_markers,)
        Share of missing dosages of each marker.
    ploidy_ : int
        The ploidy.
    n_features_in_ : int
        Number of markers before filtering.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    sklearn.feature_selection.VarianceThreshold : The same for any feature, without missing values.

    Notes
    -----
    Missing dosages (NaN or -1) are left out of the frequencies and pass through; after an imputer,
    `max_missing` has nothing to act on: put the filter first where it should. Floats may be
    negative, where dosages are centred: from the lowest, rounded down, they then count as 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import MinorAlleleFilter
    >>> X = np.array([[0, 2, 0], [0, 1, -1], [0, 2, 1], [0, 0, -1]], dtype=np.int8)
    >>> MinorAlleleFilter(maf=0.05).fit(X).maf_
    array([0.   , 0.375, 0.25 ])
    >>> MinorAlleleFilter(maf=0.05, max_missing=0.2).fit_transform(X).ravel()
    array([2, 1, 2, 0], dtype=int8)
    """

    def __init__(self, maf: float = 0.01, max_missing: float = 1.0, ploidy: int | None = None):
        self.maf = maf
        self.max_missing = max_missing
        self.ploidy = ploidy

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "MinorAlleleFilter":
        """Count alleles and missing dosages.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing.
        y : None
            Ignored.

        Returns
        -------
        MinorAlleleFilter
            The fitted filter.

        Raises
        ------
        ValueError
            If a parameter lies outside its range, a dosage outside 0..ploidy, or no marker passes.
        """
        if not 0 <= self.maf <= 0.5:
            raise ValueError(f"maf lies in [0, 0.5], got {self.maf!r}")
        if not 0 <= self.max_missing <= 1:
            raise ValueError(f"max_missing lies in [0, 1], got {self.max_missing!r}")
        X = check_dosages(self, X, reset=True, allow_missing=True)
        missing = is_missing(X)
        X = _from_zero(X, missing)
        self.ploidy_ = check_ploidy(X, self.ploidy, type(self).__name__)
        self.missing_ = missing.mean(axis=0)
        frequency = mean_of_observed(X, missing) / self.ploidy_
        self.maf_ = np.where(self.missing_ < 1, np.minimum(frequency, 1 - frequency), np.nan)
        if not self._get_support_mask().any():
            raise ValueError(
                f"none of the {X.shape[1]} markers has a minor allele frequency of at least "
                f"{self.maf} and a share of missing dosages of at most {self.max_missing}"
            )
        return self

    def _get_support_mask(self) -> NDArray:
        check_is_fitted(self)
        return (self.maf_ >= self.maf) & (self.missing_ <= self.max_missing)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _from_zero(X: NDArray, missing: NDArray) -> NDArray:
    """Shift floats that reach below 0 by a whole number, so that none does."""
    if X.dtype.kind != "f":
        return X
    lowest = np.floor(np.min(X, where=~missing, initial=0))
    return np.where(missing, np.nan, X - lowest) if lowest < 0 else X
