import numpy as np
import pytest
from scipy.optimize import minimize

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


def brute_force(F, y):
    """Minimise the squares with a general optimiser; return the weights and the sum of squares."""

    def squares(w):
        return ((y - w[0] - F @ w[1:]) ** 2).sum()

    bounds = [(None, None)] + [(0, None)] * F.shape[1]
    found = minimize(squares, np.zeros(1 + F.shape[1]), bounds=bounds, options={"ftol": 1e-14})
    return found.x[1:], found.fun


def test_weights_lie_between_all_components_and_the_last_as_it_is():
    rng = np.random.default_rng(1)
    F = rng.normal(size=(4, 100, 2))
    Y = np.stack([-F[0, :, 0] + F[1, :, 0], F[2, :, 1]], axis=1) + rng.normal(size=(100, 2))
    Y[::7, 0] = np.nan

    weights, intercept = mixing_weights(F, Y)

    for k in range(2):
        seen = ~np.isnan(Y[:, k])
        f, y = F[:, seen, k].T, Y[seen, k]
        among_all, squares = brute_force(f, y)
        squares_alone = len(y) * np.var(y - f[:, -1])
        kept = 1 - 2 * 3 * (squares / len(y)) / (squares_alone - squares)
        expected = kept * among_all + (1 - kept) * np.array([0, 0, 0, 1])
        assert 0.5 < kept < 1
        # The general optimiser's own tolerance.
        np.testing.assert_allclose(weights[:, k], expected, atol=1e-4)
        np.testing.assert_allclose(intercept[k], (y - f @ weights[:, k]).mean())


def test_components_that_gain_no_more_than_chance_count_for_nothing():
    """Noise beside a good last component: 3 weights gain about 3/2 residual variances."""
    rng = np.random.default_rng(2)
    good = rng.normal(size=(1, 200, 50))
    F = np.concatenate([rng.normal(size=(3, 200, 50)), good])
    Y = good[0] + rng.normal(size=(200, 50))

    weights, _ = mixing_weights(F, Y)

    assert (weights[:3] == 0).all(axis=0).mean() > 0.9
    np.testing.assert_allclose(weights[3].mean(), 1, atol=0.05)


def test_weights_of_perfect_predictions_are_exact():
    F = np.random.default_rng(0).normal(size=(2, 30, 1))

    weights, _ = mixing_weights(F, F[0] + 2)

    np.testing.assert_allclose(weights[:, 0], [1, 0], atol=1e-9)
