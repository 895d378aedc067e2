"""Names in the tables: traits, and markers with their map."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sktransformer_gp.io.marker_table import parse_markers


def trait_names(traits: Sequence[str] | None, y: ArrayLike | None, n_traits: int) -> list[str]:
    """Return names of the traits.

    Parameters
    ----------
    traits : sequence of str or None
        Names that were given.
    y : array-like or None
        Phenotypes: a DataFrame or Series has names.
    n_traits : int
        Number of traits.

    Returns
    -------
    list of str
        The given ones, else those of `y`, else ``trait_1``, ``trait_2``, ...

    Raises
    ------
    ValueError
        If there is not one name for each trait.

    Examples
    --------
    >>> from sktransformer_gp.inspection.tables import trait_names
    >>> trait_names(None, None, 2)
    ['trait_1', 'trait_2']
    """
    if traits is None:
        named = getattr(y, "columns", [getattr(y, "name", None)])
        traits = [f"trait_{i}" for i in range(1, n_traits + 1)]
        return traits if any(name is None for name in named) else [str(name) for name in named]
    if isinstance(traits, str) or len(traits) != n_traits:
        raise ValueError(f"traits has one name for each of the {n_traits} traits, got {traits!r}")
    return list(traits)


def marker_map(markers: NDArray) -> pd.DataFrame:
    """Return the map of markers, read from their names.

    Parameters
    ----------
    markers : ndarray of shape (n_markers,), of str
        Marker names.

    Returns
    -------
    DataFrame
        `marker`, `chromosome` ("." = unknown) and `position` (NaN = unknown).

    Examples
    --------
    >>> from sktransformer_gp.inspection.tables import marker_map
    >>> marker_map(["1:10:a", "2:5:b"])
       marker chromosome  position
    0  1:10:a          1        10
    1   2:5:b          2         5
    """
    parsed = parse_markers(markers)[["chromosome", "position"]]
    return parsed.reset_index(drop=True).assign(marker=np.asarray(markers))[
        ["marker", "chromosome", "position"]
    ]
