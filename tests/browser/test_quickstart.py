"""The quickstart as a newcomer goes through it, and a lesson as a learner takes it."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from .driver import Lab

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def read(stem: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4)


def test_run_all_then_by_hand_then_save(lab: Lab) -> None:
    path = lab.open_notebook("quickstart.ipynb", read("01-quickstart"))
    lab.run_all()
    page, console = lab.page, lab.console
    assert page.locator(".jp-OutputArea-output [data-mime-type*=error]").count() == 0
    page.get_by_alt_text("Picture 1, its answer marked").wait_for()

    lab.choose_sample(2)
    console.get_by_text("inside the limits").wait_for()
    told = console.get_by_text(re.compile(r"Rows 1 to \d+ of \d+"))
    before = int(re.search(r"of (\d+)", told.inner_text())[1])  # type: ignore[index]
    console.get_by_role("button", name="Submit task").click()
    console.get_by_alt_text(re.compile("The picture with its answer: tile")).wait_for()
    told.filter(has_text=re.compile(rf"of ({before + 2}|{before + 3}),")).wait_for()
    assert "getTaskResult" in lab.rows().first.inner_text()
    console.get_by_role("button", name="ERROR_KEY_DOES_NOT_EXIST").first.wait_for()

    lab.save(path)
    assert "application/vnd.jupyter.widget-state+json" in path.read_text()
    assert list((path.parent / "brocap_log").glob("*.jsonl")), "the log lies beside the notebook"
    assert lab.foreign_requests() == []


def test_an_answer_is_typed_and_checked(lab: Lab) -> None:
    notebook = read("02-task-objects")
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
