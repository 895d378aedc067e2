import numpy as np
import pytest
from scipy.optimize import minimize, nnls
from sklearn.linear_model import Ridge, RidgeCV

from sktransformer_gp import crossfit
from sktransformer_gp.crossfit import inner_folds, mixing_weights, selection_index
from sktransformer_gp.weights import SampleWeights


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
        kept = 1 - 3 * (squares / len(y)) / (squares_alone - squares)
        expected = kept * among_all + (1 - kept) * np.array([0, 0, 0, 1])
        assert 0.5 < kept < 1
        # The general optimiser's own tolerance.
        np.testing.assert_allclose(weights[:, k], expected, atol=1e-4)
        np.testing.assert_allclose(intercept[k], (y - f @ weights[:, k]).mean())


def test_components_that_gain_no_more_than_chance_cost_little():
    """Noise beside a good last component: least squares alone cost several times as much."""
    rng = np.random.default_rng(2)
    good = rng.normal(size=(1, 200, 50))
    F = np.concatenate([rng.normal(size=(3, 200, 50)), good])
    Y = good[0] + rng.normal(size=(200, 50))

    weights, _ = mixing_weights(F, Y)

    # Components are independent and of variance 1: so much do weights add to the squared error.
    right = np.array([0, 0, 0, 1])
    least_squares = np.array([nnls(F[:, :, k].T, Y[:, k])[0] for k in range(50)])
    cost = np.square(weights.T - right).sum(axis=1)
    assert cost.mean() < np.square(least_squares - right).sum(axis=1).mean() / 3
    assert (weights[:3] == 0).all(axis=0).mean() > 0.5
    np.testing.assert_allclose(weights[3].mean(), 1, atol=0.05)


def test_weights_of_perfect_predictions_are_exact():
    F = np.random.default_rng(0).normal(size=(2, 30, 1))

    weights, _ = mixing_weights(F, F[0] + 2)

    np.testing.assert_allclose(weights[:, 0], [1, 0], atol=1e-9)


def predictions(n=120, n_traits=4, seed=0):
    """Predict correlated traits, each from a proxy of its own as well as that can be, in units
    that differ."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(2, n_traits))
    genetic = rng.normal(size=(n, 2)) @ loadings
    variance = np.square(loadings).sum(axis=0)
    predicted = (genetic + rng.normal(size=(n, n_traits))) * variance / (variance + 1)
    Y = (genetic + rng.normal(size=(n, n_traits))) * 10.0 ** np.arange(n_traits)
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return predicted * 10.0 ** np.arange(n_traits), Y


def leave_one_out(F, y, penalty):
    """Refit without each sample in turn."""
    errors = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        model = Ridge(alpha=penalty).fit(F[rest], y[rest])
        errors.append(y[i] - model.predict(F[[i]])[0])
    return np.square(errors).mean()


def test_traits_borrow_what_leave_one_out_says():
    predicted, Y = predictions()
    scale = np.nanstd(Y, axis=0)

    index, intercept = selection_index(predicted, Y, scale)

    np.testing.assert_array_equal(index.diagonal(), 1)
    for k in (0, 3):
        seen, others = ~np.isnan(Y[:, k]), np.arange(4) != k
        F = predicted[seen][:, others] / scale[others]
        left = (Y - predicted)[seen, k] / scale[k]
        penalties = np.logspace(1, 6, 21)
        errors = [leave_one_out(F, left, penalty) for penalty in penalties]
        best = Ridge(alpha=penalties[np.argmin(errors)]).fit(F, left)
        np.testing.assert_allclose(index[others, k], best.coef_ * scale[k] / scale[others])
        assert intercept[k] == pytest.approx(best.intercept_ * scale[k], abs=1e-9 * scale[k])


def test_the_units_of_traits_do_not_matter():
    predicted, Y = predictions()
    units = np.array([1.0, 1e3, 1e-4, 7.0])

    index, _ = selection_index(predicted, Y, np.nanstd(Y, axis=0))
    other, _ = selection_index(predicted * units, Y * units, np.nanstd(Y * units, axis=0))

    np.testing.assert_allclose(other, index * units / units[:, None], rtol=1e-8)


@pytest.mark.parametrize(("n", "least_gain", "most_loss"), [(15, 0.0, 0.01), (120, 0.02, 0.01)])
def test_what_is_borrowed_helps_and_noise_does_little_harm(n, least_gain, most_loss):
    """Of new samples: squared errors in units of the trait's variance, mean of 40 simulations."""
    gains = {"correlated": [], "noise": []}
    for seed in range(40):
        predicted, Y = predictions(n + 1000, seed=seed)
        scale = np.nanstd(Y, axis=0)
        noise = np.random.default_rng(seed).normal(scale=scale / 2, size=Y.shape)
        for name, others in (("correlated", predicted), ("noise", noise)):
            own = np.column_stack([predicted[:, 0], others[:, 1:]])
            index, intercept = selection_index(own[:n], Y[:n], scale)
            before, after = own[n:, 0], (own[n:] @ index + intercept)[:, 0]
            errors = [np.nanvar(Y[n:, 0] - values) for values in (before, after)]
            gains[name].append((errors[0] - errors[1]) / scale[0] ** 2)
    assert np.mean(gains["correlated"]) > least_gain
    assert np.mean(gains["noise"]) > -most_loss


def test_one_trait_borrows_nothing():
    predicted, Y = predictions(n_traits=1)
    index, intercept = selection_index(predicted, Y, np.ones(1))
    assert index.tolist() == [[1]] and intercept.tolist() == [0]


def test_a_weight_is_a_number_of_samples_to_what_is_borrowed():
    """The penalty aside, which leaves out a sample and its copies one by one, or together."""
    predicted, Y = predictions()
    counts = np.random.default_rng(1).integers(1, 4, size=len(Y))
    rows, scale = np.repeat(np.arange(len(Y)), counts), np.nanstd(Y, axis=0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossfit, "PENALTIES", np.array([3.0]))
        weights = SampleWeights(counts.astype(float), repeats=True)
        weighted = selection_index(predicted, Y, scale, weights)
        repeated = selection_index(predicted[rows], Y[rows], scale)

    for found, expected in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("n", [15, 60])
def test_traits_borrow_what_scikit_learn_says_of_weighted_samples(n):
    predicted, Y = predictions(n)
    scale, values = np.nanstd(Y, axis=0), np.random.default_rng(1).uniform(0.5, 3, size=n)

    index, intercept = selection_index(predicted, Y, scale, SampleWeights(values, repeats=False))

    for k in range(4):
        seen, others = ~np.isnan(Y[:, k]), np.arange(4) != k
        known = RidgeCV(np.logspace(1, 6, 21)).fit(
            predicted[seen][:, others] / scale[others],
            (Y - predicted)[seen, k] / scale[k],
            values[seen],
        )
        np.testing.assert_allclose(index[others, k], known.coef_ * scale[k] / scale[others])
        assert intercept[k] == pytest.approx(known.intercept_ * scale[k], abs=1e-9 * scale[k])
