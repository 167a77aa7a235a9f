"""Several submissions followed at once, without a browser, against the sandbox."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest
from waiting import until

from brocap_nb.client._client import Client
from brocap_nb.client._submission import Submission
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._server import Sandbox
from brocap_nb.tasks._types import ComplexImageTask, FunCaptchaTaskProxyless, RawTask
from brocap_nb.widgets._submission_list import FINISHED_LINES, SENTENCE, SubmissionList, _Line

SLOW = FunCaptchaTaskProxyless(website_url="https://example.com/", website_public_key="x")
REFUSED = RawTask({"type": "No<b>Such</b>Task \ud800"})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One whose tasks take longer than a test."""
    with Sandbox(speed=0.01) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    log = ExchangeLog(":memory:")
    with Client(sandbox.key, base_url=sandbox.url, log=log) as client:
        yield client


@pytest.fixture
def runs() -> Iterator[SubmissionList]:
    shown = SubmissionList()
    yield shown
    for run in shown.running:
        run.cancel()
    shown.close()


def line_of(runs: SubmissionList, run: Submission) -> _Line:
    return next(line for line in runs._lines if line.run is run)


def waiting(client: Client) -> Submission:
    """A submission that has its task and runs for long."""
    run = client.submit(SLOW)
    until(lambda: run.status == "waiting")
    return run


def ended(client: Client) -> Submission:
    run = waiting(client)
    run.cancel()
    return run


def models() -> list[dict[str, Any]]:
    """All the widgets there are."""
    return list(ipywidgets.Widget.get_manager_state()["state"].values())


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "brocap submissions"]


def test_each_has_its_own_line_the_newest_first(client: Client, runs: SubmissionList) -> None:
    assert "Nothing has been submitted yet" in runs._head.value
    first, second, third = (waiting(client) for _ in range(3))
    for run in (first, second, third):
        runs.follow(run)
    assert runs.runs == runs.running == (third, second, first)
    assert list(runs.children[1:]) == [line.box for line in runs._lines]
    assert "Nothing" not in runs._head.value
    line = line_of(runs, second)
    said = f"task {second.task_id}: waiting for the answer</b>"
    assert said in line.status.value
    assert 'role="status"' in line.status.value
    assert "FunCaptchaTaskProxyless, usually 10 to 30 s" in line.status.value
    assert re.search(r"\d\.\d s · (not )?asked .* · next poll", line.numbers.value)
    assert line.cancel.description == f"Cancel task {second.task_id}"
    line.cancel.click()
    assert [run.status for run in (first, second, third)] == ["waiting", "cancelled", "waiting"]
    assert f"■ task {second.task_id}: cancelled" in line.status.value
    assert line.cancel not in line.box.children
    assert runs.running == (third, first)
    runs.follow(third)  # it has a line
    assert len(runs.runs) == 3


def test_a_submission_without_a_number_is_named_all_the_same(runs: SubmissionList) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.next("createTask", "stall", 2)
        log = ExchangeLog(":memory:")
        with Client(sandbox.key, base_url=sandbox.url, log=log, timeout=3) as client:
            for number in (1, 2):
                run = client.submit(SLOW)
                runs.follow(run)
                assert line_of(runs, run).cancel.description == f"Cancel submission {number}"
                assert f"submission {number}: creating the task" in line_of(runs, run).status.value
                run.cancel()


def test_a_tick_sends_one_short_text_for_each_line_and_nothing_else(
    client: Client, runs: SubmissionList
) -> None:
    for _ in range(2):
        runs.follow(waiting(client))
    lines = list(runs._lines)
    polled = [line.run.polls for line in lines]
    until(lambda: all(line.run.polls > n for line, n in zip(lines, polled, strict=True)))
    changes: list[tuple[Any, str, Any]] = []
    for line in lines:
        for widget in (line.box, line.status, line.numbers, line.show, line.cancel):
            widget.observe(lambda change: changes.append((change.owner, change.name, change.new)))
    for widget in (runs, *runs.children):
        widget.observe(lambda change: changes.append((change.owner, change.name, change.new)))
    until(lambda: len(changes) >= 20)
    seen = list(changes)
    assert {(owner, name) for owner, name, _ in seen} == {(x.numbers, "value") for x in lines}
    assert max(len(value) for *_, value in seen) < 500


def test_a_state_is_told_once(runs: SubmissionList) -> None:
    log = ExchangeLog(":memory:")
    with Sandbox() as sandbox, Client(sandbox.key, base_url=sandbox.url, log=log) as client:
        puzzle = sandbox.puzzles[0]
        run = client.submit(ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
        told: list[str] = []
        runs.follow(run)
        line = line_of(runs, run)
        line.status.observe(lambda change: told.append(change.new), "value")
        until(lambda: "ready" in line.status.value)
    assert f"✓ task {run.task_id}: ready, tile " in line.status.value
    assert "usually" not in line.status.value
    assert "brocap-run-bar" not in line.numbers.value
    assert len(told) <= 2  # waiting, ready


def test_a_failure_is_told_in_its_line_as_text(client: Client, runs: SubmissionList) -> None:
    run = client.submit(REFUSED)
    runs.follow(run)
    line = line_of(runs, run)
    until(lambda: "failed" in line.status.value)
    assert "✗ submission 1: failed" in line.status.value
    assert "ERROR_TASK_NOT_SUPPORTED: " in line.status.value
    assert "<b>Such" not in line.status.value
    assert "No&lt;b&gt;Such&lt;/b&gt;Task" in line.status.value
    assert line.status.value.count("role=") == 1  # one voice
    line.status.value.encode()  # a lone surrogate cannot be sent


def test_a_very_long_error_is_cut(peer: Any, key: str, runs: SubmissionList) -> None:
    from peer import http

    peer.say(
        http(b'{"errorId": 1, "errorCode": "ERROR_X", "errorDescription": "%s"}' % (b"y" * 9999))
    )
    with Client(key, base_url=peer.url, log=ExchangeLog(":memory:")) as client:
        run = client.submit(SLOW)
        runs.follow(run)
        until(lambda: "failed" in line_of(runs, run).status.value)
    assert SENTENCE < len(line_of(runs, run).status.value) < SENTENCE + 400


def test_the_thread_lives_while_something_runs(client: Client, runs: SubmissionList) -> None:
    until(lambda: not threads())
    for _ in range(2):  # it starts anew
        first, second = waiting(client), waiting(client)
        starters = [threading.Thread(target=runs.follow, args=(r,)) for r in (first, second)]
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        assert len(threads()) == 1
        first.cancel()
        before = line_of(runs, second).numbers.value
        until(lambda: line_of(runs, second).numbers.value != before)  # noqa: B023
        second.cancel()
        until(lambda: not threads())
    runs.follow(ended(client))
    until(lambda: not threads())


def test_closing_stops_the_thread_and_leaves_nothing(client: Client) -> None:
    until(lambda: not threads())
    before = len(models())
    runs = SubmissionList()
    run, done = waiting(client), ended(client)
    runs.follow(run)
    runs.follow(done)
    assert threads()
    runs.close()
    runs.close()
    until(lambda: not threads())
    assert not run.done()  # it goes on
    assert not run._listeners
    assert not done._listeners
    run.cancel()
    runs.follow(waiting(client))
    assert runs.runs == ()
    assert not threads()
    left = {state["model_name"] for state in models()[before:]}
    assert all(name.endswith(("LayoutModel", "StyleModel")) for name in left)


def test_a_hundred_submissions_weigh_as_much_as_a_few(client: Client, runs: SubmissionList) -> None:
    going = waiting(client)
    runs.follow(going)
    weights = []
    for number in range(100):
        run = client.submit(SLOW)
        runs.follow(run)
        run.cancel()
        if number in (20, 99):
            weights.append(len(models()))
    assert weights[0] == weights[1]
    assert runs.running == (going,)
    assert len(runs.runs) <= FINISHED_LINES + 2
    assert runs.runs[-1] is going  # what runs does not fall off


def test_a_resumed_task_has_no_type_and_no_typical_time(
    client: Client, runs: SubmissionList
) -> None:
    run = client.resume(client.create_task(SLOW).task_id)
    runs.follow(run)
    line = line_of(runs, run)
    assert f"task {run.task_id}: waiting for the answer</b> <small></small>" in line.status.value
    assert "asked" in line.numbers.value


def test_finished_lines_are_cleared(client: Client, runs: SubmissionList) -> None:
    done, going = ended(client), waiting(client)
    runs.follow(going)
    runs.follow(done)
    assert runs.clear not in runs.children
    runs.follow(ended(client))
    assert runs.clear in runs.children
    runs.clear.click()
    assert runs.runs == (going,)
    assert runs.selected is None
    assert runs.clear not in runs.children
    going.cancel()
    runs.clear_finished()
    assert runs.children[1:] == ()
    assert "Nothing has been submitted yet" in runs._head.value


def test_a_line_is_selected(client: Client, runs: SubmissionList) -> None:
    first, second = ended(client), ended(client)
    runs.follow(first)
    line = line_of(runs, first)
    assert line.show not in line.box.children
    chosen: list[Submission] = []
    runs.on_select = chosen.append
    runs.follow(second)
    assert line.show in line.box.children
    assert chosen == [second]
    assert runs.selected is second
    assert line.show.description == f"Show task {first.task_id}"
    line.show.click()
    assert chosen == [second, first]
    assert runs.selected is first
    assert line.show.description == f"✓ Showing task {first.task_id}"
    assert [("brocap-run-selected" in x.box._dom_classes) for x in runs._lines] == [False, True]
