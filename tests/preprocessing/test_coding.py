from math import comb

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

from sktransformer_gp.markers import chromosomes_from_names
from sktransformer_gp.preprocessing import GenotypeCoder


@pytest.fixture
def dosages():
    rng = np.random.default_rng(0)
    return rng.binomial(2, rng.uniform(0.1, 0.9, 8), (40, 8)).astype(np.int8)


@pytest.mark.parametrize(
    ("ploidy", "codes"), [(1, [-1, 1]), (2, [-1, 0, 1]), (4, [-1, -0.5, 0, 0.5, 1])]
)
def test_dosages_are_coded_from_minus_one_to_one(ploidy, codes):
    X = np.arange(ploidy + 1, dtype=np.int8)[:, None]

    coded = GenotypeCoder().fit_transform(X)

    assert coded.dtype == np.float32
    assert coded.ravel().tolist() == codes


@pytest.mark.parametrize("ploidy", [1, 2, 4])
def test_hardy_weinberg_codes_are_the_class_frequencies(ploidy):
    rng = np.random.default_rng(1)
    train = rng.binomial(ploidy, [0.2, 0.5, 0.9], (50, 3)).astype(float)
    new = rng.binomial(ploidy, 0.5, (20, 3)).astype(float)

    coder = GenotypeCoder("hardy_weinberg", ploidy=ploidy).fit(train)

    p = train.mean(axis=0) / ploidy
    expected = [
        [comb(ploidy, int(d)) * p[j] ** d * (1 - p[j]) ** (ploidy - d) for j, d in enumerate(row)]
        for row in new
    ]
    np.testing.assert_allclose(coder.transform(new), expected, rtol=1e-12)


def test_diploid_codes_are_those_of_the_paper(dosages):
    coded = GenotypeCoder("hardy_weinberg").fit_transform(dosages)

    p = dosages.mean(axis=0) / 2
    expected = np.choose(dosages, [(1 - p) ** 2, 2 * p * (1 - p), p**2])
    # Float32 output.
    np.testing.assert_allclose(coded, expected, rtol=1e-6)


def test_indicators_are_those_of_scikit_learn(dosages):
    coder = GenotypeCoder("one_hot").fit(dosages)

    coded = coder.transform(dosages)

    theirs = OneHotEncoder(categories=[range(3)] * 8, sparse_output=False).fit_transform(dosages)
    np.testing.assert_array_equal(coded, theirs)
    assert coded.dtype == np.int8
    assert coder.get_feature_names_out()[:4].tolist() == [
        "x0_dosage0",
        "x0_dosage1",
        "x0_dosage2",
        "x1_dosage0",
    ]


def test_indicators_carry_the_marker_map_on(dosages):
    frame = pd.DataFrame(dosages, columns=[f"chr{j // 4}:{j}:id" for j in range(8)])

    coded = GenotypeCoder("one_hot").set_output(transform="pandas").fit_transform(frame)

    assert coded.columns[5] == "chr0:1:id:dosage2"
    assert (coded["chr1:6:id:dosage1"] == (frame["chr1:6:id"] == 1)).all()
    assert chromosomes_from_names(coded.columns).tolist() == ["chr0"] * 12 + ["chr1"] * 12


@pytest.mark.parametrize("coding", ["dosage", "one_hot", "hardy_weinberg"])
def test_the_code_of_a_fraction_lies_between_those_of_whole_dosages(coding, dosages):
    coder = GenotypeCoder(coding).fit(dosages.astype(float))

    below, between, above = coder.transform(np.full((3, 8), [[1.0], [1.25], [2.0]]))

    np.testing.assert_allclose(between, 0.75 * below + 0.25 * above)


@pytest.mark.parametrize("coding", ["dosage", "one_hot", "hardy_weinberg"])
def test_dosages_out_of_range_are_refused(coding, dosages):
    coder = GenotypeCoder(coding).fit(dosages)

    with pytest.raises(ValueError, match="GenotypeCoder got the dosage 3, above the ploidy 2"):
        coder.transform(dosages + 1)
    with pytest.raises(ValueError, match="Negative values in data passed to GenotypeCoder"):
        coder.transform(dosages - 1.0)


def test_unknown_coding_is_named(dosages):
    with pytest.raises(ValueError, match=r"'one_hot', .*, got 'additive'"):
        GenotypeCoder("additive").fit(dosages)
