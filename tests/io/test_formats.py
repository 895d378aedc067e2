import gzip
import shutil

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.io import GenotypeFormatError, Genotypes, read_genotypes

FRAME = pd.DataFrame([[0, 2], [1, -1]], ["a", "b"], ["1:5:A_G", "2:9:C_T"], dtype=np.int8)
VCF = """##fileformat=VCFv4.2
#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT a b
1 5 . A G . . . GT 0/0 0/1
2 9 . C T . . . GT 1/1 ./.
""".replace(" ", "\t")
HAPMAP = (
    "rs#\talleles\tchrom\tpos\tstrand\tassembly#\tcenter\tprotLSID\tassayLSID\tpanelLSID\tQCcode"
    "\ta\tb\n.\tA/G\t1\t5\t+" + "\tNA" * 6 + "\tAA\tAG\n.\tC/T\t2\t9\t+" + "\tNA" * 6 + "\tTT\tNN\n"
)


@pytest.fixture
def folder(tmp_path):
    genotypes = Genotypes.from_frame(FRAME)
    genotypes.write_plink(tmp_path / "panel.v2")
    shutil.copytree(tmp_path, tmp_path / "copy")
    (tmp_path / "panel.vcf").write_text(VCF)
    (tmp_path / "vcf without its ending").write_bytes(gzip.compress(VCF.encode()))
    (tmp_path / "panel.hmp.txt").write_text(HAPMAP)
    (tmp_path / "hapmap.txt").write_text(HAPMAP)
    genotypes.to_frame().to_csv(tmp_path / "panel.csv")
    genotypes.to_frame().T.to_csv(tmp_path / "panel.txt", sep="\t")
    genotypes.to_frame().to_excel(tmp_path / "panel.xlsx")
    genotypes.to_frame().to_parquet(tmp_path / "panel.parquet")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *("panel.v2", "panel.v2.bed", "panel.v2.bim", "panel.v2.fam"),
        *("panel.vcf", "vcf without its ending", "panel.hmp.txt", "hapmap.txt"),
        *("panel.csv", "panel.txt", "panel.xlsx", "panel.parquet"),
    ],
)
def test_the_reader_is_found(folder, name):
    frame = read_genotypes(folder / name, ["b", "a"], ["2:9:C_T"]).to_frame()

    pd.testing.assert_frame_equal(frame, FRAME.loc[["b", "a"], ["2:9:C_T"]], check_names=False)


def test_ploidy_is_handed_on(folder):
    with pytest.raises(GenotypeFormatError, match="ploidy=1"):
        read_genotypes(folder / "panel.v2.bed", ploidy=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("panel.bed", "expected 6c 1b 01"),
        ("panel.vcf", "expected '##fileformat=VCF"),
        ("panel.hmp.txt", "expected 11 columns"),
        ("panel.csv", "expected columns between tabs"),
    ],
)
def test_the_name_says_what_was_expected(tmp_path, name, message):
    (tmp_path / "panel.bim").write_text("1 a 0 5 G A\n")
    (tmp_path / "panel.fam").write_text("0 a 0 0 0 0\n")
    (tmp_path / name).write_text("no genotypes at all\n")

    with pytest.raises(GenotypeFormatError, match=message):
        read_genotypes(tmp_path / name)


@pytest.mark.parametrize("name", ["none", "none.vcf", "none.bed"])
def test_no_such_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="none"):
        read_genotypes(tmp_path / name)
