"""The main job by hand, in a real browser, and what is on disk afterwards."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from pathlib import Path

import nbconvert
import pytest

from .driver import Lab, wait_for

pytestmark = pytest.mark.browser

TYPED_FAST = """(field, text) => {
  for (let n = 0; n <= text.length; n++) {
    field.value = text.slice(0, n);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  document.querySelector('.brocap .mod-primary').click();
}"""
CELL = "from brocap_nb.widgets import Console\nconsole = Console()\nconsole"


def files_with(root: Path, text: str) -> list[Path]:
    return [p for p in root.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]


def test_a_task_is_built_submitted_and_answered_by_hand(lab: Lab) -> None:
    path = lab.open("by-hand.ipynb", CELL)
    lab.run_cell()
    console, page = lab.console, lab.page
    # a sample is chosen already, but something is missing: it is told, sought, and nothing is sent
    console.get_by_alt_text("The picture of the task").wait_for()
    for told in ("Not submitted yet.", "inside the limits", "console.log.frame()"):
        console.get_by_text(told, exact=told.endswith(")")).wait_for()
    console.get_by_text(re.compile(r"\d+ x \d+ pixels")).wait_for()
    question = console.get_by_label("metadata.Task, required")
    assert question.input_value()
    question.fill("")
    lab.submit()
    console.get_by_text("metadata.Task is missing").wait_for()
    console.get_by_text("Not sent. Missing or wrong:").wait_for()
    console.get_by_text("No request has been made yet.").wait_for()
    wait_for(lambda: question.evaluate("e => e === document.activeElement"), "the focus")
    link = console.get_by_role("button", name="Question", exact=True)
    link.click()
    wait_for(lambda: question.evaluate("e => e === document.activeElement"), "the focus again")

    # the body without the key; another sample brings its question
    console.get_by_role("button", name="Request body").click()
    question.fill("Pick the odd one")
    body = console.locator("pre", has_text='"clientKey": "<clientKey>"')
    body.filter(has_text='"Task": "Pick the odd one"').wait_for()
    question.fill("")
    console.get_by_role("button", name="penguin").click()
    body.filter(has_text='"Task": "Pick the penguin"').wait_for()

    question.evaluate(TYPED_FAST, "Pick the penguin")  # all of it is sent, though it was quick
    console.get_by_text(re.compile(r"task \d+: ready")).wait_for()
    console.get_by_text(re.compile(r"Answer: tile \d of 6")).wait_for()
    grid = console.get_by_label("Tiles (columns x rows)")
    wait_for(lambda: grid.evaluate("e => e.selectedIndex") == 0, "the grid")
    answered = console.get_by_alt_text(re.compile("The picture with its answer: tile"))
    answered.wait_for()
    rows = lab.rows()
    rows.filter(has_text="createTask").filter(has_text="ComplexImageTask").wait_for()
    rows.filter(has_text="getTaskResult").filter(has_text="ready").first.wait_for()
    assert "getTaskResult" in rows.first.inner_text()

    # the picture and its answer are still there in the saved notebook's state, and it is light
    lab.save(path)
    assert "application/vnd.jupyter.widget-state+json" in path.read_text()
    assert path.stat().st_size < 1_000_000
    notebook = json.loads(path.read_text())
    shown = notebook["cells"][0]["outputs"][-1]["data"]["text/html"]
    assert "Run this cell to use it" in "".join(shown)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert lab.foreign_requests() == []


def test_a_failure_is_ordered_seen_and_overcome(lab: Lab) -> None:
    lab.open("faults.ipynb", CELL)
    lab.run_cell()
    console, page = lab.console, lab.page
    opener = console.get_by_role("button", name=re.compile("Make it fail"))
    method = console.get_by_label("Method that fails", exact=True)
    opener.wait_for()
    assert not method.is_visible()
    opener.focus()
    page.keyboard.press("Enter")
    method.wait_for()
    method.select_option("getTaskResult")
    fault = console.get_by_label("Fault", exact=True)
    fault.select_option(fault.locator("option", has_text="reset:").get_attribute("value"))
    assert console.get_by_label("How many requests").input_value() == "1"
    console.get_by_role("button", name="Make the next request fail").click()
    console.get_by_role("status").get_by_text("The next request of getTaskResult").wait_for()
    console.get_by_text("The connection is reset before a byte of the answer.").last.wait_for()

    lab.submit()
    lab.rows().filter(has_text="getTaskResult").filter(has_text="connection_error").wait_for()
    console.get_by_text(re.compile(r"Met at \d\d:\d\d:\d\d UTC: getTaskResult")).wait_for()
    console.get_by_text("No failure is planned").wait_for()
    console.get_by_text("1 request broke (connection error)").wait_for()
    console.get_by_text(re.compile(r"Answer: tile \d of 6")).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    # the live service is not ours to spoil
    console.get_by_role("button", name="Live service").click()
    opener.wait_for(state="hidden")
    assert not method.is_visible()
    assert lab.foreign_requests() == []


def test_it_goes_on_while_a_cell_keeps_the_kernel_busy(lab: Lab) -> None:
    busy = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    path = lab.open("busy.ipynb", CELL, busy, "Console()")
    lab.run_cell(0)
    lab.run_cell(2)  # two consoles do not disturb each other
    first, second = (lab.page.locator(".brocap").nth(n) for n in range(2))
    first.get_by_role("button", name="Submit task").click()
    first.get_by_text("waiting for the answer").wait_for()
    lab.run_cell(1, wait=False)
    first.get_by_text(re.compile(r"Answer: tile \d of 6")).wait_for()
    for console in (first, second):  # both show the same log
        rows = console.locator(".brocap-log .brocap-row")
        rows.filter(has_text="getTaskResult").filter(has_text="ready").first.wait_for()
    assert lab.page.locator(".jp-InputPrompt", has_text="[*]").count() == 1
    (path.parent / "go").touch()
    lab.idle()
    second.get_by_text("Not submitted yet.").wait_for()


def test_a_typed_key_is_nowhere_on_disk(lab: Lab) -> None:
    key = secrets.token_hex(16)
    path = lab.open("live.ipynb", CELL, "console", "console.target.key.secret is None")
    lab.run_cell()
    console = lab.console
    console.get_by_role("button", name="Live service").click()
    console.get_by_text("$BROCAP_CLIENT_KEY is not set").wait_for()
    field = console.get_by_label("Client key of the live service", exact=True)
    field.click()
    lab.page.keyboard.type(key)  # real keys: none of them may become a notebook shortcut
    assert lab.page.locator(".jp-CodeCell").count() == 3
    lab.page.keyboard.press("Enter")
    console.get_by_text("a key is set (32 characters)").wait_for()
    assert field.input_value() == ""

    lab.run_cell(2)
    lab.page.locator(".jp-OutputArea-output", has_text="False").wait_for()
    lab.run_cell(1)  # a second view of the same console
    lab.save(path)
    lab.command("docmanager:save")
    assert "application/vnd.jupyter.widget-state+json" in path.read_text()
    assert "a key is set (32 characters)" in path.read_text()
    checkpoints = list(lab.server.notebooks.rglob(".ipynb_checkpoints/live*"))
    assert checkpoints
    assert path in files_with(lab.server.root, "a key is set (32 characters)")  # the search finds
    assert files_with(lab.server.root, key) == []
    assert key not in lab.page.content()

    # leaving the field works as well, and the key can be cleared
    first = lab.console
    first.get_by_role("button", name="Clear: Client key").click()
    first.get_by_text("no key is set", exact=True).wait_for()
    first.get_by_label("Client key of the live service", exact=True).fill(key)
    lab.page.keyboard.press("Tab")
    first.get_by_text("a key is set (32 characters)").wait_for()
    lab.save(path)
    assert files_with(lab.server.root, key) == []
    assert lab.foreign_requests() == []


SAVE_STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"  # on or off
DISCONNECTED = """top => ({
  told: getComputedStyle(top, "::before").content,
  signs: [...top.querySelectorAll("*")].filter(
    one => !["none", '""'].includes(getComputedStyle(one, "::before").content)
      && one.matches(".jupyter-widgets-disconnected")).length,
  parts: top.querySelectorAll(".jupyter-widgets-disconnected").length,
  clicked: [...top.children].map(one => getComputedStyle(one).pointerEvents),
})"""


@pytest.mark.parametrize("kept", [True, False], ids=["state kept", "no state kept"])
def test_the_next_morning_and_on_a_page_its_form_and_its_answer_are_seen(
    lab: Lab, kept: bool
) -> None:
    path = lab.open("morning.ipynb", CELL)
    if not kept:
        lab.command(SAVE_STATE)
    try:
        lab.run_cell()
        static = lab.page.locator(".brocap-static")
        lab.submit()
        lab.answer()
        assert not static.is_visible()
        wait_for(lambda: "ready" in static.inner_text(), "the answer in the static form")
        lab.save(path)
    finally:
        if not kept:
            lab.command(SAVE_STATE)
    assert ("application/vnd.jupyter.widget-state+json" in path.read_text()) == kept
    lab.end_kernel()
    lab.load()
    shown = (lab.console if kept else static).get_by_text("tile").first
    with contextlib.suppress(Exception):
        shown.wait_for(timeout=30_000)
    if not shown.is_visible():  # a busy Lab was seen to restore no widget the first time
        lab.load()
    shown.wait_for()
    static.wait_for(state="hidden" if kept else "visible")
    assert not lab.page.get_by_text("Error displaying widget").is_visible()
    if kept:  # it says once that it has no kernel, and nothing can be clicked
        lab.page.locator(".brocap.jupyter-widgets-disconnected").wait_for()
        seen = lab.console.evaluate(DISCONNECTED)
        assert "Run this cell to use it" in seen["told"]
        assert seen["parts"] > 30
        assert seen["signs"] == 0
        assert set(seen["clicked"]) == {"none"}

    # as a page, without the internet, whose scripts would draw widgets
    html, _ = nbconvert.HTMLExporter().from_filename(path)
    page = lab.page.context.new_page()
    page.set_content(html)
    static = page.locator(".brocap-static")
    static.get_by_text("Run this cell to use it").wait_for()
    static.get_by_text("ready").first.wait_for()
    static.get_by_role("img").first.wait_for()
    page.close()
