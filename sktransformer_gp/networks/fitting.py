"""What the fits of all networks share: rules of parameters, batches and callbacks."""

import math

from skorch.callbacks import Callback, LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sktransformer_gp.rules import DEVICE, POSITIVE, Rule, either, whole
from sktransformer_gp.training import DivergenceGuard, ProgressBar

LARGEST_BATCH, FEWEST_BATCHES = 32, 20
TRAINING_RULES: dict[str, Rule] = {
    "max_iter": whole(1),
    "batch_size": either("auto", whole(1)),
    "learning_rate_init": POSITIVE,
    "verbose": whole(0),
    "device": DEVICE,
}


def batch_size_for(batch_size: int | str, n_samples: int) -> int:
    """Resolve ``batch_size="auto"``: 32, or what gives 20 steps an epoch where that is less.

    Parameters
    ----------
    batch_size : int or "auto"
        The parameter.
    n_samples : int
        Number of training rows.

    Returns
    -------
    int
        Number of individuals in a training step.

    Examples
    --------
    >>> from sktransformer_gp.networks.fitting import batch_size_for
    >>> batch_size_for("auto", 1000), batch_size_for("auto", 100), batch_size_for(8, 100)
    (32, 5, 8)
    """
    if batch_size != "auto":
        return batch_size
    return min(LARGEST_BATCH, math.ceil(n_samples / FEWEST_BATCHES))


def one_cycle(learning_rate: float, n_epochs: int, n_batches: int, verbose: int) -> list[Callback]:
    """Return the callbacks of a training whose learning rate rises once and falls to 0.

    Parameters
    ----------
    learning_rate : float
        Largest learning rate.
    n_epochs, n_batches : int
        Number of epochs, and of training steps in each.
    verbose : int
        1 = a progress bar over the epochs.

    Returns
    -------
    list of Callback
        A guard against divergence, the schedule and, if asked for, the bar.
    """
    steps = {"max_lr": learning_rate, "total_steps": n_epochs * n_batches}
    schedule = LRScheduler(OneCycleLR, step_every="batch", **steps)
    return [DivergenceGuard(), schedule, *([ProgressBar()] if verbose else [])]
