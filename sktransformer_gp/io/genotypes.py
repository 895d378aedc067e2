"""Dosages with the names of their samples and the table of their markers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sktransformer_gp.io.bed import write_bed
from sktransformer_gp.io.marker_table import COLUMNS, parse_markers
from sktransformer_gp.io.names import find_markers, find_samples
from sktransformer_gp.validation import MISSING


@dataclass(frozen=True, eq=False, repr=False)
class Genotypes:
    """Dosages with the names of their samples and the table of their markers.

    Parameters
    ----------
    dosages : ndarray of shape (n_samples, n_markers), int8 or float32
        Copies of the counted allele, 0..ploidy. int8 holds calls, -1 = missing; float32 holds
        dosages of which some are fractions (the expected number of copies), NaN = missing.
    samples : ndarray of shape (n_samples,), of str
        Names of the samples, no two alike.
    markers : DataFrame of shape (n_markers, 5)
        Columns "id", "chromosome", "position", "counted_allele" and "other_allele", ``"."`` (of a
        position NaN) where unknown. The index is the marker's name, no two alike:
        ``"<chromosome>:<position>:<id>"``, or the id where there is no map.
    ploidy : int, default=2
        Largest dosage.

    Raises
    ------
    ValueError
        If the parts do not fit together, or a name stands twice.
    TypeError
        If the dosages are of another type.

    See Also
    --------
    sktransformer_gp.markers : How the names carry the map through a pipeline.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.io import Genotypes
    >>> frame = pd.DataFrame(
    ...     [[0, 2], [1, -1]], ["line1", "line2"], ["1:500:A_G", "1:900:C_T"], dtype="int8"
    ... )
    >>> genotypes = Genotypes.from_frame(frame)
    >>> genotypes
    Genotypes(2 samples x 2 markers, int8, ploidy 2)
    >>> genotypes.select(markers=["1:900:C_T"]).to_frame()
    marker  1:900:C_T
    sample
    line1           2
    line2          -1
    """

    dosages: NDArray
    samples: NDArray
    markers: pd.DataFrame
    ploidy: int = 2

    def __post_init__(self) -> None:
        expected = (len(self.samples), len(self.markers))
        if self.dosages.shape != expected:
            raise ValueError(
                f"the dosages of {expected[0]} samples and {expected[1]} markers have the shape "
                f"{expected}, got {self.dosages.shape}"
            )
        if list(self.markers.columns) != COLUMNS:
            raise ValueError(f"markers has the columns {COLUMNS}, got {list(self.markers.columns)}")
        for what, names in (("sample", pd.Index(self.samples)), ("marker", self.markers.index)):
            if not names.is_unique:
                twice = names[names.duplicated()][0]
                raise ValueError(f"the name of a {what} stands once, got {twice!r} more often")
        _check_range(self.dosages, self.ploidy)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, ploidy: int = 2) -> "Genotypes":
        """Take dosages from a DataFrame.

        Parameters
        ----------
        frame : DataFrame of shape (n_samples, n_markers)
            Dosages 0..ploidy, NaN or -1 = missing; they become int8 where all are whole, otherwise
            float32. The index holds the names of the samples, the columns those of the markers,
            from which the table of markers is read: map, ids, and alleles where a name ends in
            ``"<other>_<counted>"``.
        ploidy : int, default=2
            Largest dosage.

        Returns
        -------
        Genotypes
            The same.
        """
        samples = np.array([str(name) for name in frame.index], dtype=object)
        return cls(as_dosages(frame.to_numpy()), samples, parse_markers(frame.columns), ploidy)

    def to_frame(self) -> pd.DataFrame:
        """Return the dosages as a DataFrame, which estimators take as X.

        Returns
        -------
        DataFrame of shape (n_samples, n_markers)
            A view of the dosages; the index, "sample", holds the names of the samples, the
            columns, "marker", those of the markers.
        """
        # A table that is written from here says in its first cell what its rows are.
        rows, columns = pd.Index(self.samples, name="sample"), self.markers.index.rename("marker")
        return pd.DataFrame(self.dosages, rows, columns, copy=False)

    def select(
        self, samples: Sequence[str] | None = None, markers: Sequence[str] | None = None
    ) -> "Genotypes":
        """Pick samples and markers by name, in the order asked for.

        Parameters
        ----------
        samples : sequence of str, default=None
            Names; None = all.
        markers : sequence of str, default=None
            Names, or ids that only one marker has; None = all.

        Returns
        -------
        Genotypes
            That part, copied; itself where all is wanted.

        Raises
        ------
        ValueError
            If a name is unknown or asked for twice; gives examples of the valid ones.
        """
        if samples is None and markers is None:
            return self
        rows = find_samples(samples, self.samples)
        columns = find_markers(markers, self.markers)
        return Genotypes(
            self.dosages[np.ix_(rows, columns)],
            self.samples[rows],
            self.markers.iloc[columns],
            self.ploidy,
        )

    def write_plink(self, path: str | os.PathLike) -> None:
        """Write a PLINK 1 data set: ``.bed``, ``.bim`` and ``.fam``.

        Parameters
        ----------
        path : str or path-like
            What the names of the three files share; a ``.bed`` at its end is left out. Files that
            are there are overwritten.

        Raises
        ------
        ValueError
            If dosages are fractions or the ploidy is neither 1 nor 2 (the format has no place for
            them), or a name holds white space.

        Notes
        -----
        The counted allele is written as allele 1 of the ``.bim``, so that
        :func:`sktransformer_gp.io.read_plink` gives the same dosages. Haploid calls are written
        as homozygous, as PLINK does; read them with ``ploidy=1``. Sample names become within-family
        ids. Positions that are no whole numbers are written as centimorgans, with base pair 0.
        """
        if self.dosages.dtype != np.int8 or self.ploidy not in (1, 2):
            raise ValueError(
                "a .bed file holds calls (int8) of ploidy 1 or 2, got "
                f"{self.dosages.dtype} of ploidy {self.ploidy}"
            )
        copies = np.where(self.dosages == MISSING, self.dosages, self.dosages * (2 // self.ploidy))
        write_bed(path, copies, self.samples, self.markers)

    def __repr__(self) -> str:
        n_samples, n_markers = self.dosages.shape
        return (
            f"Genotypes({n_samples} samples x {n_markers} markers, {self.dosages.dtype}, "
            f"ploidy {self.ploidy})"
        )


def as_dosages(values: NDArray) -> NDArray:
    """Store dosages as int8 where all are whole, otherwise as float32.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_markers)
        Dosages, NaN or -1 = missing.

    Returns
    -------
    ndarray of shape (n_samples, n_markers), int8 or float32
        The same, with -1 in int8 and NaN in float32 where missing.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.io.genotypes import as_dosages
    >>> as_dosages(np.array([[0.0, np.nan]]))
    array([[ 0, -1]], dtype=int8)
    >>> as_dosages(np.array([[0.5, -1]]))
    array([[0.5, nan]], dtype=float32)
    """
    if values.dtype.kind == "f":
        missing = np.isnan(values) | (values == MISSING)
        if not (missing | (np.floor(values) == values)).all():
            return np.where(missing, np.float32(np.nan), values).astype(np.float32)
        values = np.where(missing, MISSING, values)
    lowest, largest = values.min(initial=0), values.max(initial=0)
    if lowest < MISSING or largest > np.iinfo(np.int8).max:
        raise ValueError(f"dosages run from 0 to the ploidy, got {lowest} to {largest}")
    return values.astype(np.int8)


def _check_range(dosages: NDArray, ploidy: int) -> None:
    if dosages.dtype not in (np.int8, np.float32):
        raise TypeError(f"dosages are int8 or float32, got {dosages.dtype}")
    lowest = MISSING if dosages.dtype == np.int8 else 0
    smallest = np.fmin.reduce(dosages, axis=None, initial=0)
    largest = np.fmax.reduce(dosages, axis=None, initial=0)
    if smallest < lowest or largest > ploidy:
        raise ValueError(
            f"dosages of ploidy {ploidy} run from 0 to {ploidy}, got {smallest:g} to {largest:g}; "
            "give the ploidy if it is another"
        )
