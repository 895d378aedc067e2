import numpy as np
import pytest
import torch
from sklearn.base import clone

from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.networks import CrossAttentionGPRegressor
from sktransformer_gp.simulation import make_cross

SHORT = {"max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def cross():
    return make_cross(120, 150, random_state=1, as_frame=True)


def r(y, predicted):
    return np.corrcoef(y, predicted)[0, 1]


def test_two_loci_that_only_interact_are_found():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (260, 40), dtype=np.int8)
    signal = (X[:, 3] ^ X[:, 20]) + 0.5 * X[:, 3]
    y = signal + rng.normal(scale=0.3, size=len(X))
    model = CrossAttentionGPRegressor(preprocessor=None, random_state=0).fit(X[:200], y[:200])

    # Four classes of 50: their means have a standard error of .04, so little is lost but noise.
    assert r(signal[200:], model.predict(X[200:])) > 0.95
    assert r(signal[200:], GBLUPRegressor().fit(X[:200], y[:200]).predict(X[200:])) < 0.7
    gates = np.abs(model.net_.module_.gate.detach().numpy())
    assert set(gates.argsort()[-2:]) == {3, 20}
    assert model.n_iter_ == 80 and model.loss_curve_[-1] < model.loss_curve_[0] / 2


def test_what_is_predicted_in_training_leaves_the_own_phenotype_out(cross):
    X, y = cross.data, cross.target.iloc[:, 0].to_numpy()
    model = CrossAttentionGPRegressor(**SHORT).fit(X, y)
    net = model.net_.module_
    before = model.leave_out_prediction_[:, 0].copy()
    rows, changed = torch.arange(len(X)), []
    for i in (0, 50, 119):
        kept = net.phenotypes[i].clone()
        net.phenotypes[i] = 9.0
        after = model._traits.restore(model.net_.predict_double(rows)[0])[:, 0]
        net.phenotypes[i] = kept

        assert after[i] == before[i]
        changed.append((after != before).sum())
    assert min(changed) > 60  # most others attend to it


def test_copies_are_one_individual_that_does_not_see_itself(cross):
    X, y = cross.data.to_numpy()[:40], cross.target.to_numpy()[:40]
    twice = np.r_[np.arange(40), 7, 7]
    copied = CrossAttentionGPRegressor(**SHORT).fit(X[twice], y[twice])
    weights = np.where(np.arange(40) == 7, 3.0, 1.0)
    weighted = CrossAttentionGPRegressor(**SHORT).fit(X, y, sample_weight=weights)

    assert len(copied.leave_out_prediction_) == 40
    np.testing.assert_allclose(copied.predict(X), weighted.predict(X), rtol=1e-6)
    plain = CrossAttentionGPRegressor(**SHORT).fit(X, y)
    assert not np.allclose(plain.predict(X), weighted.predict(X), rtol=1e-3)
    precise = CrossAttentionGPRegressor(weighting="precision", **SHORT)
    assert len(precise.fit(X[twice], y[twice]).leave_out_prediction_) == 42


def test_two_copies_alone_are_left_as_they_are():
    model = CrossAttentionGPRegressor(preprocessor=None, **SHORT).fit([[0, 1], [0, 1]], [3.0, 3.0])

    np.testing.assert_allclose(model.predict([[0, 1]]), [3.0])


def test_a_candidate_is_predicted_alike_in_any_company(cross):
    X, y = cross.data, cross.target
    model = CrossAttentionGPRegressor(**SHORT).fit(X[:90], y[:90])
    together = model.predict(X)

    np.testing.assert_allclose(together[95:97], model.predict(X[95:97]), rtol=1e-10)
    np.testing.assert_allclose(together[::-1], model.predict(X[::-1]), rtol=1e-10)
    np.testing.assert_allclose(
        together, np.vstack([model.predict(X[i : i + 1]) for i in range(120)])
    )


def test_rows_and_traits_without_phenotypes_are_left_out(cross):
    X, y = cross.data.to_numpy()[:80], cross.target.to_numpy()[:80].copy()
    y[60:] = np.nan
    y[:10, 1] = np.nan
    model = CrossAttentionGPRegressor(**SHORT)

    np.testing.assert_array_equal(
        model.fit(X, y).predict(X), clone(model).fit(X[:60], y[:60]).predict(X)
    )
    weights = np.r_[np.ones(60), np.zeros(20)]
    filled = np.where(np.arange(80)[:, None] < 60, y, 5.0)
    np.testing.assert_array_equal(
        clone(model).fit(X, filled, sample_weight=weights).predict(X),
        clone(model).fit(X[:60], y[:60], sample_weight=np.ones(60)).predict(X),
    )


def test_seeds_and_global_streams(cross):
    X, y = cross.data, cross.target
    before = torch.random.get_rng_state()
    first, again, other = (
        CrossAttentionGPRegressor(max_iter=5, random_state=seed).fit(X, y).predict(X)
        for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_chromosomes_reach_the_preprocessor(cross):
    named = CrossAttentionGPRegressor(**SHORT).fit(cross.data, cross.target)
    given = CrossAttentionGPRegressor(**SHORT).fit(
        cross.data.to_numpy(), cross.target, chromosomes=cross.chromosomes
    )

    np.testing.assert_array_equal(given.predict(cross.data.to_numpy()), named.predict(cross.data))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"d_model": 6, "n_heads": 4}, "d_model is a multiple of n_heads, got d_model=6"),
        ({"gate_penalty": None}, "gate_penalty is a number in"),
        ({"weighting": "copies"}, "weighting is one of"),
        ({"max_iter": 0}, "max_iter is an integer >= 1, got 0"),
    ],
)
def test_invalid_parameters_are_named(cross, parameters, message):
    with pytest.raises(ValueError, match=message):
        CrossAttentionGPRegressor(**parameters).fit(cross.data, cross.target)
