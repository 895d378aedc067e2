import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import GBLUPRegressor
from sktransformer_gp.io import Genotypes, align

FRAME = pd.DataFrame(
    [[0, 2], [1, 1], [2, 0], [2, 2]], ["d", "a", "7", "c"], ["1:5:A_G", "1:9:rs2"], dtype=np.int8
)
GENOTYPES = Genotypes.from_frame(FRAME)
PHENOTYPES = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [5.0, np.nan, 7, 8]}, [7, "c", "d", "z"])


def test_rows_belong_together_in_the_order_of_the_genotypes():
    aligned = align(GENOTYPES, PHENOTYPES)

    pd.testing.assert_frame_equal(aligned.X, FRAME.loc[["d", "7", "c"]], check_names=False)
    expected = PHENOTYPES.rename(index=str).loc[["d", "7", "c"]]
    pd.testing.assert_frame_equal(aligned.y, expected)
    assert aligned.genotypes.samples.tolist() == ["d", "7", "c"]


def test_who_is_left_out():
    aligned = align(GENOTYPES, PHENOTYPES)

    assert aligned.only_genotyped == ["a"]
    assert aligned.only_phenotyped == ["z"]
    assert repr(aligned) == (
        "3 samples with genotypes and phenotypes; 1 with genotypes only: 'a'; "
        "1 with phenotypes only: 'z'"
    )


def test_all_there():
    aligned = align(GENOTYPES, pd.Series([1.0, 2, 3, 4], ["a", "c", "d", "7"], name="x"))

    assert repr(aligned) == "4 samples with genotypes and phenotypes"
    assert aligned.y["x"].tolist() == [3, 1, 4, 2]


def test_replicates():
    records = pd.DataFrame({"x": [1.0, 3, 9, 2], "y": [np.nan, 4, np.nan, 5]}, ["d", "d", "a", "c"])
    with pytest.raises(
        ValueError, match=r"1 samples have several records .*: 'd'; replicates='mean'"
    ):
        align(GENOTYPES, records)

    aligned = align(GENOTYPES, records, replicates="mean")

    # The mean over those observed.
    np.testing.assert_array_equal(aligned.y, [[2, 4], [9, np.nan], [2, 5]])
    assert aligned.only_genotyped == ["7"]


def test_nothing_matches():
    message = "the genotypes are of 'd', 'a', '7', ..., the phenotypes of 'D', 'A'"
    with pytest.raises(ValueError, match=message):
        align(GENOTYPES, pd.DataFrame({"x": [1.0, 2]}, ["D", "A"]))


def test_bad_parameter():
    with pytest.raises(ValueError, match=r"replicates is one of .*, got 'median'"):
        align(GENOTYPES, PHENOTYPES, replicates="median")


def test_an_estimator_takes_it():
    aligned = align(GENOTYPES, PHENOTYPES[["x"]])

    model = GBLUPRegressor().fit(aligned.X, aligned.y)

    assert model.feature_names_in_.tolist() == list(FRAME)
    assert model.predict(FRAME.loc[["a"]].rename_axis(columns="marker")).shape == (1, 1)
