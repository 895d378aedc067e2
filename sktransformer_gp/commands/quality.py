"""The command ``quality``: what is wrong with a file of genotypes, before it is used."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sktransformer_gp.commands.files import read_column
from sktransformer_gp.commands.options import (
    add_genotype_options,
    add_overwrite,
    prepare_target,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sktransformer_gp.quality import QualityReport

TABLES = ("samples", "markers", "maf_spectrum", "duplicates", "suspects")
N_SHOWN = 10


def fill_quality(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``quality``.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    """
    files = add_genotype_options(parser, required=True)
    files.add_argument(
        "--groups",
        metavar="COLUMN",
        help="column of --phenotypes, for instance family: look for swaps between groups",
    )
    files.add_argument(
        "--phenotypes", type=Path, metavar="FILE", help="table with the lines' groups"
    )
    files.add_argument(
        "--id", metavar="COLUMN", help="column with the lines' names (default: the first)"
    )
    parser.add_argument(
        "--near-identical",
        type=float,
        default=0.99,
        metavar="SHARE",
        help="share of equal calls from which on two samples are duplicates (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("sktransformer_gp_quality"),
        metavar="DIR",
        help="folder for the tables and the figure (default: %(default)s)",
    )
    add_overwrite(parser)
    parser.set_defaults(command=run_quality)


def run_quality(parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Run ``quality``: tables and a figure in a folder, summary and suspects on the screen.

    Parameters
    ----------
    parser : ArgumentParser
        The parser of the whole command line.
    argv : sequence of str
        All arguments.

    Returns
    -------
    int
        Exit status 0, also where samples are suspected.

    Raises
    ------
    ValueError, OSError, ImportError
        If a file cannot be read, an option does not fit it, or tables stand in the folder.
    """
    arguments = parser.parse_args(argv)
    if (arguments.groups is None) != (arguments.phenotypes is None):
        raise ValueError("--groups and --phenotypes go together, got only one of them")
    for name in TABLES:
        prepare_target(arguments.out / f"{name}.csv", overwrite=arguments.overwrite)

    from sktransformer_gp.io import read_genotypes
    from sktransformer_gp.quality import quality_report

    genotypes = read_genotypes(arguments.genotypes, ploidy=arguments.ploidy)
    groups = None if arguments.groups is None else _groups(genotypes.samples, arguments)
    report = quality_report(genotypes, groups=groups, near_identical=arguments.near_identical)
    for name in TABLES:
        getattr(report, name).to_csv(
            arguments.out / f"{name}.csv", index=name not in ("duplicates", "suspects")
        )
    print(f"{report}\n\n{_tell_suspects(report)}\nTables: {arguments.out}")
    _draw(report, arguments.out / "quality.png")
    return 0


def _groups(samples: "NDArray", arguments: argparse.Namespace) -> list[str | None]:
    """Return the group of each sample, None where it is unknown."""
    groups = read_column(arguments.phenotypes, arguments.id, arguments.groups)
    found = [groups.get(name) or None for name in samples]
    if not any(found):
        raise ValueError(
            f"{arguments.phenotypes} has a group of none of the samples, such as {samples[0]!r}; "
            f"it has lines such as {next(iter(groups), None)!r}"
        )
    return found


def _tell_suspects(report: "QualityReport") -> str:
    suspects = report.suspects
    if suspects.empty:
        return "Nobody is suspected."
    left = len(suspects) - N_SHOWN
    return suspects.head(N_SHOWN).to_string(index=False, na_rep="") + (
        f"\n... and {left} more" if left > 0 else ""
    )


def _draw(report: "QualityReport", path: Path) -> None:
    from sktransformer_gp.commands.results import off_screen

    pyplot = off_screen()
    if pyplot is None:
        return
    from sktransformer_gp.plotting import plot_quality

    figure = plot_quality(report)[0].figure
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    print(f"Figure: {path}")
