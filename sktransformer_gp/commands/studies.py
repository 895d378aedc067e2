"""The data of a command, and how they are split."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.utils import Bunch


def load_study(arguments: argparse.Namespace) -> "Bunch":
    """Fetch or make the data set.

    Parameters
    ----------
    arguments : Namespace
        Options `dataset`, `data_home`, `traits`, `complete_cases` and `seed`.

    Returns
    -------
    Bunch
        The data set as DataFrames.

    Raises
    ------
    ValueError
        If there is no such trait.
    OSError, ImportError
        If the data cannot be read.
    """
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
        Options `protocol`, `cv`, `repeats`, `group` and `seed`.

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

    from sktransformer_gp.splitters import SparseTesting

    groups = None
    if arguments.group or arguments.protocol == "leave-group-out":
        groups = study.groups
        if groups is None:
            raise ValueError(f"the data set {arguments.dataset} has no groups; mice has")
    if arguments.protocol == "leave-group-out":
        return {"cv": LeaveOneGroupOut(), "groups": groups}
    if arguments.protocol == "sparse":
        cv = SparseTesting(arguments.cv, n_repeats=arguments.repeats, random_state=arguments.seed)
        return {"cv": cv, "groups": groups}
    return {"cv": arguments.cv, "repeats": arguments.repeats, "groups": groups}
