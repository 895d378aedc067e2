import numpy as np
import pytest

from sktransformer_gp.networks import HaplotypeCopier
from sktransformer_gp.saving import load_model, save_model
from sktransformer_gp.simulation import make_cross


@pytest.fixture(scope="module")
def cross():
    return make_cross(100, 60, ploidy=2, random_state=0, as_frame=True)


def transitions(X, j):
    return np.array(
        [[np.mean((X[:, j] == a) & (X[:, j + 1] == b)) for b in range(3)] for a in range(3)]
    )


def test_it_is_the_markov_chain_that_was_counted(cross):
    drawn = HaplotypeCopier().fit(cross.data).sample(20_000, random_state=0)
    runs = cross.chromosomes

    for j in range(59):
        expected = transitions(cross.data.to_numpy(), j)
        if runs[j] != runs[j + 1]:  # a chromosome starts anew
            p = [np.bincount(cross.data.iloc[:, k], minlength=3) / 100 for k in (j, j + 1)]
            expected = np.outer(*p)
        # Standard error of a share from 20,000 draws: at most .0035.
        np.testing.assert_allclose(transitions(drawn, j), expected, atol=0.018)


def test_the_next_call_depends_on_nothing_but_the_last_one(cross):
    X = np.array([[0, 0, 0], [1, 0, 1]] * 10, dtype=np.int8)  # the third is the first again

    chain = HaplotypeCopier().fit(X).sample(2000, random_state=0)
    copied = HaplotypeCopier(1e-9).fit(X).sample(2000, random_state=0)

    assert abs(np.corrcoef(chain[:, 0], chain[:, 2])[0, 1]) < 0.1
    assert (copied[:, 0] == copied[:, 2]).all()


def test_rare_switches_copy_whole_chromosomes(cross):
    drawn = HaplotypeCopier(1e-9).fit(cross.data).sample(30, random_state=1)

    for name in np.unique(cross.chromosomes):
        known = {tuple(row) for row in cross.data.loc[:, cross.chromosomes == name].to_numpy()}
        assert {tuple(row) for row in drawn[:, cross.chromosomes == name]} <= known
    assert not {tuple(row) for row in drawn} <= {tuple(row) for row in cross.data.to_numpy()}


def test_seeds_types_and_saving(cross, tmp_path):
    model = HaplotypeCopier(random_state=3).fit(cross.data)

    np.testing.assert_array_equal(model.sample(4), model.sample(4, random_state=3))
    assert not np.array_equal(model.sample(4), model.sample(4, random_state=4))
    assert model.sample(2).dtype == np.int8
    save_model(model, tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").sample(4), model.sample(4))


@pytest.mark.parametrize("rate", [0, 1.1, "often", True, None])
def test_a_rate_outside_its_range_is_named(cross, rate):
    with pytest.raises(ValueError, match=r"switch_rate is a number in \(0, 1\], got"):
        HaplotypeCopier(rate).fit(cross.data)
