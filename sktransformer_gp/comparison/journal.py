"""The folder of a run: what is done stands in it, whatever happens to the process.

``scores.csv``
    The scores of each model x fold, appended as they come; in order once the run is over.
``errors.jsonl``
    One line of JSON for each model x fold that failed in the last attempt.
``provenance.json``
    What was compared, on what, how, by which versions, on which machine.
"""

import io
import json
import os
import uuid
from pathlib import Path
from typing import Any

import pandas as pd

from sktransformer_gp.comparison.cells import COLUMNS, KEYS, Failure

TEXTS = ("dataset", "model", "trait", "best_params")
WHOLE_NUMBERS = ("repeat", "fold", "n_train", "n_test")
FILES = ("scores.csv", "errors.jsonl", "provenance.json")


class Journal:
    """Files of one run, written so that a killed process loses nothing but the fits in hand.

    Parameters
    ----------
    folder : path-like
        Folder of the run; made where it does not exist.

    Attributes
    ----------
    scores_path, errors_path, provenance_path : Path
        The three files.

    Examples
    --------
    >>> import tempfile
    >>> from sktransformer_gp.comparison.journal import Journal
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = Journal(folder)
    ...     journal.start({"format": 1})
    ...     len(journal.read_scores(n_traits=1)), journal.read_provenance()
    (0, {'format': 1})
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self.scores_path, self.errors_path, self.provenance_path = (
            self.folder / name for name in FILES
        )

    def holds_a_run(self) -> bool:
        """Tell whether scores or the provenance of a run stand in the folder."""
        return self.scores_path.exists() or self.provenance_path.exists()

    def clear(self) -> None:
        """Remove the files of an earlier run, the provenance last."""
        for path in (self.scores_path, self.errors_path, self.provenance_path):
            path.unlink(missing_ok=True)

    def start(self, provenance: dict[str, Any]) -> None:
        """Begin an attempt: note the provenance, keep whole scores, forget the failures.

        Parameters
        ----------
        provenance : dict
            What :func:`~sktransformer_gp.comparison.provenance.describe_run` gives.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_provenance(provenance)
        self.errors_path.unlink(missing_ok=True)

    def read_scores(self, n_traits: int) -> pd.DataFrame:
        """Return the scores of the cells that are complete.

        Parameters
        ----------
        n_traits : int
            Rows of a complete cell (model x fold).

        Returns
        -------
        DataFrame
            The rows in the file's order. A line that was cut off and cells that lack a trait are
            left out: they are run again.

        Raises
        ------
        ValueError
            If the columns are others than those of this version.
        """
        text = self.scores_path.read_text(encoding="utf-8") if self.scores_path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if not whole:
            return pd.DataFrame(columns=list(COLUMNS))
        # As text first: a name may look like a number or a missing value, and the fast way in which
        # older versions of pandas read numbers is off by a last digit.
        scores = pd.read_csv(io.StringIO(whole), dtype=str, na_filter=False)
        if tuple(scores) != COLUMNS:
            raise ValueError(f"{self.scores_path} has other columns than {list(COLUMNS)}")
        scores = scores.astype({column: _type(column) for column in COLUMNS})
        scores = scores.drop_duplicates([*KEYS, "trait"])
        complete = scores.groupby(list(KEYS))["trait"].transform("size") == n_traits
        return scores[complete].reset_index(drop=True)

    def write_scores(self, scores: pd.DataFrame) -> None:
        """Put a whole table in the place of the file at once.

        Parameters
        ----------
        scores : DataFrame
            Rows with the columns of :data:`COLUMNS`.
        """
        _replace(self.scores_path, _as_csv(scores, header=True))

    def append_scores(self, scores: pd.DataFrame) -> None:
        """Add the rows of a cell in one write.

        Parameters
        ----------
        scores : DataFrame
            Rows with the columns of :data:`COLUMNS`.
        """
        _append(self.scores_path, _as_csv(scores, header=not self.scores_path.exists()))

    def append_failure(self, failure: Failure) -> None:
        """Add a failure in one write.

        Parameters
        ----------
        failure : Failure
            The model x fold that failed.
        """
        _append(self.errors_path, json.dumps(failure.as_dict()) + "\n")

    def read_failures(self) -> list[Failure]:
        """Return the failures of the last attempt.

        Returns
        -------
        list of Failure
            In the order in which they came.
        """
        if not self.errors_path.exists():
            return []
        lines = self.errors_path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [Failure(**json.loads(line)) for line in lines if line.endswith("\n")]

    def read_provenance(self) -> dict[str, Any]:
        """Return the provenance.

        Returns
        -------
        dict
            What was written last.

        Raises
        ------
        FileNotFoundError
            If no run was started in the folder.
        """
        if not self.provenance_path.exists():
            raise FileNotFoundError(f"{self.folder} holds no run: there is no {FILES[-1]} in it")
        return json.loads(self.provenance_path.read_text(encoding="utf-8"))

    def write_provenance(self, provenance: dict[str, Any]) -> None:
        """Put a provenance in the place of the file at once.

        Parameters
        ----------
        provenance : dict
            What can be written as JSON.
        """
        _replace(self.provenance_path, json.dumps(provenance, indent=2, allow_nan=False) + "\n")


def _type(column: str) -> type:
    if column in TEXTS:
        return str
    return int if column in WHOLE_NUMBERS else float


def _as_csv(scores: pd.DataFrame, *, header: bool) -> str:
    # Python's shortest digits: what is read back is the same number, bit for bit.
    return scores[list(COLUMNS)].to_csv(index=False, header=header, lineterminator="\n")


def _append(path: Path, text: str) -> None:
    # Whole lines in one unbuffered write at the end of the file: a kill comes before or after it.
    with path.open("ab", buffering=0) as file:
        _write_all(file, text)


def _replace(path: Path, text: str) -> None:
    # A reader, or a run after a kill, sees the old file or the new one and never a part.
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("wb", buffering=0) as file:
            _write_all(file, text)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _write_all(file: io.FileIO, text: str) -> None:
    data = text.encode()
    written = file.write(data)
    if written != len(data):
        raise OSError(f"{file.name}: {written} of {len(data)} bytes written: is the disk full?")
    os.fsync(file.fileno())
