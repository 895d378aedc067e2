import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Lasso, Ridge

from sktransformer_gp.comparison import (
    FailedFits,
    compare_models,
    paired_differences,
    rank_models,
    summarise,
)
from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.report import write_report

matplotlib.use("Agg")
X = np.random.default_rng(0).integers(0, 3, (60, 30), dtype=np.int8)
Y = X[:, :2] * 10.0 + np.random.default_rng(1).normal(0, 8, (60, 2))
MODELS = {"ridge": Ridge(), "gblup": Ridge(50.0), "<lasso>": Lasso(0.5)}
VOID = {"meta", "link", "img", "br"}


class Fails(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        raise OverflowError("<b>too many</b> loci")

    def predict(self, X):
        return X


class Page(HTMLParser):
    """Checks that tags are closed in order; keeps texts, tables and what is loaded."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.loaded, self.rows = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        attributes = dict(attributes)
        self.loaded += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag == "img":
            assert attributes["alt"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def run(folder, models=MODELS, **arguments):
    return compare_models(
        models, X, Y, cv=4, repeats=2, dataset="cross", folder=folder, verbose=0, **arguments
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return write_report(folder).read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_needs_nothing_else(page):
    tags = Page(page)
    assert len(tags.loaded) == 4
    assert all(address.startswith("data:") for address in tags.loaded)
    assert not re.search(r"https?:|@import|url\(", page)
    assert "script" not in tags.tags


def test_tables_hold_the_statistics(folder, page):
    scores = Journal(folder).read_scores(2)
    rows = Page(page).rows
    for row in summarise(scores).itertuples():
        found = [r for r in rows if r[:3] == ["cross", row.model, row.trait] and len(r) > 9]
        assert f"{row.r_mean:.3f}" in found[0]
        assert f"{row.selection_response_mean:.3f}" in found[0]
    for row in paired_differences(scores, "gblup", over_traits=True).itertuples():
        found = [r for r in rows if r[:3] == ["cross", row.model, row.trait]]
        assert found[0][4:7] == [f"{x:.3f}" for x in (row.difference, row.low, row.high)]
    test = rank_models(scores)
    assert f"chi-squared {test.statistic:.2f}" in page
    assert f"from {test.critical_difference:.2f} on" in page


def test_names_are_text_not_tags(page):
    assert "&lt;lasso&gt;" in page
    assert "<lasso>" not in page


def test_pictures_are_png(page):
    for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page):
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert page.count("<figure>") == 3


def test_protocol_and_provenance_are_told(folder, page):
    provenance = Journal(folder).read_provenance()
    assert "60 samples x 30 markers" in page
    assert provenance["protocol"]["folds_sha256"] in page
    assert provenance["sessions"][0]["started"] in page
    assert "sklearn.linear_model._coordinate_descent.Lasso" in page


def test_training_sizes_have_a_figure_and_one_model_no_comparison(tmp_path):
    run(tmp_path, {"ridge": Ridge()}, train_fractions=(0.5, 1.0))
    page = write_report(tmp_path, tmp_path / "page.html").read_text(encoding="utf-8")
    Page(page)
    assert page.count("<figure>") == 3
    assert "Compared with" not in page


def test_failures_come_first(tmp_path):
    with pytest.raises(FailedFits):
        run(tmp_path, {"ridge": Ridge(), "fails": Fails()})
    page = write_report(tmp_path).read_text(encoding="utf-8")
    Page(page)
    assert page.index("8 fits failed") < page.index("<h2>Results")
    assert "OverflowError: &lt;b&gt;too many&lt;/b&gt; loci" in page


def test_a_single_fold_is_reported_without_a_test(tmp_path):
    cv = [(np.arange(len(X) // 2), np.arange(len(X) // 2, len(X)))]
    compare_models(MODELS, X, Y, cv=cv, folder=tmp_path, verbose=0)
    page = write_report(tmp_path).read_text(encoding="utf-8")
    Page(page)
    assert "No model has two folds in common with" in page
    assert page.count("<figure>") == 2


def test_nothing_scored_is_nothing_to_report(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        write_report(tmp_path)
    with pytest.raises(FailedFits):
        run(tmp_path, {"fails": Fails()})
    with pytest.raises(ValueError, match="nothing was scored"):
        write_report(tmp_path)


def test_another_reference(folder, tmp_path):
    page = write_report(folder, tmp_path / "page.html", reference="ridge").read_text()
    assert "Compared with ridge" in page
    with pytest.raises(ValueError, match="got 'rf'"):
        write_report(folder, tmp_path / "page.html", reference="rf")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no headless browser")
def test_a_browser_shows_it_without_network_or_error(folder, tmp_path):
    path = write_report(folder)
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--screenshot={tmp_path / 'page.png'}", "--window-size=1000,2600"]
    run = subprocess.run(
        [*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in run.stderr
    picture = matplotlib.image.imread(tmp_path / "page.png")
    assert picture.shape[:2] == (2600, 1000)
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 100
