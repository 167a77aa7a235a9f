"""How Sphinx builds these pages: `sphinx-build -W --keep-going docs docs/_build`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import brocap_nb

HERE = Path(__file__).parent

project = "brocap_nb"
author = copyright = "The brocap_nb developers"
version = release = brocap_nb.__version__
html_title = project

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
exclude_patterns = ["_build"]
default_role = "code"  # docstrings write names as Markdown does
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["ref.python"]  # `type` is a builtin, and a field of every task

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]

# pages are built offline and load nothing: a widget is shown by its static form
nb_execution_mode = "force"
nb_execution_timeout = 180
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

# the notebooks lie beside docs/, for those who open them in Jupyter
shutil.copytree(HERE.parent / "notebooks", HERE / "notebooks", dirs_exist_ok=True)


def describe_once(app: Any, what: str, name: str, *_: Any) -> bool | None:
    """Skip what is described already, where most people import it from."""
    elsewhere = app.env.current_document.docname != "reference/brocap_nb"
    return True if elsewhere and name in brocap_nb.__all__ else None


def leave_files_out(app: Any, what: str, name: str, public: Any, _: Any, lines: list[str]) -> None:
    """Keep a folder's sentence, not the list of its files, which are not for users."""
    if what == "module" and hasattr(public, "__path__"):
        del lines[1:]


def describe_constants(app: Any, what: str, name: str, _: Any, __: Any, lines: list[str]) -> None:
    """A constant's text stands below it, in the file that a folder's face has it from."""
    if what == "data":
        texts = ModuleAnalyzer.for_module("brocap_nb.api._facts").find_attr_docs()
        lines[:] = texts.get(("", name.rpartition(".")[2]), lines)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", describe_once)
    app.connect("autodoc-process-docstring", leave_files_out)
    app.connect("autodoc-process-docstring", describe_constants)
