"""The command ``fit``: a model from a user's files, saved."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sktransformer_gp.commands.files import load_files
from sktransformer_gp.commands.fixed_effects import put_beside_markers, stand_around
from sktransformer_gp.commands.options import (
    add_file_options,
    add_fixed_effects,
    add_overwrite,
    at_least,
    prepare_target,
)

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

# Of the models of a comparison those that a model file can hold.
NAMES = ("transformer", "gblup", "rkhs")


def fill_fit(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``fit``.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    """
    add_file_options(parser, required=True)
    parser.add_argument(
        "--traits", nargs="+", metavar="TRAIT", help="columns of --phenotypes (default: all)"
    )
    add_fixed_effects(parser, "--phenotypes")
    parser.add_argument(
        "--name", choices=NAMES, default="transformer", help="the model (default: %(default)s)"
    )
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        metavar="FILE",
        help="where the fitted model goes, by custom *.safetensors",
    )
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="seed of the model (default: 0)"
    )
    add_overwrite(parser)
    parser.set_defaults(command=run_fit, groups=None, complete_cases=False)


def run_fit(parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Run ``fit``: a model of all lines with a phenotype, in a file; a summary on the screen.

    Parameters
    ----------
    parser : ArgumentParser
        The parser of the whole command line.
    argv : sequence of str
        All arguments.

    Returns
    -------
    int
        Exit status 0.

    Raises
    ------
    ValueError, OSError, ImportError
        If an option does not fit the files, a file cannot be read, or the model's file is there.
    """
    arguments = parser.parse_args(argv)
    prepare_target(arguments.model, overwrite=arguments.overwrite)
    study = load_files(arguments)
    start = perf_counter()
    model, effects = _fit(study, arguments)
    seconds = perf_counter() - start

    from sktransformer_gp.saving import save_model

    save_model(model, arguments.model, metadata=_describe(study, argv))
    print(_summarise(study, arguments, seconds))
    if effects is not None:
        print(
            "Fixed effects, taken out of the phenotypes; predict gives genetic values, at their "
            f"average:\n{effects.to_string(float_format='%.4g')}"
        )
    return 0


def _fit(study: "Bunch", arguments: argparse.Namespace) -> tuple["Pipeline", "pd.DataFrame | None"]:
    """Return the fitted model of the markers, and the fixed effects of each trait."""
    import pandas as pd

    from sktransformer_gp.models import make_model

    model = make_model(arguments.name, random_state=arguments.seed)
    shows_progress = "verbose" in model[-1].get_params()
    if shows_progress:
        model[-1].set_params(verbose=1)
    X, names = put_beside_markers(study, arguments)
    whole = stand_around(model, names).fit(X, study.target)
    effects = pd.DataFrame(whole.fixed_effects_.T, names, list(study.target)) if names else None
    model = whole.estimator_ if names else whole
    if shows_progress:
        # The bar is this command's, not the saved model's.
        model[-1].set_params(verbose=0)
    return model, effects


def _describe(study: "Bunch", argv: Sequence[str]) -> dict[str, Any]:
    """Return what ``predict`` needs beside the model, and where the model comes from."""
    from sktransformer_gp.comparison.provenance import describe_versions, now

    markers = study.genotypes.markers
    return {
        "marker_names": markers.index.to_numpy(dtype=object),
        "markers": {column: markers[column].to_numpy() for column in markers},
        "ploidy": study.genotypes.ploidy,
        "traits": list(study.target),
        "n_samples": len(study.target),
        "fitted": now(),
        "versions": describe_versions(),
        "command": list(argv),
    }


def _summarise(study: "Bunch", arguments: argparse.Namespace, seconds: float) -> str:
    n_samples, n_markers = study.data.shape
    dosages = study.genotypes.dosages
    # Missing is -1 in int8 and NaN in float32; neither is at least 0.
    missing = 1 - (dosages >= 0).mean()
    observed = study.target.notna().sum()
    traits = ", ".join(f"{trait} ({n} observed)" for trait, n in observed.items())
    return (
        f"Fitted {arguments.name} to {n_samples} lines x {n_markers} markers of ploidy "
        f"{study.genotypes.ploidy} in {seconds:.1f} s; traits: {traits}. {missing:.1%} of the "
        "dosages are missing and imputed by the marker's mean. How well it predicts new lines, "
        f"compare tells with the same files. Model: {arguments.model}"
    )
