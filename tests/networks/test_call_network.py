import numpy as np
import pytest

from sktransformer_gp.networks import GenotypeAutoencoder, MaskedGenotypePretrainer
from sktransformer_gp.networks.call_network import CallNetwork

X = np.random.default_rng(0).integers(-1, 3, (30, 8), dtype=np.int8)
MODELS = [GenotypeAutoencoder(3, max_iter=1), MaskedGenotypePretrainer(max_iter=1)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_dosages_are_read_from_zero(model):
    assert isinstance(model, CallNetwork)
    read = model.fit(X).read(X)
    assert read.dtype.itemsize == 1 and (read.numpy() == X).all()

    centred = np.where(X == -1, np.nan, X - 1.5)
    read = model.fit(centred).read(centred).numpy()
    assert model.lowest_ == -2
    np.testing.assert_array_equal(read, np.where(X == -1, -1, X + 0.5))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_marker_that_nobody_had_is_told_as_zero(model):
    never = X.copy()
    never[:, 3] = -1

    assert (model.fit(never).impute(never)[:, 3] == 0).all()
