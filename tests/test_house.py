"""The rules of the house that a machine can keep."""

import ast
import doctest
import importlib
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sktransformer_gp

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sktransformer_gp"
FOLDERS = ["sktransformer_gp", "tests", "examples", "benchmarks"]
# "regressor", "io.plink"; a folder's `__init__` goes by the folder's name: "io".
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# A module imports from the floors below its own only.
FLOORS = [
    {"metrics.traits", "likelihood", "pages"},
    {"metrics.agreement", "metrics.calibration", "metrics.selection"},
    {"metrics.scorers"},
    {"markers", "validation", "metrics", "layers", "devices", "download", "weights", "rules"}
    | {"dominance", "automatic"},
    {"spectrum", "copies"},
    {"omission"},
    {"variance"},
    {"splitters", "plotting.axes", "conjugate", "crossfit"},
    {"io.extras", "io.files", "io.dosage_text"},
    {"io.rows", "io.marker_table"},
    {"io.bed", "io.names"},
    {"io.genotypes"},
    {"io.marker_rows", "io.plink", "io.table", "io.phenotypes", "io.alignment", "io.matching"},
    {"io.vcf", "io.hapmap"},
    {"io.formats"},
    {"io"},
    {"networks.windows", "networks.calls", "networks.convolution", "networks.decoder", "encoder"},
    {"regime"},
    {"fused"},
    {"networks.denoising", "training", "networks.copying"},
    {"callbacks"},
    {"networks.fitting"},
    {"networks.call_network", "networks.adversarial"},
    {f"networks.{name}" for name in ("autoencoder", "pretraining", "finetuning", "gan")},
    {"preprocessing.neighbours", "concordance"},
    {f"preprocessing.{name}" for name in ("imputing", "filtering", "merging", "coding", "scaling")},
    {"preprocessing.selecting"},
    {"preprocessing", "quality", "simulation", "sources", "relationship", "folds"},
    {"parameters", "datasets", "inputs", "presets"},
    {"saving.container", "saving.shapes"},
    {"saving.tree", "saving.pipelines", "saving.nets"},
    {"saving.estimators"},
    {"saving"},
    {"neural"},
    {"gblup", "rkhs", "polygenic", "snp_blup", "per_trait"}
    | {f"networks.{name}" for name in ("cnn", "cross_attention", "pretrained")},
    {"regressor", "networks", "fixed_effects"},
    {"models", "comparison.leaks", "comparison.study", "comparison.inference"},
    {"comparison.workers", "comparison.statistics"},
    {"comparison.cells"},
    {"comparison.journal", "comparison.provenance", "comparison.ranks"},
    {"comparison.run"},
    {"comparison.compare"},
    {"comparison"},
    {"inspection.steps", "inspection.paths", "inspection.disequilibrium"},
    {"inspection.encoders", "inspection.kernels"},
    {"inspection.changes", "inspection.contributions", "inspection.attention"},
    {"inspection.surfaces", "inspection.importance", "inspection.breeding_values"},
    {"inspection.interactions"},
    {"inspection"},
    {"plotting.genome"},
    {f"plotting.{name}" for name in ("comparisons", "costs", "fits", "searches", "quality")}
    | {f"plotting.{name}" for name in ("candidates", "heatmaps", "importance")},
    {"plotting"},
    {"report"},
    {"__init__", "commands", "commands.cluster", "commands.files", "commands.options"}
    | {"commands.fixed_effects"},
    {"commands.results", "commands.studies", "commands.fit", "commands.predict"},
    {"commands.compare", "commands.quality"},
    {"__main__"},
]


def imports(path):
    """Yield (module, names) of each import statement anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            yield node.module, [alias.name for alias in node.names]


def test_every_module_has_a_floor():
    assert MODULES.keys() == set().union(*FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    floor = next(i for i, floor in enumerate(FLOORS) if module in floor)
    below = set().union(*FLOORS[:floor])
    for name, names in imports(MODULES[module]):
        package, _, ours = name.partition(".")
        if package == "sktransformer_gp":
            for imported in [ours] if ours else names:
                assert imported in below, f"{module} imports {imported}, which is not below it"


@pytest.mark.parametrize(
    "path",
    [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_private_is_imported_from_others(path):
    for module, names in imports(path):
        if not module.startswith("sktransformer_gp") and module != "__future__":
            parts = [*module.split("."), *names]
            assert not [part for part in parts if part.startswith("_")], module


@pytest.mark.parametrize("module", [m for m in MODULES if m != "__main__"])
def test_examples_in_docstrings_run(module):
    failed, _ = doctest.testmod(
        importlib.import_module(f"sktransformer_gp.{module}".removesuffix(".__init__")),
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert failed == 0


@pytest.mark.parametrize("name", sktransformer_gp.__all__)
def test_public_names_are_documented_with_an_example(name):
    value = getattr(sktransformer_gp, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__ and ">>> " in value.__doc__, f"{name} has no example"


@pytest.mark.parametrize("module", [m for m in MODULES if m != "__init__"])
def test_each_module_has_its_tests(module):
    folders = module.split(".")
    name = folders.pop().strip("_")
    assert Path(ROOT / "tests", *folders, f"test_{name}.py").exists()


def test_importing_the_package_pulls_no_extra_in():
    extras = ["matplotlib", "rdata", "bed_reader", "cyvcf2", "distributed", "xarray", "hypothesis"]
    names = ", ".join(sktransformer_gp.__all__)
    code = (
        f"import sys; from sktransformer_gp import {names}\n"
        f"print([m for m in {extras} if m in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


def test_torch_waits_until_it_is_needed():
    code = "import sys, sktransformer_gp.__main__; print('torch' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"


def test_public_names_are_those_that_can_be_imported():
    assert set(sktransformer_gp.__all__) <= set(dir(sktransformer_gp))
    assert all(hasattr(sktransformer_gp, name) for name in sktransformer_gp.__all__)
    assert not hasattr(sktransformer_gp, "no_such_name")


def test_readme_has_the_two_commands_word_for_word():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = "python -m venv .venv && . .venv/bin/activate && pip install -c constraints.txt -e "

    assert start + ". && python -m sktransformer_gp demo" in lines
    assert start + "'.[test]' && pytest -n 2" in lines


PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M))
# Beside this package's BSD-3-Clause, and in whatever is made with it.
FREE = re.compile(r"\b(0?BSD|MIT|Apache|MPL|Python Software Foundation)", re.I)


def licence(package):
    """Return what a package says of its licence: the shortest of the places that do."""
    about = package.metadata
    classifiers = [text for text in about.get_all("Classifier", []) if text.startswith("License")]
    given = [about.get("License-Expression"), *classifiers, about.get("License")]
    files = [path for path in package.files or [] if "LICEN" in path.name.upper()]
    return min(filter(None, given), key=len, default="") or files[0].read_text("utf-8")[:200]


def test_all_that_is_needed_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = sum(project["optional-dependencies"].values(), project["dependencies"])
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in needed}

    assert names - {"sktransformer-gp"} <= PINS.keys()


@pytest.mark.parametrize("name", PINS)
def test_the_licence_of_what_is_pinned_asks_nothing_of_users(name):
    try:
        found = licence(importlib.metadata.distribution(name))
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")

    assert FREE.search(found) and "GPL" not in found, found


def test_tables_are_those_of_the_committed_scores(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    tables = importlib.import_module("tables")

    for page in tables.pages():
        text = page.read_text(encoding="utf-8")
        assert tables.fill(text) == text, page.name
    # No table that could be made is left out.
    text = "".join(page.read_text(encoding="utf-8") for page in tables.pages())
    used = {name for _, name, _ in tables.TABLE.findall(text)}
    assert tables.TABLES.keys() <= used
