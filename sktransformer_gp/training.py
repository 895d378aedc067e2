"""Training: the skorch net, its batches and the masked loss."""

import copy
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from skorch.dataset import Dataset
from threadpoolctl import threadpool_limits
from torch import Generator, Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from sktransformer_gp.devices import one_thread, say_what_to_lower
from sktransformer_gp.encoder import MarkerEncoder
from sktransformer_gp.fused import FusedTraining, FusedValues, can_fuse

BETAS = (0.9, 0.99)
# Parameters x batch size of a training step up to which one thread has a product to itself: on a
# machine that does nothing else, two are 1.2 times as fast at most; on a busy one, they wait for
# each other, up to a second a step.
SMALL_STEP = 2**27
# Smaller batches cost their overhead, larger ones leave the cache.
PREDICTION_BATCH = 128


def one_cycle(largest: float, n_steps: int) -> Iterator[dict[str, Any]]:
    """Let a learning rate rise once to its largest value and fall to 0, its momentum against it.

    Parameters
    ----------
    largest : float
        The largest learning rate.
    n_steps : int
        Number of steps of the whole training.

    Yields
    ------
    dict
        Adam's options ``lr`` and ``betas`` in the next step.

    Examples
    --------
    >>> from sktransformer_gp.training import one_cycle
    >>> [round(options["lr"], 6) for options in one_cycle(0.1, 5)]
    [0.004, 0.095048, 0.061126, 0.018826, 0.0]
    """
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], betas=BETAS)
    schedule = OneCycleLR(optimizer, largest, total_steps=n_steps)
    for _ in range(n_steps):
        (group,) = optimizer.param_groups
        yield {name: group[name] for name in ("lr", "betas")}
        optimizer.step()
        schedule.step()


class MaskedMSELoss(nn.Module):
    """Mean squared error over the observed phenotypes, summed over traits.

    ``sum_k weight_ik mean_b(o_ibk (y_ibk - f_ibk)^2)``, averaged over members i, with o = 1 where
    y is not NaN. What stands behind NaN has no influence on the gradient. It is summed over traits
    k: averaged, one more trait would make the gates' penalty weigh more.

    Where `y` has one column more than there are traits, this last one holds the samples' weights,
    by which squares are multiplied.

    Parameters
    ----------
    weight : Tensor of shape (N, n_traits)
        Weight of each trait for each member: divided by the share of rows that the member sees
        observed, it makes a batch's loss an unbiased estimate of the mean over these rows.

    Examples
    --------
    >>> import torch
    >>> from sktransformer_gp.training import MaskedMSELoss
    >>> y = torch.tensor([[[3.0]], [[float("nan")]]])
    >>> MaskedMSELoss(torch.tensor([[2.0]]))(torch.tensor([[[1.0], [7.0]]]), y)
    tensor(4.)
    """

    weight: Tensor

    def __init__(self, weight: Tensor):
        super().__init__()
        self.register_buffer("weight", weight)

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """Compare predictions (N, B, n_traits) with phenotypes (B, N or 1, n_traits)."""
        y_true, sample_weight = split_weights(y_true.transpose(0, 1), y_pred.shape[-1])
        error = torch.where(y_true.isnan(), 0.0, y_true - y_pred).square()
        error = error if sample_weight is None else error * sample_weight
        return (self.weight * error.mean(1)).sum(1).mean()


def split_weights(y: Tensor, n_traits: int) -> tuple[Tensor, Tensor | None]:
    """Part phenotypes from the samples' weights behind them.

    Parameters
    ----------
    y : Tensor of shape (..., n_traits or n_traits + 1)
        Phenotypes, and weights in the last column where there is one more.
    n_traits : int
        Number of traits.

    Returns
    -------
    phenotypes : Tensor of shape (..., n_traits)
        Phenotypes.
    weights : Tensor of shape (..., 1) or None
        Weights; None where there are none.
    """
    return y[..., :n_traits], y[..., n_traits:] if y.shape[-1] > n_traits else None


class SlicedBatches:
    """Batches cut from whole tensors: one index operation a batch, int8 until then.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds the tensors X (n_samples, n_markers) and y (n_samples, N or 1, n_traits), with the
        samples' weights in one column more where they have any.
    batch_size : int
        Largest batch; the batches of an epoch are as equal in size as can be.
    generator : Generator or None, default=None
        Source of the order; None = the order of the rows.
    """

    def __init__(self, dataset: Dataset, batch_size: int, generator: Generator | None = None):
        self.X, self.y = dataset.X, dataset.y
        self.batch_size, self.generator = batch_size, generator

    def __len__(self) -> int:
        return math.ceil(len(self.X) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.X)
        order = torch.arange(n)
        if self.generator is not None:
            order = torch.randperm(n, generator=self.generator)
        for rows in order.tensor_split(len(self)):
            # Several times as quick as an index in brackets.
            yield self.X.index_select(0, rows), self.y.index_select(0, rows)


class SeededNet(NeuralNet):
    """skorch's net with all randomness from one seed, and batches cut from whole tensors.

    Parameters
    ----------
    module : type of nn.Module
        Made with ``generator=`` for its initial weights; ``forward(X, generator)`` returns the
        members' outputs (N, B, ...), without dropout or noise where the generator is None.
    criterion : type of nn.Module
        Compares these outputs with a batch's targets.
    seed : int
        Seed of initial weights, order of the rows, dropout and noise.
    schedule : callable or None, default=None
        Tells the options of the optimizer step by step, see `one_cycle`; None = they stay.
    **kwargs
        Parameters of :class:`skorch.NeuralNet`; ``module__*`` are those of the module.
    """

    def __init__(
        self,
        module: type[nn.Module],
        criterion: type[nn.Module],
        *,
        seed: int,
        schedule: Callable[[], Iterator[dict[str, Any]]] | None = None,
        **kwargs: Any,
    ):
        self.seed, self.schedule = seed, schedule
        super().__init__(
            module,
            criterion,
            optimizer=torch.optim.Adam,
            optimizer__betas=BETAS,
            optimizer__fused=True,
            iterator_train=SlicedBatches,
            iterator_valid=SlicedBatches,
            callbacks__print_log=None,
            verbose=0,
            **kwargs,
        )

    def initialize_module(self) -> "SeededNet":
        """Make the module with weights from the seed."""
        weights = Generator().manual_seed(self.seed)
        parameters = self.get_params_for("module")
        self.module_ = self.module(**parameters, generator=weights)
        return self

    def train(self, X: Tensor, y: Tensor) -> "SeededNet":
        """Train from scratch on rows of X and the targets y that belong to them.

        Unlike skorch's ``fit``, a KeyboardInterrupt is not swallowed: in a cross-validation the
        next fold would start on it.
        """
        with say_what_to_lower(self.device, self.batch_size):
            self.initialize()
            n_parameters = sum(p.numel() for p in self.module_.parameters())
            is_small = n_parameters * self.batch_size < SMALL_STEP
            self._n_threads = torch.get_num_threads()
            self._options = self.schedule() if self.schedule else iter([])
            with one_thread() if is_small else nullcontext():
                return self._train(X, y)

    def _train(self, X: Tensor, y: Tensor) -> "SeededNet":
        self._order = Generator().manual_seed(self.seed)
        self._noise = Generator(device=self.device).manual_seed(self.seed)
        self.notify("on_train_begin", X=X, y=y)
        try:
            self.fit_loop(X, y)
        except KeyboardInterrupt:
            # skorch's EarlyStopping stops the loop in this way, too.
            if not self._stopped_early():
                raise
        finally:
            self.notify("on_train_end", X=X, y=y)
            # Generators can be neither pickled nor copied with every supported torch; the number of
            # threads is this machine's.
            del self._order, self._noise, self._options, self._n_threads
        # Validation rows and moments of the gradients would be pickled with the net.
        self.train_split = None
        self.optimizer_.state.clear()
        return self

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Give the optimizer the options of this step."""
        super().on_batch_begin(net, training=training, **kwargs)
        if training:
            options = next(self._options, {})
            for group in self.optimizer_.param_groups:
                group.update(options)

    def _stopped_early(self) -> bool:
        stoppers = [c for _, c in self.callbacks_ if isinstance(c, EarlyStopping)]
        return any(c.misses_ == c.patience for c in stoppers)

    def predict_double(
        self,
        X: Tensor,
        method: str = "forward",
        members: NDArray | None = None,
        rows: NDArray | None = None,
    ) -> NDArray:
        """Predict in float64, so that a row's prediction does not depend on its batch.

        Parameters
        ----------
        X : Tensor of shape (n_samples, M)
            Dosages, of any numeric type, or what the method takes.
        method : str, default="forward"
            Method of the module.
        members : ndarray of int, default=None
            Members to predict with, of a module that can ``select`` them; None = all.
        rows : ndarray of shape (n_rows,), of int, default=None
            Rows of X to predict, read batch by batch where they are on disk; None = all.

        Returns
        -------
        ndarray of shape (N, n_rows, ...), of float64
            Each member's outputs: of encoders, standardised phenotypes.
        """
        device = torch.device(self.device)
        # Apple's GPUs have no float64.
        device = torch.device("cpu") if device.type == "mps" else device
        chosen = self.module_ if members is None else self.module_.select(members)
        module = copy.deepcopy(chosen).to(device, torch.float64).eval()

        own = threading.local()

        def predict(part: Tensor) -> Tensor:
            with torch.inference_mode():  # is of a thread
                if not hasattr(own, "call"):
                    own.call = self._evaluation(module, method)
                return own.call(part.to(device)).cpu()

        def fill(batch: slice) -> None:
            predicted[:, batch] = predict(X[batch if rows is None else rows[batch]])

        n_rows = len(X) if rows is None else len(rows)
        starts = range(0, n_rows, PREDICTION_BATCH)
        batches = [slice(start, start + PREDICTION_BATCH) for start in starts]
        n_threads = torch.get_num_threads() if device.type == "cpu" else 1
        # A batch for each thread, and not a thread for each piece of a product.
        pool = ThreadPoolExecutor(n_threads, initializer=threadpool_limits, initargs=(1, "openmp"))
        with say_what_to_lower(self.device, self.batch_size), pool:
            n_members, _, *sizes = predict(X[:1]).shape
            # Small results kept one by one among large temporaries would scatter the memory.
            predicted = np.empty((n_members, n_rows, *sizes))
            list(pool.map(fill, batches))
        return predicted

    def _evaluation(self, module: nn.Module, method: str) -> Callable[[Tensor], Tensor]:
        """Return what one thread predicts with."""
        return getattr(module, method)

    def get_iterator(self, dataset: Dataset, training: bool = False) -> SlicedBatches:
        """Shuffle in training only."""
        return SlicedBatches(dataset, self.batch_size, self._order if training else None)

    def infer(self, x: Tensor, **fit_params: Any) -> Tensor:
        """Call the module, with dropout in training only."""
        noise = self._noise if self.module_.training else None
        return self.module_(x.to(self.device), generator=noise)


class EncoderNet(SeededNet):
    """The net of a :class:`~sktransformer_gp.encoder.MarkerEncoder`, or of a module like it.

    Adds the masked loss and, to its gradient, that of the gates' penalty: computed by autograd, a
    sum of squares costs five passes over the parameters, and this one. Phenotypes are standardised,
    (n_samples, N or 1, n_traits): what is NaN in the column of a member is hidden from it, rows of
    its inner fold.

    Parameters
    ----------
    gate_penalty : Tensor of shape (N,) or None
        Weight of the gates' penalty in what each member minimises; the recorded loss is without it.
    seed : int
        Seed of initial weights, order of the rows and dropout.
    n_regimes : int, default=1
        Number of regimes: blocks of as many members with the same penalty and dropout.
    module : type of nn.Module, default=MarkerEncoder
        Where `gate_penalty` is not None, its ``penalised()`` returns the parameters whose squares
        are penalised; a module of one member may leave out its axis.
    **kwargs
        Parameters of :class:`SeededNet`.
    """

    def __init__(
        self,
        *,
        gate_penalty: Tensor | None,
        seed: int,
        n_regimes: int = 1,
        module: type[nn.Module] = MarkerEncoder,
        **kwargs: Any,
    ):
        self.gate_penalty, self.n_regimes = gate_penalty, n_regimes
        super().__init__(module, MaskedMSELoss, seed=seed, **kwargs)

    def _train(self, X: Tensor, y: Tensor) -> "EncoderNet":
        """Train, by steps that are written out where there are such."""
        self._fused = None
        if self.gate_penalty is not None and can_fuse(self.module_, self.device):
            self._fused = self._fuse(self.gate_penalty)
        try:
            super()._train(X, y)
        finally:
            if self._fused is not None:
                self._fused.close()
            del self._fused
        return self

    def _fuse(self, gate_penalty: Tensor) -> FusedTraining:
        return FusedTraining(
            self.module_,
            self.n_regimes,
            self.criterion_.weight,
            gate_penalty,
            {"lr": self.lr, "betas": BETAS},
            self._options,
            self._n_threads,
        )

    def _evaluation(self, module: nn.Module, method: str) -> Callable[[Tensor], Tensor]:
        """Return what is written out, where it is."""
        if method == "forward" and can_fuse(module, str(next(module.parameters()).device)):
            return FusedValues(module)
        return super()._evaluation(module, method)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Step on all batches, and record their losses."""
        if self._fused is None or not training:
            return super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        for batch, loss in self._fused(iterator):
            self.history.new_batch()
            self.history.record_batch(f"{prefix}_loss", loss)
            self.history.record_batch(f"{prefix}_batch_size", len(batch[0]))
        self.history.record(f"{prefix}_batch_count", len(iterator))
        self._fused.store()

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Tensor]:
        """Add the gradient of the penalty to that of the loss."""
        step = super().train_step_single(batch, **fit_params)
        if self.gate_penalty is not None:
            # The loss is a mean over members.
            decay = (2 / len(self.gate_penalty) * self.gate_penalty).to(self.device)
            for parameter in self.module_.penalised():
                factor = decay.view(-1, *[1] * (parameter.dim() - 1))
                parameter.grad.addcmul_(parameter.detach(), factor)
        return step
