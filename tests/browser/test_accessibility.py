"""The Console for those who use a keyboard or a screen reader, in each front end and theme."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import pytest

from .driver import Front, Lab, wait_for

pytestmark = pytest.mark.browser

AXE: Final = files("axe_playwright_python") / "axe.min.js"
FINDINGS: Final = """async () => {
  const found = await axe.run('.brocap', { resultTypes: ['violations'] });
  const checked = [...found.violations, ...found.passes, ...found.incomplete].map(r => r.id);
  const wrong = found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
    .flatMap(v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 300)} ${n.failureSummary}`));
  return { checked, wrong };
}"""


def findings(front: Front) -> list[str]:
    """The serious and critical findings of axe-core in the Console."""
    front.page.evaluate(AXE.read_text())
    found = front.page.evaluate(FINDINGS)
    assert {"color-contrast", "button-name", "label", "select-name"} <= set(found["checked"])
    return list(found["wrong"])


def test_axe_finds_nothing(shown: Front) -> None:
    console = shown.console
    assert findings(shown) == []
    console.get_by_role("button", name="Live service").click()
    key = console.get_by_label("Client key of the live service", exact=True)
    key.wait_for()
    try:
        assert findings(shown) == []
    finally:
        console.get_by_role("button", name="Practice sandbox").click()
        key.wait_for(state="hidden")


def test_every_control_is_reached_by_the_tab_key(shown: Front) -> None:
    controls = shown.console.locator(
        "button, input:not([type=file]), select, textarea, summary, [tabindex='0']"
    )
    visible = [c for c in controls.all() if c.is_visible() and c.is_enabled()]
    assert len(visible) > 8
    visible[0].evaluate("e => { window.reached = new Set(); e.focus(); }")
    for _ in visible:
        shown.page.evaluate("window.reached.add(document.activeElement)")
        shown.page.keyboard.press("Tab")
    missed = [c for c in visible if not c.evaluate("e => window.reached.has(e)")]
    assert [c.evaluate("e => e.cloneNode().outerHTML") for c in missed] == []


def test_from_the_first_field_to_the_answer_by_keyboard_alone(lab: Lab) -> None:
    path = lab.open("keyboard.ipynb", "import brocap_nb as bn\nbn.Console()")
    lab.run_all()
    console, keyboard = lab.console, lab.page.keyboard

    console.get_by_role("button", name="Practice sandbox").focus()
    lab.tab_to("Task type")
    keyboard.press("ArrowDown")
    console.get_by_label("websiteURL, required").wait_for()
    keyboard.press("ArrowUp")
    console.get_by_role("button", name="penguin").wait_for()
    lab.tab_to("penguin")
    keyboard.press("Space")
    console.get_by_text("Sample “penguin”").wait_for()
    before = path.stat().st_mtime_ns
    keyboard.press("Control+s")
    wait_for(lambda: path.stat().st_mtime_ns != before, "Ctrl+S to save, as anywhere else")
    field = lab.tab_to("Question (metadata.Task, required)")
    question = field.input_value()  # the sample brings it, and is answered with no other
    keyboard.press("Control+a")
    keyboard.press("Delete")
    console.get_by_text("metadata.Task is missing").wait_for()
    keyboard.type(question)
    console.get_by_text("metadata.Task is missing").wait_for(state="detached")
    lab.tab_to("Submit task")
    keyboard.press("Space")
    lab.answer()
    rows = lab.rows()
    rows.filter(has_text="getTaskResult").filter(has_text="ready").wait_for()
    assert lab.page.locator(".jp-CodeCell").count() == 1, "no key was a shortcut of the notebook"
