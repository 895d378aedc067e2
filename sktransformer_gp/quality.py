"""Quality of genotypes before they are used: calls, alleles, duplicates and suspected id swaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import check_array

from sktransformer_gp.concordance import compare_samples
from sktransformer_gp.preprocessing.neighbours import mean_of_observed
from sktransformer_gp.validation import check_ploidy, is_missing

MAF_BINS = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
MIN_MAF = 0.05  # of the markers that samples are compared by
OUTLYING = 5.0  # robust standard deviations
GROUP_COLUMNS = ["group", "nearest_group", "group_concordance"]


@dataclass(frozen=True)
class QualityReport:
    """What :func:`quality_report` found.

    Attributes
    ----------
    samples : DataFrame
        One row per sample: `call_rate`; `heterozygosity` (share of the calls that are neither 0
        nor the ploidy); `nearest`, the most similar other sample, and their `concordance`; with
        groups also `group`, `nearest_group` and `group_concordance`, the mean with the group's
        other members.
    markers : DataFrame
        One row per marker: `call_rate`, `maf` (NaN where never observed), `heterozygosity`.
    maf_spectrum : DataFrame
        Number and share of markers in each class of minor allele frequency; "0" = monomorphic.
    duplicates : DataFrame
        One row per pair of samples with a concordance of at least `near_identical`: `sample`,
        `other`, `concordance`, `n_compared` (markers), `identical`; the most similar first.
    suspects : DataFrame
        One row per suspicion: `sample`, `reason`, the `value` that is at odds with the `limit`,
        and the `other` sample it points to.
    ploidy : int
        The ploidy.
    near_identical : float
        Concordance from which on two samples are listed as duplicates.

    Examples
    --------
    >>> from sktransformer_gp import quality_report
    >>> report = quality_report([[0, 1, 2, 0], [0, 1, 2, -1], [2, 1, 0, 1]])
    >>> report.summary().loc[["samples", "call rate", "suspected samples"], "value"].round(3)
    samples              3.000
    call rate            0.917
    suspected samples    2.000
    Name: value, dtype: float64
    """

    samples: pd.DataFrame
    markers: pd.DataFrame
    maf_spectrum: pd.DataFrame
    duplicates: pd.DataFrame
    suspects: pd.DataFrame
    ploidy: int
    near_identical: float

    def summary(self) -> pd.DataFrame:
        """Return the figures that matter, one to a row, in a column `value`."""
        values = {
            "samples": len(self.samples),
            "markers": len(self.markers),
            "ploidy": self.ploidy,
            "call rate": self.samples["call_rate"].mean(),
            "lowest call rate of a sample": self.samples["call_rate"].min(),
            "lowest call rate of a marker": self.markers["call_rate"].min(),
            "monomorphic markers": self.maf_spectrum["n_markers"].iloc[0],
            "markers that samples are compared by": (self.markers["maf"] >= MIN_MAF).sum(),
            "mean heterozygosity": self.samples["heterozygosity"].mean(),
            "pairs of identical samples": self.duplicates["identical"].sum(),
            f"pairs with concordance >= {self.near_identical:g}": len(self.duplicates),
            "suspected samples": self.suspects["sample"].nunique(),
        }
        return pd.DataFrame({"value": pd.Series(values, dtype=float)})

    def __str__(self) -> str:
        return self.summary()["value"].map("{:.6g}".format).to_string()


def quality_report(
    genotypes: Any,
    *,
    groups: ArrayLike | Sequence[str | None] | None = None,
    near_identical: float = 0.99,
    ploidy: int | None = None,
) -> QualityReport:
    """Report call rates, alleles, heterozygosity, duplicates and suspected id swaps.

    Two samples' concordance is the share of equal calls among the markers called in both, of
    those with a minor allele frequency of at least .05: rare alleles make strangers alike.

    Parameters
    ----------
    genotypes : Genotypes, DataFrame or array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy, NaN or -1 = missing; the index holds the samples' ids. Fractional
        dosages count as the nearest whole one. Any object with ``to_frame()`` is taken.
    groups : array-like of shape (n_samples,), default=None
        Family of each sample; missing where it is unknown.
    near_identical : float in (0, 1], default=0.99
        Concordance from which on two samples are listed as duplicates; 1 = identical ones only.
    ploidy : int or None, default=None
        Largest possible dosage; None = the ``ploidy`` of `genotypes` where it has one, else the
        largest dosage that occurs, rounded up.

    Returns
    -------
    QualityReport
        Tables of samples, markers, duplicates and suspects; ``print`` shows a summary.

    Raises
    ------
    ValueError
        If every dosage is missing, one lies outside 0..ploidy, `near_identical` outside (0, 1], or
        `groups` has not one entry for each sample.

    See Also
    --------
    sktransformer_gp.plotting.plot_quality : The figure.

    Notes
    -----
    A suspicion is one of four:

    - the id occurs more than once;
    - another id has (nearly) the same genotype: a duplicate, a clone, or a sample plated twice;
    - the heterozygosity is more than 5 robust standard deviations from the median (1.4826 times
      the median absolute deviation of ``arcsin(sqrt(heterozygosity))``, and at least what drawing
      that number of calls gives): a mixture of samples, an outcross, or an unexpected inbred;
    - with `groups`: the sample is on average less similar to its own group than halfway between
      what is usual within and between groups, and its nearest relative is in another group above
      that mark. Where a quarter of the samples or more are that far from their groups, these are
      no families, and nobody is suspected.

    Genotypes alone cannot tell which of two samples has the wrong id, nor show a swap within a
    family or between unrelated samples without groups. Two samples are compared if they share calls
    at a tenth of the markers. The comparison takes ``n_samples**2 * n_markers * (ploidy + 2)``
    multiplications; about a second for 1,000 samples x 11,600 markers.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp import quality_report
    >>> X = pd.DataFrame([[0, 1, 2, 0], [0, 1, 2, -1], [2, 1, 0, 1]], index=["a", "b", "c"])
    >>> report = quality_report(X)
    >>> report.duplicates[["sample", "other", "concordance", "n_compared"]]
      sample other  concordance  n_compared
    0      a     b          1.0           3
    >>> report.samples["call_rate"].tolist()
    [1.0, 0.75, 1.0]
    """
    if not 0 < near_identical <= 1:
        raise ValueError(f"near_identical lies in (0, 1], got {near_identical!r}")
    frame = genotypes.to_frame() if hasattr(genotypes, "to_frame") else pd.DataFrame(genotypes)
    X = check_array(frame, ensure_all_finite="allow-nan")
    ploidy = getattr(genotypes, "ploidy", None) if ploidy is None else ploidy
    ploidy = check_ploidy(X, ploidy, "quality_report")
    dtype: DTypeLike = np.int8 if ploidy < 128 else np.int32
    calls = np.where(is_missing(X), -1, np.rint(X)).astype(dtype)
    if not (calls >= 0).any():
        raise ValueError(f"all {calls.size} dosages are missing")
    markers = _rates(calls, ploidy, axis=0).set_axis(frame.columns)
    markers.insert(1, "maf", _minor_allele_frequencies(calls, ploidy))
    common = calls[:, markers["maf"].to_numpy() >= MIN_MAF]
    codes, names = _group_codes(groups, len(X))
    relatives, pairs = compare_samples(common, ploidy, codes, near_identical)
    samples = _rates(calls, ploidy, axis=1).set_axis(frame.index)
    ids = np.array([*frame.index, None], dtype=object)  # row -1 is no sample
    samples = samples.assign(**_relative_columns(relatives, ids, codes, names))
    duplicates = pairs.assign(
        sample=ids[pairs["sample"]],
        other=ids[pairs["other"]],
        identical=pairs["concordance"] == 1,
    )
    suspects = [
        _repeated_ids(samples),
        _duplicated(duplicates, near_identical),
        _outlying_heterozygosity(samples, calls),
        _misplaced(samples, relatives),
    ]
    return QualityReport(
        samples=samples.drop(columns=[] if groups is not None else GROUP_COLUMNS),
        markers=markers,
        maf_spectrum=_spectrum(markers["maf"]),
        duplicates=duplicates,
        suspects=pd.concat(suspects, ignore_index=True),
        ploidy=ploidy,
        near_identical=near_identical,
    )


def _rates(calls: NDArray, ploidy: int, axis: int) -> pd.DataFrame:
    n_called = (calls >= 0).sum(axis=axis)
    n_heterozygous = ((calls > 0) & (calls < ploidy)).sum(axis=axis)
    unknown = np.full(len(n_called), np.nan)
    heterozygosity = np.divide(n_heterozygous, n_called, out=unknown, where=n_called > 0)
    call_rate = n_called / calls.shape[axis]
    return pd.DataFrame({"call_rate": call_rate, "heterozygosity": heterozygosity})


def _minor_allele_frequencies(calls: NDArray, ploidy: int) -> NDArray:
    missing = calls < 0
    p = mean_of_observed(calls, missing) / ploidy
    return np.where(missing.all(axis=0), np.nan, np.minimum(p, 1 - p))


def _spectrum(maf: pd.Series) -> pd.DataFrame:
    names = ["0", *(f"{a:g}-{b:g}" for a, b in pairwise(MAF_BINS))]
    classes = pd.cut(maf, [-1, *MAF_BINS], labels=names)
    n_markers = classes.value_counts(sort=False).rename_axis("maf").rename("n_markers")
    return n_markers.to_frame().assign(share=n_markers / max(n_markers.sum(), 1))


def _group_codes(
    groups: ArrayLike | Sequence[str | None] | None, n_samples: int
) -> tuple[NDArray, NDArray]:
    """Return a number for each sample's group, -1 where unknown, and the names they stand for."""
    groups = np.full(n_samples, None) if groups is None else np.asarray(groups, dtype=object)
    if groups.shape != (n_samples,):
        raise ValueError(
            f"groups has one entry for each of the {n_samples} samples, got the shape "
            f"{groups.shape}"
        )
    codes, names = pd.factorize(groups)
    return codes, np.array([*names, None], dtype=object)


def _relative_columns(
    relatives: pd.DataFrame, ids: NDArray, codes: NDArray, names: NDArray
) -> dict[str, NDArray]:
    nearest = relatives["nearest"].to_numpy()
    return {
        "nearest": ids[nearest],
        "concordance": relatives["concordance"].to_numpy(),
        "group": names[codes],
        "nearest_group": names[np.append(codes, -1)[nearest]],
        "group_concordance": relatives["within"].to_numpy(),
    }


def _suspicion(
    reason: str,
    sample: ArrayLike,
    value: ArrayLike,
    limit: ArrayLike,
    other: ArrayLike | None = None,
) -> pd.DataFrame:
    columns = {"sample": sample, "reason": reason, "value": value, "limit": limit, "other": other}
    types = {"sample": object, "value": float, "limit": float, "other": object}
    return pd.DataFrame(columns).astype(types)


def _repeated_ids(samples: pd.DataFrame) -> pd.DataFrame:
    counts = samples.index.value_counts(sort=False)
    counts = counts[counts > 1]
    return _suspicion("repeated id", counts.index, counts.to_numpy(), 1)


def _duplicated(duplicates: pd.DataFrame, near_identical: float) -> pd.DataFrame:
    pairs = duplicates[duplicates["sample"] != duplicates["other"]]
    swapped = pairs.rename(columns={"sample": "other", "other": "sample"})
    both = pd.concat([pairs, swapped]).sort_index(kind="stable")
    value, other = both["concordance"].to_numpy(), both["other"].to_numpy()
    return _suspicion("duplicate", both["sample"].to_numpy(), value, near_identical, other)


def _outlying_heterozygosity(samples: pd.DataFrame, calls: NDArray) -> pd.DataFrame:
    value = samples["heterozygosity"].to_numpy()
    # On this scale a share of n calls varies by 1 / (2 sqrt(n)), whatever its mean.
    angle = np.arcsin(np.sqrt(value))
    median = np.nanmedian(angle)
    robust = 1.4826 * np.nanmedian(np.abs(angle - median))
    drawn = 0.5 / np.sqrt(np.maximum((calls >= 0).sum(axis=1), 1))
    distance = OUTLYING * np.maximum(robust, drawn)
    found = np.abs(angle - median) > distance
    limit = np.sin(np.clip(median + np.sign(angle - median) * distance, 0, np.pi / 2)) ** 2
    return _suspicion("heterozygosity", samples.index[found], value[found], limit[found])


def _misplaced(samples: pd.DataFrame, relatives: pd.DataFrame) -> pd.DataFrame:
    within, between = relatives["within"].to_numpy(), relatives["between"].to_numpy()
    tested = ~np.isnan(within + between)
    halfway = (np.median(within[tested]) + np.median(between[tested])) / 2 if tested.any() else 0
    far = tested & (within < halfway)
    are_families = far.sum() < tested.sum() / 4
    elsewhere = samples["group"].to_numpy() != samples["nearest_group"].to_numpy()
    found = far & elsewhere & (samples["concordance"].to_numpy() > halfway) & are_families
    chosen = samples[found]
    return _suspicion("group", chosen.index, within[found], halfway, chosen["nearest"].to_numpy())
