"""Neighbouring markers in near-complete linkage, merged into one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.markers import chromosome_runs, chromosomes_from_names
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.validation import all_or_nothing, check_dosages

BLOCK = 2048  # markers compared at a time, fewer where there are many samples
DOSAGES = 2**25


class LinkageMerger(SelectorMixin, PageMixin, BaseEstimator):
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
        Column, after merging, that stands for each marker; -1 = monomorphic in training. Marker
        importances spread as ``importances[groups_]`` where ``groups_ >= 0``.
    slopes_ : ndarray of shape (n_markers,)
        Regression coefficient of that column on the marker: 1 for identical markers, -1 where the
        other allele is counted, 0 for monomorphic markers.
    n_features_in_ : int
        Number of markers before merging.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    MutualInformationSelector : Selection by association with the phenotype.

    Notes
    -----
    Missing dosages are an error that names the imputer.

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
    >>> merger.spread_effects([3.0, 5.0])
    array([ 1.,  1., -1.,  5.])
    """

    def __init__(self, r2: float = 0.95):
        self.r2 = r2

    @all_or_nothing
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
        self.slopes_ = np.zeros(X.shape[1])
        chromosomes = chromosomes_from_names(getattr(self, "feature_names_in_", None))
        width = min(BLOCK, max(1, DOSAGES // len(X)))
        for run in chromosome_runs(chromosomes, X.shape[1]):
            for first in range(run.start, run.stop, width):
                block = slice(first, min(first + width, run.stop))
                starts[block], polymorphic[block], self.slopes_[block] = _runs(X[:, block], self.r2)
        if not starts.any():
            starts[0] = polymorphic[0] = True
        self.groups_ = np.where(polymorphic, np.cumsum(starts) - 1, -1)
        self._starts = starts
        return self

    def spread_effects(self, effects: ArrayLike) -> NDArray:
        """Spread effects of the merged columns over the markers they stand for.

        The m markers of a group take the m-th part each, times the regression coefficient of the
        group's column on the marker: ``effect / m * slope``. Genetic values stay the same but for
        a constant where all markers of a group are in complete linkage, and nearly so otherwise.

        Parameters
        ----------
        effects : array-like of shape (n_merged,) or (n_traits, n_merged)
            Effect of one more copy of the counted allele of each merged column, in units of the
            trait.

        Returns
        -------
        ndarray of shape (n_markers,) or (n_traits, n_markers)
            Effect of one more copy of the counted allele of each marker; 0 for monomorphic ones.

        Raises
        ------
        ValueError
            If there is not one effect for each merged column.
        """
        check_is_fitted(self)
        effects = np.asarray(effects, dtype=np.float64)
        sizes = np.bincount(self.groups_[self.groups_ >= 0])
        if effects.shape[-1:] != sizes.shape:
            raise ValueError(
                f"effects has the shape {effects.shape}, but {len(sizes)} columns were merged into"
            )
        # -1, monomorphic, takes the last group's effect times a slope of 0.
        return (effects / sizes)[..., self.groups_] * self.slopes_

    def _get_support_mask(self) -> NDArray:
        check_is_fitted(self)
        return self._starts


def _runs(X: NDArray, r2: float) -> tuple[NDArray, NDArray, NDArray]:
    """Mark the first marker of each run and the markers that vary, with their slopes.

    X has the shape (n_samples, n_block), each result (n_block,).
    """
    Z = np.array(X.T, dtype=np.float32, order="C")  # (n_block, n_samples), a copy
    Z -= Z.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(Z, axis=1)
    polymorphic = norm > 1e-6 * np.sqrt(Z.shape[1])
    norm = norm[polymorphic]
    Z = Z[polymorphic] / norm[:, None]
    first = _first_of_run(Z, r2)
    starts, slopes = np.zeros(len(polymorphic), dtype=bool), np.zeros(len(polymorphic))
    starts[polymorphic] = first == np.arange(len(first))
    slopes[polymorphic] = np.einsum("ij,ij->i", Z, Z[first]) * norm[first] / norm
    return starts, polymorphic, slopes


def _first_of_run(Z: NDArray, r2: float) -> NDArray:
    """Return the first marker of the run that each is in; Z (n_block, n_samples), unit vectors."""
    first = np.empty(len(Z), dtype=np.intp)
    start, step = 0, 32
    # Float32 products of unit vectors are exact to about 1e-6: r2=1 still merges identical markers.
    threshold = r2 - 1e-5
    while start < len(Z):
        end = start + 1
        while end < len(Z):
            linked = (Z[end : end + step] @ Z[start]) ** 2 >= threshold
            if not linked.all():
                end += int(linked.argmin())
                break
            end += len(linked)
        first[start:end] = start
        start = end
    return first
