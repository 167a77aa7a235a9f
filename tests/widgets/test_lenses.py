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
from brocap_nb.sandbox._recipes import RECIPES
from brocap_nb.widgets import LogBoard
from brocap_nb.widgets._target import TargetChooser

UNKNOWN = "ERROR_TASK_NOT_SUPPORTED"
HOW = {recipe.code: recipe.how for recipe in RECIPES}


def fail(client: bn.Client, body: dict[str, Any]) -> None:
    with contextlib.suppress(bn.ExchangeError):
        client.create_task(bn.RawTask(body))


@pytest.fixture
def board(used: bn.Client, sandbox: bn.Sandbox) -> Iterator[LogBoard]:
    target = TargetChooser(used.log, client=used, sandbox=sandbox, live=False)
    shown = LogBoard(used.log, target=target)
    yield shown
    shown.close()
    target.close()
    assert not used.log._listeners


def told(board: LogBoard) -> str:
    return str(board.more.value)


def test_the_polls_of_a_task_are_folded_into_its_row(
    board: LogBoard, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board.view.value = "tasks"
    assert "No task has been created yet" in board.place.value
    puzzle = sandbox.puzzles[0]
    run = used.submit(bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
    run.result(60)
    fail(used, {"type": "NoSuchTask"})
    until(lambda: "newest 2 of 2" in board.place.value)
    failed, ready = [text.split() for text in board.list.texts]
    assert failed[1:] == ["✗", "failed", "0", "NoSuchTask", UNKNOWN]
    assert ready[1:5] == [str(run.task_id), "✓", "ready", str(run.polls)]
    assert ready[-1] == "ComplexImageTask"

    # a click shows the timeline and leads to the requests
    board.list.click(used.log[0].exchange_id)
    assert "data:image/svg+xml" in board.more.value
    board.show_requests.click()
    assert board.view.value == "requests"
    assert board.text.value == f"task {run.task_id}"
    assert len(board.list.texts) == run.polls + 1

    # of a task that was refused there is the exchange alone
    board.view.value = "tasks"
    board.list.click(used.log[-1].exchange_id)
    assert UNKNOWN in board.more.value
    assert board.show_requests.layout.display == "none"


def test_each_code_has_a_row_that_says_all_and_leads_to_its_requests(
    board: LogBoard, used: bn.Client
) -> None:
    board.view.value = "errors"
    assert "Nothing has gone wrong so far" in board.place.value
    for body in ({"type": "NoSuchTask"}, {"type": "NoSuchTask"}, {}):
        fail(used, body)
    until(lambda: len(board.list.texts) == 2)
    first, second = board.list.texts
    entry = bn.explain(UNKNOWN)
    assert f"{UNKNOWN} · 2 times · same request again? No, change it first" in first
    assert entry.meaning in first
    assert "task.type" in first
    assert used.log[1].exchange_id in first
    assert "ERROR_NO_SUCH_METHOD · 1 time " in second

    board.list.click(UNKNOWN)
    assert board.list.texts[0].startswith("▸")
    assert "in the sandbox" in told(board)
    assert entry.meaning not in told(board)  # it is said once
    board.list.click(UNKNOWN)
    assert told(board) == ""
    board.list.click(UNKNOWN)
    board.show_requests.click()
    assert board.error_code.value == UNKNOWN
    assert len(board.list.texts) == 2


def test_what_broke_without_a_code_is_a_row_too(used: bn.Client, sandbox: bn.Sandbox) -> None:
    board = LogBoard(used.log)
    sandbox.faults.next("getBalance", "http_503")
    with contextlib.suppress(bn.ExchangeError):
        used.get_balance()
    until(lambda: "Errors (1)" in [label for label, _ in board.view.options])
    board.view.value = "errors"
    assert "http_error · " in board.list.texts[0]
    board.list.click("http_error")
    board.show_requests.click()
    assert board.outcome.value == "http_error"
    board.close()


def test_every_documented_code_can_be_looked_up(board: LogBoard) -> None:
    board.view.value = "errors"
    for code, entry in CATALOGUE.items():
        board.any_code.value = code
        assert html.escape(entry.meaning.split("`")[0]) in told(board)
        assert board.show_requests.layout.display == "none"
        assert (board.provoke.layout.display == "none") == (code not in HOW)


def test_a_code_is_provoked_and_a_failure_told() -> None:
    log = bn.ExchangeLog(":memory:")
    with bn.Sandbox(speed=20) as sandbox:
        target = TargetChooser(log, sandbox=sandbox, live=False)
        board = LogBoard(log, target=target)
        board.view.value = "errors"
        board.any_code.value = "ERROR_ZERO_BALANCE"
        board.provoke.click()
        until(lambda: "Done" in board._report.value)
        until(lambda: "ERROR_ZERO_BALANCE" in " ".join(board.list.texts))
        until(lambda: not board.provoke.disabled)
    board.provoke.click()  # the sandbox has stopped
    until(lambda: "brocap-problem" in board._report.value)
    until(lambda: not board.provoke.disabled)
    board.close()
    target.close()
