import numpy as np
import pandas as pd
import pytest
from bed_reader import open_bed

from sktransformer_gp.io import GenotypeFormatError, Genotypes, read_plink
from sktransformer_gp.io.marker_table import make_markers, parse_markers

# The worked example of PLINK 1.9's description of its formats: genotypes as text (.ped) and the
# bytes of the .bed that PLINK makes of them. Allele 1 is G, 1 and A.
PED = """1 1 0 0 1 0 G G 2 2 C C
1 2 0 0 1 0 A A 0 0 A C
1 3 1 2 1 2 0 0 1 2 A C
2 1 0 0 1 0 A A 2 2 0 0
2 2 0 0 1 2 A A 2 2 0 0
2 3 1 2 1 2 A A 2 2 A A
"""
BED = bytes.fromhex("6c1b01dc0fe70f6b01")
BIM = "1\tsnp1\t0\t1\tG\tA\n1\tsnp2\t0\t2\t1\t2\n1\tsnp3\t0\t3\tA\tC\n"


def expected():
    rows = []
    for line in PED.splitlines():
        alleles = line.split()[6:]
        pairs = zip(alleles[::2], alleles[1::2], strict=True)
        rows.append(
            [-1 if "0" in pair else pair.count(a1) for pair, a1 in zip(pairs, "G1A", strict=True)]
        )
    return rows


@pytest.fixture
def panel(tmp_path):
    (tmp_path / "panel.bed").write_bytes(BED)
    (tmp_path / "panel.bim").write_text(BIM)
    fam = "".join(" ".join(line.split()[:6]) + "\n" for line in PED.splitlines())
    (tmp_path / "panel.fam").write_text(fam)
    return tmp_path / "panel"


def test_allele_1_is_counted(panel):
    genotypes = read_plink(panel, sample_id="FID_IID")

    np.testing.assert_array_equal(genotypes.dosages, expected())
    assert genotypes.dosages.dtype == np.int8
    assert genotypes.samples.tolist() == ["1_1", "1_2", "1_3", "2_1", "2_2", "2_3"]
    table = make_markers(["snp1", "snp2", "snp3"], ["1"] * 3, [1, 2, 3], [*"G1A"], [*"A2C"])
    pd.testing.assert_frame_equal(genotypes.markers, table)


def test_the_same_as_bed_reader(panel):
    with open_bed(panel.with_suffix(".bed")) as bed:
        theirs = bed.read(dtype="float64")

    ours = read_plink(panel, sample_id="FID_IID").to_frame().replace(-1, np.nan)

    np.testing.assert_array_equal(ours, theirs)


def test_parts_in_the_order_asked_for(panel):
    part = read_plink(panel, ["2_3", "1_2"], ["snp3", "1:1:snp1"], sample_id="FID_IID")

    np.testing.assert_array_equal(part.dosages, np.array(expected())[[5, 1]][:, [2, 0]])
    assert part.markers.index.tolist() == ["1:3:snp3", "1:1:snp1"]
    with pytest.raises(ValueError, match="markers are unknown: 'rs7'; the valid names are"):
        read_plink(panel, markers=["rs7"], sample_id="FID_IID")


def test_members_numbered_alike_need_their_family(panel):
    message = r"panel.fam, line 4: expected another IID .* '1' as in line 1; sample_id='FID_IID'"
    with pytest.raises(GenotypeFormatError, match=message):
        read_plink(panel)
    fam = panel.with_suffix(".fam")
    fam.write_text(fam.read_text().replace("2 1 0", "1 1 0"))
    with pytest.raises(GenotypeFormatError, match=r"line 4: .* '1_1' as in line 1$"):
        read_plink(panel, sample_id="FID_IID")


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        (".bim", "1 snp1 0 1 G\n", "panel.bim, line 1: expected 6 columns, got 5"),
        (".bim", BIM.replace("0\t2\t1", "0\tx\t1"), "bim, line 2: expected numbers in columns 3"),
        (".bim", BIM.replace("0\t2\t1", "nan\t2\t1"), "bim, line 2: .* got 'nan' and '2'"),
        (".bim", BIM.replace("1\tsnp2", "1:2\tsnp2"), "bim, column 1: a chromosome's name"),
        (".bim", "", "panel.bim: the file is empty"),
        (".bim", BIM * 2, "panel.bed, byte 9: expected 15 bytes for the 6 samples"),
        (".fam", "", "panel.fam: the file is empty"),
        (".fam", "a b c\n", "panel.fam, line 1: expected 6 columns, got 3"),
        (".fam", "1 a 0 0 0 0\n", "panel.bed, byte 6: expected 6 bytes for the 1 samples"),
        (".bed", "chr1 5 9\n", "panel.bed, byte 0: expected 6c 1b 01"),
    ],
)
def test_bad_files(panel, suffix, content, message):
    panel.with_suffix(suffix).write_text(content)

    with pytest.raises(GenotypeFormatError, match=message):
        read_plink(panel, sample_id="FID_IID")


def test_missing_neighbour(panel):
    panel.with_suffix(".bim").unlink()

    with pytest.raises(FileNotFoundError, match=r"panel\.bim"):
        read_plink(panel, sample_id="FID_IID")


@pytest.mark.parametrize("arguments", [{"ploidy": 4}, {"sample_id": "iid"}])
def test_bad_parameters(panel, arguments):
    with pytest.raises(ValueError, match="ploidy is 1 or 2 and sample_id one of"):
        read_plink(panel, **arguments)


def round_trip(folder, dosages, markers, ploidy=2, **options):
    samples = np.array([f"s{i}" for i in range(len(dosages))], dtype=object)
    genotypes = Genotypes(np.array(dosages, dtype=np.int8), samples, markers, ploidy)
    genotypes.write_plink(folder / "x")
    again = read_plink(folder / "x", ploidy=ploidy, **options)
    np.testing.assert_array_equal(again.dosages, genotypes.dosages)
    assert again.samples.tolist() == samples.tolist()
    pd.testing.assert_frame_equal(again.markers, markers)
    return again


@pytest.mark.parametrize(
    "names",
    [
        ["1:5:A_G", "1:7:rs2"],
        ["1H:0.31:a", "1H:118.12345678:b"],  # centimorgans
        ["wPt.0538", "wPt.8463"],  # no map
        ["1:5", "2:7"],
    ],
)
def test_what_is_written_comes_back(tmp_path, names):
    round_trip(tmp_path, [[0, 2], [-1, 1], [1, 0]], parse_markers(names))


def test_haploids_are_written_as_homozygous(tmp_path):
    markers = parse_markers(["1:5:A_G", "1:7:rs2"])

    round_trip(tmp_path, [[0, 1], [-1, 1], [1, 0]], markers, ploidy=1)

    np.testing.assert_array_equal(read_plink(tmp_path / "x").dosages, [[0, 2], [-1, 2], [2, 0]])


def test_heterozygous_haploid_is_named(panel):
    message = "heterozygous one for sample '1_3' and marker '1:2:snp2'"
    with pytest.raises(GenotypeFormatError, match=message):
        read_plink(panel, markers=["snp2"], ploidy=1, sample_id="FID_IID")
