from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")


@pytest.fixture
def make_scores():
    """Make scores of models that differ, in five folds."""

    def make(n_models, n_traits, datasets=("yeast",), fractions=(1.0,)):
        random = np.random.default_rng(0)
        columns = ["dataset", "model", "trait", "repeat", "fold", "train_fraction"]
        keys = [
            (dataset, f"a_model_with_a_name_{m}", f"trait {t}", 0, fold, fraction)
            for dataset in datasets
            for m in range(n_models)
            for t in range(n_traits)
            for fold in range(5)
            for fraction in fractions
        ]
        scores = pd.DataFrame(keys, columns=columns)
        return scores.assign(
            n_train=(800 * scores["train_fraction"]).astype(int),
            n_test=200,
            r=random.uniform(0.2, 0.8, len(scores)),
            fit_seconds=10.0 ** scores["model"].str[-1].astype(int) / 50,
            predict_seconds=0.01,
        )

    return make


@pytest.fixture
def assert_readable():
    """Check that texts lie on the figure and that labels of the rows do not overlap."""

    def check(ax):
        ax.figure.draw_without_rendering()
        texts = [ax.xaxis.label, ax.yaxis.label]
        low, high = sorted(ax.get_ylim())
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        rows = [
            label.get_window_extent()
            for place, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
            if low <= place <= high
        ]
        if ax.get_legend():
            boxes.append(ax.get_legend().get_window_extent())
            assert not ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())
        rows.sort(key=lambda box: box.y0)
        for lower, upper in pairwise(rows):
            assert upper.y0 > lower.y1
        for box in [*boxes, *rows]:
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= ax.figure.bbox.x1
            assert box.y1 <= ax.figure.bbox.y1

    return check


@pytest.fixture
def assert_apart():
    """Check that texts of a drawn figure do not overlap."""

    def check(texts):
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        assert boxes
        for number, box in enumerate(boxes):
            assert box.count_overlaps(boxes[number + 1 :]) == 0, texts[number].get_text()

    return check
