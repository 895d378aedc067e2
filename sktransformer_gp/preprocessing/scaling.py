"""Dosages centred and scaled by what the training rows tell about each marker."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.pages import PageMixin
from sktransformer_gp.preprocessing.neighbours import mean_of_observed
from sktransformer_gp.validation import all_or_nothing, check_dosages, is_missing

SCALINGS = ("center", "vanraden", "unit_variance")
BLOCK = 2048


class DosageScaler(OneToOneFeatureMixin, TransformerMixin, PageMixin, BaseEstimator):
    """Centre dosages on the training rows' means and scale them: ``Z = (X - mean) * factor``.

    Parameters
    ----------
    scaling : {"center", "vanraden", "unit_variance"}, default="vanraden"
        - "center": nothing but the centring.
        - "vanraden": one factor for all markers, ``1 / sqrt(sum of the markers' variances)``, so
          that ``Z Z'`` is :func:`~sktransformer_gp.relationship.relationship_matrix`.
        - "unit_variance": a factor for each marker, ``1 / sd``; rare alleles count more.

    Attributes
    ----------
    mean_ : ndarray of shape (n_markers,)
        Mean of the observed dosages; 0 for a marker that is never observed.
    factor_ : ndarray of shape (n_markers,)
        What each centred dosage is multiplied by; 0 for a marker that is monomorphic in the
        training rows, which therefore becomes 0 in all rows.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : "unit_variance", where no marker is monomorphic.
    GenotypeCoder : Codings by genotype class.

    Notes
    -----
    Missing dosages (NaN or -1) are left out of means and variances, and become NaN: -1 is a value
    like any other once dosages are centred. Impute before, so that the next step takes them.
    Integers become float32; floats keep their type.

    Differs from the paper: VanRaden's ``sum(2 p (1 - p))`` is the sum of variances of a diploid in
    Hardy-Weinberg proportions; the observed variances fit haploids and inbred lines as well.

    References
    ----------
    VanRaden PM (2008) Efficient methods to compute genomic predictions. J Dairy Sci 91:4414-4423.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp import DosageScaler
    >>> X = np.array([[0, 1, 0], [2, 1, 2], [1, 1, -1]], dtype=np.int8)
    >>> DosageScaler("center").fit_transform(X)
    array([[-1.,  0., -1.],
           [ 1.,  0.,  1.],
           [ 0.,  0., nan]], dtype=float32)
    """

    def __init__(self, scaling: str = "vanraden"):
        self.scaling = scaling

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "DosageScaler":
        """Learn mean and factor of each marker.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages, NaN or -1 = missing.
        y : None
            Ignored.

        Returns
        -------
        DosageScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            If `scaling` is none of the valid ones.
        """
        if self.scaling not in SCALINGS:
            raise ValueError(f"scaling is one of {SCALINGS}, got {self.scaling!r}")
        X = check_dosages(self, X, reset=True, allow_missing=True)
        blocks = [X[:, start : start + BLOCK] for start in range(0, X.shape[1], BLOCK)]
        self.mean_, variance = np.hstack([_moments(block) for block in blocks])
        scale = np.ones_like(variance)
        if self.scaling == "vanraden":
            scale[:] = np.sqrt(variance.sum())
        elif self.scaling == "unit_variance":
            scale = np.sqrt(variance)
        self.factor_ = np.divide(1, scale, out=np.zeros_like(scale), where=variance > 0)
        return self

    def transform(self, X: ArrayLike) -> NDArray:
        """Centre and scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages, NaN or -1 = missing.

        Returns
        -------
        ndarray of shape (n_samples, n_markers), of float
            Scaled dosages, NaN where missing.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False, allow_missing=True)
        dtype = X.dtype if X.dtype.kind == "f" else np.float32
        Z = X - self.mean_.astype(dtype)
        Z *= self.factor_.astype(dtype)
        Z[is_missing(X)] = np.nan
        return Z.astype(dtype, copy=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _moments(X: NDArray) -> tuple[NDArray, NDArray]:
    """Return means and variances of the observed dosages; exactly 0 where they do not vary."""
    missing = is_missing(X)
    mean = mean_of_observed(X, missing)
    deviations = np.where(missing, 0, X - mean)
    variance = (deviations**2).sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    # The mean of equal floats is theirs but for rounding.
    return mean, np.where(variance > (1e-10 * mean) ** 2, variance, 0)
