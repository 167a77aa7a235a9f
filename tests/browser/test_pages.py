"""The documentation as pages: built strictly, every name is there, nothing comes from elsewhere."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lessons import NOTEBOOKS, ROOT, Runs, read
from sphinx.util.inventory import InventoryFile

import brocap_nb as bn

from .driver import Refuser

FACES = ["brocap_nb", "brocap_nb.api", "brocap_nb.tasks", "brocap_nb.log", "brocap_nb.widgets"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, runs: Runs, full: bool) -> Path:
    """The pages, built as the README says; a warning is an error.

    The notebooks have been run already, unless all is to be done in full.
    """
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(
        ROOT / "docs", project / "docs", ignore=shutil.ignore_patterns("*.ipynb", "_build")
    )
    shutil.copytree(ROOT / "notebooks", project / "notebooks")
    for name in (".github", "CHANGELOG.md", "SECURITY.md"):
        (project / name).symlink_to(ROOT / name)
    if not full:
        for path in NOTEBOOKS:
            nbformat.write(runs.begin(read, path).result(), project / "notebooks" / path.name)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", "built"]
    if not full:
        command += ["-D", "nb_execution_mode=off"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return project / "built"


def test_every_public_name_is_described(pages: Path) -> None:
    inventory = InventoryFile.loads((pages / "objects.inv").read_bytes(), uri="")
    described = {name for kind in inventory.data.values() for name in kind}
    for face in FACES:
        for name in importlib.import_module(face).__all__:
            if face == "brocap_nb" or name not in bn.__all__:
                assert f"{face}.{name}" in described or name == "pictures", f"{face}.{name}"


def test_nothing_is_asked_for_elsewhere(pages: Path, context: Any, refuser: Refuser) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in sorted(pages.rglob("*.html")):
        page.goto(path.as_uri())
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_notebook_is_shown_as_it_was_run(pages: Path, context: Any) -> None:
    page = context.new_page()
    page.goto((pages / "notebooks/01-quickstart.html").as_uri())
    assert page.get_by_text("getTaskResult").count() > 0
    assert page.locator("img[alt]").count() > 0
    assert page.get_by_text("Error displaying widget").count() == 0
    page.close()


def test_no_notebook_is_wider_than_the_window(pages: Path, context: Any) -> None:
    page = context.new_page()
    for path in sorted(pages.glob("notebooks/0*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name
    page.close()
