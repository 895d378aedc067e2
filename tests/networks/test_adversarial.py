import numpy as np
import pytest
import torch

from sktransformer_gp.networks import GenotypeGAN
from sktransformer_gp.networks.adversarial import AdversarialPair, FidelityGuard
from sktransformer_gp.networks.fitting import window_buffers
from sktransformer_gp.simulation import make_cross

X = make_cross(60, 80, ploidy=2, random_state=0).data


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def pair():
    buffers = window_buffers(torch.tensor(X), None, window_size=8)
    sizes = {"n_dosages": 3, "n_noise": 5, "d_model": 4, "dim_feedforward": 6}
    return AdversarialPair(**buffers, **sizes, generator=seeded())


def test_draws_are_whole_calls_with_a_soft_gradient(pair):
    drawn = pair(7, seeded())

    assert drawn.shape == (7, 80, 3)
    torch.testing.assert_close(drawn.sum(-1), torch.ones(7, 80))
    assert torch.allclose(drawn.max(-1).values, torch.ones(7, 80))
    (drawn[..., 0].sum()).backward()
    assert pair.shared.weight.grad.abs().sum() > 0


def test_the_critic_sees_whether_draws_are_all_alike(pair):
    one = torch.nn.functional.one_hot(torch.tensor(X[:1]).long(), 3).float()
    alike = one.expand(6, -1, -1)
    others = torch.nn.functional.one_hot(torch.tensor(X[1:6]).long(), 3).float()

    among_alike, among_others = pair.judge(alike)[0], pair.judge(torch.cat([one, others]))[0]

    assert among_alike != among_others
    assert torch.allclose(pair.judge(alike), among_alike.expand(6))


def test_fidelity_of_known_sets(pair):
    real = torch.tensor(X)

    same = pair.fidelity(real, real)
    assert same["frequency_error"] == same["linkage_error"] == 0
    assert same["diversity"] == pytest.approx(1)
    alike = pair.fidelity(real[:1].expand(60, -1), real)
    assert alike["diversity"] == 0
    shuffled = np.random.default_rng(0).permuted(X, axis=0)
    apart = pair.fidelity(torch.tensor(shuffled), real)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(X.T[:-1], X.T[1:], strict=True)]
    s = [np.corrcoef(a, b)[0, 1] for a, b in zip(shuffled.T[:-1], shuffled.T[1:], strict=True)]
    assert apart["frequency_error"] == pytest.approx(0, abs=1e-6)
    expected = np.abs(np.subtract(r, s)).sum() / 80
    assert apart["linkage_error"] == pytest.approx(expected, abs=1e-4)


def test_the_best_epoch_with_diversity_is_kept():
    gan = GenotypeGAN(max_iter=4, random_state=0).fit(X)
    history, kept = gan.net_.history, gan.diagnostics_
    scores = [
        (row["diversity"] < 0.8, row["frequency_error"] + row["linkage_error"]) for row in history
    ]

    assert kept["epoch"] == 1 + scores.index(min(scores))
    assert kept["collapsed"] == min(scores)[0]
    guard = dict(gan.net_.callbacks_)["FidelityGuard"]
    assert isinstance(guard, FidelityGuard) and guard.weights_ is None
