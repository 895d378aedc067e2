"""Training and predictions of the default encoder on a CPU, regime by regime.

Regimes have nothing in common but their input: each goes through some batches before the next, so
that its weights stay in the cache, and threads do so side by side, without waiting for each other
until an epoch ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import Any, TypeGuard

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.optim.adam import adam

from sktransformer_gp.encoder import MarkerEncoder
from sktransformer_gp.regime import (
    RegimeStep,
    RegimeValues,
    SummedValues,
    WeightGroup,
    combine_windows,
    padded_width,
    read_dominance,
)

# Weights of all regimes below which a step is too short to share among threads.
SMALLEST_SHARED = 50_000
# Batches that a regime goes through before the next: few, so that threads end an epoch together.
LARGEST_PART = 6
# Numbers that their places are, at most.
LARGEST_INPUT = 2**20

Batch = tuple[Tensor, Tensor]
Options = dict[str, Any]  # Adam's ``lr`` and ``betas``
Task = Future[list[float]]  # the losses of a regime


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
    options : dict
        Adam's options ``lr`` and ``betas``.
    schedule : iterator of dict
        Options of the steps, as long as there are any, in place of these.
    n_threads : int
        Number of threads that regimes are shared among, at most.
    """

    def __init__(
        self,
        encoder: MarkerEncoder,
        n_regimes: int,
        loss_weight: Tensor,
        penalty: Tensor,
        options: Options,
        schedule: Iterator[Options],
        n_threads: int,
    ):
        n_members = len(penalty)
        is_shared = sum(weight.numel() for weight in encoder.parameters()) > SMALLEST_SHARED
        # The loss is a mean over all members.
        loss_weight, penalty = loss_weight / n_members, penalty / n_members
        self.encoder = encoder
        # While threads step on what one has read, the other reads.
        self._readers = cycle([PlaceReader(encoder), PlaceReader(encoder)])
        self.steps = [
            RegimeStep(encoder, members, loss_weight, penalty[members.start].item())
            for members in _regimes(n_members, n_regimes)
        ]
        self._optimizers = [Adam(step.groups) for step in self.steps]
        self._options, self._schedule = options, schedule
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
        tasks = [_done([])] * len(self.steps)
        before: Iterator[tuple[Batch, float]] = iter(())
        for part in self._parts(batches):
            tasks = self._start(part, tasks)
            yield from before
            before = _finish(part, tasks)
        yield from before

    def _start(self, part: list[Batch], before: list[Task]) -> list[Task]:
        """Let each regime step on some batches as soon as it is through with those before."""
        X = torch.cat([X for X, _ in part])
        read, sizes = next(self._readers), [len(y) for _, y in part]
        kinds = {step.n_places for step in self.steps}
        inputs = {n: read(X, n).split(sizes) for n in kinds}
        phenotypes = [y.permute(1, 2, 0).contiguous() for _, y in part]
        options = [next(self._schedule, self._options) for _ in part]
        train = partial(_train, inputs, phenotypes, options)
        regimes = zip(self.steps, self._optimizers, before, strict=True)
        if self._pool is not None:
            return [self._pool.submit(train, *regime) for regime in regimes]
        return [_done(train(*regime)) for regime in regimes]

    def _parts(self, batches: Iterable[Batch]) -> Iterator[list[Batch]]:
        """Gather as many batches as there is room for."""
        part: list[Batch] = []
        for batch in batches:
            part.append(batch)
            size = (len(part) + 1) * len(batch[0]) * self.encoder.windows.numel()
            if len(part) == LARGEST_PART or size > LARGEST_INPUT:
                yield part
                part = []
        if part:
            yield part

    def store(self) -> None:
        """Take the weights to the encoder."""
        for step in self.steps:
            step.store()

    def close(self) -> None:
        """Let go of the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class Adam:
    """Adam's steps, without an optimizer's bookkeeping, which takes longer than a short step.

    Parameters
    ----------
    groups : list of WeightGroup
        The weights, see :class:`~sktransformer_gp.regime.RegimeStep`.
    """

    def __init__(self, groups: list[WeightGroup]):
        self._parts = [
            (group, *torch.zeros(2, len(group.weights)), torch.zeros(())) for group in groups
        ]

    def __call__(self, lr: float, betas: tuple[float, float]) -> None:
        """Step, with the options of this step."""
        for (weights, derivatives, decay), mean, square, n_steps in self._parts:
            adam(
                [weights], [derivatives], [mean], [square], [], [n_steps],
                fused=True, amsgrad=False, maximize=False, eps=1e-8,
                lr=lr, beta1=betas[0], beta2=betas[1], weight_decay=decay,
            )  # fmt: skip


class PlaceReader:
    """Fill the windows' places, as :meth:`MarkerEncoder.read` does, in memory of its own.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one `can_fuse` agrees to.
    """

    def __init__(self, encoder: MarkerEncoder):
        windows, n_markers = encoder.windows, len(encoder.center)
        is_empty = windows == n_markers
        markers = windows.masked_fill(is_empty, 0)
        self._markers = markers.flatten().numpy()
        # What is divided by infinity, or multiplied by 0, is nothing.
        self._center = encoder.center[markers]
        self._scale = encoder.scale[markers].masked_fill(is_empty, torch.inf)
        if encoder.dominance is not None:
            self._skewness, factor = encoder.dominance[:, markers]
            self._factor = factor.masked_fill(is_empty, 0)
        self._rooms: dict[int, Tensor] = {}

    def __call__(self, X: Tensor, n_places: int) -> Tensor:
        """Read.

        Parameters
        ----------
        X : Tensor of shape (B, n_markers)
            Dosages, of any numeric type.
        n_places : int
            Number of places of each window, with its dominance deviations or without.

        Returns
        -------
        Tensor of shape (B, T, W)
            What is in the places, with zeros up to a multiple of `REGISTER`; the next call for as
            many places overwrites it.
        """
        n_windows, n_dosages = self._center.shape
        places = self._room(len(X), n_places)
        z = places[..., :n_dosages]
        # Of numbers of one byte, NumPy gathers four while torch gathers one.
        dosages = torch.from_numpy(X.numpy().take(self._markers, axis=1))
        z.copy_(dosages.view(-1, n_windows, n_dosages)).sub_(self._center).div_(self._scale)
        if n_places > n_dosages:
            deviations = places[..., n_dosages:n_places]
            torch.mul(self._skewness, z, out=deviations).add_(1).sub_(z * z).mul_(self._factor)
        return places

    def _room(self, b: int, n_places: int) -> Tensor:
        """Return memory for some individuals, zeros behind their places."""
        if n_places not in self._rooms or len(self._rooms[n_places]) < b:
            self._rooms[n_places] = self._center.new_zeros(
                b, len(self._center), padded_width(n_places)
            )
        return self._rooms[n_places][:b]


class FusedValues:
    """Predictions of an encoder, for one thread.

    Parameters
    ----------
    encoder : MarkerEncoder
        The encoder, one `can_fuse` agrees to.
    """

    def __init__(self, encoder: MarkerEncoder):
        combines = combine_windows(encoder)
        kinds = 2 * combines + read_dominance(encoder)
        # Neighbours of the same kind are computed together.
        sizes = torch.unique_consecutive(kinds, return_counts=True)[1].tolist()
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        members = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self._read = PlaceReader(encoder)
        self.parts = [
            (RegimeValues if combines[part.start] else SummedValues)(encoder, part)
            for part in members
        ]

    def __call__(self, X: Tensor) -> Tensor:
        """Predict standardised phenotypes (N, B, n_traits) from dosages (B, n_markers)."""
        kinds = {part.n_places for part in self.parts}
        places = {n: self._read(X, n) for n in kinds}
        return torch.cat([part.values(places[part.n_places]) for part in self.parts])


def _regimes(n_members: int, n_regimes: int) -> list[slice]:
    """Part members into regimes."""
    size = n_members // n_regimes
    return [slice(start, start + size) for start in range(0, n_members, size)]


def _train(
    inputs: dict[int, Sequence[Tensor]],
    phenotypes: list[Tensor],
    options: list[Options],
    step: RegimeStep,
    optimizer: Adam,
    before: Task,
) -> list[float]:
    """Step on some batches, after those before; return the losses before each step."""
    before.result()
    losses = []
    for z, y, now in zip(inputs[step.n_places], phenotypes, options, strict=True):
        losses.append(step(z, y))
        optimizer(**now)
    return losses


def _done(losses: list[float]) -> Task:
    """Return a task that is done."""
    task: Task = Future()
    task.set_result(losses)
    return task


def _finish(part: list[Batch], tasks: list[Task]) -> Iterator[tuple[Batch, float]]:
    """Wait for the losses of some batches."""
    losses = zip(*[task.result() for task in tasks], strict=True)
    yield from zip(part, map(sum, losses), strict=True)
