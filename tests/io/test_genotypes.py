import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import DosageImputer, LinkageMerger
from sktransformer_gp.io import Genotypes
from sktransformer_gp.io.genotypes import as_dosages
from sktransformer_gp.io.marker_table import parse_markers
from sktransformer_gp.markers import chromosomes_from_names

FRAME = pd.DataFrame(
    [[0, 2, 1], [1, -1, 2]], ["a", "b"], ["1:5:A_G", "1:9:rs2", "2:7:C_T"], dtype=np.int8
)


def build(dosages=None, samples=("a", "b"), names=tuple(FRAME), ploidy=2):
    dosages = FRAME.to_numpy() if dosages is None else np.array(dosages)
    return Genotypes(dosages, np.array(samples, dtype=object), parse_markers(names), ploidy)


def test_frame_and_back():
    genotypes = Genotypes.from_frame(FRAME)
    frame = genotypes.to_frame()

    pd.testing.assert_frame_equal(frame, FRAME, check_names=False)
    assert (frame.index.name, frame.columns.name) == ("sample", "marker")
    assert np.shares_memory(frame.to_numpy(), genotypes.dosages)
    assert genotypes.markers.loc["2:7:C_T", "counted_allele"] == "T"


def test_the_map_goes_through_a_pipeline():
    X = Genotypes.from_frame(FRAME).to_frame()

    names = DosageImputer(strategy="mode").set_output(transform="pandas").fit_transform(X).columns

    assert chromosomes_from_names(names).tolist() == ["1", "1", "2"]
    assert LinkageMerger().fit(X.abs()).feature_names_in_.tolist() == list(FRAME)


def test_selection_is_in_the_order_asked_for():
    part = Genotypes.from_frame(FRAME).select(["b", "a"], ["2:7:C_T", "rs2"])

    assert part.samples.tolist() == ["b", "a"]
    assert part.markers.index.tolist() == ["2:7:C_T", "1:9:rs2"]
    np.testing.assert_array_equal(part.dosages, [[2, -1], [1, 2]])
    with pytest.raises(ValueError, match="samples are unknown: 'z'; the valid names are 'b', 'a'"):
        part.select(samples=["z"])


def test_selection_does_not_reach_back():
    genotypes = Genotypes.from_frame(FRAME)
    part = genotypes.select(samples=["a"])
    part.dosages[:] = 0

    np.testing.assert_array_equal(genotypes.dosages, FRAME)
    assert genotypes.select() is genotypes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": ("a",)}, r"1 samples and 3 markers have the shape \(1, 3\), got \(2, 3\)"),
        ({"samples": ("a", "a")}, "name of a sample stands once, got 'a'"),
        ({"names": ("x", "y", "x")}, "name of a marker stands once, got 'x'"),
        ({"ploidy": 1}, "ploidy 1 run from 0 to 1, got -1 to 2; give the ploidy"),
        ({"dosages": np.int8([[0, 0, -2]] * 2)}, "run from 0 to 2, got -2 to 0"),
        ({"dosages": np.float32([[0.5, 0, -1]] * 2)}, "run from 0 to 2, got -1 to 0.5"),
        ({"dosages": np.float32([[0.5, np.nan, 2.5]] * 2)}, "got 0 to 2.5"),
    ],
)
def test_parts_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_other_types_and_columns_are_refused():
    with pytest.raises(TypeError, match="int8 or float32, got int64"):
        build(dosages=np.zeros((2, 3), dtype=np.int64))
    with pytest.raises(ValueError, match="markers has the columns"):
        Genotypes(FRAME.to_numpy(), np.array(["a", "b"]), pd.DataFrame(index=list(FRAME)))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.float32, np.float64])
def test_whole_dosages_are_int8(kind):
    values = np.array([[0, 1], [2, 2]]).astype(kind)

    stored = as_dosages(values)

    assert stored.dtype == np.int8
    np.testing.assert_array_equal(stored, values)


def test_missing_is_minus_one_among_calls_and_nan_among_fractions():
    np.testing.assert_array_equal(as_dosages(np.array([[np.nan, -1, 2]])), np.int8([[-1, -1, 2]]))
    fractions = as_dosages(np.array([[np.nan, -1, 1.5]]))
    assert fractions.dtype == np.float32
    np.testing.assert_array_equal(fractions, [[np.nan, np.nan, 1.5]])


@pytest.mark.parametrize("value", [-2, 128, np.inf])
def test_no_dosages(value):
    with pytest.raises(ValueError, match="dosages run from 0 to the ploidy"):
        as_dosages(np.array([[0, value]]))


@pytest.mark.parametrize(
    ("dosages", "ploidy"), [(np.float32([[0.5] * 3] * 2), 2), (np.int8([[4] * 3] * 2), 4)]
)
def test_plink_has_no_place_for_fractions_and_tetraploids(tmp_path, dosages, ploidy):
    with pytest.raises(ValueError, match=r"holds calls \(int8\) of ploidy 1 or 2"):
        build(dosages=dosages, ploidy=ploidy).write_plink(tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_repr():
    assert repr(build()) == "Genotypes(2 samples x 3 markers, int8, ploidy 2)"
