"""
A first look at genotypes, and filling their gaps
=================================================

1,590 barley lines of six trials: call rates, allele frequencies, samples that are suspect, and how
many of the calls that are hidden here each imputer brings back. Where the data can be neither read
nor fetched, a simulated cross takes their place.
"""

# %%
# Samples are suspected that are duplicates, or unlike the rest; the report is text and tables.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sktransformer_gp import DosageImputer, quality_report
from sktransformer_gp.datasets import DownloadError, fetch_barley, make_cross
from sktransformer_gp.plotting import plot_quality

try:
    X = fetch_barley(as_frame=True).data
except (DownloadError, ImportError) as error:
    print(f"A simulated cross, since the barley data cannot be read: {error}")
    X = make_cross(random_state=0, as_frame=True).data
report = quality_report(X)
print(report)
plot_quality(report)

# %%
# A tenth of the calls of 200 lines is hidden; imputers learn from 800 others.
rng = np.random.default_rng(0)
rows = rng.permutation(len(X))
train, test = X.iloc[rows[:800]], X.iloc[rows[800:1000]]
hidden = (rng.random(test.shape) < 0.1) & (test != -1).to_numpy()
gaps = test.mask(hidden, -1)
right = {}
for strategy in ("mode", "knn", "linkage"):
    filled = DosageImputer(strategy).fit(train).transform(gaps)
    right[strategy] = (np.asarray(filled)[hidden].round() == test.to_numpy()[hidden]).mean()
right = pd.Series(right)
print(right.round(3).to_string())
ax = right.plot.bar(rot=0, ylabel="hidden calls that come back", ylim=(0, 1), figsize=(5, 3.5))
ax.bar_label(ax.containers[0], fmt="%.3f")
plt.show()
