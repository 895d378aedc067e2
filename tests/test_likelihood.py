import numpy as np
import pytest
from scipy.optimize import check_grad

from sktransformer_gp.likelihood import FLAT, LAMBDAS, maximise, profile_likelihood

VALUES, SQUARES = np.array([8.0, 3.0, 1.0, 0.2]), np.array([30.0, 5.0, 2.0, 0.5])


def profile(lambdas):
    kept = lambdas[:, None] / (VALUES + lambdas[:, None])
    return profile_likelihood(
        kept @ SQUARES, kept**2 @ SQUARES, kept.sum(axis=1), -np.log(kept).sum(axis=1), 4
    )


def test_the_slope_is_the_derivative_of_the_height():
    for x in np.log([0.01, 0.5, 30.0]):
        error = check_grad(
            lambda x: profile(np.exp(x))[0].item(), lambda x: profile(np.exp(x))[1], [x]
        )
        assert error < 1e-5  # of a difference quotient with steps of 1e-8


def test_the_highest_of_two_maxima_is_found_and_its_place_is_precise():
    def two(lambdas):
        x = np.log(lambdas)
        return -((x**2 - 4) ** 2) + 0.3 * x, -4 * x * (x**2 - 4) + 0.3

    lambda_, height = maximise(two)
    roots = np.roots([-4, 0, 16, 0.3])

    assert np.isclose(np.log(lambda_), roots.max(), rtol=1e-10)
    assert height == two(np.array([lambda_]))[0]


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_height_that_levels_off_has_no_maximum_inside(sign):
    """It rises to one end, by less than rounding errors there."""

    def levelling(lambdas):
        rest = np.exp(-3 * sign * np.log(lambdas))
        return -rest, 3 * sign * rest

    lambda_, height = maximise(levelling)

    assert sign * np.log(lambda_) > 6
    assert -FLAT <= height <= 0


def test_a_flat_height_gives_the_largest_lambda():
    lambda_, _ = maximise(lambda lambdas: (np.zeros_like(lambdas), np.zeros_like(lambdas)))

    assert lambda_ == LAMBDAS[-1]
