import math

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset

from sktransformer_gp import TransformerGPRegressor
from sktransformer_gp.training import (
    BETAS,
    MaskedMSELoss,
    SlicedBatches,
    one_cycle,
)


def test_one_cycle_is_two_half_waves():
    n, largest = 21, 0.5
    options = list(one_cycle(largest, n))

    # Up to 3 tenths of the steps and down again, from and to a 25th and less.
    top = 0.3 * n - 1
    up = [largest / 25 + largest * (1 - 1 / 25) * (1 - math.cos(i / top * math.pi)) / 2
          for i in range(6)]  # fmt: skip
    down = [largest * (1 + math.cos((i - top) / (n - 1 - top) * math.pi)) / 2 for i in range(6, n)]
    rates = [now["lr"] for now in options]
    np.testing.assert_allclose(rates, up + down, atol=2 * largest / 25e4)
    # The momentum falls as the rate rises, and the other decay stays.
    momentum, second = zip(*[now["betas"] for now in options], strict=True)
    assert np.argmin(momentum) == np.argmax(rates) and set(second) == {BETAS[1]}


def test_masked_loss_is_the_mean_over_observed_entries_for_all_rows_at_once():
    rng = np.random.default_rng(0)
    n_members, n, n_traits = 2, 6, 3
    y, f = rng.normal(size=(n, n_members, n_traits)), rng.normal(size=(n_members, n, n_traits))
    y[rng.random(y.shape) < 0.4] = np.nan
    weight = torch.tensor(1 / (~np.isnan(y)).mean(axis=0))

    ours = MaskedMSELoss(weight)(torch.tensor(f), torch.tensor(y)).item()

    squares = [
        sum(np.nanmean((y[:, m, k] - f[m, :, k]) ** 2) for k in range(n_traits))
        for m in range(n_members)
    ]
    assert ours == pytest.approx(np.mean(squares), rel=1e-12)


def test_nothing_behind_nan_reaches_the_gradient():
    f = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]], requires_grad=True)
    y = torch.tensor([[[0.0, math.nan]], [[math.nan, math.nan]]])

    MaskedMSELoss(torch.tensor([[2.0, 1.0]]))(f, y).backward()

    # d/df of (f - y)^2 / 2 rows * weight 2
    assert f.grad.tolist() == [[[2.0, 0.0], [0.0, 0.0]]]


def test_one_column_of_phenotypes_serves_all_members():
    y = torch.randn(4, 1, 2, generator=torch.Generator().manual_seed(0))
    f = torch.zeros(3, 4, 2)

    loss = MaskedMSELoss(torch.ones(3, 2))(f, y)

    assert loss.item() == pytest.approx(y.square().mean(0).sum().item(), rel=1e-6)


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"), [(10, 4, [4, 3, 3]), (8, 8, [8]), (3, 9, [3])]
)
def test_batches_hold_each_row_once_and_are_even(n, batch_size, sizes):
    dataset = Dataset(torch.arange(n, dtype=torch.int8)[:, None], torch.arange(n)[:, None])
    batches = SlicedBatches(dataset, batch_size, torch.Generator().manual_seed(0))

    seen = list(batches)

    assert sorted((len(X) for X, _ in seen), reverse=True) == sizes and len(batches) == len(sizes)
    assert all((X == y).all() and X.dtype == torch.int8 for X, y in seen)
    assert sorted(torch.cat([y for _, y in seen]).flatten().tolist()) == list(range(n))


def test_order_changes_from_epoch_to_epoch_in_training_only():
    dataset = Dataset(torch.arange(50)[:, None], torch.arange(50)[:, None])
    shuffled = SlicedBatches(dataset, 50, torch.Generator().manual_seed(0))
    plain = SlicedBatches(dataset, 50)

    (first,), (second,) = list(shuffled), list(shuffled)
    assert not torch.equal(first[1], second[1])
    assert torch.equal(next(iter(plain))[1], dataset.y)


@pytest.mark.parametrize("tokens", ["linear", "dense", "embedding"])
def test_a_step_follows_the_gradient_of_loss_and_penalty(tokens):
    rng = np.random.default_rng(0)
    X, Y = rng.integers(0, 3, (30, 12)), rng.normal(size=(30, 2))
    penalties, n_folds = [0.5, 0.1], 3
    net = (
        TransformerGPRegressor(
            tokens=tokens,
            gate_penalty=penalties,
            token_dropout=0.0,
            cross_fitting=n_folds,
            max_iter=1,
            window_size=4,
            random_state=0,
        )
        .fit(X, Y)
        .net_
    )
    # The additive regime has the mean, and so has the one with dominance.
    penalties += [0.3, 0.3] if tokens == "linear" else [0.3]
    module, n = net.module_, len(penalties) * n_folds
    X = torch.tensor(X)[:, : len(module.center)]
    y = torch.tensor(Y, dtype=torch.float32)[:, None].expand(-1, n, -1)
    net.optimizer_.zero_grad()
    net._noise = torch.Generator().manual_seed(0)

    net.train_step_single((X, y))

    ours = {name: p.grad.clone() for name, p in module.named_parameters()}
    net.optimizer_.zero_grad()
    loss = (net.criterion_.weight * (module(X) - y.transpose(0, 1)).square().mean(1)).sum(1)
    squares = torch.zeros(n)
    for name in ("gate", "additive", "embed.weight"):
        parameter = module.get_parameter(name)
        squares = squares + parameter.square().flatten(1).sum(1)
    (loss + torch.tensor(penalties).repeat_interleave(n_folds) * squares).mean().backward()
    for name, parameter in module.named_parameters():
        # Sums of float32 in another order.
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-6)
