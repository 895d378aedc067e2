"""Genotypes and phenotypes of the same samples."""

from dataclasses import dataclass

import pandas as pd

from sktransformer_gp.io.genotypes import Genotypes
from sktransformer_gp.io.names import examples

REPLICATES = ("error", "mean")


@dataclass(frozen=True, eq=False, repr=False)
class Alignment:
    """Genotypes and phenotypes of the same samples, row by row, and who was left out.

    Parameters
    ----------
    genotypes : Genotypes
        Samples that have both, in the order of the genotypes.
    phenotypes : DataFrame of shape (n_samples, n_traits)
        Their phenotypes, in the same order; NaN = not observed.
    only_genotyped : list of str
        Samples without a record of phenotypes: candidates for prediction.
    only_phenotyped : list of str
        Samples with phenotypes but without genotypes.

    Examples
    --------
    See :func:`sktransformer_gp.io.align`.
    """

    genotypes: Genotypes
    phenotypes: pd.DataFrame
    only_genotyped: list[str]
    only_phenotyped: list[str]

    @property
    def X(self) -> pd.DataFrame:
        """Dosages, DataFrame of shape (n_samples, n_markers)."""
        return self.genotypes.to_frame()

    @property
    def y(self) -> pd.DataFrame:
        """Phenotypes, DataFrame of shape (n_samples, n_traits); NaN = not observed."""
        return self.phenotypes

    def __repr__(self) -> str:
        lines = [f"{len(self.phenotypes)} samples with genotypes and phenotypes"]
        for what, names in (
            ("genotypes only", self.only_genotyped),
            ("phenotypes only", self.only_phenotyped),
        ):
            if names:
                lines.append(f"{len(names)} with {what}: {examples(names)}")
        return "; ".join(lines)


def align(
    genotypes: Genotypes, phenotypes: pd.DataFrame | pd.Series, *, replicates: str = "error"
) -> Alignment:
    """Bring genotypes and phenotypes together by the names of the samples.

    Parameters
    ----------
    genotypes : Genotypes
        Their order is the order of the result.
    phenotypes : DataFrame of shape (n_records, n_traits) or Series
        Phenotypes, NaN = not observed; the index is the samples' names, compared as text.
    replicates : {"error", "mean"}, default="error"
        What to do with samples that have several records: refuse, or take the mean of each trait
        over those observed.

    Returns
    -------
    Alignment
        `X` and `y` for an estimator, and who was left out.

    Raises
    ------
    ValueError
        If no sample has both (with names of both kinds), or a sample has several records and
        ``replicates="error"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp.io import Genotypes, align
    >>> frame = pd.DataFrame([[0, 2], [1, 1], [2, 0]], ["A7", "B2", "C1"], ["1:5:a", "1:9:b"])
    >>> phenotypes = pd.DataFrame({"yield": [5.0, 6.5, 7.5]}, ["C1", "A7", "A7"])
    >>> aligned = align(Genotypes.from_frame(frame), phenotypes, replicates="mean")
    >>> aligned
    2 samples with genotypes and phenotypes; 1 with genotypes only: 'B2'
    >>> aligned.y
        yield
    A7    7.0
    C1    5.0
    """
    if replicates not in REPLICATES:
        raise ValueError(f"replicates is one of {REPLICATES}, got {replicates!r}")
    records = pd.DataFrame(phenotypes).rename(index=str)
    names = records.index
    if not names.is_unique:
        if replicates == "error":
            twice = names[names.duplicated()].unique()
            raise ValueError(
                f"{len(twice)} samples have several records of phenotypes: {examples(twice)}; "
                "replicates='mean' takes their mean"
            )
        records = records.groupby(level=0, sort=False).mean()
    phenotyped = set(records.index)
    both = [name for name in genotypes.samples if name in phenotyped]
    if not both:
        raise ValueError(
            "no sample has both genotypes and phenotypes; the genotypes are of "
            f"{examples(genotypes.samples)}, the phenotypes of {examples(records.index)}"
        )
    genotyped = set(both)
    return Alignment(
        genotypes.select(samples=both),
        records.loc[both],
        [name for name in genotypes.samples if name not in phenotyped],
        [name for name in records.index if name not in genotyped],
    )
