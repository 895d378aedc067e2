import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import mutual_info_regression
from sklearn.impute import SimpleImputer
from sklearn.metrics import mutual_info_score

from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger, MutualInformationSelector


@pytest.fixture
def dosages():
    return np.random.default_rng(0).integers(0, 3, (40, 12)).astype(np.int8)


@pytest.mark.parametrize(("strategy", "theirs"), [("mean", "mean"), ("mode", "most_frequent")])
def test_imputer_agrees_with_scikit_learn(dosages, strategy, theirs):
    rng = np.random.default_rng(1)
    missing = rng.random(dosages.shape) < 0.2
    coded = np.where(missing, -1, dosages).astype(np.int8)
    as_nan = np.where(missing, np.nan, dosages)

    ours = DosageImputer(strategy).fit_transform(coded)

    expected = SimpleImputer(strategy=theirs).fit_transform(as_nan)
    # Float32 output: relative spacing 6e-8.
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    np.testing.assert_allclose(DosageImputer(strategy).fit_transform(as_nan), expected)


def test_mode_keeps_int8_and_observed_values(dosages):
    coded = dosages.copy()
    coded[3, 4] = -1

    filled = DosageImputer("mode").fit_transform(coded)

    assert filled.dtype == np.int8
    others = np.ones_like(coded, dtype=bool)
    others[3, 4] = False
    assert (filled[others] == coded[others]).all()
    assert coded[3, 4] == -1


def test_fill_values_come_from_the_training_rows(dosages):
    imputer = DosageImputer().fit(dosages[:20])
    new = np.full((1, 12), -1, dtype=np.int8)

    np.testing.assert_allclose(imputer.transform(new)[0], dosages[:20].mean(axis=0), rtol=1e-6)


def test_a_marker_never_observed_becomes_constant(dosages):
    coded = dosages.copy()
    coded[:, 2] = -1

    assert (DosageImputer().fit_transform(coded)[:, 2] == 0).all()


def test_unknown_strategy_is_named(dosages):
    with pytest.raises(ValueError, match=r"\['mean', 'mode'\], got 'median'"):
        DosageImputer("median").fit(dosages)


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


def test_selector_gives_scikit_learns_estimate_for_classes(dosages):
    y = dosages[:, 3] + np.random.default_rng(0).normal(size=40)

    selector = MutualInformationSelector(k=3, random_state=0).fit(dosages, y)

    expected = mutual_info_regression(dosages, y, discrete_features=True, random_state=0)
    np.testing.assert_array_equal(selector.mutual_information_, expected)
    assert set(selector.get_support(indices=True)) == set(np.argsort(-expected)[:3])


def test_estimate_is_near_the_plug_in_value_for_a_discrete_phenotype():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (2000, 1), dtype=np.int8)
    flipped = rng.random(2000) < 0.1
    y_class = X[:, 0] ^ flipped
    y = y_class * 10 + rng.normal(size=2000)  # two well separated clouds

    selector = MutualInformationSelector(random_state=0).fit(X, y)

    # The nearest-neighbour estimate's own error at n = 2000 is about .02.
    plug_in = mutual_info_score(X[:, 0], y_class)
    assert selector.mutual_information_[0] == pytest.approx(plug_in, abs=0.05)


def test_threshold_cuts_and_the_best_marker_always_stays(dosages):
    y = dosages[:, 3] * 5.0 + np.random.default_rng(0).normal(size=40)

    selector = MutualInformationSelector(threshold=0.4, random_state=0).fit(dosages, y)
    assert (selector.mutual_information_[selector.get_support()] >= 0.4).all()
    assert (selector.mutual_information_[~selector.get_support()] < 0.4).all()

    none = MutualInformationSelector(threshold=99, random_state=0).fit(dosages, y)
    assert none.get_support(indices=True).tolist() == [3]


def test_selector_takes_the_best_trait_and_leaves_gaps_out(dosages):
    noise = np.random.default_rng(0).normal(size=(40, 2))
    Y = dosages[:, [3, 7]] * 5 + noise
    Y[:10, 0] = np.nan

    both = MutualInformationSelector(random_state=0).fit(dosages, Y).mutual_information_

    alone = MutualInformationSelector(random_state=0).fit(dosages[10:], Y[10:, 0])
    other = MutualInformationSelector(random_state=0).fit(dosages, Y[:, 1])
    expected = np.maximum(alone.mutual_information_, other.mutual_information_)
    np.testing.assert_array_equal(both, expected)


def test_k_below_one_is_named(dosages):
    with pytest.raises(ValueError, match="k is at least 1, got 0"):
        MutualInformationSelector(k=0).fit(dosages, dosages[:, 0])
