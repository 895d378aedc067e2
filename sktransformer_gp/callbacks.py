"""What happens around the epochs of a training: a guard, a validation score, a progress bar."""

import math
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from tqdm.auto import tqdm

from sktransformer_gp.metrics import pearson_correlation
from sktransformer_gp.training import split_weights


class DivergenceGuard(Callback):
    """Stop with an error where loss or weights are no longer finite numbers."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Look at the epoch's loss and at the weights it led to."""
        loss = net.history[-1, "train_loss"]
        # One that is not finite makes the sum so, and a sum takes no memory of the weights' size.
        sums = [parameter.detach().sum().item() for parameter in net.module_.parameters()]
        if not all(map(math.isfinite, [loss, *sums])):
            raise FloatingPointError(
                f"training diverged: loss {loss} in epoch {len(net.history)}, or weights that are "
                f"not finite; lower learning_rate_init (now {net.lr:g})"
            )


class ValidationPearson(Callback):
    """Record the Pearson correlation on the validation rows, epoch by epoch.

    It is that of the members' mean, averaged over traits.
    """

    def on_epoch_end(
        self, net: NeuralNet, dataset_valid: Dataset | None = None, **kwargs: Any
    ) -> None:
        """Predict the validation rows."""
        if dataset_valid is None:
            return
        with torch.no_grad():
            batches = net.get_iterator(dataset_valid, training=False)
            y_pred = torch.cat([net.infer(X).mean(0) for X, _ in batches])
        y, weight = split_weights(dataset_valid.y[:, 0], y_pred.shape[-1])
        weight = None if weight is None else weight[:, 0].numpy()
        r = pearson_correlation(y.numpy(), y_pred.cpu().numpy(), sample_weight=weight)
        net.history.record("valid_r", r)


class ProgressBar(Callback):
    """Show one bar over the epochs, with the loss and the validation r."""

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = tqdm(total=net.max_epochs, desc="epochs", unit="epoch")

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Move the bar on."""
        last = net.history[-1]
        shown = {"loss": last["train_loss"], "validation r": last.get("valid_r")}
        self.bar_.set_postfix({k: f"{v:.3f}" for k, v in shown.items() if v is not None})
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Close the bar."""
        self.bar_.close()
        del self.bar_
