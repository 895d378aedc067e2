import numpy as np
import pytest

from sktransformer_gp.plotting import plot_time, plot_training_size

SIZES = (0.25, 0.5, 1.0)


@pytest.mark.parametrize(("n_models", "n_traits"), [(1, 1), (10, 1), (10, 46)])
def test_labels_lie_on_the_figure(make_scores, assert_readable, n_models, n_traits):
    assert_readable(plot_time(make_scores(n_models, n_traits)))
    assert_readable(plot_training_size(make_scores(n_models, n_traits, fractions=SIZES)))


def test_training_size_is_drawn_with_the_mean_over_traits(make_scores):
    scores = make_scores(2, 3, fractions=SIZES)
    ax = plot_training_size(scores)
    for container, (_, model) in zip(ax.containers, scores.groupby("model"), strict=True):
        x, y = container.lines[0].get_data()
        assert x.tolist() == [200, 400, 800]
        np.testing.assert_allclose(y, model.groupby("train_fraction")["r"].mean())
        folds = model.groupby(["train_fraction", "fold"])["r"].mean()
        segments = container.lines[2][0].get_segments()
        lengths = [float(high - low) for (_, low), (_, high) in segments]
        np.testing.assert_allclose(lengths, 2 * folds.groupby("train_fraction").std(ddof=1))


def test_time_is_that_of_fit_and_predict(make_scores):
    scores = make_scores(3, 2)
    ax = plot_time(scores)
    for container, (name, model) in zip(ax.containers, scores.groupby("model"), strict=True):
        ((x,), (y,)) = container.lines[0].get_data()
        assert container.get_label() == name
        assert x == pytest.approx(10.0 ** int(name[-1]) / 50 + 0.01)
        assert y == pytest.approx(model["r"].mean())
    assert ax.get_xlim() == (0.01, 10.0)


def test_of_several_training_sizes_the_largest_is_timed(make_scores):
    scores = make_scores(2, 1, fractions=SIZES)
    full = scores[scores["train_fraction"] == 1]
    drawn, expected = (
        [container.lines[0].get_ydata()[0] for container in plot_time(table).containers]
        for table in (scores, full)
    )
    assert drawn == expected


def test_one_size_or_several_data_sets_are_refused(make_scores):
    with pytest.raises(ValueError, match="one training size"):
        plot_training_size(make_scores(2, 1))
    with pytest.raises(ValueError, match=r"several data sets: \['yeast', 'wheat'\]"):
        plot_training_size(make_scores(1, 1, datasets=("yeast", "wheat"), fractions=SIZES))
