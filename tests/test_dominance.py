import numpy as np
import pytest
import torch

from sktransformer_gp import TransformerGPRegressor
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.dominance import dominance_moments
from sktransformer_gp.metrics import pearson_correlation


def deviations(X, moments):
    """Evaluate the deviations in units of the dosage."""
    s = X.std(axis=0)
    z = (X - X.mean(axis=0)) / np.where(s > 0, s, 1)
    skewness, factor = moments
    return s * factor * (1 + skewness * z - z**2)


def test_in_hardy_weinberg_equilibrium_they_are_those_of_vitezica():
    p, q = 0.3, 0.7
    X = np.repeat([2, 1, 0], [9, 42, 49])[:, None]
    found = deviations(X, dominance_moments(X))[:, 0]
    expected = np.select([X[:, 0] == 2, X[:, 0] == 1], [-2 * q**2, 2 * p * q], -2 * p**2)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("ploidy", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_heterozygosity_less_its_regression_on_the_dosage(ploidy, weighted):
    rng = np.random.default_rng(0)
    X = rng.binomial(ploidy, [0.1, 0.3, 0.5, 0.8], size=(3000, 4))
    X[:5] = ploidy
    weights = rng.uniform(0.2, 3, len(X)) if weighted else None
    skewness, factor = dominance_moments(X, weights)
    for j, x in enumerate(X.T):
        w = np.ones(len(x)) if weights is None else weights
        h = 2 * x * (ploidy - x) / ploidy
        design = np.sqrt(w)[:, None] * np.column_stack([np.ones(len(x)), x])
        a, b = np.linalg.lstsq(design, np.sqrt(w) * h, rcond=None)[0]
        mean = np.average(x, weights=w)
        s = np.sqrt(np.average((x - mean) ** 2, weights=w))
        z = (x - mean) / s
        found = factor[j] * (1 + skewness[j] * z - z**2)
        np.testing.assert_allclose(found, (h - a - b * x) / s, atol=1e-9)


def test_blocks_of_rows_change_nothing(monkeypatch):
    X = np.random.default_rng(0).binomial(2, 0.4, (50, 7))
    weights = np.random.default_rng(1).uniform(1, 2, 50)
    whole = dominance_moments(X, weights)
    monkeypatch.setattr("sktransformer_gp.dominance.BLOCK", 20)
    np.testing.assert_allclose(dominance_moments(X, weights), whole, rtol=1e-10, atol=1e-12)


def selfed(generations, n=2000, m=50):
    """Return dosages of unlinked markers after generations of selfing an F1."""
    rng = np.random.default_rng(generations)
    X = np.ones((n, m), dtype=np.int8)
    for _ in range(generations):
        X = np.where(X == 1, rng.binomial(2, 0.5, X.shape), X)
    return X


def test_inbred_lines_haploids_and_other_numbers_have_none():
    assert dominance_moments(selfed(1)) is not None  # F2
    assert dominance_moments(selfed(3)) is not None  # F4
    assert dominance_moments(selfed(4)) is None  # F5
    assert dominance_moments(selfed(1) > 0) is None
    assert dominance_moments(selfed(1) - 1) is None
    assert dominance_moments(np.full((5, 2), 2)) is None


def test_a_marker_of_two_genotypes_or_one_has_no_deviation():
    X = np.column_stack([selfed(1, m=8), np.ones(2000), selfed(1, m=1) // 2 * 2])
    found = deviations(X, dominance_moments(X))
    assert np.abs(found[:, :8]).max() > 0.4
    np.testing.assert_allclose(found[:, 8:], 0, atol=1e-12)


@pytest.fixture(scope="module")
def cross():
    """Simulate an F2 where heterozygotes at two loci are beyond either homozygote."""
    cross = make_cross(450, 300, 1, ploidy=2, random_state=0)
    overdominant = (cross.data[:, [60, 200]] == 1).sum(axis=1)
    y = overdominant + np.random.default_rng(0).normal(size=450) * 0.5
    return cross.data, y


def test_a_model_that_reads_them_sees_heterozygotes(cross):
    X, y = cross
    r = {}
    for dominance in (False, True):
        model = TransformerGPRegressor(dominance=dominance, random_state=0).fit(X[:350], y[:350])
        r[dominance] = pearson_correlation(y[350:], model.predict(X[350:]))
    # 0.71**2 of heterozygosity's variance is that of two loci: r = .82 at most.
    assert r[True] > 0.7
    assert r[False] < r[True] - 0.3
    assert model.component_names_ == [*(f"encoder_{i}" for i in range(4)), "polygenic"]
    assert model.weights_[3, 0] == model.weights_.max()


def test_members_of_other_regimes_stay_blind(cross):
    X, y = cross
    model = TransformerGPRegressor(max_iter=2, random_state=0).fit(X[:100], y[:100])
    encoder = model.net_.module_
    n_places = encoder.windows.shape[1]
    for parameter in (encoder.gate, encoder.additive, encoder.embed.weight):
        # Members first, and the places last.
        dosage, dominance = parameter.detach().split(n_places, dim=-1)
        filled = encoder.windows < len(encoder.center)
        if parameter is encoder.embed.weight:
            filled = filled[:, None].expand(-1, encoder.embed.weight.shape[2], -1)
        assert (dominance[:15] == 0).all()
        assert (dominance[15:, ..., filled] != 0).all()
        assert (dosage[..., filled] != 0).all()
    # Those that read them have the mean penalty of the other regimes, as the additive ones have.
    np.testing.assert_allclose(model.net_.gate_penalty, np.repeat([0.04, 0.12, 0.08, 0.08], 5))
    # What combines windows stays at zero in the additive regime, and nowhere else.
    readout = encoder.readout
    for part in (readout.combined, readout.from_pool, readout.output):
        weight = part.weight.detach()
        assert (weight[10:15] == 0).all()
        assert all((member != 0).any() for member in [*weight[:10], *weight[15:]])


@pytest.mark.parametrize(
    "parameters",
    [
        {"dominance": False},
        {"gate_penalty": None},
        {"tokens": "dense"},
        {"cross_fitting": None, "gate_penalty": 0.04, "token_dropout": 0.0},
    ],
)
def test_some_models_do_not_read_them(cross, parameters):
    X, y = cross[0][:80, :30], cross[1][:80]
    model = TransformerGPRegressor(max_iter=1, d_model=4, random_state=0, **parameters).fit(X, y)
    assert model.net_.module_.dominance is None
    assert "encoder_3" not in model.component_names_


def test_with_haploids_the_parameter_changes_nothing(cross):
    X, y = cross[0][:100] // 2, cross[1][:100]
    fits = [
        TransformerGPRegressor(dominance=d, max_iter=1, random_state=0).fit(X, y)
        for d in (False, True)
    ]
    np.testing.assert_array_equal(*(model.predict(X) for model in fits))


def test_an_encoder_reads_what_the_moments_say():
    X = selfed(1, n=200, m=70)
    y = (X[:, 3] == 1) + np.random.default_rng(0).normal(size=200)
    model = TransformerGPRegressor(max_iter=1, preprocessor=None, random_state=0).fit(X, y)
    places = model.net_.module_.read(torch.tensor(X)).detach().numpy()
    dosage, dominance = np.split(places, 2, axis=2)  # windows of 35 markers
    s = X.std(axis=0)
    expected = deviations(X, dominance_moments(X)) / s
    np.testing.assert_allclose(dominance.reshape(200, 70), expected, atol=1e-5)
    np.testing.assert_allclose(dosage.reshape(200, 70), (X - X.mean(axis=0)) / s, atol=1e-5)
