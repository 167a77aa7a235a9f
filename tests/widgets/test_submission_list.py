"""Several submissions followed at once, without a browser, against the sandbox."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from peer import http
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets import _kit
from brocap_nb.widgets._submission_list import SubmissionList

SLOW = bn.FunCaptchaTaskProxyless(website_url="https://example.com/", website_public_key="x")
REFUSED = bn.RawTask({"type": "No<b>Such</b>Task \ud800"})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[bn.Sandbox]:
    """One whose tasks take longer than a test."""
    with bn.Sandbox(speed=0.01) as running:
        yield running


@pytest.fixture
def runs() -> Iterator[SubmissionList]:
    shown = SubmissionList()
    yield shown
    for run in shown.running:
        run.cancel()
    _kit.close_all(shown)


def follow(runs: SubmissionList, run: Any) -> Any:
    """The line of a submission that is followed; it has one at the top."""
    runs.follow(run)
    return runs.children[1]


def waiting(client: bn.Client) -> Any:
    """A submission that has its task and runs for long."""
    run = client.submit(SLOW)
    until(lambda: run.status == "waiting")
    return run


def test_a_drawing_sends_one_short_text_for_each_line_and_ends_with_the_last(
    used: bn.Client, runs: SubmissionList
) -> None:
    lines = [follow(runs, waiting(used)) for _ in range(2)]
    for line in lines:
        assert "FunCaptchaTaskProxyless, usually 10 to 30 s" in line.status.value
        assert re.search(r"\d\.\d s · (asked .* · )?next poll", line.numbers.value)
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


def test_a_failure_is_told_in_its_line_as_text(
    used: bn.Client, peer: Any, key: str, runs: SubmissionList
) -> None:
    line = follow(runs, used.submit(REFUSED))
    until(lambda: "failed" in line.status.value)
    assert "✗ submission 1: failed" in line.status.value  # the service gave it no number
    assert "ERROR_TASK_NOT_SUPPORTED: " in line.status.value
    assert "No&lt;b&gt;Such&lt;/b&gt;Task" in line.status.value
    assert line.status.value.count("role=") == 1  # one voice
    line.status.value.encode()  # a lone surrogate cannot be sent
    answer = b'{"errorId": 1, "errorCode": "ERROR_X", "errorDescription": "%s"}' % (b"y" * 9999)
    peer.say(http(answer))
    with bn.Client(key, base_url=peer.url, log=bn.ExchangeLog(":memory:")) as client:
        line = follow(runs, client.submit(SLOW))
        until(lambda: "failed" in line.status.value)
    assert 600 < len(line.status.value) < 1000


def test_a_hundred_submissions_weigh_as_much_as_a_few_and_closing_leaves_nothing(
    used: bn.Client, models: Callable[[], int]
) -> None:
    before, runs = models(), SubmissionList()
    going = used.resume(used.create_task(SLOW).task_id)
    line = follow(runs, going)
    assert "waiting for the answer</b> <small></small>" in line.status.value  # of a resumed task
    assert line.show.layout is _kit.shown(False)  # it is the only one
    weights = []
    for number in range(100):
        run = used.submit(SLOW)
        starter = threading.Thread(target=runs.follow, args=(run,))  # any thread may
        starter.start()
        starter.join()
        run.cancel()
        if number in (20, 99):
            weights.append(models())
    assert weights[0] == weights[1]
    assert runs.running == (going,)
    assert runs.runs[-1] is going  # what runs does not fall off
    for _ in range(2):
        _kit.close_all(runs)
    assert models() == before
    assert not going.done()
    going.cancel()
