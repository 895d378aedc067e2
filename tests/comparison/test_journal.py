import json
import os

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.comparison.cells import COLUMNS, Failure
from sktransformer_gp.comparison.journal import Journal

FAILURE = Failure("rf", 0, 1, 1.0, "MemoryError", 'no "memory"\nleft', "line 1\nline 2")


def cell(model="ridge", fold=0, n_traits=2, seed=0):
    scores = pd.DataFrame(
        np.random.default_rng(seed).normal(size=(n_traits, len(COLUMNS))), columns=list(COLUMNS)
    )
    traits = [f"trait {t}" for t in range(n_traits)]
    keys = {"model": model, "trait": traits, "repeat": 0, "fold": fold, "train_fraction": 1.0}
    return scores.assign(dataset="", **keys, n_train=9, n_test=3, best_params='{"alpha": 1}')


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "new" / "run")
    journal.start({"format": 1})
    return journal


def test_numbers_and_names_come_back_bit_for_bit(journal):
    cells = [
        cell("NA", seed=1).assign(train_fraction=0.1),
        cell("1.0", 1, seed=2).assign(dataset="a, b"),
        cell("ä", 2, seed=3),
    ]
    for scores in cells:
        journal.append_scores(scores)
    expected = pd.concat(cells, ignore_index=True)
    pd.testing.assert_frame_equal(journal.read_scores(2), expected, check_exact=True)


@pytest.mark.parametrize("n_bytes", range(1, 260, 23))
def test_a_file_that_is_cut_off_anywhere_keeps_its_whole_cells(journal, n_bytes):
    for fold in range(3):
        journal.append_scores(cell(fold=fold, seed=fold))
    whole = journal.scores_path.read_bytes()
    os.truncate(journal.scores_path, len(whole) - n_bytes)
    lines_left = whole[: len(whole) - n_bytes].count(b"\n") - 1  # less the header
    assert journal.read_scores(2)["fold"].tolist() == [0, 0, 1, 1, 2, 2][: lines_left // 2 * 2]


def test_a_cell_that_was_written_twice_counts_once(journal):
    for seed in (1, 2):
        journal.append_scores(cell(seed=seed))
    pd.testing.assert_frame_equal(journal.read_scores(2), cell(seed=1), check_exact=True)


def test_no_file_and_a_cut_header_are_no_scores(journal):
    assert list(journal.read_scores(1)) == list(COLUMNS)
    journal.scores_path.write_text("dataset,mod")
    assert len(journal.read_scores(1)) == 0


def test_columns_of_another_version_are_an_error(journal):
    journal.scores_path.write_text("dataset,model,r\na,b,0.5\n")
    with pytest.raises(ValueError, match="has other columns"):
        journal.read_scores(1)


def test_a_table_replaces_the_file_and_leaves_no_draft(journal):
    journal.append_scores(cell(fold=1))
    journal.write_scores(cell(fold=7))
    assert journal.read_scores(2)["fold"].tolist() == [7, 7]
    assert sorted(os.listdir(journal.folder)) == ["provenance.json", "scores.csv"]


def test_failures_are_one_line_of_json_each(journal):
    assert journal.read_failures() == []
    for _ in range(2):
        journal.append_failure(FAILURE)
    lines = journal.errors_path.read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ['no "memory"\nleft'] * 2
    with journal.errors_path.open("a") as file:
        file.write('{"model": "cut o')
    assert journal.read_failures() == [FAILURE, FAILURE]
    journal.start({})  # a new attempt
    assert journal.read_failures() == []


def test_a_folder_without_a_run(tmp_path):
    journal = Journal(tmp_path)
    assert not journal.holds_a_run()
    with pytest.raises(FileNotFoundError, match="holds no run"):
        journal.read_provenance()


def test_clearing_removes_the_run_and_nothing_else(journal):
    journal.append_scores(cell())
    journal.append_failure(FAILURE)
    (journal.folder / "notes.txt").touch()
    journal.clear()
    assert os.listdir(journal.folder) == ["notes.txt"]


def test_a_write_that_falls_short_is_an_error(journal, monkeypatch):
    class Full:
        name = "scores.csv"

        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

        def write(self, data):
            return len(data) - 1

    monkeypatch.setattr("pathlib.Path.open", lambda *args, **kwargs: Full())
    with pytest.raises(OSError, match="is the disk full"):
        journal.append_scores(cell())
