from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset
from skorch.history import History

from sktransformer_gp.callbacks import DivergenceGuard, ProgressBar, ValidationPearson


def net_after(loss, weight=1.0, **recorded):
    """Make what callbacks see of a net after its first epoch."""
    history = History()
    history.new_epoch()
    for name, value in {"train_loss": loss, **recorded}.items():
        history.record(name, value)
    parameter = torch.nn.Parameter(torch.tensor([0.0, weight]))
    module = SimpleNamespace(parameters=lambda: iter([parameter]))
    return SimpleNamespace(history=history, module_=module, lr=0.1, max_epochs=3)


@pytest.mark.parametrize(("loss", "weight"), [(np.nan, 1), (np.inf, 1), (0.5, np.nan)])
def test_a_training_that_diverged_stops(loss, weight):
    with pytest.raises(FloatingPointError, match=r"epoch 1, .*lower learning_rate_init \(now 0.1"):
        DivergenceGuard().on_epoch_end(net_after(loss, weight))


def test_a_training_that_did_not_goes_on():
    DivergenceGuard().on_epoch_end(net_after(0.5))


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_r_is_that_of_the_mean_over_members(weighted):
    rng = np.random.default_rng(0)
    y, f = rng.normal(size=(9, 1, 2)), rng.normal(size=(3, 9, 2))  # 3 members, 9 rows, 2 traits
    weights = rng.integers(1, 4, 9) if weighted else np.ones(9, dtype=int)
    targets = np.concatenate([y, weights[:, None, None]], axis=2) if weighted else y
    net = net_after(0.5)
    rows = torch.arange(9)
    net.get_iterator = lambda dataset, training: [(rows[:5], None), (rows[5:], None)]
    net.infer = lambda part: torch.tensor(f)[:, part]
    ValidationPearson().on_epoch_end(net, dataset_valid=Dataset(rows, torch.tensor(targets)))

    repeated = np.repeat(np.arange(9), weights)
    r = [np.corrcoef(y[repeated, 0, k], f.mean(axis=0)[repeated, k])[0, 1] for k in range(2)]
    assert net.history[-1, "valid_r"] == pytest.approx(np.mean(r), abs=1e-12)


def test_without_validation_rows_nothing_is_recorded():
    net = net_after(0.5)
    ValidationPearson().on_epoch_end(net, dataset_valid=None)
    assert "valid_r" not in net.history[-1]


@pytest.mark.parametrize("recorded", [{}, {"valid_r": 0.25}])
def test_the_bar_shows_the_epoch(recorded, capsys):
    bar, net = ProgressBar(), net_after(0.5, **recorded)
    bar.on_train_begin(net)
    bar.on_epoch_end(net)
    bar.on_train_end(net)
    shown = capsys.readouterr().err
    assert "1/3" in shown and "loss=0.500" in shown
    assert ("validation r=0.250" in shown) == bool(recorded)
