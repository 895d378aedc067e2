import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy.stats import pearsonr
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

from sktransformer_gp.plotting import (
    COLOURS,
    plot_comparison,
    plot_learning_curve,
    plot_predictions,
)

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def make_scores(n_models, n_traits, datasets=("yeast",)):
    random = np.random.default_rng(0)
    keys = [
        (dataset, f"a_model_with_a_name_{m}", f"trait {t}")
        for dataset in datasets
        for m in range(n_models)
        for t in range(n_traits)
        for _ in range(5)
    ]
    scores = pd.DataFrame(keys, columns=["dataset", "model", "trait"])
    return scores.assign(r=random.uniform(0.2, 0.8, len(scores)))


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def points_of(ax):
    """Return the drawn points as rows of r, by colour and height."""
    lines = [line for line in ax.lines if line.get_linestyle() == "None"]
    return [np.sort(line.get_xdata()) for line in lines if len(line.get_xdata()) > 1]


def test_comparison_draws_folds_means_and_standard_deviations():
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


def test_models_stand_from_top_to_bottom_in_the_tables_order():
    scores = make_scores(3, 1)[::-1]
    ax = plot_comparison(scores)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [f"a_model_with_a_name_{m}" for m in (2, 1, 0)]
    assert ax.yaxis_inverted()


@pytest.mark.parametrize(("n_models", "n_traits"), [(1, 1), (10, 1), (10, 7), (10, 46)])
def test_labels_do_not_overlap_and_lie_on_the_figure(n_models, n_traits):
    ax = plot_comparison(make_scores(n_models, n_traits))
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    for upper, lower in pairwise(boxes):
        assert upper.y0 > lower.y1
    legend = [ax.get_legend().get_window_extent()] if ax.get_legend() else []
    for box in [*boxes, *legend]:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= ax.figure.bbox.x1
        assert box.y1 <= ax.figure.bbox.y1


def test_more_traits_than_colours_are_drawn_as_their_means():
    scores = make_scores(2, len(COLOURS) + 1)
    ax = plot_comparison(scores)
    for drawn, (_, r) in zip(points_of(ax), scores.groupby("model"), strict=True):
        np.testing.assert_allclose(drawn, np.sort(r.groupby("trait")["r"].mean()))
    assert "means of 8 traits" in ax.get_xlabel()
    assert ax.get_legend() is None


def test_traits_of_several_data_sets_are_told_apart():
    ax = plot_comparison(make_scores(2, 1, datasets=("yeast", "wheat")))
    assert legend_of(ax) == ["yeast: trait 0", "wheat: trait 0"]


def test_a_single_fold_has_a_bar_of_no_length():
    ax = plot_comparison(make_scores(1, 1)[:1])
    (left, _), (right, _) = ax.containers[0].lines[2][0].get_segments()[0]
    assert left == right


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_comparison(make_scores(2, 2), ax=ax),
        lambda ax: plot_learning_curve(fitted(), ax=ax),
        lambda ax: plot_predictions([1.0, 2.0], [1.0, 3.0], ax=ax),
    ],
)
def test_figures_are_drawn_on_given_axes(draw):
    figure, ax = plt.subplots()
    assert draw(ax) is ax
    assert plt.get_fignums() == [figure.number]
    figure.savefig(BytesIO())


def fitted(**attributes):
    return SimpleNamespace(
        **{"loss_curve_": [1.0, 0.5, 0.4], "validation_scores_": None} | attributes
    )


class Model(BaseEstimator):
    loss_curve_ = (3.0, 2.0)


def test_learning_curve_with_validation_on_a_twin():
    ax = plot_learning_curve(fitted(validation_scores_=[0.1, 0.3, 0.2]))
    twin = next(other for other in ax.figure.axes if other is not ax)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 1.0], [2, 0.5], [3, 0.4]])
    np.testing.assert_array_equal(twin.lines[0].get_xydata(), [[1, 0.1], [2, 0.3], [3, 0.2]])
    assert twin.get_ylabel() == "validation r"


def test_learning_curve_without_validation_rows():
    assert len(plot_learning_curve(fitted()).figure.axes) == 1


def test_learning_curve_of_the_last_step_of_a_pipeline():
    ax = plot_learning_curve(make_pipeline("passthrough", Model()))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3.0, 2.0])


def test_learning_curve_needs_a_loss_curve():
    with pytest.raises(ValueError, match="BaseEstimator has no loss_curve_"):
        plot_learning_curve(BaseEstimator())


def test_predictions_one_panel_a_trait_without_unobserved_phenotypes():
    random = np.random.default_rng(0)
    y_pred = random.normal(size=(30, 3))
    y_true = pd.DataFrame(y_pred + random.normal(size=(30, 3)), columns=["u", "v", "w"])
    y_true.iloc[:4, 1] = np.nan
    panels = plot_predictions(y_true, y_pred)
    assert len(panels) == len(panels[0].figure.axes) == 3
    r = pearsonr(y_true["v"][4:], y_pred[4:, 1]).statistic
    assert panels[1].get_title() == f"v: r = {r:.3f}, n = 26"
    drawn = panels[1].lines[0].get_xydata()
    np.testing.assert_array_equal(drawn, np.c_[y_pred[4:, 1], y_true["v"][4:]])


@pytest.mark.parametrize(
    ("y_true", "titles"),
    [
        (np.array([1.0, 2.0, 4.0]), ["r = 1.000, n = 3"]),
        (pd.Series([1.0, 2.0, 4.0], name="u"), ["u: r = 1.000, n = 3"]),
        (np.eye(3)[:, :2], ["trait_1: r = 1.000, n = 3", "trait_2: r = 1.000, n = 3"]),
    ],
)
def test_titles_of_predictions(y_true, titles):
    panels = np.atleast_1d(plot_predictions(y_true, np.asarray(y_true)))
    assert [panel.get_title() for panel in panels] == titles


def test_predictions_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match=r"\(3, 1\), \(2, 1\)"):
        plot_predictions([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="1 Axes"):
        plot_predictions(np.eye(3), np.eye(3), ax=plt.figure().add_subplot())


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sktransformer-gp\[plot\]"):
        plot_comparison(make_scores(1, 1))


def test_matplotlib_is_not_imported_before_a_figure_is_drawn():
    code = "import sys, sktransformer_gp.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
