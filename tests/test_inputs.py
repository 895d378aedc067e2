import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from sktransformer_gp.inputs import (
    EncoderInput,
    TraitScale,
    check_classes,
    column_moments,
)
from sktransformer_gp.markers import input_names
from sktransformer_gp.preprocessing import LinkageMerger, MutualInformationSelector


@pytest.fixture
def dosages():
    return np.random.default_rng(0).integers(0, 3, (600, 20)).astype(np.int8)


def test_moments_equal_numpys_over_several_blocks(dosages):
    mean, scale = column_moments(dosages)

    # Float64 sums of 600 small integers.
    np.testing.assert_allclose(mean, dosages.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(scale, dosages.std(axis=0), rtol=1e-13)


@pytest.mark.parametrize("value", [0.0, 1e12, 0.1])
def test_the_scale_of_a_constant_is_one(value):
    X = np.full((700, 1), value)

    assert column_moments(X)[1].tolist() == [1.0]
    assert TraitScale(X).scale.tolist() == [1.0]


def test_trait_scale_leaves_gaps_out_and_restores():
    Y = np.array([[1.0, 10.0], [2.0, np.nan], [4.0, 30.0]])

    scale = TraitScale(Y)
    Z = scale.standardise(Y)

    np.testing.assert_allclose(np.nanmean(Z, axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(np.nanstd(Z, axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(scale.restore(Z), Y, rtol=1e-6)


def test_chromosomes_follow_the_markers_through_a_pipeline_of_selectors(dosages):
    chromosomes = np.repeat(["a", "b"], 10)
    y = dosages[:, [2, 15]].sum(axis=1, dtype=float)[:, None]
    selectors = make_pipeline(LinkageMerger(), MutualInformationSelector(k=4))

    inputs = EncoderInput(selectors, input_names(20, None, chromosomes), seed=0).fit(dosages, y)

    kept = inputs.preprocessor[-1].get_support(indices=True)
    assert {2, 15} <= set(kept)
    assert inputs.chromosomes.tolist() == chromosomes[kept].tolist()
    assert (inputs.transform(dosages).numpy() == dosages[:, kept]).all()


def test_the_seed_reaches_an_unset_random_state_and_the_users_object_stays_as_it_is(dosages):
    unset, fixed = MutualInformationSelector(), MutualInformationSelector(random_state=3)
    names = input_names(20, None, None)

    assert EncoderInput(unset, names, seed=9).preprocessor.random_state == 9
    assert EncoderInput(fixed, names, seed=9).preprocessor.random_state == 3
    assert unset.random_state is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((name, name) for name in ("int8", "int16", "int32")),
        *((name, "float32") for name in ("int64", "uint8", "float64", "float32", ">i2")),
    ],
)
def test_small_integers_stay_small(dosages, given, kept):
    inputs = EncoderInput(None, input_names(20, None, None), seed=0)

    tensor = inputs.transform(dosages.astype(given))

    assert str(tensor.dtype) == f"torch.{kept}"
    assert (tensor.numpy() == dosages).all()


@pytest.mark.parametrize("bad", [2.0, -1.0, 0.5])
def test_a_dosage_that_cannot_be_looked_up_is_named(bad):
    with pytest.raises(ValueError, match=rf"\[0, 1\] of the training rows, got {bad:g}"):
        check_classes(torch.tensor([[0.0, bad]]), n_dosages=2)


def test_chromosomes_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\), but X has 2 markers"):
        input_names(2, None, ["a", "b", "c"])
