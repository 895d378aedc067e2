import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from sktransformer_gp.plotting import plot_importance
from sktransformer_gp.plotting.genome import genome_places


def make_table(n_chromosomes=16, n_markers=700, traits=("Lactate",)):
    """A table of yeast's size, with two peaks."""
    random = np.random.default_rng(0)
    n = n_chromosomes * n_markers
    tables = []
    for trait in traits:
        importance = random.exponential(0.01, n)
        importance[[1000, n - 1000]] = 0.5, 0.9
        tables.append(
            pd.DataFrame(
                {
                    "trait": trait,
                    "chromosome": np.repeat(
                        [f"chr{c + 1:02d}" for c in range(n_chromosomes)], n_markers
                    ),
                    "position": np.tile(np.arange(n_markers) * 1000.0 + 500, n_chromosomes),
                    "importance": importance,
                    "sign": random.choice([-1, 1], n),
                }
            )
        )
    return pd.concat(tables)


def drawn(ax):
    """Return the places, heights and shapes of all points, in order of their place."""
    points = np.concatenate([line.get_xydata() for line in ax.lines])
    shapes = np.concatenate([[line.get_marker()] * len(line.get_xydata()) for line in ax.lines])
    order = np.argsort(points[:, 0])
    return points[order], shapes[order]


def test_each_marker_is_drawn_at_its_place_with_its_sign():
    table = make_table()
    points, shapes = drawn(plot_importance(table))
    np.testing.assert_array_equal(points[:, 1], table["importance"])
    np.testing.assert_array_equal(shapes, np.where(table["sign"] > 0, "^", "v"))
    places, _ = genome_places(table["chromosome"], table["position"])
    np.testing.assert_array_equal(points[:, 0], places)


def test_neighbouring_chromosomes_differ_in_colour():
    ax = plot_importance(make_table(3).assign(sign=1))
    colours = [line.get_color() for line in ax.lines if len(line.get_xdata())]
    assert len(colours) == 3 and colours[0] == colours[2] != colours[1]


def test_peaks_are_named_by_position_in_the_unit():
    ax = plot_importance(make_table(), unit="kb", unit_size=1000)
    # Number 400 of chromosome 15, the 1000th from the end, and number 300 of chromosome 2.
    assert [text.get_text() for text in ax.texts] == ["chr15 400 kb", "chr02 300 kb"]


def test_few_labels_none_where_they_would_cover_each_other():
    table = make_table()
    table["importance"] = 0.0
    table.iloc[[5000, 5001, 5060], table.columns.get_loc("importance")] = 1.0, 0.99, 0.95
    assert [text.get_text() for text in plot_importance(table).texts] == ["chr08 100,500"]
    assert len(plot_importance(make_table(), n_labels=0).texts) == 0


def test_no_label_covers_a_higher_peak():
    table = make_table()
    table["importance"] = 0.0
    table.iloc[[5000, 5250, 5300], table.columns.get_loc("importance")] = 1.0, 0.4, 0.35
    # The second is of the first one's peak, and would be covered by a label of the third.
    assert [text.get_text() for text in plot_importance(table).texts] == ["chr08 100,500"]


def test_without_a_map_peaks_carry_no_position():
    table = make_table(1, 5001).assign(chromosome=".", position=np.nan)
    assert [text.get_text() for text in plot_importance(table).texts] == [".", "."]


def test_one_panel_for_each_trait():
    table = make_table(4, 2000, traits=("Lactate", "Lactose"))
    panels = plot_importance(table)
    assert [panel.get_title() for panel in panels] == ["Lactate", "Lactose"]
    _, axes = plt.subplots(2)
    assert plot_importance(table, ax=axes).tolist() == axes.tolist()
    with pytest.raises(ValueError, match="one Axes for each of 2 traits, got 1"):
        plot_importance(table, ax=axes[0])


def test_losses_below_zero_are_on_the_figure():
    table = make_table(2, 3000)
    table["importance"] -= 0.2
    low, high = plot_importance(table).get_ylim()
    assert low < table["importance"].min() and high > table["importance"].max()


def test_nothing_of_importance_gives_a_figure_too():
    plot_importance(make_table(2, 3000).assign(importance=0.0)).figure.draw_without_rendering()


def test_labels_do_not_overlap(assert_apart):
    ax = plot_importance(make_table(), unit="kb", unit_size=1000)
    ax.figure.draw_without_rendering()
    assert_apart([*ax.get_xticklabels(), *ax.texts])
