"""Tests of differences between models: over folds that overlap, and many at once."""

import numpy as np
from scipy import stats


def corrected_t_test(
    differences: np.ndarray, n_train: np.ndarray, n_test: np.ndarray, *, confidence: float = 0.95
) -> dict[str, float]:
    """Test whether the mean of differences over overlapping training sets is zero.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,)
        Differences of two models' scores.
    n_train, n_test : ndarray of shape (n_folds,)
        Numbers of training and test samples.
    confidence : float in (0, 1), default=0.95
        Probability of the interval.

    Returns
    -------
    dict
        `n_folds`, `difference`, `low`, `high`, `t` and `p_value`. Where all differences are equal
        the interval has no length, and the p-value is 1 at zero and 0 elsewhere.

    Raises
    ------
    ValueError
        If there are fewer than 2 differences.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.comparison.inference import corrected_t_test
    >>> test = corrected_t_test(np.array([1.0, 2.0, 3.0]), np.full(3, 60), np.full(3, 30))
    >>> round(test["t"], 3), round(test["p_value"], 3)
    (2.191, 0.16)
    """
    n = len(differences)
    if n < 2:
        raise ValueError(f"a paired difference needs at least 2 folds in common, got {n}")
    mean = float(np.mean(differences))
    ratio = float(np.mean(np.asarray(n_test) / np.asarray(n_train)))
    error = float(np.sqrt((1 / n + ratio) * np.var(differences, ddof=1)))
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * error
    t = mean / error if error > 0 else np.sign(mean) * np.inf if mean else 0.0
    return {
        "n_folds": n,
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
        "t": float(t),
        "p_value": float(2 * stats.t.sf(abs(t), n - 1)),
    }


def adjust_holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values for their number after Holm.

    Parameters
    ----------
    p_values : ndarray of shape (n_tests,)
        P-values.

    Returns
    -------
    ndarray of shape (n_tests,)
        Adjusted p-values: below 0.05 with a probability of at most 0.05 that any is so by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.comparison.inference import adjust_holm
    >>> adjust_holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * p_values[order]))
    return adjusted
