"""What "auto" stands for in the parameters of training."""

import math

from numpy.typing import ArrayLike

LARGEST_BATCH, FEWEST_BATCHES = 32, 25
# From so many traits on, a step hears enough of each sample to be a larger one; and what is noise
# to one trait of many is let through by gates that all share.
MANY_TRAITS = 8


def batch_size_for(batch_size: int | str, n_samples: int, n_traits: int = 1) -> int:
    """Resolve ``batch_size="auto"``: 32, or what gives 25 steps an epoch where that is less.

    With 8 traits or more, twice as many.

    Parameters
    ----------
    batch_size : int or "auto"
        The parameter.
    n_samples, n_traits : int
        Numbers of training rows and of traits.

    Returns
    -------
    int
        Number of individuals in a training step.

    Examples
    --------
    >>> from sktransformer_gp.automatic import batch_size_for
    >>> batch_size_for("auto", 1000), batch_size_for("auto", 100), batch_size_for(8, 100)
    (32, 4, 8)
    """
    if not isinstance(batch_size, str):
        return batch_size
    size = min(LARGEST_BATCH, math.ceil(n_samples / FEWEST_BATCHES))
    return size * (2 if n_traits >= MANY_TRAITS else 1)


def learning_rate_for(learning_rate: float | str, n_traits: int) -> float:
    """Resolve ``learning_rate_init="auto"``: .003, with 8 traits or more .009.

    Parameters
    ----------
    learning_rate : float or "auto"
        The parameter.
    n_traits : int
        Number of traits.

    Returns
    -------
    float
        The largest learning rate.

    Examples
    --------
    >>> from sktransformer_gp.automatic import learning_rate_for
    >>> learning_rate_for("auto", 2), learning_rate_for("auto", 46), learning_rate_for(0.01, 2)
    (0.003, 0.009, 0.01)
    """
    if not isinstance(learning_rate, str):
        return learning_rate
    return 0.009 if n_traits >= MANY_TRAITS else 0.003


def gate_penalty_for(
    penalty: ArrayLike | None, n_traits: int, n_folds: int | None
) -> ArrayLike | None:
    """Resolve ``gate_penalty="auto"``: .04 and .12, with 8 traits or more .08 and .24.

    Parameters
    ----------
    penalty : float, sequence of them, "auto" or None
        The parameter.
    n_traits : int
        Number of traits.
    n_folds : int or None
        Number of inner folds; without them there is one regime, with the smallest penalty.

    Returns
    -------
    float, sequence of them or None
        One penalty for each regime.

    Examples
    --------
    >>> from sktransformer_gp.automatic import gate_penalty_for
    >>> gate_penalty_for("auto", 2, 5), gate_penalty_for("auto", 46, 5), gate_penalty_for(0.1, 2, 5)
    ((0.04, 0.12), (0.08, 0.24), 0.1)
    """
    if not isinstance(penalty, str):
        return penalty
    penalties = (0.08, 0.24) if n_traits >= MANY_TRAITS else (0.04, 0.12)
    return penalties if n_folds else penalties[0]
