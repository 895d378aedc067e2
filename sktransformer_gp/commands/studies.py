"""The data of a command, and how they are split."""

import argparse
from typing import TYPE_CHECKING, Any

from sktransformer_gp.commands.files import load_files

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Bunch

DATASETS = ("yeast", "wheat", "mice", "barley", "simulated")


def check_source(arguments: argparse.Namespace) -> None:
    """Check that the options name one source of data.

    Parameters
    ----------
    arguments : Namespace
        Options `dataset`, `genotypes`, `phenotypes` and `groups`.

    Raises
    ------
    ValueError
        If they name none or two, or half a source.
    """
    files = (arguments.genotypes, arguments.phenotypes)
    if arguments.dataset is not None:
        if (*files, arguments.groups) != (None, None, None):
            raise ValueError(
                "--genotypes, --phenotypes and --groups are for your own files, --dataset "
                f"{arguments.dataset} brings its own: give either"
            )
    elif files == (None, None):
        raise ValueError(
            f"give --genotypes and --phenotypes, or --dataset, one of {', '.join(DATASETS)}; there "
            "is no default"
        )
    elif None in files:
        raise ValueError("--genotypes and --phenotypes go together, got only one of them")


def load_study(arguments: argparse.Namespace) -> "Bunch":
    """Read the user's files, or fetch or make the data set.

    Parameters
    ----------
    arguments : Namespace
        Options `dataset`, `data_home`, `traits`, `complete_cases` and `seed`; without a `dataset`
        those of :func:`~sktransformer_gp.commands.files.load_files`.

    Returns
    -------
    Bunch
        The data as DataFrames; `name` is that of the data set, or of the file of genotypes.

    Raises
    ------
    ValueError
        If there is no such trait.
    OSError, ImportError
        If the data cannot be read.
    """
    if arguments.dataset is None:
        return load_files(arguments)
    study = _load_dataset(arguments)
    study.name = arguments.dataset
    return study


def _load_dataset(arguments: argparse.Namespace) -> "Bunch":
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


def choose_protocol(study: "Bunch", arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of ``compare_models`` that make the folds.

    Parameters
    ----------
    study : Bunch
        The data set.
    arguments : Namespace
        Options `protocol`, `cv`, `repeats`, `group`, `groups` and `seed`.

    Returns
    -------
    dict
        `cv`, `groups` and, for k-fold, `repeats`.

    Raises
    ------
    ValueError
        If groups are needed and the data set has none.
    """
    from sklearn.model_selection import LeaveOneGroupOut

    from sktransformer_gp.splitters import ForwardSplit, SparseTesting

    groups: Any = None
    by_group = {"leave-group-out": LeaveOneGroupOut, "forward": ForwardSplit}
    if arguments.group or arguments.groups or arguments.protocol in by_group:
        groups = study.groups
        if groups is None:
            where = "--groups names their column" if arguments.dataset is None else "mice has"
            raise ValueError(f"the data set {study.name} has no groups; {where}")
    if arguments.protocol == "forward":
        groups = _as_years(groups)
    if arguments.protocol in by_group:
        return {"cv": by_group[arguments.protocol](), "groups": groups}
    if arguments.protocol == "sparse":
        cv = SparseTesting(arguments.cv, n_repeats=arguments.repeats, random_state=arguments.seed)
        return {"cv": cv, "groups": groups}
    return {"cv": arguments.cv, "repeats": arguments.repeats, "groups": groups}


def _as_years(groups: "ArrayLike") -> "NDArray":
    """Return groups as numbers where all of them are: as text, 10 comes before 9."""
    import numpy as np

    try:
        return np.asarray(groups, dtype=float)
    except ValueError:
        return np.asarray(groups)
