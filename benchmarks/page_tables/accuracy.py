"""Tables of predictive ability: the practical, all data sets, several traits, uncertainty."""

import pandas as pd

from page_tables.markdown import FOLDER, mean_difference, read, table
from sktransformer_gp import summarise

EPISTASIS = ["Maltose", "Magnesium_Sulfate", "Indoleacetic_Acid", "Formamide", "Copper"]
# Name of a study: file, and the traits where not all.
STUDIES = {
    "yeast, Lactate and Lactose together": ("accuracy_yeast", None),
    "yeast, 46 traits, each alone": ("accuracy_yeast46", None),
    "yeast, 5 of them with epistasis": ("accuracy_yeast46", EPISTASIS),
    "wheat, 4 environments": ("accuracy_wheat", None),
    "barley, 12 traits": ("accuracy_barley", None),
    "mice, 20 traits": ("accuracy_mice", None),
    "mice, folds by cage": ("accuracy_mice_cages", None),
}
ABLATED = ["yeast", "wheat", "barley", "small crosses"]
MODELS = ["transformer", "gblup", "rkhs", "lasso", "hgb", "rf"]


def two_traits(name: str) -> str:
    """Return a row for each model: r and MSE of each trait."""
    summary = summarise(read(name))
    traits = list(summary.trait.unique())
    rows = [
        [model]
        + [text for row in of_model.itertuples() for text in (spread(row), f"{row.mse_mean:.3f}")]
        for model, of_model in summary.groupby("model", sort=False)
    ]
    header = [f"{trait} {score}" for trait in traits for score in ("r", "MSE")]
    return table(["model", *header], rows)


def spread(row: tuple) -> str:
    """Return mean r ± its standard deviation over folds."""
    return f"{row.r_mean:.3f} ± {row.r_sd:.3f}"


def accuracy() -> str:
    """Return mean r over traits and folds: a row for each study, a column for each model."""
    rows = []
    for name, scores in study_scores().items():
        means = scores.groupby("model").mean(numeric_only=True)["r"]
        # A model that was not run on all traits and folds has no mean to compare.
        counts = scores.groupby("model").size()
        means = means[counts == counts["transformer"]].reindex(MODELS)
        texts = [f"**{r:.4f}**" if r == means.max() else f"{r:.4f}" for r in means]
        folds = f"{scores.repeat.nunique()} x {scores.fold.nunique()}"
        rows.append([name, folds, *("-" if text == "nan" else text for text in texts)])
    return table(["data", "folds", *MODELS], rows)


def study_scores() -> dict[str, pd.DataFrame]:
    """Read the scores of the studies that were run."""
    scores = {
        name: (read(file), traits)
        for name, (file, traits) in STUDIES.items()
        if (FOLDER / f"{file}.csv").exists()
    }
    return {
        name: rows if traits is None else rows[rows.trait.isin(traits)]
        for name, (rows, traits) in scores.items()
    }


def worst_traits() -> str:
    """Return how the transformer's traits compare with the best of the other models."""
    rows = []
    for name, scores in study_scores().items():
        r = scores.groupby(["trait", "model"]).r.mean().unstack()
        others = r[[m for m in MODELS[1:] if m in r and r[m].notna().all()]]
        near = (r.transformer >= others.max(axis=1) - 0.01).sum()
        gain = r.transformer - r.gblup
        ends = [f"{i} {gain[i]:+.3f}" for i in (gain.idxmax(), gain.idxmin())]
        rows.append([name, str(len(r)), str(near), *ends])
    header = ["data", "traits", "best, or within .01 of the best"]
    return table([*header, "largest gain over GBLUP", "smallest gain over GBLUP"], rows)


def ablations() -> str:
    """Return the default's r and what each variant differs from it, with a 95 % interval.

    Traits are the replicates: the interval is that of the traits' mean differences.
    """
    scores = read("ablation")
    default, *variants = scores.model.unique()
    r = scores.groupby(["dataset", "trait", "model"]).r.mean().unstack()
    studies = r.index.get_level_values("dataset").str.replace(r", \d+$", "", regex=True)
    studies = studies.str.replace(r".+ \+ .+", "yeast", regex=True)
    studies = studies.str.replace("cross of 250 lines", "small crosses")
    parts = [r[studies == study] for study in ABLATED]
    rows = [[f"{default}, r", *(f"{part[default].mean():.4f}" for part in parts)]]
    for name in variants:
        rows.append([name, *(mean_difference(part[name] - part[default], 4) for part in parts)])
    return table(["variant", *ABLATED], rows)


def dominance() -> str:
    """Return mean r over replicates of simulated traits, a column for each model."""
    scores = read("dominance")
    means = scores.pivot_table("r", ["population", "dominance"], "model", sort=False)
    rows = []
    for case, r in means.iterrows():
        texts = [f"**{value:.3f}**" if value == r.max() else f"{value:.3f}" for value in r]
        rows.append([*case, *texts])
    return table(["population", "dominance", *means.columns], rows)


def sex() -> str:
    """Return mean r over three traits of mice: of all, in each sex, and with the sex."""
    scores = read("sex")
    columns = ["r", "r_females", "r_males", "r_sex"]
    means = scores.groupby(["markers", "model"])[columns].mean()
    models = ["gblup", "transformer, no dominance", "transformer"]
    rows = [
        [markers, model, *(f"{value:.3f}" for value in means.loc[(markers, model)])]
        for markers in ("all", "without X")
        for model in [*models, "gblup, sex fixed", "transformer, sex fixed"]
    ]
    header = ["markers", "model", "r", "r in females", "r in males", "r of prediction and sex"]
    return table(header, rows)


def multitrait() -> str:
    """Return r of one trait fitted with and without others."""
    scores = read("multitrait")
    r = scores.groupby("scenario", sort=False).r.agg(["mean", "std"])
    folds = scores.pivot(index="fold", columns="scenario", values="r")
    rows = []
    for scenario, row in r.iterrows():
        base = "half, alone" if scenario.startswith("half") else "alone"
        difference = "" if scenario == base else f"{(folds[scenario] - folds[base]).mean():+.4f}"
        rows.append([scenario, f"{row['mean']:.4f} ± {row['std']:.4f}", difference])
    return table(["fitted", "r", "difference to alone"], rows)


def many_traits() -> str:
    """Return r of traits fitted together, beside each alone and as few traits are fitted."""
    scores, alone = read("many_traits"), read("accuracy_yeast46")
    alone = alone[alone.model == "transformer"].groupby("trait").r.mean()
    r = scores.groupby(["together", "trait", "model"]).r.mean().unstack()
    rows = []
    for size, together in r.groupby("together"):
        together = together.droplevel("together")
        gain = (together["default"] - alone).dropna()
        row = [str(size), f"{together['default'].mean():.4f}", f"{alone[gain.index].mean():.4f}"]
        row += [mean_difference(gain, 4)]
        row += [f"{trait} {gain[trait]:+.3f}" for trait in (gain.idxmin(), gain.idxmax())]
        rows.append([*row, mean_difference(together["as for few traits"] - together["default"], 4)])
    header = ["traits together", "r", "each alone", "difference", "smallest", "largest"]
    return table([*header, "default, as for few traits"], rows)


def calibration() -> str:
    """Return the share of new phenotypes inside the 90 % interval."""
    shares = read("calibration").groupby(["dataset", "trait"], sort=False)
    rows = [
        [row.dataset, row.trait, f"{row.inside:.3f}", f"{row.mean_std:.3f}", f"{row.rmse:.3f}"]
        for row in shares.mean(numeric_only=True).reset_index().itertuples()
    ]
    header = ["data", "trait", "inside the 90 % interval", "mean standard deviation"]
    return table([*header, "error (RMSE)"], rows)
