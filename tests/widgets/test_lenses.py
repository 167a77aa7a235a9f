"""A log by tasks and by what went wrong: a row for each, more about one that is clicked."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Iterator
from typing import Any

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.api._facts import CATALOGUE
from brocap_nb.widgets import LogBoard
from brocap_nb.widgets._log_board import LogPanels

UNKNOWN = "ERROR_TASK_NOT_SUPPORTED"
HOW = {UNKNOWN: "Send a `type` that there is not.", "ERROR_ZERO_BALANCE": "Be poor."}


def fail(client: bn.Client, body: dict[str, Any]) -> None:
    with contextlib.suppress(bn.ExchangeError):
        client.create_task(bn.RawTask(body))


@pytest.fixture
def provoked() -> list[str]:
    return []


@pytest.fixture
def board(used: bn.Client, provoked: list[str]) -> Iterator[LogPanels]:
    def provoke(code: str) -> None:
        provoked.append(code)
        if code == "ERROR_ZERO_BALANCE":
            raise bn.SandboxError("It has stopped.")

    shown = LogPanels(used.log, recipes=lambda: HOW, provoke=provoke)
    yield shown
    shown.close()
    assert not used.log._listeners


def told(board: LogPanels) -> str:
    return str(board.errors.more.value)


def test_the_polls_of_a_task_are_folded_into_its_row(
    board: LogPanels, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board.view.value = "tasks"
    assert "No task has been created yet" in board.tasks.said.value
    puzzle = sandbox.puzzles[0]
    run = used.submit(bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
    run.result(60)
    fail(used, {"type": "NoSuchTask"})
    until(lambda: "newest 2 of 2" in board.tasks.said.value)
    failed, ready = [text.split() for text in board.tasks.list.texts]
    assert failed[1:] == ["✗", "failed", "0", "NoSuchTask", UNKNOWN]
    assert ready[1:5] == [str(run.task_id), "✓", "ready", str(run.polls)]
    assert ready[-1] == "ComplexImageTask"

    # a click shows the timeline and leads to the requests
    board.tasks.list.click(used.log[0].exchange_id)
    assert "data:image/svg+xml" in board.tasks.more.value
    board.tasks.show_requests.click()
    assert board.view.value == "requests"
    assert board.table.text.value == f"task {run.task_id}"
    assert len(board.table.list.texts) == run.polls + 1

    # of a task that was refused there is the exchange alone
    board.view.value = "tasks"
    board.tasks.list.click(used.log[-1].exchange_id)
    assert UNKNOWN in board.tasks.more.value
    assert board.tasks.show_requests.layout.display == "none"


def test_each_code_has_a_row_that_says_all_and_leads_to_its_requests(
    board: LogPanels, used: bn.Client
) -> None:
    board.view.value = "errors"
    assert "Nothing has gone wrong so far" in board.errors.said.value
    for body in ({"type": "NoSuchTask"}, {"type": "NoSuchTask"}, {}):
        fail(used, body)
    until(lambda: len(board.errors.list.texts) == 2)
    first, second = board.errors.list.texts
    entry = bn.explain(UNKNOWN)
    assert f"{UNKNOWN} · 2 times · same request again? No, change it first" in first
    assert entry.meaning in first
    assert "task.type" in first
    assert used.log[1].exchange_id in first
    assert "ERROR_NO_SUCH_METHOD · 1 time " in second

    board.errors.list.click(UNKNOWN)
    assert board.errors.list.texts[0].startswith("▸")
    assert "Send a <code>type</code> that there is not." in told(board)
    assert entry.meaning not in told(board)  # it is said once
    board.errors.list.click(UNKNOWN)
    assert told(board) == ""
    board.errors.list.click(UNKNOWN)
    board.errors.show_requests.click()
    assert board.table.error_code.value == UNKNOWN
    assert len(board.table.list.texts) == 2


def test_what_broke_without_a_code_is_a_row_too(used: bn.Client, sandbox: bn.Sandbox) -> None:
    board = LogBoard(used.log)
    sandbox.faults.next("getBalance", "http_503")
    with contextlib.suppress(bn.ExchangeError):
        used.get_balance()
    until(lambda: "Errors (1)" in [label for label, _ in board.view.options])
    board.view.value = "errors"
    assert "http_error · " in board.errors.list.texts[0]
    board.errors.list.click("http_error")
    board.errors.show_requests.click()
    assert board.table.outcome.value == "http_error"
    board.close()


def test_every_documented_code_can_be_looked_up(board: LogPanels) -> None:
    board.view.value = "errors"
    for code, entry in CATALOGUE.items():
        board.errors.any_code.value = code
        assert html.escape(entry.meaning.split("`")[0]) in told(board)
        assert board.errors.show_requests.layout.display == "none"
        assert (board.errors.provoke.layout.display == "none") == (code not in HOW)


def test_a_code_is_provoked_and_a_failure_told(board: LogPanels, provoked: list[str]) -> None:
    board.view.value = "errors"
    for code, answer in ((UNKNOWN, "Done"), ("ERROR_ZERO_BALANCE", "It has stopped.")):
        board.errors.any_code.value = code
        board.errors.provoke.click()
        until(lambda answer=answer: answer in board._report.value)
        until(lambda: not board.errors.provoke.disabled)
    assert provoked == [UNKNOWN, "ERROR_ZERO_BALANCE"]
