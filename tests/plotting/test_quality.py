import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from sktransformer_gp import quality_report
from sktransformer_gp.plotting import plot_quality

matplotlib.use("Agg")


def drawn(panel):
    """Return the number of values in a histogram."""
    return sum(bar.get_height() for bar in panel.patches)


@pytest.fixture
def report():
    rng = np.random.default_rng(0)
    X = rng.binomial(2, rng.uniform(0.1, 0.9, 300), (40, 300))
    X[rng.random(X.shape) < 0.1] = -1
    X[0] = 1
    X[1] = X[2]
    return quality_report(pd.DataFrame(X))


def test_every_sample_and_marker_is_drawn(report):
    panels = plot_quality(report)

    assert [drawn(panels[i]) for i in (0, 1, 2, 3, 5)] == [40, 300, 300, 40, 40]
    points = panels[4].lines[0].get_xydata()
    np.testing.assert_array_equal(points, report.markers[["maf", "heterozygosity"]])
    line = panels[4].lines[1].get_xydata()
    np.testing.assert_allclose(line[:, 1], 2 * line[:, 0] * (1 - line[:, 0]))


def test_the_suspected_are_marked(report):
    crosses = [line for line in plot_quality(report)[3].lines if line.get_label() == "suspected"]

    (cross,) = crosses
    assert cross.get_xdata().tolist() == [report.samples.loc[0, "heterozygosity"]] == [1]


def test_haploid_calls_without_gaps_give_a_figure_too():
    panels = plot_quality(quality_report(np.random.default_rng(0).integers(0, 2, (20, 60))))

    assert [drawn(panels[i]) for i in (0, 1, 2, 3, 5)] == [20, 60, 60, 20, 20]
    panels[0].figure.draw_without_rendering()


def test_nothing_to_compare_gives_an_empty_panel():
    panels = plot_quality(quality_report(np.zeros((3, 4))))

    assert drawn(panels[5]) == 0


def test_figures_are_drawn_on_given_axes(report):
    _, axes = plt.subplots(2, 3)

    assert plot_quality(report, axes).tolist() == axes.ravel().tolist()
    assert len(plt.get_fignums()) == 1
    with pytest.raises(ValueError, match="ax needs 6 Axes, got 2"):
        plot_quality(report, axes[0, :2])
