import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.preprocessing import MinorAlleleFilter


@pytest.fixture
def dosages():
    rng = np.random.default_rng(0)
    X = rng.binomial(2, rng.uniform(0, 1, 50), (40, 50)).astype(np.int8)
    X[rng.random(X.shape) < rng.uniform(0, 0.5, 50)] = -1
    X[:, 7] = -1
    X[:, 8] = 2
    return X


def kept_by_counting(X, maf, max_missing, ploidy):
    """Return the columns that pass, from lists of alleles."""
    kept = []
    for j, column in enumerate(X.T):
        alleles = [a for d in column if d >= 0 for a in [1] * int(d) + [0] * int(ploidy - d)]
        n_minor = min(alleles.count(0), alleles.count(1))
        n_missing = sum(d < 0 for d in column)
        if alleles and n_minor >= maf * len(alleles) and n_missing <= max_missing * len(column):
            kept.append(j)
    return kept


@pytest.mark.parametrize(
    ("maf", "max_missing", "ploidy"), [(0, 1, 2), (0.1, 1, 2), (0.25, 0.25, 2), (0.1, 0.3, 4)]
)
def test_markers_are_kept_as_counting_alleles_keeps_them(dosages, maf, max_missing, ploidy):
    fitted = MinorAlleleFilter(maf, max_missing, ploidy).fit(dosages)

    expected = kept_by_counting(dosages, maf, max_missing, ploidy)
    assert fitted.get_support(indices=True).tolist() == expected
    as_floats = np.where(dosages < 0, np.nan, dosages)
    again = MinorAlleleFilter(maf, max_missing, ploidy).fit(as_floats)
    assert again.get_support(indices=True).tolist() == expected


def test_missing_dosages_and_names_pass_through(dosages):
    frame = pd.DataFrame(dosages, columns=[f"1:{j}" for j in range(50)])

    out = MinorAlleleFilter(0.1).set_output(transform="pandas").fit_transform(frame)

    pd.testing.assert_frame_equal(out, frame[list(out.columns)])
    assert (out == -1).any(axis=None)


def test_haploid_and_inbred_coding_is_recognised():
    X = np.array([[0, 0], [1, 0], [0, 0], [0, 1]])

    fitted = MinorAlleleFilter().fit(X)

    assert fitted.ploidy_ == 1
    np.testing.assert_array_equal(fitted.maf_, [0.25, 0.25])


def test_centred_floats_are_counted_from_their_lowest():
    X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 2.0], [1.0, 0.0]])

    shifted = MinorAlleleFilter().fit(X - 1.5)  # -1.5 counts as .5 above -2

    assert shifted.ploidy_ == 3
    np.testing.assert_allclose(shifted.maf_, [1.5 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"maf": 0.6}, r"maf lies in \[0, 0.5\], got 0.6"),
        ({"max_missing": -1}, r"max_missing lies in \[0, 1\], got -1"),
        ({"ploidy": 1}, "MinorAlleleFilter got the dosage 2, above the ploidy 1"),
        ({"maf": 0.5, "max_missing": 0}, "none of the 50 markers has .* at least 0.5"),
    ],
)
def test_what_does_not_fit_is_named(dosages, parameters, message):
    with pytest.raises(ValueError, match=message):
        MinorAlleleFilter(**parameters).fit(dosages)
