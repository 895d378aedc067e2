from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy.stats import pearsonr
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

from sktransformer_gp.plotting import plot_learning_curve, plot_predictions


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
