"""A pre-trained network that goes on to learn phenotypes."""

from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Generator, Tensor

from sktransformer_gp.encoder import Readout
from sktransformer_gp.layers import dropout
from sktransformer_gp.networks.denoising import DenoisingNet


class FineTunedNet(DenoisingNet):
    """Read all traits off the tokens of a denoising network.

    Parameters
    ----------
    *args
        Parameters of :class:`~sktransformer_gp.networks.denoising.DenoisingNet`.
    n_traits : int
        Number of outputs.
    dim_readout : int
        Size of the hidden layer that reads combinations of windows; 0 = sums of windows only.
    token_dropout : float in [0, 1)
        Probability that a token is left out as a whole in a training step.
    generator : Generator
        Source of the initial weights.
    **kwargs
        Parameters of :class:`~sktransformer_gp.networks.denoising.DenoisingNet`.
    """

    def __init__(
        self,
        *args: Tensor,
        n_traits: int,
        dim_readout: int,
        token_dropout: float,
        generator: Generator,
        **kwargs: Any,
    ):
        super().__init__(*args, generator=generator, **kwargs)
        self.token_dropout = token_dropout
        n_tokens, d_model = len(self.windows), self.embed.bias.shape[2]
        self.readout = Readout(1, n_tokens, d_model, 0, dim_readout, n_traits, generator)

    def forward(self, calls: Tensor, generator: Generator | None = None) -> Tensor:
        """Map calls (B, M), -1 = missing, to standardised phenotypes (1, B, K)."""
        n_tokens = len(self.windows)
        tokens = self.encode(calls).unflatten(2, (n_tokens, -1))
        kept = torch.ones_like(tokens[..., :1])
        return self.readout(tokens * dropout(kept, self.token_dropout, generator))


class WarmStart(Callback):
    """Start the training from the weights of another module, where names are the same.

    Parameters
    ----------
    weights : dict of str to Tensor
        The other module's ``state_dict``.
    """

    def __init__(self, weights: dict[str, Tensor] | None):
        self.weights = weights

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Load the weights, and let go of them."""
        net.module_.load_state_dict(self.weights, strict=False)
        self.weights = None
