"""Fits by steps that are written out, against fits by autograd."""

import numpy as np
import pytest
import torch

from sktransformer_gp import fused
from sktransformer_gp.fused import Adam, FusedValues, PlaceReader
from sktransformer_gp.regime import WeightGroup
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.simulation import make_cross
from sktransformer_gp.training import EncoderNet


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=90, n_markers=300, n_traits=2, random_state=0)


def model(**parameters):
    parameters = {"max_iter": 3, "cross_fitting": 3, "random_state": 0, **parameters}
    return TransformerGPRegressor(**parameters)


def heterozygous(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.binomial(2, 0.4, (n, 60)).astype(np.int8)
    return X, (X[:, 3] == 1) + X[:, :5] @ rng.normal(size=5) + rng.normal(size=n)


def both(monkeypatch, X, y, **settings):
    """Fit by hand and by autograd."""
    by_hand = model().fit(X, y, **settings)
    monkeypatch.setattr("sktransformer_gp.training.can_fuse", lambda *_: False)
    return by_hand, model().fit(X, y, **settings)


def test_fits_are_those_of_autograd(monkeypatch, cross):
    y = cross.target.copy()
    y[::5, 1] = np.nan
    ours, theirs = both(monkeypatch, cross.data, y)

    # Sums of float32 in another order, over some 70 steps.
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(
        ours.predict(cross.data), theirs.predict(cross.data), atol=1e-4 * y[1].std()
    )
    assert (
        ours.net_.history[:, "batches", :, "train_batch_size"]
        == (theirs.net_.history[:, "batches", :, "train_batch_size"])
    )


def test_with_dominance_and_weights(monkeypatch):
    X, y = heterozygous(90, seed=0)
    weights = np.random.default_rng(1).uniform(0.5, 2, 90)
    ours, theirs = both(monkeypatch, X, y, sample_weight=weights)

    assert ours.net_.module_.dominance is not None
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-4)


def test_validation_rows_see_the_weights_of_each_epoch(monkeypatch, cross):
    rows = {"X_val": cross.data[:20], "y_val": cross.target[:20]}
    ours, theirs = both(monkeypatch, cross.data[20:], cross.target[20:], **rows)

    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-4)
    assert len(set(ours.validation_scores_)) == 3


@pytest.mark.parametrize("n_threads", [2, 5])
def test_threads_do_not_change_a_bit(monkeypatch, cross, n_threads):
    monkeypatch.setattr(fused, "SMALLEST_SHARED", 0)
    before, fits = torch.get_num_threads(), []
    try:
        for n in (1, n_threads):
            torch.set_num_threads(n)
            fits.append(model(max_iter=1).fit(cross.data, cross.target).net_.module_.state_dict())
    finally:
        torch.set_num_threads(before)

    assert all(map(torch.equal, fits[0].values(), fits[1].values()))


@pytest.mark.parametrize("largest", [{"LARGEST_INPUT": 1}, {"LARGEST_PART": 2}])
def test_how_many_batches_are_read_at_once_does_not_change_a_bit(monkeypatch, cross, largest):
    # With threads, what they step on must not be overwritten by what is read meanwhile.
    monkeypatch.setattr(fused, "SMALLEST_SHARED", 0)
    fits = [model(max_iter=2).fit(cross.data, cross.target)]
    for name, value in largest.items():
        monkeypatch.setattr(fused, name, value)
    fits.append(model(max_iter=2).fit(cross.data, cross.target))

    assert fits[0].loss_curve_ == fits[1].loss_curve_
    weights = [list(fit.net_.module_.state_dict().values()) for fit in fits]
    assert all(map(torch.equal, *weights))


def test_an_error_in_a_thread_reaches_the_user(monkeypatch, cross):
    def fail(*_):
        raise RuntimeError("can't allocate memory")

    monkeypatch.setattr(fused, "SMALLEST_SHARED", 0)
    monkeypatch.setattr(fused.RegimeStep, "__call__", fail)
    with pytest.raises(MemoryError, match="lower batch_size"):
        model().fit(cross.data, cross.target)


@pytest.mark.parametrize("dim_readout", [0, 8])
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_predictions_are_those_of_the_encoder(dim_readout, dtype):
    X, y = heterozygous(90, seed=0)
    # The 47 markers that are left do not fill their windows.
    X = X[:, :47].astype(dtype)
    fitted = model(dim_readout=dim_readout, window_size=10, preprocessor=None).fit(X, y)
    encoder = fitted.net_.module_.double()
    dosages = torch.tensor(X)

    with torch.inference_mode():
        values, read = FusedValues(encoder), PlaceReader(encoder)
        for rows in (slice(0, 90), slice(3, 40), slice(0, 90)):
            torch.testing.assert_close(
                values(dosages[rows]), encoder(dosages[rows]), rtol=1e-10, atol=1e-12
            )
            expected = encoder.read(dosages[rows])
            for n_places in (10, 20):
                places = read(dosages[rows], n_places)
                assert torch.equal(places[..., :n_places], expected[..., :n_places])
                assert not places[..., n_places:].any() and places.shape[2] % 8 == 0


def test_steps_of_adam_are_those_of_torch():
    generator = torch.Generator().manual_seed(0)
    weights, gradients = torch.randn(2, 50, generator=generator)
    ours, derivatives = weights.clone(), torch.empty(50)
    theirs = [torch.nn.Parameter(part.clone()) for part in weights.split([30, 20])]
    groups = [{"params": theirs[:1], "weight_decay": 0.3}, {"params": theirs[1:]}]
    reference = torch.optim.Adam(groups, fused=True)
    adam = Adam(
        [WeightGroup(ours[:30], derivatives[:30], 0.3), WeightGroup(ours[30:], derivatives[30:], 0)]
    )

    for lr, betas in ((0.01, (0.9, 0.99)), (0.1, (0.85, 0.99)), (0.02, (0.95, 0.99))):
        gradients = gradients.roll(1)
        derivatives.copy_(gradients)
        adam(lr=lr, betas=betas)
        for group, weight, part in zip(
            reference.param_groups, theirs, gradients.split([30, 20]), strict=True
        ):
            group.update(lr=lr, betas=betas)
            weight.grad = part.clone()
        reference.step()

    assert torch.equal(ours, torch.cat([weight.detach() for weight in theirs]))


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_layers": 1},
        {"token_dropout": 0.1},
        {"positions": "learned"},
        {"n_heads": 0},
        {"gate_penalty": None},
        {"tokens": "embedding", "preprocessor": None},
    ],
)
def test_other_architectures_are_left_to_autograd(monkeypatch, cross, parameters):
    monkeypatch.setattr(fused, "FusedTraining", None)
    monkeypatch.setattr("sktransformer_gp.training.FusedTraining", None)
    X = cross.data[:, :20]
    fitted = model(max_iter=1, d_model=8, **parameters).fit(X, cross.target)
    assert isinstance(fitted.net_, EncoderNet)


def test_mixed_precision_is_left_to_autograd(monkeypatch, cross):
    monkeypatch.setattr("sktransformer_gp.training.FusedTraining", None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(max_iter=1).fit(cross.data, cross.target)
