import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktransformer_gp.io import Genotypes, match_markers
from sktransformer_gp.io.marker_table import make_markers, parse_markers


def panel(dosages, markers, ploidy=2):
    dosages = np.array(dosages)
    samples = np.array([f"s{i}" for i in range(len(dosages))], dtype=object)
    kind = np.float32 if dosages.dtype.kind == "f" else np.int8
    return Genotypes(dosages.astype(kind), samples, markers, ploidy)


def table(*rows):
    return make_markers(*zip(*rows, strict=True))


TRAINING = table(
    ("rs1", "1", 100, "G", "A"),
    ("rs2", "1", 200, "T", "C"),
    (".", "2", 300, "C", "G"),
    ("rs4", "2", 400, "A", "T"),
)


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations(range(4)),
    swapped=st.lists(st.booleans(), min_size=4, max_size=4),
    values=st.lists(st.lists(st.integers(-1, 2), min_size=4, max_size=4), min_size=1, max_size=3),
    extra=st.booleans(),
)
def test_order_flips_and_surplus_markers_are_undone(order, swapped, values, extra):
    expected = np.array(values)
    columns = ["counted_allele", "other_allele"]
    theirs = TRAINING.copy()
    theirs.loc[swapped, columns] = TRAINING.loc[swapped, columns[::-1]].to_numpy()
    theirs = make_markers(*theirs.to_numpy().T)
    dosages = np.where(np.array(swapped) & (expected >= 0), 2 - expected, expected)
    if extra:
        theirs = make_markers(*np.vstack([theirs.to_numpy(), ["rs9", "3", 5, "A", "C"]]).T)
        order, dosages = [*order, 4], np.c_[dosages, dosages[:, 0]]
    candidates = panel(dosages[:, order], theirs.iloc[order])

    match = match_markers(candidates, TRAINING)

    np.testing.assert_array_equal(match.genotypes.dosages, expected)
    pd.testing.assert_frame_equal(match.genotypes.markers, TRAINING)
    assert match.flipped == TRAINING.index[swapped].tolist()
    assert match.missing == match.contradicting == []


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("rs1", "1", 100, "G", "A"), True),
        (("rs1", "7", 999, "G", "A"), True),  # by id, on another map
        ((".", "1", 100, "G", "A"), True),  # by position
        ((".", "chr01", 100, "g", "a"), True),
        (("rs8", "Chr1", 100, "G", "A"), True),
        ((".", "1", 101, "G", "A"), False),
        ((".", "11", 100, "G", "A"), False),
        (("rs8", "0", 0, "G", "A"), False),
        (("rs1", "1", 100, "C", "A"), False),  # other alleles
        (("rs1", "1", 100, "C", "T"), False),  # the other strand
        (("rs1", "1", 100, ".", "A"), True),  # monomorphic
        (("rs1", "1", 100, ".", "."), True),
    ],
)
def test_what_is_the_same_marker(row, found):
    match = match_markers(panel([[1], [2]], table(row)), TRAINING, max_missing=1) if found else None
    if match is None:
        with pytest.raises(ValueError, match=r"4 of 4 training markers \(100.0%\) are missing"):
            match_markers(panel([[1], [2]], table(row)), TRAINING, max_missing=1)
        return
    np.testing.assert_array_equal(match.genotypes.dosages, [[1, -1, -1, -1], [2, -1, -1, -1]])
    assert match.missing == TRAINING.index[1:].tolist()


def test_monomorphic_for_the_counted_allele_is_flipped():
    # No ALT in the candidates' file, whose REF is the allele that training counts.
    match = match_markers(panel([[0], [-1]], table(("rs1", "1", 100, ".", "G"))), TRAINING.iloc[:1])

    np.testing.assert_array_equal(match.genotypes.dosages, [[2], [-1]])
    assert match.flipped == ["1:100:rs1"]


def test_the_site_with_the_right_alleles_is_taken():
    theirs = table(("rs1:A_T", "1", 100, "T", "A"), ("rs1:A_G", "1", 100, "G", "A"))

    match = match_markers(panel([[0, 1]], theirs), TRAINING.iloc[:1])

    assert match.genotypes.dosages.tolist() == [[1]]


def test_an_id_that_several_markers_have_is_no_id():
    theirs = table(("rs1", "5", 1, "G", "A"), ("rs1", "5", 2, "G", "A"), ("x", "1", 100, "G", "A"))

    assert match_markers(panel([[0, 1, 2]], theirs), TRAINING.iloc[:1]).genotypes.dosages == 2


def test_alleles_in_place_of_an_id_do_not_match_elsewhere():
    training = parse_markers(["1:5:T_C", "1:9:A_G"])
    theirs = parse_markers(["1:9:A_G", "3:70:T_C"])

    match = match_markers(panel([[1, 2]], theirs), training, max_missing=0.5)

    assert match.missing == ["1:5:T_C"]


def test_names_of_a_fitted_model_are_kept_word_for_word():
    names = ["1:0.10:a", "1:20:b"]
    match = match_markers(panel([[2, 1]], parse_markers(["1:20.0:b", "1:0.1:a"])), names)

    assert match.genotypes.to_frame().columns.tolist() == names
    assert match.genotypes.dosages.tolist() == [[1, 2]]


def test_names_without_a_map():
    match = match_markers(panel([[2, 1]], parse_markers(["w2", "w1"])), ["w1", "w2"])
    assert match.genotypes.dosages.tolist() == [[1, 2]]


def test_fractions_and_other_ploidies():
    theirs = table(("rs1", "1", 100, "A", "G"), ("rs2", "1", 200, "T", "C"))
    match = match_markers(
        panel([[0.5, 3.5], [np.nan, 1]], theirs, ploidy=4), TRAINING, max_missing=0.5, ploidy=4
    )

    nan = np.nan
    np.testing.assert_array_equal(
        match.genotypes.dosages, [[3.5, 3.5, nan, nan], [nan, 1, nan, nan]]
    )
    assert match.genotypes.ploidy == 4
    with pytest.raises(ValueError, match="trained on ploidy 2, the genotypes have 4"):
        match_markers(panel([[0.5, 3.5]], theirs, ploidy=4), TRAINING, ploidy=2)


def test_share_of_missing_markers():
    theirs = panel([[1, 0, 2]], TRAINING.iloc[:3].assign(counted_allele=["T", "T", "C"]))

    match = match_markers(theirs, TRAINING, max_missing=0.5)

    assert repr(match) == "2 of 4 markers found, 0 flipped, 2 missing (1 have other alleles)"
    assert match.contradicting == ["1:100:rs1"]
    assert match.missing == ["1:100:rs1", "2:400:rs4"]
    message = (
        r"2 of 4 training markers \(50.0%\) are missing, such as '1:100:rs1', '2:400:rs4', of "
        r"which 1 have other alleles; max_missing allows 49.0%"
    )
    with pytest.raises(ValueError, match=message):
        match_markers(theirs, TRAINING, max_missing=0.49)


@pytest.mark.parametrize(
    ("markers", "options", "message"),
    [
        (TRAINING, {"max_missing": 1.5}, r"share in \[0, 1\], got 1.5"),
        (TRAINING[["id"]], {}, "a table with the columns"),
        ([], {}, "and 0 rows"),
    ],
)
def test_bad_parameters(markers, options, message):
    with pytest.raises(ValueError, match=message):
        match_markers(panel([[1, 0, 2, 1]], TRAINING), markers, **options)
