import math

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset

from sktransformer_gp.training import MaskedMSELoss, SlicedBatches, pick_device


def test_masked_loss_is_the_mean_over_observed_entries():
    rng = np.random.default_rng(0)
    y, f = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    y[rng.random((6, 3)) < 0.4] = np.nan

    ours = MaskedMSELoss()(torch.tensor(f), torch.tensor(y)).item()

    assert ours == pytest.approx(np.nanmean((y - f) ** 2), rel=1e-12)


def test_nothing_behind_nan_reaches_the_gradient():
    f = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = torch.tensor([[0.0, math.nan], [math.nan, math.nan]])

    MaskedMSELoss()(f, y).backward()

    assert f.grad.tolist() == [[2.0, 0.0], [0.0, 0.0]]


def test_a_batch_without_phenotypes_costs_nothing():
    loss = MaskedMSELoss()(torch.ones(2, 1), torch.full((2, 1), math.nan))

    assert loss.item() == 0


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


def test_device_auto_is_the_best_there_is():
    assert pick_device("auto") in ("cuda", "mps", "cpu")
    assert (pick_device("auto") == "cuda") == torch.cuda.is_available()


def test_unknown_device_is_named():
    with pytest.raises(ValueError, match="got 'abacus'"):
        pick_device("abacus")
