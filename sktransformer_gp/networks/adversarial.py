"""The adversarial pair, from leaf to root: noise -> tokens -> calls -> a critic's verdict.

Shapes in the comments: B individuals in the batch, M markers, T windows, W markers in a window,
D = d_model, C dosages.
"""

import copy
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sktransformer_gp.layers import Linear
from sktransformer_gp.networks.calls import call_shares
from sktransformer_gp.networks.windows import WindowLinear
from sktransformer_gp.training import SeededNet

LOCAL_NOISE = 4  # numbers of noise that a window has to itself
WATCHED = 128  # genotypes drawn after each epoch to watch the training
LEAST_DIVERSITY = 0.8


class AdversarialPair(nn.Module):
    """A generator of calls from noise, and a critic that tells its calls from real ones.

    Parameters
    ----------
    windows : Tensor of shape (T, W), of int
        Markers of each window; the number of markers = an empty place.
    neighbours : Tensor of shape (T, 3), of int
        Windows beside each, see :func:`sktransformer_gp.networks.windows.window_neighbours`.
    marker_places : Tensor of shape (M,), of int
        Place of each marker among those of all windows.
    center, scale : Tensor of shape (M,)
        Mean and standard deviation of each marker.
    n_dosages, n_noise, d_model, dim_feedforward : int
        Sizes: number of dosages C, of numbers of noise that all windows share, of a token, and of
        hidden layers.
    generator : Generator
        Source of the initial weights.
    """

    windows: Tensor
    neighbours: Tensor
    marker_places: Tensor
    center: Tensor
    scale: Tensor

    def __init__(
        self,
        windows: Tensor,
        neighbours: Tensor,
        marker_places: Tensor,
        center: Tensor,
        scale: Tensor,
        *,
        n_dosages: int,
        n_noise: int,
        d_model: int,
        dim_feedforward: int,
        generator: Generator,
    ):
        super().__init__()
        self.register_buffer("windows", windows)
        self.register_buffer("neighbours", neighbours)
        self.register_buffer("marker_places", marker_places)
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        self.n_dosages, self.n_noise = n_dosages, n_noise
        n_windows, width = windows.shape
        self.shared = Linear(1, n_noise, n_windows * d_model, generator)
        self.local = WindowLinear(n_windows, LOCAL_NOISE, d_model, generator)
        self.hidden = WindowLinear(n_windows, 3 * d_model, dim_feedforward, generator)
        self.logits = WindowLinear(n_windows, dim_feedforward, width * n_dosages, generator)
        self.critic = nn.ModuleDict(
            {
                "embed": WindowLinear(n_windows, 3 * width, d_model, generator),
                "hidden": Linear(1, n_windows * d_model + 1, dim_feedforward, generator),
                "verdict": Linear(1, dim_feedforward, 1, generator),
            }
        )

    def forward(self, n_samples: int, generator: Generator) -> Tensor:
        """Draw calls as indicators (B, M, C): whole in value, soft in their gradient."""
        options: dict[str, Any] = {"generator": generator, "device": self.center.device}
        tokens = self.shared(torch.randn((1, n_samples, self.n_noise), **options))[0]
        tokens = tokens.unflatten(1, (len(self.windows), -1)).transpose(0, 1)  # (T, B, D)
        own = torch.randn((len(self.windows), n_samples, LOCAL_NOISE), **options)
        tokens = F.relu(tokens + self.local(own))
        context = F.pad(tokens, (0, 0, 0, 0, 0, 1))[self.neighbours]  # (T, 3, B, D)
        hidden = F.relu(self.hidden(context.transpose(1, 2).flatten(2)))
        logits = self.logits(hidden).transpose(0, 1).unflatten(2, (-1, self.n_dosages))
        logits = logits.flatten(1, 2)[:, self.marker_places]  # (B, M, C)
        soft = logits.softmax(-1)
        whole = F.one_hot(soft.argmax(-1), self.n_dosages).to(soft.dtype)
        return whole + soft - soft.detach()

    def judge(self, shares: Tensor) -> Tensor:
        """Judge indicators (B, M, C) as one batch: (B,), the higher the more real.

        The spread within the batch is among what is judged: draws that are all alike give
        themselves away.
        """
        dosages = torch.arange(self.n_dosages, dtype=shares.dtype, device=shares.device)
        z = (shares @ dosages - self.center) / self.scale
        # The constant keeps the gradient finite where all are alike.
        spread = (z.var(0, unbiased=False) + 1e-4).sqrt().mean().expand(len(z), 1)
        windows = F.pad(z, (0, 1))[:, self.windows].transpose(0, 1)  # (T, B, W)
        context = F.pad(windows, (0, 0, 0, 0, 0, 1))[self.neighbours]  # (T, 3, B, W)
        x = F.leaky_relu(self.critic["embed"](context.transpose(1, 2).flatten(2)), 0.2)
        flat = torch.cat([x.transpose(0, 1).flatten(1), spread], dim=1).unsqueeze(0)
        return self.critic["verdict"](F.leaky_relu(self.critic["hidden"](flat), 0.2))[0, :, 0]

    def fidelity(self, drawn: Tensor, real: Tensor) -> dict[str, float]:
        """Compare drawn with real calls, (n, M) each.

        Returns
        -------
        dict of str to float
            ``frequency_error``: mean difference of allele frequencies; ``linkage_error``: that of
            the correlations of neighbouring markers; ``diversity``: mean distance between drawn
            calls of two individuals, in units of that between real ones.
        """
        sets = [drawn.float(), real.float()]
        frequencies = [x.mean(0) / (self.n_dosages - 1) for x in sets]
        linkages = []
        for x in sets:
            z = (x - x.mean(0)) / x.std(0, unbiased=False).clamp(min=1e-6)
            linkages.append((z[:, :-1] * z[:, 1:]).mean(0))
        spreads = [torch.nn.functional.pdist(x, p=1).mean() for x in sets]
        return {
            "frequency_error": float((frequencies[0] - frequencies[1]).abs().mean()),
            "linkage_error": float((linkages[0] - linkages[1]).abs().sum() / drawn.shape[1]),
            "diversity": float(spreads[0] / spreads[1].clamp(min=1e-6)),
        }


class AdversarialNet(SeededNet):
    """skorch's net for an `AdversarialPair`: a step of the critic, then one of the generator.

    Parameters
    ----------
    gradient_penalty : float
        Weight of the squared gradient of the critic at real calls.
    **kwargs
        Parameters of :class:`~sktransformer_gp.training.SeededNet`.
    """

    def __init__(self, *, gradient_penalty: float, **kwargs: Any):
        self.gradient_penalty = gradient_penalty
        super().__init__(AdversarialPair, nn.Identity, **kwargs)

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> "AdversarialNet":
        """Make one optimiser for each of the two."""
        critic = set(self.module_.critic.parameters())
        generator = [p for p in self.module_.parameters() if p not in critic]
        options = {"lr": self.lr, "betas": (0.5, 0.99), "fused": True}
        self.optimizer_ = torch.optim.Adam(generator, **options)
        self.critic_optimizer_ = torch.optim.Adam(critic, **options)
        return self

    def train_step(self, batch: tuple[Tensor, Tensor], **fit_params: Any) -> dict[str, Any]:
        """Let the critic learn, then the generator from the critic."""
        calls = batch[0].to(self.device)
        real = call_shares(calls, self.module_.center.new_empty(self.module_.n_dosages))
        drawn = self.module_(len(real), self._noise)
        self._step(self.critic_optimizer_, self._critic_loss(real, drawn.detach()))
        loss = F.softplus(-self.module_.judge(drawn)).mean()
        self._step(self.optimizer_, loss)
        return {"loss": loss.detach(), "y_pred": None}

    def _critic_loss(self, real: Tensor, drawn: Tensor) -> Tensor:
        real = real.requires_grad_()
        verdict = self.module_.judge(real)
        (slope,) = torch.autograd.grad(verdict.sum(), real, create_graph=True)
        penalty = slope.square().sum((1, 2)).mean() * self.gradient_penalty / 2
        return F.softplus(-verdict).mean() + F.softplus(self.module_.judge(drawn)).mean() + penalty

    def _step(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        self.module_.zero_grad()
        loss.backward()
        optimizer.step()


class FidelityGuard(Callback):
    """Watch frequencies, linkage and diversity of draws, and keep the best epoch.

    An epoch whose draws have lost diversity (mode collapse) is kept only where all have.
    """

    def on_train_begin(self, net: NeuralNet, X: Tensor, **kwargs: Any) -> None:
        """Choose the individuals to compare with."""
        self.real_ = X[:WATCHED].clamp(min=0).to(net.device)
        self.best_: tuple[bool, float] | None = None
        self.weights_: dict[str, Tensor] | None = None

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Draw genotypes, compare, and keep the weights if they are the best so far."""
        source = Generator(device=net.device).manual_seed(net.seed)
        with torch.no_grad():
            drawn = net.module_(WATCHED, source).argmax(-1)
        found = net.module_.fidelity(drawn, self.real_)
        for name, value in found.items():
            net.history.record(name, value)
        error = found["frequency_error"] + found["linkage_error"]
        collapsed = found["diversity"] < LEAST_DIVERSITY
        if self.best_ is None or (collapsed, error) < self.best_:
            self.best_ = collapsed, error
            self.weights_ = copy.deepcopy(net.module_.state_dict())
            self.diagnostics_ = {**found, "collapsed": collapsed, "epoch": len(net.history)}

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Go back to the best epoch."""
        if self.weights_ is not None:
            net.module_.load_state_dict(self.weights_)
        del self.real_
        self.weights_ = None
