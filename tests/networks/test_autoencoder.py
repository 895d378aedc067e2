import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.networks import GenotypeAutoencoder
from sktransformer_gp.networks.calls import as_calls
from sktransformer_gp.saving import load_model, save_model
from sktransformer_gp.simulation import make_cross

SMALL = {"max_iter": 20, "random_state": 0}


@pytest.fixture(scope="module")
def cross():
    """Three chromosomes of an F2, 4.7 Morgans in all."""
    cross = make_cross(240, 1500, ploidy=2, random_state=0, as_frame=True)
    few = np.isin(cross.chromosomes, ["chr01", "chr02", "chr03"])
    return Bunch(
        data=cross.data.loc[:, few], target=cross.target, chromosomes=cross.chromosomes[few]
    )


@pytest.fixture(scope="module")
def narrow(cross):
    return GenotypeAutoencoder(12, **SMALL).fit(cross.data[:200])


@pytest.fixture(scope="module")
def wide(cross):
    return GenotypeAutoencoder(None, **SMALL).fit(cross.data[:200])


def masked(X, share=0.2):
    return X.mask(np.random.default_rng(1).random(X.shape) < share, -1).astype(np.int8)


def test_hidden_calls_of_new_samples_are_told(cross, wide):
    X = cross.data[200:]
    seen = masked(X)
    gone = (seen == -1).to_numpy()

    filled = wide.impute(seen)

    assert filled.dtype == np.int8
    assert (filled == X.to_numpy())[~gone].all()
    # Observed neighbours are 3.5 cM apart on average, 2 gametes: about 4 % of the calls lie within
    # a crossover's reach and are a guess.
    assert (filled == X.to_numpy())[gone].mean() > 0.85


def test_codes_keep_more_than_as_many_principal_components_of_another_sample(cross, narrow):
    X = cross.data[200:]
    codes = narrow.transform(X)
    back = narrow.inverse_transform(codes)
    mean = cross.data[:200].mean().to_numpy()

    assert codes.shape == (40, 12) and back.shape == X.shape
    assert back.min() >= 0 and back.max() <= 2
    error = ((back - X) ** 2).to_numpy().mean()
    assert error < ((X - mean) ** 2).to_numpy().mean()
    # The network reads more from a code of this size than the linear way back does.
    pca = PCA(12).fit(cross.data[:200])
    linear = pca.inverse_transform(pca.transform(X))
    assert error < ((linear - X) ** 2).to_numpy().mean()


def test_expected_dosages_and_scores_are_those_of_the_probabilities(cross, narrow):
    X = masked(cross.data[200:])
    logits = narrow.net_.predict_double(as_calls(X.to_numpy()))[0]
    p = softmax(logits, axis=-1)
    expected = p[..., 1] + 2 * p[..., 2]

    np.testing.assert_allclose(narrow.inverse_transform(narrow.transform(X)), expected, rtol=1e-9)
    scores = [
        np.mean([np.log(p[i, j, x]) for j, x in enumerate(row) if x != -1])
        for i, row in enumerate(X.to_numpy())
    ]
    np.testing.assert_allclose(narrow.score_samples(X), scores, rtol=1e-9)
    nothing = np.full((1, X.shape[1]), -1, dtype=np.int8)
    assert narrow.score_samples(pd.DataFrame(nothing, columns=X.columns)).tolist() == [0]


def test_a_sample_of_shuffled_markers_scores_lowest(cross, narrow):
    X = cross.data[200:].copy()
    X.iloc[5] = np.random.default_rng(0).permutation(X.iloc[5])

    assert narrow.score_samples(X).argmin() == 5


def test_floats_give_expected_dosages_and_may_be_centred(cross):
    X = masked(cross.data[:60]).astype(float).replace(-1, np.nan)
    model = GenotypeAutoencoder(None, **{**SMALL, "max_iter": 3})
    plain = clone(model).fit(X).impute(X)
    shifted = clone(model).fit(X - 1.5)

    assert (plain % 1 > 0).any() and plain.min() >= 0 and plain.max() <= 2
    assert shifted.lowest_ == -2
    assert np.isfinite(shifted.impute(X - 1.5)).all()


def test_what_lies_outside_the_dosages_of_fit_is_an_error(cross, narrow):
    with pytest.raises(ValueError, match="got the dosage 3, above the ploidy 2"):
        narrow.transform(cross.data + 1)
    with pytest.raises(ValueError, match="a code has 12 values, got 3"):
        narrow.inverse_transform(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"mask_rate is a number in \[0, 1\), got 1"):
        GenotypeAutoencoder(mask_rate=1).fit(cross.data)


def test_seeds(cross):
    X = cross.data[:40].to_numpy()
    first, again, other = (
        GenotypeAutoencoder(4, max_iter=2, random_state=seed).fit(X).score_samples(X)
        for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_codes_are_named_and_go_into_a_regressor(cross):
    coder = GenotypeAutoencoder(4, **{**SMALL, "max_iter": 2})
    model = make_pipeline(coder, GBLUPRegressor()).set_output(transform="pandas")

    predicted = model.fit(cross.data, cross.target).predict(cross.data)

    assert predicted.shape == (240, 2)
    assert model[0].get_feature_names_out().tolist() == [
        f"genotypeautoencoder{i}" for i in range(4)
    ]


def test_the_map_is_read_or_given(cross):
    coder = GenotypeAutoencoder(4, **{**SMALL, "max_iter": 1})
    read = clone(coder).fit(cross.data)
    given = clone(coder).fit(cross.data.to_numpy(), chromosomes=cross.chromosomes)

    np.testing.assert_array_equal(
        read.transform(cross.data), given.transform(cross.data.to_numpy())
    )


@pytest.mark.parametrize("fitted", ["narrow", "wide"])
def test_a_saved_network_tells_the_same(cross, tmp_path, fitted, request):
    model = request.getfixturevalue(fitted)
    save_model(model, tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    X = masked(cross.data[200:])

    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    np.testing.assert_array_equal(loaded.impute(X), model.impute(X))
    assert loaded.loss_curve_ == model.loss_curve_
