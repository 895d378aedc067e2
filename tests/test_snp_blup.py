import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktransformer_gp import GBLUPRegressor, SNPBLUPRegressor, TransformerGPRegressor, gblup
from sktransformer_gp import regressor as regressor_module
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.inspection import marker_importance
from sktransformer_gp.inspection.changes import Substitution
from sktransformer_gp.inspection.steps import last_step
from sktransformer_gp.polygenic import PolygenicRegressor


@parametrize_with_checks([SNPBLUPRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=260, n_markers=300, n_traits=2, random_state=0)


def test_is_the_linear_kernel_of_the_polygenic_term(cross):
    folds, counts = np.arange(200) % 4, np.arange(300) % 3 + 1
    X, y, new = cross.data[:200], cross.target[:200], cross.data[200:]
    found = SNPBLUPRegressor().fit(X, y, folds, counts)
    kernels = PolygenicRegressor().fit(X, y, folds, counts)
    known = kernels._kernels(*kernels._relate(new))[0] @ kernels.dual_coef_[0]
    np.testing.assert_allclose(found.predict(new), known + kernels.intercept_[0], atol=1e-4)
    np.testing.assert_allclose(found.lambda_, kernels.lambda_[0], rtol=1e-6)


def test_out_of_fold_predictions_are_those_of_refits_with_the_same_lambda(cross):
    # With all the samples' lambda, which a refit can be given by a ridge regression.
    from sklearn.linear_model import Ridge

    folds, y = np.arange(260) % 3, cross.target[:, 0].copy()
    y[:50] = np.nan
    seen = ~np.isnan(y)
    model = SNPBLUPRegressor().fit(cross.data, y, folds)
    varies = cross.data.std(axis=0) > 0
    centred = cross.data[:, varies] - cross.data[:, varies].mean(axis=0)
    Z = centred / np.sqrt(centred.std(axis=0))
    for fold in range(3):
        out = folds == fold
        # In units of the mean diagonal of the kernel between the samples that are observed.
        alpha = model.lambda_ * Z[seen].var(axis=0).sum()
        refit = Ridge(alpha=alpha).fit(Z[seen & ~out], y[seen & ~out])
        # Of all samples, with or without a phenotype.
        np.testing.assert_allclose(model.out_of_fold_[out], refit.predict(Z[out]), atol=2e-3)
    left = y - model.out_of_fold_
    assert model.residual_std_ == pytest.approx(np.sqrt(np.nanmean(left**2)))
    _, std = model.predict(cross.data[:3], return_std=True)
    np.testing.assert_array_equal(std, model.residual_std_)


def test_without_folds_the_std_is_that_of_the_trait(cross):
    model = SNPBLUPRegressor().fit(cross.data, cross.target)
    # Genetic and residual variance add up to about the observed variance, not exactly by REML.
    np.testing.assert_allclose(model.residual_std_, cross.target.std(axis=0), rtol=0.1)


def test_a_trait_with_gaps_is_fitted_alone(cross):
    y = cross.target.copy()
    y[::3, 1] = np.nan
    both, alone = SNPBLUPRegressor().fit(cross.data, y), SNPBLUPRegressor()
    alone.fit(cross.data[~np.isnan(y[:, 1])], y[~np.isnan(y[:, 1]), 1])
    assert both.lambda_[1] == pytest.approx(alone.lambda_, rel=1e-3)
    # Each has its own centre and scale of the markers.
    r = np.corrcoef(both.predict(cross.data)[:, 1], alone.predict(cross.data))[0, 1]
    assert r > 0.999


@pytest.mark.parametrize("number", [1, 2.5, "all"])
def test_bad_number_of_samples(cross, number):
    with pytest.raises(ValueError, match="reml_samples is a whole number >= 2"):
        SNPBLUPRegressor(reml_samples=number).fit(cross.data, cross.target)


def test_gblup_of_many_samples_is_the_same(cross, monkeypatch):
    X = np.column_stack([cross.data, np.arange(260) % 2])
    model = GBLUPRegressor(fixed_effects=[300])
    known = model.fit(X, cross.target)
    expected = known.predict(X), known.h2_, known.variance_components_
    monkeypatch.setattr(gblup, "LARGEST_DECOMPOSITION", 100)
    found = model.fit(X, cross.target)
    np.testing.assert_allclose(found.predict(X), expected[0], atol=1e-4)
    np.testing.assert_allclose(found.h2_, expected[1], rtol=1e-6)
    np.testing.assert_allclose(found.variance_components_, expected[2], rtol=1e-4)


@pytest.fixture(scope="module")
def large(cross):
    """Give a transformer with so many samples that its polygenic term is linear."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regressor_module, "LARGEST_KERNEL", 100)
        model = TransformerGPRegressor(max_iter=4, random_state=0)
        return model.fit(cross.data[:200], cross.target[:200])


def test_is_the_polygenic_term_of_a_transformer(large, cross):
    assert isinstance(large.polygenic_, SNPBLUPRegressor)
    mean, std = large.predict(cross.data[200:], return_std=True)
    assert (np.abs(cross.target[200:] - mean) < 1.645 * std).mean() > 0.8  # 90 % expected
    r = [np.corrcoef(*pair)[0, 1] for pair in zip(mean.T, cross.target[200:].T, strict=True)]
    assert min(r) > 0.4


def test_is_saved_with_a_transformer(large, cross, tmp_path):
    large.save(tmp_path / "model.safetensors")
    loaded = TransformerGPRegressor.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(cross.data), large.predict(cross.data))


def test_is_seen_by_inspection(large, cross):
    table = marker_importance(large, cross.data[:60], method="gradient")
    assert table.importance.max() > 0
    substitution = Substitution(last_step(large, cross.data[:9]))
    changed = cross.data[:9].copy()
    changed[:, 5:40] = 1 - changed[:, 5:40]
    found = substitution.predict(np.arange(5, 40), changed[:, 5:40])
    # Encoders predict in single precision there.
    np.testing.assert_allclose(found, large.predict(changed), atol=1e-4)
