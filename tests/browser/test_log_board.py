"""The log in a real browser: rows that open, filters, replay, and what a new row costs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

import brocap_nb as bn

from .driver import Lab, wait_for

pytestmark = pytest.mark.browser

PREPARE: Final = """
import brocap_nb as bn
sandbox = bn.Sandbox(seed=3).start()
client = bn.Client(sandbox.key, base_url=sandbox.url)
for kind in ("NoSuchTask", "OtherTask"):
    try:
        client.create_task(bn.RawTask({"type": kind}))
    except bn.ApiError:
        pass
client.get_balance()
"""
CONSOLE: Final = "console = bn.Console(client, sandbox=sandbox)\nconsole"


HTTP: Final = """() => [...document.querySelectorAll(".brocap-log pre, .brocap-log .brocap-row")]
  .map(line => {
    const place = new Range();
    place.selectNodeContents(line);
    const text = document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode();
    place.setStart(text, 35);
    place.setEnd(text, 36);
    return place.getBoundingClientRect().x;
  })"""  # where this column begins, in its head and in each row


def in_the_middle(lab: Lab, row: Any) -> None:
    """Click with the mouse where a row has no words."""
    row.scroll_into_view_if_needed()
    place = row.bounding_box()
    lab.page.mouse.click(place["x"] + place["width"] * 0.8, place["y"] + place["height"] * 0.5)


def test_a_row_is_found_opened_compared_and_sent_again(lab: Lab) -> None:
    lab.open("rows.ipynb", PREPARE, CONSOLE)
    lab.run_all()
    console, rows = lab.console, lab.rows()
    rows.nth(2).wait_for()
    assert [row.split()[1] for row in rows.all_inner_texts()] == [
        "getBalance",
        "createTask",
        "createTask",
    ]

    # with little room a row is two lines; its columns still stand below their names
    def heights() -> set[int]:
        return {round(row.bounding_box()["height"] / 20) for row in rows.all()}

    for width, lines in ((800, {2}), (1400, {1})):  # beside Lab's side bar
        lab.set_width(width)
        wait_for(lambda lines=lines: heights() == lines, "rows of so many lines")
        wait_for(lambda: max(places := lab.page.evaluate(HTTP)) - min(places) < 2, "columns")

    # a filter, by a control and by an error
    console.get_by_role("button", name="Filter").click()
    console.get_by_label("Method", exact=True).select_option("getBalance")
    console.get_by_text("Rows 1 to 1 of 1, newest first; the log has 3").wait_for()
    console.get_by_role("button", name="Clear filters").click()
    rows.nth(2).wait_for()
    console.get_by_role("button", name="Errors (1)").click()
    error = console.locator(".brocap-errors .brocap-row")
    error.get_by_text("same request again? No, change it first").wait_for()
    in_the_middle(lab, error)
    console.get_by_role("button", name="Provoke it in the sandbox").wait_for()
    rows.nth(1).wait_for()
    assert rows.count() == 2
    console.get_by_label("Search", exact=True).fill("othertask")
    console.get_by_text("Rows 1 to 1 of 1").wait_for()

    # an exchange, side by side, with the field that it is about
    in_the_middle(lab, rows.first)
    request = console.get_by_role("group", name="Request")
    request.get_by_text("OtherTask").wait_for()
    console.get_by_text("it is about", exact=True).wait_for()
    console.get_by_role("group", name="Response").get_by_text('"errorId": 1').wait_for()

    # as code, on the clipboard: the shell command, the row, and the log as a DataFrame
    page = lab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.get_by_role("button", name="As cURL").click()
    for block in console.locator(".brocap-copyable").filter(visible=True).all():
        block.get_by_role("button").click()
        block.get_by_text(re.compile(r"copied, \d+ characters")).wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == block.locator("pre").inner_text()
        assert re.search(r'^console\.log(\.frame\(\)|\["\S+"\])$|BROCAP_CLIENT_KEY', copied)

    # another row beside it
    console.get_by_role("button", name="Clear filters").click()
    console.get_by_role("button", name="Compare with another row").click()
    console.get_by_text("Click the row that it is to be compared with.").wait_for()
    rows.filter(has_text="createTask").nth(1).click()
    console.get_by_text("request.task.type").wait_for()

    console.get_by_role("button", name="Send again").click()
    console.get_by_text(re.compile("Sent again as exchange")).wait_for()
    console.get_by_text("no difference").wait_for()
    rows.nth(3).wait_for()
    console.get_by_role("button", name="Close", exact=True).click()
    request.wait_for(state="hidden")
    assert lab.foreign_requests() == []


FILL: Final = """
import dataclasses
for number in range({count}):
    begun = client.log.begin(method="getTaskResult", url=sandbox.url, request="{{}}",
                             request_bytes=2, task_id=number)
    client.log.finish(dataclasses.replace(begun, outcome=bn.Outcome.OK, http_status=200,
                                          status="ready", elapsed_ms=1.0, response="{{}}"))
"""


def test_a_new_exchange_costs_little_whatever_the_length_of_the_log(lab: Lab, full: bool) -> None:
    """At most 4 kB on the wire, less what it costs to run code that makes no exchange."""
    lab.open("wire.ipynb", PREPARE, CONSOLE)
    lab.run_all()
    told = lab.console.get_by_text(re.compile(r"Rows 1 to \d+ of"))
    length = 3
    for count in (100, 100_000 if full else 5_000):
        lab.run_aside(FILL.format(count=count))
        length += count
        told.filter(has_text=f"of {length:,}, newest").wait_for()
        lab.quiet()
        with lab.wire() as nothing:
            lab.run_aside("pass")
            lab.quiet()
        for _ in range(2):
            length += 1
            with lab.wire() as wire:
                lab.run_aside("client.get_balance()")
                told.filter(has_text=f"of {length:,}, newest").wait_for()
                lab.quiet()
            assert 0 < wire.received - nothing.received <= 4_000
        assert lab.rows().count() == 10


def test_a_page_reload_and_a_new_kernel_lose_nothing(lab: Lab) -> None:
    path = lab.open("again.ipynb", PREPARE, "console = bn.Console(log=client.log)\nconsole")
    lab.run_all()
    lab.rows().nth(2).wait_for()
    lab.run_cell(1)  # the former console is closed, there is one again
    wait_for(lambda: lab.page.locator(".brocap-log").count() == 1, "one console")
    lab.choose_sample()
    lab.save(path)

    lab.load()  # the kernel goes on, and so do the widgets
    lab.console.get_by_alt_text("The picture of the task").wait_for()
    lab.submit()
    lab.answer()
    before = lab.rows().count()
    assert before >= 5

    lab.restart()
    shutil.rmtree(path.parent / "brocap_log")
    lab.run_all()  # a deleted folder is made anew
    wait_for(lambda: lab.rows().count() == 3, "three rows")
    lab.restart()
    lab.run_all()  # the log is there again
    wait_for(lambda: lab.rows().count() == 6, "the rows of two kernels")
    lab.choose_sample()
    lab.submit()
    lab.answer()


def test_a_teacher_sees_a_class_at_work(lab: Lab, tmp_path: Path) -> None:
    board = f"board = LogBoard(bn.ExchangeLog({str(tmp_path / 'class' / '*')!r}))\nboard"
    lab.open("class.ipynb", "import brocap_nb as bn\nfrom brocap_nb.widgets import LogBoard", board)
    lab.run_all()
    console = lab.console  # the kernel only reads: this process is the students
    console.get_by_text("No request has been made yet").wait_for()
    with bn.Sandbox(seed=3) as sandbox:
        for student in ("alice", "bob"):
            log = bn.ExchangeLog(tmp_path / "class" / student)
            with bn.Client(sandbox.key, base_url=sandbox.url, log=log) as client:
                client.get_balance()
                with pytest.raises(bn.ApiError):
                    client.create_task(bn.RawTask({"type": f"Task of {student}"}))
            lab.rows().filter(has_text="createTask").filter(has_text=student).wait_for()
    console.get_by_role("button", name="Errors (1)").click()
    error = console.locator(".brocap-errors .brocap-row", has_text="2 times")
    error.click()
    console.get_by_text("Rows 1 to 2 of 2, newest first; the log has 4").wait_for()
    lab.rows().filter(has_text="alice").click()
    console.get_by_role("group", name="Request").get_by_text("Task of alice").wait_for()
    assert console.get_by_role("button", name="Send again").count() == 0, "a teacher sends nothing"
