"""The pages of the guide, followed line by line: Python blocks and commands in their order."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.__main__ import main

GUIDE = Path(__file__).parents[1] / "docs" / "guide"
BLOCKS = re.compile(r"```(python|sh)\n(.*?)```", re.S)


@pytest.mark.parametrize("page", ["files.md"])
def test_a_reader_can_follow_along(page, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for language, block in BLOCKS.findall((GUIDE / page).read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, page, "exec"), namespace)
            continue
        for line in block.splitlines():
            program, arguments = line.split(" sktransformer_gp ")
            assert program == "python -m"
            assert main(shlex.split(arguments)) == 0
    table = pd.read_csv("predictions.csv", index_col="sample")
    assert list(table) == ["yield", "protein"]
    # The Python block and the commands predict the same.
    X = namespace["match"].genotypes.to_frame()
    np.testing.assert_allclose(table, namespace["model"].predict(X), rtol=1e-9)
    assert table.index.tolist() == X.index.tolist()
    assert "phenotypes only" not in capfd.readouterr().out
