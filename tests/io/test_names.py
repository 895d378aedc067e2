import pytest

from sktransformer_gp.io.marker_table import make_markers
from sktransformer_gp.io.names import examples, find_markers, find_samples

MARKERS = make_markers(
    ["a", "b", "a", "."], ["1", "1", "2", "2"], [5, 6, 7, 8], ["G"] * 4, ["A"] * 4
)


def test_markers_by_name_or_unique_id_in_the_order_asked_for():
    assert find_markers(["2:7:a", "b", "2:8:A_G"], MARKERS).tolist() == [2, 1, 3]
    assert find_markers(None, MARKERS).tolist() == [0, 1, 2, 3]


def test_a_name_goes_before_an_id():
    markers = make_markers(["1:6:x", "x"], ["1", "1"], [5, 6], ["G"] * 2, ["A"] * 2)

    assert markers.index.tolist() == ["1:5:1:6:x", "1:6:x"]
    assert find_markers(["1:6:x"], markers).tolist() == [1]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["a"], "1 of 1 markers are unknown: 'a'; the valid names are"),
        (["b", "."], r"1 of 2 markers are unknown: '\.'"),
        (["b", "1:6:b"], "markers are asked for twice, such as '1:6:b'"),
        ([], "markers is a list of at least one name, got \\[\\]"),
        ("b", "markers is a list of at least one name, got 'b'"),
    ],
)
def test_markers_that_cannot_be_found(wanted, message):
    with pytest.raises(ValueError, match=message):
        find_markers(wanted, MARKERS)


def test_samples():
    assert find_samples(["c", "a"], ["a", "b", "c"]).tolist() == [2, 0]
    assert find_samples(None, ["a", "b"]).tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"unknown: 'z'; the valid names are 'a', 'b'$"):
        find_samples(["z"], ["a", "b"])


def test_examples_are_few():
    assert examples(str(i) for i in range(1000)) == "'0', '1', '2', ..."
    assert examples(["x"]) == "'x'"
