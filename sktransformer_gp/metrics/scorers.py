"""Scorers for scikit-learn's searches and cross-validations, and a score for regressors."""

from collections.abc import Callable, Sequence

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import make_scorer
from sklearn.utils import Tags

from sktransformer_gp.metrics.agreement import pearson_correlation, r2_score, rank_correlation
from sktransformer_gp.metrics.selection import selection_response, top_fraction_overlap
from sktransformer_gp.metrics.traits import check_pair

pearson_scorer = make_scorer(pearson_correlation)
"""Mean Pearson correlation over traits, as a scorer for ``cross_val_score`` and `GridSearchCV`."""

rank_correlation_scorer = make_scorer(rank_correlation)
"""Mean rank correlation over traits, as a scorer."""

selection_response_scorer = make_scorer(selection_response)
"""Mean response over traits to selection of the largest 10 %, as a scorer.

Over traits of different units, or for another share, make your own:
``make_scorer(selection_response, fraction=0.05, select="smallest")``.
"""

top_fraction_overlap_scorer = make_scorer(top_fraction_overlap)
"""Mean overlap over traits of the largest 10 % observed and predicted, as a scorer."""


def pearson_scorers(trait_names: Sequence[str]) -> dict[str, Callable]:
    """Make one Pearson scorer for each trait, for multi-metric ``cross_validate``.

    Parameters
    ----------
    trait_names : sequence of str
        Names of the traits, in the order of the columns of `y`; all different.

    Returns
    -------
    dict of str to scorer
        Keys are the trait names: ``cross_validate`` reports ``"test_<name>"``. The scorers can be
        pickled. Each raises a ValueError where `y` has another number of traits.

    Raises
    ------
    ValueError
        If there are no names, or a name comes twice.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from sktransformer_gp.metrics import pearson_scorers
    >>> X = np.arange(12.0).reshape(12, 1)
    >>> y = np.hstack([X, -2 * X])
    >>> scoring = pearson_scorers(["Lactate", "Lactose"])
    >>> scores = cross_validate(LinearRegression(), X, y, cv=3, scoring=scoring)
    >>> scores["test_Lactose"].round(6)
    array([1., 1., 1.])
    """
    names = tuple(trait_names)
    if isinstance(trait_names, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"trait_names is a sequence of different names, got {trait_names!r}")
    return {name: make_scorer(_pearson_of_trait, name=name, trait_names=names) for name in names}


class TraitRegressorMixin(RegressorMixin):
    """Give a regressor of one or several traits a ``score`` that knows unobserved phenotypes."""

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean R² over traits of the predictions for `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes; NaN = not observed, left out for this trait only.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0; 0 = left out. None = all 1.

        Returns
        -------
        float
            R², see `r2_score`. For predictive ability use `pearson_scorer`.
        """
        return float(r2_score(y, self.predict(X), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _pearson_of_trait(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    name: str,
    trait_names: tuple[str, ...],
    sample_weight: ArrayLike | None = None,
) -> float:
    names, y_true, y_pred, sample_weight = check_pair(y_true, y_pred, sample_weight)
    if len(names) != len(trait_names):
        raise ValueError(f"y has {len(names)} traits, the scorers name {list(trait_names)}")
    k = trait_names.index(name)
    named = pd.DataFrame({name: y_true[:, k]})  # an error names the trait
    return float(pearson_correlation(named, y_pred[:, k], sample_weight=sample_weight))
