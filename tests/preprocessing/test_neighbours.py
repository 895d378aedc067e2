import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sktransformer_gp.preprocessing.neighbours import (
    PENALTY,
    LinkageRegression,
    NearestSamples,
    mean_of_observed,
)


@pytest.fixture
def linked():
    """Two chromosomes of 30 and 4 markers in linkage, 150 samples."""
    rng = np.random.default_rng(0)
    X = (np.cumsum(rng.random((150, 34)) < 0.08, axis=1) + rng.integers(0, 2, (150, 1))) % 2
    return (2 * X).astype(np.int8), [slice(0, 30), slice(30, 34)]


def votes_by_a_loop(train, row, marker, k):
    """Return the most frequent call among the k nearest rows that have it."""
    distances = []
    for donor in train:
        shared = (donor >= 0) & (row >= 0)
        if shared.any() and donor[marker] >= 0:
            difference = (donor[shared] - row[shared]).astype(float)
            distances.append(((difference**2).mean(), len(distances), donor[marker]))
    calls = [call for *_, call in sorted(distances)[:k]]
    return max(sorted(set(calls)), key=calls.count) if calls else np.nan


@pytest.mark.parametrize("share_missing", [0.1, 0.8])
def test_calls_are_the_votes_of_the_nearest_samples(share_missing):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (60, 25)).astype(np.int8)
    X[rng.random(X.shape) < share_missing] = -1
    train, new = X[:50], X[50:]

    predicted = NearestSamples(3, as_calls=True).fit(train, train < 0).predict(new, new < 0)

    rows, markers = np.nonzero(new < 0)
    expected = [votes_by_a_loop(train, new[i], j, 3) for i, j in zip(rows, markers, strict=True)]
    np.testing.assert_array_equal(predicted, expected)


def test_there_is_no_prediction_without_a_donor():
    train = np.array([[0, 1, -1], [1, -1, -1]])
    new = np.array([[-1, -1, 2], [1, 0, -1]])

    predicted = NearestSamples(2, as_calls=True).fit(train, train < 0).predict(new, new < 0)

    assert np.isnan(predicted).all()  # nothing shared in the first row, no donor in the second


def expected_by_ridge(X, marker, around):
    """Predict a marker in all rows with scikit-learn's ridge on standardised neighbours."""
    P = X[:, around].astype(float)
    P = (P - P.mean(axis=0)) / np.where(P.std(axis=0) > 0, P.std(axis=0), 1)
    return Ridge(alpha=PENALTY).fit(P, X[:, marker]).predict(P)


@pytest.mark.parametrize(
    ("marker", "around"),
    [
        (0, [1, 2, 3, 4]),
        (10, [8, 9, 11, 12]),
        (29, [25, 26, 27, 28]),
        (31, [30, 32, 33]),
    ],
)
def test_expected_dosages_are_those_of_a_ridge_regression(linked, marker, around):
    X, runs = linked
    complete = np.zeros(X.shape, bool)
    gone = complete.copy()
    gone[:, marker] = True

    model = LinkageRegression(4, as_calls=False).fit(X, complete, runs)

    expected = expected_by_ridge(X, marker, around).clip(0, 2)
    # Weights are float32, and a constant of 1e-5 is added to variances of about 1.
    np.testing.assert_allclose(model.predict(X, gone), expected, atol=1e-4)


def test_several_passes_bridge_gaps_of_neighbours(linked):
    X, runs = linked
    gone = np.zeros(X.shape, bool)
    gone[:, 10:13] = True
    model = LinkageRegression(4, as_calls=True).fit(X[:100], np.zeros((100, 34), bool), runs)

    predicted = model.predict(X[100:], gone[100:]).reshape(50, 3)
    model.passes = model.passes[:1]
    single = model.predict(X[100:], gone[100:]).reshape(50, 3)

    truth = X[100:, 10:13]
    assert (predicted == truth).mean() > 0.85
    # Only the outer of the two neighbours on either side of marker 11 are observed.
    assert (predicted == truth)[:, 1].mean() > (single == truth)[:, 1].mean()


def test_the_most_likely_call_weighs_frequency_against_distance(linked):
    X, runs = linked
    X = X.copy()
    X[0, 15] = 1  # one heterozygote among 150 lines

    model = LinkageRegression(4, as_calls=True).fit(X, np.zeros(X.shape, bool), runs)

    at_15 = np.full(5, 15)
    calls = model._most_likely(np.array([0.0, 0.9, 1.0, 1.1, 2.0]), at_15)
    log_f, spread = np.log([np.mean(X[:, 15] == c) for c in (0, 1, 2)]), model.spread[15]
    scores = log_f - (np.array([[0.0], [0.9], [1.0], [1.1], [2.0]]) - [0, 1, 2]) ** 2 / 2 / spread
    np.testing.assert_array_equal(calls, scores.argmax(axis=1))
    assert 1 not in calls[[0, 4]]


@pytest.mark.parametrize("n_markers", [1, 2])
def test_chromosomes_of_one_or_two_markers_are_predicted_by_their_mean_or_each_other(n_markers):
    X = np.tile([[0, 0], [1, 1]], (50, 1))[:, :n_markers]
    gone = np.zeros(X.shape, bool)
    gone[:3, 0] = True

    model = LinkageRegression(40, as_calls=False).fit(X, gone, [slice(0, n_markers)])

    predicted = model.predict(X, gone)
    if n_markers == 1:
        np.testing.assert_allclose(predicted, X[3:].mean(), rtol=1e-6)
    else:
        np.testing.assert_allclose(predicted, X[:3, 1], atol=0.15)  # shrunk by 1 / 1.2


def test_many_markers_are_predicted_as_few_are(linked):
    X, _ = linked
    wide = np.tile(X[:, :30], 20)  # 600 markers: several blocks of targets
    gone = np.zeros(wide.shape, bool)
    gone[5, ::7] = True
    runs = [slice(s, s + 30) for s in range(0, 600, 30)]

    joint = LinkageRegression(6, as_calls=False).fit(wide, gone, [slice(0, 600)])
    apart = LinkageRegression(6, as_calls=False).fit(wide, gone, runs)

    inner = np.flatnonzero(gone[5]) % 30
    inner = (inner >= 6) & (inner < 24)  # away from the ends, where neighbours are the same
    np.testing.assert_allclose(
        joint.predict(wide, gone)[inner], apart.predict(wide, gone)[inner], atol=1e-5
    )


def test_the_mean_leaves_missing_dosages_out():
    X = np.array([[0, 2, -1], [1, -1, -1], [-1, 1, -1]])

    np.testing.assert_allclose(mean_of_observed(X, X < 0), [0.5, 1.5, 0])
