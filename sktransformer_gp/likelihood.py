"""The restricted likelihood of a trait along the ratio of its two variances, and its maximum."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

LAMBDAS = np.geomspace(1e-5, 1e5, 81)
# A log-likelihood that rises by less is flat: the data say nothing about lambda.
FLAT = 1e-9

Profile = Callable[[NDArray], tuple[NDArray, NDArray]]


def profile_likelihood(
    squares: NDArray, squared_norms: NDArray, traces: NDArray, log_dets: NDArray, n: float
) -> tuple[NDArray, NDArray]:
    """Evaluate log-likelihood and slope, with ``s2_e`` at its best for each lambda.

    Parameters
    ----------
    squares, squared_norms : ndarray of shape (n_lambdas,)
        ``lambda y'Py`` and ``|lambda Py|^2`` with the projected precision matrix P.
    traces : ndarray of shape (n_lambdas,)
        Trace of ``lambda P``.
    log_dets : ndarray of shape (n_lambdas,)
        Log determinant of the contrasts' covariance in units of ``s2_e``.
    n : float
        Number of contrasts.

    Returns
    -------
    height, slope : ndarray of shape (n_lambdas,)
        Restricted log-likelihood, and its derivative by log(lambda).
    """
    height = -0.5 * (n * np.log(2 * np.pi * squares / n) + log_dets + n)
    return height, 0.5 * (n * squared_norms / squares - traces)


def maximise(profile: Profile, lambdas: NDArray = LAMBDAS) -> tuple[float, float]:
    """Follow every local maximum that a grid shows to the root of the slope; take the best.

    Parameters
    ----------
    profile : callable
        Maps lambdas (n_lambdas,) to log-likelihoods and slopes, see :func:`profile_likelihood`.
    lambdas : ndarray of shape (n_lambdas,)
        The grid, rising; its ends are the bounds.

    Returns
    -------
    lambda_, height : float
        Where the log-likelihood is highest, and how high; the largest lambda where it is flat.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.likelihood import maximise
    >>> lambda_, height = maximise(lambda x: (1 - np.log(x) ** 2, -2 * np.log(x)))
    >>> round(lambda_, 6), round(height, 6)
    (1.0, 1.0)
    """
    heights, slopes = profile(lambdas)
    tops = np.flatnonzero((slopes[:-1] > FLAT) & (slopes[1:] < -FLAT))
    roots = [
        np.exp(brentq(lambda x: profile(np.exp([x]))[1].item(), *np.log(lambdas[[k, k + 1]])))
        for k in tops
    ]
    candidates = np.concatenate([lambdas[::-1], roots])
    at_roots = [profile(np.array([root]))[0].item() for root in roots]
    candidate_heights = np.concatenate([heights[::-1], at_roots])
    best = (candidate_heights - FLAT * (candidates < lambdas[-1])).argmax()
    return float(candidates[best]), float(candidate_heights[best])
