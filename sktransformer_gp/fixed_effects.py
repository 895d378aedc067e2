"""Fixed effects beside the markers, for any regressor: sex, trial, year, age."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sktransformer_gp.gblup import GBLUPRegressor, fit_mixed_model, mark_fixed_effects
from sktransformer_gp.metrics import TraitRegressorMixin
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.per_trait import takes_missing, weight_name
from sktransformer_gp.preprocessing import DosageImputer
from sktransformer_gp.saving.estimators import ModelFileMixin
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_phenotypes
from sktransformer_gp.weights import check_sample_weight, drop_weightless


class FixedEffectsRegressor(ModelFileMixin, TraitRegressorMixin, PageMixin, BaseEstimator):
    """Take fixed effects out of the phenotypes, and learn the rest from markers by any regressor.

    ``y = W alpha + f(x) + e`` with covariates W, such as a sex, trials, years or an age, counted
    from their means, and dosages x. The effects alpha are those of a mixed model, in which
    relatives resemble each other: what a year owes to better lines is not taken for the year's.
    `estimator` learns ``y - W alpha`` from the markers alone, and predictions are the sum of both.
    All of it is learned in `fit`, so that in a cross-validation no test fold enters.

    Parameters
    ----------
    estimator : estimator, default=None
        Regressor of the markers; may be a pipeline. Cloned, never fitted itself. None =
        ``GBLUPRegressor()``.
    fixed_effects : list of int or list of str, default=None
        Columns of `X`, by number or by name, that are no markers but covariates: numbers, a trial
        or a sex as dummy variables. None = none.
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means for the effects. "repeats": w equal samples, as in
        scikit-learn. "precision": one sample of residual variance ``s2_e / w``. What it means for
        `estimator`, `estimator` says.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone; ``estimator_.predict`` takes markers alone and returns genetic values, at
        the mean of the covariates.
    covariate_means_ : ndarray of shape (n_effects,)
        Means of the covariates in the training rows.
    fixed_effects_ : ndarray of shape (n_effects,) or (n_traits, n_effects)
        Effects, in the unit of the trait per unit of the covariate, in the order of X's columns.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Names of the columns, where `X` had them.

    See Also
    --------
    GBLUPRegressor : Has fixed effects of its own, and estimates them together with the markers'.

    Notes
    -----
    The effects are generalised least squares at the variances of GBLUP by REML,
    ``alpha = (W' V^-1 W)^-1 W' V^-1 y`` with an intercept in W and ``V = s2_g G + s2_e I``, each
    trait on its observed samples; for this, missing dosages are imputed by the mean. That the
    effects are estimated is no part of a standard deviation that `estimator` returns.

    Of effects that fit equally well the smallest are taken: with a column for each of several
    classes they lie around zero, and samples of a class that training has not seen, 0 in all
    columns, are predicted as of an average class.

    Correlations over all samples count what covariates predict. Compare models within a sex, a
    trial or a year, or by ``estimator_``, where genetic values are wanted.

    A DataFrame `X` keeps its columns' types, and its markers reach `estimator` as a DataFrame, with
    the marker map in their names.

    References
    ----------
    Henderson CR (1975) Best linear unbiased estimation and prediction under a selection model.
    Biometrics 31:423-447.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sktransformer_gp import FixedEffectsRegressor
    >>> from sktransformer_gp.datasets import make_cross
    >>> cross = make_cross(200, 100, n_traits=1, random_state=0, as_frame=True)
    >>> X = cross.data.assign(sex=np.arange(200) % 2)
    >>> y = cross.target.iloc[:, 0] + 3 * X["sex"]
    >>> forest = RandomForestRegressor(random_state=0)
    >>> model = FixedEffectsRegressor(forest, fixed_effects=["sex"]).fit(X, y)
    >>> model.fixed_effects_.round(1)
    array([3.])
    """

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        fixed_effects: Sequence[int] | Sequence[str] | None = None,
        weighting: str = "repeats",
    ):
        self.estimator = estimator
        self.fixed_effects = fixed_effects
        self.weighting = weighting

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "FixedEffectsRegressor":
        """Estimate the fixed effects, then fit a clone of `estimator` to what they leave.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Dosages and covariates. Missing dosages, NaN or -1, pass where `estimator` accepts NaN;
            covariates have none.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, in any unit; NaN = not observed, where `estimator` takes it.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. Given to `estimator`
            as well, of a pipeline to its last step. None = all 1, and `estimator` is given none.

        Returns
        -------
        FixedEffectsRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If `fixed_effects` names no column of `X` or leaves no marker, the covariates leave no
            contrast between the samples or are not finite, a trait has fewer than 2 observed
            phenotypes, a dosage is not valid, or weights are not valid or not taken by `estimator`.
        """
        covariates, markers = self._part(X, reset=True)
        weights = check_sample_weight(sample_weight, len(covariates), self.weighting)
        y = check_phenotypes(self, y, covariates, weights)
        estimator = clone(self._estimator())
        given = {} if weights is None else {weight_name(estimator): weights}
        counts = np.ones(len(covariates)) if weights is None else weights
        self.covariate_means_ = counts @ covariates / counts.sum()
        centred = covariates - self.covariate_means_
        effects = self._estimate(centred, markers, y.reshape(len(y), -1), weights)
        self.fixed_effects_ = effects[0] if y.ndim == 1 else effects
        self.estimator_ = estimator.fit(markers, y - centred @ self.fixed_effects_.T, **given)
        return self

    def predict(self, X: ArrayLike, **parameters: Any) -> Any:
        """Predict phenotypes: what `estimator` predicts from the markers, and the fixed effects.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Dosages and covariates, as in `fit`.
        **parameters
            Handed to the ``predict`` of `estimator`, such as ``return_std=True``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_traits)
            Predictions, in the unit of the trait. Where `estimator` returns standard deviations
            behind them, a tuple of both.
        """
        check_is_fitted(self)
        covariates, markers = self._part(X, reset=False)
        fixed = (covariates - self.covariate_means_) @ self.fixed_effects_.T
        predicted = self.estimator_.predict(markers, **parameters)
        if isinstance(predicted, tuple):
            return predicted[0] + fixed, *predicted[1:]
        return predicted + fixed

    def _part(self, X: Any, *, reset: bool) -> tuple[NDArray, Any]:
        """Return covariates and markers."""
        table: Any = X
        is_frame = hasattr(X, "iloc")
        if is_frame:
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            min_samples, allow_missing = 2 if reset else 1, takes_missing(self._estimator())
            table = check_dosages(
                self, X, reset=reset, min_samples=min_samples, allow_missing=allow_missing
            )
        names = list(getattr(self, "feature_names_in_", []))
        is_fixed = mark_fixed_effects(self.fixed_effects, self.n_features_in_, names)
        # Arrays row by row, as most estimators read them; an index of columns would turn them.
        markers = table.loc[:, ~is_fixed] if is_frame else np.compress(~is_fixed, table, axis=1)
        covariates = table.loc[:, is_fixed] if is_frame else table[:, is_fixed]
        return _check_covariates(covariates), markers

    def _estimate(
        self, covariates: NDArray, markers: Any, y: NDArray, weights: NDArray | None
    ) -> NDArray:
        """Return the covariates' effects, (n_traits, n_effects)."""
        if covariates.shape[1] == 0:
            return np.zeros((y.shape[1], 0))
        rows = slice(None) if weights is None else weights > 0
        dosages = DosageImputer().fit_transform(np.asarray(markers)[rows])
        design = np.column_stack([np.ones(len(y)), covariates])
        design, y, kept = drop_weightless(design, y, weights, self.weighting)
        return fit_mixed_model(dosages, y, design, kept).fixed[:, 1:]

    def _estimator(self) -> BaseEstimator:
        return GBLUPRegressor() if self.estimator is None else self.estimator

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = takes_missing(self._estimator())
        return tags


def _check_covariates(columns: Any) -> NDArray:
    """Return covariates as float64, (n_samples, n_effects)."""
    if hasattr(columns, "iloc"):
        for name, column in columns.items():
            if not pd.api.types.is_numeric_dtype(column):
                raise ValueError(
                    f"fixed effects are numbers, but {name!r} has the dtype {column.dtype}: make a "
                    "column for each of its classes, for example with pandas.get_dummies"
                )
        columns = columns.to_numpy(np.float64, na_value=np.nan)
    return check_array(columns, dtype=np.float64, ensure_min_features=0, input_name="fixed_effects")
