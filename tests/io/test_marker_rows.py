import numpy as np
import pytest

from sktransformer_gp.io import marker_rows
from sktransformer_gp.io.files import GenotypeFormatError
from sktransformer_gp.io.marker_rows import MarkerRows

SAMPLES = np.array(["a", "b"], dtype=object)
SITES = [("x", "1", 5, "G", "A"), ("x", "1", 5, "G", "A"), ("y", "2", 7, "T", "C")]


def collect(wanted, sites=SITES):
    rows = MarkerRows(wanted)
    for j, site in enumerate(sites):
        if rows.wants(site):
            rows.add(site, np.array([j % 3, -1], dtype=np.int8))
    return rows


def test_rows_become_columns_across_blocks(monkeypatch):
    monkeypatch.setattr(marker_rows, "ROWS_PER_BLOCK", 4)
    sites = [(f"m{j}", "1", j, "G", "A") for j in range(10)]

    genotypes = collect(None, sites).genotypes("x.vcf", SAMPLES, ploidy=2)

    np.testing.assert_array_equal(genotypes.dosages, [np.arange(10) % 3, [-1] * 10])
    assert genotypes.dosages.flags.c_contiguous


def test_wanted_in_the_order_asked_for_with_repeats_told_apart():
    genotypes = collect(["y", "1:5:x:2"]).genotypes("x.vcf", SAMPLES, ploidy=2)

    assert genotypes.markers.index.tolist() == ["2:7:y", "1:5:x:2"]
    np.testing.assert_array_equal(genotypes.dosages, [[2, 1], [-1, -1]])


def test_what_is_not_wanted_is_not_kept():
    rows = collect(["y"])

    assert not rows.wants(SITES[0])
    assert rows.genotypes("x.vcf", SAMPLES, ploidy=2).markers.index.tolist() == ["2:7:y"]


def test_nothing_found():
    with pytest.raises(ValueError, match=r"1 of 1 markers are unknown: 'z'$"):
        collect(["z"]).genotypes("x.vcf", SAMPLES, ploidy=2)
    with pytest.raises(
        GenotypeFormatError, match=r"x\.vcf: expected at least one marker, got none"
    ):
        collect(None, []).genotypes("x.vcf", SAMPLES, ploidy=2)


def test_a_chromosome_that_cannot_stand_in_a_name():
    with pytest.raises(ValueError, match="may not contain ':', got '1:2'"):
        MarkerRows(None).wants(("x", "1:2", 5, "G", "A"))
