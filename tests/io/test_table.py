import gzip

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.io import GenotypeFormatError, Genotypes, read_table
from sktransformer_gp.io.marker_table import COLUMNS, parse_markers

DOSAGES = np.int8([[0, 2, 1], [1, -1, 2]])
NAMES = ["1:5:A_G", "1:9:rs2", "2:7:C_T"]
BY_SAMPLE = "line,1:5:A_G,1:9:rs2,2:7:C_T\nB73,0,2,1\nMo17,1,NA,2.0\n"
BY_MARKER = "marker\tB73\tMo17\n1:5:A_G\t0\t1\n1:9:rs2\t2\t\n2:7:C_T\t1\t2\n"
WITH_MAP = (
    "SNP,Chr,Pos,counted_allele,other_allele,B73,Mo17\n"
    "snp1,1,5,G,A,0,1\nsnp2,1,9,T,,2,.\nsnp3,2,7,T,C,1,2\n"
)


def write(folder, text, name="panel.csv"):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (BY_SAMPLE, {}),
        (BY_SAMPLE.replace(",", "\t"), {}),
        (BY_SAMPLE.replace(",", ";").replace("2.0", "2,0"), {}),
        (BY_SAMPLE.replace("line", '""').replace("B73", '"B73"'), {}),
        (BY_SAMPLE.replace("NA", "-1"), {}),
        (BY_MARKER, {}),
        (BY_MARKER.replace("marker", "locus"), {"rows": "markers"}),
        (BY_SAMPLE.replace("line", "marker"), {"rows": "samples"}),
    ],
    ids=["comma", "tab", "semicolon", "quotes", "-1", "markers", "rows", "rows 2"],
)
def test_either_orientation(tmp_path, text, options):
    genotypes = read_table(write(tmp_path, text), **options)

    np.testing.assert_array_equal(genotypes.dosages, DOSAGES)
    assert genotypes.dosages.dtype == np.int8
    assert genotypes.dosages.flags.c_contiguous
    assert genotypes.samples.tolist() == ["B73", "Mo17"]
    pd.testing.assert_frame_equal(genotypes.markers, parse_markers(NAMES))


def test_columns_of_the_map(tmp_path):
    genotypes = read_table(write(tmp_path, WITH_MAP, "panel.csv.gz"))

    np.testing.assert_array_equal(genotypes.dosages, DOSAGES)
    rows = [("snp1", "1", 5, "G", "A"), ("snp2", "1", 9, "T", "."), ("snp3", "2", 7, "T", "C")]
    expected = pd.DataFrame(rows, ["1:5:snp1", "1:9:snp2", "2:7:snp3"], COLUMNS)
    pd.testing.assert_frame_equal(genotypes.markers, expected)


def test_a_sample_may_be_called_pos(tmp_path):
    text = "marker,B73,pos\nm1,0,1\n"
    assert read_table(write(tmp_path, text)).samples.tolist() == ["B73", "pos"]


def test_parts_in_the_order_asked_for(tmp_path):
    for text in (BY_SAMPLE, BY_MARKER):
        part = read_table(write(tmp_path, text), ["Mo17"], ["2:7:C_T", "rs2"])
        np.testing.assert_array_equal(part.dosages, [[2, -1]])
        assert part.markers.index.tolist() == ["2:7:C_T", "1:9:rs2"]
    with pytest.raises(ValueError, match="samples are unknown: 'W22'"):
        read_table(write(tmp_path, BY_SAMPLE), ["W22"])


def test_fractions_are_float32(tmp_path):
    genotypes = read_table(write(tmp_path, BY_SAMPLE.replace("B73,0,", "B73,0.25,")))

    assert genotypes.dosages.dtype == np.float32
    np.testing.assert_array_equal(genotypes.dosages, [[0.25, 2, 1], [1, np.nan, 2]])


def test_centred_coding(tmp_path):
    path = write(tmp_path, "line,m1,m2,m3\na,-1,0,1\nb,0.5,NA,-1\n")

    with_fraction = read_table(path, coding="centred").dosages

    np.testing.assert_array_equal(with_fraction, [[0, 1, 2], [1.5, np.nan, 0]])
    path = write(tmp_path, "line,m1,m2,m3\na,-2,0,2\n")
    np.testing.assert_array_equal(read_table(path, coding="centred", ploidy=4).dosages, [[0, 2, 4]])


def test_coding_that_cannot_be_told(tmp_path):
    path = write(tmp_path, "line,m1,m2,m3\na,-1,0,1\n")

    with pytest.raises(GenotypeFormatError, match="got -1, 0 and 1 only, which can mean two"):
        read_table(path)
    np.testing.assert_array_equal(read_table(path, ploidy=1).dosages, [[-1, 0, 1]])
    np.testing.assert_array_equal(read_table(path, coding="centred").dosages, [[0, 1, 2]])


def test_what_pandas_writes_comes_back(tmp_path):
    genotypes = Genotypes.from_frame(pd.DataFrame(DOSAGES, ["B73", "Mo17"], NAMES))
    frame = genotypes.to_frame()
    frame.to_csv(tmp_path / "rows.csv")
    frame.T.to_csv(tmp_path / "columns.tsv", sep="\t")
    frame.to_excel(tmp_path / "book.xlsx")
    frame.to_parquet(tmp_path / "x.parquet")
    frame.T.to_parquet(tmp_path / "t.parquet")
    frame.reset_index().to_parquet(tmp_path / "i.parquet")
    for path in tmp_path.iterdir():
        pd.testing.assert_frame_equal(read_table(path).to_frame(), frame)


def test_parquet_with_missing_values_and_map(tmp_path):
    frame = pd.DataFrame(
        {"snp": ["a", "b"], "chrom": ["1", "2"], "pos": [5, 7], "B73": [0, 2], "Mo17": [1, pd.NA]}
    ).astype({"Mo17": "Int8"})
    frame.to_parquet(tmp_path / "x.parquet")

    genotypes = read_table(tmp_path / "x.parquet")

    np.testing.assert_array_equal(genotypes.dosages, [[0, 2], [1, -1]])
    assert genotypes.markers.index.tolist() == ["1:5:a", "2:7:b"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["0", "1"], "column 'm2': expected numbers, got"),
        ([True, False], "column 'm2': expected numbers, got bool"),
        ([0, 7], "row 2, column 'm2': expected a dosage from 0 to 2, got 7"),
        ([0, np.inf], "row 2, column 'm2': expected a dosage from 0 to 2, got inf"),
    ],
)
def test_bad_parquet(tmp_path, column, message):
    path = tmp_path / "x.parquet"
    pd.DataFrame({"m1": [0, 1], "m2": column}, ["a", "b"]).to_parquet(path)
    with pytest.raises(GenotypeFormatError, match=message):
        read_table(path)


def test_half_a_parquet_file(tmp_path):
    path = tmp_path / "x.parquet"
    pd.DataFrame({"m1": [0, 1]}, ["a", "b"]).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(GenotypeFormatError, match="no readable Parquet file"):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("line,m1\n", "end: expected a name for each of at least one row"),
        ("line,m1\na,0\nb,x\n", "line 3, column 'm1': expected a dosage from 0 to 2, got 'x'"),
        ("line,m1,m2\na,0,3\n", "line 2, column 'm2': expected a dosage from 0 to 2, got '3'"),
        ("line,m1,m2\na,0\n", "line 2: expected 3 cells as in the header, got 2"),
        ("line,m1\na,0\na,1\n", "row 2: expected each name once, got 'a' again"),
        ("line,m1,m1\na,0,1\n", "column 2: expected each name once, got 'm1' again"),
        ("line,m1\n,0\n", "row 1: expected a name"),
        ("line,m1,\na,0,1\n", "column 2: expected a name"),
        ("marker,chrom,a\nm1,1,0\n", "expected the columns 'chromosome' and 'position', got no"),
        ("marker,chrom,pos,a\nm1,1,x,0\n", r"'position'\]: expected a finite number, got 'x'"),
        ("marker,chrom,pos,a\nm1,1:2,5,0\n", "may not contain ':', got '1:2'"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = write(tmp_path, text)

    with pytest.raises(GenotypeFormatError, match=message) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("arguments", [{"rows": "lines"}, {"coding": "-101"}, {"ploidy": 0}])
def test_bad_parameters(tmp_path, arguments):
    with pytest.raises(ValueError, match="rows is None or one of"):
        read_table(write(tmp_path, BY_SAMPLE), **arguments)
