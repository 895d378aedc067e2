"""All checks of scikit-learn on all public estimators, with no expected failure."""

import inspect

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

import sktransformer_gp

# Checked below with their defaults; scikit-learn's checks fit each estimator some 60 times.
ESTIMATORS = [
    value()
    for _, value in sorted(vars(sktransformer_gp).items())
    if inspect.isclass(value) and issubclass(value, BaseEstimator)
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_public_estimators_are_described(estimator):
    assert type(estimator).__doc__
    assert "expected_failed_checks" not in vars(type(estimator))
