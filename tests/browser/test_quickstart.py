"""The quickstart as a newcomer goes through it: run, by hand, with an answer to an exercise."""

from __future__ import annotations

import re

import pytest
from lessons import NOTEBOOKS, read

from .driver import Lab

pytestmark = pytest.mark.browser

CHECKS, SECOND_ANSWER = 5, 8  # cells of code, counted from 0


def test_run_all_then_by_hand_then_an_answer_then_save(lab: Lab) -> None:
    path = lab.open_notebook("quickstart.ipynb", read(NOTEBOOKS[0]))
    page, console, cells = lab.page, lab.console, lab.page.locator(".jp-CodeCell")
    assert cells.nth(CHECKS).locator(".jp-InputArea-editor").is_hidden()
    lab.run_all()
    assert page.locator(".jp-OutputArea-output [data-mime-type*=error]").count() == 0
    assert page.get_by_text("not answered yet").count() == 3
    page.get_by_alt_text("Picture 1, its answer marked").wait_for()

    lab.choose_sample(2)
    console.get_by_text("inside the limits").wait_for()
    told = console.get_by_text(re.compile(r"Rows 1 to \d+ of \d+"))
    before = int(re.search(r"of (\d+)", told.inner_text())[1])  # type: ignore[index]
    lab.submit()
    console.get_by_alt_text(re.compile("The picture with its answer: tile")).wait_for()
    told.filter(has_text=re.compile(rf"of ({before + 2}|{before + 3}),")).wait_for()
    assert "getTaskResult" in lab.rows().first.inner_text()
    console.get_by_role("button", name="ERROR_KEY_DOES_NOT_EXIST").first.wait_for()

    for typed, verdict in (
        ('code("ERROR_KEY_DOES_NOT_EXIST")', "✗ not yet right"),
        ('code("ERROR_TASK_NOT_SUPPORTED")', "✓ right"),
    ):
        cells.nth(SECOND_ANSWER).locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(typed)
        page.keyboard.press("Control+Enter")
        cells.nth(SECOND_ANSWER).get_by_text(verdict).wait_for()
    solution = page.locator(".jp-MarkdownCell details").nth(1)
    inside = solution.get_by_text('code("ERROR_TASK_NOT_SUPPORTED")')
    assert inside.is_hidden()
    solution.locator("summary").click()
    inside.wait_for()

    lab.save(path)
    assert "application/vnd.jupyter.widget-state+json" in path.read_text()
    assert list((path.parent / "brocap_log").glob("*.jsonl")), "the log lies beside the notebook"
    assert lab.foreign_requests() == []
