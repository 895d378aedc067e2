import math

import numpy as np
import pytest
import torch

from sktransformer_gp.encoder import (
    MarkerEncoder,
    Readout,
    WindowTokens,
    sinusoidal_positions,
)
from sktransformer_gp.markers import window_index

N_MEMBERS, N_MARKERS, N_TRAITS, D_MODEL, N_HEADS = 3, 10, 2, 8, 2
CENTER = torch.linspace(0.2, 0.8, N_MARKERS)
SCALE = torch.linspace(0.5, 1.5, N_MARKERS)


@pytest.fixture
def dosages():
    return torch.randint(0, 3, (5, N_MARKERS), generator=torch.Generator().manual_seed(1))


def make_encoder(seed=0, token_dropout=(0.3, 0.0, 0.1), **changes):
    parameters = {
        "tokens": "linear",
        "positions": None,
        "gated": True,
        "d_model": D_MODEL,
        "n_heads": N_HEADS,
        "n_layers": 2,
        "dim_feedforward": 16,
        "dim_readout": 6,
        "dropout": 0.1,
        "norm_first": True,
        "generator": torch.Generator().manual_seed(seed),
        **changes,
    }
    width = 4 if parameters["tokens"] == "linear" else 1
    windows = torch.tensor(window_index(None, N_MARKERS, width))
    return MarkerEncoder(
        windows,
        CENTER,
        SCALE,
        torch.tensor(token_dropout),
        n_dosages=3,
        n_traits=N_TRAITS,
        **parameters,
    )


def randomised(module):
    """Give every weight a value, also those that start at zero."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.5)
    return module


def numpy_forward(encoder, X):
    """Evaluate the default encoder with plain NumPy, one member and individual at a time."""
    weights = {k: v.detach().double().numpy() for k, v in encoder.state_dict().items()}
    return np.array(
        [[numpy_member(weights, m, row, len(encoder.blocks)) for row in X.numpy()]
         for m in range(N_MEMBERS)]
    )  # fmt: skip


def numpy_member(weights, m, row, n_blocks):
    def linear(x, name):
        return x @ weights[f"{name}.weight"][m] + weights[f"{name}.bias"][m, 0]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        x = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return x * weights[f"{name}.weight"][m, 0, 0] + weights[f"{name}.bias"][m, 0, 0]

    def attention(x, name):
        qkv, d, heads = linear(x, f"{name}.project_in"), D_MODEL // N_HEADS, []
        for h in range(N_HEADS):
            q, k, v = (qkv[:, i * D_MODEL + h * d : i * D_MODEL + (h + 1) * d] for i in range(3))
            scores = np.exp(q @ k.T / math.sqrt(d))
            heads.append(scores / scores.sum(1, keepdims=True) @ v)
        return linear(np.concatenate(heads, axis=1), f"{name}.project_out")

    def feed_forward(x, name):
        return linear(np.maximum(0, linear(x, f"{name}.hidden")), f"{name}.output")

    z = (row - weights["center"]) / weights["scale"]
    inputs = [z]
    if "dominance" in weights:
        skewness, factor = weights["dominance"]
        inputs.append(factor * (1 + skewness * z - z**2))
    x, additive = [], 0
    for t, window in enumerate(weights["windows"].astype(int)):
        token = weights["embed.bias"][m, 0, t].copy()
        for place, marker in enumerate(np.tile(window, len(inputs))):
            if marker < N_MARKERS:
                gated = inputs[place // len(window)][marker] * weights["gate"][m, t, place]
                token += gated * weights["embed.weight"][m, t, :, place]
                additive = additive + gated * weights["additive"][m, :, t, place]
        x.append(token)
    x = np.array(x)
    for b in range(n_blocks):
        x = x + attention(norm(x, f"blocks.{b}.norms.0"), f"blocks.{b}.parts.0")
        x = x + feed_forward(norm(x, f"blocks.{b}.norms.1"), f"blocks.{b}.parts.1")
    flat, pooled = x.ravel(), numpy_pooling(weights, m, x)
    combined = linear(flat, "readout.combined") + linear(pooled, "readout.from_pool")
    combined = linear(np.maximum(0, combined), "readout.output")
    return linear(flat, "readout.direct") + combined + additive


def numpy_pooling(weights, m, x):
    """Attention of one query for each head to all tokens, times their number."""
    query, key, value = (weights[f"readout.pool.{name}"][m] for name in ("query", "key", "value"))
    keys, values, d, heads = x @ key, x @ value, D_MODEL // N_HEADS, []
    for h in range(N_HEADS):
        part = slice(h * d, (h + 1) * d)
        scores = np.exp(keys[:, part] @ query[0, part])
        heads.append(len(x) * scores / scores.sum() @ values[:, part])
    return np.concatenate(heads)


@pytest.mark.parametrize("with_dominance", [False, True])
def test_forward_equals_a_plain_numpy_evaluation(dosages, with_dominance):
    moments = torch.stack([CENTER - 0.5, 1 / SCALE]) if with_dominance else None
    encoder = randomised(make_encoder(dominance=moments, n_dominance=1))
    expected = numpy_forward(encoder, dosages)

    # Float32 sums of about a hundred terms of size 1 to 10.
    np.testing.assert_allclose(encoder(dosages).detach(), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(encoder.double()(dosages).detach(), expected, rtol=1e-10)


def test_members_do_not_touch_each_other(dosages):
    encoder = randomised(make_encoder())
    before = encoder(dosages)
    with torch.no_grad():
        for weight in encoder.parameters():
            weight[1].add_(1)

    after = encoder(dosages)

    torch.testing.assert_close(after[[0, 2]], before[[0, 2]])
    assert not torch.allclose(after[1], before[1])


@pytest.mark.parametrize("d_model", [6, 7])
def test_sinusoidal_positions_follow_the_formula(d_model):
    encoding = sinusoidal_positions(50, d_model)

    for t in range(50):
        for i in range(d_model):
            angle = t / 10000 ** ((i if i % 2 == 0 else i - 1) / d_model)
            expected = math.sin(angle) if i % 2 == 0 else math.cos(angle)
            assert encoding[t, i].item() == pytest.approx(expected, abs=1e-6)


def test_embedding_looks_the_dosage_up_and_adds_the_position(dosages):
    encoder = make_encoder(tokens="embedding", positions="sinusoidal", gated=False)

    tokens = encoder.tokenize(dosages, None)

    table, position = encoder.embed.weight, sinusoidal_positions(N_MARKERS, D_MODEL)
    for m in range(N_MEMBERS):
        for b in range(len(dosages)):
            for j in range(N_MARKERS):
                expected = table[m, dosages[b, j]] + position[j]
                torch.testing.assert_close(tokens[m, b, j], expected)


def test_dense_tokens_read_all_markers():
    encoder = make_encoder(tokens="dense", gated=False)

    jacobian = torch.autograd.functional.jacobian(
        lambda z: encoder.embed(z, None), torch.zeros(1, N_MARKERS, 1)
    )

    assert jacobian.shape == (N_MEMBERS, 1, N_MARKERS, D_MODEL, 1, N_MARKERS, 1)
    assert (jacobian != 0).all()


def test_a_window_reads_its_own_markers_only():
    windows = torch.tensor(window_index(np.array([0] * 6 + [1] * 4), N_MARKERS, 4))
    encoder = MarkerEncoder(
        windows, CENTER, SCALE, torch.zeros(1), 2, 1,
        tokens="linear", positions=None, gated=True, d_model=D_MODEL, n_heads=1, n_layers=0,
        dim_feedforward=1, dim_readout=0, dropout=0.0, norm_first=True,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    tokens = []
    encoder.readout.register_forward_pre_hook(lambda _, inputs: tokens.append(inputs[0]))
    base = torch.zeros(1, N_MARKERS)

    reads = [set() for _ in windows]
    for j in range(N_MARKERS):
        changed = base.clone()
        changed[0, j] = 1
        encoder(torch.cat([base, changed]))
        difference = (tokens[-1][0, 0] != tokens[-1][0, 1]).any(dim=1)
        for t in difference.nonzero().flatten().tolist():
            reads[t].add(j)

    assert reads == [{0, 1, 2}, {3, 4, 5}, {6, 7, 8, 9}]


def test_window_tokens_do_not_depend_on_where_the_gate_is_applied():
    embed = WindowTokens(N_MEMBERS, 4, 3, D_MODEL, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    z, gate = (torch.randn(shape, generator=generator) for shape in [(5, 4, 3), (N_MEMBERS, 4, 3)])

    expected = torch.einsum("btw,ntw,ntdw->nbtd", z, gate, embed.weight) + embed.bias

    torch.testing.assert_close(embed(z, gate), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tokens", ["linear", "dense", "embedding"])
@pytest.mark.parametrize("positions", [None, "sinusoidal", "learned"])
def test_gradients_agree_with_finite_differences(tokens, positions, dosages):
    encoder = randomised(make_encoder(tokens=tokens, positions=positions, n_layers=1)).double()
    weights = list(encoder.parameters())

    def loss(*_):
        return encoder(dosages[:2]).square().sum()

    assert torch.autograd.gradcheck(loss, weights, fast_mode=True)


def test_a_closed_gate_silences_its_marker(dosages):
    encoder = randomised(make_encoder())
    with torch.no_grad():
        encoder.gate[:, 0, 3] = 0
    marker = encoder.windows[0, 3]
    changed = dosages.clone()
    changed[:, marker] = 2 - changed[:, marker]

    torch.testing.assert_close(encoder(dosages), encoder(changed))


@pytest.mark.parametrize("tokens", ["linear", "dense", "embedding"])
def test_gates_and_what_they_multiply_are_penalised(tokens):
    encoder = make_encoder(tokens=tokens)

    found = {id(parameter) for parameter in encoder.penalised()}

    assert found == {id(p) for p in (encoder.gate, encoder.additive, encoder.embed.weight)}


@pytest.mark.parametrize("tokens", ["linear", "dense", "embedding"])
def test_all_parameters_have_their_members_first(tokens):
    encoder = make_encoder(tokens=tokens, positions="learned", n_layers=1)

    assert {len(parameter) for parameter in encoder.parameters()} == {N_MEMBERS}


def test_readout_adds_combinations_to_sums():
    generator = torch.Generator().manual_seed(0)
    sums = Readout(1, 3, 2, 1, 0, 2, generator)
    both = Readout(1, 3, 2, 1, 4, 2, generator)
    tokens = torch.randn(1, 5, 3, 2, generator=generator)
    twice = torch.cat([tokens, 2 * tokens], dim=1)

    def is_linear(readout):
        at_zero = readout(torch.zeros(1, 1, 3, 2))
        first, second = (readout(twice) - at_zero).chunk(2, dim=1)
        return torch.allclose(2 * first, second, atol=1e-5)

    assert is_linear(randomised(sums)) and not is_linear(randomised(both))


def test_readout_without_heads_is_a_perceptron():
    """No attention: scikit-learn's formula on the flat tokens, beside the direct sums."""
    generator = torch.Generator().manual_seed(0)
    readout = randomised(Readout(1, 3, 2, 0, 4, 2, generator))
    tokens = torch.randn(1, 5, 3, 2, generator=generator)
    flat = tokens[0].flatten(1).numpy()
    W = {name: value[0].numpy() for name, value in readout.state_dict().items()}

    hidden = np.maximum(0, flat @ W["combined.weight"] + W["combined.bias"])
    direct = flat @ W["direct.weight"] + W["direct.bias"]
    expected = direct + hidden @ W["output.weight"] + W["output.bias"]

    np.testing.assert_allclose(readout(tokens)[0].detach(), expected, rtol=1e-4, atol=1e-5)


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(0)
    stream = torch.get_rng_state()
    first, again, other = make_encoder(0), make_encoder(0), make_encoder(1)

    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))
    assert not torch.equal(first.embed.weight, other.embed.weight)
    assert torch.equal(stream, torch.get_rng_state())


def test_each_member_has_its_own_token_dropout(dosages):
    encoder = randomised(make_encoder(token_dropout=(0.9, 0.0, 0.9), dropout=0.0))
    noise = torch.Generator().manual_seed(0)

    quiet, noisy = encoder(dosages), encoder(dosages, noise)

    assert torch.equal(quiet, encoder(dosages))
    torch.testing.assert_close(noisy[1], quiet[1])
    assert not torch.allclose(noisy[0], quiet[0]) and not torch.allclose(noisy[2], quiet[2])
