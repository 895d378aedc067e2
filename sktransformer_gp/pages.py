"""The link from an estimator's HTML representation to its page of the API."""

from importlib.metadata import PackageNotFoundError, metadata


def pages_address() -> str | None:
    """Return where the pages of the documentation are published.

    Returns
    -------
    str or None
        The address, from the ``Documentation`` of the installed package's URLs; None where there is
        none, or the package was not installed.

    Examples
    --------
    >>> from sktransformer_gp.pages import pages_address
    >>> address = pages_address()
    >>> address is None or address.startswith("https://")
    True
    """
    try:
        urls = metadata("sktransformer-gp").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    return dict(url.split(", ", 1) for url in urls).get("Documentation")


class PageMixin:
    """Give the HTML representation of an estimator a link to its page of the API.

    Without a published address there is no link.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from sktransformer_gp.pages import PageMixin
    >>> class Mean(PageMixin, BaseEstimator):
    ...     pass
    >>> "<div" in Mean()._repr_html_()
    True
    """

    # scikit-learn's own names for this, of its class below BaseEstimator.
    _doc_link_module = "sktransformer_gp" if pages_address() else ""
    _doc_link_template = f"{pages_address()}/generated/sktransformer_gp.{{estimator_name}}.html"
