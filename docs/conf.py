"""Sphinx builds the pages with ``sphinx-build -W -n docs docs/_build``, without a network."""

import pydoc

from docutils import nodes

import sktransformer_gp

project = "sktransformer_gp"
author = "The sktransformer_gp developers"
copyright = f"2026, {author}"
release = version = sktransformer_gp.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
exclude_patterns = ["_build", "gallery/*.ipynb", "sg_execution_times.rst"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "plot_gallery": "True",
    "show_memory": False,
    "remove_config_comments": True,
}

toc_object_entries_show_parents = "hide"
html_theme = "pydata_sphinx_theme"
html_title = "sktransformer_gp"
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
html_copy_source = False

SKLEARN = "https://scikit-learn.org/stable/modules/generated"


def resolve(app, env, node, contnode):
    """Link what docstrings name: scikit-learn's on its site, ours however they are imported."""
    target = node.get("reftarget", "")
    if target.startswith("sklearn."):
        return nodes.reference("", "", contnode, refuri=f"{SKLEARN}/{target}.html")
    meant = pydoc.locate(target) or pydoc.locate(f"sktransformer_gp.{target}")
    if meant is None:
        return None
    domain = env.get_domain("py")
    for name, entry in domain.objects.items():
        if name.endswith(target.rpartition(".")[2]) and pydoc.locate(name) is meant:
            uri = app.builder.get_relative_uri(env.docname, entry.docname)
            return nodes.reference("", "", contnode, refuri=f"{uri}#{entry.node_id}", internal=True)
    return None


def setup(app):
    """Ask `resolve` where Sphinx finds nothing."""
    app.connect("missing-reference", resolve)
