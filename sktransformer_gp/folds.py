"""The folds of a comparison: drawn once, checked, the same for every model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import GroupKFold, KFold, check_cv
from sklearn.utils import check_random_state

from sktransformer_gp.splitters import SparseTesting


@dataclass(frozen=True)
class Fold:
    """One split of the samples: the same for every model.

    Parameters
    ----------
    repeat : int
        Number of the repeat, from 0.
    fold : int
        Number of the fold within its repeat, from 0.
    train : ndarray of shape (n_train,), of int
        Rows a model is fitted on.
    test : ndarray of shape (n_test,), of int
        Rows it is scored on.
    train_fraction : float in (0, 1], default=1.0
        Share of the fold's training rows that `train` holds.
    train_groups : ndarray of shape (n_train,), default=None
        Family, cage or environment of the training rows.
    hidden : ndarray of shape (n_test, n_traits), of bool, default=None
        In sparse testing: which phenotypes of the test rows are hidden in training and scored;
        test rows are training rows then. None = all phenotypes of rows that are no training rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.folds import Fold
    >>> str(Fold(repeat=0, fold=2, train=np.array([0, 1]), test=np.array([2])))
    'repeat 0, fold 2'
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    train_fraction: float = 1.0
    train_groups: np.ndarray | None = None
    hidden: np.ndarray | None = None

    def __str__(self) -> str:
        part = "" if self.train_fraction == 1 else f", {self.train_fraction:g} of the training rows"
        return f"repeat {self.repeat}, fold {self.fold}{part}"

    def training_phenotypes(self, y: np.ndarray) -> np.ndarray:
        """Return what a model may see of the phenotypes.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, NaN = not observed.

        Returns
        -------
        ndarray of shape (n_train,) or (n_train, n_traits)
            Phenotypes of the training rows; a copy.
        """
        if self.hidden is not None:
            y = y.copy()
            y[self.test] = np.where(self.hidden, np.nan, y[self.test])
        return y[self.train]

    def test_phenotypes(self, y: np.ndarray) -> np.ndarray:
        """Return the phenotypes that predictions are scored against.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, NaN = not observed.

        Returns
        -------
        ndarray of shape (n_test,) or (n_test, n_traits)
            Phenotypes of the test rows; a copy.
        """
        return y[self.test] if self.hidden is None else np.where(self.hidden, y[self.test], np.nan)


def draw_folds(
    y: np.ndarray,
    cv: int | Any | Iterable = 5,
    *,
    repeats: int = 1,
    groups: ArrayLike | None = None,
    train_fractions: Sequence[float] = (1.0,),
    random_state: int | np.random.RandomState | None = 0,
) -> list[Fold]:
    """Split the samples into training and test rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed; only a splitter that stratifies looks at the values.
    cv : int, splitter or iterable of (train, test), default=5
        An int k gives ``KFold(k, shuffle=True)`` or, with `groups`,
        ``GroupKFold(k, shuffle=True)``; else any scikit-learn splitter, a
        :class:`~sktransformer_gp.splitters.SparseTesting`, or pairs of row numbers.
    repeats : int, default=1
        Number of times that a k-fold is drawn anew, from 1; above 1 for an int `cv` only.
    groups : array-like of shape (n_samples,), default=None
        Family, cage, environment or year of each sample.
    train_fractions : sequence of float in (0, 1], default=(1.0,)
        Shares of the training rows, drawn at random, the smaller within the larger; each fold
        comes once for each share, with the same test rows.
    random_state : int, RandomState or None, default=0
        Repeat i is drawn with the seed ``random_state + i``.

    Returns
    -------
    list of Fold
        By repeat, then by fold, then by share of the training rows.

    Raises
    ------
    ValueError
        If `cv` and `repeats` do not go together, a share is outside (0, 1] or comes twice, there
        is no fold at all, or a row (with `groups`: a group) is in training and test at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.folds import draw_folds
    >>> [len(fold.test) for fold in draw_folds(np.zeros(10), 3, repeats=2)]
    [4, 3, 3, 4, 3, 3]
    """
    if not isinstance(repeats, Integral) or repeats < 1:
        raise ValueError(f"repeats is an int from 1 up, got {repeats!r}")
    _check_fractions(train_fractions)
    seed = random_state
    if not isinstance(seed, Integral):
        seed = check_random_state(random_state).randint(2**31 - repeats)
    labels = np.arange(len(y)) if groups is None else np.asarray(groups)
    folds = list(_split(y, cv, repeats, groups, seed))
    if not folds:
        raise ValueError(f"cv gives no fold at all: {cv!r}")
    for fold in folds:
        if fold.hidden is None:
            _check_disjoint(fold, labels, "row" if groups is None else "group")
        elif tuple(train_fractions) != (1.0,):
            raise ValueError(f"train_fractions={train_fractions!r} does not go with {cv!r}")
    parts = [part for fold in folds for part in _thin(fold, train_fractions, seed)]
    return parts if groups is None else [replace(p, train_groups=labels[p.train]) for p in parts]


def _split(
    y: np.ndarray, cv: int | Any | Iterable, repeats: int, groups: ArrayLike | None, seed: int
) -> Iterator[Fold]:
    rows = np.arange(len(y))
    for repeat, splitter in enumerate(_splitters(cv, repeats, groups, seed)):
        if isinstance(splitter, SparseTesting):
            yield from _hide(y, splitter)
        else:
            for fold, (train, test) in enumerate(splitter.split(rows, y, groups)):
                yield Fold(repeat, fold, rows[train], rows[test])


def _hide(y: np.ndarray, splitter: SparseTesting) -> Iterator[Fold]:
    for fold, (test, hidden) in enumerate(splitter.hide(y)):
        left = ~np.isnan(y)
        left[test] &= ~hidden
        yield Fold(0, fold, np.flatnonzero(left.any(axis=1)), test, hidden=hidden)


def _splitters(cv: int | Any | Iterable, repeats: int, groups: ArrayLike | None, seed: int) -> list:
    if isinstance(cv, Integral):
        kind = KFold if groups is None else GroupKFold
        return [kind(cv, shuffle=True, random_state=seed + repeat) for repeat in range(repeats)]
    if repeats != 1:
        raise ValueError(
            f"repeats={repeats} goes with an int cv only, got cv={cv!r}; "
            "give a repeated splitter such as RepeatedKFold, and repeats=1"
        )
    return [cv if isinstance(cv, SparseTesting) else check_cv(cv)]


def _check_disjoint(fold: Fold, labels: np.ndarray, what: str) -> None:
    shared = np.intersect1d(labels[fold.train], labels[fold.test])
    if len(shared):
        raise ValueError(f"{fold} has {what} {shared[0]} in training and test at once")


def _check_fractions(fractions: Sequence[float]) -> None:
    valid = len(fractions) > 0 and all(0 < fraction <= 1 for fraction in fractions)
    if not valid or len(set(fractions)) < len(fractions):
        raise ValueError(f"train_fractions are different numbers in (0, 1], got {fractions!r}")


def _thin(fold: Fold, fractions: Sequence[float], seed: int) -> Iterator[Fold]:
    """Yield the fold with each share of its training rows."""
    order = np.random.default_rng([seed, fold.repeat, fold.fold]).permutation(fold.train)
    for fraction in fractions:
        if fraction == 1:
            yield fold
        else:
            n_rows = max(2, round(fraction * len(order)))
            yield replace(fold, train=np.sort(order[:n_rows]), train_fraction=fraction)
