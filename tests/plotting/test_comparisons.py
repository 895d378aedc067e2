import numpy as np
import pytest

from sktransformer_gp.comparison import paired_differences
from sktransformer_gp.plotting import COLOURS, plot_comparison, plot_differences


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def points_of(ax):
    """Return the drawn points as rows of r, by colour and height."""
    lines = [line for line in ax.lines if line.get_linestyle() == "None"]
    return [np.sort(line.get_xdata()) for line in lines if len(line.get_xdata()) > 1]


def test_comparison_draws_folds_means_and_standard_deviations(make_scores):
    scores = make_scores(3, 2)
    ax = plot_comparison(scores)
    by_series = scores.groupby(["trait", "model"])["r"]
    for drawn, (_, r) in zip(points_of(ax), by_series, strict=True):
        np.testing.assert_array_equal(drawn, np.sort(r))
    for bar, (_, r) in zip(ax.containers, by_series, strict=True):
        ends = bar.lines[2][0].get_segments()[0][:, 0].astype(float)
        np.testing.assert_allclose(ends, [r.mean() - r.std(ddof=1), r.mean() + r.std(ddof=1)])
        assert float(bar.lines[0].get_xdata()[0]) == pytest.approx(r.mean())
    assert legend_of(ax) == ["trait 0", "trait 1"]
    assert "points: folds" in ax.get_xlabel()


def test_models_stand_from_top_to_bottom_in_the_tables_order(make_scores):
    scores = make_scores(3, 1)[::-1]
    ax = plot_comparison(scores)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [f"a_model_with_a_name_{m}" for m in (2, 1, 0)]
    assert ax.yaxis_inverted()


@pytest.mark.parametrize(("n_models", "n_traits"), [(1, 1), (10, 1), (10, 7), (10, 46)])
def test_labels_do_not_overlap_and_lie_on_the_figure(
    make_scores, assert_readable, n_models, n_traits
):
    scores = make_scores(n_models, n_traits)
    assert_readable(plot_comparison(scores))
    if n_models > 1:
        assert_readable(plot_differences(scores, "a_model_with_a_name_0"))


def test_more_traits_than_colours_are_drawn_as_their_means(make_scores):
    scores = make_scores(2, len(COLOURS) + 1)
    ax = plot_comparison(scores)
    for drawn, (_, r) in zip(points_of(ax), scores.groupby("model"), strict=True):
        np.testing.assert_allclose(drawn, np.sort(r.groupby("trait")["r"].mean()))
    assert "means of 8 traits" in ax.get_xlabel()
    assert ax.get_legend() is None


def test_traits_of_several_data_sets_are_told_apart(make_scores):
    ax = plot_comparison(make_scores(2, 1, datasets=("yeast", "wheat")))
    assert legend_of(ax) == ["yeast: trait 0", "wheat: trait 0"]


def test_a_single_fold_has_a_bar_of_no_length(make_scores):
    ax = plot_comparison(make_scores(1, 1)[:1])
    (left, _), (right, _) = ax.containers[0].lines[2][0].get_segments()[0]
    assert left == right


def test_of_several_training_sizes_the_largest_is_drawn(make_scores):
    scores = make_scores(2, 1, fractions=(0.5, 1.0))
    full = scores[scores["train_fraction"] == 1]
    for draw in (plot_comparison, lambda scores: plot_differences(scores, full["model"].iloc[0])):
        drawn, expected = (
            [list(line.get_xdata()) for line in draw(s).lines] for s in (scores, full)
        )
        assert drawn == expected


def bars_of(ax):
    """Return place and ends of each bar, by row and series."""
    bars = []
    for bar in ax.containers:
        (low, height), (high, _) = bar.lines[2][0].get_segments()[0]
        bars.append((float(bar.lines[0].get_xdata()[0]), low, high, height))
    return bars


def test_differences_are_those_of_the_test_with_its_interval(make_scores):
    scores = make_scores(3, 2)
    reference = "a_model_with_a_name_1"
    ax = plot_differences(scores, reference, confidence=0.9)
    expected = paired_differences(scores, reference, confidence=0.9)
    expected = expected.sort_values(["model", "trait"])[["difference", "low", "high"]]
    np.testing.assert_allclose([bar[:3] for bar in bars_of(ax)], expected)
    assert legend_of(ax) == ["trait 0", "trait 1"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "a_model_with_a_name_0",
        "a_model_with_a_name_2",
    ]
    assert "90 % interval" in ax.get_xlabel()


def test_of_many_traits_the_interval_is_that_of_their_mean(make_scores):
    scores = make_scores(2, 46)
    ax = plot_differences(scores, "a_model_with_a_name_0")
    (row,) = paired_differences(scores, "a_model_with_a_name_0", over_traits=True).itertuples()
    np.testing.assert_allclose([b[:3] for b in bars_of(ax)], [[row.difference, row.low, row.high]])
    by_trait = paired_differences(scores, "a_model_with_a_name_0")["difference"]
    assert any(np.array_equal(line.get_xdata(), by_trait) for line in ax.lines)
    assert "46 traits" in ax.get_xlabel()


def test_differences_of_several_data_sets(make_scores):
    ax = plot_differences(make_scores(2, 1, datasets=("yeast", "wheat")), "a_model_with_a_name_0")
    assert legend_of(ax) == ["yeast: trait 0", "wheat: trait 0"]
    heights = [bar[3] for bar in bars_of(ax)]
    assert len(set(heights)) == 2
