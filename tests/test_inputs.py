import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from sktransformer_gp import TransformerGPRegressor
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.inputs import (
    EncoderInput,
    TraitScale,
    check_classes,
    column_moments,
    is_mapped,
)
from sktransformer_gp.markers import input_names
from sktransformer_gp.preprocessing import (
    LinkageMerger,
    MinorAlleleFilter,
    MutualInformationSelector,
)


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


@pytest.mark.parametrize("preprocessor", ["linkage", None, MinorAlleleFilter()])
def test_what_is_mapped_from_a_file_stays_in_a_file(tmp_path, monkeypatch, preprocessor):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(50, 40)).astype(np.int8)
    X[:, 1::2] = X[:, ::2]
    mapped = np.memmap(tmp_path / "X", dtype=np.int8, mode="w+", shape=X.shape)
    mapped[:] = X
    names, Y = np.array([f"x{j}" for j in range(40)], dtype=object), rng.normal(size=(50, 1))
    inputs = EncoderInput(preprocessor, names, seed=0).fit(mapped, Y)
    monkeypatch.setattr("sktransformer_gp.inputs.MAPPED_BLOCK", 7 * 40)
    known = inputs.transform(X[3:45])
    made = []
    monkeypatch.setattr(
        np,
        "memmap",
        lambda *args, made_by=np.memmap, **kwargs: (
            made.append(made_by(*args, **kwargs)) or made[-1]
        ),
    )
    monkeypatch.setattr("sktransformer_gp.inputs.is_mapped", lambda X: True)
    found = inputs.transform(mapped[3:45])
    assert torch.equal(found, known) and found.dtype == known.dtype
    assert len(made) == 1 and made[0].ctypes.data == found.data_ptr()


def test_a_preprocessor_sees_the_dosages_themselves(dosages):
    """A copy of what lies on disk would not fit into memory."""
    seen = []

    class Watcher(LinkageMerger):
        def fit(self, X, y=None):
            seen.append(np.shares_memory(X.to_numpy(), dosages))
            return super().fit(X, y)

    EncoderInput(Watcher(), input_names(20, None, None), seed=0).fit(dosages, np.zeros((600, 1)))

    assert seen == [True]


def test_views_of_a_mapped_file_are_mapped(tmp_path):
    mapped = np.memmap(tmp_path / "X", dtype=np.int8, mode="w+", shape=(4, 3))
    assert is_mapped(mapped) and is_mapped(np.asarray(mapped[1:])[:, ::2])
    assert not is_mapped(np.array(mapped))


def test_a_fit_leaves_the_mapped_file_as_it_is(tmp_path):
    cross = make_cross(n_samples=80, n_markers=60, n_traits=1, random_state=0)
    mapped = np.memmap(tmp_path / "X", dtype=np.int8, mode="w+", shape=cross.data.shape)
    mapped[:] = cross.data
    mapped.flush()
    read_only = np.memmap(tmp_path / "X", dtype=np.int8, mode="r", shape=cross.data.shape)
    model = TransformerGPRegressor(max_iter=2, random_state=0)
    found = model.fit(read_only[:60], cross.target[:60]).predict(read_only[60:])
    np.testing.assert_array_equal(read_only, cross.data)
    known = model.fit(cross.data[:60], cross.target[:60]).predict(cross.data[60:])
    np.testing.assert_array_equal(found, known)
