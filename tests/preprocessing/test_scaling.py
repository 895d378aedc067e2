import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sktransformer_gp.preprocessing import DosageScaler
from sktransformer_gp.relationship import relationship_matrix


@pytest.fixture
def dosages():
    rng = np.random.default_rng(0)
    return rng.binomial(2, rng.uniform(0.1, 0.9, 30), (40, 30)).astype(np.int8)


def test_products_of_vanraden_scaled_dosages_are_the_relationships(dosages):
    Z = DosageScaler("vanraden").fit_transform(dosages)

    # Float32 sums over 30 markers.
    np.testing.assert_allclose(Z @ Z.T, relationship_matrix(dosages), atol=1e-5)


def test_relationships_of_new_samples_use_the_training_rows_alone(dosages):
    old, new = dosages[:30].astype(float), dosages[30:].astype(float)
    scaler = DosageScaler("vanraden").fit(old)

    ours = scaler.transform(new) @ scaler.transform(old).T

    mean = old.mean(axis=0)
    expected = (new - mean) @ (old - mean).T / old.var(axis=0).sum()
    np.testing.assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize(("scaling", "with_std"), [("center", False), ("unit_variance", True)])
def test_scaler_agrees_with_scikit_learn(dosages, scaling, with_std):
    X = np.where(np.random.default_rng(1).random(dosages.shape) < 0.1, -1, dosages)
    as_nan = np.where(X < 0, np.nan, X)
    theirs = StandardScaler(with_std=with_std).fit(as_nan)

    np.testing.assert_allclose(
        DosageScaler(scaling).fit(as_nan).transform(as_nan), theirs.transform(as_nan), atol=1e-12
    )
    # Float32 for integers.
    np.testing.assert_allclose(
        DosageScaler(scaling).fit(X).transform(X), theirs.transform(as_nan), atol=1e-5
    )


@pytest.mark.parametrize("scaling", ["center", "vanraden", "unit_variance"])
@pytest.mark.parametrize("constant", [0, 1, 0.1, np.nan])
def test_monomorphic_markers_become_zero_in_all_rows(dosages, scaling, constant):
    train = dosages.astype(float)
    train[:, 4] = constant
    scaler = DosageScaler(scaling).fit(train)

    assert (scaler.transform(dosages.astype(float))[:, 4] == 0).all()
    assert np.isfinite(scaler.transform(dosages)).all()


@pytest.mark.parametrize("scaling", ["center", "vanraden", "unit_variance"])
def test_nothing_but_monomorphic_markers_give_zeros(scaling):
    assert (DosageScaler(scaling).fit_transform(np.ones((4, 3), np.int8)) == 0).all()


def test_many_markers_are_scaled_as_few_are():
    X = np.random.default_rng(0).integers(0, 3, (20, 5000)).astype(float)

    Z = DosageScaler("unit_variance").fit_transform(X)

    np.testing.assert_allclose(Z, StandardScaler().fit_transform(X), atol=1e-12)


def test_types_are_kept_or_float32(dosages):
    assert DosageScaler().fit_transform(dosages).dtype == np.float32
    assert DosageScaler().fit_transform(dosages.astype(np.int64)).dtype == np.float32
    assert DosageScaler().fit_transform(dosages.astype(np.float32)).dtype == np.float32


def test_unknown_scaling_is_named(dosages):
    with pytest.raises(ValueError, match=r"'vanraden', .*, got 'sd'"):
        DosageScaler("sd").fit(dosages)
