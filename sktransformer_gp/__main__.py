"""The command line: ``python -m sktransformer_gp demo`` and ``compare``.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch

DATASETS = ("yeast", "wheat", "mice", "barley", "simulated")
MODELS = ("transformer", "lecture", "gptransformer", "gblup", "rkhs", "lasso", "rf", "hgb")
DEMO_MODELS = ["transformer", "gblup", "rf"]
DEMO_TRAITS = {"simulated": None, "yeast": ["Lactate", "Lactose"]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None = those of the process.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    SystemExit
        With status 2 and one line on stderr, if an argument is not valid or data cannot be read;
        with status 0 after ``--help``.
    RuntimeError
        If a model fails: names model, repeat and fold.

    Examples
    --------
    >>> from sktransformer_gp.__main__ import main
    >>> main(["compare", "--dataset", "yeast", "--models", "gblup"])  # doctest: +SKIP
    0
    """
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        arguments.command(arguments)
    except (ValueError, OSError, ImportError) as error:
        # What a user can mend. A model that fails in a fold is a RuntimeError, with traceback.
        parser.error(str(error))
    return 0


class _OneLineParser(argparse.ArgumentParser):
    """Parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def _make_parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="sktransformer-gp", description="Genomic prediction with a transformer encoder."
    )
    commands = parser.add_subparsers(required=True, metavar="{demo,compare}")
    summary = "cross-validate transformer, GBLUP and random forest on a cross of yeast's size"
    _fill_demo(commands.add_parser("demo", help=summary, description=f"{summary.capitalize()}."))
    summary = "cross-validate models of your choice on a public data set"
    _fill_compare(
        commands.add_parser("compare", help=summary, description=f"{summary.capitalize()}.")
    )
    return parser


def _fill_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        choices=DEMO_TRAITS,
        default="simulated",
        help="simulated needs no network; yeast is the real cross (default: %(default)s)",
    )
    _add_run_options(parser, jobs=2, out="sktransformer_gp_demo")
    parser.set_defaults(
        command=_demo, models=DEMO_MODELS, cv=5, repeats=1, group=False, complete_cases=True
    )


def _fill_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", choices=DATASETS, required=True)
    parser.add_argument("--traits", nargs="+", metavar="TRAIT", help="default: all of the data set")
    parser.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=DEMO_MODELS,
        metavar="MODEL",
        help=f"of {', '.join(MODELS)} (default: {' '.join(DEMO_MODELS)})",
    )
    parser.add_argument("--cv", type=_at_least(2), default=5, help="number of folds (default: 5)")
    parser.add_argument(
        "--repeats", type=_at_least(1), default=1, help="times the folds are drawn (default: 1)"
    )
    parser.add_argument(
        "--group", action="store_true", help="keep each group (mice: cage) in one fold"
    )
    parser.add_argument(
        "--complete-cases", action="store_true", help="drop samples that lack any of the traits"
    )
    _add_run_options(parser, jobs=1, out="sktransformer_gp_comparison")
    parser.set_defaults(command=_compare)


def _add_run_options(parser: argparse.ArgumentParser, *, jobs: int, out: str) -> None:
    parser.add_argument(
        "--seed",
        type=_at_least(0),
        default=0,
        help="seed of folds, models and simulated data (default: 0)",
    )
    parser.add_argument(
        "--jobs", type=_at_least(1), default=jobs, help="fits at once (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(out),
        metavar="DIR",
        help="folder for scores.csv, summary.csv and comparison.png (default: %(default)s)",
    )
    parser.add_argument("--data-home", type=Path, metavar="DIR", help="folder of the data's cache")


def _at_least(lowest: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        number = int(text)
        if number < lowest:
            raise argparse.ArgumentTypeError(f"must be at least {lowest}, got {number}")
        return number

    return whole_number


def _demo(arguments: argparse.Namespace) -> None:
    arguments.traits = DEMO_TRAITS[arguments.dataset]
    print(
        "Demo: how well do three models predict traits of segregants they have not seen? "
        "One to three minutes.",
        flush=True,
    )
    _compare(arguments)


def _compare(arguments: argparse.Namespace) -> None:
    from sktransformer_gp.comparison import compare_models, summarise
    from sktransformer_gp.models import make_model

    arguments.out.mkdir(parents=True, exist_ok=True)
    study = _load(arguments)
    groups = _groups(study, arguments)
    _announce(study, arguments)
    scores = compare_models(
        {name: make_model(name, random_state=arguments.seed) for name in arguments.models},
        study.data,
        study.target,
        cv=arguments.cv,
        repeats=arguments.repeats,
        groups=groups,
        dataset=arguments.dataset,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
    )
    summary = summarise(scores)
    scores.to_csv(arguments.out / "scores.csv", index=False)
    summary.to_csv(arguments.out / "summary.csv", index=False)
    print(f"\n{_format_table(summary)}\n\nScores of each fold: {arguments.out / 'scores.csv'}")
    _draw(scores, arguments.out / "comparison.png")


def _load(arguments: argparse.Namespace) -> "Bunch":
    from sktransformer_gp import datasets

    if arguments.dataset != "simulated":
        fetch = getattr(datasets, f"fetch_{arguments.dataset}")
        return fetch(
            data_home=arguments.data_home,
            traits=arguments.traits,
            complete_cases=arguments.complete_cases,
            as_frame=True,
        )
    study = datasets.make_cross(random_state=arguments.seed, as_frame=True)
    traits = list(study.target) if arguments.traits is None else arguments.traits
    unknown = [trait for trait in traits if trait not in study.target]
    if unknown:
        raise ValueError(f"unknown trait {unknown[0]!r}; the valid ones are {list(study.target)}")
    study.target = study.target[traits]
    return study


def _groups(study: "Bunch", arguments: argparse.Namespace) -> Sequence[str] | None:
    if not arguments.group:
        return None
    if study.groups is None:
        raise ValueError(f"--group: the data set {arguments.dataset} has no groups; mice has")
    return study.groups


def _announce(study: "Bunch", arguments: argparse.Namespace) -> None:
    (n_samples, n_markers), traits = study.data.shape, ", ".join(study.target)
    times = f", {arguments.repeats} times" if arguments.repeats > 1 else ""
    print(
        f"{arguments.dataset}: {n_samples} samples x {n_markers} markers; traits: {traits}.\n"
        f"{arguments.cv}-fold cross-validation{times}, the same folds for all models, "
        f"seed {arguments.seed}.",
        flush=True,
    )


def _format_table(summary: "pd.DataFrame") -> str:
    """Return the summary as lines of aligned columns, names to the left, numbers to the right."""
    rows = [("model", "trait", "r (mean +- sd)", "mse", "r2", "seconds/fold")]
    rows += [
        (
            row.model,
            row.trait,
            f"{row.r_mean:.3f} +- {row.r_sd:.3f}",
            f"{row.mse_mean:.4g}",
            f"{row.r2_mean:.3f}",
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


if __name__ == "__main__":
    sys.exit(main())
