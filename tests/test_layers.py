import pytest
import torch
from torch import nn

from sktransformer_gp.layers import Block, Linear, SelfAttention, dropout

N_MEMBERS, D_MODEL, N_HEADS = 3, 8, 2


def randomised(module):
    """Give every weight a value, also those that start at zero."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.5)
    return module


@pytest.mark.parametrize("norm_first", [True, False])
def test_each_member_of_a_block_is_pytorchs_encoder_layer(norm_first):
    sizes = N_MEMBERS, D_MODEL, N_HEADS, 16
    block = randomised(Block(*sizes, 0.0, norm_first, torch.Generator()))
    x = torch.randn(N_MEMBERS, 3, 5, D_MODEL, generator=torch.Generator().manual_seed(2))
    attention, feed_forward = block.parts

    for m in range(N_MEMBERS):
        layer = nn.TransformerEncoderLayer(
            D_MODEL, N_HEADS, 16, dropout=0.0, batch_first=True, norm_first=norm_first
        )
        linears = {
            "self_attn.in_proj_": attention.project_in,
            "self_attn.out_proj.": attention.project_out,
            "linear1.": feed_forward.hidden,
            "linear2.": feed_forward.output,
        }
        norms = {"norm1.": block.norms[0], "norm2.": block.norms[1]}
        state = {f"{k}weight": v.weight[m].T for k, v in linears.items()}
        state |= {f"{k}bias": v.bias[m, 0] for k, v in linears.items()}
        state |= {f"{k}weight": v.weight[m, 0, 0] for k, v in norms.items()}
        state |= {f"{k}bias": v.bias[m, 0, 0] for k, v in norms.items()}
        layer.load_state_dict(state)

        torch.testing.assert_close(block(x)[m], layer(x[m]), rtol=1e-4, atol=1e-5)


def test_attention_mixes_the_tokens_of_one_individual_only():
    attention = randomised(SelfAttention(1, D_MODEL, N_HEADS, torch.Generator()))
    x = torch.randn(1, 4, 6, D_MODEL, generator=torch.Generator().manual_seed(3))
    changed = x.clone()
    changed[:, 1:] += 1

    # The same batch size, so that the same kernels run: equal to the bit.
    assert torch.equal(attention(x)[:, 0], attention(changed)[:, 0])


def test_dropout_keeps_the_mean_and_needs_a_generator():
    x = torch.ones(100_000)

    dropped = dropout(x, 0.3, torch.Generator().manual_seed(0))

    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.7])
    # Standard error of the mean: sqrt(.3 / .7 / 1e5) = .002.
    assert dropped.mean().item() == pytest.approx(1, abs=0.008)
    assert dropout(x, 0.3, None) is x


def test_linear_is_an_affine_map_for_each_member():
    linear = randomised(Linear(N_MEMBERS, 4, 2, None))
    x = torch.randn(N_MEMBERS, 5, 6, 4, generator=torch.Generator().manual_seed(0))

    expected = torch.einsum("nbti,nio->nbto", x, linear.weight) + linear.bias[:, None]

    torch.testing.assert_close(linear(x), expected, rtol=1e-5, atol=1e-6)
