import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.plotting import plot_attention, plot_linkage

NAMES = [f"chr{c:02d}:{100 * t}-{100 * t + 99}" for c in range(1, 17) for t in range(c % 3 + 2)]


def make_attention(queries):
    shares = np.random.default_rng(0).dirichlet(np.ones(len(NAMES)), len(queries))
    return pd.DataFrame(shares, queries, NAMES)


def test_attention_of_queries_in_multiples_of_an_equal_share():
    table = make_attention([f"query_{h + 1}" for h in range(4)])
    ax = plot_attention(table)
    np.testing.assert_allclose(ax.images[0].get_array(), table * len(NAMES))
    assert [label.get_text() for label in ax.get_yticklabels()] == table.index.tolist()
    assert len(ax.lines) == 15


def test_grid_of_chromosomes_both_ways_between_windows():
    ax = plot_attention(make_attention(NAMES))
    starts = [i - 0.5 for i in range(1, len(NAMES)) if NAMES[i][:5] != NAMES[i - 1][:5]]
    vertical = [line.get_xdata()[0] for line in ax.lines[::2]]
    horizontal = [line.get_ydata()[0] for line in ax.lines[1::2]]
    assert vertical == horizontal == starts
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == [str(c) for c in range(1, 17)]
    assert ax.get_ylabel() == "query: chromosome"


def test_rows_of_one_sample():
    index = pd.MultiIndex.from_product([["a"], ["query_1", "query_2"]])
    ax = plot_attention(make_attention([0, 1]).set_axis(index))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["query_1", "query_2"]


def make_linkage():
    r2 = np.random.default_rng(0).random((len(NAMES), len(NAMES)))
    return pd.DataFrame((r2 + r2.T) / 2, NAMES, NAMES)


def cells(ax):
    """Return cells of a triangle as {(left, lower corner): value}."""
    mesh = ax.collections[0]
    corners = mesh.get_coordinates()[:-1, :-1]
    values = mesh.get_array()
    return {tuple(corners[i]): values[i] for i in np.ndindex(values.shape) if not values.mask[i]}


@pytest.mark.parametrize("between", [False, True])
def test_pairs_meet_above_their_middle(between):
    r2 = make_linkage()
    n, drawn = len(NAMES), cells(plot_linkage(r2, between=between))
    expected = {
        ((i + j) / 2, j - i): r2.iloc[i, j]
        for i in range(n)
        for j in range(i, n)
        if between or NAMES[i][:5] == NAMES[j][:5]
    }
    assert drawn == expected


def test_chromosomes_are_framed_and_named():
    ax = plot_linkage(make_linkage())
    assert len(ax.lines) == 16
    x, y = ax.lines[0].get_data()
    assert x.tolist() == [0, 1.5, 3] and y.tolist() == [0, 3, 0]
    assert [label.get_text() for label in ax.get_xticklabels()][-1] == "16"


def test_too_many_markers_are_named():
    r2 = pd.DataFrame(np.eye(2001, dtype=np.int8))
    with pytest.raises(ValueError, match="2001 rows, more than 2000: give linkage"):
        plot_linkage(r2)


@pytest.mark.parametrize("kind", ["queries", "windows", "triangle", "whole triangle"])
def test_labels_do_not_overlap(kind, assert_apart):
    ax = {
        "queries": lambda: plot_attention(make_attention(["query_1", "query_2"])),
        "windows": lambda: plot_attention(make_attention(NAMES)),
        "triangle": lambda: plot_linkage(make_linkage()),
        "whole triangle": lambda: plot_linkage(make_linkage(), between=True),
    }[kind]()
    ax.figure.draw_without_rendering()
    assert_apart([*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label])
