import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from sktransformer_gp.inspection.encoders import EncoderPart, encoder_columns
from sktransformer_gp.preprocessing import AssociationSelector

KINDS = {
    "default": {},
    "one block, learned positions": {"n_layers": 1, "positions": "learned"},
    "dense": {"tokens": "dense", "preprocessor": AssociationSelector(k=20)},
    "embedding": {"tokens": "embedding", "preprocessor": AssociationSelector(k=20)},
    "no gates": {"gate_penalty": None},
}


@pytest.mark.parametrize("kind", KINDS)
def test_selected_members_predict_as_before(cross, make, kind):
    model = make(**KINDS[kind], max_iter=1).fit(cross.data[:60], cross.target[:60])
    encoder = model.net_.module_.eval()
    Z = model._input.transform(cross.data.to_numpy()[60:70])
    with torch.no_grad():
        everybody, two = encoder(Z), encoder.select(np.array([2, 1]))(Z)
    torch.testing.assert_close(two, everybody[[2, 1]], rtol=1e-4, atol=1e-6)
    assert all(p.requires_grad for p in encoder.parameters())


@pytest.fixture
def part(fitted):
    return EncoderPart(fitted, [0, 1])


def test_values_are_the_weighed_encoders_of_the_model(cross, fitted, part):
    X = cross.data[180:]
    encoders = fitted.predict_components(X)[:-1] - fitted.y_mean_
    expected = np.einsum("cit,ct->it", encoders, fitted.weights_[:-1]) @ fitted.selection_index_
    values = part.values(part.inputs(X.to_numpy()))
    # Single against double precision.
    np.testing.assert_allclose(values, expected, atol=1e-5)
    second = EncoderPart(fitted, [1])
    np.testing.assert_allclose(
        second.values(second.inputs(X.to_numpy())), expected[:, 1:], atol=1e-5
    )


def test_each_sample_can_be_asked_of_members_that_have_not_seen_it(cross, fitted, part):
    encoders = fitted.out_of_fold_[:-1] - fitted.y_mean_
    expected = np.einsum("cit,ct->it", encoders, fitted.weights_[:-1]) @ fitted.selection_index_
    values = part.values(part.inputs(cross.data[:180].to_numpy()), fitted.folds_)
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_encoders_without_weight_are_left_out(cross, make):
    model = make(max_iter=1).fit(cross.data[:60], cross.target[:60])
    model.weights_ = np.array([[0, 0], [0.5, 0], [0, 0], [0.5, 1]])
    model.selection_index_ = np.eye(2)
    assert len(EncoderPart(model, [0]).encoder.token_dropout) == 3
    nothing = EncoderPart(model, [1])
    assert (nothing.values(nothing.inputs(cross.data.to_numpy()[:5])) == 0).all()


def test_contributions_are_integrated_gradients(cross, fitted):
    """Against central differences, in double precision, at the middles of 2,000 steps."""
    part = EncoderPart(fitted, [1])
    Z = part.inputs(cross.data[180:182].to_numpy())
    reference = part.inputs(cross.data.to_numpy().mean(axis=0)[None])
    found = part.contributions(Z, reference, 1e-4)
    t = (torch.arange(2000)[:, None] + 0.5) / 2000
    shares = fitted.weights_[:-1, 1] * fitted.y_scale_[1]

    def predict(path):
        members = fitted.net_.predict_double(path)[:, :, 1]
        return shares @ members.reshape(3, 3, -1).mean(axis=1)

    for i, marker in [(0, 3), (0, 100), (1, 200)]:
        step = Z[i] - reference[0]
        path, nudge = (reference + t * step).double(), torch.zeros(Z.shape[1]).double()
        nudge[marker] = 1e-5
        slope = (predict(path + nudge) - predict(path - nudge)).mean() / 2e-5
        assert found[i, marker] == pytest.approx(slope * float(step[marker]), abs=1e-4)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3])
def test_contributions_keep_the_tolerance(cross, fitted, part, tolerance):
    Z = part.inputs(cross.data.to_numpy()[:40])
    reference = Z.mean(dim=0, keepdim=True)
    change = part.values(Z)[:, 0] - part.values(reference)[0, 0]
    gaps = part.contributions(Z, reference, tolerance).sum(axis=1) - change
    assert np.abs(gaps).max() <= tolerance


def test_columns_of_the_markers_that_reach_the_encoder(cross, fitted, make):
    kept = fitted.preprocessor_.get_support(indices=True)
    assert encoder_columns(fitted).tolist() == kept.tolist()
    X, y = cross.data[:40], cross.target[:40]
    without = make(preprocessor=None, max_iter=1).fit(X, y)
    assert encoder_columns(without).tolist() == list(range(X.shape[1]))
    with pytest.raises(ValueError, match=r"PCA makes new columns \('pca0'\)"):
        encoder_columns(make(preprocessor=PCA(2), max_iter=1).fit(X, y))
