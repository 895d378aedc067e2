import numpy as np
import pytest

from sktransformer_gp.inspection.kernels import KernelPart
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.rkhs import RKHSRegressor


@pytest.fixture(params=["polygenic", "rkhs"])
def part_and_model(request, cross):
    X, Y = cross.data.to_numpy(copy=True)[:100, :60], cross.target.to_numpy()[:100]
    X[:, 7] = 1  # does not vary
    if request.param == "polygenic":
        model = PolygenicRegressor().fit(X, Y)
        # All four kernels count, whatever the data say.
        model.kernel_weights_ = np.full((4, 2), 0.25)
        return KernelPart.of_polygenic(model, np.array([0.0, 1.0])), model
    model = RKHSRegressor().fit(X, Y)
    return KernelPart.of_rkhs(model, 1), model


def test_values_are_predictions_but_for_a_constant(part_and_model, cross):
    part, model = part_and_model
    X = cross.data.to_numpy()[100:140, :60]
    values = part.values(part.relate(X, part.center))
    constant = model.predict(X)[:, 1] - values
    np.testing.assert_allclose(constant, constant[0], rtol=1e-10)


def test_contributions_are_integrated_gradients(part_and_model, cross):
    """Against central differences of predictions at the middles of 400 steps."""
    part, model = part_and_model
    X, reference = cross.data.to_numpy()[100:103, :60], np.full(60, 0.3)
    found = part.contributions(X, reference)
    for marker in (0, 7, 33):
        for x, contribution in zip(X, found[:, marker], strict=True):
            t = (np.arange(400) + 0.5) / 400
            path = reference + t[:, None] * (x - reference)
            ahead, behind = path.copy(), path.copy()
            ahead[:, marker] += 1e-4
            behind[:, marker] -= 1e-4
            slope = (model.predict(ahead) - model.predict(behind))[:, 1].mean() / 2e-4
            assert contribution == pytest.approx(slope * (x - reference)[marker], abs=1e-6)


def test_contributions_sum_to_the_change_in_prediction(part_and_model, cross):
    part, model = part_and_model
    X, reference = cross.data.to_numpy()[100:, :60], np.full(60, 0.3)
    change = model.predict(X)[:, 1] - model.predict(reference[None])[0, 1]
    # Gauss-Legendre quadrature of a smooth function: exact to rounding.
    np.testing.assert_allclose(part.contributions(X, reference).sum(axis=1), change, atol=1e-9)


@pytest.mark.parametrize("shape", [(20, 3), (3,)])
def test_relations_are_updated_where_markers_change(part_and_model, cross, shape):
    part, _ = part_and_model
    X, columns = cross.data.to_numpy()[100:120, :60].astype(float), np.array([2, 30, 41])
    dosages = np.random.default_rng(0).random(shape)
    updated = part.change(part.relate(X, part.center), X, columns, dosages)
    X[:, columns] = dosages
    anew = part.relate(X, part.center)
    for name in ("products", "norms", "fit_norms"):
        np.testing.assert_allclose(getattr(updated, name), getattr(anew, name), atol=1e-10)
