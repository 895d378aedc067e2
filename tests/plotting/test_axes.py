import sys

import numpy as np
import pytest
from matplotlib import colors

from sktransformer_gp.plotting.axes import COLOURS, new_panels, pyplot, style


def test_twenty_one_series_differ_in_colour_marker_or_line():
    styles = [tuple(style(number).values()) for number in range(21)]
    assert len(set(styles)) == 21
    assert len({(colour, marker) for colour, marker, _ in styles}) == 21


def test_colours_differ_in_grey_as_well():
    """Neighbours in the order of use are told apart by lightness where hue is not seen."""
    weights = np.array([0.299, 0.587, 0.114])
    grey = [weights @ colors.to_rgb(colour) for colour in COLOURS]
    assert len({round(value, 2) for value in grey}) == len(COLOURS)


@pytest.mark.parametrize("n", [1, 2, 5, 46])
def test_as_many_panels_as_asked_for(n):
    panels = new_panels(n)
    assert len(panels) == len(panels[0].figure.axes) == n


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sktransformer-gp\[plot\]"):
        pyplot()
