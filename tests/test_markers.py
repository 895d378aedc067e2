import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktransformer_gp.markers import (
    chromosome_runs,
    chromosomes_from_names,
    marker_names,
    window_index,
)


def test_names_give_the_chromosomes_back_even_where_ids_hold_colons():
    names = marker_names(["1", "X"], [1.5, 20], ids=["rs:1:A", "b"])

    assert names.tolist() == ["1:1.5:rs:1:A", "X:20.0:b"]
    assert chromosomes_from_names(names).tolist() == ["1", "X"]


@pytest.mark.parametrize("names", [None, ["a", "b"], ["1:5", "b"]])
def test_no_map_without_a_chromosome_in_every_name(names):
    assert chromosomes_from_names(names) is None


def test_a_colon_in_a_chromosome_is_refused():
    with pytest.raises(ValueError, match="'1:2'"):
        marker_names(["1", "1:2"], [1, 2])


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="one entry for each marker"):
        marker_names(["1", "1"], [1])


def test_runs_follow_the_marker_order():
    chromosomes = np.array(["1", "1", "2", "1"])

    assert chromosome_runs(chromosomes, 4) == [slice(0, 2), slice(2, 3), slice(3, 4)]


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    size=st.integers(1, 20),
    mapped=st.booleans(),
)
def test_windows_hold_each_marker_once_in_order_and_inside_a_chromosome(lengths, size, mapped):
    chromosomes = np.repeat(np.arange(len(lengths)), lengths)
    n = len(chromosomes)

    index = window_index(chromosomes if mapped else None, n, size)

    assert index[index < n].tolist() == list(range(n))
    assert index.max(initial=0) <= n
    rows = [row[row < n] for row in index]
    assert all(1 <= len(row) <= size for row in rows)
    if mapped:
        assert all(len(set(chromosomes[row])) == 1 for row in rows)
        # The fewest windows: ceil(length / size) for each chromosome.
        assert len(rows) == sum(-(-length // size) for length in lengths)
