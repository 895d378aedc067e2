import re

import numpy as np
import pytest
from bed_reader import open_bed

from sktransformer_gp.io import bed
from sktransformer_gp.io.bed import bed_paths, check_bed, read_bed, write_bed
from sktransformer_gp.io.files import GenotypeFormatError
from sktransformer_gp.io.marker_table import make_markers

MARKERS = make_markers(["x", "."], ["1", "2"], [5, 7], ["G", "."], ["A", "C"])
# Marker by marker, four samples to a byte, the first in the lowest bits: 00 = two copies of allele
# 1, 10 = one, 11 = none, 01 = missing. Five samples: 2 1 0 - 2 and 0 0 0 0 1.
CONTENT = bytes([0x6C, 0x1B, 0x01, 0b01_11_10_00, 0b00, 0b11_11_11_11, 0b10])
DOSAGES = np.int8([[2, 0], [1, 0], [0, 0], [-1, 0], [2, 1]])


@pytest.mark.parametrize("name", ["a.b", "a.b.bed", "a.b.bim", "a.b.fam"])
def test_paths(name):
    assert [path.name for path in bed_paths(name).values()] == ["a.b.bed", "a.b.bim", "a.b.fam"]


def test_bytes_of_the_format_both_ways(tmp_path):
    write_bed(tmp_path / "x", DOSAGES, list("abcde"), MARKERS)

    assert (tmp_path / "x.bed").read_bytes() == CONTENT
    assert (tmp_path / "x.bim").read_text().split() == [
        *("1", "x", "0", "5", "G", "A"),
        *("2", ".", "0", "7", "0", "C"),
    ]
    assert (tmp_path / "x.fam").read_text().split()[:6] == ["0", "a", "0", "0", "0", "-9"]
    rows, columns = np.arange(5), np.arange(2)
    np.testing.assert_array_equal(read_bed(tmp_path / "x.bed", (5, 2), rows, columns), DOSAGES)


def test_a_part_in_blocks(tmp_path, monkeypatch):
    (tmp_path / "x.bed").write_bytes(CONTENT)
    monkeypatch.setattr(bed, "CALLS_PER_BLOCK", 3)

    part = read_bed(tmp_path / "x.bed", (5, 2), np.array([4, 1]), np.array([1, 0]))

    np.testing.assert_array_equal(part, [[1, 2], [0, 1]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "byte 0: expected 6c 1b 01 of a PLINK 1 .bed file, got nothing"),
        (b"chr1\t5\t9\n", "byte 0: expected 6c 1b 01 of a PLINK 1 .bed file, got 63 68 72$"),
        (b"\x6c\x1b\x00" + CONTENT[3:], "got 6c 1b 00; it holds sample by sample: convert it"),
        (CONTENT[:-2], r"byte 5: expected 7 bytes for the 5 samples .* 2 markers .* got 5"),
        (CONTENT + b"\0", "byte 7: expected 7 bytes .* got 8"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "x.bed"
    path.write_bytes(content)

    with pytest.raises(GenotypeFormatError, match=message) as caught:
        check_bed(path, 5, 2)
    assert str(caught.value).startswith(str(path))


def test_good_file(tmp_path):
    (tmp_path / "x.bed").write_bytes(CONTENT)
    check_bed(tmp_path / "x.bed", 5, 2)


@pytest.mark.parametrize("name", ["a b", "", "a\tb"])
def test_names_that_the_files_cannot_hold(tmp_path, name):
    with pytest.raises(ValueError, match="without white space, got iid " + re.escape(repr(name))):
        write_bed(tmp_path / "x", DOSAGES, [name, *"bcde"], MARKERS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_samples", [1, 3, 4, 5, 9])
def test_bed_reader_reads_what_is_written(tmp_path, monkeypatch, n_samples):
    monkeypatch.setattr(bed, "CALLS_PER_BLOCK", 20)
    dosages = np.random.default_rng(0).integers(-1, 3, (n_samples, 11), dtype=np.int8)
    ids = [f"m{j}" for j in range(11)]
    markers = make_markers(ids, ["1"] * 11, range(1, 12), ["G"] * 11, ["A"] * 11)

    write_bed(tmp_path / "x", dosages, [f"s{i}" for i in range(n_samples)], markers)

    with open_bed(tmp_path / "x.bed") as file:
        theirs = file.read(dtype="float64")
        assert file.sid.tolist() == ids
        assert file.allele_1.tolist() == ["G"] * 11
        assert file.bp_position.tolist() == list(range(1, 12))
    np.testing.assert_array_equal(np.nan_to_num(theirs, nan=-1), dosages)
