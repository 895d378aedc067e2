import subprocess
import sys
from io import BytesIO
from types import SimpleNamespace

import matplotlib
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from sktransformer_gp import plotting

matplotlib.use("Agg")
SCORES = pd.DataFrame(
    {
        "dataset": "d",
        "trait": "t",
        "repeat": 0,
        "model": ["a", "b"] * 4,
        "fold": [0, 0, 1, 1] * 2,
        "train_fraction": [0.5] * 4 + [1.0] * 4,
        "n_train": [40] * 4 + [80] * 4,
        "n_test": 20,
        "r": [0.1, 0.2, 0.3, 0.5, 0.2, 0.3, 0.4, 0.6],
        "fit_seconds": 1.0,
        "predict_seconds": 0.1,
    }
)
FITTED = SimpleNamespace(loss_curve_=[1.0, 0.5], validation_scores_=None)
SEARCH = {"params": [{"alpha": 1}, {"alpha": 2}], "mean_test_score": [0.5, 0.6]}
IMPORTANCE = pd.DataFrame(
    {"trait": "t", "chromosome": "1", "position": [5], "importance": [1.0], "sign": [1]}
)
CANDIDATES = pd.DataFrame(
    {
        **{"trait": "t", "sample": ["a", "b"], "rank": [1, 2], "selected": [True, False]},
        **{"prediction": [3.0, 2.0], "reference": 2.5, "1": [0.5, -0.5]},
    }
)
MATRIX = pd.DataFrame([[0.5, 0.5], [0.5, 0.5]], ["1:5", "2:5"], ["1:5", "2:5"])

FIGURES = [
    ("plot_comparison", (SCORES,)),
    ("plot_differences", (SCORES[4:], "a")),
    ("plot_training_size", (SCORES,)),
    ("plot_time", (SCORES,)),
    ("plot_learning_curve", (FITTED,)),
    ("plot_predictions", ([1.0, 2.0], [1.0, 3.0])),
    ("plot_search", (SEARCH,)),
    ("plot_importance", (IMPORTANCE,)),
    ("plot_contributions", (CANDIDATES, "a")),
    ("plot_selection", (CANDIDATES,)),
    ("plot_attention", (MATRIX,)),
    ("plot_linkage", (MATRIX,)),
]


@pytest.mark.parametrize(("name", "arguments"), FIGURES)
def test_figures_are_drawn_on_given_axes(name, arguments):
    figure, ax = plt.subplots()
    assert getattr(plotting, name)(*arguments, ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    figure.savefig(BytesIO())


def test_every_figure_is_tried():
    panels = {"plot_quality"}  # several axes: tried in plotting/test_quality.py
    figures = {name for name in plotting.__all__ if name.startswith("plot_")}
    assert figures == {name for name, _ in FIGURES} | panels


def test_matplotlib_is_not_imported_before_a_figure_is_drawn():
    code = "import sys, sktransformer_gp.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
