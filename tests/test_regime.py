"""The steps by hand, against what autograd makes of the encoder that is written for all cases."""

import pytest
import torch

from sktransformer_gp.encoder import MarkerEncoder
from sktransformer_gp.regime import COMBINING, OUTPUT_BIAS, PLACES, SUMMING, RegimeStep
from sktransformer_gp.training import MaskedMSELoss

N_WINDOWS, WIDTH, N_MARKERS, N_TRAITS, N_ROWS = 4, 5, 18, 3, 7
REGIMES = {"hidden": slice(0, 2), "additive": slice(2, 4), "dominance": slice(4, 6)}
PENALTY = torch.tensor([0.1, 0.1, 0.2, 0.2, 0.3, 0.3], dtype=torch.float64)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def encoder(dim_readout=5, dominance=True):
    """An encoder of three regimes in double precision; no weight that is trained is zero."""
    places = torch.arange(N_WINDOWS * WIDTH).clamp(max=N_MARKERS).view(N_WINDOWS, WIDTH)
    reads = {"dominance": torch.stack([random(N_MARKERS), 1 + random(N_MARKERS).abs()])}
    net = MarkerEncoder(
        places, random(N_MARKERS), 1 + random(N_MARKERS).abs(), torch.zeros(6), 3, N_TRAITS,
        **(reads | {"n_dominance": 2} if dominance else {}), n_additive=2 if dim_readout else 0,
        tokens="linear", positions=None, gated=True, d_model=8, n_heads=2, n_layers=0,
        dim_feedforward=1, dim_readout=dim_readout, dropout=0.0, norm_first=True,
        generator=torch.Generator().manual_seed(0),
    ).double()  # fmt: skip
    combining = [0, 1, 4, 5]
    with torch.no_grad():
        for number, weight in enumerate(net.parameters()):
            weight[weight != 0] += 0.3 * random(int((weight != 0).sum()), seed=number)
        net.additive[..., :WIDTH] = random(6, N_TRAITS, N_WINDOWS, WIDTH)
        if dim_readout:
            net.readout.output.weight[combining] = random(4, dim_readout, N_TRAITS)
            net.readout.from_pool.weight[combining] = random(4, 8, dim_readout)
    return net


def batch(weighted, shared):
    """Dosages, and phenotypes of which some are missing."""
    X = torch.randint(0, 3, (N_ROWS, N_MARKERS), generator=torch.Generator().manual_seed(1))
    y = random(N_ROWS, 1 if shared else 6, N_TRAITS + weighted)
    y[..., :N_TRAITS][random(*y[..., :N_TRAITS].shape, seed=2) < -1] = torch.nan
    if weighted:
        y[..., N_TRAITS] = 0.5 + random(N_ROWS, 1, seed=3).abs()
    return X, y


def by_member(y):
    return y.permute(1, 2, 0)


def step_on(net, members, loss_weight, X, y):
    """Step by hand; return the step, its loss and all derivatives by the encoder's names."""
    n = len(PENALTY)
    step = RegimeStep(net, members, loss_weight / n, (PENALTY[members.start] / n).item())
    with torch.no_grad():
        z = net.read(X)[..., : step.n_places]
    loss = step(torch.nn.functional.pad(z, (0, -z.shape[2] % 8)), by_member(y))
    penalised, others = step.groups
    assert others.decay == 0
    found = {}
    for name, derivatives in step.derivatives.items():
        parameter = {**SUMMING, **OUTPUT_BIAS, **COMBINING}[name]
        found[parameter] = torch.zeros_like(net.get_parameter(parameter)[members])
        view = step.in_order(found[parameter], name)
        view.copy_(derivatives[..., : view.shape[-1]])
        if name in PLACES:
            assert not derivatives[..., step.n_places :].any()
            found[parameter] += penalised.decay * net.get_parameter(parameter).detach()[members]
    return step, loss, found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_loss_and_derivatives_are_those_of_autograd(weighted, shared):
    net, (X, y) = encoder(), batch(weighted, shared)
    loss_weight = 0.5 + random(6, N_TRAITS, seed=4).abs()
    expected = MaskedMSELoss(loss_weight)(net(X), y)
    squares = sum(weight.square().flatten(1).sum(1) for weight in net.penalised())
    (expected + (PENALTY * squares).mean()).backward()

    total = 0.0
    for members in REGIMES.values():
        _, loss, found = step_on(net, members, loss_weight, X, y)
        total += loss
        for name, weight in net.named_parameters():
            # What a regime does not train has no derivative there.
            ours = found.get(name, torch.zeros_like(weight[members]))
            torch.testing.assert_close(ours, weight.grad[members], rtol=1e-9, atol=1e-12)
    assert total == pytest.approx(expected.item(), rel=1e-12)


def test_an_encoder_of_sums_only():
    net, (X, y) = encoder(dim_readout=0, dominance=False), batch(False, False)
    MaskedMSELoss(torch.ones(6, N_TRAITS).double())(net(X), y).backward()
    for weight in net.penalised():
        weight.grad += 2 / 6 * PENALTY.view(-1, *[1] * (weight.dim() - 1)) * weight.detach()

    step, _, found = step_on(net, slice(2, 4), torch.ones(6, N_TRAITS).double(), X, y)

    assert not step.has_hidden and found.keys() == dict(net.named_parameters()).keys()
    for name, weight in net.named_parameters():
        torch.testing.assert_close(found[name], weight.grad[2:4], rtol=1e-9, atol=1e-12)


def test_a_regime_trains_what_it_has():
    net, (X, y) = encoder(), batch(False, False)
    kinds = {k: step_on(net, m, torch.ones(6, N_TRAITS).double(), X, y) for k, m in REGIMES.items()}

    assert {k: step.combines for k, (step, *_) in kinds.items()} == {
        "hidden": True, "additive": False, "dominance": True,
    }  # fmt: skip
    assert {k: step.n_places for k, (step, *_) in kinds.items()} == {
        "hidden": WIDTH, "additive": WIDTH, "dominance": 2 * WIDTH,
    }  # fmt: skip


def test_batches_of_several_sizes_do_not_mix():
    net, (X, y) = encoder(), batch(False, False)
    step, *_ = step_on(net, REGIMES["hidden"], torch.ones(6, N_TRAITS).double(), X, y)
    first = {name: derivative.clone() for name, derivative in step.derivatives.items()}
    with torch.no_grad():
        z = torch.nn.functional.pad(net.read(X)[..., :WIDTH], (0, 3))

    step(z[:3], by_member(y[:3]))
    step(z, by_member(y))

    for name, derivative in step.derivatives.items():
        torch.testing.assert_close(derivative, first[name], rtol=0, atol=0)


def test_weights_reach_the_encoder_when_they_are_stored():
    net, (X, y) = encoder(), batch(False, False)
    step, *_ = step_on(net, REGIMES["dominance"], torch.ones(6, N_TRAITS).double(), X, y)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    for group in step.groups:
        group.weights.add_(1)

    assert all(torch.equal(weight, before[name]) for name, weight in net.named_parameters())
    step.store()

    for name, weight in net.named_parameters():
        changed = weight.detach() - before[name]
        assert (changed[:4] == 0).all()
        torch.testing.assert_close(changed[4:], torch.ones_like(changed[4:]))
