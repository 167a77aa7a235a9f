"""A type of one's own is filled in by keyboard alone, and mistakes are told where they are."""

from __future__ import annotations

import pytest

from .driver import Lab

pytestmark = pytest.mark.browser

OWN = """
import enum
from typing import Any, Literal
import brocap_nb as bn
from brocap_nb.widgets import TaskForm

class Speed(enum.Enum):
    SLOW = "slow"
    FAST = "fast"

class SitesTask(bn.Task):
    website_urls: list[str] = bn.Field(alias="websiteURLs")
    "The pages to look at."
    mode: Literal["quick", "careful"]
    "How to look."
    speed: Speed = Speed.SLOW
    extra: dict[str, Any] | None = None
    proxy_password: str | None = None
    "Of the proxy."

form = TaskForm(SitesTask)
form"""


def test_an_own_type_is_filled_in_by_keyboard_alone(lab: Lab) -> None:
    lab.open("own.ipynb", OWN, "print(form.task().to_python())", "print(form.task().to_wire())")
    lab.run_cell(0)
    page, form = lab.page, lab.page.locator(".brocap").first
    form.get_by_text("websiteURLs, required").wait_for()
    form.get_by_text("The pages to look at.").wait_for()

    cells = page.locator(".jp-CodeCell").count()

    # Enter begins the next line; a key is no shortcut
    lines = form.get_by_role("textbox", name="Website URLs (websiteURLs, required)")
    lines.focus()
    page.keyboard.type("https://first.example/")
    page.keyboard.press("Enter")
    page.keyboard.type("https://second.example/")
    assert lines.input_value() == "https://first.example/\nhttps://second.example/"

    lab.tab_to("Mode (mode, required)")
    page.keyboard.press("ArrowDown")  # else JupyterLab goes to the next cell
    page.keyboard.press("ArrowDown")
    assert lab.focused() == "Mode (mode, required)"
    lab.tab_to("▸ 3 more fields")
    page.keyboard.press("Space")
    form.get_by_label("extra").wait_for()
    lab.tab_to("Speed (speed)")
    page.keyboard.press("f")
    lab.tab_to("Extra (extra)")
    page.keyboard.type('{"a": ')
    told = form.get_by_role("alert").filter(has_text="extra is not JSON")
    told.get_by_text("line 1 column 7").wait_for()
    assert form.get_by_role("textbox", name="extra").input_value() == '{"a": '
    page.keyboard.type("[1, true]}")
    told.wait_for(state="detached")
    lab.tab_to("Proxy password (proxyPassword)")
    page.keyboard.type("hunter2-hunter2")
    page.keyboard.press("Enter")
    form.get_by_text("a value is set").wait_for()

    lab.run_cell(1)
    shown = page.locator("pre", has_text="extra={'a': [1, True]}")
    shown.filter(has_text="PROXY_PASSWORD").wait_for()
    text = shown.inner_text()
    assert "website_urls=['https://first.example/', 'https://second.example/']" in text
    assert "mode='careful'" in text
    assert "speed='fast'" in text
    assert "proxy_password=os.environ['PROXY_PASSWORD']" in text
    assert "hunter2" not in page.content()

    assert page.locator(".jp-CodeCell").count() == cells  # no key was a shortcut
    lab.run_cell(2)
    page.get_by_text(
        "'websiteURLs': ['https://first.example/', 'https://second.example/']"
    ).wait_for()
    assert lab.foreign_requests() == []

    # in a narrow page nothing is cut off
    form.evaluate("el => { el.style.width = '340px'; }")
    inside = "el => [...el.querySelectorAll('input, select, textarea, button')].every(one => "
    inside += "one.getBoundingClientRect().right <= el.getBoundingClientRect().right)"
    assert form.evaluate(inside)
