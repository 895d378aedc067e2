"""Training and predictions of the default encoder on a CPU, regime by regime.

Regimes have nothing in common but their input: each goes through some batches before the next, so
that its weights stay in the cache, and threads do so side by side.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeGuard

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sktransformer_gp.encoder import MarkerEncoder
from sktransformer_gp.regime import REGISTER, RegimeStep, RegimeValues

# Weights of all regimes below which a step is too short to share among threads.
SMALLEST_SHARED = 50_000
# Numbers that the places of some batches are, at most.
LARGEST_INPUT = 2**20

Batch = tuple[Tensor, Tensor]
Losses = list[float]


def can_fuse(module: nn.Module, device: str) -> TypeGuard[MarkerEncoder]:
    """Tell whether a module is one whose steps are written out here.

    Parameters
    ----------
    module : Module
        What is to be trained, or to predict.
    device : str
        Where it is.

    Returns
    -------
    bool
        Whether it is a marker encoder with gated linear tokens and without self-attention blocks,
        positions or dropout, on a CPU and outside autocast.
    """
    return (
        type(module) is MarkerEncoder
        and torch.device(device).type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and module.tokens == "linear"
        and module.gate is not None
        and module.position is None
        and not module.blocks
        and not module.token_dropout.any()
        and (module.readout.n_heads > 0 or module.readout.n_hidden == 0)
    )


class FusedTraining:
    """Steps of all regimes of an encoder.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one `can_fuse` agrees to; its weights change when they are stored.
    n_regimes : int
        Number of regimes, each a block of as many members.
    loss_weight : Tensor of shape (n_members, n_traits)
        Weight of each trait in the loss of each member, see
        :class:`~sktransformer_gp.training.MaskedMSELoss`.
    penalty : Tensor of shape (n_members,)
        Weight of the gates' penalty for each member, the same in a regime.
    make_optimizer : callable
        Makes an optimizer of groups of parameters, whose weight decay is added to the derivative.
    schedule : callable or None
        Makes the schedule of an optimizer's learning rate.
    n_threads : int
        Number of threads that regimes are shared among, at most.
    """

    def __init__(
        self,
        encoder: MarkerEncoder,
        n_regimes: int,
        loss_weight: Tensor,
        penalty: Tensor,
        make_optimizer: Callable[[list[dict[str, Any]]], Optimizer],
        schedule: Callable[[Optimizer], LRScheduler] | None,
        n_threads: int,
    ):
        n_members = len(penalty)
        is_shared = sum(weight.numel() for weight in encoder.parameters()) > SMALLEST_SHARED
        # The loss is a mean over all members.
        loss_weight, penalty = loss_weight / n_members, penalty / n_members
        self.encoder = encoder
        self.steps = [
            RegimeStep(encoder, members, loss_weight, penalty[members.start].item())
            for members in _blocks(n_members, n_regimes, is_shared)
        ]
        self.optimizers = [make_optimizer(step.groups) for step in self.steps]
        self.schedules = [schedule and schedule(optimizer) for optimizer in self.optimizers]
        n_workers = min(n_threads, len(self.steps)) if is_shared else 1
        self._pool = None
        if n_workers > 1:
            # Where steps are large, each worker has its part of the threads that share a product.
            limits = (max(1, torch.get_num_threads() // n_workers), "openmp")
            self._pool = ThreadPoolExecutor(
                n_workers, initializer=threadpool_limits, initargs=limits
            )

    def __call__(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, float]]:
        """Step on batches, some at a time.

        Parameters
        ----------
        batches : iterable of (Tensor, Tensor)
            Dosages (B, n_markers) and standardised phenotypes (B, n_members or 1, n_traits), NaN =
            not observed, with weights of samples behind them where there are any.

        Yields
        ------
        batch : (Tensor, Tensor)
            A batch.
        loss : float
            Its loss before the step.
        """
        kinds = {step.n_places for step in self.steps}
        for part in self._parts(batches):
            with torch.no_grad():
                places = [self.encoder.read(X) for X, _ in part]
            inputs = {n: [_padded(x[..., :n]) for x in places] for n in kinds}

            def losses_of(number: int, part: list[Batch] = part, inputs: dict = inputs) -> Losses:
                step = self.steps[number]
                pairs = zip(inputs[step.n_places], part, strict=True)
                return [self._step(number, z, y) for z, (_, y) in pairs]

            run = map if self._pool is None else self._pool.map
            losses = zip(*run(losses_of, range(len(self.steps))), strict=True)
            yield from zip(part, map(sum, losses), strict=True)

    def _parts(self, batches: Iterable[Batch]) -> Iterator[list[Batch]]:
        """Gather as many batches as there is room for."""
        part: list[Batch] = []
        for batch in batches:
            part.append(batch)
            if (len(part) + 1) * len(batch[0]) * self.encoder.windows.numel() > LARGEST_INPUT:
                yield part
                part = []
        if part:
            yield part

    def _step(self, number: int, z: Tensor, y: Tensor) -> float:
        loss = self.steps[number](z, y)
        self.optimizers[number].step()
        schedule = self.schedules[number]
        if schedule is not None:
            schedule.step()
        return loss

    def store(self) -> None:
        """Take the weights to the encoder."""
        for step in self.steps:
            step.store()

    def close(self) -> None:
        """Let go of the threads."""
        if self._pool is not None:
            self._pool.shutdown()


class FusedValues:
    """Predictions of an encoder, for one thread.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one `can_fuse` agrees to.
    """

    def __init__(self, encoder: MarkerEncoder):
        n_dosages = encoder.windows.shape[1]
        dominance = encoder.gate[..., n_dosages:].flatten(1).any(1)
        kinds = dominance.int()
        if encoder.readout.n_hidden:
            kinds += 2 * encoder.readout.combined.weight.flatten(1).any(1)
        # Neighbours of the same kind are computed together.
        sizes = torch.unique_consecutive(kinds, return_counts=True)[1].tolist()
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        members = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.encoder = encoder
        self.parts = [RegimeValues(encoder, part) for part in members]

    def __call__(self, X: Tensor) -> Tensor:
        """Predict standardised phenotypes (N, B, n_traits) from dosages (B, n_markers)."""
        places = self.encoder.read(X)
        return torch.cat(
            [part.values(_padded(places[..., : part.n_places])) for part in self.parts]
        )


def _blocks(n_members: int, n_regimes: int, is_shared: bool) -> list[slice]:
    """Part members into regimes, so that two threads have as much to do.

    Where regimes are odd in number, half of the last is a block of its own.
    """
    size = n_members // n_regimes
    starts = list(range(0, n_members, size))
    if is_shared and n_regimes > 1 and n_regimes % 2 and size > 1:
        starts.append(n_members - size // 2)
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], n_members], strict=True)]


def _padded(places: Tensor) -> Tensor:
    return F.pad(places, (0, -places.shape[2] % REGISTER))
