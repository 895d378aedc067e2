"""Write the tables of README.md and their figures from the CSV files in this folder.

    python benchmarks/tables.py

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->`` and is made from ``NAME.csv``,
the scores of each fold as ``compare_models`` gives them; ``NAME.png`` shows the same.
"""

import re
from pathlib import Path

import pandas as pd

from sktransformer_gp import summarise
from sktransformer_gp.plotting import plot_comparison

FOLDER = Path(__file__).parent
README = FOLDER.parent / "README.md"
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.S)


def render(scores: pd.DataFrame) -> str:
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


def fill(text: str) -> str:
    """Return a page with its tables made anew."""

    def table(match: re.Match) -> str:
        return match[1] + render(pd.read_csv(FOLDER / f"{match[2]}.csv")) + match[3]

    return TABLE.sub(table, text)


def main() -> None:
    """Make tables and figures anew."""
    text = README.read_text(encoding="utf-8")
    README.write_text(fill(text), encoding="utf-8")
    for _, name, _ in TABLE.findall(text):
        figure = plot_comparison(pd.read_csv(FOLDER / f"{name}.csv")).figure
        figure.savefig(FOLDER / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
