"""The commands ``compare`` and ``demo``: a comparison from options to files.

Nothing that takes time to import is imported before a command runs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sktransformer_gp.commands.cluster import join_cluster
from sktransformer_gp.commands.fixed_effects import put_beside_markers, stand_around
from sktransformer_gp.commands.options import add_file_options, add_fixed_effects, at_least
from sktransformer_gp.commands.results import check_figures, write_results
from sktransformer_gp.commands.studies import DATASETS, check_source, choose_protocol, load_study

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch

MODELS = (
    *("transformer", "lecture", "gptransformer", "cnn", "cross_attention", "gblup"),
    *("rkhs", "lasso", "rf", "hgb", "lightgbm", "xgboost"),
)
PROTOCOLS = ("new-lines", "leave-group-out", "forward", "sparse")
DEMO_MODELS = ["transformer", "gblup", "rf"]
# As arguments of compare.
DEMOS = {
    "simulated": ["--dataset", "simulated"],
    "yeast": ["--dataset", "yeast", "--traits", "Lactate", "Lactose", "--complete-cases"],
}


def fill_demo(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``demo``.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    """
    parser.add_argument(
        "--dataset",
        choices=DEMOS,
        default="simulated",
        help="simulated needs no network; yeast is the real cross (default: %(default)s)",
    )
    _add_run_options(parser, jobs=2, out="sktransformer_gp_demo")
    parser.set_defaults(command=run_demo)


def fill_compare(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``compare``.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    """
    parser.add_argument("--dataset", choices=DATASETS, help="public data, in place of your files")
    add_file_options(parser, required=False)
    parser.add_argument("--traits", nargs="+", metavar="TRAIT", help="default: all there are")
    parser.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=DEMO_MODELS,
        metavar="MODEL",
        help=f"of {', '.join(MODELS)} (default: {' '.join(DEMO_MODELS)})",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default="new-lines",
        help="new-lines: k-fold (with --group of groups); leave-group-out: each group in turn; "
        "forward: each group, as years, from those before it; "
        "sparse: some traits of the test lines are known (default: %(default)s)",
    )
    parser.add_argument("--cv", type=at_least(2), default=5, help="number of folds (default: 5)")
    parser.add_argument(
        "--repeats", type=at_least(1), default=1, help="times the folds are drawn (default: 1)"
    )
    parser.add_argument(
        "--group", action="store_true", help="keep each group (mice: cage) in one fold"
    )
    parser.add_argument(
        "--groups",
        metavar="COLUMN",
        help="column of --phenotypes, for instance family or year: keep each group in one fold",
    )
    add_fixed_effects(parser, "--phenotypes, or of the data set's covariates,")
    parser.add_argument(
        "--train-fractions",
        nargs="+",
        type=float,
        default=[1.0],
        metavar="SHARE",
        help="shares of the training rows to train on, for instance 0.25 0.5 1 (default: 1)",
    )
    parser.add_argument(
        "--complete-cases", action="store_true", help="drop samples that lack any of the traits"
    )
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="continue the run in DIR with its options, whatever stopped it; --models may add more",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run that stands in the folder"
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run on a dask cluster, for instance tcp://host:8786, in place of --jobs processes",
    )
    parser.add_argument(
        "--report", action="store_true", help="write report.html: tables, figures, provenance"
    )
    _add_run_options(parser, jobs=1, out="sktransformer_gp_comparison")
    parser.set_defaults(command=run_compare)


def run_demo(parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Run ``demo``: a comparison with the options chosen.

    Parameters
    ----------
    parser : ArgumentParser
        The parser of the whole command line.
    argv : sequence of str
        All arguments.

    Returns
    -------
    int
        Exit status, as of :func:`run_compare`.
    """
    arguments = parser.parse_args(argv)
    print(
        "Demo: how well do three models predict traits of segregants they have not seen? "
        "One to three minutes.",
        flush=True,
    )
    options = {"--seed": arguments.seed, "--jobs": arguments.jobs, "--out": arguments.out}
    if arguments.data_home is not None:
        options["--data-home"] = arguments.data_home
    texts = [str(word) for option in options.items() for word in option]
    return run_compare(parser, ["compare", *DEMOS[arguments.dataset], "--overwrite", *texts])


def run_compare(parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Run ``compare``: scores, summary and figure in a folder, a table on the screen.

    Parameters
    ----------
    parser : ArgumentParser
        The parser of the whole command line.
    argv : sequence of str
        All arguments.

    Returns
    -------
    int
        Exit status: 0, 1 if a model failed in a fold, or 130 if stopped by the user.

    Raises
    ------
    ValueError, OSError, ImportError
        If an option does not fit the data or the run in the folder, or data cannot be read.
    """
    from sktransformer_gp.comparison import FailedFits

    arguments = parser.parse_args(argv)
    if arguments.resume is not None:
        argv = [*_stored_command(arguments.resume), *argv[1:], "--out", str(arguments.resume)]
        arguments = parser.parse_args(argv)
    if arguments.report:
        check_figures()
    try:
        scores, failures = _compare(arguments, argv), []
    except FailedFits as error:
        scores, failures = error.scores, error.failures
    except KeyboardInterrupt:
        print(f"\nstopped; to go on: compare --resume {arguments.out}", file=sys.stderr)
        return 130
    if len(scores):
        write_results(scores, arguments.out, report=arguments.report)
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        path = arguments.out / "errors.jsonl"
        print(
            f"{len(failures)} fits failed and are missing above; tracebacks: {path}; to try them "
            f"again: compare --resume {arguments.out}",
            file=sys.stderr,
        )
    return 1 if failures else 0


def _add_run_options(parser: argparse.ArgumentParser, *, jobs: int, out: str) -> None:
    parser.add_argument(
        "--seed",
        type=at_least(0),
        default=0,
        help="seed of folds, models and simulated data (default: 0)",
    )
    parser.add_argument(
        "--jobs", type=at_least(1), default=jobs, help="fits at once (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(out),
        metavar="DIR",
        help="folder for scores, errors, provenance, summary and figure (default: %(default)s)",
    )
    parser.add_argument("--data-home", type=Path, metavar="DIR", help="folder of the data's cache")


def _stored_command(folder: Path) -> list[str]:
    """Return the arguments with which the run in a folder was started."""
    from sktransformer_gp.comparison.journal import Journal

    command = Journal(folder).read_provenance()["sessions"][0]["command"]
    if command[:1] != ["compare"]:
        raise ValueError(
            f"the run in {folder} was not started by this command: resume it where it was started, "
            "with compare_models(..., resume=True)"
        )
    return command


def _compare(arguments: argparse.Namespace, argv: Sequence[str]) -> "pd.DataFrame":
    from sktransformer_gp.comparison import compare_models
    from sktransformer_gp.comparison.journal import Journal
    from sktransformer_gp.models import make_model

    check_source(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    resume = arguments.resume is not None
    journal = Journal(arguments.out)
    if journal.holds_a_run() and not (resume or arguments.overwrite):
        raise FileExistsError(
            f"{arguments.out} holds a run already: continue it with --resume {arguments.out}, "
            "replace it with --overwrite, or give another --out"
        )
    study = load_study(arguments)
    protocol = choose_protocol(study, arguments)
    X, effects = put_beside_markers(study, arguments)
    if arguments.overwrite and not resume:
        journal.clear()
    _announce(study, arguments)
    models = {
        name: stand_around(make_model(name, random_state=arguments.seed), effects)
        for name in arguments.models
    }
    with join_cluster(arguments.dask, [X, study.target]):
        return compare_models(
            models,
            X,
            study.target,
            **protocol,
            train_fractions=arguments.train_fractions,
            dataset=study.name,
            random_state=arguments.seed,
            n_jobs=None if arguments.dask else arguments.jobs,
            folder=arguments.out,
            resume=resume,
            command=argv,
        )


def _announce(study: "Bunch", arguments: argparse.Namespace) -> None:
    (n_samples, n_markers), traits = study.data.shape, ", ".join(study.target)
    times = f", {arguments.repeats} times" if arguments.repeats > 1 else ""
    protocol = {
        "new-lines": f"{arguments.cv}-fold cross-validation{times}",
        "leave-group-out": "Each group left out in turn",
        "forward": "Each group predicted from those before it",
        "sparse": f"Sparse testing in {arguments.cv} folds{times}",
    }[arguments.protocol]
    effects = ", ".join([*arguments.fixed_effects, *arguments.covariates])
    beside = f"; fixed effects: {effects}" if effects else ""
    print(
        f"{study.name}: {n_samples} samples x {n_markers} markers; traits: {traits}{beside}.\n"
        f"{protocol}, the same folds for all models, seed {arguments.seed}.",
        flush=True,
    )
