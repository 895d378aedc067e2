import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from sktransformer_gp.plotting.genome import (
    genome_places,
    label_chromosomes,
    short_names,
    window_runs,
)


def test_chromosomes_lie_end_to_end_in_proportion_to_their_lengths():
    chromosomes = pd.Series(["1", "1", "1", "2", "2"])
    places, runs = genome_places(chromosomes, pd.Series([0.0, 100, 300, 0, 100]))
    gaps = np.diff(places)
    assert (runs[0], runs[1]) == (slice(0, 3), slice(3, 5))
    assert places[0] == 0 and places[-1] == 1
    np.testing.assert_allclose(gaps[[1, 3]], gaps[0] * np.array([2, 1]))
    # 1 % of the genome between two chromosomes.
    assert gaps[2] == pytest.approx(0.01 / 1.01)


def test_without_positions_markers_stand_at_equal_distances():
    places, runs = genome_places(pd.Series(["."] * 5), pd.Series([np.nan] * 5))
    np.testing.assert_allclose(places, [0, 0.25, 0.5, 0.75, 1])
    assert runs == [slice(0, 5)]


def test_windows_without_a_map_are_one_run():
    assert window_runs(["x0-x3", "x4-x7"])[0] == [slice(0, 2)]


def test_short_names():
    assert short_names(["chr01", "chr10"]) == ["1", "10"]
    assert short_names(["1A", "1B"]) == ["1A", "1B"]
    assert short_names(["chr1", "scaffold7"]) == ["chr1", "scaffold7"]
    assert short_names(["chr0"]) == ["chr0"]


@pytest.mark.parametrize(("n", "lines"), [(16, 1), (21, 2)])
def test_many_chromosomes_stand_on_two_lines(n, lines):
    ax = plt.subplots()[1]
    label_chromosomes(ax.xaxis, range(n), [f"chr{i + 1:02d}" for i in range(n)])
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert [label.strip() for label in labels] == [str(i + 1) for i in range(n)]
    assert max(label.count("\n") for label in labels) == lines - 1
    assert ax.get_xlabel() == "chromosome"
