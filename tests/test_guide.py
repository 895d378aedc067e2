"""README and the pages, followed line by line: Python blocks and commands in their order."""

import gzip
import importlib
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.__main__ import main
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.io import Genotypes

ROOT = Path(__file__).parents[1]
TEXTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")), *ROOT.glob("docs/guide/*.md")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.S | re.M)
OURS = "python -m sktransformer_gp "
# Commands of the README leave the model open: in the test a quick one stands for the default.
QUICK = {"compare": "--models gblup --cv 2 --repeats 1 --jobs 1", "fit": "--name gblup"}
TOOLS = re.compile(
    r"python -m venv \.venv && \. \.venv/bin/activate && pip install -c constraints\.txt -e "
    r"(\.|'\.\[[\w,]+\]')( && pytest -n 2| && python -m sktransformer_gp demo)?"
    r"|pytest -n 2|ruff check \. && ruff format --check \. && mypy"
    r"|sphinx-build -W -n docs docs/_build"
)


def blocks(page):
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def commands():
    """Yield (page, command) for each line of a shell block."""
    for path in TEXTS:
        for language, block in blocks(path):
            if language == "sh":
                yield from ((str(path.relative_to(ROOT)), line) for line in block.splitlines())


def on_public_data(block):
    return OURS in block and "--dataset " in block


PAGES = [
    str(path.relative_to(ROOT))
    for path in TEXTS
    if any(language == "python" or OURS in block for language, block in blocks(path))
]
# These have a test of their own.
FURTHER = ["docs/guide/files.md", "docs/guide/preprocessing.md"]
# Each with the rest of its block, which goes on from it.
PUBLIC = [
    block
    for path in TEXTS
    for language, block in blocks(path)
    if language == "sh" and on_public_data(block)
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Go to a folder of its own, with the files of which README speaks."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_own_files():
    cross = make_cross(60, 80, ploidy=2, random_state=0, as_frame=True)
    cross.data.columns += ":A_G"
    Genotypes.from_frame(cross.data[:50]).write_plink("panel")
    trial = cross.target[:50].set_axis(["yield", "protein"], axis=1)
    trial.to_csv("trial.csv", index_label="line")
    calls = np.array(["0/0", "0/1", "1/1"])
    with gzip.open("candidates.vcf.gz", "wt") as file:
        file.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t")
        print(*cross.data.index[50:], sep="\t", file=file)
        for name, dosages in cross.data[50:].items():
            chromosome, position = name.split(":")[:2]
            fields = (chromosome, position, ".", "A", "G", ".", ".", ".", "GT", *calls[dosages])
            print(*fields, sep="\t", file=file)


def run(command, quickly=False):
    arguments = shlex.split(command.removeprefix(OURS))
    if quickly and "--resume" not in arguments:
        arguments += QUICK.get(arguments[0], "").split()
    assert main(arguments) == 0


def follow(page):
    """Run all blocks of a page but those on public data; gives the page's variables."""
    namespace = {}
    for language, block in blocks(page):
        if language == "python":
            exec(compile(block, page, "exec"), namespace)
        elif language == "sh" and not on_public_data(block):
            for line in block.splitlines():
                if line.startswith(OURS):
                    run(line, quickly=page == "README.md")
    return namespace


def test_every_block_is_python_or_commands():
    languages = {language for path in TEXTS for language, _ in blocks(path)}
    assert languages <= {"python", "sh"}
    assert len(PAGES) > 10 and len(PUBLIC) > 2


@pytest.mark.parametrize("page", [page for page in PAGES if page not in FURTHER])
def test_blocks_run(page, here):
    if page == "README.md":
        write_own_files()
    follow(page)


@pytest.mark.parametrize("block", PUBLIC, ids=[f"block {i}" for i in range(len(PUBLIC))])
def test_commands_on_public_data_run(block, here, real_data, monkeypatch):
    monkeypatch.setenv("SKTRANSFORMER_GP_DATA", str(real_data))
    for line in block.splitlines():
        run(line + " --traits Lactate" * ("--resume" not in line), quickly=True)


@pytest.mark.parametrize(("page", "command"), [c for c in commands() if not c[1].startswith(OURS)])
def test_other_commands_are_what_there_is(page, command):
    benchmarks = [part for part in command.split(" && ") if "benchmarks/" in part]
    if not benchmarks:
        assert TOOLS.fullmatch(command), page
    for script in benchmarks:
        program, path, *options = shlex.split(script)
        assert program == "python"
        text = (ROOT / path).read_text(encoding="utf-8")
        for option in options:
            assert not option.startswith("--") or f'"{option}"' in text, f"{path} has no {option}"


def test_the_gallery_is_short():
    examples = list((ROOT / "examples").glob("*.py"))
    assert 0 < len(examples) <= 10
    for path in examples:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60, path.name


def test_extras_that_are_named_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"-e '\.\[([\w,]+)\]'", "".join(p.read_text("utf-8") for p in TEXTS))
    assert named
    for extras in named:
        assert set(extras.split(",")) <= project["optional-dependencies"].keys()


def test_links_between_pages_lead_somewhere():
    for path in TEXTS:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)", path.read_text("utf-8")):
            if "gallery/" not in target:
                assert (path.parent / target).exists(), f"{path.name} links {target}"


def test_the_benchmarks_page_names_all_that_is_there():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    folder = ROOT / "benchmarks"
    there = {path.name for path in folder.iterdir() if path.suffix in (".csv", ".png", ".py")}
    named = set(re.findall(r"`(\w+\.(?:csv|png|py))", page)) | {"tables.py"}
    not_yet = {"ablation.csv", "grid.csv", "speed.csv"} - there
    assert there | not_yet == named


def test_from_files_to_a_prediction(here, capfd):
    namespace = follow("docs/guide/files.md")
    table = pd.read_csv("predictions.csv", index_col="sample")
    assert list(table) == ["yield", "protein"]
    # The Python block and the commands predict the same.
    X = namespace["match"].genotypes.to_frame()
    np.testing.assert_allclose(table, namespace["model"].predict(X), rtol=1e-9)
    assert table.index.tolist() == X.index.tolist()
    assert "phenotypes only" not in capfd.readouterr().out


def test_quality_filters_and_imputation(here):
    namespace = follow("docs/guide/preprocessing.md")
    fourth, eighth = namespace["panel"].samples[[3, 7]]
    suspects = pd.read_csv("quality/suspects.csv")
    assert set(suspects["sample"]) == {fourth, eighth}
    columns = set(namespace["dosages"].columns)
    assert columns.issuperset(namespace["search"].best_estimator_[:-1].get_feature_names_out())


def test_the_api_page_has_every_public_name():
    page = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    modules = ["comparison", "datasets", "inspection", "io", "metrics", "networks", "plotting"]
    # What is public for other modules, or a constant.
    internal = {"COLUMNS", "COLOURS", "MARKERS", "ModelFileMixin", "TraitRegressorMixin"}
    for module in ["", *modules, "preprocessing", "saving"]:
        names = importlib.import_module(f"sktransformer_gp.{module}".rstrip(".")).__all__
        missing = [name for name in names if not re.search(rf"\b{name}$", page, re.M)]
        assert set(missing) <= internal, module
