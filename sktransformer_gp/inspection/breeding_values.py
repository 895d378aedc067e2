"""What a selection meeting looks at: predictions, their certainty, and where they come from."""

import inspect
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches

from sktransformer_gp.inspection.contributions import check_reference, contributions
from sktransformer_gp.inspection.steps import LastStep, last_step, marker_map, trait_names

ROWS = 256  # candidates split at a time


def breeding_value_table(
    model: BaseEstimator,
    X: ArrayLike,
    *,
    top_k: int = 10,
    largest: bool = True,
    traits: Sequence[str] | None = None,
    reference: ArrayLike | None = None,
) -> pd.DataFrame:
    """Rank candidates by their predictions, with standard deviation and chromosomes behind each.

    Parameters
    ----------
    model : estimator
        Fitted model that :func:`~sktransformer_gp.inspection.marker_contributions` takes, or a
        pipeline that ends in one.
    X : array-like of shape (n_samples, n_markers)
        Dosages of the candidates; what is missing has to be imputed in the pipeline.
    top_k : int, default=10
        Number of candidates to select for each trait.
    largest : bool, default=True
        Whether large predictions are wanted, or small ones (False).
    traits : sequence of str, default=None
        Names of the traits; None = ``trait_1``, ``trait_2``, ...
    reference : array-like of shape (n_markers,), default=None
        Dosages that contributions are counted from, in the markers that reach the pipeline's last
        step; None = the mean of the candidates.

    Returns
    -------
    DataFrame
        One row for each trait and candidate, best first: `trait`, `sample` (index of `X`, else row
        number), `rank` (from 1), `selected` (among the `top_k`), `prediction`, `std` (standard
        deviation of a new phenotype around it; only where the model's ``predict`` knows
        ``return_std``), `reference` (prediction of the reference genotype), and one column for each
        chromosome: its contribution. Reference and chromosomes sum to the prediction, to 5e-4 of
        the trait's standard deviation. All are in the trait's unit. Without a map, all markers are
        chromosome ".".

    Raises
    ------
    ValueError
        If `top_k` is below 1, or `model` is none whose predictions can be split.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktransformer_gp import GBLUPRegressor
    >>> from sktransformer_gp.inspection import breeding_value_table
    >>> X = pd.DataFrame({"1:10": [0, 1, 2, 1], "2:5": [1, 0, 1, 2]}, index=list("abcd"))
    >>> model = GBLUPRegressor().fit(X, [1.0, 2.0, 3.0, 2.0])
    >>> table = breeding_value_table(model, X, top_k=1).round(2)
    >>> table[["sample", "rank", "selected", "prediction", "reference", "1"]].head(2)
      sample  rank  selected  prediction  reference    1
    0      c     1      True         3.0        2.0  1.0
    1      b     2     False         2.0        2.0  0.0
    """
    if top_k < 1:
        raise ValueError(f"top_k is at least 1, got {top_k!r}")
    step = last_step(model, X)
    predicted = _predict(step)
    names = trait_names(traits, None, predicted["prediction"].shape[1])
    origin = check_reference(reference, step.X)
    tables = [
        pd.DataFrame({"trait": name, "sample": step.samples})
        .assign(**{column: values[:, t] for column, values in predicted.items()})
        .join(_chromosome_contributions(step, t, origin))
        for t, name in enumerate(names)
    ]
    return pd.concat([_rank(table, top_k, largest) for table in tables], ignore_index=True)


def _predict(step: LastStep) -> dict[str, NDArray]:
    """Return predictions and, where there are any, standard deviations, (n_samples, n_traits)."""
    has_std = "return_std" in inspect.signature(step.model.predict).parameters
    # A transformer without cross-fitting has nothing to tell the deviation from.
    if not has_std or getattr(step.model, "polygenic_", True) is None:
        return {"prediction": step.predict(step.X)}
    return dict(zip(("prediction", "std"), step.predict_with_std(), strict=True))


def _chromosome_contributions(step: LastStep, trait: int, origin: NDArray) -> pd.DataFrame:
    chromosomes = marker_map(step.markers)["chromosome"]
    order = chromosomes.unique().tolist()
    membership = np.array([chromosomes == name for name in order], dtype=float).T
    sums = [
        contributions(step, step.X[rows], trait, origin) @ membership
        for rows in gen_batches(len(step.X), ROWS)
    ]
    return pd.DataFrame(np.concatenate(sums), columns=order)


def _rank(table: pd.DataFrame, top_k: int, largest: bool) -> pd.DataFrame:
    """Sort by prediction and insert what follows from it."""
    fixed = ["trait", "sample", "prediction", "std"]
    chromosomes = [column for column in table if column not in fixed]
    table = table.sort_values("prediction", ascending=not largest, kind="stable")
    rank = np.arange(1, len(table) + 1)
    table.insert(2, "rank", rank)
    table.insert(3, "selected", rank <= top_k)
    reference = table["prediction"] - table[chromosomes].sum(axis=1)
    table.insert(table.columns.get_loc(chromosomes[0]), "reference", reference.mean())
    return table
