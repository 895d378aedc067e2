import sys

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import quality_report
from sktransformer_gp.__main__ import main
from sktransformer_gp.commands.quality import TABLES
from sktransformer_gp.io import Genotypes


@pytest.fixture
def panel(trial):
    """The panel of the trial, in which the fifth line was plated twice."""
    dosages = trial.panel.dosages.copy()
    dosages[9] = dosages[4]
    return Genotypes(dosages, trial.panel.samples, trial.panel.markers)


def run(*words):
    return main(["quality", *map(str, words)])


def test_the_tables_are_those_of_the_report(panel, write, tmp_path, capfd):
    out = tmp_path / "quality"

    assert run("--genotypes", write(panel, "bed", "panel"), "--out", out) == 0

    report = quality_report(panel)
    for name in TABLES:
        expected = getattr(report, name)
        expected = expected if name in ("duplicates", "suspects") else expected.reset_index()
        found = pd.read_csv(out / f"{name}.csv").fillna({"other": "-"})
        expected = expected.astype({"maf": str} if name == "maf_spectrum" else {})
        pd.testing.assert_frame_equal(
            found,
            expected.fillna({"other": "-"}),
            check_dtype=False,
            check_names=False,
            check_column_type=False,
            obj=name,
        )
    assert (out / "quality.png").read_bytes().startswith(b"\x89PNG")
    text, _ = capfd.readouterr()
    assert str(report) in text
    fifth, tenth = panel.samples[[4, 9]]
    assert text.count(fifth) == text.count(tenth) == 2  # suspected, and pointed to


def test_nobody_is_suspected_in_a_clean_panel(trial, write, tmp_path, capfd):
    run("--genotypes", write(trial.panel, "vcf", "panel"), "--out", tmp_path / "quality")

    assert "Nobody is suspected." in capfd.readouterr().out


def test_groups_come_from_the_phenotypes(panel, write, tmp_path):
    names = panel.samples
    groups = pd.Series(np.resize(["a", "b", ""], len(names)), names, name="family")
    groups[:-1].to_csv(tmp_path / "trial.csv", index_label="line")  # the last one is not there
    words = ["--genotypes", write(panel, "bed", "panel"), "--out", tmp_path / "quality"]

    run(*words, "--phenotypes", tmp_path / "trial.csv", "--id", "line", "--groups", "family")

    found = pd.read_csv(tmp_path / "quality" / "samples.csv", index_col=0, keep_default_na=False)
    assert found["group"].tolist() == [*groups[:-1], ""]


def test_long_lists_of_suspects_are_cut(trial, write, tmp_path, capfd):
    dosages = np.repeat(trial.panel.dosages[:6], 2, axis=0)
    panel = Genotypes(dosages, trial.panel.samples[:12], trial.panel.markers)

    run("--genotypes", write(panel, "bed", "panel"), "--out", tmp_path / "quality")

    assert "... and 2 more" in capfd.readouterr().out


def test_without_matplotlib_there_are_tables_and_a_word(trial, write, tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run("--genotypes", write(trial.panel, "bed", "panel"), "--out", tmp_path / "quality")

    assert "No figure: matplotlib is not installed" in capfd.readouterr().out
    assert len(list((tmp_path / "quality").iterdir())) == len(TABLES)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("--groups yield", "--groups and --phenotypes go together"),
        ("--phenotypes TRIAL --groups x", "unknown column 'x'; the valid ones are ['line', 'yi"),
        ("--phenotypes TRIAL --groups yield --id x", "unknown column 'x'"),
        ("--phenotypes TRIAL --id yield --groups protein", "has a group of none of the samples"),
        ("--near-identical 2", "near_identical lies in (0, 1], got 2.0"),
        ("--ploidy 1", "expected homozygous calls"),
    ],
)
def test_user_errors_are_one_line_and_status_2(trial, write, tmp_path, refuse, extra, message):
    extra = extra.replace("TRIAL", str(trial.path)).split()
    panel = write(trial.panel, "bed", "panel")

    words = ["quality", "--genotypes", panel, "--out", tmp_path / "quality", *extra]

    assert message in refuse(words)


def test_tables_that_are_there_are_safe_until_told(trial, write, tmp_path, refuse):
    words = ["--genotypes", write(trial.panel, "bed", "panel"), "--out", tmp_path / "quality"]
    run(*words)
    assert "replace it with --overwrite" in refuse(["quality", *words])
    assert run(*words, "--overwrite") == 0
