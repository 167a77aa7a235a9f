"""A lesson as a learner takes it: the checks folded, an answer typed, a solution unfolded."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from .driver import Lab

pytestmark = pytest.mark.browser

LESSON = Path(__file__).parents[2] / "notebooks" / "02-task-objects.ipynb"


def test_an_answer_is_typed_and_checked(lab: Lab) -> None:
    notebook = nbformat.read(LESSON, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    checks = next(n for n, cell in enumerate(code) if "checks" in cell.metadata.get("tags", []))
    lab.open_notebook("lesson.ipynb", notebook)
    page = lab.page
    folded = page.locator(".jp-CodeCell").nth(checks)
    assert folded.locator(".jp-InputArea-editor").is_hidden()

    lab.run_all()
    assert page.get_by_text("not answered yet").count() == 4
    cell = page.locator(".jp-CodeCell").nth(checks + 1)
    for typed, verdict in (
        ('wire_name("website_public_key")', "✗ not yet right"),
        ('wire_name("websitePublicKey")', "✓ right"),
    ):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(typed)
        page.keyboard.press("Control+Enter")
        cell.get_by_text(verdict).wait_for()

    solution = page.locator("details").first
    inside = solution.get_by_text('wire_name("websitePublicKey")')
    assert inside.is_hidden()
    solution.locator("summary").click()
    inside.wait_for()
    assert lab.foreign_requests() == []
