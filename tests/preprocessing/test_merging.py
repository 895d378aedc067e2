import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.datasets import make_cross
from sktransformer_gp.preprocessing import LinkageMerger


@pytest.fixture
def dosages():
    return np.random.default_rng(0).integers(0, 3, (40, 12)).astype(np.int8)


def merged_by_a_loop(X, r2, chromosomes=None):
    """Return the kept columns by the definition, one correlation at a time."""
    kept, current = [], None
    for j in range(X.shape[1]):
        if X[:, j].std() == 0:
            continue
        new_run = current is None or (
            chromosomes is not None and chromosomes[j] != chromosomes[current]
        )
        # Less than rounding below r2 counts as r2.
        if new_run or np.corrcoef(X[:, current], X[:, j])[0, 1] ** 2 < r2 - 1e-9:
            kept.append(j)
            current = j
    return kept


@pytest.mark.parametrize("r2", [0.5, 0.8, 1.0])
def test_merger_keeps_what_a_loop_keeps(r2):
    rng = np.random.default_rng(2)
    steps = rng.random((60, 200)) < 0.02
    X = (np.cumsum(steps, axis=1) % 2).astype(np.int8)
    X[:, 50] = 1
    chromosomes = np.repeat(["1", "2"], 100)
    frame = pd.DataFrame(X, columns=[f"{c}:{j}" for j, c in enumerate(chromosomes)])

    merger = LinkageMerger(r2=r2).fit(frame)

    expected = merged_by_a_loop(X, r2, chromosomes)
    assert merger.get_support(indices=True).tolist() == expected
    assert merger.get_feature_names_out().tolist() == [frame.columns[j] for j in expected]
    assert LinkageMerger(r2=r2).fit(X).get_support(indices=True).tolist() == merged_by_a_loop(X, r2)


def test_groups_map_each_marker_to_the_column_that_stands_for_it(dosages):
    X = dosages[:, [0, 0, 1, 1, 2]].copy()
    X[:, 3] = 2 - X[:, 3]  # the other allele counted: r = -1
    X[:, 4] = 1

    merger = LinkageMerger().fit(X)

    assert merger.groups_.tolist() == [0, 0, 1, 1, -1]
    assert merger.transform(X).dtype == np.int8
    assert (merger.transform(X) == X[:, [0, 2]]).all()


def test_merger_leaves_its_input_alone():
    X = np.asfortranarray(np.random.default_rng(0).random((20, 5)), dtype=np.float32)
    before = X.copy()

    LinkageMerger().fit(X)

    assert (before == X).all()


def test_all_monomorphic_markers_leave_one():
    assert LinkageMerger().fit_transform(np.ones((5, 3), dtype=np.int8)).shape == (5, 1)


@pytest.mark.parametrize("r2", [0, 1.1, -0.5])
def test_r2_out_of_range_is_named(dosages, r2):
    with pytest.raises(ValueError, match=rf"r2 lies in \(0, 1\], got {r2}"):
        LinkageMerger(r2=r2).fit(dosages)


def test_merging_yeast_leaves_about_the_published_number_of_markers(real_data):
    from sktransformer_gp.datasets import fetch_yeast

    yeast = fetch_yeast(data_home=real_data, as_frame=True).data

    # Merging at <= 10 of 971 segregants different (r2 > .96) leaves 2,548 columns.
    assert 2000 < LinkageMerger().fit(yeast).get_support().sum() < 2800


def test_spread_effects_give_the_same_genetic_values(dosages):
    X = dosages[:, [0, 0, 0, 1, 2, 2]].astype(float)
    X[:, 1] = 2 - X[:, 1]  # the other allele counted
    X[:, 2] *= 0.5  # a haploid coding
    X[:, 3] = 1
    merger = LinkageMerger().fit(X)
    effects = np.array([[3.0, 1.0], [-2.0, 0.5]])

    spread = merger.spread_effects(effects)

    assert spread.shape == (2, 6)
    assert (spread[:, 3] == 0).all()
    np.testing.assert_allclose(spread[0], [1, -1, 2, 0, 0.5, 0.5], atol=1e-6)  # float32 slopes
    values, expected = X @ spread.T, merger.transform(X) @ effects.T
    np.testing.assert_allclose(np.ptp(values - expected, axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(merger.spread_effects(effects[0]), spread[0])


def test_slopes_are_those_of_a_regression_on_each_marker():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 3, (200, 4)), 3, axis=1)
    X = np.where(rng.random(X.shape) < 0.01, 1, X).astype(np.int8)

    merger = LinkageMerger(r2=0.9).fit(X)

    kept = merger.get_support(indices=True)[merger.groups_]
    expected = [np.polyfit(X[:, j], X[:, kept[j]], 1)[0] for j in range(12)]
    assert len(set(kept)) == 4
    np.testing.assert_allclose(merger.slopes_, expected, rtol=1e-5)  # float32 products


def test_effects_of_another_number_are_refused(dosages):
    merger = LinkageMerger().fit(dosages)

    with pytest.raises(ValueError, match=r"shape \(3,\), but 12 columns"):
        merger.spread_effects(np.ones(3))


def test_effects_of_nothing_but_monomorphic_markers_are_zero():
    merger = LinkageMerger().fit(np.ones((5, 3)))

    assert merger.spread_effects([2.0]).tolist() == [0, 0, 0]


def test_many_samples_are_compared_over_fewer_markers(monkeypatch):
    cross = make_cross(n_samples=60, n_markers=200, n_traits=1, random_state=0)
    monkeypatch.setattr("sktransformer_gp.preprocessing.merging.DOSAGES", 60 * 50)
    whole = LinkageMerger().fit(cross.data)
    parts = [LinkageMerger().fit(cross.data[:, s : s + 50]) for s in range(0, 200, 50)]
    np.testing.assert_array_equal(
        whole.get_support(), np.concatenate([part.get_support() for part in parts])
    )
