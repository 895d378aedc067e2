import numpy as np
import pytest
import torch

from sktransformer_gp.inspection import paths
from sktransformer_gp.inspection.paths import integrate_gradients

ORIGIN = torch.zeros(1, 2, dtype=torch.float64)


def test_cubics_are_exact():
    """x^2 y: 2 / 3 of the change are x's, along any line from the origin."""
    ends = torch.tensor([[1.0, 2.0], [-3.0, 0.5]], dtype=torch.float64)
    found = integrate_gradients(lambda z: z[:, 0] ** 2 * z[:, 1], ORIGIN, ends, 1e-12)
    change = (ends[:, 0] ** 2 * ends[:, 1]).numpy()
    np.testing.assert_allclose(found, np.outer(change, [2, 1]) / 3, rtol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_a_kink_at_each_sample_s_own_place(tolerance):
    """max(0, x - 1) y from 0 to (a, b): both integrals by hand."""
    ends = torch.tensor([[2.0, 1.0], [7.0, -1.0], [1.1, 3.0], [0.5, 1.0]], dtype=torch.float64)
    found = integrate_gradients(lambda z: (z[:, 0] - 1).relu() * z[:, 1], ORIGIN, ends, tolerance)
    a, b = ends.numpy().T
    t = np.minimum(1 / a, 1)  # where the kink is
    of_x = a * b * (1 - t**2) / 2
    of_y = b * (a * (1 - t**2) / 2 - (1 - t))
    np.testing.assert_allclose(found, np.column_stack([of_x, of_y]), atol=10 * tolerance)
    np.testing.assert_allclose(found.sum(axis=1), b * np.maximum(a - 1, 0), atol=tolerance)


def test_a_narrow_step_is_found():
    """A logistic a thousandth wide, as where a normalised token is next to nothing."""
    ends = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    found = integrate_gradients(
        lambda z: torch.sigmoid((z[:, 0] - 0.37) / 1e-3) + z[:, 1], ORIGIN, ends, 1e-5
    )
    np.testing.assert_allclose(found, [[1, 0]], atol=1e-5)


def test_batches_change_nothing(monkeypatch):
    ends = torch.rand(30, 2, dtype=torch.float64, generator=torch.manual_seed(0))
    whole, parts = [], []
    for batch, found in ((64, whole), (7, parts)):
        monkeypatch.setattr(paths, "BATCH", batch)
        found.append(integrate_gradients(lambda z: (z.sum(1) - 0.5).relu(), ORIGIN, ends, 1e-5))
    np.testing.assert_allclose(whole, parts, rtol=1e-12)


def test_what_rounding_forbids_is_an_error(monkeypatch):
    monkeypatch.setattr(paths, "MOST_ROUNDS", 3)
    with pytest.raises(FloatingPointError, match="miss their sum by more than 0 after 3"):
        integrate_gradients(lambda z: z[:, 0].exp(), ORIGIN, torch.ones(1, 2).double(), 0.0)
