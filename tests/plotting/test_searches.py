import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline

from sktransformer_gp.plotting import plot_search

X = np.random.default_rng(0).normal(size=(80, 5))
Y = X[:, 0] + np.random.default_rng(1).normal(size=80)
GRID = {"ridge__alpha": [0.1, 10.0, 1e4], "ridge__fit_intercept": [True, False]}


@pytest.fixture(scope="module")
def search():
    return GridSearchCV(make_pipeline(Ridge()), GRID).fit(X, Y)


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_a_cell_is_the_score_of_its_candidate(search):
    ax = plot_search(search)
    scores = search.cv_results_["mean_test_score"].reshape(3, 2).T
    np.testing.assert_array_equal(ax.images[0].get_array(), scores)
    assert texts_of(ax) == [f"{score:.3f}" for score in scores.ravel()]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("alpha", "fit_intercept")
    assert (labels(ax.xaxis), labels(ax.yaxis)) == (["0.1", "10.0", "10000.0"], ["True", "False"])


def test_the_best_has_a_frame(search):
    (frame,) = plot_search(search).patches
    best = search.best_params_
    column = GRID["ridge__alpha"].index(best["ridge__alpha"])
    row = GRID["ridge__fit_intercept"].index(best["ridge__fit_intercept"])
    assert frame.get_xy() == (column - 0.5, row - 0.5)


def test_axes_are_chosen_by_the_last_part_of_the_name_or_all_of_it(search):
    turned = plot_search(search, x="fit_intercept", y="ridge__alpha")
    assert (turned.get_xlabel(), turned.get_ylabel()) == ("fit_intercept", "alpha")
    np.testing.assert_array_equal(
        turned.images[0].get_array(), search.cv_results_["mean_test_score"].reshape(3, 2)
    )


def test_further_parameters_are_at_their_best():
    grid = {"alpha": [0.1, 1e4], "fit_intercept": [True, False], "tol": [1e-4, 1e-2, 1.0]}
    search = GridSearchCV(Lasso(), grid).fit(X, Y)
    ax = plot_search(search, x="tol", y="fit_intercept")
    scores = search.cv_results_["mean_test_score"].reshape(2, 2, 3)
    np.testing.assert_array_equal(ax.images[0].get_array(), scores.max(axis=0))


def test_one_parameter_is_one_row():
    ax = plot_search(GridSearchCV(Ridge(), {"alpha": [1, 2, 3]}).fit(X, Y))
    assert ax.images[0].get_array().shape == (1, 3)
    assert ax.get_ylabel() == ""


def test_one_parameter_down_is_one_column():
    ax = plot_search(GridSearchCV(Ridge(), {"alpha": [1, 2, 3]}).fit(X, Y), y="alpha")
    assert ax.images[0].get_array().shape == (3, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("", "alpha")


def test_one_parameter_is_not_drawn_over_itself(search):
    with pytest.raises(ValueError, match="got 'ridge__alpha' for both"):
        plot_search(search, x="alpha", y="ridge__alpha")


def test_several_grids_leave_holes(assert_readable):
    grids = [{"alpha": [1.0, 2.0]}, {"alpha": [1.0], "fit_intercept": [False]}]
    ax = plot_search(GridSearchCV(Ridge(), grids).fit(X, Y))
    assert labels(ax.yaxis) == ["-", "False"]
    assert len(texts_of(ax)) == 3
    assert_readable(ax)


def test_of_a_halving_search_the_last_iteration_counts():
    search = HalvingGridSearchCV(
        Lasso(), {"alpha": [0.01, 0.1, 1.0]}, resource="max_iter", max_resources=90, factor=3
    ).fit(X, Y)
    results = search.cv_results_
    last = {}
    for params, score in zip(results["params"], results["mean_test_score"], strict=True):
        last[params["alpha"]] = score
    np.testing.assert_array_equal(plot_search(search).images[0].get_array(), [list(last.values())])
    assert results["iter"].max() > 0


def test_long_values_are_cut():
    results = {"params": [{"a": "x" * 50}, {"a": "y"}], "mean_test_score": [1, 2]}
    assert labels(plot_search(results).xaxis) == ["x" * 19 + "…", "y"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "gamma"}, "'gamma' is not one of the search's parameters"),
        ({"score": "mean_test_r2"}, r"no 'mean_test_r2'; it has \['mean_test_score'\]"),
    ],
)
def test_unknown_names(search, options, message):
    with pytest.raises(ValueError, match=message):
        plot_search(search, **options)
