import numpy as np
import pytest
import torch
from sklearn.base import clone

from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.networks import CNNGPRegressor
from sktransformer_gp.simulation import make_cross

SMALL = {"n_channels": 4, "dim_readout": 8, "random_state": 0}


@pytest.fixture(scope="module")
def cross():
    return make_cross(260, 150, n_qtl=4, h2=0.8, random_state=1, as_frame=True)


def r(y, predicted):
    return np.corrcoef(y, predicted)[0, 1]


def test_four_loci_are_found_better_than_by_kinship(cross):
    X, y = cross.data, cross.target.iloc[:, 0]
    model = CNNGPRegressor(max_iter=12, **SMALL).fit(X[:200], y[:200])

    # sqrt(h2) = .89 is the best there is; 60 rows give r a standard error of about .04.
    found = r(y[200:], model.predict(X[200:]))
    assert found > max(0.75, r(y[200:], GBLUPRegressor().fit(X[:200], y[:200]).predict(X[200:])))
    assert model.n_iter_ == 12 and model.loss_curve_[-1] < model.loss_curve_[0] / 2


def test_the_map_keeps_first_filters_inside_chromosomes(cross):
    model = CNNGPRegressor(max_iter=1, preprocessor=None, **SMALL).fit(cross.data, cross.target)
    places = model.net_.module_.places.numpy()

    assert set(model.chromosomes_) == set(cross.chromosomes)
    # 16 chromosomes, 8 empty places before each and after the last
    assert (places == 150).sum() == 17 * 8
    given = CNNGPRegressor(max_iter=1, preprocessor=None, **SMALL).fit(
        cross.data.to_numpy(), cross.target, chromosomes=cross.chromosomes
    )
    np.testing.assert_array_equal(given.predict(cross.data.to_numpy()), model.predict(cross.data))


def test_seeds_global_streams_and_types(cross):
    X, y = cross.data.to_numpy()[:60], cross.target.to_numpy()[:60]
    before = torch.random.get_rng_state()
    models = [
        CNNGPRegressor(max_iter=2, **{**SMALL, "random_state": seed}).fit(X.astype(dtype), y)
        for seed, dtype in ((0, np.int8), (0, np.float64), (1, np.int8))
    ]
    first, as_float, other = (model.predict(X) for model in models)

    np.testing.assert_allclose(first, as_float, atol=1e-4)  # float32 sums in another order
    assert not np.allclose(first, other)
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(clone(models[0]).fit(X, y).predict(X), first)


def test_rows_and_traits_without_phenotypes_are_left_out(cross):
    X, y = cross.data.to_numpy()[:80], cross.target.to_numpy()[:80].copy()
    y[60:] = np.nan
    y[:10, 1] = np.nan
    model = CNNGPRegressor(max_iter=2, **SMALL)

    np.testing.assert_array_equal(
        model.fit(X, y).predict(X), clone(model).fit(X[:60], y[:60]).predict(X)
    )
    assert np.isfinite(model.predict(X)).all()


def test_a_row_is_predicted_alike_in_any_company(cross):
    X, y = cross.data.to_numpy(), cross.target.to_numpy()
    model = CNNGPRegressor(max_iter=1, **SMALL).fit(X, y)

    np.testing.assert_allclose(model.predict(X)[7:9], model.predict(X[7:9]), rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kernel_size", 4, "kernel_size is an odd integer >= 1, got 4"),
        ("gate_penalty", 0, "gate_penalty is None or a number in"),
        ("locally_connected", 1, "locally_connected is True or False, got 1"),
        ("n_layers", -1, "n_layers is an integer >= 0, got -1"),
    ],
)
def test_invalid_parameters_are_named(cross, name, value, message):
    with pytest.raises(ValueError, match=message):
        CNNGPRegressor(**{name: value}).fit(cross.data, cross.target)
