import functools
import sys

import pytest

from sktransformer_gp import datasets
from sktransformer_gp.__main__ import main


@pytest.fixture
def small_cross(monkeypatch):
    """Make the simulated cross small."""
    small = functools.partial(datasets.make_cross, n_samples=80, n_markers=120)
    monkeypatch.setattr(datasets, "make_cross", small)
    return small


def test_the_table_is_aligned(small_cross, tmp_path, capfd):
    main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)])
    lines = capfd.readouterr().out.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("model "))
    assert len({len(line) for line in lines[header : header + 3]}) == 1


def test_without_matplotlib_there_is_a_table_and_a_word(small_cross, tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)])
    assert "No figure: matplotlib is not installed" in capfd.readouterr().out
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["provenance.json", "scores.csv", "summary.csv"]
