"""The data of a comparison, checked once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length


@dataclass(frozen=True)
class Study:
    """The data of a comparison, as the models are handed them.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_samples, n_markers)
        Dosages.
    y : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes as they came, NaN = not observed.
    traits : tuple of str
        Names of the traits.
    dataset : str, default=""
        Name of the data set.
    groups : ndarray of shape (n_samples,), default=None
        Family, cage or environment of each sample.
    """

    X: Any
    y: Any
    traits: tuple[str, ...]
    dataset: str = ""
    groups: np.ndarray | None = None


def check_study(
    X: ArrayLike,
    y: ArrayLike,
    trait_names: Iterable[str] | None = None,
    dataset: str = "",
    groups: ArrayLike | None = None,
) -> Study:
    """Validate data and name the traits.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_markers)
        Dosages.
    y : array-like, Series or DataFrame of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    trait_names : iterable of str, default=None
        Names of the traits; None = the columns of `y`, or ``trait_1``, ``trait_2``, ...
    dataset : str, default=""
        Name of the data set.
    groups : array-like of shape (n_samples,), default=None
        Family, cage or environment of each sample.

    Returns
    -------
    Study
        The data; arrays and DataFrames are the very objects that came in, so that what was
        scattered to a cluster is recognised.

    Raises
    ------
    ValueError
        If the lengths differ, a phenotype is infinite, or names do not fit the traits.
    """
    X = X if hasattr(X, "iloc") else np.asarray(X)
    phenotypes = as_phenotypes(y)
    check_consistent_length(X, phenotypes)
    n_traits = 1 if phenotypes.ndim == 1 else phenotypes.shape[1]
    names = _default_trait_names(y, n_traits) if trait_names is None else list(trait_names)
    if len(names) != n_traits or len(set(names)) != n_traits:
        raise ValueError(f"trait_names needs {n_traits} different name(s) for y, got {names}")
    return Study(X, y, tuple(names), dataset, None if groups is None else np.asarray(groups))


def as_phenotypes(y: ArrayLike) -> np.ndarray:
    """Validate phenotypes.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_traits), of float64
        The phenotypes, with one dimension for a single trait.

    Raises
    ------
    ValueError
        If a phenotype is infinite or no number.
    """
    y = check_array(
        y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
    )
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


def count_observed(y: np.ndarray) -> np.ndarray:
    """Count the observed phenotypes.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.

    Returns
    -------
    ndarray of shape (n_traits,), of int
        Number of phenotypes of each trait.
    """
    return (~np.isnan(y.reshape(len(y), -1))).sum(axis=0)


def _default_trait_names(y: ArrayLike, n_traits: int) -> list[str]:
    if hasattr(y, "columns"):
        return [str(column) for column in y.columns]
    name = getattr(y, "name", None)
    return [f"trait_{i}" for i in range(1, n_traits + 1)] if name is None else [str(name)]
