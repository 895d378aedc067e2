import gzip

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.io import GenotypeFormatError, read_hapmap
from sktransformer_gp.io.marker_table import COLUMNS

HEADER = (
    "rs#\talleles\tchrom\tpos\tstrand\tassembly#\tcenter\tprotLSID\tassayLSID\tpanelLSID\tQCcode"
    "\tB73\tMo17\tW22\n"
)


def line(marker, *calls):
    fixed = marker.split()
    return "\t".join([*fixed, "+", *["NA"] * 6, *calls]) + "\n"


TEXT = (
    HEADER
    + line("PZB1 A/G 1 157104", "AA", "AG", "GG")
    + line("PZB2 C/T 1 1947984", "Y", "N", "T")
    + line("PZB3 A/- 2 30", "-", "A", "AA")
    + line("PZB4 +/- 2 40", "0", "++", "--")
    + line("PZB5 A/C/T 2 50", "CT", "AC", "AA")
    + line("PZB6 G 2 60", "GG", "--", "NN")
    + line("NA T/C 2 70", "C/C", "t", "TN")
)
# By hand: copies of the second allele; PZB5 twice, for C and for T.
DOSAGES = np.int8(
    [
        [0, 1, 2, 1, 1, 1, 0, 2],
        [1, -1, 0, 0, 1, 0, -1, 0],
        [2, 2, 0, 2, 0, 0, -1, -1],
    ]
)
MARKERS = pd.DataFrame(
    [
        ("PZB1", "1", 157104, "G", "A"),
        ("PZB2", "1", 1947984, "T", "C"),
        ("PZB3", "2", 30, "-", "A"),
        ("PZB4", "2", 40, "-", "+"),
        ("PZB5:A_C", "2", 50, "C", "A"),
        ("PZB5:A_T", "2", 50, "T", "A"),
        ("PZB6", "2", 60, ".", "G"),
        (".", "2", 70, "C", "T"),
    ],
    columns=COLUMNS,
    index=[
        *("1:157104:PZB1", "1:1947984:PZB2", "2:30:PZB3", "2:40:PZB4", "2:50:PZB5:A_C"),
        *("2:50:PZB5:A_T", "2:60:PZB6", "2:70:T_C"),
    ],
)


def write(folder, text=TEXT):
    path = folder / "panel.hmp.txt"
    path.write_text(text)
    return path


def test_the_second_allele_is_counted(tmp_path):
    genotypes = read_hapmap(write(tmp_path))

    np.testing.assert_array_equal(genotypes.dosages, DOSAGES)
    assert genotypes.dosages.dtype == np.int8
    assert genotypes.samples.tolist() == ["B73", "Mo17", "W22"]
    pd.testing.assert_frame_equal(genotypes.markers, MARKERS)


def test_gzipped(tmp_path):
    path = tmp_path / "panel.hmp.txt.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    np.testing.assert_array_equal(read_hapmap(path).dosages, DOSAGES)


def test_parts_in_the_order_asked_for(tmp_path):
    part = read_hapmap(write(tmp_path), ["W22", "B73"], ["2:70:T_C", "PZB5:A_T"])

    np.testing.assert_array_equal(part.dosages, DOSAGES[[2, 0]][:, [7, 5]])
    pd.testing.assert_frame_equal(part.markers, MARKERS.iloc[[7, 5]])


@pytest.mark.parametrize(
    ("call", "copies"),
    [("R", "AG"), ("Y", "CT"), ("S", "CG"), ("W", "AT"), ("K", "GT"), ("M", "AC"), ("0", "+-")],
)
def test_one_letter_for_a_heterozygous_call(tmp_path, call, copies):
    first, second = copies
    path = write(tmp_path, HEADER + line(f"m {first}/{second} 1 5", call, first, second * 2))
    assert read_hapmap(path).dosages[:, 0].tolist() == [1, 0, 2]


def test_haploid_and_inbred(tmp_path):
    path = write(tmp_path, HEADER + line("m A/G 1 5", "AA", "G", "NN"))
    assert read_hapmap(path, ploidy=1).dosages[:, 0].tolist() == [0, 1, -1]
    with pytest.raises(GenotypeFormatError, match="line 2: expected homozygous calls, as ploidy=1"):
        read_hapmap(write(tmp_path), ploidy=1)
    with pytest.raises(ValueError, match="ploidy is 1 or 2, got 4"):
        read_hapmap(path, ploidy=4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rs#\talleles", "id\talleles", "line 1: expected 11 columns, rs# alleles chrom pos first"),
        ("\tB73\tMo17\tW22", "", "line 1: expected 11 columns, .* and samples"),
        ("Mo17", "B73", "line 1: expected each sample once, got 'B73' more often"),
        ("AG\tGG", "AT\tGG", "line 2: the call 'AT' contradicts the alleles 'A/G'"),
        ("AG\tGG", "AGG\tGG", "line 2: the call 'AGG' contradicts"),
        ("AG\tGG", "B\tGG", "line 2: the call 'B' contradicts"),
        ("\tAG\tGG", "\tAG", "line 2: expected the calls of 3 samples, got 2"),
        ("\tAA\tAG\tGG", "", "line 2: expected 14 columns, got 11"),
        ("A/G", "AT/G", "line 2: expected alleles such as 'A/G', got 'AT/G'"),
        ("A/G", "A/A", "line 2: expected alleles such as 'A/G', got 'A/A'"),
        ("A/G", "NA", "line 2: expected alleles such as 'A/G', got 'NA'"),
        ("157104", "1e5", "line 2: expected a chromosome and a whole number .* '1' and '1e5'"),
        (TEXT[len(HEADER) :], "", "expected at least one marker, got none"),
        (TEXT, "", "the file is empty"),
    ],
)
def test_bad_files_name_the_line(tmp_path, old, new, message):
    assert old in TEXT
    path = write(tmp_path, TEXT.replace(old, new, 1))

    with pytest.raises(GenotypeFormatError, match=message) as caught:
        read_hapmap(path)
    assert str(caught.value).startswith(str(path))
