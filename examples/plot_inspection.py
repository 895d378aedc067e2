"""
What did it learn? Loci, interactions and candidates
====================================================

The default model on growth of 1,008 yeast segregants on Lactate and Lactose (Bloom et al. 2013):
which loci it uses, which of them interact, where it looks, and what stands behind a prediction.
Where the data can be neither read nor fetched, a simulated cross takes their place.
"""

# %%
# The last 50 segregants are the candidates; the model has not seen them.
import matplotlib.pyplot as plt

from sktransformer_gp import TransformerGPRegressor, inspection
from sktransformer_gp.datasets import DownloadError, fetch_yeast, make_cross
from sktransformer_gp.plotting import (
    plot_attention,
    plot_contributions,
    plot_importance,
    plot_linkage,
    plot_selection,
)

try:
    cross = fetch_yeast(traits=["Lactate", "Lactose"], complete_cases=True, as_frame=True)
except (DownloadError, ImportError) as error:
    print(f"A simulated cross, since the yeast data cannot be read: {error}")
    cross = make_cross(random_state=0, n_epistatic_pairs=2, as_frame=True)
X, Y, candidates = cross.data[:-50], cross.target[:-50], cross.data[-50:]
model = TransformerGPRegressor(random_state=0).fit(X, Y)

# %%
# Importance along the genome, with the positions of the peaks in kb.
importance = inspection.marker_importance(model, X, traits=cross.target_names, random_state=0)
plot_importance(importance, unit="kb", unit_size=1000)

# %%
# Pairs of loci that interact, with a permutation test over all pairs that were looked at.
pairs = inspection.interaction_scan(model, X, Y, top_k=12, random_state=0)
print(pairs.drop(columns=["first_block", "second_block"]).head(4).to_string(index=False))

# %%
# Windows that the learned queries attend to, and linkage between windows of 40 markers.
plot_attention(inspection.attention_map(model, X))
plot_linkage(inspection.linkage(X, window_size=40))

# %%
# The selection meeting: all candidates in order, and the chromosomes behind the first one.
table = inspection.breeding_value_table(model, candidates, top_k=5, traits=cross.target_names)
trait = cross.target_names[0]
plot_selection(table, trait)
plot_contributions(table, table.loc[0, "sample"], trait)
plt.show()
