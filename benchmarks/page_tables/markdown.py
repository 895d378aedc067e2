"""Read scores; write rows as a table in Markdown."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

FOLDER = Path(__file__).parents[1]


def read(name: str) -> pd.DataFrame:
    """Read a CSV of the benchmarks."""
    return pd.read_csv(FOLDER / f"{name}.csv")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(line)} |\n" for line in (header, *rows)]
    return "".join([lines[0], "|---" * len(header), "|\n", *lines[1:]])


def cells(values: Iterable[float], digits: int = 3, best: bool = False) -> list[str]:
    """Return numbers as texts, nothing where there is none, and the largest in bold on request."""
    texts = ["" if np.isnan(value) else f"{value:.{digits}f}" for value in values]
    if not best:
        return texts
    largest = max((text for text in texts if text), key=float)
    return [f"**{text}**" if text == largest else text for text in texts]


def mean_difference(differences: pd.Series, digits: int) -> str:
    """Return a mean difference ± half of its 95 % interval."""
    half = t.ppf(0.975, len(differences) - 1) * differences.sem()
    return f"{differences.mean():+.{digits}f} ± {half:.{digits}f}"
