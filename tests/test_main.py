import subprocess
import sys
import warnings

import pandas as pd

from sktransformer_gp.__main__ import main
from sktransformer_gp.commands import compare
from sktransformer_gp.models import MODEL_NAMES


def test_help_lists_the_models_and_imports_nothing_that_takes_time():
    code = (
        "import sys, sktransformer_gp\n"
        "before = set(sys.modules)\n"
        "from sktransformer_gp.__main__ import main\n"
        "try: main(['compare', '--help'])\n"
        "finally: print(*set(sys.modules) - before, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in run.stdout for name in MODEL_NAMES)
    packages = {name.partition(".")[0] for name in run.stderr.split()}
    assert packages.isdisjoint({"numpy", "pandas", "sklearn", "torch", "matplotlib", "rdata"})


def test_as_a_program(tmp_path):
    command = (
        f"-m sktransformer_gp compare --dataset simulated --models gblup --cv 2 --out {tmp_path}"
    )
    run = subprocess.run(
        [sys.executable, *command.split()], capture_output=True, text=True, check=True
    )
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == 4
    # h2 = .6 and 14 loci: GBLUP with 504 segregants reaches about .6 of sqrt(h2) = .77
    assert scores["r"].between(0.4, 0.77).all()
    assert "1008 samples x 11623 markers" in run.stdout


def test_warnings_are_one_line_without_code(monkeypatch):
    shown = []

    def show(parser, argv):
        shown.append(warnings.formatwarning("clones", UserWarning, "compare.py", 3))
        return 0

    monkeypatch.setattr(compare, "run_compare", show)
    before = warnings.formatwarning
    assert main(["compare", "--dataset", "yeast"]) == 0
    assert shown == ["warning: clones\n"]
    assert warnings.formatwarning is before
