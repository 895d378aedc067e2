"""Calls as what a network reads and is held to: categories, some missing, some hidden on purpose.

Shapes in the comments: B individuals in the batch, M markers, C dosages.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from sktransformer_gp.validation import MISSING, is_missing


def as_calls(X: NDArray) -> Tensor:
    """Return dosages as a tensor with -1 = missing, small integers where X has integers.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages, NaN or -1 = missing.

    Returns
    -------
    Tensor of shape (n_samples, n_markers), of int8, int32 or float32
        The calls.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.networks.calls import as_calls
    >>> as_calls(np.array([[0.0, np.nan, 1.5]]))
    tensor([[ 0.0000, -1.0000,  1.5000]])
    """
    if X.dtype.kind == "f":
        return torch.tensor(np.where(is_missing(X), MISSING, X), dtype=torch.float32)
    small = X.max() <= np.iinfo(np.int8).max
    return torch.tensor(np.ascontiguousarray(X, dtype=np.int8 if small else np.int32))


def lowest_dosage(X: NDArray) -> int:
    """Return what counts as dosage 0.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages, NaN or -1 = missing.

    Returns
    -------
    int
        0, but for floats that reach below it (centred dosages) their lowest value, rounded down.
    """
    if X.dtype.kind != "f":
        return 0
    return int(np.floor(np.min(X, where=~is_missing(X), initial=0)))


def call_moments(calls: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each marker's observed calls.

    Parameters
    ----------
    calls : Tensor of shape (n_samples, M)
        Dosages, -1 = missing.

    Returns
    -------
    center, scale : Tensor of shape (M,)
        The moments; 0 and 1 where nothing is observed, and 1 where nothing varies.
    """
    values = torch.where(calls == MISSING, torch.nan, calls.double())
    center = values.nanmean(0).nan_to_num()
    scale = (values - center).square().nanmean(0).sqrt().nan_to_num()
    return center.float(), torch.where(scale > 0, scale, 1).float()


def principal_axes(calls: Tensor, n_components: int) -> Tensor:
    """Return the axes along which standardised calls vary most.

    Parameters
    ----------
    calls : Tensor of shape (n_samples, M)
        Dosages, -1 = missing; these count as the mean.
    n_components : int
        Number of axes, at most; there are no more than samples or markers.

    Returns
    -------
    Tensor of shape (M, n_axes)
        Orthonormal axes, each with the sign that makes its largest loading positive.
    """
    center, scale = call_moments(calls)
    z = torch.where(calls == MISSING, 0, (calls - center) / scale)
    axes = torch.linalg.svd(z, full_matrices=False).Vh[:n_components].T
    largest = axes.abs().argmax(0, keepdim=True)
    return (axes * axes.gather(0, largest).sign()).contiguous()


def call_shares(calls: Tensor, logits: Tensor) -> Tensor:
    """Return to which share each call is each dosage, 0 for all where it is missing.

    Parameters
    ----------
    calls : Tensor of shape (B, M)
        Dosages, -1 = missing.
    logits : Tensor of shape (..., C)
        Where the dosages' number, type and device are taken from.

    Returns
    -------
    Tensor of shape (B, M, C)
        The shares: 1.25 is the dosage 1 to three quarters and 2 to a quarter.
    """
    dosages = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    return (1 - (calls.to(logits)[..., None] - dosages).abs()).clamp(min=0)


class CallLoss(nn.Module):
    """Mean of ``-log p(call)`` over the observed calls.

    Examples
    --------
    >>> import torch
    >>> from sktransformer_gp.networks.calls import CallLoss
    >>> CallLoss()(torch.zeros(1, 1, 2, 2), torch.tensor([[1, -1]]))  # log 2
    tensor(0.6931)
    """

    def forward(self, logits: Tensor, calls: Tensor) -> Tensor:
        """Compare logits (1, B, M, C) with calls (B, M), -1 = missing."""
        chances = (logits.squeeze(0).log_softmax(-1) * call_shares(calls, logits)).sum()
        return -chances / (calls != MISSING).sum().clamp(min=1)


def corrupt(calls: Tensor, mask_rate: float, flip_rate: float, generator: Generator) -> Tensor:
    """Hide calls, and exchange some for those of another individual of the batch.

    Parameters
    ----------
    calls : Tensor of shape (B, M)
        Dosages, -1 = missing.
    mask_rate : float in [0, 1)
        Largest share of calls that are hidden: each individual has its own, uniform from 0.
    flip_rate : float in [0, 1)
        Share of calls that are exchanged.
    generator : Generator
        Source of the noise.

    Returns
    -------
    Tensor of shape (B, M)
        What is left to see.
    """
    device = calls.device
    noise = torch.rand(calls.shape, generator=generator, device=device)
    others = calls[torch.randperm(len(calls), generator=generator, device=device)]
    calls = torch.where(noise > 1 - flip_rate, others, calls)
    rates = mask_rate * torch.rand((len(calls), 1), generator=generator, device=device)
    return torch.where(noise < rates, MISSING, calls)
