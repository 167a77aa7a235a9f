"""One row for each task, with what became of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets import LogBoard
from brocap_nb.widgets._task_lens import TaskLens


@pytest.fixture
def lens(used: bn.Client) -> Iterator[TaskLens]:
    shown = TaskLens(used.log)
    shown.draw()
    yield shown
    shown.close()


def solve(client: bn.Client, sandbox: bn.Sandbox) -> bn.Submission:
    puzzle = sandbox.puzzles[0]
    task = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
    run = client.submit(task)
    run.result(60)
    return run


def test_the_polls_of_a_task_are_folded_into_its_row(
    lens: TaskLens, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    assert "No task has been created yet" in lens._said.value
    run = solve(used, sandbox)
    with contextlib.suppress(bn.ApiError):
        used.create_task(bn.RawTask({"type": "NoSuchTask"}))
    until(lambda: "newest 2 of 2" in lens._said.value)
    until(lambda: "✓ ready" in lens.list.texts[1])
    failed, ready = lens.list.texts
    assert "✗ failed" in failed
    assert "ERROR_TASK_NOT_SUPPORTED" in failed
    assert f"{run.task_id}" in ready
    assert f" {run.polls} " in ready
    assert "data:image/svg+xml" in lens.list.children[2].children[1].value


def test_a_click_shows_the_timeline_and_leads_to_the_requests(
    used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board = LogBoard(used.log)
    run = solve(used, sandbox)
    board.view.value = "tasks"
    assert board.table.layout.display == "none"
    board.tasks.list.click(used.log[0].exchange_id)
    assert board.tasks.task_id == run.task_id
    assert "data:image/svg+xml" in board.tasks._timeline.value
    board.tasks.show_requests.click()
    assert board.view.value == "requests"
    assert board.tasks.layout.display == "none"
    assert board.table.wanted.task_id == run.task_id
    assert len(board.table.list.texts) == len(used.log)
    board.close()
    assert not used.log._listeners


def test_a_task_that_was_refused_shows_its_exchange(lens: TaskLens, used: bn.Client) -> None:
    with contextlib.suppress(bn.ApiError):
        used.create_task(bn.RawTask({"type": "NoSuchTask"}))
    until(lambda: lens.list.texts)
    lens.list.click(used.log[-1].exchange_id)
    assert "ERROR_TASK_NOT_SUPPORTED" in lens._timeline.value
    assert lens.show_requests.layout.display == "none"


def test_what_is_not_seen_is_not_drawn(lens: TaskLens, used: bn.Client) -> None:
    lens.layout.display = "none"
    with contextlib.suppress(bn.ApiError):
        used.create_task(bn.RawTask({"type": "NoSuchTask"}))
    lens.draw()
    assert lens.list.texts == []
