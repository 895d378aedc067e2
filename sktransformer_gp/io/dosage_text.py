"""Dosages written as numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NOT_OBSERVED = frozenset({"", ".", "-", "NA", "N/A", "#N/A", "NaN", "nan", "NULL"})


class DosageText(dict):
    """Dosage of each text, worked out when the text is first met.

    Parameters
    ----------
    smallest, largest : float
        Range of the dosages.
    missing : collection of str
        What stands for a missing dosage, and becomes NaN.

    Examples
    --------
    >>> from sktransformer_gp.io.dosage_text import DosageText
    >>> DosageText(0, 2).row(["0", "1.25", "NA"])
    array([0.  , 1.25,  nan], dtype=float32)
    """

    def __init__(
        self, smallest: float, largest: float, missing: Sequence[str] | frozenset = NOT_OBSERVED
    ):
        super().__init__(dict.fromkeys(missing, np.nan))
        self.smallest = smallest
        self.largest = largest

    def __missing__(self, text: str) -> float:
        if text.strip() in self:
            return self[text.strip()]
        try:
            dosage = float(text)
        except ValueError:
            dosage = np.nan
        if not self.smallest <= dosage <= self.largest:
            raise ValueError(
                f"expected a dosage from {self.smallest:g} to {self.largest:g}, got {text!r}"
            )
        if dosage.is_integer():  # few; of fractions there are as many as cells
            self[text] = dosage
        return dosage

    def row(self, texts: Sequence[str]) -> NDArray:
        """Read dosages.

        Parameters
        ----------
        texts : sequence of str
            Cells.

        Returns
        -------
        ndarray of shape (len(texts),), of float32
            Dosages, NaN = missing.

        Raises
        ------
        ValueError
            If one is no number, or outside the range.
        """
        return np.fromiter(map(self.__getitem__, texts), dtype=np.float32, count=len(texts))
