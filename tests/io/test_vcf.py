import gzip

import cyvcf2
import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.io import GenotypeFormatError, read_vcf
from sktransformer_gp.io.marker_table import COLUMNS

HEADER = """##fileformat=VCFv4.3
##contig=<ID=1>
##contig=<ID=X>
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">
"""
COLUMN_LINE = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT a b c d".replace(" ", "\t") + "\n"
RECORDS = """\
1 100 rs1 A G 50 PASS AF=0.5 GT 0/0 0|1 1/1 ./.
1 200 . T C . . . GT:DP 1/0:7 ./1:2 .:. 0/0
1 300 rs3 A G,T . . . DP:GT:DS 9:0/2:0,1 9:1/2:1,0.9 9:0/0:.,. 9:2|2:.
1 400 rs4 AT . . . . GT 0/0 0/0 0/0 ./.
X 500 rs5 C CTT . . . GT 1 0 0/1 .
""".replace(" ", "\t")
TEXT = HEADER + COLUMN_LINE + RECORDS
# By hand: copies of ALT; rs3 twice, for G and for T; haploid calls count as homozygous.
DOSAGES = np.int8(
    [
        [0, 1, 0, 1, 0, 2],
        [1, -1, 1, 1, 0, 0],
        [2, -1, 0, 0, 0, 1],
        [-1, 0, 0, 2, -1, -1],
    ]
)
MARKERS = pd.DataFrame(
    [
        ("rs1", "1", 100, "G", "A"),
        (".", "1", 200, "C", "T"),
        ("rs3:A_G", "1", 300, "G", "A"),
        ("rs3:A_T", "1", 300, "T", "A"),
        ("rs4", "1", 400, ".", "AT"),
        ("rs5", "X", 500, "CTT", "C"),
    ],
    index=["1:100:rs1", "1:200:T_C", "1:300:rs3:A_G", "1:300:rs3:A_T", "1:400:rs4", "X:500:rs5"],
    columns=COLUMNS,
)


def write(folder, text=TEXT, name="panel.vcf"):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


def write_bcf(folder, text=TEXT):
    template = cyvcf2.VCF(str(write(folder, text)))
    writer = cyvcf2.Writer(str(folder / "panel.bcf"), template, mode="wb")
    for record in template:
        writer.write_record(record)
    writer.close()
    return folder / "panel.bcf"


@pytest.mark.parametrize("kind", ["panel.vcf", "panel.vcf.gz", "no.ending", "bcf"])
def test_alt_is_counted(tmp_path, kind):
    path = write_bcf(tmp_path) if kind == "bcf" else write(tmp_path, name=kind)

    genotypes = read_vcf(path)

    np.testing.assert_array_equal(genotypes.dosages, DOSAGES)
    assert genotypes.dosages.dtype == np.int8
    assert genotypes.samples.tolist() == ["a", "b", "c", "d"]
    pd.testing.assert_frame_equal(genotypes.markers, MARKERS)
    assert genotypes.ploidy == 2


def test_the_same_as_cyvcf2(tmp_path):
    theirs = [
        np.where(record.gt_types == 3, -1, record.gt_types)
        for record in cyvcf2.VCF(str(write(tmp_path)), gts012=True, strict_gt=True)
        if len(record.ALT) == 1
    ]

    ours = read_vcf(write(tmp_path), markers=["rs1", "1:200:T_C", "rs5"]).dosages

    np.testing.assert_array_equal(ours.T, theirs)


@pytest.mark.parametrize("bcf", [False, True])
def test_parts_in_the_order_asked_for(tmp_path, bcf):
    path = write_bcf(tmp_path) if bcf else write(tmp_path)

    part = read_vcf(path, ["d", "a"], ["X:500:rs5", "rs3:A_T", "1:200:T_C"])

    np.testing.assert_array_equal(part.dosages, DOSAGES[[3, 0]][:, [5, 3, 1]])
    assert part.samples.tolist() == ["d", "a"]
    pd.testing.assert_frame_equal(part.markers, MARKERS.iloc[[5, 3, 1]])


def test_records_that_are_not_wanted_are_not_decoded(tmp_path):
    path = write(tmp_path, TEXT.replace("0|1", "0/x"))

    read_vcf(path, markers=["rs4"])

    with pytest.raises(GenotypeFormatError, match="line 9: expected a call such as 0/1"):
        read_vcf(path)


def test_unknown_names(tmp_path):
    with pytest.raises(ValueError, match="1 of 2 samples are unknown: 'z'; the valid names are"):
        read_vcf(write(tmp_path), ["a", "z"])
    with pytest.raises(ValueError, match="1 of 2 markers are unknown: 'rs9'"):
        read_vcf(write(tmp_path), markers=["rs1", "rs9"])


def dosages_of(folder, calls, **options):
    names = "\t".join(f"s{i}" for i in range(len(calls)))
    text = HEADER + COLUMN_LINE.replace("a\tb\tc\td", names)
    text += "1\t5\tm\tA\tC\t.\t.\t.\tGT\t" + "\t".join(calls) + "\n"
    return read_vcf(write(folder, text), **options).dosages[:, 0].tolist()


@pytest.mark.parametrize(
    ("calls", "ploidy", "expected"),
    [
        (["0", "1", "."], 1, [0, 1, -1]),
        (["0/0", "1|1", "./."], 1, [0, 1, -1]),
        (["0/0/0/1", "1/1/1/1", "0/1/1/.", "1", "0/0"], 4, [1, 4, -1, 4, 0]),
        (["/0/1", "|1|1"], 2, [1, 2]),  # phasing of the first allele, VCF 4.4
        (["1/1/1"], 2, [2]),
    ],
)
def test_ploidy(tmp_path, calls, ploidy, expected):
    assert dosages_of(tmp_path, calls, ploidy=ploidy) == expected


@pytest.mark.parametrize(("call", "ploidy"), [("0/1", 1), ("0/0/1", 2), ("0/1", 4)])
def test_calls_of_another_ploidy(tmp_path, call, ploidy):
    message = f"line 9: expected {ploidy} alleles or a homozygous call, got '{call}'; give the"
    with pytest.raises(GenotypeFormatError, match=message):
        dosages_of(tmp_path, ["0", call], ploidy=ploidy)


def test_dosages_of_an_imputation_program(tmp_path):
    records = """\
1 100 rs1 A G . . . GT:DS 0/0:0.1 0|1:1 1/1:2 ./.:.
1 300 rs3 A G,T . . . DS 0,1.5 1,0.9 .,. .
1 400 rs4 A T . . . GT:DS:DP 0/0:0.25:1 0/0 0/0:0 0/0:1e-3
""".replace(" ", "\t")

    genotypes = read_vcf(write(tmp_path, HEADER + COLUMN_LINE + records), field="DS")

    nan = np.nan
    expected = [[0.1, 0, 1.5, 0.25], [1, 1, 0.9, nan], [2, nan, nan, 0], [nan, nan, nan, 1e-3]]
    np.testing.assert_array_equal(genotypes.dosages, np.float32(expected))
    assert genotypes.dosages.dtype == np.float32


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("##fileformat", "##format", "line 1: expected '##fileformat=VCF...', got '##format="),
        ("#CHROM", "CHROM", "line 8: expected the columns #CHROM POS"),
        ("\tFORMAT\ta\tb\tc\td", "", "line 8: expected the columns .* and samples"),
        ("b\tc\td", "b\ta\td", "line 8: expected each sample once, got 'a' more often"),
        (COLUMN_LINE + RECORDS, "", "line 8: expected the columns"),
        (RECORDS, "", "expected at least one marker, got none"),
        ("rs1\tA", "rs1", "line 9: expected the calls of 4 samples, got 3"),
        ("\tGT\t0/0\t0|1\t1/1\t./.", "", "line 9: expected 13 columns, got 8"),
        ("\t0/0\t0|1", "\t0/0", "line 9: expected the calls of 4 samples, got 3"),
        ("\t100\t", "\tx\t", "line 9: expected a chromosome, a whole number .* got '1', 'x'"),
        ("\t100\t", "\t-1\t", "line 9: expected a chromosome, a whole number"),
        ("1\t100", "\t100", "line 9: expected a chromosome"),
        ("1\t100", "HLA:1\t100", "line 9: a chromosome's name may not contain ':', got 'HLA:1'"),
        ("GT:DP", "DP:AD", "line 10: expected the field GT in FORMAT, got 'DP:AD'"),
        ("0|1", "0|2", r"line 9: expected the alleles 0 to 1, got the call '0\|2'"),
        ("0|1", "0-1", "line 9: expected a call such as 0/1 or ./., got '0-1'"),
        ("0|1", "", "line 9: expected a call such as 0/1 or ./., got ''"),
    ],
)
def test_bad_files_name_the_line(tmp_path, old, new, message):
    assert old in TEXT
    path = write(tmp_path, TEXT.replace(old, new, 1))

    with pytest.raises(GenotypeFormatError, match=message) as caught:
        read_vcf(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2.5", "line 9: expected a dosage from 0 to 2, got '2.5'"),
        ("x", "line 9: expected a dosage from 0 to 2, got 'x'"),
    ],
)
def test_bad_dosages(tmp_path, value, message):
    records = f"1 5 m A C . . . DS 0 1 2 {value}\n".replace(" ", "\t")
    with pytest.raises(GenotypeFormatError, match=message):
        read_vcf(write(tmp_path, HEADER + COLUMN_LINE + records), field="DS")
    records = records.replace("C\t.\t", "C,T\t.\t")
    with pytest.raises(GenotypeFormatError, match="line 9: expected 2 dosages, got '0'"):
        read_vcf(write(tmp_path, HEADER + COLUMN_LINE + records), field="DS")


def test_half_a_bcf(tmp_path):
    path = write_bcf(tmp_path)
    path.write_bytes(path.read_bytes()[:300])

    with pytest.raises(GenotypeFormatError, match=r"panel.bcf: the BCF file is cut off or damaged"):
        read_vcf(path)


@pytest.mark.parametrize("arguments", [{"field": "GP"}, {"ploidy": 0}])
def test_bad_parameters(tmp_path, arguments):
    with pytest.raises(ValueError, match=r"field is one of \('GT', 'DS'\) and ploidy at least 1"):
        read_vcf(write(tmp_path), **arguments)
