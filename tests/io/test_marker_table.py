import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktransformer_gp.io.marker_table import (
    COLUMNS,
    is_finite,
    make_markers,
    marker_name,
    numbers,
    parse_markers,
)
from sktransformer_gp.markers import chromosomes_from_names, marker_names


def test_names_are_those_of_the_package():
    markers = make_markers(["rs1", "rs2"], ["1", "X"], [5, 900], ["G", "T"], ["A", "C"])

    assert list(markers.columns) == COLUMNS
    assert markers.index.tolist() == marker_names(["1", "X"], [5, 900], ["rs1", "rs2"]).tolist()
    assert chromosomes_from_names(markers.index).tolist() == ["1", "X"]


def test_marker_without_an_id_is_named_by_its_alleles():
    markers = make_markers([".", "."], ["1", "1"], [5, 6], ["G", "."], ["A", "."])

    assert markers.index.tolist() == ["1:5:A_G", "1:6"]
    assert markers["id"].tolist() == [".", "."]


def test_repeated_names_are_numbered():
    ids = ["a", "a", "a:2", "a", "b", ".", "."]
    markers = make_markers(ids, ["1"] * 7, [5] * 7, ["G"] * 7, ["A"] * 7)

    assert markers.index.tolist() == [
        *("1:5:a", "1:5:a:3", "1:5:a:2", "1:5:a:4", "1:5:b", "1:5:A_G", "1:5:A_G:2"),
    ]
    # Name and id stay in step, so that a selection keeps its names.
    assert markers["id"].tolist() == ["a", "a:3", "a:2", "a:4", "b", ".", "A_G:2"]


def test_without_a_map_names_are_ids():
    assert marker_name("wPt.0538", ".", np.nan, ".", ".") == "wPt.0538"


def test_colon_in_a_chromosome_is_refused():
    with pytest.raises(ValueError, match="may not contain ':', got 'HLA:1'"):
        make_markers(["a"], ["HLA:1"], [1], ["."], ["."])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chr01:27915:T_C", [".", "chr01", 27915, "C", "T"]),
        ("chr01:27915:T_*", [".", "chr01", 27915, "*", "T"]),
        ("1:0.25:12_30969", ["12_30969", "1", 0.25, ".", "."]),
        ("1:5", [".", "1", 5, ".", "."]),
        ("1:5:rs1:A", ["rs1:A", "1", 5, ".", "."]),
        ("1:x:a", ["1:x:a", ".", np.nan, ".", "."]),
        ("wPt.0538", ["wPt.0538", ".", np.nan, ".", "."]),
    ],
)
def test_parsing(name, expected):
    markers = parse_markers([name])

    pd.testing.assert_frame_equal(
        markers, pd.DataFrame([expected], index=[name], columns=COLUMNS), check_dtype=False
    )


def test_a_map_covers_all_markers_or_none():
    assert parse_markers(["1:5:a", "b"])["chromosome"].tolist() == [".", "."]


ALLELE = st.sampled_from(["A", "C", "G", "T", "ACGT", "*"])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([".", "rs1", "x:y", "12_30969"]),
            st.sampled_from(["1", "chr2H", "0"]),
            st.integers(0, 10**10),
            ALLELE,
            ALLELE,
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[:3],
    )
)
def test_parsing_undoes_naming(rows):
    markers = make_markers(*zip(*rows, strict=True))
    parsed = parse_markers(markers.index)

    assert parsed.index.equals(markers.index)
    for column in ("id", "chromosome", "position"):
        assert parsed[column].tolist() == markers[column].tolist()
    nameless = markers["id"] == "."
    for column in COLUMNS[-2:]:
        assert parsed[column][nameless].tolist() == markers[column][nameless].tolist()


def test_numbers():
    assert numbers(["1", "20"]).dtype == np.int64
    np.testing.assert_array_equal(numbers(["1", "2.5"]), [1, 2.5])
    assert numbers([str(10**30)]) == [1e30]
    for bad in ("x", "nan", "inf", ""):
        with pytest.raises(ValueError, match=f"finite number, got '{bad}'"):
            numbers(["1", bad])
        assert not is_finite(bad)
