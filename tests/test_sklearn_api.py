"""All checks of scikit-learn on all public estimators, with no expected failure."""

import inspect

from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

import sktransformer_gp

PUBLIC = [getattr(sktransformer_gp, name) for name in sktransformer_gp.__all__]
# Fewer epochs where nothing has to be predicted well.
FASTER = {
    "GenotypeAutoencoder": {"max_iter": 2},
    "GenotypeGAN": {"max_iter": 2},
    "MaskedGenotypePretrainer": {"max_iter": 2},
    "PretrainedGPRegressor": {"pretrainer": sktransformer_gp.MaskedGenotypePretrainer(max_iter=2)},
}
ESTIMATORS = [
    value(**FASTER.get(value.__name__, {}))
    for value in PUBLIC
    if inspect.isclass(value) and issubclass(value, BaseEstimator)
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_all_estimators_of_the_package_are_checked():
    names = {type(estimator).__name__ for estimator in ESTIMATORS}

    assert names >= {"TransformerGPRegressor", "GBLUPRegressor", "RKHSRegressor", "DosageImputer"}
