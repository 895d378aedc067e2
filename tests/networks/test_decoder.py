import pytest
import torch

from sktransformer_gp.networks.decoder import CrossAttentionNet

N, M, K = 9, 6, 2


def make(n_heads=2, *, double=True, **changes):
    source = torch.Generator().manual_seed(1)
    phenotypes = torch.randn(N, K, generator=source)
    phenotypes[2, 0] = phenotypes[5, 1] = torch.nan
    parameters = {
        "panel": torch.randint(0, 3, (N, M), generator=source, dtype=torch.int8),
        "phenotypes": phenotypes,
        "weights": torch.rand(N, generator=source) + 0.5,
        "center": torch.rand(M, generator=source),
        "scale": torch.rand(M, generator=source) + 0.5,
        "d_model": 4,
        "n_heads": n_heads,
        **changes,
    }
    net = CrossAttentionNet(**parameters, generator=source)
    with torch.no_grad():
        for parameter in net.parameters():  # none of them is zero
            parameter += 0.5 * torch.randn(parameter.shape, generator=source)
    return net.double() if double else net


def by_loops(net, candidate, left_out=None):
    """Predict one candidate as the docstring's formula says it."""
    x = [net.gate * (row.double() - net.center) / net.scale for row in (*net.panel, candidate)]
    predicted = []
    for k in range(K):
        base = [(row @ net.additive)[k] + net.bias[k] for row in x]
        value = base[-1]
        for h in range(len(net.metric)):
            shares = {
                j: net.weights[j]
                * (-((x[-1] @ net.metric[h] - x[j] @ net.metric[h]) ** 2).sum() / 2).exp()
                for j in range(N)
                if j != left_out and not net.phenotypes[j, k].isnan()
            }
            total = sum(shares.values()) + net.nobody[h, 0, 0].exp()
            residuals = {j: net.phenotypes[j, k] - base[j] for j in shares}
            value = (
                value + net.mix[h, 0, k] * sum(s * residuals[j] for j, s in shares.items()) / total
            )
        predicted.append(value)
    return torch.stack(predicted)


@pytest.mark.parametrize("n_heads", [1, 2])
def test_candidates_and_training_individuals_follow_the_formula(n_heads):
    net = make(n_heads)
    candidates = torch.tensor([[0, 1, 2, 0, 1, 2], [2, 2, 0, 1, 0, 0]])
    rows = torch.tensor([2, 7, 5])

    expected = torch.stack([by_loops(net, row) for row in candidates])
    torch.testing.assert_close(net(candidates)[0], expected)
    expected = torch.stack([by_loops(net, net.panel[i], left_out=i) for i in rows])
    torch.testing.assert_close(net(rows)[0], expected)


def test_no_training_individual_sees_its_own_phenotype():
    net, rows = make(), torch.arange(N)
    before = net(rows)[0]
    for i in range(N):
        changed = net.phenotypes.clone()
        changed[i] = torch.tensor([5.0, -7.0])
        other = make(phenotypes=changed)
        other.load_state_dict({**net.state_dict(), "phenotypes": changed.double()})
        after = other(rows)[0]

        assert torch.equal(after[i], before[i])
        assert not torch.isclose(after[rows != i], before[rows != i]).any()


def test_a_weight_is_a_number_of_copies():
    net = make(weights=torch.tensor([3.0] + [1.0] * (N - 1)))
    copies = torch.tensor([0, 0, *range(N)])
    state = net.state_dict()
    repeated = {name: state[name][copies] for name in ("panel", "phenotypes")}
    other = make(**repeated, weights=torch.ones(N + 2))
    other.load_state_dict({**state, **repeated, "weights": torch.ones(N + 2).double()})
    candidates = torch.tensor([[0, 1, 2, 0, 1, 2]])

    torch.testing.assert_close(other(candidates), net(candidates))


def test_far_from_all_the_additive_value_is_left():
    net = make(double=False)
    with torch.no_grad():
        net.metric *= 1000
    x = torch.full((1, M), 50.0, requires_grad=True)
    predicted = net(x)

    torch.testing.assert_close(predicted[0], net.additive_value(net.gated(x)))
    predicted.sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_a_trait_that_only_the_nearest_lack_is_finite():
    phenotypes = torch.full((N, K), torch.nan)
    phenotypes[:, 0] = 1.0
    phenotypes[0, 1] = 1.0  # whose place is far from the candidate's
    net = make(double=False, phenotypes=phenotypes)
    with torch.no_grad():
        net.metric *= 1000

    assert net(net.panel[1:]).isfinite().all()
    assert net(torch.arange(N)).isfinite().all()


def test_gates_effects_and_metric_are_penalised():
    net = make()

    penalised = {id(parameter) for parameter in net.penalised()}

    assert penalised == {id(p) for p in (net.gate, net.additive, net.metric)}
