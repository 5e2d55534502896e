"""Sphinx: `pip install ".[docs]" && sphinx-build -W docs build/docs`."""

import os

os.environ.setdefault("MPLBACKEND", "agg")

import gramian

project = "gramian"
author = "the gramian developers"
copyright = "the gramian developers"
version = release = gramian.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["examples/*.py", "gallery/*.rst"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc says types in the field's words
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False

plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("svg", 72)]
plot_rcparams = {
    "figure.figsize": (6, 3.6),
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "svg.fonttype": "none",
}
plot_apply_rcparams = True
plot_pre_code = """
import matplotlib.pyplot as plt
import numpy as np
import gramian as gm
"""

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples_run",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "capture_repr": (),
}

html_sidebars = {"**": []}
html_theme = "pydata_sphinx_theme"
html_title = f"gramian {version}"
html_theme_options = {
    "navigation_with_keys": True,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}
