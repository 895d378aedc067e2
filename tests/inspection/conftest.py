import pytest

from sktransformer_gp.datasets import make_cross
from sktransformer_gp.regressor import TransformerGPRegressor

SMALL = {
    "window_size": 32,
    "d_model": 8,
    "dim_readout": 16,
    "dim_feedforward": 8,
    "cross_fitting": 3,
    "max_iter": 8,
    "random_state": 0,
}


@pytest.fixture(scope="session")
def cross():
    return make_cross(240, 400, 2, n_qtl=5, h2=0.8, random_state=1, as_frame=True)


@pytest.fixture(scope="session")
def f2():
    """Simulate an F2 whose first trait has an overdominant locus at marker 150."""
    f2 = make_cross(240, 300, 2, n_qtl=5, h2=0.8, ploidy=2, random_state=1, as_frame=True)
    f2.target["trait_1"] = f2.target["trait_1"] / 4 + (f2.data.iloc[:, 150] == 1)
    return f2


@pytest.fixture(scope="session")
def make():
    """Make a small model, unfitted."""
    return lambda **parameters: TransformerGPRegressor(**{**SMALL, **parameters})


@pytest.fixture(scope="session")
def fitted(cross, make):
    return make().fit(cross.data[:180], cross.target[:180])


@pytest.fixture(scope="session")
def fitted_f2(f2, make):
    return make().fit(f2.data[:180], f2.target[:180])
