"""Pairwise epistasis in a fitted model."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sktransformer_gp.inspection.steps import last_step, trait_names
from sktransformer_gp.inspection.surfaces import Surface, make_surface
from sktransformer_gp.validation import check_phenotypes

Pairs = Sequence[tuple[str, str]]


def interaction_scan(
    model: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    pairs: Pairs | None = None,
    top_k: int = 20,
    block_r2: float = 0.5,
    n_permutations: int = 999,
    max_samples: int | None = 1000,
    traits: Sequence[str] | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    r"""Look for epistasis between blocks of linked markers in a fitted model, and test it.

    With the prediction :math:`f` and sample :math:`i`, the interaction of blocks A and B is the
    second-order difference

    .. math:: d_i = f(x) - f(x_{A = r}) - f(x_{B = r}) + f(x_{A = B = r})

    in which the markers of a block take their mean dosages r. It is 0 for all samples where A and B
    add up, and :math:`b z_A z_B` where the product of two standardised dosages has the
    coefficient b. With phenotypes, the product is tested in what is left of these without
    :math:`d_i`: a pair that the model has learned in part only is found, too.

    Parameters
    ----------
    model : estimator
        Fitted estimator or pipeline. Of a
        :class:`~sktransformer_gp.regressor.TransformerGPRegressor` the encoders are looked at: what
        the kernels of the polygenic term say about pairs is spread over all of them.
    X : array-like of shape (n_samples, n_markers)
        Dosages 0..ploidy; what is missing has to be imputed in the pipeline.
    y : array-like of shape (n_samples,) or (n_samples, n_traits), default=None
        Phenotypes of these samples, NaN = not observed, for the test; None = no test. Either the
        training data of a `TransformerGPRegressor` with inner folds and without sample weights, all
        of them in their order: each sample is then asked of members that have not seen it. Or
        samples that `model` has not seen: with other models, p-values from training data are too
        small.
    pairs : sequence of (str, str), default=None
        Pairs of marker names; their blocks are looked at. None = all pairs among `top_k` blocks.
    top_k : int, default=20
        Number of blocks that are paired with each other, trait by trait: those that move the
        prediction most, by effects of their own or through others.
    block_r2 : float in (0, 1], default=0.5
        Blocks are runs of neighbours with at least this r2 with the first of them.
    n_permutations : int, default=999
        Number of permutations of the test.
    max_samples : int or None, default=1000
        Largest number of samples to look at, drawn at random; None = all.
    traits : sequence of str, default=None
        Names of the traits; None = the columns of `y`, else ``trait_1``, ``trait_2``, ...
    random_state : int, RandomState instance or None, default=None
        Seed of the samples that are drawn and of the permutations.

    Returns
    -------
    DataFrame
        One row for each trait and pair of blocks: `trait`; `first` and `second`, the markers in the
        blocks' middle; `first_block` and `second_block`, from where to where they reach;
        `strength`, the standard deviation of the interaction in the model, in the trait's unit; and
        with `y` also `r`, the correlation of the product with what is left of the phenotypes (> 0
        where the counted alleles of `first` and `second` together raise the trait), and `p_value`.
        Lowest p-values first, else strongest pairs.

    Raises
    ------
    ValueError
        If a marker of `pairs` is unknown or does not vary, both are in one block, or another
        parameter is out of its range.

    Notes
    -----
    Of each block the product takes the first principal component of its dosages. What is left of
    the phenotypes is ``y - f(x) + d``, for the whole model's prediction f. It is permuted between
    samples, with all pairs at once; `p_value` is the share of permutations in which the largest
    ``|r|`` of any pair of the trait reaches that of the pair, so that one scan in 20 has a pair
    below .05 where there is no epistasis. As the blocks are chosen by their effects, not by what is
    tested, training data may be tested again (Dai et al. 2012).

    References
    ----------
    Dai JY, Kooperberg C, Leblanc M, Prentice RL (2012) Two-stage testing procedures with
    independent filtering for genome-wide gene-environment interaction. Biometrika 99:929-944.

    Freedman D, Lane D (1983) A nonstochastic interpretation of reported significance levels. J Bus
    Econ Stat 1:292-298.

    Westfall PH, Young SS (1993) Resampling-based multiple testing. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sktransformer_gp.inspection import interaction_scan
    >>> from sktransformer_gp.polygenic import PolygenicRegressor
    >>> X = np.random.default_rng(0).integers(0, 2, (300, 20))
    >>> X = pd.DataFrame(X, columns=[f"{chromosome}:5" for chromosome in range(20)])
    >>> y = (X["1:5"] ^ X["3:5"]) + np.random.default_rng(1).normal(0, 0.1, 300)
    >>> model = PolygenicRegressor().fit(X[:200], y[:200])
    >>> table = interaction_scan(model, X[200:], y[200:], random_state=0)
    >>> table[["first", "second", "p_value"]].head(1)
      first second  p_value
    0   1:5    3:5    0.001
    """
    _check_numbers(top_k=top_k, n_permutations=n_permutations)
    rng = check_random_state(random_state)
    step = last_step(model, X)
    Y = None if y is None else check_phenotypes(step.model, y, step.X).reshape(len(step.X), -1)
    surface, Y = make_surface(step, Y, block_r2, max_samples, rng)
    names = trait_names(traits, y, surface.base.shape[1])
    if pairs is None:
        pairs_of = [list(combinations(blocks, 2)) for blocks in _strongest_blocks(surface, top_k)]
    else:
        pairs_of = [[surface.find(pair) for pair in pairs]] * len(names)
    tables = []
    for t, (name, chosen) in enumerate(zip(names, pairs_of, strict=True)):
        differences = np.array([_difference(surface, a, b)[:, t] for a, b in chosen])
        table = _describe(surface, chosen, differences)
        if Y is not None:
            left = Y[:, t] - surface.predicted[:, t] + differences
            products = np.array([surface.score(a) * surface.score(b) for a, b in chosen])
            table = _test(table, products, left, n_permutations, rng)
        tables.append(table.assign(trait=name))
    out = pd.concat(tables, ignore_index=True)
    return out[["trait", *out.columns.drop("trait")]]


def _check_numbers(**numbers: int) -> None:
    least = {"top_k": 2, "n_permutations": 1}
    for name, number in numbers.items():
        if number < least[name]:
            raise ValueError(f"{name} is at least {least[name]}, got {number!r}")


def _strongest_blocks(surface: Surface, top_k: int) -> list[NDArray]:
    """Return, for each trait, the blocks that move predictions most, in order of the genome."""
    effects = [surface.base - surface.without(number) for number in range(len(surface.blocks))]
    spreads = np.std(effects, axis=1)  # (n_blocks, n_traits)
    return [np.sort(np.argsort(-spread, kind="stable")[:top_k]) for spread in spreads.T]


def _difference(surface: Surface, a: int, b: int) -> NDArray:
    """Return second-order differences of two blocks, (n_samples, n_traits)."""
    return surface.base - surface.without(a) - surface.without(b) + surface.without(a, b)


def _describe(surface: Surface, pairs: list[tuple[int, int]], differences: NDArray) -> pd.DataFrame:
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    columns = {
        "first": surface.middles[first],
        "second": surface.middles[second],
        "first_block": surface.names[first],
        "second_block": surface.names[second],
        "strength": differences.std(axis=1),
    }
    return pd.DataFrame(columns).sort_values("strength", ascending=False, kind="stable")


def _test(
    table: pd.DataFrame,
    products: NDArray,
    left: NDArray,
    n_permutations: int,
    rng: np.random.RandomState,
) -> pd.DataFrame:
    """Add correlations and p-values; products and what is left are (n_pairs, n_samples)."""
    observed = np.flatnonzero(~np.isnan(left[0]))
    products, left = (_standardise(values[:, observed]) for values in (products, left))
    r = (products * left).sum(axis=1)
    exceeded = np.zeros(len(r))
    for _ in range(n_permutations):
        order = rng.permutation(len(observed))
        exceeded += np.abs(np.einsum("pi,pi->p", products, left[:, order])).max() >= np.abs(r)
    p_value = (1 + exceeded) / (1 + n_permutations)
    table = table.assign(r=r[table.index], p_value=p_value[table.index])
    return table.sort_values(["p_value", "strength"], ascending=[True, False], kind="stable")


def _standardise(values: NDArray) -> NDArray:
    """Centre rows and scale them to length 1; what does not vary becomes 0."""
    values = values - values.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(norms > 0, norms, 1)
