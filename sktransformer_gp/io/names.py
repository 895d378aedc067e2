"""Samples and markers looked up by name."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sktransformer_gp.io.marker_table import UNKNOWN

N_EXAMPLES = 3


def find_markers(wanted: Sequence[str] | None, markers: pd.DataFrame) -> NDArray:
    """Find markers by name or by id.

    Parameters
    ----------
    wanted : sequence of str or None
        Names, or ids that only one marker has; None = all markers.
    markers : DataFrame
        The table of markers.

    Returns
    -------
    ndarray of shape (len(wanted),), of int
        Row of each in the table, in the order asked for.

    Raises
    ------
    ValueError
        If a marker is unknown or asked for twice, or an id is not unique.
    """
    if wanted is None:
        return np.arange(len(markers))
    ids = markers["id"]
    own = np.flatnonzero(~ids.duplicated(keep=False) & (ids != UNKNOWN))
    places = dict(zip(ids.to_numpy()[own], own, strict=True))
    names = dict(zip(markers.index, range(len(markers)), strict=True))
    return find(wanted, places | names, "markers")


def find_samples(wanted: Sequence[str] | None, samples: Sequence[str] | NDArray) -> NDArray:
    """Find samples by name.

    Parameters
    ----------
    wanted : sequence of str or None
        Names; None = all samples.
    samples : sequence of str
        All names.

    Returns
    -------
    ndarray of shape (len(wanted),), of int
        Place of each among `samples`, in the order asked for.

    Raises
    ------
    ValueError
        If a sample is unknown or asked for twice.
    """
    if wanted is None:
        return np.arange(len(samples))
    return find(wanted, dict(zip(samples, range(len(samples)), strict=True)), "samples")


def find(wanted: Sequence[str], places: Mapping[str, int], what: str) -> NDArray:
    """Look names up.

    Parameters
    ----------
    wanted : sequence of str
        Names.
    places : mapping of str to int
        Place of each valid name.
    what : str
        What they are names of, for the message.

    Returns
    -------
    ndarray of shape (len(wanted),), of int
        The places.

    Raises
    ------
    ValueError
        If a name is unknown or asked for twice, or there is none.
    """
    if isinstance(wanted, str) or not len(wanted):
        raise ValueError(f"{what} is a list of at least one name, got {wanted!r}")
    unknown = [name for name in wanted if name not in places]
    if unknown:
        raise ValueError(
            f"{len(unknown)} of {len(wanted)} {what} are unknown: {examples(unknown)}"
            + (f"; the valid names are {examples(places)}" if places else "")
        )
    found = np.array([places[name] for name in wanted])
    if len(set(found.tolist())) < len(found):
        twice = pd.Index(found).duplicated()
        raise ValueError(f"{what} are asked for twice, such as {wanted[int(twice.argmax())]!r}")
    return found


def examples(names: Iterable[str]) -> str:
    """Show the first few names in a message.

    Parameters
    ----------
    names : iterable of str
        Names.

    Returns
    -------
    str
        Up to three of them.

    Examples
    --------
    >>> from sktransformer_gp.io.names import examples
    >>> examples(["a", "b", "c", "d"])
    "'a', 'b', 'c', ..."
    """
    first = list(itertools.islice(names, N_EXAMPLES + 1))
    shown = ", ".join(map(repr, first[:N_EXAMPLES]))
    return f"{shown}, ..." if len(first) > N_EXAMPLES else shown
