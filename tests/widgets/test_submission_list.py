"""Several submissions followed at once, without a browser, against the sandbox."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from peer import http
from waiting import until

from brocap_nb.client._client import Client
from brocap_nb.client._submission import Submission
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._server import Sandbox
from brocap_nb.tasks._types import ComplexImageTask, FunCaptchaTaskProxyless, RawTask
from brocap_nb.widgets._kit import close_all
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
    close_all(shown)


def follow(runs: SubmissionList, run: Submission) -> _Line:
    runs.follow(run)
    return next(line for line in runs._lines if line.run is run)


def waiting(client: Client) -> Submission:
    """A submission that has its task and runs for long."""
    run = client.submit(SLOW)
    until(lambda: run.status == "waiting")
    return run


def seen(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


def test_each_has_its_own_line_the_newest_first(client: Client, runs: SubmissionList) -> None:
    assert "Nothing has been submitted yet" in runs._head.value
    first, second, third = (waiting(client) for _ in range(3))
    _, line, _ = (follow(runs, run) for run in (first, second, third))
    assert runs.runs == runs.running == (third, second, first)
    assert list(runs.children[1:]) == runs._lines
    assert "Nothing" not in runs._head.value
    assert f"task {second.task_id}: waiting for the answer</b>" in line.status.value
    assert 'role="status"' in line.status.value
    assert "FunCaptchaTaskProxyless, usually 10 to 30 s" in line.status.value
    assert re.search(r"\d\.\d s · (asked .* · )?next poll", line.numbers.value)
    assert line.cancel.description == f"Cancel task {second.task_id}"
    line.cancel.click()
    assert [run.status for run in (first, second, third)] == ["waiting", "cancelled", "waiting"]
    until(lambda: f"■ task {second.task_id}: cancelled" in line.status.value)
    until(lambda: not seen(line.cancel))
    assert runs.running == (third, first)

    # one is looked at
    chosen: list[Submission] = []
    runs.on_select = chosen.append
    runs.follow(third)  # it has a line
    line.show.click()
    assert chosen == [third, second]
    assert runs.selected is second
    assert seen(line.show)
    assert [x.show.description.split()[:-1] for x in runs._lines] == [
        ["Show", "task"],
        ["✓", "Showing", "task"],
        ["Show", "task"],
    ]
    assert ["brocap-run-selected" in x._dom_classes for x in runs._lines] == [False, True, False]


def test_a_drawing_sends_one_short_text_for_each_line_and_ends_with_the_last(
    client: Client, runs: SubmissionList
) -> None:
    lines = [follow(runs, waiting(client)) for _ in range(2)]
    until(lambda: all(line.run.polls for line in lines))
    changes: list[tuple[Any, str, Any]] = []
    for widget in (runs, *(one for line in lines for one in (line, *line.children))):
        widget.observe(lambda change: changes.append((change.owner, change.name, change.new)))
    until(lambda: len(changes) >= 20)
    sent = list(changes)
    assert {(owner, name) for owner, name, _ in sent} == {(x.numbers, "value") for x in lines}
    assert max(len(value) for *_, value in sent) < 500
    for line in lines:
        line.run.cancel()
    until(lambda: all("cancelled" in line.status.value for line in lines))
    until(lambda: runs._refresh._timer is None)


def test_an_answer_is_told_once(runs: SubmissionList) -> None:
    log = ExchangeLog(":memory:")
    with Sandbox() as sandbox, Client(sandbox.key, base_url=sandbox.url, log=log) as client:
        puzzle = sandbox.puzzles[0]
        run = client.submit(ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
        told: list[str] = []
        line = follow(runs, run)
        line.status.observe(lambda change: told.append(change.new), "value")
        until(lambda: "ready" in line.status.value)
    assert f"✓ task {run.task_id}: ready, tile " in line.status.value
    assert "usually" not in line.status.value
    until(lambda: "<progress" not in line.numbers.value)
    assert len(told) <= 2  # waiting, ready


def test_a_failure_is_told_in_its_line_as_text(
    client: Client, peer: Any, key: str, runs: SubmissionList
) -> None:
    line = follow(runs, client.submit(REFUSED))
    until(lambda: "failed" in line.status.value)
    assert "✗ submission 1: failed" in line.status.value  # the service gave it no number
    assert "ERROR_TASK_NOT_SUPPORTED: " in line.status.value
    assert "<b>Such" not in line.status.value
    assert "No&lt;b&gt;Such&lt;/b&gt;Task" in line.status.value
    assert line.status.value.count("role=") == 1  # one voice
    line.status.value.encode()  # a lone surrogate cannot be sent
    peer.say(
        http(b'{"errorId": 1, "errorCode": "ERROR_X", "errorDescription": "%s"}' % (b"y" * 9999))
    )
    with Client(key, base_url=peer.url, log=ExchangeLog(":memory:")) as client:
        line = follow(runs, client.submit(SLOW))
        until(lambda: "failed" in line.status.value)
    assert SENTENCE < len(line.status.value) < SENTENCE + 400


def test_a_hundred_submissions_weigh_as_much_as_a_few_and_closing_leaves_nothing(
    client: Client, models: Callable[[], int]
) -> None:
    before, runs = models(), SubmissionList()
    going = waiting(client)
    runs.follow(going)
    weights = []
    for number in range(100):
        run = client.submit(SLOW)
        starter = threading.Thread(target=runs.follow, args=(run,))  # any thread may
        starter.start()
        starter.join()
        run.cancel()
        if number in (20, 99):
            weights.append(models())
    assert weights[0] == weights[1]
    assert runs.running == (going,)
    assert len(runs.runs) == FINISHED_LINES + 1
    assert runs.runs[-1] is going  # what runs does not fall off
    for _ in range(2):
        close_all(runs)
    assert models() == before
    assert not going.done()
    going.cancel()


def test_a_resumed_task_has_no_type_and_no_typical_time(
    client: Client, runs: SubmissionList
) -> None:
    run = client.resume(client.create_task(SLOW).task_id)
    line = follow(runs, run)
    assert f"task {run.task_id}: waiting for the answer</b> <small></small>" in line.status.value
    assert "next poll" in line.numbers.value
    assert not seen(line.show)  # it is the only one
