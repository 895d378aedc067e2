import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sktransformer_gp import GBLUPRegressor, LinkageMerger
from sktransformer_gp.inspection import marker_contributions, marker_importance
from sktransformer_gp.inspection.disequilibrium import linkage_blocks
from sktransformer_gp.simulation import MORGANS_PER_BP

ALL = {"max_samples": None}


def wide(table, column="importance"):
    return table.pivot(index="trait", columns="marker", values=column)[table["marker"].unique()]


@pytest.mark.parametrize("method", ["gradient", "effect"])
def test_in_a_linear_model_effects_times_deviations(cross, method):
    model = GBLUPRegressor().fit(cross.data, cross.target)
    table = marker_importance(model, cross.data, cross.target, method, smoothing=None, **ALL)
    expected = np.abs(model.coef_) * cross.data.to_numpy().std(axis=0)
    np.testing.assert_allclose(wide(table), expected, rtol=1e-6)
    np.testing.assert_array_equal(wide(table, "sign"), np.sign(model.coef_))
    assert table["trait"].unique().tolist() == cross.target.columns.tolist()
    assert table.columns.tolist() == [
        *("trait", "marker", "chromosome", "position", "importance", "sign")
    ]
    assert table["position"][:400].tolist() == cross.positions.tolist()
    assert table["chromosome"][400:].tolist() == cross.chromosomes.tolist()


def test_spread_of_contributions_and_their_regression_on_dosage(cross, fitted):
    X = cross.data[180:]
    contributions = marker_contributions(fitted, X, trait=1)
    spread = marker_importance(fitted, X, smoothing=None).query("trait == 'trait_2'")
    np.testing.assert_allclose(spread["importance"], contributions.std(ddof=0), rtol=1e-9)
    effect = marker_importance(fitted, X, method="effect", smoothing=None)
    effect = effect.query("trait == 'trait_2'").reset_index(drop=True)
    for j in range(0, 400, 57):
        slope = np.polyfit(X.iloc[:, j], contributions.iloc[:, j], 1)[0]
        assert effect["importance"][j] == pytest.approx(abs(slope) * X.iloc[:, j].std(ddof=0))
        assert effect["sign"][j] == np.sign(slope)


def test_linked_markers_share(cross):
    X, model = cross.data.to_numpy(), GBLUPRegressor().fit(cross.data, cross.target.iloc[:, 0])
    values = (X - X.mean(axis=0)) * model.coef_
    r2 = np.corrcoef(X.T) ** 2 * (cross.chromosomes[:, None] == cross.chromosomes)
    expected = (values @ np.maximum(0, (r2 - 0.6) / 0.4)).std(axis=0)
    table = marker_importance(model, cross.data, smoothing=0.6, **ALL)
    np.testing.assert_allclose(table["importance"], expected, rtol=1e-4)


def test_squared_gates_of_all_encoders_by_their_weight(cross, fitted):
    encoder = fitted.net_.module_
    gate = encoder.gate.detach().numpy().astype(float)  # (N, T, W)
    filled = encoder.windows.numpy() < len(encoder.center)
    by_regime = gate[:, filled].T.reshape(-1, 3, 3)  # markers, regimes, inner folds
    expected = np.zeros((2, 400))
    kept = fitted.preprocessor_.get_support(indices=True)
    for t in range(2):
        expected[t, kept] = (by_regime**2).mean(axis=2) @ fitted.weights_[:-1, t]
    table = marker_importance(fitted, cross.data[:9], method="gate", smoothing=None)
    np.testing.assert_allclose(wide(table), expected, rtol=1e-6)
    effects = (gate * encoder.additive.detach().numpy()[:, 1])[:, filled]
    slopes = effects.T.reshape(-1, 3, 3).mean(axis=2) @ fitted.weights_[:-1, 1]
    signs = wide(table, "sign").loc["trait_2"].to_numpy()[kept]
    np.testing.assert_array_equal(signs, np.sign(slopes))


def test_permutation_block_by_block(cross, fitted):
    """Against predictions of dosages that are permuted by hand, for some of the blocks."""
    X, Y = cross.data[180:], cross.target[180:].copy()
    Y.iloc[3, 0] = np.nan
    table = marker_importance(
        fitted, X, Y, "permutation", block_r2=0.4, n_repeats=2, random_state=5, **ALL
    )
    rng, importance = np.random.RandomState(5), wide(table).to_numpy()

    def r2(predicted):
        return 1 - np.nanmean((Y - predicted) ** 2, axis=0) / np.nanvar(Y, axis=0)

    whole = r2(fitted.predict(X))
    for number, block in enumerate(linkage_blocks(X.to_numpy(), X.columns.to_numpy(), 0.4)):
        orders = [rng.permutation(60) for _ in range(2)]
        if number % 20 == 0:
            loss = np.zeros(2)
            for order in orders:
                permuted = X.copy()
                permuted.iloc[:, block] = X.iloc[order, block].to_numpy()
                loss += (whole - r2(fitted.predict(permuted))) / 2
            # The encoders' part is in single precision.
            np.testing.assert_allclose(importance[:, block], loss[:, None] + 0 * block, atol=2e-5)


@pytest.mark.parametrize("method", ["gradient", "gate", "permutation"])
def test_a_locus_of_dominance_alone_is_found(f2, fitted_f2, method):
    y = f2.target if method == "permutation" else None
    table = marker_importance(fitted_f2, f2.data, y, method=method, random_state=0)
    found = table[table.trait == table.trait.iloc[0]].set_index("marker").importance.idxmax()
    assert abs(list(f2.data).index(found) - 150) <= 10


@pytest.mark.parametrize("method", ["gradient", "effect", "gate", "permutation"])
def test_the_highest_marker_is_near_a_large_qtl(cross, fitted, method):
    table = marker_importance(
        fitted, cross.data, cross.target, method, n_repeats=1, max_samples=100, random_state=0
    )
    shares = np.abs(cross.effects)
    for t, (_, rows) in enumerate(table.groupby("trait", sort=False)):
        best = rows.reset_index(drop=True).loc[rows["importance"].to_numpy().argmax()]
        near = [
            shares[q, t] / shares[:, t].max()
            for q, marker in enumerate(cross.qtl)
            if cross.chromosomes[marker] == best["chromosome"]
            and abs(cross.positions[marker] - best["position"]) * MORGANS_PER_BP < 0.15
        ]
        assert max(near) > 0.5


def test_sign_follows_the_counted_allele(cross, make):
    flipped = 1 - cross.data
    tables = []
    for X in (cross.data, flipped):
        model = make().fit(X[:180], cross.target[:180])
        tables.append(marker_importance(model, X, random_state=0))
    important = tables[0]["importance"] > 0.1 * tables[0]["importance"].max()
    np.testing.assert_array_equal(tables[0]["sign"][important], -tables[1]["sign"][important])


def test_any_model_in_a_pipeline_can_be_permuted(cross):
    model = make_pipeline(LinkageMerger(0.5), LinearRegression()).set_output(transform="pandas")
    model.fit(cross.data, cross.target)
    table = marker_importance(
        model, cross.data, cross.target, "permutation", n_repeats=1, traits=["a", "b"]
    )
    kept = cross.data.columns[model[0].get_support()]
    assert table["marker"].tolist() == 2 * kept.tolist()
    assert table["trait"].unique().tolist() == ["a", "b"]


def test_seeds_decide_which_samples_are_looked_at(cross, fitted):
    X = cross.data[:100]
    first, again, other = (
        marker_importance(fitted, X, max_samples=30, random_state=seed) for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first["importance"], other["importance"])


def test_what_cannot_be_done_is_named(cross, make, fitted):
    X, Y = cross.data[:60], cross.target[:60]
    with pytest.raises(ValueError, match=r"method is one of \['effect', .*, got 'shap'"):
        marker_importance(fitted, X, method="shap")
    with pytest.raises(ValueError, match="needs phenotypes: y is None"):
        marker_importance(fitted, X, method="permutation")
    with pytest.raises(ValueError, match="n_repeats is at least 1, got 0"):
        marker_importance(fitted, X, Y, "permutation", n_repeats=0)
    with pytest.raises(ValueError, match="with gates, got GBLUPRegressor"):
        marker_importance(GBLUPRegressor().fit(X, Y), X, method="gate")
    without = make(gate_penalty=None, max_iter=1, preprocessor=PCA(3)).fit(X, Y)
    with pytest.raises(ValueError, match="got TransformerGPRegressor with gate_penalty=None"):
        marker_importance(without, X, method="gate")
    with pytest.raises(ValueError, match="the preprocessor PCA makes new columns"):
        marker_importance(without, X)
