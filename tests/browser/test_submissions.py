"""Several submissions at once, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .driver import Lab, wait_for

pytestmark = pytest.mark.browser

START = """
import ipywidgets
import brocap_nb as bn
from brocap_nb.widgets._kit import STYLE
from brocap_nb.widgets._submission_list import SubmissionList
slow, quick = bn.Sandbox(speed=0.02).start(), bn.Sandbox().start()
token = bn.FunCaptchaTaskProxyless(website_url="https://example.com/", website_public_key="x")
puzzle = quick.puzzles[0]
picture = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
log = bn.ExchangeLog(":memory:")
at_slow, at_quick = (bn.Client(s.key, base_url=s.url, log=log) for s in (slow, quick))
chosen = []
runs = SubmissionList(chosen.append)
place = ipywidgets.VBox([ipywidgets.HTML(STYLE), runs])
place.add_class("brocap")
place"""
FOLLOW = "for number in range(3):\n    runs.follow(at_slow.submit(token))"
BUSY = """
import pathlib, threading, time
threading.Thread(target=lambda: runs.follow(at_quick.submit(picture))).start()
while not pathlib.Path("go").exists():
    time.sleep(0.05)"""
FAIL = 'runs.follow(at_quick.submit(bn.RawTask({"type": "NoSuchTask"})))'
CHOSEN = "print([run.task_id for run in chosen][-1], len(chosen))"


def lines(lab: Lab) -> Any:
    return lab.page.locator(".brocap-run")


def test_three_at_once_one_is_cancelled_and_one_is_answered_while_a_cell_is_busy(lab: Lab) -> None:
    path = lab.open("submissions.ipynb", START, FOLLOW, BUSY, FAIL, CHOSEN)
    page = lab.page
    lab.run_cell(0)
    page.locator(".brocap-runs").wait_for(state="attached")
    lab.run_cell(1)
    wait_for(lambda: lines(lab).count() == 3, "three lines")
    for number in range(3):
        lines(lab).nth(number).get_by_text("waiting for the answer").wait_for()

    # each button says whose it is, and stops only that one, by keyboard too
    names = [lines(lab).nth(n).get_by_role("button").last.inner_text() for n in range(3)]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"Cancel task \d+", name) for name in names)
    page.get_by_role("button", name=names[1]).focus()
    page.keyboard.press("Enter")
    lines(lab).nth(1).get_by_role("status").get_by_text("cancelled").wait_for()
    assert page.get_by_text("waiting for the answer").count() == 2

    # a busy kernel: a new one is followed to its end, and the others move on
    lab.run_cell(2, wait=False)
    newest = lines(lab).first.get_by_role("status")
    newest.get_by_text(re.compile(r"✓ task \d+: ready")).wait_for()
    moving = lines(lab).nth(1).get_by_text(re.compile("s · (asked|next)"))
    before = moving.inner_text()
    wait_for(lambda: moving.inner_text() != before, "progress in a busy kernel")
    assert page.locator(".jp-InputPrompt", has_text="[*]").count() == 1
    (path.parent / "go").touch()
    lab.idle()

    # one fails: its sentence is in its line
    lab.run_cell(3)
    failed = lines(lab).first.get_by_role("status")
    failed.get_by_text(re.compile("ERROR_TASK_NOT_SUPPORTED: ")).wait_for()

    # one is looked at
    wanted = lines(lab).nth(2)
    task = re.search(r"\d+", wanted.get_by_role("status").inner_text())
    assert task is not None
    page.get_by_role("button", name=f"Show task {task[0]}", exact=True).click()
    wanted.get_by_role("button", name=f"✓ Showing task {task[0]}").wait_for()
    assert page.locator(".brocap-run-selected").count() == 1
    lab.run_cell(4)
    page.locator(".jp-OutputArea-output", has_text=f"{task[0]} 6").wait_for()
    assert lines(lab).count() == 5
    assert lab.foreign_requests() == []
