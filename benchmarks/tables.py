"""Write the tables of the pages and their figures from the CSV files in this folder.

    python benchmarks/tables.py

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->``. ``page_tables`` has a function
for each; a name that it does not know is that of a CSV of scores, of which models and two traits
are shown, with a figure of the same.
"""

import re
from pathlib import Path

import matplotlib.pyplot as plt
from page_tables import accuracy, checks, choosing, costs, inspection, networks, steps
from page_tables.markdown import FOLDER, read

from sktransformer_gp.plotting import plot_comparison

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.S)
TABLES = {
    "ablation": accuracy.ablations,
    **{
        make.__name__: make
        for make in (
            accuracy.accuracy,
            accuracy.worst_traits,
            accuracy.dominance,
            accuracy.sex,
            accuracy.multitrait,
            accuracy.many_traits,
            accuracy.calibration,
            choosing.choose,
            choosing.selection,
            steps.imputation,
            steps.rejection,
            inspection.qtl_detection,
            inspection.interactions,
            networks.cnn_yeast,
            networks.cnn_wheat,
            networks.cross_attention,
            networks.autoencoder_imputation,
            networks.autoencoder_subset,
            networks.autoencoder_codes,
            networks.autoencoder_anomalies,
            networks.generating_yeast,
            networks.generating_barley,
            networks.augmentation,
            networks.pretraining,
            networks.networks_time,
            costs.speed,
            costs.ratios,
            costs.speedups,
            costs.grid,
            costs.memory,
            checks.mutation,
            checks.survivors,
            checks.versions,
        )
    },
}


def pages() -> list[Path]:
    """Return README and the pages that have a table."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if TABLE.search(page.read_text(encoding="utf-8"))]


def fill(text: str) -> str:
    """Return a page with its tables made anew."""
    return TABLE.sub(lambda match: match[1] + make(match[2]) + match[3], text)


def make(name: str) -> str:
    """Return one table; nothing as long as its CSV is not there."""
    try:
        return TABLES[name]() if name in TABLES else accuracy.two_traits(name)
    except FileNotFoundError:
        return ""


def draw_traits() -> None:
    """Draw r of the 46 yeast traits, each with all models, in the order of GBLUP's r."""
    scores = read("accuracy_yeast46")
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


def draw_growth() -> None:
    """Draw how the cost of a fit grows with lines and with markers."""
    costs = read("speed")
    panels = {
        "samples": ("n_samples", "lines, 5,000 markers"),
        "markers": ("n_markers", "markers, 500 lines"),
    }
    costs = costs[costs.case.isin(panels)]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
    for ax, (case, (size, label)) in zip(axes, panels.items(), strict=True):
        seconds = costs[costs.case == case].groupby(size).wall_seconds.median()
        middle = seconds.index[len(seconds) // 2]
        ax.loglog(seconds.index, seconds, "o-", label="measured")
        proportional = seconds[middle] * seconds.index / middle
        ax.loglog(seconds.index, proportional, "k:", label="in proportion")
        ax.set(xlabel=label)
        ax.grid(alpha=0.3)
    low, high = costs.wall_seconds.min(), costs.wall_seconds.max()
    axes[0].set(ylabel="seconds of a fit, one thread", ylim=(low / 2, 2 * high))
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(FOLDER / "speed.png", dpi=110)


def main() -> None:
    """Make tables and figures anew."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        page.write_text(fill(text), encoding="utf-8")
        for _, name, _ in TABLE.findall(text):
            if name not in TABLES:
                figure = plot_comparison(read(name)).figure
                figure.savefig(FOLDER / f"{name}.png", dpi=110)
    draw_traits()
    draw_growth()


if __name__ == "__main__":
    main()
