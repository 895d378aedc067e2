import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression

from sktransformer_gp.crossfit import inner_folds, mixing_weights


def folds_of(Y, n_folds, seed=0):
    return inner_folds(Y, n_folds, np.random.RandomState(seed))


def test_folds_are_even_also_within_each_pattern_of_missing_phenotypes():
    Y = np.zeros((50, 2))
    Y[:20, 0] = np.nan

    folds = folds_of(Y, 5)

    assert np.bincount(folds).tolist() == [10] * 5
    assert np.bincount(folds[:20]).tolist() == [4] * 5


def test_folds_are_random_and_reproducible():
    Y = np.zeros((50, 1))

    assert (folds_of(Y, 5, 1) == folds_of(Y, 5, 1)).all()
    assert (folds_of(Y, 5, 1) != folds_of(Y, 5, 2)).any()


@pytest.mark.parametrize(("n_observed", "n_folds"), [(4, 2), (5, 2), (9, 4), (10, 5), (40, 5)])
def test_rare_traits_lower_the_number_of_folds(n_observed, n_folds):
    Y = np.zeros((40, 2))
    Y[n_observed:, 1] = np.nan

    assert folds_of(Y, 5).max() + 1 == n_folds


def test_too_few_phenotypes_give_no_folds():
    assert (folds_of(np.zeros((3, 1)), 5) == -1).all()


def test_a_trait_that_one_fold_holds_gives_no_folds():
    """Each row misses other traits: no order of the rows spreads every trait over the folds."""
    Y = np.full((8, 2), np.nan)
    Y[:4, 0], Y[4:, 1] = 1.0, 1.0
    Y[0, 1] = Y[4, 0] = 1.0

    for seed in range(20):
        folds = folds_of(Y, 2, seed)
        counts = [(~np.isnan(Y[folds != fold])).sum(axis=0).min() for fold in (0, 1)]
        assert (folds == -1).all() or min(counts) >= 2


def test_weights_are_least_squares_where_those_are_positive():
    rng = np.random.default_rng(0)
    F = rng.normal(size=(3, 200, 1))
    Y = np.array([0.2, 0.5, 0.8]) @ F[:, :, 0] + 4 + rng.normal(0, 0.1, 200)

    weights, intercept = mixing_weights(F, Y[:, None])

    ols = LinearRegression().fit(F[:, :, 0].T, Y)
    np.testing.assert_allclose(weights[:, 0], ols.coef_, rtol=1e-9)
    np.testing.assert_allclose(intercept[0], ols.intercept_, rtol=1e-9)


def test_weights_minimise_the_squares_under_the_constraint():
    rng = np.random.default_rng(1)
    F = rng.normal(size=(4, 100, 2))
    Y = np.stack([-F[0, :, 0] + F[1, :, 0], F[2, :, 1]], axis=1) + rng.normal(size=(100, 2))
    Y[::7, 0] = np.nan

    weights, intercept = mixing_weights(F, Y)

    assert (weights >= 0).all() and (weights == 0).any()
    for k in range(2):
        seen = ~np.isnan(Y[:, k])

        def squares(w, seen=seen, k=k):
            return ((Y[seen, k] - w[0] - F[:, seen, k].T @ w[1:]) ** 2).sum()

        brute = minimize(squares, np.zeros(5), bounds=[(None, None)] + [(0, None)] * 4)
        # The general optimiser's own tolerance.
        assert squares([intercept[k], *weights[:, k]]) <= brute.fun * (1 + 1e-6)
