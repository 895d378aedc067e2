import pickle

import numpy as np
import pytest
import torch

from sktransformer_gp.networks import GenotypeGAN
from sktransformer_gp.simulation import make_cross


@pytest.fixture(scope="module")
def cross():
    cross = make_cross(120, 400, random_state=0, as_frame=True)
    few = np.isin(cross.chromosomes, ["chr01", "chr02"])
    cross.data, cross.chromosomes = cross.data.loc[:, few], cross.chromosomes[few]
    return cross


@pytest.fixture(scope="module")
def gan(cross):
    return GenotypeGAN(max_iter=15, random_state=0).fit(cross.data)


def linkage(X):
    pairs = zip(X.T[:-1], X.T[1:], strict=True)
    return np.nanmean([np.corrcoef(a, b)[0, 1] for a, b in pairs if a.std() and b.std()])


def test_draws_come_closer_to_the_cross_than_at_the_start(cross, gan):
    X, drawn = cross.data.to_numpy(), gan.sample(300)
    start = GenotypeGAN(max_iter=1, random_state=0).fit(cross.data).sample(300)

    assert drawn.dtype == np.int8 and set(np.unique(drawn)) <= {0, 1}
    assert linkage(drawn) > 0.3
    error, at_start = (np.abs(d.mean(0) - X.mean(0)).mean() for d in (drawn, start))
    assert error < at_start
    assert len(np.unique(drawn, axis=0)) > 200
    assert not gan.diagnostics_["collapsed"] and gan.n_iter_ == 15


def test_seeds_and_global_streams(cross, gan):
    before = torch.random.get_rng_state()
    again = GenotypeGAN(max_iter=2, random_state=1).fit(cross.data)
    same = GenotypeGAN(max_iter=2, random_state=1).fit(cross.data)

    np.testing.assert_array_equal(again.sample(5), same.sample(5))
    assert not np.array_equal(again.sample(5), again.sample(5, random_state=2))
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_map_is_read_or_given_and_dosages_may_be_centred(cross):
    model = GenotypeGAN(max_iter=1, random_state=0)
    read = model.fit(cross.data).sample(3)
    given = model.fit(cross.data.to_numpy(), chromosomes=cross.chromosomes).sample(3)

    np.testing.assert_array_equal(read, given)
    assert set(np.unique(model.fit(cross.data.to_numpy() - 1.0).sample(50))) <= {-1, 0}


def test_a_pickled_network_draws_the_same(gan):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(gan)).sample(4), gan.sample(4))


def test_invalid_parameters_are_named(cross):
    with pytest.raises(ValueError, match=r"gradient_penalty is a number in \(0, inf\), got 0"):
        GenotypeGAN(gradient_penalty=0).fit(cross.data)
    with pytest.raises(ValueError, match="missing"):
        GenotypeGAN().fit(cross.data.replace(0, -1))
