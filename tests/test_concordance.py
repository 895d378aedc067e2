import numpy as np
import pytest

from sktransformer_gp import concordance
from sktransformer_gp.concordance import compare_samples

GROUPS = np.array([0, 0, 1, 1, 1, -1, 2])


@pytest.fixture
def calls():
    rng = np.random.default_rng(0)
    calls = rng.integers(0, 3, (7, 40)).astype(np.int8)
    calls[3] = calls[2]
    calls[4, :38] = calls[2, :38]
    calls[rng.random(calls.shape) < 0.1] = -1
    calls[6, 3:] = -1  # shares too few calls with anyone
    return calls


def concordance_of(a, b):
    shared = [(x, y) for x, y in zip(a, b, strict=True) if x >= 0 and y >= 0]
    if len(shared) < 4:  # a tenth of 40
        return np.nan, len(shared)
    return sum(x == y for x, y in shared) / len(shared), len(shared)


@pytest.mark.parametrize("size", [2048, 3])
def test_pairs_and_nearest_are_those_of_a_loop(calls, size, monkeypatch):
    monkeypatch.setattr(concordance, "SAMPLES", size)
    monkeypatch.setattr(concordance, "MARKERS", 5 * size)

    nearest, pairs = compare_samples(calls, 2, GROUPS, near_identical=0.9)

    table = np.array([[concordance_of(a, b)[0] for b in calls] for a in calls])
    np.fill_diagonal(table, np.nan)
    assert nearest["nearest"].tolist() == [*np.nanargmax(table[:6], axis=1), -1]
    np.testing.assert_allclose(nearest["concordance"][:6], np.nanmax(table[:6], axis=1))
    assert np.isnan(nearest["concordance"][6])
    listed = {(i, j) for i in range(7) for j in range(i + 1, 7) if table[i, j] >= 0.9}
    assert listed == set(zip(pairs["sample"], pairs["other"], strict=True)) >= {(2, 3)}
    assert pairs["concordance"].is_monotonic_decreasing
    for row in pairs.itertuples():
        expected = concordance_of(calls[row.sample], calls[row.other])
        assert (row.concordance, row.n_compared) == pytest.approx(expected)


def test_means_within_and_between_groups_are_those_of_a_loop(calls):
    nearest, _ = compare_samples(calls, 2, GROUPS, near_identical=0.9)

    for i in range(6):
        values = {True: [], False: []}
        for j in range(6):
            if i != j and GROUPS[i] >= 0 and GROUPS[j] >= 0:
                values[GROUPS[i] == GROUPS[j]].append(concordance_of(calls[i], calls[j])[0])
        for column, same in (("within", True), ("between", False)):
            expected = np.mean(values[same]) if values[same] else np.nan
            assert nearest[column][i] == pytest.approx(expected, nan_ok=True)


def test_a_single_sample_is_compared_with_none():
    nearest, pairs = compare_samples(np.zeros((1, 5), int), 1, np.array([0]), 0.9)

    assert nearest["nearest"].tolist() == [-1]
    assert pairs.empty
