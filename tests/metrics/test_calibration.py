import numpy as np
import pytest

from sktransformer_gp.metrics import prediction_bias, regression_slope


def test_bias_and_slope_of_predictions_made_to_have_them():
    # y = 3 + 2 p + noise that is orthogonal to p and sums to 0: exact by construction
    p = np.array([-1.0, -1.0, 1.0, 1.0])
    y = 3 + 2 * p + np.array([0.5, -0.5, 0.5, -0.5])
    assert regression_slope(y, p) == pytest.approx(2.0)
    assert prediction_bias(y, p) == pytest.approx(-3.0)


def test_constant_predictions_have_the_slope_0():
    assert regression_slope([1.0, 2.0, 4.0], [7.0, 7.0, 7.0]) == 0.0


@pytest.mark.parametrize("scale", [1e-170, 1e170])
def test_slope_at_any_scale(scale):
    y, p = np.random.default_rng(0).normal(size=(2, 30))
    expected = np.polyfit(p, y, 1)[0]
    assert regression_slope(scale * y, scale * p) == pytest.approx(expected)
    assert regression_slope(scale * y, p) == pytest.approx(scale * expected)
