"""Guards against what makes a test easier than it looks: clones, and predictions made together."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sktransformer_gp.folds import Fold

N_PROBED = 3
ROWS_A_BLOCK = 256


class LeakWarning(UserWarning):
    """Test samples may be easier to predict than new ones will be."""


def count_clones(X: Any, folds: Sequence[Fold]) -> list[int]:
    """Count the test samples of each fold with the very genotype of a training sample.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_samples, n_markers)
        Dosages; missing ones count as a genotype of their own.
    folds : sequence of Fold
        The splits.

    Returns
    -------
    list of int
        One number for each fold. In sparse testing a line is no clone of itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.comparison.leaks import count_clones
    >>> from sktransformer_gp.folds import Fold
    >>> X = np.array([[0, 1], [1, 1], [0, 1]])
    >>> count_clones(X, [Fold(0, 0, np.array([0]), np.array([1, 2]))])
    [1]
    """
    genotypes = np.array(list(_digests(X)))
    return [
        int(np.isin(genotypes[fold.test], genotypes[np.setdiff1d(fold.train, fold.test)]).sum())
        for fold in folds
    ]


def warn_of_clones(n_clones: Sequence[int]) -> None:
    """Warn if there are clones across training and test.

    Parameters
    ----------
    n_clones : sequence of int
        What :func:`count_clones` gives.
    """
    n_folds = np.count_nonzero(n_clones)
    if n_folds:
        warnings.warn(
            f"{sum(n_clones)} test samples, in {n_folds} of {len(n_clones)} folds, have the very "
            "genotype of a training sample: clones or duplicates, which a model can remember; "
            "give them one group (groups=...) to keep them together",
            LeakWarning,
            stacklevel=3,
        )


def is_transductive(model: BaseEstimator, X: Any, predicted: np.ndarray) -> bool:
    """Tell whether predictions depend on the samples that are predicted with them.

    Parameters
    ----------
    model : estimator
        The fitted model.
    X : ndarray or DataFrame of shape (n_test, n_markers)
        Dosages of the test rows.
    predicted : ndarray of shape (n_test, n_traits)
        What the model predicted for all of them at once.

    Returns
    -------
    bool
        True = the first 3 are predicted otherwise without the rest, by more than rounding.
    """
    few = X.iloc[:N_PROBED] if hasattr(X, "iloc") else X[:N_PROBED]
    alone = np.asarray(model.predict(few), dtype=np.float64).reshape(len(few), -1)
    # Nets compute in float32, in another order for another number of rows.
    tolerance = 1e-4 * (predicted.std(axis=0) + np.abs(predicted).max() * 1e-3)
    return bool((np.abs(alone - predicted[: len(few)]) > tolerance).any())


def warn_of_transduction(model: str) -> None:
    """Warn that a model's predictions depend on each other.

    Parameters
    ----------
    model : str
        Name of the model.
    """
    warnings.warn(
        f"model {model!r} predicts {N_PROBED} samples otherwise when they are predicted without "
        "the other test samples: a step of it learns from the samples it predicts, or it is "
        "random; its scores are not those of a line predicted by itself",
        LeakWarning,
        stacklevel=4,
    )


def _digests(X: Any) -> Iterator[bytes]:
    """Yield a hash of each sample's genotype; block by block, so that a panel is not copied."""
    rows = X.iloc if hasattr(X, "iloc") else X
    for start in range(0, len(X), ROWS_A_BLOCK):
        block = np.asarray(rows[start : start + ROWS_A_BLOCK])
        for genotype in block:
            as_text = block.dtype.hasobject
            data = repr(genotype.tolist()).encode() if as_text else genotype.tobytes()
            yield hashlib.blake2b(data, digest_size=16).digest()
