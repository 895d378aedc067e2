import numpy as np
import pytest
import torch
from scipy.stats import multinomial
from sklearn.decomposition import PCA

from sktransformer_gp.networks.calls import (
    CallLoss,
    as_calls,
    call_moments,
    call_shares,
    corrupt,
    principal_axes,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.int8, torch.int8), (np.int64, torch.int8), (np.uint8, torch.int8), (np.float64, None)],
)
def test_calls_are_small_integers_where_dosages_are_whole(dtype, expected):
    X = np.array([[0, 2], [1, 1]], dtype=dtype)

    assert as_calls(X).dtype == (expected or torch.float32)
    assert as_calls(X).tolist() == X.tolist()


def test_missing_is_minus_one_and_large_dosages_fit():
    assert as_calls(np.array([[np.nan, -1.0, 2.0]])).tolist() == [[-1, -1, 2]]
    assert as_calls(np.array([[-1, 200]])).tolist() == [[-1, 200]]


def test_moments_are_those_of_the_observed_calls():
    X = np.random.default_rng(0).integers(-1, 3, (30, 5)).astype(np.int8)
    X[:, 3], X[:, 4] = -1, 2
    masked = np.ma.masked_equal(X, -1)

    center, scale = call_moments(torch.tensor(X))

    np.testing.assert_allclose(center[:3], masked[:, :3].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scale[:3], masked[:, :3].std(axis=0), rtol=1e-6)
    assert center[3:].tolist() == [0, 2] and scale[3:].tolist() == [1, 1]


def test_loss_is_the_multinomial_log_likelihood():
    rng = np.random.default_rng(0)
    logits, calls = rng.normal(size=(4, 6, 3)), rng.integers(-1, 3, (4, 6))
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = [
        multinomial.logpmf(np.eye(3)[calls[i, j]], 1, p[i, j])
        for i, j in zip(*np.nonzero(calls >= 0), strict=True)
    ]

    loss = CallLoss()(torch.tensor(logits)[None], torch.tensor(calls))

    assert loss.item() == pytest.approx(-np.mean(expected), rel=1e-12)
    assert CallLoss()(torch.tensor(logits)[None], torch.full((4, 6), -1)).item() == 0


def test_fractions_are_shared_between_the_dosages_around_them():
    shares = call_shares(torch.tensor([[1.25, 2.0, -1.0]]), torch.zeros(3))

    assert shares.tolist() == [[[0, 0.75, 0.25], [0, 0, 1], [0, 0, 0]]]


def test_noise_hides_and_exchanges_the_shares_it_is_told_to():
    n, m = 400, 500
    calls = torch.arange(n)[:, None].expand(n, m)  # an individual's calls are its number

    seen = corrupt(calls, 0.6, 0.1, seeded())

    hidden = (seen == -1).double().mean(dim=1)
    # Uniform shares from 0 to .6: mean .3, and quarters of the individuals in each quarter.
    assert hidden.mean().item() == pytest.approx(0.3, abs=0.03)
    assert np.histogram(hidden, bins=4, range=(0, 0.6))[0].min() > n / 4 - 40
    exchanged = ((seen != -1) & (seen != calls)).double().mean().item()
    assert exchanged == pytest.approx(0.1, abs=0.01)
    donors = [row[(row != i) & (row != -1)].unique() for i, row in enumerate(seen)]
    assert max(map(len, donors)) <= 1
    assert torch.equal(corrupt(calls, 0, 0, seeded()), calls)


def test_axes_are_principal_axes_of_standardised_calls():
    X = np.random.default_rng(0).integers(0, 3, (30, 8)).astype(np.int8)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    pca = PCA(3).fit(Z)

    axes = principal_axes(torch.tensor(X), 3).numpy()

    # Directions, up to their sign.
    np.testing.assert_allclose(np.abs(pca.components_ @ axes), np.eye(3), atol=1e-5)
    assert (axes[np.abs(axes).argmax(axis=0), range(3)] > 0).all()
    assert principal_axes(torch.tensor(X), 64).shape == (8, 8)
    assert principal_axes(torch.tensor(X), 0).shape == (8, 0)
