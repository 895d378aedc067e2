import gzip
import random
import subprocess
import sys
import tracemalloc

import cyvcf2
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sktransformer_gp import io
from sktransformer_gp.datasets import fetch_yeast
from sktransformer_gp.io import (
    GenotypeFormatError,
    Genotypes,
    read_genotypes,
    read_hapmap,
    read_phenotypes,
    read_plink,
    read_table,
    read_vcf,
)
from sktransformer_gp.io.marker_table import make_markers

VCF_CALLS = np.array(["0/0", "0/1", "1/1", "./."], dtype=object)
N_DAMAGED = 60


def write_plink(genotypes, folder):
    genotypes.write_plink(folder / "panel")
    return folder / "panel.bed"


def vcf_text(genotypes):
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={name}>" for name in genotypes.markers["chromosome"].unique()]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines += ["\t".join([*fixed, *genotypes.samples])]
    calls = VCF_CALLS[genotypes.dosages.T]
    for row, of_marker in zip(genotypes.markers.itertuples(), calls, strict=True):
        site = [row.chromosome, str(row.position), row.id, row.other_allele, row.counted_allele]
        lines += ["\t".join([*site, ".", "PASS", ".", "GT", *of_marker])]
    return "\n".join(lines) + "\n"


def write_vcf(genotypes, folder):
    path = folder / "panel.vcf"
    path.write_text(vcf_text(genotypes))
    return path


def write_vcf_gz(genotypes, folder):
    path = folder / "panel.vcf.gz"
    path.write_bytes(gzip.compress(vcf_text(genotypes).encode(), compresslevel=1))
    return path


def write_bcf(genotypes, folder):
    template = cyvcf2.VCF(str(write_vcf(genotypes, folder)))
    writer = cyvcf2.Writer(str(folder / "panel.bcf"), template, mode="wb")
    for record in template:
        writer.write_record(record)
    writer.close()
    return folder / "panel.bcf"


def write_hapmap(genotypes, folder):
    fixed = "rs# alleles chrom pos strand assembly# center protLSID assayLSID panelLSID QCcode"
    lines = ["\t".join([*fixed.split(), *genotypes.samples])]
    for row, dosages in zip(genotypes.markers.itertuples(), genotypes.dosages.T, strict=True):
        a, b = row.other_allele, row.counted_allele
        calls = np.array([a + a, a + b, b + b, "NN"], dtype=object)[dosages]
        site = [row.id, f"{a}/{b}", row.chromosome, str(row.position), "+", *["NA"] * 6]
        lines += ["\t".join([*site, *calls])]
    path = folder / "panel.hmp.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def write_table(genotypes, folder):
    path = folder / "panel.csv"
    genotypes.to_frame().replace(-1, "NA").to_csv(path)
    return path


def write_columns(genotypes, folder):
    calls = genotypes.to_frame().T.replace(-1, "")
    table = pd.concat([genotypes.markers.drop(columns="id"), calls], axis="columns")
    path = folder / "panel.tsv"
    table.set_axis(genotypes.markers["id"]).rename_axis("marker").to_csv(path, sep="\t")
    return path


def write_xlsx(genotypes, folder):
    genotypes.to_frame().replace(-1, "NA").to_excel(folder / "panel.xlsx")
    return folder / "panel.xlsx"


def write_parquet(genotypes, folder):
    genotypes.to_frame().astype("float32").replace(-1, np.nan).to_parquet(folder / "x.parquet")
    return folder / "x.parquet"


WRITERS = {
    "plink": write_plink,
    "vcf": write_vcf,
    "vcf.gz": write_vcf_gz,
    "bcf": write_bcf,
    "hapmap": write_hapmap,
    "csv": write_table,
    "tsv": write_columns,
    "xlsx": write_xlsx,
    "parquet": write_parquet,
}
NO_ALLELES = {"csv", "xlsx", "parquet"}


def make_genotypes(dosages, seed=0):
    """Genotypes with the given dosages and markers on two chromosomes, some without an id."""
    n_samples, n_markers = dosages.shape
    rng = np.random.default_rng(seed)
    alleles = np.array([rng.permutation([*"ACGT"])[:2] for _ in range(n_markers)])
    markers = make_markers(
        [f"snp{j}" for j in range(n_markers)],
        np.where(np.arange(n_markers) < n_markers / 2, "1H", "2H").tolist(),
        np.cumsum(rng.integers(1, 1000, n_markers)),
        alleles[:, 0].tolist(),
        alleles[:, 1].tolist(),
    )
    samples = np.array([f"line-{i}" for i in range(n_samples)], dtype=object)
    return Genotypes(dosages.astype(np.int8), samples, markers)


@st.composite
def panels(draw):
    n_samples, n_markers = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    values = st.lists(st.integers(-1, 2), min_size=n_markers, max_size=n_markers)
    rows = draw(st.lists(values, min_size=n_samples, max_size=n_samples))
    return make_genotypes(np.array(rows), draw(st.integers(0, 99)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(genotypes=panels())
def test_the_same_genotypes_through_each_format(genotypes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    for kind, write in WRITERS.items():
        again = read_genotypes(write(genotypes, folder))
        pd.testing.assert_frame_equal(again.to_frame(), genotypes.to_frame(), obj=kind)
        known = ["id", "chromosome", "position"] if kind in NO_ALLELES else list(again.markers)
        pd.testing.assert_frame_equal(again.markers[known], genotypes.markers[known], obj=kind)


def test_yeast_through_each_format(real_data, tmp_path):
    X = fetch_yeast(data_home=real_data, as_frame=True).data.iloc[:60, ::40]
    X = X.loc[:, X.columns.str.fullmatch(r".*:[ACGT]_[ACGT]")]  # HapMap has no long alleles
    haploid, diploid = Genotypes.from_frame(X, ploidy=1), Genotypes.from_frame(X * 2)
    assert (haploid.markers["id"] == ".").all()  # the names end in the alleles
    for kind in WRITERS.keys() - {"tsv"}:  # whose rows are named by ids
        path = WRITERS[kind](haploid if kind in NO_ALLELES else diploid, tmp_path)
        again = read_genotypes(path, ploidy=1).to_frame()
        pd.testing.assert_frame_equal(again, X, check_names=False, obj=kind)


def damage(content, rng):
    """Change, insert, repeat or cut off a few bytes."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            content[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            content[at : at + 1] = bytes([rng.choice(b'\t\n\r:/|,.;="0123456789-NA\0')])
        elif kind == 2:
            del content[at : at + rng.randint(1, 9)]
        elif kind == 3:
            content[at:at] = bytes(rng.choice(b"\t\n:/,.;09-A\0") for _ in range(rng.randint(1, 5)))
        elif kind == 4:
            start = rng.randrange(len(content) + 1)
            content[at:at] = content[start : start + rng.randint(1, 40)]
        else:
            del content[at:]
    return bytes(content)


def read_damaged(read, folder, content, rng):
    """Read a damaged copy of one of the files; only the one error may come."""
    name = rng.choice(sorted(content))
    for other, as_it_was in content.items():
        damaged = damage(as_it_was, rng) if other == name else as_it_was
        (folder / other).write_bytes(damaged)
    try:
        read(folder / min(content))
    except GenotypeFormatError as error:
        assert str(folder) in str(error)


FUZZED = {
    "plink": (write_plink, read_plink),
    "vcf": (write_vcf, read_vcf),
    "vcf.gz": (write_vcf_gz, read_vcf),
    "hapmap": (write_hapmap, read_hapmap),
    "csv": (write_table, read_table),
    "tsv": (write_columns, read_table),
    "xlsx": (write_xlsx, read_table),
    "phenotypes": (write_columns, read_phenotypes),
}


@pytest.mark.parametrize("kind", FUZZED)
def test_damaged_files_give_the_one_error(kind, tmp_path):
    write, read = FUZZED[kind]
    write(make_genotypes(np.random.default_rng(0).integers(-1, 3, (5, 4))), tmp_path)
    if kind == "vcf.gz":
        (tmp_path / "panel.vcf").unlink(missing_ok=True)
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    @settings(max_examples=N_DAMAGED, deadline=5000, derandomize=True)
    @given(st.randoms(use_true_random=False))
    def fuzz(rng):
        read_damaged(read, tmp_path, content, rng)

    fuzz()


READ_ALL = """
import pathlib, sys
from sktransformer_gp.io import GenotypeFormatError, read_genotypes
errors = 0
for path in pathlib.Path(sys.argv[1]).glob("*.damaged*"):
    try:
        read_genotypes(path)
    except GenotypeFormatError:
        errors += 1
print(errors)
"""


@pytest.mark.parametrize("kind", ["bcf", "parquet"])
def test_damaged_files_do_not_end_the_process(kind, tmp_path):
    # Read by C and C++: what goes wrong there would end the tests, hence a process of its own.
    path = WRITERS[kind](make_genotypes(np.random.default_rng(0).integers(-1, 3, (5, 4))), tmp_path)
    content = gzip.decompress(path.read_bytes()) if kind == "bcf" else path.read_bytes()
    for i in range(5 * N_DAMAGED):
        damaged = damage(content, random.Random(i))
        (tmp_path / f"{i}.damaged.{kind}").write_bytes(damaged)

    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, tmp_path], capture_output=True, timeout=60
    )

    assert run.returncode == 0, run.stderr[-2000:].decode(errors="replace")
    assert int(run.stdout) > N_DAMAGED


# Bytes for each dosage while reading, as the readers' notes say; and what the tables take.
PEAK = {"plink": 2, "vcf": 2, "hapmap": 2, "csv": 10, "tsv": 10, "parquet": 10}
FOR_TABLES = 3_000_000


@pytest.mark.parametrize("kind", PEAK)
def test_memory_stays_within_what_is_stated(kind, tmp_path):
    genotypes = make_genotypes(np.random.default_rng(0).integers(-1, 3, (1000, 1000)))
    path = WRITERS[kind](genotypes, tmp_path)
    read_genotypes(path, markers=["snp0"])  # what is imported counts no more
    tracemalloc.start()
    try:
        again = read_genotypes(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(again.dosages, genotypes.dosages)
    assert peak < PEAK[kind] * genotypes.dosages.size + FOR_TABLES


def test_a_thousand_samples_and_the_markers_of_the_yeast_cross_come_back(tmp_path):
    """How fast is not asserted here but measured in ``benchmarks/reading.py``."""
    genotypes = make_genotypes(np.random.default_rng(0).integers(-1, 3, (1000, 11_600)))
    bed, vcf = write_plink(genotypes, tmp_path), write_vcf(genotypes, tmp_path)
    for read, path in ((read_plink, bed), (read_vcf, vcf)):
        np.testing.assert_array_equal(read(path).dosages, genotypes.dosages)


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [
        ("plink", "bed_reader", "plink"),
        ("bcf", "cyvcf2", "vcf"),
        ("xlsx", "openpyxl", "excel"),
        ("parquet", "pyarrow", "parquet"),
    ],
)
def test_missing_package_names_the_extra(kind, package, extra, tmp_path, monkeypatch):
    path = WRITERS[kind](make_genotypes(np.ones((2, 2))), tmp_path)
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ImportError, match=rf"pip install 'sktransformer-gp\[{extra}\]'"):
        read_genotypes(path)


def test_importing_the_readers_pulls_no_extra_in():
    extras = ["bed_reader", "cyvcf2", "openpyxl", "torch"]
    code = f"import sys, sktransformer_gp.io; print([m for m in {extras} if m in sys.modules])"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


def test_public_names_are_documented_with_an_example():
    assert sorted(io.__all__) == io.__all__
    for name in io.__all__:
        text = getattr(io, name).__doc__
        assert ">>> " in text or "See :func:" in text, name
