"""A recorded log as a service, over real sockets: offline, with any key, byte for byte."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from peer import Peer, http
from pictures import noise

import brocap_nb as bn
from brocap_nb.api._facts import METHODS
from brocap_nb.sandbox._recorded import Recording

CREATED = http(b'{"errorId": 0, "taskId": 71}')
PROCESSING = http(b'{"errorId": 0, "status": "processing"}')
READY = http(b'{"errorId": 0,"status":"ready",  "solution": {"token": "t\\u00e4"}}')
OTHER_KEY = "a" * 32


@contextlib.contextmanager
def playing(recorded: Path | bn.ExchangeLog, **options: float) -> Iterator[bn.Client]:
    """A client of the sandbox that plays what the test recorded first."""
    log = bn.ExchangeLog(":memory:")
    with (
        bn.Sandbox.from_log(recorded, **options) as sandbox,
        bn.Client(OTHER_KEY, base_url=sandbox.url, log=log, timeout=0.5) as client,
    ):
        yield client


def test_a_lesson_is_replayed_without_the_service(client: bn.Client, peer: Peer) -> None:
    peer.say(CREATED, PROCESSING, READY, http(b'{"errorId": 0, "balance": 1.5}'))
    one = bn.ComplexImageTask.from_image(noise(), "Pick the owl")
    client.create_task(one, callback_url="http://127.0.0.1:1/was-another")
    for _ in range(2):
        client.get_task_result(71, paced=False)
    client.get_balance()
    peer.close()
    with playing(client.log) as again:
        assert again.create_task(one).task_id == 71
        seen = [again.get_task_result(71, paced=False).status for _ in range(3)]
        assert seen == ["processing", "ready", "ready"]
        body = (again.log[2].response or "").encode()
        assert body == READY.partition(b"\r\n\r\n")[2], "byte for byte"
        assert again.get_balance().balance == 1.5
    with bn.Sandbox.from_log(client.log) as sandbox:
        assert "plays 4 exchanges" in repr(sandbox)
        sandbox.faults.next("getBalance", "http_500")  # they can still be ordered
        answer = requests.post(f"{sandbox.url}/getBalance", data=peer.requests[3][1], timeout=5)
        assert answer.status_code == 500


def test_another_key_finds_what_was_recorded(client: bn.Client, peer: Peer, key: str) -> None:
    peer.say(CREATED)
    client.create_task(bn.RawTask({"type": "X", "note": f"my {key}", "password": "hunter22"}))
    asked = {"type": "X", "note": f"my {OTHER_KEY}", "password": "another one"}
    with playing(client.log) as again:
        assert again.create_task(bn.RawTask(asked)).task_id == 71
        with pytest.raises(bn.ApiError, match="plays a recording") as caught:
            again.get_task_result(5)
        assert caught.value.code == "ERROR_NO_SUCH_CAPCHA_ID"
        odd = (b"", b"[]", b"\xff", b'{"a": NaN}', b"[" * 10_000, b'{"task": 5, "taskId": []}')
        for body, method in itertools.product(odd, (*METHODS, "noSuch")):
            answer = requests.post(f"{again.base_url}/{method}", data=body, timeout=5).json()
            assert answer["errorId"] == 1
            assert (answer["errorCode"] == "ERROR_NO_SUCH_METHOD") == (method == "noSuch")


ANSWERS = {
    "an API error at 403": http(b'{"errorId": 1, "errorCode": "ERROR_NEW"}', 403),
    "a page at 502": http(b"<h1>Bad Gateway</h1>\n", 502, "text/html"),
    "not UTF-8": http(b'{"errorId": 0, "note": "\xff\xfe"}', 200),
    "empty": http(b""),
    "no content": b"HTTP/1.1 204 X\r\n\r\n",
    "a redirect": b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    "an unknown status": http(b"{}", 599),
    "broken off": CREATED[:-5] + Peer.RESET,
    "reset": Peer.RESET,
    "silent": Peer.STALL,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_any_kind_is_replayed(name: str, client: bn.Client, peer: Peer) -> None:
    peer.say(ANSWERS[name])
    with pytest.raises(bn.ExchangeError):
        client.get_balance()
    with playing(client.log) as again, pytest.raises(bn.ExchangeError):
        again.get_balance()
    before, after = client.log[-1], again.log[-1]
    for field in ("outcome", "http_status", "error_code", "response", "response_base64"):
        assert getattr(after, field) == getattr(before, field), field
    old, new = (
        requests.structures.CaseInsensitiveDict(json.loads(e.response_headers or "{}"))
        for e in (before, after)
    )
    for header in ("Content-Type", "Location"):
        assert old.get(header) == new.get(header)
    assert ("Content-Length" in old) == ("Content-Length" in new)


def write(folder: Path, *lines: dict[str, object]) -> None:
    """Lines of a log that another program wrote, each of which is answered."""
    known = {"session": "s", "http_status": 200, "started_at": "2026-01-01T00:00:00+00:00"}
    with (folder / "a.jsonl").open("w") as file:
        for number, line in enumerate(lines, 1):
            for kind in ("request", "response"):
                print(
                    json.dumps({"exchange_id": f"s-{number}", **known, **line, "kind": kind}),
                    file=file,
                )


def test_above_speed_1_a_wait_that_is_over_is_skipped(tmp_path: Path) -> None:
    poll: dict[str, object] = {"method": "getTaskResult", "request": '{"taskId": 5}', "task_id": 5}
    create = poll | {"method": "createTask", "request": '{"task": {"type": "X"}}'}
    write(
        tmp_path,
        *(
            (poll if number else create)
            | {"started_at": f"2026-01-01T00:00:0{2 * number}+00:00", "response": answer}
            | {"outcome": "processing" if answer[0] == "p" else "ok", "elapsed_ms": 0.0}
            for number, answer in enumerate(("created", "p1", "p2", "ready"))
        ),
    )
    now = [0.0]
    for speed, *story in (
        (10.0, (0.25, b"p1"), (0.65, b"ready")),
        (10.0, (0.1, b"p1"), (0.2, b"p2"), (0.3, b"ready")),
        (10.0, (5.0, b"ready")),
        (1.0, (100.0, b"p1"), (200.0, b"p2"), (300.0, b"ready"), (400.0, b"ready")),
    ):
        recording = Recording(tmp_path, lambda: now[0], speed)
        now[0] = 0.0
        recording.answer("createTask", b'{"task": {"type": "X"}}')
        for now[0], said in story:
            assert recording.answer("getTaskResult", b'{"taskId": 5}')[0].body == said


def test_waits_are_divided_by_speed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"method": "getBalance", "request": "{}", "outcome": "ok", "elapsed_ms": 300.0}
        | {"response": '{"errorId": 0, "balance": 1}'},
    )
    for speed in (1.0, 100.0):
        reply, _ = Recording(tmp_path, time.monotonic, speed).answer("getBalance", b"{}")
        assert reply.wait == pytest.approx(0.3 / speed)
    with playing(tmp_path) as again:
        again.get_balance()
        assert (again.log[0].elapsed_ms or 0) >= 290


def test_nothing_to_play_is_a_sentence(tmp_path: Path, log: bn.ExchangeLog) -> None:
    log.begin(method="getBalance", url="", request="{}", request_bytes=2)  # it has no end
    for source in (tmp_path, bn.ExchangeLog(":memory:"), log):
        with pytest.raises(bn.SandboxError, match="no answered exchange"):
            bn.Sandbox.from_log(source)
    with pytest.raises(bn.SandboxError, match="speed"):
        bn.Sandbox.from_log(tmp_path, speed=0)


def test_a_foreign_recording_is_played_within_bounds(tmp_path: Path) -> None:
    good: dict[str, object] = {
        "method": "getBalance",
        "outcome": "ok",
        "request": "{}",
        "response": "<script>",
        "response_headers": '{"Content-Type": "text/html", "Set-Cookie": "a", "Location": "✓"}',
    }
    wrong: list[dict[str, object]] = [
        *({"http_status": status} for status in (-1, 0, 101, 1000, 10**30, "x", [], None)),
        *({"elapsed_ms": wait} for wait in (-1, 1e12, float("nan"), float("inf"), "x", [1])),
        *({"task_id": []}, {"outcome": []}, {"response_base64": "a"}),
        {"response_headers": "[" * 100_000},
    ]
    write(tmp_path, *(good | changes for changes in ({}, *wrong)))
    with pytest.warns(bn.log.LogWarning, match="wrong type"):
        played = bn.Sandbox.from_log(tmp_path)
    with played as sandbox:
        assert "plays 1 exchanges" in repr(sandbox)
        answer = requests.post(f"{sandbox.url}/getBalance", data="{}", timeout=5)
    assert (answer.status_code, answer.text) == (200, "<script>")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not {"Set-Cookie", "Location"} & set(answer.headers)
