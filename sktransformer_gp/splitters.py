"""Splits that breeding asks for and scikit-learn has not: later years, and sparse testing.

New lines (CV1) are scikit-learn's ``KFold`` and ``RepeatedKFold``; new families or environments its
``GroupKFold`` and ``LeaveOneGroupOut``.
"""

from collections.abc import Iterator, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_random_state


class ForwardSplit(BaseCrossValidator):
    """Train on earlier years, test on a later one.

    Each test set is a year (any group that can be ordered), its training set all years before: what
    a programme does that predicts the next season's lines. A plain scikit-learn splitter: pass the
    years as `groups`.

    Parameters
    ----------
    n_splits : int or None, default=None
        Number of years that are predicted, the last ones; None = all that have enough before them.
    min_train : int, default=1
        Fewest years in a training set.

    See Also
    --------
    sklearn.model_selection.LeaveOneGroupOut : Trains on all other groups, later ones included.
    sklearn.model_selection.TimeSeriesSplit : Cuts by position, not by year.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.splitters import ForwardSplit
    >>> years = np.array([2021, 2020, 2022, 2020])
    >>> for train, test in ForwardSplit().split(np.zeros((4, 1)), groups=years):
    ...     print(train, test)
    [1 3] [0]
    [0 1 3] [2]
    """

    # In scikit-learn's metadata routing a search hands the groups on without being asked.
    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(self, n_splits: int | None = None, *, min_train: int = 1):
        self.n_splits = n_splits
        self.min_train = min_train

    def split(
        self, X: ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield the row numbers of each training and test set, by year.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages; only their number counts.
        y : array-like, default=None
            Ignored.
        groups : array-like of shape (n_samples,)
            Year of each sample.

        Yields
        ------
        train, test : ndarray of int
            Rows of the earlier years, and of the year.

        Raises
        ------
        ValueError
            If `groups` is None or there are too few years.
        """
        years = self._test_years(groups)
        check_consistent_length(X, groups)
        groups = np.asarray(groups)
        for year in years:
            yield np.flatnonzero(groups < year), np.flatnonzero(groups == year)

    def get_n_splits(
        self,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Return the number of test sets.

        Parameters
        ----------
        X, y : array-like, default=None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            Year of each sample; needed where `n_splits` is None.

        Returns
        -------
        int
            Number of years that are predicted.

        Raises
        ------
        ValueError
            If `groups` is needed and None, or there are too few years.
        """
        if groups is None and self.n_splits is not None:
            return self.n_splits
        return len(self._test_years(groups))

    def _test_years(self, groups: ArrayLike | None) -> NDArray:
        if groups is None:
            raise ValueError("ForwardSplit needs the year of each sample as groups, got None")
        n_splits = 1 if self.n_splits is None else self.n_splits
        for name, value in (("n_splits", n_splits), ("min_train", self.min_train)):
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} is an int from 1 up, got {value!r}")
        years = np.unique(np.asarray(groups))
        candidates = years[self.min_train :]
        if len(candidates) < n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} with min_train={self.min_train} needs "
                f"{self.min_train + n_splits} years, got {len(years)}: {years.tolist()}"
            )
        return candidates if self.n_splits is None else candidates[-n_splits:]


class SparseTesting:
    """Hide some traits of each line and keep the others for training (CV2).

    In sparse testing a line is grown in some environments only, or scored for the cheap traits
    first; what is missing is predicted from relatives and from the line's own other phenotypes. The
    columns of `y` are traits, or environments. Only a model of several traits at once can gain
    from what is known of the test lines. For ``compare_models(..., cv=SparseTesting())``; it has no
    ``split``, since in scikit-learn's terms test rows are training rows here.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds. Each phenotype is hidden in one of them.
    n_repeats : int, default=1
        Number of times that the folds are drawn.
    traits : sequence of int, default=None
        Columns of `y` that are hidden, all at once for a test line, while the others are known of
        all lines. None = each column in turn: in a fold, other lines lack other traits.
    random_state : int, RandomState or None, default=None
        Seed.

    Notes
    -----
    A line of which nothing else is observed in a fold is not tested in it.

    References
    ----------
    Burgueno, J. et al. (2012). Genomic prediction of breeding values when modeling genotype x
    environment interaction using pedigree and dense molecular markers. Crop Sci. 52:707-719.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.splitters import SparseTesting
    >>> for rows, hidden in SparseTesting(2, random_state=0).hide(np.ones((4, 2))):
    ...     print(rows, hidden.sum(axis=0), hidden.sum(axis=1))
    [0 1 2 3] [2 2] [1 1 1 1]
    [0 1 2 3] [2 2] [1 1 1 1]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        n_repeats: int = 1,
        traits: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.traits = traits
        self.random_state = random_state

    def __repr__(self) -> str:
        parameters = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"SparseTesting({parameters})"

    def hide(self, y: ArrayLike) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield the lines of each fold and which of their phenotypes are hidden.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_traits)
            Phenotypes, NaN = not observed.

        Yields
        ------
        rows : ndarray of shape (n_test,), of int
            The test lines.
        hidden : ndarray of shape (n_test, n_traits), of bool
            True = observed, hidden in training and scored.

        Raises
        ------
        ValueError
            If there are fewer than 2 traits or lines than folds, or `traits` leaves none that is
            known.
        """
        observed = ~np.isnan(np.asarray(y, dtype=np.float64))
        self._check(observed)
        rng = check_random_state(self.random_state)
        for _ in range(self.n_repeats):
            fold_of = self._assign(observed.shape, rng)
            for fold in range(self.n_splits):
                hidden = observed & (fold_of == fold)
                known = (observed & ~hidden).any(axis=1)
                rows = np.flatnonzero(hidden.any(axis=1) & known)
                yield rows, hidden[rows]

    def _assign(self, shape: tuple[int, ...], rng: np.random.RandomState) -> NDArray:
        """Return the fold in which each phenotype is hidden, -1 = in none."""
        n_samples, n_traits = shape
        of_line = rng.permutation(np.arange(n_samples) % self.n_splits)[:, None]
        if self.traits is None:
            return (of_line + rng.permutation(n_traits)) % self.n_splits
        columns = np.isin(np.arange(n_traits), self.traits)
        return np.where(columns, of_line, -1)

    def _check(self, observed: NDArray) -> None:
        for name in ("n_splits", "n_repeats"):
            lowest, value = 2 if name == "n_splits" else 1, getattr(self, name)
            if not isinstance(value, Integral) or value < lowest:
                raise ValueError(f"{name} is an int from {lowest} up, got {value!r}")
        if observed.ndim != 2 or observed.shape[1] < 2:
            raise ValueError(
                f"sparse testing needs 2 or more traits, got y of shape {observed.shape}"
            )
        n_samples, n_traits = observed.shape
        if n_samples < self.n_splits:
            raise ValueError(f"n_splits={self.n_splits} is more than the {n_samples} samples")
        if self.traits is not None:
            valid = set(range(n_traits))
            if not set(self.traits) or not set(self.traits) < valid:
                raise ValueError(
                    f"traits are some, not all, of the columns 0..{n_traits - 1} of y, "
                    f"got {self.traits!r}"
                )
