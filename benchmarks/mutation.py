"""Change the code here and there: do the tests notice?

    python benchmarks/mutation.py --mutants 60 --out benchmarks/mutation.csv

In each of three parts of the package (`PARTS`), sites are drawn at random where a comparison, an
operator or a number can be changed. Each mutant is one such change, in the memory of a process
that runs the part's tests until one fails; the files stay as they are. A row has the site, the
change and whether it was noticed: by a failing test, or by tests that did not end in time. Changes
that the file has as noticed are not run again: more tests cannot overlook them.
"""

import argparse
import ast
import csv
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sktransformer_gp"
PARTS = {
    "metrics": (["metrics/*.py"], ["tests/metrics", "tests/test_metrics.py"]),
    "gblup": (
        ["gblup.py", "spectrum.py", "variance.py", "likelihood.py"],
        [
            "tests/test_likelihood.py",
            "tests/test_spectrum.py",
            "tests/test_variance.py",
            "tests/test_omission.py",
            "tests/test_gblup.py",
            "tests/test_polygenic.py",
            "tests/test_conjugate.py",
            "tests/test_snp_blup.py",
        ],
    ),
    "comparison": (["comparison/*.py"], ["tests/comparison", "tests/test_comparison.py"]),
}
SECONDS = 300
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


class Mutant(NamedTuple):
    """One change of one file."""

    path: Path
    line: int
    change: str
    source: str


def main() -> None:
    """Write one row for each mutant, and print the share that was noticed in each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=60, help="in each part")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    known = read_noticed(arguments.out)
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["part", "file", "line", "change", "noticed"])
        for part in arguments.parts:
            patterns, tests = PARTS[part]
            paths = sorted(path for pattern in patterns for path in PACKAGE.glob(pattern))
            mutants = [mutant for path in paths for mutant in mutate(path)]
            drawn = random.Random(arguments.seed).sample(mutants, arguments.mutants)
            outcomes = []
            for mutant in sorted(drawn):
                place = [part, str(mutant.path.relative_to(ROOT)), mutant.line, mutant.change]
                outcomes.append(known.get(tuple(map(str, place))) or notice(mutant, tests))
                writer.writerow([*place, outcomes[-1]])
                file.flush()
            n_noticed = len(outcomes) - outcomes.count("no")
            print(f"{part}: {n_noticed} of {len(outcomes)} noticed, of {len(mutants)} possible")


def read_noticed(path: Path) -> dict[tuple[str, ...], str]:
    """Return what noticed the changes of an earlier run, by part, file, line and change."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = [(tuple(place), seen) for *place, seen in csv.reader(file)]
    # Two changes of a line may read the same.
    missed = {place for place, seen in rows if seen == "no"}
    return {place: seen for place, seen in rows if place not in missed}


def mutate(path: Path) -> Iterator[Mutant]:
    """Yield all mutants of a file."""
    text = path.read_text(encoding="utf-8")
    n_sites = sum(1 for _ in sites(ast.parse(text)))
    for number in range(n_sites):
        tree = ast.parse(text)
        node, name, new = list(sites(tree))[number]
        before = ast.unparse(node)
        if isinstance(getattr(node, name), list):
            new = [new, *getattr(node, name)[1:]]
        setattr(node, name, new)
        change = f"{before} -> {ast.unparse(node)}"
        yield Mutant(path, node.lineno, change, ast.unparse(tree))


def sites(tree: ast.AST) -> Iterator[tuple[ast.AST, str, object]]:
    """Yield nodes that can be changed, the attribute to set and its new value."""
    for node in walk_code(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
            yield node, "ops", COMPARISONS[type(node.ops[0])]()
        elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
            yield node, "op", OPERATORS[type(node.op)]()
        elif isinstance(node, ast.UnaryOp):
            undone = ast.UnaryOp(type(node.op)(), node.operand)
            yield node, "operand", undone
        elif isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
            new = not node.value if isinstance(node.value, bool) else node.value + 1
            yield node, "value", new
        elif isinstance(node, ast.IfExp):
            yield node, "test", ast.UnaryOp(ast.Not(), node.test)


def walk_code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree but for type hints, decorators and f-strings."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list") and not isinstance(
            value, ast.JoinedStr
        ):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                    yield from walk_code(child)


def notice(mutant: Mutant, tests: list[str]) -> str:
    """Run the tests on a mutant in a child process: "test", "time" or "no"."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.alarm(SECONDS)
        silence()
        sys.meta_path.insert(0, MutantFinder(mutant))
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "time" if status < 0 else "test" if status else "no"


def silence() -> None:
    """Send what the tests print nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Give the changed source where its module is imported."""

    def __init__(self, mutant: Mutant):
        parts = mutant.path.relative_to(ROOT).with_suffix("").parts
        self.name = ".".join(parts).removesuffix(".__init__")
        self.mutant = mutant

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.mutant.path, loader=self)

    def get_filename(self, fullname: str) -> str:
        return str(self.mutant.path)

    def get_data(self, path: str) -> bytes:
        return self.mutant.source.encode()


if __name__ == "__main__":
    os.environ["SKTRANSFORMER_GP_DATA"] = os.devnull  # tests on real data take long
    # What all children need, imported once.
    for module in ("matplotlib.pyplot", "pandas", "scipy.stats", "sklearn.ensemble", "torch"):
        importlib.import_module(module)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    main()
