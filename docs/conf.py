"""The site: `sphinx-build -W docs docs/_build` (extra 'docs'). Pages are Markdown; what code knows, code writes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import docstrings
import made

import schuss

project, author, release = "schuss", "the authors of schuss", schuss.__version__
copyright = "the authors of schuss, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "made"]
default_role = "code"
myst_heading_anchors = 3
# Links of CHANGELOG and CONTRIBUTING to files of the repository; `Optimizer`, which frameworks' compat has too.
suppress_warnings = ["myst.xref_missing", "ref.python"]
napoleon_numpy_docstring, napoleon_google_docstring = True, False
napoleon_use_ivar = True  # an attribute that is a property too is described once
napoleon_custom_sections = ["Gives", "Differs from", ("Reference", "references")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_mock_imports = [name for name in ("torch",) if importlib.util.find_spec(name) is None]
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = "schuss"
html_static_path = ["static"]
html_css_files = ["schuss.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "schuss"},
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "conventions": [], "performance": []},
    "show_prev_next": True,
}
html_sidebars = {"gallery": [], "performance": [], "changelog": [], "index": []}

made.everything(HERE / "made")


def setup(app: object) -> None:
    """Docstrings are plain text first; here they become reStructuredText."""
    app.connect("autodoc-process-docstring", docstrings.prepare, priority=400)  # type: ignore[attr-defined]
