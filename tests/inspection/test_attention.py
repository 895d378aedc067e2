import copy

import numpy as np
import pytest

from sktransformer_gp import GBLUPRegressor
from sktransformer_gp.inspection import attention_map

SINGLE = {"cross_fitting": None, "gate_penalty": 0.03, "token_dropout": 0.0, "max_iter": 2}


def softmax(scores):
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


def tokens_of(model, X):
    """Return tokens (B, T, D) of a model with one member."""
    encoder = model.net_.module_
    z = (model._input.transform(X.to_numpy()).double() - encoder.center) / encoder.scale
    z = np.concatenate([z.numpy(), np.zeros((len(X), 1))], axis=1)[:, encoder.windows.numpy()]
    gate = encoder.gate.detach().numpy()[0]
    weight = encoder.embed.weight.detach().numpy()[0]
    return np.einsum("btw,tw,tdw->btd", z, gate, weight) + encoder.embed.bias.detach().numpy()[0]


def test_learned_queries_sample_by_sample(cross, make):
    model = make(**SINGLE).fit(cross.data, cross.target)
    X = cross.data[:3]
    pool = model.net_.module_.readout.pool
    query, key = (p.detach().numpy()[0] for p in (pool.query, pool.key))
    expected = [
        softmax(np.array([query[0, h : h + 2] @ (x @ key)[h : h + 2] for x in tokens]))
        for tokens in tokens_of(model, X)
        for h in range(0, 8, 2)
    ]
    found = attention_map(model, X, average=False)
    # Single precision.
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found.index[1] == (X.index[0], "query_2")
    np.testing.assert_allclose(
        attention_map(model, X), np.reshape(expected, (3, 4, -1)).mean(axis=0), rtol=1e-4
    )
    one = attention_map(model, X, head=2)
    np.testing.assert_allclose(one, attention_map(model, X).iloc[[2]], rtol=1e-6)
    assert one.index.tolist() == ["query_3"]


def test_self_attention_sample_by_sample(cross, make):
    model = make(**SINGLE, n_layers=1).fit(cross.data, cross.target)
    X = cross.data[:2]
    block = model.net_.module_.blocks[0]
    weight, bias = (
        p.detach().numpy()[0]
        for p in (block.parts[0].project_in.weight, block.parts[0].project_in.bias)
    )
    scale, shift = (
        p.detach().numpy()[0, 0, 0] for p in (block.norms[0].weight, block.norms[0].bias)
    )
    expected = []
    for tokens in tokens_of(model, X):
        centred = tokens - tokens.mean(axis=1, keepdims=True)
        normed = centred / np.sqrt(tokens.var(axis=1, keepdims=True) + 1e-5) * scale + shift
        q, k, _ = np.split(normed @ weight + bias, 3, axis=1)
        heads = [
            [softmax(k[:, h : h + 2] @ row[h : h + 2] / np.sqrt(2)) for row in q]
            for h in range(0, 8, 2)
        ]
        expected.append(heads)
    expected = np.array(expected)  # (B, H, T, T)
    for head in (None, 1):
        wanted = expected.mean(axis=1) if head is None else expected[:, head]
        found = attention_map(model, X, layer=0, head=head, average=False)
        np.testing.assert_allclose(found, wanted.reshape(found.shape), rtol=1e-3)
        averaged = attention_map(model, X, layer=0, head=head)
        np.testing.assert_allclose(averaged, wanted.mean(axis=0), rtol=1e-3)
        assert averaged.index.tolist() == averaged.columns.tolist()


def test_rows_sum_to_one_and_columns_are_windows_of_chromosomes(cross, fitted):
    attention = attention_map(fitted, cross.data)
    np.testing.assert_allclose(attention.sum(axis=1), 1, rtol=1e-5)
    chromosomes = [name.split(":")[0] for name in attention.columns]
    assert len(set(chromosomes)) == 16 and chromosomes == sorted(chromosomes)
    first, last = attention.columns[0].split(":")[1].split("-")
    on_first = cross.positions[cross.chromosomes == "chr01"]
    assert int(first) == on_first[0] and int(last) <= on_first[-1]


def test_encoders_count_by_their_weight(cross, make):
    model = make(max_iter=2).fit(cross.data[:60], cross.target[:60])
    maps = []
    # The third regime makes nothing of what learned queries attend to.
    for weights in ([1, 0, 0, 0], [0, 2, 5, 1], [1, 1, 0, 0], [0, 0, 0, 1], [1, 3, 0, 0]):
        model.weights_ = np.tile(np.array(weights, dtype=float)[:, None], 2)
        maps.append(attention_map(model, cross.data[:9]).to_numpy())
    first, third, both, none, everybody = maps
    assert not np.allclose(first, third, rtol=1e-4)
    np.testing.assert_allclose(both, (first + third) / 2, rtol=1e-5)
    # Where no encoder counts, all members of the first regime are shown alike.
    np.testing.assert_allclose(none.sum(axis=1), 1, rtol=1e-5)
    assert not np.allclose(everybody, both, rtol=1e-6)


def test_what_is_not_there_is_named(cross, fitted, make):
    X = cross.data[:60]
    additive = copy.deepcopy(fitted)
    additive.weights_[:2] = 0
    additive.weights_[2] = 1
    with pytest.raises(ValueError, match="only encoders count that make nothing of"):
        attention_map(additive, X)
    with pytest.raises(ValueError, match="needs a TransformerGPRegressor, got GBLUPRegressor"):
        attention_map(GBLUPRegressor().fit(X, cross.target[:60]), X)
    with pytest.raises(ValueError, match="one of the 0 self-attention blocks, from 0, got 0"):
        attention_map(fitted, X, layer=0)
    with pytest.raises(ValueError, match=r"head is None or one of 0\.\.3, got 4"):
        attention_map(fitted, X, head=4)
    without = make(**SINGLE, n_heads=0).fit(X, cross.target[:60])
    with pytest.raises(ValueError, match=r"no learned queries \(dim_readout=16, n_heads=0\)"):
        attention_map(without, X)
