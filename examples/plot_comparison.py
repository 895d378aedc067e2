"""
Is one model better than another?
=================================

Yield of 599 wheat lines in four environments (Crossa et al. 2010): GBLUP, a Gaussian kernel and
partial least squares on the same folds, honest intervals of their differences, and what more lines
would bring. Where the data can be neither read nor fetched, a simulated cross takes their place.
"""

# %%
# Two models of the package and one of scikit-learn in the same 2 x 5 folds.
# ``make_model("transformer")`` would be a fourth: it takes half a minute for each fold.
import matplotlib.pyplot as plt
from sklearn.cross_decomposition import PLSRegression

from sktransformer_gp import compare_models, make_model, paired_differences, summarise
from sktransformer_gp.datasets import DownloadError, fetch_wheat, make_cross
from sktransformer_gp.plotting import plot_comparison, plot_differences, plot_training_size

try:
    lines = fetch_wheat(as_frame=True)
except (DownloadError, ImportError) as error:
    print(f"A simulated cross, since the wheat data cannot be read: {error}")
    lines = make_cross(400, 1000, n_traits=4, random_state=0, as_frame=True)
models = {name: make_model(name) for name in ("gblup", "rkhs")} | {"pls": PLSRegression(5)}
scores = compare_models(models, lines.data, lines.target, cv=5, repeats=2, verbose=0)
print(
    summarise(scores)[["model", "trait", "r_mean", "r_sd", "rank"]].round(3).to_string(index=False)
)
plot_comparison(scores)

# %%
# Fold by fold against GBLUP, corrected for the lines that training sets share.
differences = paired_differences(scores, "gblup")
columns = ["model", "trait", "difference", "low", "high", "p_adjusted"]
print(differences[columns].round(3).to_string(index=False))
plot_differences(scores, "gblup")

# %%
# The same test lines, predicted from a quarter, half and all of the training lines.
del models["pls"]
fractions = (0.25, 0.5, 1.0)
growing = compare_models(
    models, lines.data, lines.target, cv=5, train_fractions=fractions, verbose=0
)
plot_training_size(growing)
plt.show()
