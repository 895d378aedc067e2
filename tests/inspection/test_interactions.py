import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import GBLUPRegressor
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.inspection import interaction_scan
from sktransformer_gp.polygenic import PolygenicRegressor


@pytest.fixture(scope="module")
def epistatic():
    """80 unlinked markers of which two interact, and a model that has seen half of the samples."""
    random = np.random.default_rng(0)
    names = [f"{chromosome}:10" for chromosome in range(1, 81)]
    X = pd.DataFrame(random.integers(0, 2, (400, 80)), columns=names)
    signs = 2 * X.to_numpy() - 1
    Y = np.column_stack([signs[:, 4] * signs[:, 60], signs[:, 4]]) + random.normal(0, 0.5, (400, 2))
    Y[250, 0] = np.nan
    return X, Y, PolygenicRegressor().fit(X[:200], Y[:200])


def test_the_pair_is_found_in_the_trait_that_has_it(epistatic):
    X, Y, model = epistatic
    pairs = [("5:10", "61:10"), ("5:10", "7:10"), ("30:10", "61:10")]
    table = interaction_scan(
        model, X[200:], Y[200:], pairs=pairs, traits=["with", "without"], random_state=0
    )
    first = table.iloc[0]
    assert (first["trait"], first["first"], first["second"]) == ("with", "5:10", "61:10")
    assert first["p_value"] == 0.001 and first["r"] > 0.7
    assert (first["first_block"], first["second_block"]) == ("5:10-10", "61:10-10")
    assert (table["p_value"].iloc[1:] > 0.05).all()
    assert table["trait"].tolist() == ["with"] * 3 + ["without"] * 3


def test_second_order_differences_and_what_is_left(epistatic):
    """Strength, r and p-values against predictions and permutations by hand."""
    X, Y, model = epistatic
    X, Y = X[200:], Y[200:]
    pairs = [("5:10", "61:10"), ("2:10", "9:10")]
    table = interaction_scan(model, X, Y, pairs=pairs, n_permutations=19, random_state=7)

    def predict(*names):
        changed = X.astype(float)
        changed[list(names)] = X[list(names)].mean().to_numpy()
        return model.predict(changed)

    rng, rows = np.random.RandomState(7), []
    for t in range(2):
        seen = ~np.isnan(Y[:, t])
        products, left = [], []
        for a, b in pairs:
            d = (predict() - predict(a) - predict(b) + predict(a, b))[:, t]
            z = (X - X.mean()).to_numpy()[:, [X.columns.get_loc(a), X.columns.get_loc(b)]]
            products.append(z.prod(axis=1)[seen])
            left.append((Y[:, t] - predict()[:, t] + d)[seen])
            rows.append((a, d.std(), np.corrcoef(products[-1], left[-1])[0, 1]))
        reached = np.zeros(2)
        for _ in range(19):
            order = rng.permutation(seen.sum())
            largest = max(
                abs(np.corrcoef(p, e[order])[0, 1]) for p, e in zip(products, left, strict=True)
            )
            reached += [largest >= abs(row[2]) for row in rows[-2:]]
        rows[-2:] = [(*row, (1 + n) / 20) for row, n in zip(rows[-2:], reached, strict=True)]
    for t, trait in enumerate(["trait_1", "trait_2"]):
        found = table[table["trait"] == trait].set_index("first")
        for name, strength, r, p_value in rows[2 * t : 2 * t + 2]:
            row = found.loc[name]
            assert row["strength"] == pytest.approx(strength, rel=1e-6)
            assert row["r"] == pytest.approx(r, abs=1e-6)
            assert row["p_value"] == pytest.approx(p_value)


def test_all_pairs_of_the_blocks_that_move_predictions_most(epistatic):
    X, _, model = epistatic
    table = interaction_scan(model, X, top_k=4)
    assert table.columns.tolist() == [
        *("trait", "first", "second", "first_block", "second_block", "strength")
    ]
    spread = {}
    for name in X:
        changed = X.astype(float)
        changed[name] = X[name].mean()
        spread[name] = (model.predict(X) - model.predict(changed)).std(axis=0)
    for t, (_, rows) in enumerate(table.groupby("trait", sort=False)):
        strongest = sorted(spread, key=lambda name: -spread[name][t])[:4]
        assert set(rows["first"]) | set(rows["second"]) == set(strongest)
        assert len(rows) == 6 and rows["strength"].is_monotonic_decreasing


def test_an_additive_model_has_no_interactions(cross):
    model = GBLUPRegressor().fit(cross.data[:180], cross.target[:180])
    table = interaction_scan(model, cross.data[180:], top_k=5)
    assert (table["strength"] < 1e-9).all()


def test_a_transformer_finds_a_pair_in_its_training_data(make):
    cross = make_cross(
        400, 300, 1, h2=0.8, n_qtl=2, n_epistatic_pairs=1, random_state=6, as_frame=True
    )
    model = make(max_iter=12).fit(cross.data, cross.target)
    table = interaction_scan(model, cross.data, cross.target, top_k=8, random_state=0)
    chromosomes = [cross.chromosomes[marker] for marker in sorted(cross.epistatic_pairs[0])]
    found = [table.loc[0, side].split(":")[0] for side in ("first", "second")]
    assert found == chromosomes and table.loc[0, "p_value"] <= 0.002
    assert np.sign(table.loc[0, "r"]) == np.sign(cross.epistatic_effects[0, 0])
    assert table["trait"].unique().tolist() == ["trait_1"]


def test_what_is_out_of_range_is_named(epistatic):
    X, Y, model = epistatic
    with pytest.raises(ValueError, match="top_k is at least 2, got 1"):
        interaction_scan(model, X, top_k=1)
    with pytest.raises(ValueError, match="n_permutations is at least 1, got 0"):
        interaction_scan(model, X, Y, n_permutations=0)
    with pytest.raises(ValueError, match="names of markers that vary"):
        interaction_scan(model, X, pairs=[("5:10", "nowhere")])
