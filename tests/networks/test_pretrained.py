import numpy as np
import pytest
import torch

from sktransformer_gp.networks import MaskedGenotypePretrainer, PretrainedGPRegressor
from sktransformer_gp.simulation import make_cross

FAST = MaskedGenotypePretrainer(max_iter=2)


@pytest.fixture(scope="module")
def cross():
    return make_cross(160, 120, n_qtl=3, h2=0.9, random_state=3, as_frame=True)


def test_unphenotyped_rows_reach_the_pretraining_and_no_other_part(cross):
    X, y = cross.data.to_numpy()[:60], cross.target.to_numpy()[:60].copy()
    y[40:] = np.nan
    model = PretrainedGPRegressor(FAST, max_iter=2, random_state=0).fit(X, y)
    alone = MaskedGenotypePretrainer(max_iter=2, random_state=model.pretrainer_.random_state)

    np.testing.assert_array_equal(alone.fit(X).transform(X[:5]), model.pretrainer_.transform(X[:5]))
    few = PretrainedGPRegressor(FAST, max_iter=2, random_state=0).fit(X[:40], y[:40])
    assert not np.allclose(few.predict(X), model.predict(X))


def test_three_loci_are_learned(cross):
    X, y = cross.data, cross.target.iloc[:, 0]
    model = PretrainedGPRegressor(
        MaskedGenotypePretrainer(max_iter=5), max_iter=20, learning_rate_init=3e-3, random_state=0
    )

    predicted = model.fit(X[:120], y[:120]).predict(X[120:])

    assert predicted.shape == (40,)
    # r = 0 has a standard error of .16 on 40 rows.
    assert np.corrcoef(predicted, y[120:])[0, 1] > 0.5


def test_pretrain_false_starts_from_random_weights(cross):
    X, y = cross.data.to_numpy()[:40], cross.target.to_numpy()[:40]
    tuned, plain = (
        PretrainedGPRegressor(FAST, pretrain=start, max_iter=1, random_state=0).fit(X, y)
        for start in (True, False)
    )
    start = tuned.pretrainer_.net_.module_.embed.weight

    # One epoch of 25 steps of at most .001 each cannot carry a weight further than .025.
    moved = (tuned.net_.module_.embed.weight - start).abs().max()
    assert moved < 0.03 < (plain.net_.module_.embed.weight - start).abs().max()


def test_missing_dosages_are_read_around(cross):
    X, y = cross.data.to_numpy()[:40].copy(), cross.target.to_numpy()[:40]
    X[:, ::7] = -1

    predicted = PretrainedGPRegressor(FAST, max_iter=1, random_state=0).fit(X, y).predict(X)

    assert np.isfinite(predicted).all()


def test_global_streams_stay_and_the_users_pretrainer_is_cloned(cross):
    before, mine = torch.random.get_rng_state(), MaskedGenotypePretrainer(max_iter=1)
    PretrainedGPRegressor(mine, max_iter=1).fit(cross.data[:30], cross.target[:30])

    assert torch.equal(before, torch.random.get_rng_state())
    assert not hasattr(mine, "net_") and mine.random_state is None


def test_what_is_no_pretrainer_is_named(cross):
    with pytest.raises(ValueError, match="pretrainer is a MaskedGenotypePretrainer or None, got 3"):
        PretrainedGPRegressor(3).fit(cross.data, cross.target)
