"""
Grid search with a Pearson scorer
=================================

Imputing, merging and the encoder form one ``Pipeline``; ``GridSearchCV`` refits all of it in each
training fold, so that nothing of a test fold is seen. A simulated cross keeps it short.
"""

# %%
# A panel as it comes: 3 % of the genotypes are missing (-1), and 10 % of the phenotypes (NaN).
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sktransformer_gp import DosageImputer, TransformerGPRegressor, pearson_scorer
from sktransformer_gp.datasets import make_cross

cross = make_cross(n_samples=300, n_markers=1000, random_state=0, as_frame=True)
rng = np.random.default_rng(0)
X = cross.data.mask(rng.random(cross.data.shape) < 0.03, -1)
Y = cross.target.mask(rng.random(cross.target.shape) < 0.10)

# %%
# The default weighs several strengths of sparsity by itself; here one encoder is tuned by hand.
# Step names come from ``make_pipeline``; the DataFrame's names carry the chromosomes along.
encoder = TransformerGPRegressor(cross_fitting=None, token_dropout=0.1, random_state=0)
pipeline = make_pipeline(DosageImputer(), encoder).set_output(transform="pandas")
grid = {
    "transformergpregressor__gate_penalty": [0.005, 0.02, 0.08],
    "transformergpregressor__dim_readout": [0, 64],
}
folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, scoring=pearson_scorer, cv=folds, verbose=1)
search.fit(X, Y)
print("best:", search.best_params_, f"r = {search.best_score_:.3f}")

# %%
# One bar for each candidate: mean r over traits and folds.
penalty, readout = (f"param_{name}" for name in grid)
results = pd.DataFrame(search.cv_results_)
table = results.pivot(index=penalty, columns=readout, values="mean_test_score")
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
table.plot.bar(ax=ax, rot=0, ylabel="predictive ability r")
ax.set_ylim(table.min().min() - 0.05, table.max().max() + 0.02)
ax.set(xlabel="gate_penalty")
ax.legend(title="dim_readout")
plt.show()
