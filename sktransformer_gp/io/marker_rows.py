"""Markers that a file gives one after the other, each with the dosages of all samples."""

import os
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sktransformer_gp.io.files import GenotypeFormatError
from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.marker_table import make_markers, marker_name
from sktransformer_gp.io.names import find_markers
from sktransformer_gp.markers import SEPARATOR

NUMBERED = re.compile(r":\d+$")
ROWS_PER_BLOCK = 1024


class MarkerRows:
    """Collect markers and dosages, only those that are wanted.

    Parameters
    ----------
    wanted : sequence of str or None
        Marker names or ids; None = all.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.io.marker_rows import MarkerRows
    >>> rows, site = MarkerRows(["rs7"]), ("rs7", "1", 500, "G", "A")
    >>> if rows.wants(site):
    ...     rows.add(site, np.array([0, 2], dtype=np.int8))
    >>> rows.genotypes("panel.vcf", np.array(["line1", "line2"], dtype=object), ploidy=2).to_frame()
    marker  1:500:rs7
    sample
    line1           0
    line2           2
    """

    def __init__(self, wanted: Sequence[str] | None):
        self.wanted = wanted
        # A name that stands twice in a file gets a number, which is given at the end.
        self._keys = None if wanted is None else {*wanted, *(NUMBERED.sub("", w) for w in wanted)}
        self._sites: list[tuple] = []
        self._dosages: list[NDArray] = []

    def wants(self, site: tuple) -> bool:
        """Tell whether a marker (id, chromosome, position, counted, other allele) is wanted.

        Raises
        ------
        ValueError
            If its chromosome cannot stand in a name.
        """
        if SEPARATOR in site[1]:
            raise ValueError(f"a chromosome's name may not contain {SEPARATOR!r}, got {site[1]!r}")
        return self._keys is None or site[0] in self._keys or marker_name(*site) in self._keys

    def add(self, site: tuple, dosages: NDArray) -> None:
        """Keep a marker and its dosages (n_samples,)."""
        self._sites.append(site)
        self._dosages.append(dosages)

    def genotypes(self, path: str | os.PathLike, samples: NDArray, ploidy: int) -> Genotypes:
        """Return what was kept, in the order wanted.

        Parameters
        ----------
        path : str or path-like
            The file, for messages.
        samples : ndarray of shape (n_samples,), of str
            Names of the samples.
        ploidy : int
            Largest dosage.

        Returns
        -------
        Genotypes
            Dosages of the type that was added.

        Raises
        ------
        GenotypeFormatError
            If the file has no markers.
        ValueError
            If a wanted marker is unknown.
        """
        if not self._sites and self.wanted is None:
            raise GenotypeFormatError(f"{path}: expected at least one marker, got none")
        columns = list(zip(*self._sites, strict=True)) or [()] * 5
        markers = make_markers(*columns)
        order = find_markers(self.wanted, markers)
        return Genotypes(self._stack(order, len(samples)), samples, markers.iloc[order], ploidy)

    def _stack(self, order: NDArray, n_samples: int) -> NDArray:
        dosages = np.empty((n_samples, len(order)), dtype=self._dosages[0].dtype)
        for first in range(0, len(order), ROWS_PER_BLOCK):
            block = order[first : first + ROWS_PER_BLOCK]
            dosages[:, first : first + len(block)] = np.stack([self._dosages[j] for j in block]).T
        return dosages
