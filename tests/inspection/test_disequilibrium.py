import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.inspection import linkage
from sktransformer_gp.inspection.disequilibrium import (
    linkage_blocks,
    smooth,
    span_names,
    standardised,
)
from sktransformer_gp.simulation import MORGANS_PER_BP

CHROMOSOMES = np.repeat(["1", "2"], [18, 12])


@pytest.fixture
def dosages():
    steps = np.random.default_rng(0).random((60, 30)) < 0.1
    return (np.cumsum(steps, axis=1) % 3).astype(np.int8)


@pytest.fixture
def frame(dosages):
    return pd.DataFrame(dosages, columns=[f"{c}:{j}" for j, c in enumerate(CHROMOSOMES)])


@pytest.fixture(params=[7, 1024])
def block(request, monkeypatch):
    """Blocks smaller and larger than the data."""
    monkeypatch.setattr("sktransformer_gp.inspection.disequilibrium.BLOCK", request.param)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_r2_is_the_squared_correlation(frame, dtype):
    r2 = linkage(frame.astype(dtype))
    # Single precision: some spacings of 6e-8.
    np.testing.assert_allclose(r2, np.corrcoef(frame.to_numpy().T) ** 2, atol=2e-6)
    assert r2.columns.tolist() == r2.index.tolist() == frame.columns.tolist()
    assert (r2.dtypes == np.float32).all()


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("size", [1, 4, 100])
def test_windows_average_pairs_and_stay_inside_chromosomes(frame, size):
    windows = linkage(frame, window_size=size)
    r2 = np.corrcoef(frame.to_numpy().T) ** 2
    spans = [name.split(":")[1].split("-") for name in windows]
    spans = [slice(int(first), int(last) + 1) for first, last in spans]
    expected = [[r2[a, b].mean() for b in spans] for a in spans]
    np.testing.assert_allclose(windows, expected, atol=2e-6)
    assert sum(span.stop - span.start for span in spans) == 30
    assert all(len(set(CHROMOSOMES[span])) == 1 for span in spans)
    assert max(span.stop - span.start for span in spans) <= size


def test_chromosomes_of_an_array(dosages, frame):
    by_argument = linkage(dosages, CHROMOSOMES, window_size=5)
    np.testing.assert_array_equal(by_argument, linkage(frame, window_size=5))
    assert by_argument.columns[0] == "1:0-4"


def test_a_marker_that_does_not_vary_is_linked_with_none(frame):
    frame["1:3"] = 2
    r2 = linkage(frame)
    assert (r2["1:3"] == 0).all() and (r2.loc["1:3"] == 0).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"X": [[0, -1], [1, 1]]}, "DosageImputer"),
        ({"X": [[0.0, np.nan], [1.0, 1.0]]}, "DosageImputer"),
        ({"X": [[0, 1]]}, "minimum of 2"),
        ({"window_size": 0}, "window_size is at least 1, got 0"),
        ({"chromosomes": ["1"]}, r"shape \(1,\), but X has 2 markers"),
    ],
)
def test_what_is_not_valid_is_named(change, match):
    with pytest.raises(ValueError, match=match):
        linkage(**{"X": np.eye(2), **change})


def test_linkage_of_a_cross_falls_as_its_map_says(cross):
    """Haldane: r2 = exp(-4 d) at d Morgans, and 1 / (n - 1) by chance where nothing links."""
    r2 = linkage(cross.data).to_numpy()

    same = cross.chromosomes[:, None] == cross.chromosomes
    morgans = np.abs(cross.positions[:, None] - cross.positions) * MORGANS_PER_BP
    expected = np.where(same, np.exp(-4 * morgans), 0)
    assert r2[~same].mean() == pytest.approx(1 / 239, rel=0.1)
    for near, far in [(0, 0.02), (0.02, 0.1), (0.1, 0.3)]:
        pairs = same & (morgans > near) & (morgans <= far)
        assert r2[pairs].mean() == pytest.approx(expected[pairs].mean() + 1 / 239, rel=0.1)


def test_blocks_hold_what_is_linked_with_their_first_marker(frame):
    frame["1:4"] = 1
    r2 = np.corrcoef(np.delete(frame.to_numpy(), 4, axis=1).T) ** 2
    blocks = linkage_blocks(frame.to_numpy(), frame.columns.to_numpy(), r2=0.5)
    assert np.concatenate(blocks).tolist() == [j for j in range(30) if j != 4]
    place = np.delete(np.arange(31), 4).searchsorted  # column among those that vary
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        assert len(set(CHROMOSOMES[block])) == 1
        assert all(r2[place(block[0]), place(j)] >= 0.5 for j in block)
        if following is not None and CHROMOSOMES[following[0]] == CHROMOSOMES[block[0]]:
            assert r2[place(block[0]), place(following[0])] < 0.5


def test_names_of_spans_without_a_map():
    names = np.array(["a", "b", "c"])
    assert span_names(names, np.array([0, 2]), np.array([1, 2])) == ["a-b", "c-c"]


@pytest.mark.usefixtures("block")
def test_smoothing_is_a_weighted_sum_over_linked_neighbours(frame):
    values = np.random.default_rng(1).normal(size=(3, 30))
    r2 = np.corrcoef(frame.to_numpy().T) ** 2
    expected = np.zeros((3, 30))
    for j in range(30):
        for k in range(30):
            if CHROMOSOMES[j] == CHROMOSOMES[k]:
                expected[:, j] += values[:, k] * max(0, r2[j, k] - 0.6) / 0.4
    shared = smooth(values, frame.to_numpy(), frame.columns.to_numpy(), 0.6)
    np.testing.assert_allclose(shared, expected, atol=1e-5)
    assert smooth(values, frame.to_numpy(), frame.columns.to_numpy(), None) is values


@pytest.mark.parametrize("r2", [1.0, -0.1])
def test_smoothing_out_of_range_is_named(frame, r2):
    with pytest.raises(ValueError, match=rf"smoothing lies in \[0, 1\) or is None, got {r2}"):
        smooth(np.zeros((1, 30)), frame.to_numpy(), frame.columns.to_numpy(), r2)


def test_unit_vectors(dosages):
    Z = standardised(dosages)
    np.testing.assert_allclose(Z.sum(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, rtol=1e-6)
