"""Waiting for a task: within the limits, visible, and stoppable."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from peer import Peer, http
from PIL import Image
from waiting import until

import brocap_nb as bn
from brocap_nb.api._facts import POLL_INTERVAL, POLL_LIMIT, RESULT_LIFETIME
from brocap_nb.client._submission import Pacer

TASK = bn.RawTask({"type": "X"})
CREATED = http(b'{"errorId": 0, "taskId": 42}')
PROCESSING = http(b'{"errorId": 0, "status": "processing"}')
READY = http(b'{"errorId": 0, "status": "ready", "solution": {"answer": [false, true]}}')
NOT_READY = http(b'{"errorId": 1, "errorCode": "CAPTCHA_NOT_READY"}')
UNSOLVABLE = http(b'{"errorId": 1, "errorCode": "ERROR_CAPTCHA_UNSOLVABLE"}')


def test_the_limits_are_2_seconds_120_polls_and_5_minutes() -> None:
    now = 1000.0
    pacer = Pacer(lambda: now)
    pacer.created(1)
    for polls in range(1, POLL_LIMIT + 1):
        assert pacer.delay(1) == 0
        pacer.polled(1)
        assert pacer.delay(2) == 0, "another task has limits of its own"
        if polls < POLL_LIMIT:
            assert pacer.delay(1) == POLL_INTERVAL
        now += POLL_INTERVAL
    with pytest.raises(bn.PollLimitError, match="120 times") as caught:
        pacer.delay(1)
    assert caught.value.task_id == 1
    pacer.created(3)
    now += RESULT_LIFETIME
    assert pacer.delay(3) == 0
    now += 0.1
    with pytest.raises(bn.PollLimitError, match="5 minutes"):
        pacer.delay(3)


def test_submit_creates_waits_and_gives_the_answer(client: bn.Client, peer: Peer) -> None:
    peer.say(CREATED, PROCESSING, NOT_READY, READY)
    states: list[tuple[str, int]] = []

    def fail(run: bn.Submission) -> None:
        raise RuntimeError("broken view")

    picture = bn.ComplexImageTask.from_image(Image.effect_noise((60, 40), 80), "Pick it")
    with pytest.warns(UserWarning, match="broken view"):
        run = client.submit(picture)
        stop = run.on_change(fail)
        run.on_change(lambda run: states.append((run.status, run.polls)))
        assert "its answer marked" not in run._repr_mimebundle_()["text/html"]
        assert run.result(20).answer == (False, True)
    shown = run._repr_mimebundle_()["text/html"]
    assert "its answer marked" in shown
    assert "tile 2 of 2" in shown
    stop()
    stop()
    assert (run.task_id, run.done(), run.exception()) == (42, True, None)
    until(lambda: states[-1:] == [("ready", 3)])  # a listener is told after the result is there
    frame = client.log.frame()
    assert frame["outcome"].tolist() == ["ok", "processing", "api_error", "ok"]
    polls = frame["started_at"][1:].diff().dt.total_seconds().dropna()
    assert (polls >= POLL_INTERVAL).all()
    assert run.elapsed == run.elapsed


def test_asyncios_own_tools_take_it(client: bn.Client, peer: Peer) -> None:
    peer.say(READY)

    async def wait() -> list[object]:
        async with asyncio.TaskGroup() as group:
            one = group.create_task(client.resume(42).coroutine())
        waiting = [asyncio.create_task(client.resume(43).coroutine())]
        done, _ = await asyncio.wait(waiting)
        gathered = await asyncio.gather(client.resume(45), asyncio.wait_for(client.resume(46), 20))
        results = [one.result(), done.pop().result(), *gathered, await client.resume(47)]
        return [result.answer for result in results]

    # in a thread, since the browser's driver may keep a loop running in this one
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, wait()).result(20) == [(False, True)] * 5
    assert {path for path, _ in peer.requests} == {"/getTaskResult"}
    assert json.loads(peer.requests[0][1])["taskId"] == 42


def test_an_error_code_ends_it_and_a_broken_poll_is_repeated(client: bn.Client, peer: Peer) -> None:
    peer.say(Peer.RESET)
    with pytest.raises(bn.RequestConnectionError):
        client.submit(TASK).result(20)
    assert len(peer.requests) == 1, "a broken create is not repeated"
    peer.say(CREATED, Peer.RESET, UNSOLVABLE)
    run = client.submit(TASK)
    with pytest.raises(bn.ApiError) as caught:
        run.result(20)
    assert (caught.value.code, caught.value.task_id) == ("ERROR_CAPTCHA_UNSOLVABLE", 42)
    assert (run.status, run.exception()) == ("failed", caught.value)
    assert "ERROR_CAPTCHA_UNSOLVABLE" in repr(run)
    frame = client.log.frame()[1:]
    assert frame["outcome"].tolist() == ["ok", "connection_error", "api_error"]
    assert frame["attempt"].tolist() == [1, 1, 2]


def test_cancel_ends_the_waiting(client: bn.Client, peer: Peer) -> None:
    peer.say(CREATED, PROCESSING)
    run = client.submit(TASK)
    until(lambda: len(peer.requests) == 2 and run.next_poll_in is not None)
    with pytest.raises(bn.NotReadyError, match="the task goes on"):
        run.result(0)
    assert run.cancel()
    assert not run.cancel()
    with pytest.raises(bn.CancelledError):
        run.result()
    assert (run.status, run.next_poll_in) == ("cancelled", None)
    threading.Event().wait(POLL_INTERVAL + 0.3)
    assert len(peer.requests) == 2


def test_by_hand_the_pace_is_kept_unless_refused(client: bn.Client, peer: Peer) -> None:
    peer.say(PROCESSING)
    for paced in (True, True, False):
        client.get_task_result(1, paced=paced)
    gaps = client.log.frame()["started_at"].diff().dt.total_seconds().dropna().tolist()
    assert gaps[0] >= POLL_INTERVAL > gaps[1]
