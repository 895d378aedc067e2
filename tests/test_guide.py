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


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Run the blocks of a page in a folder of its own; gives the page's variables."""
    monkeypatch.chdir(tmp_path)
    return follow_page


def follow_page(page):
    namespace = {}
    for language, block in BLOCKS.findall((GUIDE / page).read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, page, "exec"), namespace)
            continue
        for line in block.splitlines():
            program, arguments = line.split(" sktransformer_gp ")
            assert program == "python -m"
            assert main(shlex.split(arguments)) == 0
    return namespace


def test_from_files_to_a_prediction(follow, capfd):
    namespace = follow("files.md")
    table = pd.read_csv("predictions.csv", index_col="sample")
    assert list(table) == ["yield", "protein"]
    # The Python block and the commands predict the same.
    X = namespace["match"].genotypes.to_frame()
    np.testing.assert_allclose(table, namespace["model"].predict(X), rtol=1e-9)
    assert table.index.tolist() == X.index.tolist()
    assert "phenotypes only" not in capfd.readouterr().out


def test_quality_filters_and_imputation(follow):
    namespace = follow("preprocessing.md")
    fourth, eighth = namespace["panel"].samples[[3, 7]]
    suspects = pd.read_csv("quality/suspects.csv")
    assert set(suspects["sample"]) == {fourth, eighth}
    columns = set(namespace["dosages"].columns)
    assert columns.issuperset(namespace["search"].best_estimator_[:-1].get_feature_names_out())
