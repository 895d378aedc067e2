"""Real data sets, fetched from their public sources, and a simulated cross: all as a `Bunch`."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sktransformer_gp.download import DownloadError
from sktransformer_gp.simulation import make_cross
from sktransformer_gp.sources import read_barley, read_mice, read_wheat, read_yeast

__all__ = [
    "DownloadError",
    "fetch_barley",
    "fetch_mice",
    "fetch_wheat",
    "fetch_yeast",
    "make_cross",
]


def fetch_yeast(
    *,
    data_home: str | os.PathLike | None = None,
    traits: Sequence[str] | None = None,
    complete_cases: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple:
    """Fetch the yeast cross BY x RM (Bloom et al. 2013).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder; None = ``SKTRANSFORMER_GP_DATA``, else a folder in the user's cache.
    traits : sequence of str, default=None
        Names such as ``["Lactate", "Lactose"]``; None = all 46.
    complete_cases : bool, default=False
        True keeps only the samples with a phenotype for every chosen trait.
    as_frame : bool, default=False
        True gives `data` and `target` as DataFrames with the marker, trait and sample names.
    return_X_y : bool, default=False
        True returns ``(data, target)`` instead of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        - data : ndarray of shape (1008, 11623), int8; 0 = BY, 1 = RM, none missing
        - target : ndarray of shape (1008, n_traits), float64; growth, NaN = not observed
        - feature_names : ndarray of shape (n_markers,), of str; ``"chr01:27915:T_C"``
        - target_names : list of str
        - sample_names : ndarray of shape (n_samples,), of str
        - chromosomes : ndarray of shape (n_markers,), of str
        - positions : ndarray of shape (n_markers,), of int; base pairs
        - groups : None
        - covariates : None
        - DESCR : str; size, coding, citation, licence and source

    Raises
    ------
    DownloadError
        If the file is neither in the cache nor to be had, or is not the published one.
    ImportError
        If the package rdata is missing (extra ``data``).
    ValueError
        If a trait is unknown, or no sample is complete.

    Examples
    --------
    >>> from sktransformer_gp.datasets import fetch_yeast
    >>> yeast = fetch_yeast(traits=["Lactate", "Lactose"])  # doctest: +SKIP
    >>> yeast.data.shape, yeast.target.shape  # doctest: +SKIP
    ((1008, 11623), (1008, 2))
    """
    return _deliver(read_yeast(data_home), traits, complete_cases, as_frame, return_X_y)


def fetch_wheat(
    *,
    data_home: str | os.PathLike | None = None,
    traits: Sequence[str] | None = None,
    complete_cases: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple:
    """Fetch the wheat lines of CIMMYT (Crossa et al. 2010).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder; None = ``SKTRANSFORMER_GP_DATA``, else a folder in the user's cache.
    traits : sequence of str, default=None
        Of ``"environment_1"``, ``"environment_2"``, ``"environment_4"``, ``"environment_5"``;
        None = all.
    complete_cases : bool, default=False
        True keeps only the samples with a phenotype for every chosen trait.
    as_frame : bool, default=False
        True gives `data` and `target` as DataFrames with the marker, trait and sample names.
    return_X_y : bool, default=False
        True returns ``(data, target)`` instead of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        - data : ndarray of shape (599, 1279), int8; DArT 0/1, none missing
        - target : ndarray of shape (599, n_traits), float64; standardised grain yield, none missing
        - feature_names : ndarray of shape (n_markers,), of str; DArT names
        - target_names : list of str
        - sample_names : ndarray of shape (n_samples,), of str
        - chromosomes : None
        - positions : None
        - groups : None
        - covariates : None
        - DESCR : str; size, coding, citation, licence and source

    Raises
    ------
    DownloadError
        If the file is neither in the cache nor to be had, or is not the published one.
    ImportError
        If the package rdata is missing (extra ``data``).
    ValueError
        If a trait is unknown, or no sample is complete.

    Examples
    --------
    >>> from sktransformer_gp.datasets import fetch_wheat
    >>> X, y = fetch_wheat(traits=["environment_1"], return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((599, 1279), (599, 1))
    """
    return _deliver(read_wheat(data_home), traits, complete_cases, as_frame, return_X_y)


def fetch_mice(
    *,
    data_home: str | os.PathLike | None = None,
    traits: Sequence[str] | None = None,
    complete_cases: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple:
    """Fetch the heterogeneous stock mice (Valdar et al. 2006).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder; None = ``SKTRANSFORMER_GP_DATA``, else a folder in the user's cache.
    traits : sequence of str, default=None
        Names such as ``["Obesity.BMI", "Biochem.HDL"]``; None = all 20. Sex, age, dates, litter,
        cage density and coat colour are no traits, they are in `covariates`.
    complete_cases : bool, default=False
        True keeps only the samples with a phenotype for every chosen trait.
    as_frame : bool, default=False
        True gives `data` and `target` as DataFrames with the marker, trait and sample names.
    return_X_y : bool, default=False
        True returns ``(data, target)`` instead of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        - data : ndarray of shape (1814, 10346), int8; 0/1/2, none missing
        - target : ndarray of shape (1814, n_traits), float64; NaN = not observed
        - feature_names : ndarray of shape (n_markers,), of str; ``"1:0.1:rs3707673_G"``
        - target_names : list of str
        - sample_names : ndarray of shape (n_samples,), of str
        - chromosomes : ndarray of shape (n_markers,), of str
        - positions : ndarray of shape (n_markers,), of float; see DESCR for the unit
        - groups : ndarray of shape (n_samples,), of str; cage
        - covariates : DataFrame of shape (n_samples, 16)
        - DESCR : str; size, coding, citation, licence and source

    Raises
    ------
    DownloadError
        If the file is neither in the cache nor to be had, or is not the published one.
    ImportError
        If the package rdata is missing (extra ``data``).
    ValueError
        If a trait is unknown, or no sample is complete.

    Examples
    --------
    >>> from sktransformer_gp.datasets import fetch_mice
    >>> mice = fetch_mice(traits=["Obesity.BMI"])  # doctest: +SKIP
    >>> len(set(mice.groups))  # doctest: +SKIP
    523
    """
    return _deliver(read_mice(data_home), traits, complete_cases, as_frame, return_X_y)


def fetch_barley(
    *,
    data_home: str | os.PathLike | None = None,
    traits: Sequence[str] | None = None,
    complete_cases: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple:
    """Fetch the two-row barley lines of the Barley CAP.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Cache folder; None = ``SKTRANSFORMER_GP_DATA``, else a folder in the user's cache.
    traits : sequence of str, default=None
        ``"grainyield_<trial>"`` and ``"plantheight_<trial>"`` for 6 trials; None = all 12.
    complete_cases : bool, default=False
        True keeps only the samples with a phenotype for every chosen trait.
    as_frame : bool, default=False
        True gives `data` and `target` as DataFrames with the marker, trait and sample names.
    return_X_y : bool, default=False
        True returns ``(data, target)`` instead of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch, or tuple (data, target)
        - data : ndarray of shape (1590, 2187), int8; 0/1/2, -1 = missing
        - target : ndarray of shape (1590, n_traits), float64; NaN = line not in the trial
        - feature_names : ndarray of shape (n_markers,), of str; ``"1H:0.31:12_30969"``
        - target_names : list of str
        - sample_names : ndarray of shape (n_samples,), of str
        - chromosomes : ndarray of shape (n_markers,), of str
        - positions : ndarray of shape (n_markers,), of float; cM
        - groups : None
        - covariates : None
        - DESCR : str; size, coding, citation, licence and source

    Raises
    ------
    DownloadError
        If the file is neither in the cache nor to be had, or is not the published one.
    ImportError
        If the package rdata is missing (extra ``data``).
    ValueError
        If a trait is unknown, or no sample is complete.

    Examples
    --------
    >>> from sktransformer_gp.datasets import fetch_barley
    >>> barley = fetch_barley(traits=["grainyield_CAP4_2009_BozemanDry"])  # doctest: +SKIP
    >>> barley.data.shape  # doctest: +SKIP
    (1590, 2187)
    """
    return _deliver(read_barley(data_home), traits, complete_cases, as_frame, return_X_y)


def _deliver(
    study: Bunch,
    traits: Sequence[str] | None,
    complete_cases: bool,
    as_frame: bool,
    return_X_y: bool,
) -> Bunch | tuple:
    target = study.target[_check_traits(traits, study.target.columns)].astype(float)
    study.target_names = list(map(str, target.columns))
    if complete_cases:
        target = _keep_complete(study, target)
    study.sample_names = target.index.to_numpy()
    if as_frame:
        study.data = pd.DataFrame(study.data, study.sample_names, study.feature_names)
    study.target = target if as_frame else np.array(target, order="C")
    return (study.data, study.target) if return_X_y else study


def _check_traits(traits: Sequence[str] | None, valid: pd.Index) -> list[str]:
    chosen = list(valid if traits is None else traits)
    unknown = [trait for trait in chosen if trait not in valid]
    if unknown or not chosen or isinstance(traits, str) or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"traits must be a list of different names, got {traits!r}; the valid ones are "
            f"{valid.tolist()}"
        )
    return chosen


def _keep_complete(study: Bunch, target: pd.DataFrame) -> pd.DataFrame:
    complete = target.notna().all(axis=1).to_numpy()
    if not complete.any():
        raise ValueError(
            f"no sample has a phenotype for each of the traits {study.target_names}: choose fewer "
            "traits, or complete_cases=False"
        )
    for name in ("data", "groups", "covariates"):
        if study[name] is not None:
            study[name] = study[name][complete]
    return target[complete]
