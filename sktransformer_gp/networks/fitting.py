"""What the fits of all networks share: rules of parameters, batches, callbacks and calls."""

import math
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor

from sktransformer_gp.automatic import batch_size_for
from sktransformer_gp.callbacks import DivergenceGuard, ProgressBar
from sktransformer_gp.devices import pick_device
from sktransformer_gp.markers import window_index
from sktransformer_gp.networks.calls import CallLoss, call_moments, principal_axes
from sktransformer_gp.networks.denoising import DenoisingNet
from sktransformer_gp.networks.windows import marker_places, window_neighbours
from sktransformer_gp.rules import DEVICE, POSITIVE, Rule, either, whole
from sktransformer_gp.training import SeededNet, one_cycle

TRAINING_RULES: dict[str, Rule] = {
    "max_iter": whole(1),
    "batch_size": either("auto", whole(1)),
    "learning_rate_init": POSITIVE,
    "verbose": whole(0),
    "device": DEVICE,
}


def training_settings(
    estimator: BaseEstimator, n_samples: int, batch_size: int | None = None
) -> dict[str, Any]:
    """Return what skorch is told about epochs, batches, device and the learning rate's one cycle.

    Parameters
    ----------
    estimator : BaseEstimator
        Has the parameters of `TRAINING_RULES`.
    n_samples : int
        Number of training rows.
    batch_size : int or None, default=None
        Number of individuals in a training step; None = what the estimator's parameter says.

    Returns
    -------
    dict
        Parameters of :class:`~sktransformer_gp.training.SeededNet`.
    """
    batch_size = batch_size or batch_size_for(estimator.batch_size, n_samples)
    n_epochs = estimator.max_iter
    rate = estimator.learning_rate_init
    return {
        "max_epochs": n_epochs,
        "lr": rate,
        "batch_size": batch_size,
        "train_split": None,
        "schedule": partial(one_cycle, rate, n_epochs * math.ceil(n_samples / batch_size)),
        "callbacks": [DivergenceGuard(), *([ProgressBar()] if estimator.verbose else [])],
        "device": pick_device(estimator.device),
    }


def window_buffers(
    calls: Tensor, chromosomes: NDArray | None, window_size: int
) -> dict[str, Tensor]:
    """Return what a network of windows knows of the map and of the markers' moments.

    Parameters
    ----------
    calls : Tensor of shape (n_samples, n_markers)
        Dosages, -1 = missing.
    chromosomes : ndarray of shape (n_markers,) or None
        Chromosome of each marker; None = one chromosome.
    window_size : int
        Largest number of markers in a window.

    Returns
    -------
    dict of str to Tensor
        ``windows``, ``neighbours``, ``marker_places``, ``center`` and ``scale``.
    """
    n_markers = calls.shape[1]
    windows = window_index(chromosomes, n_markers, window_size)
    center, scale = call_moments(calls)
    return {
        "windows": torch.tensor(windows),
        "neighbours": torch.tensor(window_neighbours(windows, chromosomes)),
        "marker_places": torch.tensor(marker_places(windows, n_markers)),
        "center": center,
        "scale": scale,
    }


def train_denoiser(
    estimator: BaseEstimator,
    calls: Tensor,
    chromosomes: NDArray | None,
    n_dosages: int,
    seed: int,
    n_components: int = 0,
    **parameters: Any,
) -> SeededNet:
    """Train a network to tell all calls from what noise leaves of them.

    Parameters
    ----------
    estimator : BaseEstimator
        Has the parameters of `TRAINING_RULES` and `window_size`.
    calls : Tensor of shape (n_samples, n_markers)
        Dosages, -1 = missing.
    chromosomes : ndarray of shape (n_markers,) or None
        Chromosome of each marker; None = one chromosome.
    n_dosages : int
        Number of dosages 0, 1, ...
    seed : int
        Seed of initial weights, order of the rows and noise.
    n_components : int, default=0
        Size of the code; 0 = no bottleneck.
    **parameters
        Other parameters of :class:`~sktransformer_gp.networks.denoising.DenoisingNet`.

    Returns
    -------
    SeededNet
        The trained net.
    """
    parameters = {
        **window_buffers(calls, chromosomes, estimator.window_size),
        "axes": principal_axes(calls, n_components),
        "n_dosages": n_dosages,
        **parameters,
    }
    return SeededNet(
        DenoisingNet,
        CallLoss,
        seed=seed,
        **{f"module__{name}": value for name, value in parameters.items()},
        **training_settings(estimator, len(calls)),
    ).train(calls, calls)
