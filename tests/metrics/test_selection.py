import itertools

import numpy as np
import pytest

from sktransformer_gp.metrics import selection_response, top_fraction_overlap

BOTH = [selection_response, top_fraction_overlap]


def by_hand(y, p, n):
    """Mean over all ways of breaking ties of response and overlap, selecting the n largest."""
    responses, overlaps = [], []
    for order in itertools.permutations(range(len(y))):
        order = np.array(order)
        found = order[np.argsort(-p[order], kind="stable")[:n]]
        best = np.argsort(-y, kind="stable")[:n]
        responses.append(y[found].mean() - y.mean())
        overlaps.append(len(set(found) & set(best)) / n)
    return np.mean(responses), np.mean(overlaps)


@pytest.mark.parametrize("p", [[3, 1, 2, 5, 0, 4], [1, 1, 1, 2, 0, 2], [1, 1, 1, 1, 0, 1]])
@pytest.mark.parametrize(("fraction", "n"), [(0.1, 1), (0.33, 2), (0.5, 3), (0.9, 6)])
def test_ties_share_their_places(p, fraction, n):
    y, p = np.array([0.5, 3.0, -1.0, 8.0, 2.0, 4.0]), np.array(p, dtype=float)
    response, overlap = by_hand(y, p, n)
    assert selection_response(y, p, fraction=fraction) == pytest.approx(response)
    assert top_fraction_overlap(y, p, fraction=fraction) == pytest.approx(overlap)


def test_a_tenth_of_thirty_is_three():
    y = np.arange(30.0)
    assert selection_response(y, y) == pytest.approx(28 - 14.5)
    assert top_fraction_overlap(y, y) == 1.0
    assert top_fraction_overlap(y, -y) == 0.0


def test_the_response_in_theory():
    # Breeder's equation: i * r * sd, with i = 1.755 for 10 % of a large normal population.
    rng = np.random.default_rng(0)
    g, e = rng.normal(size=(2, 200_000))
    y = 5 + 2 * (0.6 * g + 0.8 * e)
    assert selection_response(y, g) == pytest.approx(1.755 * 0.6 * 2, rel=0.01)


def test_the_smallest_are_the_largest_with_the_sign_turned():
    y, p = np.random.default_rng(1).normal(size=(2, 40))
    for metric in BOTH:
        assert metric(y, p, select="smallest") == pytest.approx(metric(-y, -p))


def test_constant_predictions_select_nobody():
    y = np.random.default_rng(2).normal(size=25)
    constant = np.full(25, 0.3) + 1e-17
    assert selection_response(y, constant) == pytest.approx(0.0, abs=1e-15)
    assert top_fraction_overlap(y, constant) == pytest.approx(3 / 25)


def test_what_was_not_observed_is_no_candidate():
    y = np.array([[1.0, 9.0], [np.nan, 3.0], [3.0, 4.0], [2.0, np.nan]])
    p = np.array([[1.0, 1.0], [9.0, 5.0], [2.0, 6.0], [3.0, 9.0]])
    response = selection_response(y, p, fraction=0.5, multioutput="raw_values")
    # n = 2 of 3 lines: (3 + 2) / 2 - 2 and (3 + 4) / 2 - 16 / 3
    np.testing.assert_allclose(response, [0.5, 3.5 - 16 / 3])
    overlap = top_fraction_overlap(y, p, fraction=0.5, multioutput="raw_values")
    np.testing.assert_allclose(overlap, [1.0, 0.5])
    assert top_fraction_overlap(y, p, fraction=0.5) == 0.75


def test_one_observed_candidate_is_selected():
    y, p = [[1.0, 5.0], [np.nan, 2.0]], [[0.0, 1.0], [3.0, 2.0]]
    response = selection_response(y, p, multioutput="raw_values")
    np.testing.assert_allclose(response, [0.0, 2.0 - 3.5])
    np.testing.assert_allclose(top_fraction_overlap(y, p, multioutput="raw_values"), [1.0, 0.0])


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fraction": 0}, r"\(0, 1\), got 0"),
        ({"fraction": 1.0}, r"\(0, 1\), got 1\.0"),
        ({"select": "best"}, "'largest', 'smallest'.*got 'best'"),
        ({"multioutput": "mean"}, "got 'mean'"),
    ],
)
def test_bad_options(metric, options, message):
    with pytest.raises(ValueError, match=message):
        metric([1.0, 2.0], [1.0, 2.0], **options)
