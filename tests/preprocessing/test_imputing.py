import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer, SimpleImputer

from sktransformer_gp.markers import chromosomes_from_names
from sktransformer_gp.preprocessing import DosageImputer
from sktransformer_gp.preprocessing.imputing import STRATEGIES


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
    with pytest.raises(ValueError, match=r"'linkage'.*, got 'median'"):
        DosageImputer("median").fit(dosages)


def test_knn_agrees_with_scikit_learn_on_floats():
    rng = np.random.default_rng(0)
    X = rng.random((60, 30)) * 2  # no two distances are equal
    X[rng.random(X.shape) < 0.3] = np.nan
    train, new = X[:40], X[40:]

    for n_neighbors in (1, 4, 30):  # 30: more than observe some of the markers
        ours = DosageImputer("knn", n_neighbors).fit(train)
        theirs = KNNImputer(n_neighbors=n_neighbors).fit(train)
        np.testing.assert_allclose(ours.transform(train), theirs.transform(train))
        np.testing.assert_allclose(ours.transform(new), theirs.transform(new))


@pytest.fixture
def founders():
    """Lines that are mosaics of 4 founders, on two chromosomes of 40 markers each."""
    rng = np.random.default_rng(0)
    haplotypes = rng.integers(0, 2, (4, 80))
    switches = rng.random((200, 80)) < 0.05
    switches[:, [0, 40]] = True
    founder = np.where(switches, rng.integers(0, 4, switches.shape), 0)
    latest = np.maximum.accumulate(np.where(switches, np.arange(80), 0), axis=1)
    founder = np.take_along_axis(founder, latest, axis=1)
    X = 2 * haplotypes[founder, np.arange(80)]
    return pd.DataFrame(X.astype(np.int8), columns=[f"{1 + j // 40}:{j}" for j in range(80)])


@pytest.mark.parametrize(
    ("strategy", "least"), [("mode", 0.5), ("knn", 0.65), ("linkage", 0.85), ("autoencoder", 0.8)]
)
def test_concordance_on_mosaics_of_founders(founders, strategy, least):
    gone = np.random.default_rng(1).random(founders.shape) < 0.1

    filled = DosageImputer(strategy, random_state=0).fit_transform(
        founders.mask(gone, -1).astype(np.int8)
    )

    assert filled.dtype == np.int8
    assert set(np.unique(filled)) == {0, 2}  # a dosage of 1 never occurs
    right = filled == founders.to_numpy()
    assert right[~gone].all()
    assert right[gone].mean() > least


def test_linkage_learns_nothing_from_another_chromosome():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (100, 3)).astype(float)
    X = np.c_[X, X[:, :1]]  # the last marker is a copy of the first
    X[:5, 3] = np.nan

    one = DosageImputer("linkage").fit_transform(X)
    two = DosageImputer("linkage").fit_transform(
        pd.DataFrame(X, columns=["1:1", "1:2", "1:3", "2:1"])
    )

    # The penalty of 20 on 100 samples shrinks the prediction to 1 / (1 + 20 / 100).
    mean = X[5:, 3].mean()
    assert np.abs(one[:5, 3] - X[:5, 0]).max() < 0.2
    np.testing.assert_allclose(two[:5, 3], mean)


def test_linkage_on_yeast_is_as_good_as_the_nearest_marker(real_data):
    from sktransformer_gp.datasets import fetch_yeast

    yeast = fetch_yeast(data_home=real_data, as_frame=True).data
    X = yeast.loc[:, chromosomes_from_names(yeast.columns) == "chr02"]
    gone = np.random.default_rng(0).random(X.shape) < 0.1
    masked = X.mask(gone, -1).astype(np.int8)

    filled = DosageImputer("linkage").fit(masked[:800]).transform(masked[800:])

    nearest = masked[800:].replace(-1, np.nan).ffill(axis=1).bfill(axis=1).to_numpy()
    truth, gone = X[800:].to_numpy(), gone[800:]
    assert (filled == truth)[gone].mean() >= (nearest == truth)[gone].mean() > 0.99


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("missing", [-1, np.nan])
def test_what_nobody_has_is_zero_and_nothing_stays_missing(dosages, strategy, missing):
    coded = dosages.astype(np.float32 if np.isnan(missing) else np.int8)
    coded[:, 2] = missing
    coded[4] = missing

    filled = DosageImputer(strategy).fit_transform(coded)

    assert (filled[:, 2] == 0).all()
    assert ((filled >= 0) & (filled <= 2)).all()
    everything_missing = DosageImputer(strategy).fit_transform(np.full_like(coded, missing))
    assert (everything_missing == 0).all()


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_the_training_rows_decide_whether_dosages_are_whole(dosages, strategy):
    as_floats = dosages.astype(np.float64)
    as_floats[0] = np.nan
    as_integers = dosages.copy()
    as_integers[0] = -1

    whole = DosageImputer(strategy).fit(as_integers).transform(as_floats)
    fractions = DosageImputer(strategy).fit(as_floats).transform(as_integers)

    assert set(np.unique(whole)) <= {0, 1, 2}
    assert fractions.dtype == np.float32
    if strategy != "mode":
        assert (fractions[0] % 1 > 0).any()


def test_number_of_neighbours_below_one_is_named(dosages):
    with pytest.raises(ValueError, match="n_neighbors is at least 1 or None, got 0"):
        DosageImputer("knn", n_neighbors=0).fit(dosages)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_misses_nothing_is_neither_copied_nor_read_into_memory(strategy, tmp_path):
    X = np.random.default_rng(0).integers(0, 3, (20, 12), dtype=np.int8)
    np.save(tmp_path / "dosages.npy", X)
    mapped = np.load(tmp_path / "dosages.npy", mmap_mode="r")
    imputer = DosageImputer(strategy, random_state=0).fit(X)

    assert np.shares_memory(imputer.transform(mapped), mapped)
    hidden = X.copy()
    hidden[3, 4] = -1
    before = hidden.copy()
    assert not np.shares_memory(imputer.transform(hidden), hidden)
    np.testing.assert_array_equal(hidden, before)
