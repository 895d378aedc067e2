"""Checks of dosages and phenotypes that all estimators share."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

Model = TypeVar("Model", bound=BaseEstimator)
Parameters = ParamSpec("Parameters")

MISSING = -1
IMPUTER_ADVICE = "put DosageImputer() before this estimator: make_pipeline(DosageImputer(), ...)"


def all_or_nothing(
    fit: Callable[Concatenate[Model, Parameters], Model],
) -> Callable[Concatenate[Model, Parameters], Model]:
    """Make a ``fit`` that fails or is interrupted leave the estimator unfitted.

    Otherwise, what is learned first of new data would stand beside what is left of an earlier fit.

    Parameters
    ----------
    fit : callable
        The method.

    Returns
    -------
    callable
        The method, with the same signature.

    Examples
    --------
    >>> from sktransformer_gp import GBLUPRegressor
    >>> model = GBLUPRegressor().fit([[0], [1], [2], [2]], [0.0, 1.0, 2.0, 3.0])
    >>> model.fit([[0, 1]], [float("inf")])
    Traceback (most recent call last):
    ValueError: Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required...
    >>> hasattr(model, "coef_")
    False
    """

    @wraps(fit)
    def fit_or_forget(self: Model, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Model:
        before = set(vars(self))
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            for name in set(vars(self)):
                if name.endswith("_") or name not in before:
                    delattr(self, name)
            raise

    return fit_or_forget


def is_missing(X: NDArray) -> NDArray:
    """Mark missing dosages.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages, NaN or -1 = missing.

    Returns
    -------
    ndarray of shape (n_samples, n_markers), of bool
        True where a dosage is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.validation import is_missing
    >>> is_missing(np.array([[0.0, -1.0], [np.nan, 2.0]]))
    array([[False,  True],
           [ True, False]])
    """
    missing = X == MISSING
    return missing | np.isnan(X) if X.dtype.kind == "f" else missing


def check_ploidy(X: NDArray, ploidy: int | None, name: str, *, allow_missing: bool = True) -> int:
    """Validate that dosages run from 0 to the ploidy.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages, NaN or -1 = missing.
    ploidy : int or None
        Number of copies of a chromosome; None = the largest dosage, rounded up, and at least 1.
    name : str
        What is given the dosages; it stands in the messages.
    allow_missing : bool, default=True
        Whether -1 may stand for a missing dosage.

    Returns
    -------
    int
        The ploidy.

    Raises
    ------
    ValueError
        If a dosage lies outside 0..ploidy, or `ploidy` is not a whole number >= 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.validation import check_ploidy
    >>> check_ploidy(np.array([[0.0, 1.3], [np.nan, 0.0]]), None, "the filter")
    2
    """
    if ploidy is not None and (ploidy < 1 or ploidy != int(ploidy)):
        raise ValueError(f"ploidy is a whole number >= 1 or None, got {ploidy!r}")
    negative = (X < 0) & (X != MISSING) if allow_missing else X < 0
    if negative.any():
        raise ValueError(
            f"Negative values in data passed to {name}: dosages run from 0 to the ploidy"
            f"{f', {MISSING} = missing' * allow_missing}; got {X[negative].min():g}"
        )
    highest = float(np.fmax(np.fmax.reduce(X, axis=None), 1))
    if ploidy is None:
        return int(np.ceil(highest))
    if highest > ploidy:
        raise ValueError(f"{name} got the dosage {highest:g}, above the ploidy {ploidy}")
    return int(ploidy)


def check_dosages(
    estimator: BaseEstimator,
    X: ArrayLike,
    *,
    reset: bool,
    min_samples: int = 1,
    allow_missing: bool = False,
) -> NDArray:
    """Validate a dosage matrix and set or check ``n_features_in_``.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator that is fitted (``reset=True``) or predicts (``reset=False``).
    X : array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy; the numeric type is kept.
    reset : bool
        Whether `estimator` learns the number and names of markers, or is held to them.
    min_samples : int, default=1
        Smallest number of rows.
    allow_missing : bool, default=False
        Whether dosages may be missing, NaN or -1.

    Returns
    -------
    ndarray of shape (n_samples, n_markers)
        The dosages.

    Raises
    ------
    ValueError
        If a dosage is infinite, negative in a matrix of integers (-1 where nothing may be missing,
        less than -1 elsewhere) or NaN where nothing may be missing, or the shape does not fit. A
        matrix of floats may hold negative values: they are coded or centred.
    """
    X = validate_data(
        estimator,
        X,
        reset=reset,
        ensure_all_finite="allow-nan",
        ensure_min_samples=min_samples,
    )
    if X.dtype.kind not in "biuf":
        raise ValueError(f"Input X has the dtype {X.dtype}; dosages are integers or floats")
    if X.dtype.kind == "f" and not allow_missing and np.isnan(X.sum()):
        n_missing = int(np.isnan(X).sum())
        raise ValueError(f"Input X contains NaN ({n_missing} missing dosages); {IMPUTER_ADVICE}")
    if X.dtype.kind == "i" and (lowest := X.min()) < (MISSING if allow_missing else 0):
        raise ValueError(
            f"Input X holds the dosage {lowest}; dosages run from 0 to the ploidy, and "
            f"{MISSING} means missing{'' if allow_missing else f'; {IMPUTER_ADVICE}'}"
        )
    return X


def check_phenotypes(
    estimator: BaseEstimator,
    y: ArrayLike | None,
    X: NDArray,
    sample_weight: NDArray | None = None,
    *,
    min_observed: int = 2,
) -> NDArray:
    """Validate phenotypes, of which some may not be observed.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator that is fitted; its name stands in the messages.
    y : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, NaN = not observed.
    X : ndarray of shape (n_samples, n_markers)
        The dosages, for the number of rows.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights >= 0; phenotypes of samples of weight 0 do not count as observed. None = all 1.
    min_observed : int, default=2
        Smallest number of observed phenotypes of a trait.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_traits), of float64
        The phenotypes.

    Raises
    ------
    ValueError
        If y is None, infinite, not of X's length, or a trait has too few observed phenotypes: the
        trait is named by its column in a DataFrame, otherwise by its number.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
    names = list(getattr(y, "columns", []))
    y = check_array(
        y, ensure_2d=False, ensure_all_finite="allow-nan", dtype=np.float64, input_name="y"
    )
    check_consistent_length(X, y)
    counted = slice(None) if sample_weight is None else sample_weight > 0
    n_observed = (~np.isnan(y.reshape(len(y), -1)[counted])).sum(axis=0)
    if n_observed.min() < min_observed:
        worst = int(n_observed.argmin())
        raise ValueError(
            f"trait {names[worst] if names else worst!r} has {n_observed[worst]} observed "
            f"phenotypes; at least {min_observed} are needed"
        )
    return y


def check_trait_weights(trait_weights: ArrayLike | None, n_traits: int) -> NDArray:
    """Validate the weights of traits in a loss.

    Parameters
    ----------
    trait_weights : array-like of shape (n_traits,) or None
        Weights >= 0; None = all 1.
    n_traits : int
        Number of traits.

    Returns
    -------
    ndarray of shape (n_traits,), of float32
        The weights.

    Raises
    ------
    ValueError
        If there is not one finite weight >= 0 for each trait, or all are 0.
    """
    weights = np.ones(n_traits) if trait_weights is None else np.asarray(trait_weights, np.float64)
    finite = weights.shape == (n_traits,) and np.isfinite(weights).all()
    if not finite or weights.min() < 0 or weights.max() == 0:
        raise ValueError(
            f"trait_weights has a finite weight >= 0 for each of the {n_traits} traits, not all 0; "
            f"got {trait_weights!r}"
        )
    return weights.astype(np.float32)
