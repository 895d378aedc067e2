"""What a breeder acts on: the lines with the best predictions."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sktransformer_gp.metrics.traits import is_constant, over_traits

SELECT = ("largest", "smallest")


def selection_response(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    fraction: float = 0.1,
    select: str = "largest",
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Subtract the mean phenotype of all lines from that of the lines selected, trait by trait.

    Selected is the `fraction` with the best predictions.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, in any unit; NaN = not observed: no candidate for this trait.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Predictions, finite everywhere.
    fraction : float in (0, 1), default=0.1
        Share of the candidates that is selected, rounded up to whole lines. Lines tied at the
        boundary share the places that are left.
    select : {"largest", "smallest"}, default="largest"
        Which predictions are the best; "smallest" for a disease score.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        The mean over traits, or one value for each trait.

    Returns
    -------
    float or ndarray of shape (n_traits,)
        Difference in the unit of the trait, its sign turned with "smallest" so that more is better.
        0.0 where the predictions of a trait are constant: they select nobody.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, a trait was never observed, or
        `fraction` or `select` is not valid.

    Examples
    --------
    >>> from sktransformer_gp.metrics import selection_response
    >>> selection_response([1.0, 2.0, 3.0, 6.0], [0.1, 0.4, 0.3, 0.5], fraction=0.5)
    1.0
    """
    sign = _sign(select)

    def response(true: NDArray, pred: NDArray, *, sample_weight: NDArray) -> float:
        share = _selected(sign * pred, fraction)
        return sign * (np.average(true, weights=share) - true.mean())

    return over_traits(response, y_true, y_pred, None, multioutput, min_observed=1)


def top_fraction_overlap(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    fraction: float = 0.1,
    select: str = "largest",
    multioutput: str = "uniform_average",
) -> float | NDArray:
    """Compute the share of the best lines that selection by prediction finds, trait by trait.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_traits)
        Phenotypes, in any unit; NaN = not observed: no candidate for this trait.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_traits)
        Predictions, finite everywhere.
    fraction : float in (0, 1), default=0.1
        Share of the candidates that is selected, rounded up to whole lines. Lines tied at the
        boundary share the places that are left.
    select : {"largest", "smallest"}, default="largest"
        Which phenotypes and predictions are the best; "smallest" for a disease score.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        The mean over traits, or one value for each trait.

    Returns
    -------
    float or ndarray of shape (n_traits,)
        Overlap in [0, 1]: 1 = the same lines; about `fraction` where predictions are worth nothing,
        and just that (to whole lines) where they are constant.

    Raises
    ------
    ValueError
        If the shapes differ, a prediction is NaN or infinite, a trait was never observed, or
        `fraction` or `select` is not valid.

    Examples
    --------
    >>> from sktransformer_gp.metrics import top_fraction_overlap
    >>> top_fraction_overlap([1.0, 2.0, 3.0, 6.0], [0.1, 0.4, 0.3, 0.5], fraction=0.5)
    0.5
    """
    sign = _sign(select)

    def overlap(true: NDArray, pred: NDArray, *, sample_weight: NDArray) -> float:
        best, found = (_selected(sign * values, fraction) for values in (true, pred))
        return float(best @ found / best.sum())

    return over_traits(overlap, y_true, y_pred, None, multioutput, min_observed=1)


def _sign(select: str) -> int:
    if select not in SELECT:
        raise ValueError(f"select is one of {SELECT}, got {select!r}")
    return 1 if select == "largest" else -1


def _selected(values: NDArray, fraction: float) -> NDArray:
    """Return how much of each line is selected: 1, 0, or its share of a tie at the boundary."""
    if not 0 < fraction < 1:
        raise ValueError(f"fraction lies in (0, 1), got {fraction!r}")
    n = math.ceil(round(fraction * len(values), 9))  # .1 of 30 is 3, not 4
    if is_constant(values):
        return np.full(len(values), n / len(values))
    boundary = np.partition(values, -n)[-n]
    above, tied = values > boundary, values == boundary
    return above + tied * (n - above.sum()) / tied.sum()
