"""A comparison as one page of HTML: tables, figures, protocol and provenance."""

import base64
import html
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sktransformer_gp.comparison import paired_differences, rank_models, summarise
from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.comparison.statistics import (
    DIFFERENCES,
    at_full_size,
    choose_reference,
    with_common_folds,
)
from sktransformer_gp.plotting import (
    plot_comparison,
    plot_differences,
    plot_time,
    plot_training_size,
)
from sktransformer_gp.plotting.axes import pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th { background: #f4f4f4; } .text { text-align: left; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; font-size: .85rem; }
.failed { border-left: 4px solid #d55e00; padding-left: 1rem; }
"""
TEXTS = ("dataset", "model", "trait", "reference")
FORMATS = {
    **{"n_folds": "{:d}", "rank": "{:.3g}", "p_value": "{:.3g}", "p_adjusted": "{:.3g}"},
    **{"train_fraction": "{:g}", "mse_mean": "{:.4g}", "fit_seconds_mean": "{:.4g}"},
}
HEADINGS = {
    "n_folds": "folds",
    "r_mean": "r",
    "r_sd": "sd of r",
    "mse_mean": "MSE",
    "r2_mean": "R²",
    "rank_correlation_mean": "rank correlation",
    "slope_mean": "slope",
    "selection_response_mean": "response, top 10 %",
    "top_fraction_overlap_mean": "overlap, top 10 %",
    "fit_seconds_mean": "seconds to fit",
    "train_fraction": "share of training rows",
    "low": "from",
    "high": "to",
    "p_value": "p",
    "p_adjusted": "p after Holm",
}
SUMMARY = (
    *("dataset", "train_fraction", "model", "trait", "n_folds", "r_mean", "r_sd", "mse_mean"),
    *("r2_mean", "rank_correlation_mean", "slope_mean", "selection_response_mean"),
    *("top_fraction_overlap_mean", "fit_seconds_mean", "rank"),
)
COMPARED = ("dataset", "model", "trait", "n_folds", *DIFFERENCES)


def write_report(
    folder: str | os.PathLike,
    path: str | os.PathLike | None = None,
    *,
    reference: str | None = None,
) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    folder : path-like
        Folder of ``compare_models(..., folder=...)``.
    path : path-like, default=None
        The page; None = ``report.html`` in the folder.
    reference : str, default=None
        Model that the others are compared with; None = gblup where it is there, otherwise the
        first.

    Returns
    -------
    Path
        The page. It needs no network and no other file.

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    ValueError
        If nothing was scored, or there is no model of the reference's name.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.linear_model import Lasso, Ridge
    >>> from sktransformer_gp.comparison import compare_models
    >>> from sktransformer_gp.report import write_report
    >>> X = np.random.default_rng(0).integers(0, 3, (60, 20))
    >>> models = {"ridge": Ridge(), "lasso": Lasso(0.1)}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scores = compare_models(models, X, X[:, 0] + X[:, 1], verbose=0, folder=folder)
    ...     page = write_report(folder).read_text(encoding="utf-8")
    >>> page[:15]
    '<!DOCTYPE html>'
    """
    journal = Journal(folder)
    provenance = journal.read_provenance()
    scores = journal.read_scores(len(provenance["data"]["traits"]))
    if not len(scores):
        raise ValueError(f"nothing was scored in {folder}: there is nothing to report")
    models = list(scores["model"].unique())
    if reference is None:
        reference = choose_reference(models)
    elif reference not in models:
        raise ValueError(f"reference is one of the models {models}, got {reference!r}")
    title = f"{len(models)} models on {provenance['data']['dataset'] or 'the data'}"
    sections = [
        _failures(journal),
        _results(scores),
        _compared(at_full_size(scores), reference),
        _figures(scores, reference),
        _protocol(provenance),
        _provenance(provenance),
    ]
    path = journal.folder / "report.html" if path is None else Path(path)
    path.write_text(_page(title, sections), encoding="utf-8")
    return path


def _page(title: str, sections: Iterable[str]) -> str:
    title = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def _results(scores: pd.DataFrame) -> str:
    summary = summarise(scores)
    table = _table(summary, SUMMARY)
    n_traits = summary["trait"].nunique()
    if n_traits > 1:
        keys = [k for k in ("dataset", "train_fraction", "model") if k in summary]
        means = summary.drop(columns="trait").groupby(keys, sort=False, dropna=False).mean()
        # In units of each trait: no mean over traits has a meaning.
        means = means.reset_index().drop(columns=["mse_mean", "selection_response_mean"])
        means["n_folds"] = means["n_folds"].round().astype(int)
        every = f"<details><summary>Each of {n_traits} traits</summary>{table}</details>"
        table = f"<p>Means over {n_traits} traits.</p>{_table(means, SUMMARY)}{every}"
    return f"<h2>Results</h2>{table}"


def _compared(scores: pd.DataFrame, reference: str) -> str:
    if scores["model"].nunique() < 2:
        return ""
    pairs = with_common_folds(scores, reference)
    if pairs["model"].nunique() < 2:
        return f"<p>No model has two folds in common with {html.escape(reference)}.</p>"
    several = scores["trait"].nunique() > 1
    table = paired_differences(pairs, reference, over_traits=several)
    parts = [
        f"<h2>Compared with {html.escape(reference)}</h2>",
        "<p>Differences of r in the same folds, with the 95 % interval of the corrected resampled "
        "t-test (Nadeau &amp; Bengio 2003).</p>",
        _table(table, COMPARED),
    ]
    if several:
        each = _table(paired_differences(pairs, reference), COMPARED)
        parts.append(f"<details><summary>Each trait</summary>{each}</details>")
        parts.append(_ranks(scores))
    return "".join(parts)


def _ranks(scores: pd.DataFrame) -> str:
    if scores["model"].nunique() < 3:
        return ""
    test = rank_models(scores)
    ranks = ", ".join(f"{html.escape(name)} {rank:.2f}" for name, rank in test.ranks.items())
    return (
        f"<p>Mean ranks over {test.n_blocks} traits: {ranks}. Friedman's test: chi-squared "
        f"{test.statistic:.2f}, p = {test.p_value:.2g}; two models differ (Nemenyi, 5 %) from "
        f"{test.critical_difference:.2f} on.</p>"
    )


def _figures(scores: pd.DataFrame, reference: str) -> str:
    drawn = [("Predictive ability of each model", plot_comparison(scores))]
    pairs = with_common_folds(at_full_size(scores), reference)
    if pairs["model"].nunique() > 1:
        caption = f"Difference of r to {reference}"
        drawn.append((caption, plot_differences(pairs, reference)))
    drawn.append(("Predictive ability against time", plot_time(scores)))
    if scores["train_fraction"].nunique() > 1:
        caption = "Predictive ability against training size"
        drawn.append((caption, plot_training_size(scores)))
    return "<h2>Figures</h2>" + "".join(_figure(caption, ax) for caption, ax in drawn)


def _figure(caption: str, ax: "Axes") -> str:
    picture = io.BytesIO()
    figure: Any = ax.figure
    figure.savefig(picture, format="png", dpi=120)
    pyplot().close(figure)
    data = base64.b64encode(picture.getvalue()).decode()
    caption = html.escape(caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _failures(journal: Journal) -> str:
    failures = journal.read_failures()
    if not failures:
        return ""
    lines = "".join(f"<li>{html.escape(str(failure))}</li>" for failure in failures)
    return (
        f'<div class="failed"><h2>{len(failures)} fits failed</h2><p>They are missing below; '
        f"tracebacks are in errors.jsonl.</p><ul>{lines}</ul></div>"
    )


def _protocol(provenance: dict[str, Any]) -> str:
    data, protocol = provenance["data"], provenance["protocol"]
    clones = provenance["leaks"]["clones_in_test"]
    rows = {
        "data": f"{data['n_samples']} samples x {data['n_markers']} markers",
        "traits": ", ".join(data["traits"]),
        **{name: value for name, value in protocol.items() if name != "folds_sha256"},
        "test samples with the genotype of a training sample, over all folds": clones,
    }
    lines = "".join(
        f'<tr><th class="text">{html.escape(name.replace("_", " "))}</th>'
        f'<td class="text">{html.escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<h2>Protocol</h2><table>{lines}</table>{_models(provenance['models'])}"


def _models(models: dict[str, Any]) -> str:
    return "".join(
        f"<details><summary>{html.escape(name)}: {html.escape(model['class'])}</summary>"
        f"<pre>{html.escape(json.dumps(model['parameters'], indent=1))}</pre></details>"
        for name, model in models.items()
    )


def _provenance(provenance: dict[str, Any]) -> str:
    shown = {name: value for name, value in provenance.items() if name != "models"}
    return f"<h2>Provenance</h2><pre>{html.escape(json.dumps(shown, indent=1))}</pre>"


def _table(table: pd.DataFrame, columns: Iterable[str]) -> str:
    table = table[[column for column in columns if column in table]]
    head = [HEADINGS.get(column, column) for column in table]
    lines = [_row("th", zip(table, head, strict=True))]
    for row in table.itertuples(index=False):
        lines.append(_row("td", zip(table, row, strict=True)))
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Iterable[tuple[str, Any]]) -> str:
    parts = []
    for column, value in cells:
        left = ' class="text"' if column in TEXTS else ""
        text = value if isinstance(value, str) else _number(column, value)
        parts.append(f"<{tag}{left}>{html.escape(text)}</{tag}>")
    return f"<tr>{''.join(parts)}</tr>"


def _number(column: str, value: float) -> str:
    return "-" if pd.isna(value) else FORMATS.get(column, "{:.3f}").format(value)
