"""Files as a user of the command line has them."""

import gzip
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.__main__ import main
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.io import Genotypes
from sktransformer_gp.io.marker_table import make_markers


def write_bed(genotypes, stem):
    genotypes.write_plink(stem)
    return stem.with_suffix(".bed")


def write_vcf(genotypes, stem):
    calls = np.array({1: ["0", "1", "."], 2: ["0/0", "0/1", "1/1", "./."]}[genotypes.ploidy])
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = ["##fileformat=VCFv4.2", "\t".join([*fixed, *genotypes.samples])]
    for row, dosages in zip(genotypes.markers.itertuples(), genotypes.dosages.T, strict=True):
        site = [row.chromosome, str(row.position), row.id, row.other_allele, row.counted_allele]
        lines.append("\t".join([*site, ".", ".", ".", "GT", *calls[dosages]]))
    path = stem.with_suffix(".vcf")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_vcf_gz(genotypes, stem):
    path = stem.with_suffix(".vcf.gz")
    path.write_bytes(gzip.compress(write_vcf(genotypes, stem).read_bytes()))
    return path


def write_hapmap(genotypes, stem):
    fixed = "rs# alleles chrom pos strand assembly# center protLSID assayLSID panelLSID QCcode"
    lines = ["\t".join([*fixed.split(), *genotypes.samples])]
    for row, dosages in zip(genotypes.markers.itertuples(), genotypes.dosages.T, strict=True):
        a, b = row.other_allele, row.counted_allele
        site = [row.id, f"{a}/{b}", row.chromosome, str(row.position), "+", *["NA"] * 6]
        lines.append("\t".join([*site, *np.array([a + a, a + b, b + b, "NN"])[dosages]]))
    path = stem.with_suffix(".hmp.txt")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_csv(genotypes, stem):
    path = stem.with_suffix(".csv")
    genotypes.to_frame().replace(-1, "NA").to_csv(path)
    return path


WRITERS = {
    "bed": write_bed,
    "vcf": write_vcf,
    "vcf.gz": write_vcf_gz,
    "hapmap": write_hapmap,
    "csv": write_csv,
}


@pytest.fixture
def write(tmp_path):
    """Write genotypes in a format; gives the path."""

    def write(genotypes, format, name):
        return WRITERS[format](genotypes, tmp_path / name)

    return write


@pytest.fixture
def trial(tmp_path):
    """A small F2 with missing calls: panel, candidates, and the panel's phenotypes in a file."""
    cross = make_cross(n_samples=72, n_markers=60, ploidy=2, random_state=0)
    rng = np.random.default_rng(0)
    dosages = np.where(rng.random(cross.data.shape) < 0.03, -1, cross.data).astype(np.int8)
    alleles = np.array([rng.permutation([*"ACGT"])[:2] for _ in cross.positions])
    ids = ["."] * len(alleles)
    markers = make_markers(ids, cross.chromosomes, cross.positions, *alleles.T.tolist())
    genotypes = Genotypes(dosages, cross.sample_names, markers)
    phenotypes = pd.DataFrame(cross.target, cross.sample_names, ["yield", "protein"])[:60]
    phenotypes.iloc[3, 1] = np.nan
    path = tmp_path / "trial.csv"
    phenotypes.to_csv(path, index_label="line")
    return SimpleNamespace(
        panel=genotypes.select(samples=cross.sample_names[:60]),
        candidates=genotypes.select(samples=cross.sample_names[60:]),
        phenotypes=phenotypes,
        path=path,
    )


@pytest.fixture
def refuse(capfd):
    """Run a command that has to fail; gives its line on stderr."""

    def refuse(arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert caught.value.code == 2
        assert err.count("\n") == 1
        assert "Traceback" not in err + out
        return err

    return refuse
