"""The folds of a comparison: drawn once, checked, the same for every model."""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import GroupKFold, KFold, check_cv
from sklearn.utils import check_random_state


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

    def __str__(self) -> str:
        return f"repeat {self.repeat}, fold {self.fold}"


def draw_folds(
    y: np.ndarray,
    cv: int | Any | Iterable = 5,
    *,
    repeats: int = 1,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> list[Fold]:
    """Split the samples into training and test rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed; only a splitter that stratifies looks at the values.
    cv : int, splitter or iterable of (train, test), default=5
        An int k gives ``KFold(k, shuffle=True)`` or, with `groups`,
        ``GroupKFold(k, shuffle=True)``; else any scikit-learn splitter, or pairs of row numbers.
    repeats : int, default=1
        Number of times that a k-fold is drawn anew, from 1; above 1 for an int `cv` only.
    groups : array-like of shape (n_samples,), default=None
        Family, cage or environment of each sample.
    random_state : int, RandomState or None, default=0
        Repeat i is drawn with the seed ``random_state + i``.

    Returns
    -------
    list of Fold
        By repeat, then by fold.

    Raises
    ------
    ValueError
        If `cv` and `repeats` do not go together, there is no fold at all, or a row (with
        `groups`: a group) is in training and test at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.folds import draw_folds
    >>> [len(fold.test) for fold in draw_folds(np.zeros(10), 3, repeats=2)]
    [4, 3, 3, 4, 3, 3]
    """
    if not isinstance(repeats, Integral) or repeats < 1:
        raise ValueError(f"repeats is an int from 1 up, got {repeats!r}")
    rows = np.arange(len(y))
    labels = rows if groups is None else np.asarray(groups)
    folds = [
        Fold(repeat, fold, rows[train], rows[test])
        for repeat, splitter in enumerate(_splitters(cv, repeats, groups, random_state))
        for fold, (train, test) in enumerate(splitter.split(rows, y, groups))
    ]
    if not folds:
        raise ValueError(f"cv gives no fold at all: {cv!r}")
    for fold in folds:
        _check_disjoint(fold, labels, "row" if groups is None else "group")
    return folds


def _splitters(
    cv: int | Any | Iterable,
    repeats: int,
    groups: ArrayLike | None,
    random_state: int | np.random.RandomState | None,
) -> list:
    if not isinstance(cv, Integral):
        if repeats != 1:
            raise ValueError(
                f"repeats={repeats} goes with an int cv only, got cv={cv!r}; "
                "give a repeated splitter such as RepeatedKFold, and repeats=1"
            )
        return [check_cv(cv)]
    seed = random_state
    if not isinstance(seed, Integral):
        seed = check_random_state(random_state).randint(2**31 - repeats)
    kind = KFold if groups is None else GroupKFold
    return [kind(cv, shuffle=True, random_state=seed + repeat) for repeat in range(repeats)]


def _check_disjoint(fold: Fold, labels: np.ndarray, what: str) -> None:
    shared = np.intersect1d(labels[fold.train], labels[fold.test])
    if len(shared):
        raise ValueError(f"{fold} has {what} {shared[0]} in training and test at once")
