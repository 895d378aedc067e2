r"""
Anatomy of a transformer encoder, tensor by tensor
==================================================

Eight yeast segregants walk through one encoder block: each formula of the lecture stands beside the
tensor that the package's own modules make of it. Without the yeast data, a simulated cross.
"""

# %%
# One chromosome, markers in full linkage merged; the encoder learns growth on maltose from all.
import matplotlib.pyplot as plt
import numpy as np
import torch

from sktransformer_gp import LinkageMerger, TransformerGPRegressor
from sktransformer_gp.datasets import DownloadError, fetch_yeast, make_cross
from sktransformer_gp.encoder import sinusoidal_positions

try:
    cross = fetch_yeast(traits=["Maltose"], complete_cases=True, as_frame=True)
except (DownloadError, ImportError) as error:
    print(f"A simulated cross, since the yeast data cannot be read: {error}")
    cross = make_cross(n_traits=1, random_state=0, as_frame=True)
X = LinkageMerger().fit_transform(cross.data.loc[:, cross.chromosomes == "chr07"].iloc[:, ::4])
parameters = {"tokens": "embedding", "positions": "sinusoidal", "n_heads": 2, "n_layers": 1}
parameters |= {"norm_first": False, "gate_penalty": None, "token_dropout": 0.0, "max_iter": 8}
parameters |= {"cross_fitting": None, "preprocessor": None, "random_state": 0}
encoder = TransformerGPRegressor(**parameters).fit(X, cross.target).net_.module_
(attention, feed_forward), norms = encoder.blocks[0].parts, encoder.blocks[0].norms

# %%
# The block, step by step; B = 8 individuals, T markers, d = 16, two heads of 8. The assertion holds
# it against the block itself.
calls = torch.tensor(np.asarray(X)[:8])
with torch.no_grad():
    step = {"embedding E[x]": encoder.embed(calls, None)}
    x = step["+ position"] = step["embedding E[x]"] + sinusoidal_positions(calls.shape[1], 16)
    Q, K, V = attention.project_in(x)[0].unflatten(2, (3, 2, 8)).permute(2, 0, 3, 1, 4)
    weights = (Q @ K.mT / 8**0.5).softmax(-1)
    step |= {"Q = X W_Q": Q, "K = X W_K": K, "V = X W_V": V, "softmax(Q K' / sqrt d)": weights}
    step |= {"one head": (weights @ V)[:, 0]}
    many = attention.project_out((weights @ V).transpose(1, 2).flatten(2)[None])
    normed = norms[0](x + many)
    out = norms[1](normed + feed_forward(normed))
    step |= {"all heads, projected": many, "Add & Norm": normed, "FFN, Add & Norm": out}
    assert torch.allclose(out, encoder.blocks[0](x), atol=1e-5)
print("\n".join(f"{name:24s} {tuple(tensor.shape)}" for name, tensor in step.items()))

# %%
# The first segregant's tensors, and the linkage of the markers beside the attention learned.
figure, axes = plt.subplots(2, 4, figsize=(11, 5.5), layout="constrained")
names = ["embedding E[x]", "+ position", "Q = X W_Q", "one head", "Add & Norm", "FFN, Add & Norm"]
panels = {name: step[name].reshape(-1, *step[name].shape[-2:])[0].numpy() for name in names}
panels |= {"mean attention": weights.mean((0, 1)).numpy()}
panels |= {"linkage $r^2$": np.corrcoef(np.asarray(X).T) ** 2}
for ax, (name, values) in zip(axes.flat, panels.items(), strict=True):
    figure.colorbar(ax.imshow(values, aspect="auto"), ax=ax)
    ax.set(title=name, ylabel="marker")
plt.show()
