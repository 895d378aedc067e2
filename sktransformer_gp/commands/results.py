"""What a command leaves behind: a table on the screen, a summary and a figure in the folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    import pandas as pd

NUMBERS = ("r (mean +- sd)", "mse", "r2", "folds", "seconds/fold")


def check_figures() -> None:
    """Fail early where a report is asked for and matplotlib is missing.

    Raises
    ------
    ImportError
        Names the extra that brings it.
    """
    from sktransformer_gp.plotting.axes import pyplot

    pyplot()


def write_results(scores: "pd.DataFrame", folder: Path, *, report: bool = False) -> None:
    """Print the means, and write summary, differences, figure and report.

    Parameters
    ----------
    scores : DataFrame
        Table of :func:`~sktransformer_gp.comparison.compare_models`.
    folder : Path
        Where ``summary.csv``, ``differences.csv`` (of two or more models that share two folds),
        ``comparison.png`` (where matplotlib is installed) and ``report.html`` go.
    report : bool, default=False
        Whether to write the report.
    """
    from sktransformer_gp.comparison import summarise

    summary = summarise(scores)
    summary.to_csv(folder / "summary.csv", index=False)
    print(f"\n{_format_table(summary)}\n\nScores of each fold: {folder / 'scores.csv'}")
    _write_differences(scores, folder / "differences.csv")
    _draw(scores, folder / "comparison.png")
    if report:
        from sktransformer_gp.report import write_report

        print(f"Report: {write_report(folder)}")


def _write_differences(scores: "pd.DataFrame", path: Path) -> None:
    from sktransformer_gp.comparison import paired_differences
    from sktransformer_gp.comparison.statistics import choose_reference, with_common_folds

    # Those of an earlier run in the folder are none of this one.
    path.unlink(missing_ok=True)
    reference = choose_reference(list(scores["model"].unique()))
    pairs = with_common_folds(scores, reference)
    if pairs["model"].nunique() > 1:
        paired_differences(pairs, reference).to_csv(path, index=False)
        print(f"Differences to {reference}, with intervals and p-values: {path}")


def _format_table(summary: "pd.DataFrame") -> str:
    """Return the summary as lines of aligned columns, names to the left, numbers to the right."""
    several = "train_fraction" in summary
    rows = [("model", "trait", *(["share"] if several else []), *NUMBERS)]
    rows += [
        (
            row.model,
            row.trait,
            *([f"{row.train_fraction:g}"] if several else []),
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


def off_screen() -> "ModuleType | None":
    """Return matplotlib's pyplot, ready for files: no window system needed.

    Returns
    -------
    module or None
        None where matplotlib is not installed, which is said on the screen.
    """
    try:
        import matplotlib
    except ImportError:
        print("No figure: matplotlib is not installed (pip install 'sktransformer-gp[plot]').")
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _draw(scores: "pd.DataFrame", path: Path) -> None:
    pyplot = off_screen()
    if pyplot is None:
        return
    from sktransformer_gp.plotting import plot_comparison

    figure: Any = plot_comparison(scores).figure
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    print(f"Figure: {path}")
