"""The command line: ``demo``, ``quality``, ``compare``, ``fit`` and ``predict``.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from sktransformer_gp.commands import compare, fit, predict, quality


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None = those of the process.

    Returns
    -------
    int
        Exit status: 0, 1 if a model failed, or 130 if stopped by the user.

    Raises
    ------
    SystemExit
        With status 2 and one line on stderr, if an argument is not valid or data cannot be read;
        with status 0 after ``--help``.

    Examples
    --------
    >>> from sktransformer_gp.__main__ import main
    >>> main(["compare", "--dataset", "yeast", "--models", "gblup"])  # doctest: +SKIP
    0
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        with _warnings_in_one_line():
            return arguments.command(parser, argv)
    except (ValueError, OSError, ImportError) as error:
        # What a user can mend.
        parser.error(str(error))


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show warnings without the line of code that gave them."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *where, **line: f"warning: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


class _OneLineParser(argparse.ArgumentParser):
    """Parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def _make_parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="sktransformer-gp", description="Genomic prediction with a transformer encoder."
    )
    commands = parser.add_subparsers(required=True, metavar="{demo,quality,compare,fit,predict}")
    summary = "cross-validate transformer, GBLUP and random forest on a cross of yeast's size"
    compare.fill_demo(_add(commands, "demo", summary))
    summary = "report call rates, alleles, duplicates and suspected id swaps of your genotypes"
    quality.fill_quality(_add(commands, "quality", summary))
    summary = "cross-validate models of your choice on your files or a public data set"
    compare.fill_compare(_add(commands, "compare", summary))
    summary = "fit a model to your files and save it"
    fit.fill_fit(_add(commands, "fit", summary))
    summary = "predict candidates from their genotypes with a saved model"
    predict.fill_predict(_add(commands, "predict", summary))
    return parser


def _add(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")


if __name__ == "__main__":
    sys.exit(main())
