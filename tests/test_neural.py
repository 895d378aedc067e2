import numpy as np
import pytest
from sklearn.base import clone

from sktransformer_gp import (
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    MaskedGenotypePretrainer,
    PretrainedGPRegressor,
    TransformerGPRegressor,
)
from sktransformer_gp.simulation import make_cross

SEED = {"max_iter": 2, "random_state": 0}
MODELS = {
    "transformer": TransformerGPRegressor(cross_fitting=2, dim_readout=4, **SEED),
    "cnn": CNNGPRegressor(n_channels=4, dim_readout=4, **SEED),
    "cross-attention": CrossAttentionGPRegressor(**SEED),
    "pretrained": PretrainedGPRegressor(MaskedGenotypePretrainer(max_iter=1), **SEED),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture(scope="module")
def cross():
    return make_cross(60, 40, random_state=1)


@every_model
def test_weights_of_1_are_none_and_rows_of_weight_0_are_not_there(model, cross):
    X, y = cross.data, cross.target
    kept = np.arange(60) % 4 > 0

    ones = clone(model).fit(X, y, sample_weight=np.ones(60))
    some = clone(model).fit(X, np.where(kept[:, None], y, 99.0), sample_weight=kept)

    np.testing.assert_array_equal(ones.predict(X), clone(model).fit(X, y).predict(X))
    np.testing.assert_array_equal(some.predict(X), clone(model).fit(X[kept], y[kept]).predict(X))


@every_model
def test_a_trait_alone_is_predicted_in_one_dimension(model, cross):
    X, y = cross.data, cross.target[:, :1]

    column, alone = clone(model).fit(X, y), clone(model).fit(X, y[:, 0])

    assert column.predict(X).shape == (60, 1) and column.n_outputs_ == alone.n_outputs_ == 1
    np.testing.assert_array_equal(column.predict(X)[:, 0], alone.predict(X))


@every_model
def test_a_constant_trait_is_predicted_as_that_constant(model, cross):
    y = np.column_stack([cross.target[:, 0], np.full(60, 7.0)])

    predicted = clone(model).fit(cross.data, y).predict(cross.data)

    # A standardised 0, in units of 1: what initial weights leave after two epochs.
    np.testing.assert_allclose(predicted[:, 1], 7.0, atol=0.5)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "cross-attention"])
def test_a_batch_larger_than_the_samples_is_all_of_them(name, cross):
    X, y = cross.data, cross.target
    all_of_them, more = (clone(MODELS[name]).set_params(batch_size=n) for n in (60, 1000))

    np.testing.assert_array_equal(more.fit(X, y).predict(X), all_of_them.fit(X, y).predict(X))


@every_model
def test_the_record_is_in_epochs(model, cross):
    fitted = clone(model).fit(cross.data, cross.target)

    assert fitted.n_iter_ == 2 and len(fitted.loss_curve_) == 2
    assert np.isfinite(fitted.loss_curve_).all()
