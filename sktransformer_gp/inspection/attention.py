"""Which windows of markers the encoders attend to."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from sktransformer_gp.encoder import AttentionPooling, MarkerEncoder
from sktransformer_gp.inspection.disequilibrium import span_names
from sktransformer_gp.inspection.encoders import EncoderPart, encoder_markers
from sktransformer_gp.inspection.steps import last_step
from sktransformer_gp.layers import SelfAttention
from sktransformer_gp.regressor import TransformerGPRegressor

BATCH = 64


def attention_map(
    model: BaseEstimator,
    X: ArrayLike,
    layer: int | None = None,
    head: int | None = None,
    *,
    average: bool = True,
) -> pd.DataFrame:
    """Compute what share of its attention each query gives to each window of markers.

    Attention says where an encoder looks, not what it finds there: a window may be looked at and
    say nothing. What counts for the prediction is
    :func:`~sktransformer_gp.inspection.marker_importance`.

    Parameters
    ----------
    model : TransformerGPRegressor or pipeline that ends in one
        Fitted model.
    X : array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy; what is missing has to be imputed in the pipeline.
    layer : int, default=None
        Number of the self-attention block, from 0: each window is a query. None = the learned
        queries of the read-out, which the default model has in place of blocks.
    head : int, default=None
        Number of the head, from 0. None = the mean over the heads of a block, or all learned
        queries (there is one for each head).
    average : bool, default=True
        Mean over the samples (True), or each sample by itself (False).

    Returns
    -------
    DataFrame of shape (n_queries, n_windows)
        Attention in [0, 1]; rows sum to 1. Columns are the windows,
        ``"<chromosome>:<first position>-<last position>"`` of the markers that reach the encoder;
        rows are the windows again (self-attention) or ``query_1``, ``query_2``, ... With
        ``average=False`` the index has two levels, sample and query. It is the mean over the
        encoders, in proportion to their weights in the prediction.

    Raises
    ------
    ValueError
        If `model` has no such layer or head, or is another kind of model.

    Examples
    --------
    >>> from sktransformer_gp import TransformerGPRegressor
    >>> from sktransformer_gp.datasets import make_cross
    >>> from sktransformer_gp.inspection import attention_map
    >>> cross = make_cross(100, 500, 1, random_state=0, as_frame=True)
    >>> model = TransformerGPRegressor(n_layers=1, max_iter=2, cross_fitting=2, random_state=0)
    >>> windows = attention_map(model.fit(cross.data, cross.target), cross.data, layer=0)
    >>> windows.shape, attention_map(model, cross.data).index.tolist()
    ((16, 16), ['query_1', 'query_2', 'query_3', 'query_4'])
    """
    step = last_step(model, X)
    encoder, weights = _encoder(step.model)
    attend = _learned_queries if layer is None else _self_attention
    source = _find_layer(step.model, encoder.encoder, layer, head)
    if layer is None:
        weights = _of_those_that_listen(encoder.encoder, weights)
    tokens = _inputs_of(source, encoder, encoder.inputs(step.X))
    maps = (attend(source, x, weights, head).cpu().double().numpy() for x in tokens)
    windows = _windows(step.model)
    heads = range(step.model.n_heads) if head is None else [head]
    queries = [f"query_{h + 1}" for h in heads] if layer is None else windows
    if average:
        total = sum(attention.sum(axis=0) for attention in maps)
        return pd.DataFrame(total / len(step.X), queries, windows)
    index = pd.MultiIndex.from_product([step.samples, queries], names=["sample", "query"])
    return pd.DataFrame(np.concatenate(list(maps)).reshape(len(index), -1), index, windows)


def _encoder(model: BaseEstimator) -> tuple[EncoderPart, Tensor]:
    """Return the encoders and the weight of each member, (N,), which sum to 1."""
    if not isinstance(model, TransformerGPRegressor):
        raise ValueError(f"attention needs a TransformerGPRegressor, got {type(model).__name__}")
    encoder = EncoderPart(model)
    weights = (encoder.weights / torch.as_tensor(model.y_scale_)).sum(dim=1)
    weights = weights if weights.any() else torch.ones_like(weights)
    return encoder, (weights / weights.sum()).float()


def _of_those_that_listen(encoder: MarkerEncoder, weights: Tensor) -> Tensor:
    """Leave members out that make nothing of what learned queries attend to: additive ones."""
    listens = (encoder.readout.from_pool.weight != 0).flatten(1).any(dim=1).cpu()
    weights = weights * listens
    if not weights.any():
        raise ValueError(
            "layer=None: in the predictions of this model only encoders count that make nothing of "
            "the learned queries (see model.weights_)"
        )
    return weights / weights.sum()


def _find_layer(
    model: TransformerGPRegressor, encoder: MarkerEncoder, layer: int | None, head: int | None
) -> AttentionPooling | SelfAttention:
    if head is not None and head not in range(model.n_heads):
        raise ValueError(f"head is None or one of 0..{model.n_heads - 1}, got {head!r}")
    if layer is None:
        if hasattr(encoder.readout, "pool"):
            return encoder.readout.pool
        raise ValueError(
            f"layer=None: the model has no learned queries (dim_readout={model.dim_readout}, "
            f"n_heads={model.n_heads})"
        )
    if layer not in range(model.n_layers):
        raise ValueError(
            f"layer is None or the number of one of the {model.n_layers} self-attention blocks, "
            f"from 0, got {layer!r}"
        )
    block: Any = encoder.blocks[layer]
    return block.parts[0]


def _inputs_of(source: nn.Module, encoder: EncoderPart, Z: Tensor) -> Iterator[Tensor]:
    """Yield the tokens (N, B, T, D) that reach a layer, batch by batch."""
    seen: list[Tensor] = []
    # The layer is one of a copy of the encoder: the hook goes with it.
    source.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for batch in Z.split(BATCH):
        encoder.values(batch)
        yield seen.pop()


def _learned_queries(source: Any, x: Tensor, weights: Tensor, head: int | None) -> Tensor:
    """Average ``softmax(q_h' K)`` over members, (B, H or 1, T)."""
    with torch.inference_mode():
        folded = (source.key * source.query).unflatten(2, (source.n_heads, -1)).sum(-1)
        scores = torch.einsum("nbtd,ndh->nbht", x, folded)
        attention = torch.einsum("n,nbht->bht", weights.to(x.device), scores.softmax(-1))
    return attention if head is None else attention[:, [head]]


def _self_attention(source: Any, x: Tensor, weights: Tensor, head: int | None) -> Tensor:
    """Average ``softmax(Q K' / sqrt(d_k))`` over members and, without a head, over heads."""
    with torch.inference_mode():
        q, k, _ = source.project_in(x).unflatten(-1, (3, source.n_heads, -1)).unbind(-3)
        scores = torch.einsum("nbqhd,nbkhd->nbhqk", q, k) / q.shape[-1] ** 0.5
        attention = torch.einsum("n,nbhqk->bhqk", weights.to(x.device), scores.softmax(-1))
    return attention.mean(dim=1) if head is None else attention[:, head]


def _windows(model: TransformerGPRegressor) -> list[str]:
    markers = encoder_markers(model)
    starts = model.net_.module_.windows[:, 0].cpu().numpy()
    return span_names(markers, starts, np.append(starts[1:], len(markers)) - 1)
