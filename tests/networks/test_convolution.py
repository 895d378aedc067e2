import numpy as np
import pytest
import torch

from sktransformer_gp.networks.convolution import (
    Convolution,
    ConvolutionalNet,
    LocalFilters,
    places_along_genome,
)

SIZES = {
    "n_channels": 3,
    "kernel_size": 3,
    "stride": 2,
    "n_layers": 1,
    "pool_size": 2,
    "dim_readout": 4,
    "dropout": 0.0,
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def net(n_markers=7, n_traits=2, **changes):
    parameters = {"gated": True, "locally_connected": False, **SIZES, **changes}
    places = places_along_genome(None, n_markers, parameters["kernel_size"] - 1)
    center, scale = torch.full((n_markers,), 0.5), torch.full((n_markers,), 0.5)
    return ConvolutionalNet(
        torch.tensor(places), center, scale, n_traits, **parameters, generator=seeded()
    )


def test_every_marker_has_one_place_and_no_filter_sees_two_chromosomes():
    chromosomes = np.array(["1"] * 5 + ["2"] * 2 + ["1"] * 3)
    places = places_along_genome(chromosomes, 10, gap=4)

    assert np.array_equal(places[places < 10], np.arange(10))
    for seen in np.lib.stride_tricks.sliding_window_view(places, 5):
        runs = np.searchsorted([5, 7], seen[seen < 10], side="right")
        assert len(set(runs)) <= 1


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_convolution_is_the_sum_written_out(stride):
    layer = Convolution(2, 3, 5, seeded(), stride)
    layer.bias.data.normal_(generator=seeded(1))
    x = torch.randn(4, 2, 21, generator=seeded(2))
    padded = torch.nn.functional.pad(x, (2, 2)) if stride == 1 else x

    out = layer(x)

    for place in range(out.shape[2]):
        seen = padded[:, :, place * stride : place * stride + 5]
        expected = torch.einsum("bik,oik->bo", seen, layer.weight) + layer.bias
        torch.testing.assert_close(out[:, :, place], expected)


def test_local_filters_with_equal_weights_are_a_convolution():
    shared, local = Convolution(1, 3, 5, seeded(), 2), LocalFilters(21, 3, 5, 2, seeded())
    local.weight.data[:] = shared.weight[:, 0].T
    x = torch.randn(4, 1, 21, generator=seeded(1))

    torch.testing.assert_close(local(x), shared(x))


def test_blocks_start_as_the_identity_and_the_net_is_linear_in_its_additive_effects():
    model = net(dim_readout=0)
    model.direct.weight.data.zero_()
    effects = torch.randn(7, 2, generator=seeded(1))
    model.additive.data[:] = effects
    X = torch.tensor(np.random.default_rng(0).integers(0, 2, (5, 7)), dtype=torch.int8)

    # gates start at .3; standardised dosages are -1 and 1
    torch.testing.assert_close(model(X)[0], 0.3 * (2.0 * X - 1) @ effects)
    x = torch.randn(1, 3, 9, generator=seeded(2))
    assert torch.equal(model.blocks[0](x), x)


@pytest.mark.parametrize("changes", [{}, {"gated": False}, {"locally_connected": True}])
def test_a_marker_reaches_the_output_through_the_filters(changes):
    model = net(**changes).double()
    X = torch.rand(3, 7, dtype=torch.float64, generator=seeded(3)).requires_grad_()

    model(X).sum().backward()

    assert (X.grad.abs() > 0).all()


def test_a_closed_gate_shuts_its_marker_out():
    model = net()
    model.gate.data[4] = 0
    model.additive.data.fill_(1)
    one, other = torch.zeros(1, 7), torch.zeros(1, 7)
    other[0, 4] = 1

    assert torch.equal(model(one), model(other))


def test_dropout_needs_a_generator():
    model = net(dropout=0.5)
    X = torch.ones(50, 7)

    assert torch.equal(model(X), model(X))
    assert not torch.equal(model(X, seeded()), model(X))


def test_gates_first_filters_and_additive_effects_are_penalised():
    model = net()

    penalised = {id(parameter) for parameter in model.penalised()}

    assert penalised == {id(p) for p in (model.gate, model.filters.weight, model.additive)}
