"""Results that grow row by row: a run can be stopped at any time and goes on where it was."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd


def is_done(path: Path, **case: object) -> bool:
    """Tell whether a row with these values, by column, stands in the CSV."""
    if not path.exists():
        return False
    # As text: a case may be called "none", which pandas reads as a missing value.
    done = pd.read_csv(path, dtype=str, keep_default_na=False)
    return bool((done[list(case)] == [str(value) for value in case.values()]).all(axis=1).any())


def append(
    path: Path, rows: pd.DataFrame | Sequence[Mapping[str, object]], digits: int = 5
) -> None:
    """Add rows to the CSV in one write; one of an older version keeps its columns."""
    table = pd.DataFrame(rows)
    if path.exists():
        table = table[list(pd.read_csv(path, nrows=0))]
    text = table.to_csv(index=False, header=not path.exists(), float_format=f"%.{digits}g")
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
