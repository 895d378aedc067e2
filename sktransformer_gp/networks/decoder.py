"""Cross-attention of candidates to phenotyped individuals: dosages -> places -> shares -> traits.

Shapes in the comments: n individuals in training, B in the batch, M markers, D = d_model, H heads,
K traits.
"""

import torch
from torch import Generator, Tensor, nn

INITIAL_GATE = 0.3
INITIAL_METRIC = 0.3


class CrossAttentionNet(nn.Module):
    """Let candidates attend to the individuals of the training, whose values are phenotypes.

    Parameters
    ----------
    panel : Tensor of shape (n, M)
        Dosages of the training individuals, of any numeric type.
    phenotypes : Tensor of shape (n, K)
        Their standardised phenotypes, NaN = not observed.
    weights : Tensor of shape (n,)
        How much each of them counts, > 0.
    center, scale : Tensor of shape (M,)
        Mean and standard deviation of each marker.
    d_model, n_heads : int
        Size of queries and keys of all heads together, and number of heads.
    generator : Generator
        Source of the initial weights.

    Notes
    -----
    ``y_i = b + x_i a + sum_h c_h sum_j s_hij (y_j - b - x_j a)`` with gated, standardised dosages
    x, additive effects a and shares ``s_hij = w_j exp(-|x_i F_h - x_j F_h|^2 / 2) / (e_h + ...)``,
    a softmax over the observed j that has one more place, e_h, for nobody: who is far from all is
    predicted by the additive part.
    """

    panel: Tensor
    phenotypes: Tensor
    weights: Tensor
    center: Tensor
    scale: Tensor

    def __init__(
        self,
        panel: Tensor,
        phenotypes: Tensor,
        weights: Tensor,
        center: Tensor,
        scale: Tensor,
        *,
        d_model: int,
        n_heads: int,
        generator: Generator,
    ):
        super().__init__()
        self.register_buffer("panel", panel)
        self.register_buffer("phenotypes", phenotypes)
        self.register_buffer("weights", weights)
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        n_markers, n_traits = len(center), phenotypes.shape[1]
        self.gate = nn.Parameter(torch.full((n_markers,), INITIAL_GATE))
        self.additive = nn.Parameter(torch.zeros(n_markers, n_traits))
        self.bias = nn.Parameter(torch.zeros(n_traits))
        self.metric = nn.Parameter(torch.empty(n_heads, n_markers, d_model // n_heads))
        nn.init.normal_(self.metric, std=INITIAL_METRIC, generator=generator)
        self.nobody = nn.Parameter(torch.zeros(n_heads, 1, 1))
        self.mix = nn.Parameter(torch.full((n_heads, 1, n_traits), 1 / n_heads))

    def forward(self, X: Tensor, generator: Generator | None = None) -> Tensor:
        """Predict standardised phenotypes.

        Parameters
        ----------
        X : Tensor of shape (B, M) or (B,)
            Dosages of candidates; or, in one dimension, numbers of training individuals: each is
            predicted from the others, without its own phenotype.
        generator : Generator or None, default=None
            Has no use here: nothing is left out at random.

        Returns
        -------
        Tensor of shape (1, B, K)
            Predictions, in units of the trait's standard deviation.
        """
        panel, own = self.gated(self.panel), X if X.ndim == 1 else None
        x = self.gated(X) if own is None else panel[own]
        observed = ~self.phenotypes.isnan()
        residuals = torch.where(observed, self.phenotypes - self.additive_value(panel), 0)
        counts = observed * self.weights[:, None]  # (n, K)
        near, nobody = self.nearness(x, panel, own)
        # Sums over observed keys only, trait by trait: a softmax that skips NaN.
        total = (near @ counts + nobody).clamp(min=torch.finfo(near.dtype).tiny)  # (H, B, K)
        seen = near @ (counts * residuals) / total
        return (self.additive_value(x) + (seen * self.mix).sum(0)).unsqueeze(0)

    def nearness(self, x: Tensor, panel: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compare queries (B, M) with keys (n, M): (H, B, n), and the place for nobody (H, B, 1).

        All are in units of the largest of a query, so that none is infinite.
        """
        q, k = x @ self.metric, panel @ self.metric  # (H, B, D / H), (H, n, D / H)
        lengths = [p.square().sum(2) / 2 for p in (q, k)]
        logits = q @ k.mT - lengths[0][:, :, None] - lengths[1][:, None]
        if own is not None:
            keys = torch.arange(len(panel), device=own.device)
            logits = logits.masked_fill(own[:, None] == keys, -torch.inf)
        largest = torch.maximum(logits.amax(2, keepdim=True), self.nobody).detach()
        return (logits - largest).exp(), (self.nobody - largest).exp()

    def gated(self, X: Tensor) -> Tensor:
        """Standardise dosages (B, M) and weigh the markers."""
        return (X.to(self.center.dtype) - self.center) / self.scale * self.gate

    def additive_value(self, x: Tensor) -> Tensor:
        """Sum marker effects: (B, M) to (B, K)."""
        return x @ self.additive + self.bias

    def penalised(self) -> list[nn.Parameter]:
        """List gates, additive effects and metric."""
        return [self.gate, self.additive, self.metric]
