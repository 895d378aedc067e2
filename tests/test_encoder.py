import math

import numpy as np
import pytest
import torch
from torch import nn

from sktransformer_gp.encoder import (
    Block,
    MarkerEncoder,
    SelfAttention,
    WindowTokens,
    dropout,
    sinusoidal_positions,
)
from sktransformer_gp.markers import window_index

N_MARKERS, D_MODEL, N_HEADS = 10, 8, 2
CENTER = torch.linspace(0.2, 0.8, N_MARKERS)
SCALE = torch.linspace(0.5, 1.5, N_MARKERS)


@pytest.fixture
def dosages():
    return torch.randint(0, 3, (5, N_MARKERS), generator=torch.Generator().manual_seed(1))


def make_encoder(seed=0, **changes):
    parameters = {
        "tokens": "linear",
        "positions": None,
        "gated": True,
        "d_model": D_MODEL,
        "n_heads": N_HEADS,
        "n_layers": 2,
        "dim_feedforward": 16,
        "dropout": 0.1,
        "token_dropout": 0.3,
        "norm_first": True,
        "generator": torch.Generator().manual_seed(seed),
        **changes,
    }
    windows = torch.tensor(window_index(None, N_MARKERS, 4))
    return MarkerEncoder(windows, CENTER, SCALE, 3, 2, **parameters)


def randomised(encoder):
    """Give every weight a value, also those that start at zero."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.5)
    return encoder


def numpy_forward(encoder, X):
    """Evaluate the default encoder with plain NumPy from its weights."""
    w = {k: v.detach().double().numpy() for k, v in encoder.state_dict().items()}

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        x = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def attention(x, name):
        qkv = x @ w[f"{name}.project_in.weight"].T + w[f"{name}.project_in.bias"]
        d = D_MODEL // N_HEADS
        heads = []
        for h in range(N_HEADS):
            q, k, v = (qkv[:, i * D_MODEL + h * d : i * D_MODEL + (h + 1) * d] for i in range(3))
            scores = np.exp(q @ k.T / math.sqrt(d))
            heads.append(scores / scores.sum(1, keepdims=True) @ v)
        joined = np.concatenate(heads, axis=1)
        return joined @ w[f"{name}.project_out.weight"].T + w[f"{name}.project_out.bias"]

    def feed_forward(x, name):
        hidden = np.maximum(0, x @ w[f"{name}.hidden.weight"].T + w[f"{name}.hidden.bias"])
        return hidden @ w[f"{name}.output.weight"].T + w[f"{name}.output.bias"]

    outputs = []
    for row in X.numpy():
        z = (row - w["center"]) / w["scale"] * w["gate"]
        tokens = []
        for t, window in enumerate(w["embed.windows"].astype(int)):
            token = w["embed.bias"][t].copy()
            for place, marker in enumerate(window):
                if marker < N_MARKERS:
                    token += z[marker] * w["embed.weight"][t, place]
            tokens.append(token)
        x = np.array(tokens)
        for b in range(len(encoder.blocks)):
            x = x + attention(norm(x, f"blocks.{b}.norms.0"), f"blocks.{b}.parts.0")
            x = x + feed_forward(norm(x, f"blocks.{b}.norms.1"), f"blocks.{b}.parts.1")
        head = w["head.weight"] @ x.ravel() + w["head.bias"]
        outputs.append(head + z @ w["additive"])
    return np.array(outputs)


def test_forward_equals_a_plain_numpy_evaluation(dosages):
    encoder = randomised(make_encoder())

    ours = encoder(dosages).detach().numpy()

    # Float32 sums of about a hundred terms of size 1.
    np.testing.assert_allclose(ours, numpy_forward(encoder, dosages), rtol=1e-4, atol=1e-4)
    in_double = encoder.double()(dosages).detach().numpy()
    np.testing.assert_allclose(in_double, numpy_forward(encoder, dosages), rtol=1e-10)


@pytest.mark.parametrize("norm_first", [True, False])
def test_block_equals_pytorchs_encoder_layer(norm_first):
    ours = randomised(Block(D_MODEL, N_HEADS, 16, 0.0, norm_first, torch.Generator()))
    theirs = nn.TransformerEncoderLayer(
        D_MODEL, N_HEADS, 16, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    attention, feed_forward = ours.parts
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": attention.project_in.weight,
            "self_attn.in_proj_bias": attention.project_in.bias,
            "self_attn.out_proj.weight": attention.project_out.weight,
            "self_attn.out_proj.bias": attention.project_out.bias,
            "linear1.weight": feed_forward.hidden.weight,
            "linear1.bias": feed_forward.hidden.bias,
            "linear2.weight": feed_forward.output.weight,
            "linear2.bias": feed_forward.output.bias,
            "norm1.weight": ours.norms[0].weight,
            "norm1.bias": ours.norms[0].bias,
            "norm2.weight": ours.norms[1].weight,
            "norm2.bias": ours.norms[1].bias,
        }
    )
    x = torch.randn(3, 5, D_MODEL, generator=torch.Generator().manual_seed(2))

    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_attention_mixes_the_tokens_of_one_individual_only():
    attention = randomised(SelfAttention(D_MODEL, N_HEADS, torch.Generator()))
    x = torch.randn(4, 6, D_MODEL, generator=torch.Generator().manual_seed(3))
    changed = x.clone()
    changed[1:] += 1

    # The same batch size, so that the same kernels run: equal to the bit.
    assert torch.equal(attention(x)[0], attention(changed)[0])


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

    table, position = encoder.embed.table, sinusoidal_positions(N_MARKERS, D_MODEL)
    for b in range(len(dosages)):
        for j in range(N_MARKERS):
            torch.testing.assert_close(tokens[b, j], table[dosages[b, j]] + position[j])


def test_dense_tokens_read_all_markers(dosages):
    encoder = make_encoder(tokens="dense", gated=False)

    (jacobian,) = torch.autograd.functional.jacobian(
        lambda z: encoder.embed(z), (torch.zeros(1, N_MARKERS),)
    )

    assert jacobian.shape == (1, N_MARKERS, D_MODEL, 1, N_MARKERS)
    assert (jacobian != 0).all()


def test_a_window_reads_its_own_markers_only():
    windows = torch.tensor(window_index(np.array([0] * 6 + [1] * 4), N_MARKERS, 4))
    embed = WindowTokens(windows, D_MODEL, torch.Generator().manual_seed(0))

    jacobian = torch.autograd.functional.jacobian(embed, torch.zeros(1, N_MARKERS))
    reads = (jacobian[0, :, :, 0] != 0).any(dim=1)  # (T, M)

    assert [set(row.nonzero().flatten().tolist()) for row in reads] == [
        {0, 1, 2},
        {3, 4, 5},
        {6, 7, 8, 9},
    ]


@pytest.mark.parametrize("tokens", ["linear", "dense", "embedding"])
@pytest.mark.parametrize("positions", [None, "sinusoidal", "learned"])
def test_gradients_agree_with_finite_differences(tokens, positions, dosages):
    encoder = randomised(make_encoder(tokens=tokens, positions=positions, n_layers=1)).double()
    weights = [p for p in encoder.parameters() if p.numel() < 100]
    assert all(p.requires_grad for p in weights)

    def loss(*_):
        return encoder(dosages[:2]).square().sum() + encoder.gate_penalty()

    assert torch.autograd.gradcheck(loss, weights, fast_mode=True)


def test_a_closed_gate_silences_its_marker(dosages):
    encoder = randomised(make_encoder())
    with torch.no_grad():
        encoder.gate[3] = 0
    changed = dosages.clone()
    changed[:, 3] = 2 - changed[:, 3]

    torch.testing.assert_close(encoder(dosages), encoder(changed))


def test_penalty_is_the_sum_of_squares_of_the_gated_factors():
    encoder = randomised(make_encoder())

    w = encoder.state_dict()
    names = ["gate", "additive", "embed.weight", "embed.bias"]
    expected = sum(float((w[name].double() ** 2).sum()) for name in names)

    # Float32 sum.
    assert encoder.gate_penalty().item() == pytest.approx(expected, rel=1e-5)
    assert make_encoder(gated=False).gate_penalty().item() == 0


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(0)
    stream = torch.get_rng_state()
    first, again, other = make_encoder(0), make_encoder(0), make_encoder(1)

    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))
    assert not torch.equal(first.embed.weight, other.embed.weight)
    assert torch.equal(stream, torch.get_rng_state())


def test_dropout_keeps_the_mean_and_needs_a_generator():
    x = torch.ones(100_000)

    dropped = dropout(x, 0.3, torch.Generator().manual_seed(0))

    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.7])
    # Standard error of the mean: sqrt(.3 / .7 / 1e5) = .002.
    assert dropped.mean().item() == pytest.approx(1, abs=0.008)
    assert dropout(x, 0.3, None) is x


def test_dropout_acts_in_training_only(dosages):
    encoder = randomised(make_encoder())
    noise = torch.Generator().manual_seed(0)

    assert torch.equal(encoder(dosages), encoder(dosages))
    assert not torch.equal(encoder(dosages, noise), encoder(dosages, noise))
