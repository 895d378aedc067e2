import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.metrics.traits import check_pair, is_constant, over_traits


def total(true, pred, *, sample_weight):
    return float((sample_weight * (true + pred)).sum())


def test_a_metric_sees_the_observed_samples_of_one_trait_with_a_weight():
    y_true = np.array([[1.0, np.nan], [2.0, 5.0], [4.0, 7.0]])
    y_pred = np.full((3, 2), 10.0)
    arguments = (total, y_true, y_pred)
    sums = over_traits(*arguments, None, "raw_values", min_observed=1)
    assert sums.tolist() == [37.0, 32.0]
    weighted = over_traits(*arguments, [1, 0, 2], "raw_values", min_observed=1)
    assert weighted.tolist() == [39.0, 34.0]
    assert over_traits(*arguments, None, "uniform_average", min_observed=1) == 34.5


def test_too_few_observed_phenotypes_are_named():
    y_true = pd.DataFrame({"Lactate": [1.0, 2.0], "Lactose": [1.0, np.nan]})
    with pytest.raises(ValueError, match="'Lactose' has 1 observed phenotypes; at least 2"):
        over_traits(total, y_true, np.ones((2, 2)), None, "raw_values", min_observed=2)


def test_a_pair_in_two_dimensions():
    names, y_true, y_pred, weight = check_pair([1, 2], [3, 4], None)
    assert list(names) == [0]
    assert y_true.tolist() == [[1.0], [2.0]]
    assert y_pred.tolist() == [[3.0], [4.0]]
    assert weight.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "constant"),
    [([0, 0], True), ([0.3, 0.1 + 0.2], True), ([0, 1e-300], False), ([1e9, 1e9 + 1e-3], False)],
)
def test_constant_up_to_rounding(values, constant):
    assert is_constant(np.array(values)) == constant
