"""What a command leaves behind: a table on the screen, a summary and a figure in the folder."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def write_summary(scores: "pd.DataFrame", folder: Path) -> None:
    """Write the summary, print it as a table, and draw the comparison where matplotlib is there.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`.
    folder : Path
        Where ``summary.csv`` and ``comparison.png`` go.
    """
    from sktransformer_gp.comparison import summarise

    summary = summarise(scores)
    summary.to_csv(folder / "summary.csv", index=False)
    print(f"\n{_format_table(summary)}\n\nScores of each fold: {folder / 'scores.csv'}")
    _draw(scores, folder / "comparison.png")


def _format_table(summary: "pd.DataFrame") -> str:
    """Return the summary as lines of aligned columns, names to the left, numbers to the right."""
    rows = [("model", "trait", "r (mean +- sd)", "mse", "r2", "folds", "seconds/fold")]
    rows += [
        (
            row.model,
            row.trait,
            f"{row.r_mean:.3f} +- {row.r_sd:.3f}",
            f"{row.mse_mean:.4g}",
            f"{row.r2_mean:.3f}",
            f"{row.n_folds}",
            f"{row.fit_seconds_mean + row.predict_seconds_mean:.1f}",
        )
        for row in summary.itertuples()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _draw(scores: "pd.DataFrame", path: Path) -> None:
    try:
        import matplotlib
    except ImportError:
        print("No figure: matplotlib is not installed (pip install 'sktransformer-gp[plot]').")
        return
    # A file is all that is asked for: no window system needed.
    matplotlib.use("Agg")
    from matplotlib import pyplot

    from sktransformer_gp.plotting import plot_comparison

    figure = plot_comparison(scores).figure
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    print(f"Figure: {path}")
