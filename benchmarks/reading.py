"""Seconds to read 1,000 samples x 11,600 markers, and parts of them, on one core.

    python benchmarks/reading.py --out benchmarks/reading.csv

Processor time of one process; "samples" and "markers" read a hundred of either.
"""

import argparse
import gzip
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sktransformer_gp.io import Genotypes, read_genotypes

SHAPE = (1000, 11_600)
N_PART = 100
CALLS = np.array(["0/0", "0/1", "1/1", "./."])


def main() -> None:
    """Write one row for each format and part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    genotypes = make_panel()
    parts = {
        "all": {},
        "samples": {"samples": genotypes.samples[::10][:N_PART].tolist()},
        "markers": {"markers": genotypes.markers.index[::116][:N_PART].tolist()},
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in write(genotypes, Path(folder)):
            read_genotypes(path, markers=parts["markers"]["markers"][:1])  # imports
            for part, chosen in parts.items():
                start = time.process_time()
                found = read_genotypes(path, **chosen)
                seconds = time.process_time() - start
                assert (found.dosages == genotypes.select(**chosen).dosages).all()
                megabytes = path.stat().st_size / 1e6
                rows.append((path.name, round(megabytes, 1), part, round(seconds, 3)))
                print(*rows[-1], flush=True)
    names = ["file", "megabytes", "part", "seconds"]
    pd.DataFrame(rows, columns=names).to_csv(arguments.out, index=False)


def make_panel() -> Genotypes:
    """Return random calls, one in a hundred missing, on ten chromosomes."""
    rng = np.random.default_rng(0)
    dosages = rng.choice(np.array([-1, 0, 1, 2], dtype=np.int8), SHAPE, p=[0.01, 0.33, 0.33, 0.33])
    names = [f"{1 + j * 10 // SHAPE[1]}:{1000 * (j + 1)}:A_G" for j in range(SHAPE[1])]
    samples = [f"line{i}" for i in range(SHAPE[0])]
    return Genotypes.from_frame(pd.DataFrame(dosages, samples, names))


def write(genotypes: Genotypes, folder: Path) -> Iterator[Path]:
    """Write the panel in each format; yield the paths."""
    genotypes.write_plink(folder / "panel")
    yield folder / "panel.bed"
    text = vcf(genotypes)
    (folder / "panel.vcf").write_text(text)
    yield folder / "panel.vcf"
    (folder / "panel.vcf.gz").write_bytes(gzip.compress(text.encode(), compresslevel=6))
    yield folder / "panel.vcf.gz"
    genotypes.to_frame().to_csv(folder / "panel.csv")
    yield folder / "panel.csv"
    genotypes.to_frame().to_parquet(folder / "panel.parquet")
    yield folder / "panel.parquet"


def vcf(genotypes: Genotypes) -> str:
    """Return the panel as the text of a VCF file."""
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = ["##fileformat=VCFv4.2", "\t".join([*fixed, *genotypes.samples])]
    for row, calls in zip(genotypes.markers.itertuples(), CALLS[genotypes.dosages.T], strict=True):
        site = [row.chromosome, str(row.position), ".", row.other_allele, row.counted_allele]
        lines.append("\t".join([*site, ".", "PASS", ".", "GT", *calls]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
