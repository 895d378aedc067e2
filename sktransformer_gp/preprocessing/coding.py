"""Codings of genotypes: dosages as the numbers or indicators that a model reads."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.markers import SEPARATOR, chromosomes_from_names
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_ploidy

CODINGS = ("dosage", "one_hot", "hardy_weinberg")


class GenotypeCoder(OneToOneFeatureMixin, TransformerMixin, PageMixin, BaseEstimator):
    """Code dosages from -1 to 1, as indicators, or by the frequency of their genotype class.

    Parameters
    ----------
    coding : {"dosage", "one_hot", "hardy_weinberg"}, default="dosage"
        - "dosage": ``2 dosage / ploidy - 1``, for diploids -1, 0, 1; float.
        - "one_hot": ``ploidy + 1`` columns for each marker, with a 1 in that of the dosage; the
          type of X.
        - "hardy_weinberg": the frequency of the dosage's class in Hardy-Weinberg proportions,
          ``C(ploidy, d) p^d (1 - p)^(ploidy - d)`` with the frequency p of the counted allele in
          the training rows; for diploids ``(1 - p)^2``, ``2 p (1 - p)``, ``p^2``; float.
    ploidy : int or None, default=None
        Largest possible dosage: 2 for diploids, 1 for haploids and for inbred lines coded 0/1.
        None = the largest dosage in the training rows, rounded up.

    Attributes
    ----------
    ploidy_ : int
        The ploidy.
    allele_frequency_ : ndarray of shape (n_markers,)
        Frequency of the counted allele in the training rows.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    DosageScaler : Centring and scaling.

    Notes
    -----
    A missing dosage is an error that names the imputer. The code of a fractional dosage lies in
    proportion between those of the two whole ones around it, so that a dosage of 1.25 counts for
    three quarters as 1 and for a quarter as 2. Integers become float32 where the code is a float;
    floats keep their type.

    Codes are no dosages, and -1 means missing to most of what takes dosages: the coder comes last.

    The columns of "one_hot" carry the marker map on: ``chr01:27915:a`` gives
    ``chr01:27915:a:dosage0`` and so on, a name without map, ``x0``, gives ``x0_dosage0``.

    References
    ----------
    Jubair, S. et al. (2021). GPTransformer: a transformer-based deep learning method for
    predicting Fusarium related traits in barley. Front. Plant Sci. 12:761402.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import GenotypeCoder
    >>> X = np.array([[0], [1], [2], [1]], dtype=np.int8)
    >>> GenotypeCoder().fit_transform(X).ravel()
    array([-1.,  0.,  1.,  0.], dtype=float32)
    >>> GenotypeCoder("hardy_weinberg").fit_transform(X).ravel()
    array([0.25, 0.5 , 0.25, 0.5 ], dtype=float32)
    >>> GenotypeCoder("one_hot").fit_transform(X)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1],
           [0, 1, 0]], dtype=int8)
    """

    def __init__(self, coding: str = "dosage", ploidy: int | None = None):
        self.coding = coding
        self.ploidy = ploidy

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "GenotypeCoder":
        """Learn ploidy and allele frequencies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : None
            Ignored.

        Returns
        -------
        GenotypeCoder
            The fitted coder.

        Raises
        ------
        ValueError
            If `coding` is none of the valid ones, a dosage is missing or lies outside 0..ploidy.
        """
        if self.coding not in CODINGS:
            raise ValueError(f"coding is one of {CODINGS}, got {self.coding!r}")
        X = check_dosages(self, X, reset=True)
        self.ploidy_ = self._check_ploidy(X, self.ploidy)
        self.allele_frequency_ = X.mean(axis=0, dtype=np.float64) / self.ploidy_
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Code dosages.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.

        Returns
        -------
        ndarray of shape (n_samples, n_markers), or (n_samples, n_markers * (ploidy + 1))
            The codes.

        Raises
        ------
        ValueError
            If a dosage is missing or lies outside 0..ploidy.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False)
        self._check_ploidy(X, self.ploidy_)
        if self.coding == "one_hot":
            shares = [_share(X, dosage) for dosage in range(self.ploidy_ + 1)]
            return np.stack(shares, axis=2).reshape(len(X), -1)
        dtype = X.dtype.type if X.dtype.kind == "f" else np.float32
        if self.coding == "dosage":
            return X.astype(dtype) * dtype(2 / self.ploidy_) - dtype(1)
        coded = np.zeros(X.shape, dtype)
        for dosage in range(self.ploidy_ + 1):
            frequency = binom.pmf(dosage, self.ploidy_, self.allele_frequency_)
            coded += _share(X, dosage) * frequency.astype(dtype)
        return coded

    def _check_ploidy(self, X: NDArray, ploidy: int | None) -> int:
        return check_ploidy(X, ploidy, type(self).__name__, allow_missing=False)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Name the columns of the coded matrix.

        Parameters
        ----------
        input_features : array-like of shape (n_markers,), of str, default=None
            Marker names; None = those of the training rows, else x0, x1, ...

        Returns
        -------
        ndarray of shape (n_columns,), of str
            Marker names; for "one_hot" with the dosage.
        """
        names = super().get_feature_names_out(input_features)
        if self.coding != "one_hot":
            return names
        joint = "_" if chromosomes_from_names(names) is None else SEPARATOR
        dosages = range(self.ploidy_ + 1)
        return np.array([f"{name}{joint}dosage{d}" for name in names for d in dosages], object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


def _share(X: NDArray, dosage: int) -> NDArray:
    """Return to which share each entry counts as the whole dosage, in the type of X."""
    if X.dtype.kind != "f":
        return (X == dosage).astype(X.dtype)
    return np.maximum(0, 1 - np.abs(X - dosage), dtype=X.dtype)
