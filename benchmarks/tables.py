"""Write the tables of the pages and their figures from the CSV files in this folder.

    python benchmarks/tables.py

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->`` and is made from ``NAME.csv``,
mostly the scores of each fold as ``compare_models`` gives them; figures show the same.
"""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import t

from sktransformer_gp import summarise
from sktransformer_gp.plotting import plot_comparison

FOLDER = Path(__file__).parent
DOCS = FOLDER.parent / "docs"
PAGES = [
    FOLDER.parent / "README.md",
    *(DOCS / name for name in ("accuracy.md", "comparison.md", "guide/preprocessing.md")),
]
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.S)
EPISTASIS = ["Maltose", "Magnesium_Sulfate", "Indoleacetic_Acid", "Formamide", "Copper"]
# Name of a study: file, and the traits where not all.
STUDIES = {
    "yeast, Lactate and Lactose together": ("accuracy_yeast.csv", None),
    "yeast, 46 traits, each alone": ("accuracy_yeast46.csv", None),
    "yeast, 5 of them with epistasis": ("accuracy_yeast46.csv", EPISTASIS),
    "wheat, 4 environments": ("accuracy_wheat.csv", None),
    "barley, 12 traits": ("accuracy_barley.csv", None),
    "mice, 20 traits": ("accuracy_mice.csv", None),
    "mice, folds by cage": ("accuracy_mice_cages.csv", None),
}
MODELS = ["transformer", "gblup", "rkhs", "lasso", "hgb", "rf"]


def two_traits(scores: pd.DataFrame) -> str:
    """Return a table in Markdown: a row for each model, r and MSE of each trait."""
    summary = summarise(scores)
    traits = list(summary.trait.unique())
    lines = [
        "| model | " + " | ".join(f"{t} r | {t} MSE" for t in traits) + " |",
        "|---" * (1 + 2 * len(traits)) + "|",
    ]
    for model, rows in summary.groupby("model", sort=False):
        cells = [
            f"{row.r_mean:.3f} ± {row.r_sd:.3f} | {row.mse_mean:.3f}" for row in rows.itertuples()
        ]
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def accuracy() -> str:
    """Return mean r over traits and folds: a row for each study, a column for each model."""
    lines = ["| data | folds | " + " | ".join(MODELS) + " |", "|---" * (2 + len(MODELS)) + "|"]
    for name, r in study_scores().items():
        means = r.groupby("model").mean(numeric_only=True)["r"]
        # A model that was not run on all traits and folds has no mean to compare.
        counts = r.groupby("model").size()
        means = means[counts == counts["transformer"]].reindex(MODELS)
        cells = [
            "-" if np.isnan(mean) else f"**{mean:.4f}**" if mean == means.max() else f"{mean:.4f}"
            for mean in means
        ]
        folds = f"{r.repeat.nunique()} x {r.fold.nunique()}"
        lines.append(f"| {name} | {folds} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def study_scores() -> dict[str, pd.DataFrame]:
    """Read the scores of the studies that were run."""
    read = {
        name: (pd.read_csv(FOLDER / file), traits)
        for name, (file, traits) in STUDIES.items()
        if (FOLDER / file).exists()
    }
    return {
        name: scores if traits is None else scores[scores.trait.isin(traits)]
        for name, (scores, traits) in read.items()
    }


def worst_traits() -> str:
    """Return how the transformer's traits compare with the best of GBLUP, RKHS and lasso."""
    lines = [
        "| data | traits | best, or within .01 of the best | largest gain over GBLUP "
        "| smallest gain over GBLUP |",
        "|---|---|---|---|---|",
    ]
    for name, scores in study_scores().items():
        r = scores.groupby(["trait", "model"]).r.mean().unstack()
        others = r[[m for m in MODELS[1:] if m in r and r[m].notna().all()]]
        near = (r.transformer >= others.max(axis=1) - 0.01).sum()
        gain = r.transformer - r.gblup
        lines.append(
            f"| {name} | {len(r)} | {near} | {gain.idxmax()} {gain.max():+.3f} "
            f"| {gain.idxmin()} {gain.min():+.3f} |"
        )
    return "\n".join(lines) + "\n"


def ablations() -> str:
    """Return each variant's r and its difference to the default, with a 95 % interval.

    Traits are the replicates: the interval is that of the traits' mean differences.
    """
    scores = pd.read_csv(FOLDER / "ablation.csv")
    names = scores.model.unique()
    r = scores.groupby(["dataset", "trait", "model"]).r.mean().unstack()[names]
    is_wheat = r.index.get_level_values("dataset") == "wheat"
    lines = ["| variant | yeast r | difference | wheat r | difference |", "|---|---|---|---|---|"]
    for name in names:
        cells = [name]
        for part in (r[~is_wheat], r[is_wheat]):
            difference = part[name] - part["default"]
            half = t.ppf(0.975, len(part) - 1) * difference.sem()
            shown = "" if name == "default" else f"{difference.mean():+.4f} ± {half:.4f}"
            cells += [f"{part[name].mean():.4f}", shown]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def multitrait() -> str:
    """Return r of one trait fitted with and without others."""
    scores = pd.read_csv(FOLDER / "multitrait.csv")
    r = scores.groupby("scenario", sort=False).r.agg(["mean", "std"])
    alone = scores.pivot(index="fold", columns="scenario", values="r")
    lines = ["| fitted | r | difference to alone |", "|---|---|---|"]
    for scenario, row in r.iterrows():
        base = "half, alone" if scenario.startswith("half") else "alone"
        difference = "" if scenario == base else f"{(alone[scenario] - alone[base]).mean():+.4f}"
        lines.append(f"| {scenario} | {row['mean']:.4f} ± {row['std']:.4f} | {difference} |")
    return "\n".join(lines) + "\n"


def calibration() -> str:
    """Return the share of new phenotypes inside the 90 % interval."""
    shares = pd.read_csv(FOLDER / "calibration.csv")
    rows = shares.groupby(["dataset", "trait"], sort=False).mean(numeric_only=True).reset_index()
    lines = [
        "| data | trait | inside the 90 % interval | mean standard deviation | error (RMSE) |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.dataset} | {row.trait} | {row.inside:.3f} | {row.mean_std:.3f} | {row.rmse:.3f} |"
        for row in rows.itertuples()
    ]
    return "\n".join(lines) + "\n"


def imputation() -> str:
    """Return the share of hidden calls that come back, by data set and strategy."""
    shares = pd.read_csv(FOLDER / "imputation.csv").groupby(["strategy", "dataset"]).concordance
    table = shares.mean().unstack().loc[["mean", "mode", "knn", "nearest", "linkage"]]
    lines = ["| strategy | " + " | ".join(table) + " |", "|---" * (1 + table.shape[1]) + "|"]
    lines += [
        f"| {name} | " + " | ".join(f"{share:.3f}" for share in row) + " |"
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join(lines) + "\n"


def rejection() -> str:
    """Return how often the 5 % test rejects where there is no difference."""
    rates = pd.read_csv(FOLDER / "rejection.csv").groupby(["design", "repeats"], sort=False)
    lines = ["| design | folds | corrected | uncorrected |", "|---|---|---|---|"]
    for (design, repeats), rows in rates:
        cells = [
            f"{rows[name].min():.1%} to {rows[name].max():.1%}".replace("%", " %")
            for name in ("corrected", "uncorrected")
        ]
        lines.append(f"| {design} | {repeats} x 5 | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


TABLES = {
    "imputation": imputation,
    "rejection": rejection,
    "accuracy": accuracy,
    "worst_traits": worst_traits,
    "ablation": ablations,
    "multitrait": multitrait,
    "calibration": calibration,
}


def fill(text: str) -> str:
    """Return a page with its tables made anew."""

    def table(match: re.Match) -> str:
        name = match[2]
        if name in TABLES:
            return match[1] + TABLES[name]() + match[3]
        return match[1] + two_traits(pd.read_csv(FOLDER / f"{name}.csv")) + match[3]

    return TABLE.sub(table, text)


def draw_traits() -> None:
    """Draw r of the 46 yeast traits, each with all models, in the order of GBLUP's r."""
    scores = pd.read_csv(FOLDER / "accuracy_yeast46.csv")
    r = scores.groupby(["trait", "model"]).r.mean().unstack().sort_values("gblup")
    figure, ax = plt.subplots(figsize=(11, 5))
    styles = {"gblup": ("C7", "o"), "rkhs": ("C9", "s"), "lasso": ("C1", "^")}
    for model, (colour, marker) in styles.items():
        ax.plot(r.index, r[model], marker, color=colour, label=model, ms=4)
    ax.plot(r.index, r.transformer, "D", color="C0", label="transformer", ms=5)
    ax.set(ylabel="predictive ability r", xlim=(-0.7, len(r) - 0.3))
    ax.tick_params(axis="x", rotation=90, labelsize=7)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(ncols=4, loc="upper left")
    figure.tight_layout()
    figure.savefig(FOLDER / "accuracy_yeast46.png", dpi=110)


def main() -> None:
    """Make tables and figures anew."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(fill(text), encoding="utf-8")
        for _, name, _ in TABLE.findall(text):
            if name not in TABLES:
                figure = plot_comparison(pd.read_csv(FOLDER / f"{name}.csv")).figure
                figure.savefig(FOLDER / f"{name}.png", dpi=110)
    draw_traits()


if __name__ == "__main__":
    main()
