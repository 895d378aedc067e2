"""The link of the HTML representation: there with an address, leading to a page of the API."""

import re
from email.message import Message
from pathlib import Path

import pytest
from sklearn.utils import estimator_html_repr

import sktransformer_gp
from sktransformer_gp import pages

API = Path(__file__).parents[1] / "docs" / "api.rst"
ADDRESS = "https://docs.example.org/stable"
ESTIMATORS = [
    value
    for value in (getattr(sktransformer_gp, name) for name in sktransformer_gp.__all__)
    if hasattr(value, "get_params")
]


def answer(urls):
    message = Message()
    for url in urls:
        message["Project-URL"] = url
    return lambda name: message


def test_the_address_is_that_of_the_metadata(monkeypatch):
    urls = ["Source, https://example.org/source", f"Documentation, {ADDRESS}"]
    monkeypatch.setattr(pages, "metadata", answer(urls))
    assert pages.pages_address() == ADDRESS
    monkeypatch.setattr(pages, "metadata", answer(urls[:1]))
    assert pages.pages_address() is None
    monkeypatch.setattr(pages, "metadata", answer([]))
    assert pages.pages_address() is None


def test_without_an_installed_package_there_is_no_address(monkeypatch):
    def fail(name):
        raise pages.PackageNotFoundError(name)

    monkeypatch.setattr(pages, "metadata", fail)
    assert pages.pages_address() is None


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.__name__)
def test_each_estimator_links_its_page(estimator, monkeypatch):
    monkeypatch.setattr(pages.PageMixin, "_doc_link_module", "sktransformer_gp")
    template = f"{ADDRESS}/generated/sktransformer_gp.{{estimator_name}}.html"
    monkeypatch.setattr(pages.PageMixin, "_doc_link_template", template)
    name = estimator.__name__
    assert f'href="{ADDRESS}/generated/sktransformer_gp.{name}.html' in estimator_html_repr(
        estimator()
    )
    # The API page generates it under the package's own name.
    assert re.search(rf"^   {name}$", API.read_text(encoding="utf-8"), re.M)


def test_without_an_address_there_is_no_link(monkeypatch):
    monkeypatch.setattr(pages.PageMixin, "_doc_link_module", "")
    assert "href=" not in estimator_html_repr(sktransformer_gp.GBLUPRegressor())
