"""Any single-trait regressor in a multi-trait comparison: one clone for each trait."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.saving.estimators import ModelFileMixin
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_phenotypes
from sktransformer_gp.weights import check_sample_weight


class PerTraitRegressor(ModelFileMixin, TraitRegressorMixin, PageMixin, BaseEstimator):
    """Fit a clone of one regressor to each trait, on the samples observed for that trait.

    Parameters
    ----------
    estimator : estimator, default=None
        Regressor for one trait; may be a pipeline. Cloned, never fitted itself. Its own
        `random_state` holds for every trait. None = ``Ridge()``.

    Attributes
    ----------
    estimators_ : list of estimator
        Fitted clones, one for each trait, in the order of the columns of `y`.
    n_features_in_ : int
        Number of markers seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Marker names seen in `fit`; only where `X` is a DataFrame.

    See Also
    --------
    sktransformer_gp.gblup.GBLUPRegressor : Handles several traits by itself.

    Notes
    -----
    scikit-learn's ``MultiOutputRegressor`` fits one clone for each output too, but it rejects NaN
    in `y` and a `y` with one dimension. Here NaN = not observed: the sample is left out of the
    training data of this trait and of no other.

    A DataFrame `X` reaches the clones as a DataFrame, so that steps that read the marker map from
    the marker names work inside `estimator`.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.per_trait import PerTraitRegressor
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[0], [1], [0], [1]])
    >>> y = np.array([[1.0, 5.0], [2.0, np.nan], [1.0, 5.0], [2.0, 9.0]])
    >>> PerTraitRegressor(LinearRegression()).fit(X, y).predict(X[:2])
    array([[1., 5.],
           [2., 9.]])
    """

    def __init__(self, estimator: BaseEstimator | None = None):
        self.estimator = estimator

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "PerTraitRegressor":
        """Fit one clone of `estimator` to each trait.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages; missing ones, NaN or -1, pass where `estimator` accepts NaN.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, in any unit; NaN = not observed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, given to `estimator` (of a pipeline, to its last step), which says what
            they mean; 0 = left out. None = `estimator` is given none.

        Returns
        -------
        PerTraitRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a trait has fewer than 2 observed phenotypes, a phenotype is infinite, a dosage is
            not valid, or weights are not valid or not taken by `estimator`.
        """
        X = self._check_markers(X, reset=True)
        # What they mean, and with it their size, is for the clones to check.
        weights = check_sample_weight(sample_weight, len(X), "precision")
        y = check_phenotypes(self, y, X, weights)
        name = "" if weights is None else weight_name(self._estimator())
        self._one_dimensional = y.ndim == 1
        self.estimators_ = [
            self._fit_trait(X, trait, weights, name) for trait in y.reshape(len(y), -1).T
        ]
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict every trait with its own clone.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages of the markers seen in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_traits)
            Predicted phenotypes in the units and the number of dimensions of the `y` of `fit`.
        """
        check_is_fitted(self)
        X = self._check_markers(X, reset=False)
        predictions = [np.asarray(e.predict(X), dtype=np.float64) for e in self.estimators_]
        return predictions[0] if self._one_dimensional else np.column_stack(predictions)

    def _fit_trait(
        self, X: Any, trait: np.ndarray, weights: np.ndarray | None, name: str
    ) -> BaseEstimator:
        observed = ~np.isnan(trait) if weights is None else ~np.isnan(trait) & (weights > 0)
        rows = X.loc[observed] if hasattr(X, "loc") else X[observed]
        given = {} if weights is None else {name: weights[observed]}
        return clone(self._estimator()).fit(rows, trait[observed], **given)

    def _estimator(self) -> BaseEstimator:
        return Ridge() if self.estimator is None else self.estimator

    def _check_markers(self, X: ArrayLike, *, reset: bool) -> Any:
        checked = check_dosages(
            self,
            X,
            reset=reset,
            min_samples=2 if reset else 1,
            allow_missing=takes_missing(self._estimator()),
        )
        return X if hasattr(X, "loc") else checked

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = takes_missing(self._estimator())
        return tags


def takes_missing(estimator: BaseEstimator) -> bool:
    """Tell whether an estimator, or the first step of its pipeline, accepts NaN.

    Parameters
    ----------
    estimator : estimator
        May be a pipeline.

    Returns
    -------
    bool
        What its tags say.

    Examples
    --------
    >>> from sktransformer_gp import GBLUPRegressor, make_model
    >>> from sktransformer_gp.per_trait import takes_missing
    >>> takes_missing(GBLUPRegressor()), takes_missing(make_model("gblup"))
    (False, True)
    """
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[0][1]
    return get_tags(estimator).input_tags.allow_nan


def weight_name(estimator: BaseEstimator) -> str:
    """Return the name by which an estimator takes weights of samples.

    A pipeline hands them to its last step: by the step's name, or by metadata routing.

    Parameters
    ----------
    estimator : estimator
        May be a pipeline.

    Returns
    -------
    str
        Name of the parameter of its ``fit``.

    Raises
    ------
    ValueError
        If it takes none.

    Examples
    --------
    >>> from sktransformer_gp import make_model
    >>> from sktransformer_gp.per_trait import weight_name
    >>> weight_name(make_model("gblup"))
    'gblupregressor__sample_weight'
    """
    last, prefix = estimator, ""
    while hasattr(last, "steps"):
        step, last = last.steps[-1]
        prefix += f"{step}__"
    if not has_fit_parameter(last, "sample_weight"):
        raise ValueError(f"sample_weight is not taken by {last!r}: leave it out, it is None then")
    return "sample_weight" if get_config()["enable_metadata_routing"] else f"{prefix}sample_weight"
