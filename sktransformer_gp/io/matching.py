"""Candidates' markers brought into the columns that a model was trained on."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.marker_table import COLUMNS, UNKNOWN, parse_markers
from sktransformer_gp.io.names import examples
from sktransformer_gp.validation import MISSING

CHROMOSOME_PREFIX = re.compile(r"^(chromosome|chrom|chr)?[_ ]?0*(?=.)", re.IGNORECASE)


@dataclass(frozen=True, eq=False, repr=False)
class MarkerMatch:
    """Genotypes in the columns of training, and what was done to them.

    Parameters
    ----------
    genotypes : Genotypes
        All samples of the candidates, and the training markers in their order.
    flipped : list of str
        Markers whose other allele the candidates' file counts: ploidy minus dosage was taken.
    contradicting : list of str
        Markers that are there with other alleles, and were not taken.
    missing : list of str
        All markers without dosages, `contradicting` among them.

    Examples
    --------
    See :func:`sktransformer_gp.io.match_markers`.
    """

    genotypes: Genotypes
    flipped: list[str]
    contradicting: list[str]
    missing: list[str]

    def __repr__(self) -> str:
        n_markers = len(self.genotypes.markers)
        return (
            f"{n_markers - len(self.missing)} of {n_markers} markers found, {len(self.flipped)} "
            f"flipped, {len(self.missing)} missing ({len(self.contradicting)} have other alleles)"
        )


def match_markers(
    genotypes: Genotypes,
    markers: pd.DataFrame | Sequence[str],
    *,
    max_missing: float = 0.2,
    ploidy: int | None = None,
) -> MarkerMatch:
    """Bring candidates' genotypes into the columns that a model was trained on.

    Parameters
    ----------
    genotypes : Genotypes
        The candidates.
    markers : DataFrame or sequence of str
        The training markers: the table ``Genotypes.markers``, or the names of the columns
        (``feature_names_in_``), which carry alleles only where they end in ``"<other>_<counted>"``.
    max_missing : float in [0, 1], default=0.2
        Largest share of the training markers that may be missing.
    ploidy : int, default=None
        Ploidy of the training genotypes, to be checked; None = no check.

    Returns
    -------
    MarkerMatch
        The genotypes, with missing values (-1 in int8, NaN in float32) for markers that were not
        found, and lists of what was flipped and what is missing.

    Raises
    ------
    ValueError
        If more than `max_missing` of the markers are missing, or all; if the ploidies differ.

    Notes
    -----
    A training marker is the candidates' marker with the same name, otherwise with the same id (if
    only one has it), otherwise at the same chromosome and position (``chr01`` is ``1``). Its
    alleles must be the same two, in either order; an allele that is unknown agrees with any. If the
    order is the other one, the dosage becomes ploidy minus dosage. Alleles of the other strand (T
    for A) are not translated: they contradict.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.io import Genotypes, match_markers
    >>> frame = pd.DataFrame([[0, 2], [1, -1]], ["A7", "B2"], ["1:5:T_C", "2:7:A_G"])
    >>> match = match_markers(
    ...     Genotypes.from_frame(frame), ["1:5:C_T", "1:6:A_T", "2:7:A_G"], max_missing=0.5
    ... )
    >>> match
    2 of 3 markers found, 1 flipped, 1 missing (0 have other alleles)
    >>> match.genotypes.dosages
    array([[ 2, -1,  2],
           [ 1, -1, -1]], dtype=int8)
    """
    table = markers if isinstance(markers, pd.DataFrame) else parse_markers(markers)
    _check(genotypes, table, max_missing, ploidy)
    columns, flips, contradicts = _match(genotypes.markers, table)
    missing = columns < 0
    match = MarkerMatch(
        Genotypes(
            _columns_of(genotypes, columns, flips), genotypes.samples, table, genotypes.ploidy
        ),
        table.index[flips].tolist(),
        table.index[contradicts].tolist(),
        table.index[missing].tolist(),
    )
    if missing.mean() > max_missing or missing.all():
        raise ValueError(
            f"{missing.sum()} of {len(table)} training markers ({missing.mean():.1%}) are missing, "
            f"such as {examples(match.missing)}, of which {contradicts.sum()} have other alleles; "
            f"max_missing allows {max_missing:.1%}. The genotypes have markers such as "
            f"{examples(genotypes.markers.index)}"
        )
    return match


def _check(
    genotypes: Genotypes, table: pd.DataFrame, max_missing: float, ploidy: int | None
) -> None:
    if list(table.columns) != COLUMNS or not len(table):
        raise ValueError(
            f"markers are names or a table with the columns {COLUMNS}, got {list(table.columns)} "
            f"and {len(table)} rows"
        )
    if not 0 <= max_missing <= 1:
        raise ValueError(f"max_missing is a share in [0, 1], got {max_missing!r}")
    if ploidy not in (None, genotypes.ploidy):
        raise ValueError(
            f"the model was trained on ploidy {ploidy}, the genotypes have {genotypes.ploidy}; "
            "read them with the same"
        )


def _match(ours: pd.DataFrame, training: pd.DataFrame) -> tuple[NDArray, NDArray, NDArray]:
    """Return each training marker's column or -1, whether to flip it, whether it contradicts."""
    columns = np.full(len(training), -1)
    flips, contradicts = np.zeros((2, len(training)), dtype=bool)
    alleles = list(zip(*_alleles(ours), strict=True))
    wanted = zip(*_alleles(training), strict=True)
    for i, (candidates, pair) in enumerate(zip(_candidates(ours, training), wanted, strict=True)):
        for j in candidates:
            same = _orientation(pair, alleles[j])
            if same:
                columns[i], flips[i], contradicts[i] = j, same < 0, False
                break
            contradicts[i] = True
    return columns, flips, contradicts


def _candidates(ours: pd.DataFrame, training: pd.DataFrame) -> Iterator[list[int]]:
    """Yield for each training marker our columns that it may be, the likeliest first."""
    by_name = {name: j for j, name in enumerate(ours.index)}
    by_id, by_place = defaultdict(list), defaultdict(list)
    for j, (id, place) in enumerate(zip(ours["id"], _places(ours), strict=True)):
        by_id[id].append(j)
        by_place[place].append(j)
    by_id[UNKNOWN], by_place[None] = [], []
    repeated = set(training["id"][training["id"].duplicated()])
    rows = zip(training.index, training["id"], _places(training), strict=True)
    for name, id, place in rows:
        same_id = by_id.get(id, [])
        yield [
            *([by_name[name]] if name in by_name else []),
            *(same_id if len(same_id) == 1 and id not in repeated else []),
            *by_place.get(place, []),
        ]


def _places(markers: pd.DataFrame) -> list[tuple[str, float] | None]:
    """Return chromosome and position, None where there is none (PLINK: position 0)."""
    return [
        (CHROMOSOME_PREFIX.sub("", chromosome).upper(), position) if position > 0 else None
        for chromosome, position in zip(
            markers["chromosome"], markers["position"].astype(float), strict=True
        )
    ]


def _alleles(markers: pd.DataFrame) -> list[list[str]]:
    return [markers[column].str.upper().tolist() for column in COLUMNS[-2:]]


def _orientation(training: tuple[str, str], ours: tuple[str, str]) -> int:
    """Return 1 if the same allele is counted, -1 if the other one, 0 if the alleles contradict."""
    same = sum(map(_agreement, training, ours))
    swapped = sum(map(_agreement, training, reversed(ours)))
    if max(same, swapped) < 0:
        return 0
    return 1 if same >= swapped else -1


def _agreement(allele: str, other: str) -> float:
    if UNKNOWN in (allele, other):
        return 0
    return 1 if allele == other else -np.inf


def _columns_of(genotypes: Genotypes, columns: NDArray, flips: NDArray) -> NDArray:
    """Return the dosages in `columns`, some flipped, missing where the column is -1."""
    missing = MISSING if genotypes.dosages.dtype == np.int8 else np.nan
    dosages = genotypes.dosages[:, columns]
    swapped = genotypes.dosages[:, columns[flips]]
    observed = swapped >= 0
    dosages[:, flips] = np.where(observed, genotypes.ploidy - swapped, swapped)
    dosages[:, columns < 0] = missing
    return dosages
