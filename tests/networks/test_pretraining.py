import numpy as np
import pytest
from sklearn.base import clone

from sktransformer_gp.networks import MaskedGenotypePretrainer
from sktransformer_gp.saving import load_model, save_model
from sktransformer_gp.simulation import make_cross


@pytest.fixture(scope="module")
def cross():
    cross = make_cross(240, 1000, random_state=0, as_frame=True)
    cross.data = cross.data.loc[:, np.isin(cross.chromosomes, ["chr01", "chr02", "chr03"])]
    return cross


@pytest.fixture(scope="module")
def pretrainer(cross):
    return MaskedGenotypePretrainer(random_state=0).fit(cross.data[:200])


def test_hidden_calls_are_told_in_one_step_or_in_many(cross, pretrainer):
    X = cross.data[200:]
    gone = np.random.default_rng(0).random(X.shape) < 0.5
    seen = X.mask(gone, -1).astype(np.int8)

    for n_steps in (1, 5):
        filled = pretrainer.impute(seen, n_steps)
        assert filled.dtype == np.int8
        assert (filled == X.to_numpy())[~gone].all()
        # Observed neighbours are 4 cM apart on both sides; chance is .5.
        assert (filled == X.to_numpy())[gone].mean() > 0.9


def linkage(X):
    """Return the mean correlation of neighbouring markers."""
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(X.T[:-1], X.T[1:], strict=True)]
    return np.nanmean(r)


def test_drawn_genotypes_are_linked_as_the_real_ones_are(cross, pretrainer):
    drawn = pretrainer.sample(200, random_state=0)

    assert drawn.dtype == np.int8 and set(np.unique(drawn)) == {0, 1}
    assert linkage(drawn) > 0.7 * linkage(cross.data.to_numpy())
    assert np.abs(drawn.mean(axis=0) - cross.data.mean().to_numpy()).mean() < 0.1
    np.testing.assert_array_equal(drawn, pretrainer.sample(200, random_state=0))
    assert not np.array_equal(drawn, pretrainer.sample(200, random_state=1))
    # No two are alike.
    assert len(np.unique(drawn, axis=0)) == 200


def test_whatever_the_steps_every_call_is_drawn_once(cross):
    model = MaskedGenotypePretrainer(max_iter=1, random_state=0).fit(cross.data[:30])

    for n_steps in (1, 2, 7):
        drawn = model.sample(3, n_steps=n_steps, random_state=0)
        assert drawn.shape == (3, cross.data.shape[1]) and drawn.min() >= 0


def test_codes_are_all_tokens(cross, pretrainer):
    n_tokens = len(pretrainer.net_.module_.windows)

    assert pretrainer.transform(cross.data).shape == (240, 16 * n_tokens)


def test_heads_must_divide_the_token(cross):
    with pytest.raises(ValueError, match="d_model is a multiple of n_heads, got d_model=6"):
        MaskedGenotypePretrainer(d_model=6).fit(cross.data)
    with pytest.raises(ValueError, match="window_size is an integer >= 1, got 0"):
        MaskedGenotypePretrainer(window_size=0).fit(cross.data)


def test_a_saved_pretrainer_draws_the_same(cross, pretrainer, tmp_path):
    save_model(pretrainer, tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")

    np.testing.assert_array_equal(
        loaded.sample(3, random_state=0), pretrainer.sample(3, random_state=0)
    )
    assert clone(loaded).get_params() == pretrainer.get_params()
