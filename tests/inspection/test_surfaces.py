import warnings

import numpy as np
import pytest

from sktransformer_gp import GBLUPRegressor, LinkageMerger
from sktransformer_gp.inspection.steps import last_step
from sktransformer_gp.inspection.surfaces import make_surface
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.preprocessing import AssociationSelector

RNG = np.random.RandomState(0)


def test_blocks_at_their_means(cross, fitted):
    """Against the encoders' share of what the model predicts from changed dosages."""
    X = cross.data[180:]
    surface, _ = make_surface(last_step(fitted, X), None, 0.5, None, RNG)
    Z = X[surface_markers(fitted)].astype(float)

    def encoders(Z):
        frame = X.astype(float)
        frame[Z.columns] = Z
        members = fitted.predict_components(frame)[:-1] - fitted.y_mean_
        return np.einsum("cit,ct->it", members, fitted.weights_[:-1])

    np.testing.assert_allclose(surface.base, encoders(Z), atol=1e-5)
    for numbers in [(0,), (7,), (3, 11)]:
        changed = Z.copy()
        for number in numbers:
            block = surface.blocks[number]
            changed.iloc[:, block] = Z.iloc[:, block].mean().to_numpy()
        np.testing.assert_allclose(surface.without(*numbers), encoders(changed), atol=2e-5)


def surface_markers(model):
    return model.preprocessor_.get_feature_names_out(model.preprocessor_.feature_names_in_)


def test_other_models_are_looked_at_as_a_whole(cross):
    model = GBLUPRegressor().fit(cross.data[:180], cross.target[:180])
    X = cross.data[180:]
    surface, _ = make_surface(last_step(model, X), None, 0.5, None, RNG)
    changed = X.astype(float)
    changed.iloc[:, surface.blocks[4]] = X.iloc[:, surface.blocks[4]].mean().to_numpy()
    np.testing.assert_allclose(surface.base, model.predict(X))
    np.testing.assert_allclose(surface.without(4), model.predict(changed), rtol=1e-9)


def test_training_samples_are_predicted_by_what_has_not_seen_them(cross, fitted):
    X, Y = cross.data[:180], cross.target[:180].to_numpy()
    with warnings.catch_warnings(action="error"):
        surface, drawn = make_surface(last_step(fitted, X), Y, 0.5, 100, np.random.RandomState(3))
    rows = np.sort(np.random.RandomState(3).permutation(180)[:100])
    np.testing.assert_array_equal(drawn, Y[rows])
    parts, index = fitted.out_of_fold_ - fitted.y_mean_, fitted.selection_index_
    out_of_fold = np.einsum("cit,ct->it", parts, fitted.weights_) @ index
    left = surface.predicted - out_of_fold[rows]  # the intercepts, the same for all samples
    np.testing.assert_allclose(left, np.broadcast_to(left[0], left.shape), atol=1e-9)
    encoders = np.einsum("cit,ct->it", parts[:-1], fitted.weights_[:-1]) @ index
    np.testing.assert_allclose(surface.base, encoders[rows], atol=1e-5)


def test_training_samples_without_inner_folds_are_warned_of(cross, fitted):
    X, Y = cross.data[100:], cross.target[100:].to_numpy()
    with pytest.warns(UserWarning, match="80 of 140 samples have the dosages of training samples"):
        make_surface(last_step(fitted, X), Y, 0.5, None, RNG)
    model = PolygenicRegressor().fit(cross.data, cross.target)
    with pytest.warns(UserWarning, match="140 of 140 samples"):
        make_surface(last_step(model, X), Y, 0.5, None, RNG)


def test_samples_without_phenotypes_are_left_out(cross, fitted):
    X, Y = cross.data[180:], cross.target[180:].to_numpy(copy=True)
    Y[3], Y[5, 0] = np.nan, np.nan
    surface, drawn = make_surface(last_step(fitted, X), Y, 0.5, None, RNG)
    np.testing.assert_array_equal(drawn, np.delete(Y, 3, axis=0))
    np.testing.assert_allclose(surface.predicted, fitted.predict(X.drop(X.index[3])))


def test_markers_are_found_in_their_block_merged_ones_too(cross, make):
    single = {"cross_fitting": None, "gate_penalty": 0.03, "token_dropout": 0.0, "max_iter": 1}
    model = make(**single, preprocessor=LinkageMerger(0.7)).fit(cross.data, cross.target)
    surface, _ = make_surface(last_step(model, cross.data), None, 0.5, None, RNG)
    kept = surface_markers(model)
    for number in (0, 9, 30):
        assert surface.middles[number] in kept[surface.blocks[number]]
    names = cross.data.columns.to_numpy()
    merged = np.flatnonzero(~model.preprocessor_.get_support())[5]
    stands_for = names[model.preprocessor_.get_support(indices=True)]
    number = model.preprocessor_.groups_[merged]
    expected = next(n for n, b in enumerate(surface.blocks) if stands_for[number] in kept[b])
    far = "chr16:897643" if expected == 0 else names[0]
    assert expected in surface.find((names[merged], far))


def test_pairs_that_are_none_are_named(cross, fitted):
    surface, _ = make_surface(last_step(fitted, cross.data), None, 0.5, None, RNG)
    first = surface.middles[0]
    with pytest.raises(ValueError, match=r"names of markers that vary, .* got \('x', 'chr"):
        surface.find(("x", first))
    with pytest.raises(ValueError, match="pairs of names"):
        surface.find((first, first, first))
    with pytest.raises(ValueError, match="are in one block, chr01:"):
        surface.find((first, first))
    assert surface.find((surface.middles[5], first)) == (0, 5)


def test_embedded_dosages_have_no_mean(cross, make):
    model = make(tokens="embedding", preprocessor=AssociationSelector(k=10), max_iter=1)
    model.fit(cross.data[:60], cross.target[:60])
    with pytest.raises(ValueError, match="has no value at their means"):
        make_surface(last_step(model, cross.data), None, 0.5, None, RNG)
