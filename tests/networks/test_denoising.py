import numpy as np
import pytest
import torch

from sktransformer_gp.markers import window_index
from sktransformer_gp.networks.denoising import DenoisingNet
from sktransformer_gp.networks.windows import marker_places, window_neighbours

CHROMOSOMES = np.array(["1"] * 5 + ["2"] * 4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def net(n_components=0, n_layers=0):
    windows = window_index(CHROMOSOMES, 9, size=2)
    return DenoisingNet(
        torch.tensor(windows),
        torch.tensor(window_neighbours(windows, CHROMOSOMES)),
        torch.tensor(marker_places(windows, 9)),
        torch.full((9,), 0.7),
        torch.full((9,), 0.6),
        torch.linalg.qr(torch.randn(9, 9, generator=seeded(1)))[0][:, :n_components],
        n_dosages=3,
        d_model=4,
        dim_feedforward=6,
        n_layers=n_layers,
        n_heads=2,
        mask_rate=0.5,
        flip_rate=0.1,
        generator=seeded(),
    ).double()


@pytest.fixture
def calls():
    return torch.tensor(np.random.default_rng(1).integers(-1, 3, (6, 9), dtype=np.int8))


@pytest.mark.parametrize(("n_components", "size"), [(0, 5 * 4), (3, 3)])
def test_shapes_of_codes_and_logits(calls, n_components, size):
    model = net(n_components)

    assert model.encode(calls).shape == (1, 6, size)
    assert model(calls).shape == (1, 6, 9, 3)
    assert torch.equal(model(calls), model.decode(model.encode(calls)[0]))


def test_what_is_missing_says_nothing_and_noise_needs_a_generator(calls):
    model = net()
    as_floats = calls.double()

    assert torch.equal(model(calls), model(as_floats))
    assert torch.equal(model(calls), model(calls))
    assert not torch.equal(model(calls, seeded()), model(calls))
    # A missing call is not the dosage that has the mean's standardised value of 0.
    average = torch.where(as_floats == -1, 0.7, as_floats)
    assert not torch.allclose(model(average), model(calls))


def reached(model, calls, target):
    """Return the markers that a target's logits depend on."""
    found = []
    for marker in range(9):
        changed = calls.clone()
        changed[:, marker] = (changed[:, marker] + 2) % 3
        if not torch.equal(model(changed)[0, :, target], model(calls)[0, :, target]):
            found.append(marker)
    return found


def test_without_a_code_a_marker_is_told_from_its_window_and_those_beside_it(calls):
    # Windows: 0 1 | 2 3 | 4 || 5 6 | 7 8
    assert set(reached(net(), calls, 0)) <= {0, 1, 2, 3}
    assert set(reached(net(), calls, 4)) <= {2, 3, 4}
    assert set(reached(net(), calls, 5)) <= {5, 6, 7, 8}


def test_codes_and_blocks_carry_information_across_chromosomes(calls):
    model = net(n_layers=1)
    torch.nn.init.normal_(model.blocks[0].parts[0].project_out.weight, generator=seeded())

    assert {0, 8} <= set(reached(net(3), calls, 4))
    assert {0, 8} <= set(reached(model, calls, 4))


def test_a_code_is_a_projection_and_missing_calls_are_made_up_for():
    model = net(3)
    calls = torch.tensor([[0, 1, 2] * 3, [0, 1, 2] * 2 + [-1] * 3], dtype=torch.int8)
    z = (calls.double() - 0.7) / 0.6

    codes = model.encode(calls)[0]

    torch.testing.assert_close(codes[0], z[0] @ model.axes, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(codes[1], z[1, :6] @ model.axes[:6] * 9 / 6, atol=1e-6, rtol=1e-6)
    assert torch.isfinite(model(torch.full((1, 9), -1))).all()


def test_blocks_start_as_the_identity(calls):
    model = net(n_layers=1)
    without = net()
    shared = {k: v for k, v in model.state_dict().items() if not k.startswith("blocks")}
    without.load_state_dict(shared)

    torch.testing.assert_close(model(calls), without(calls))
