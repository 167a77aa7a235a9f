"""A recorded log as a service, over real sockets: offline, with any key, byte for byte."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from peer import Peer, http
from PIL import Image

import brocap_nb as bn
from brocap_nb.sandbox._recorded import Recording

CREATED = http(b'{"errorId": 0, "taskId": 71}')
PROCESSING = http(b'{"errorId": 0, "status": "processing"}')
READY = http(b'{"errorId": 0,"status":"ready",  "solution": {"token": "t\\u00e4"}}')
OTHER_KEY = "a" * 32


def task(colour: int = 3) -> bn.ComplexImageTask:
    buffer = io.BytesIO()
    Image.effect_noise((60, 40), colour).save(buffer, "PNG")
    return bn.ComplexImageTask.from_image(buffer.getvalue(), "Pick the owl")


@pytest.fixture
def folder(log: bn.ExchangeLog) -> Path:
    assert log.folder is not None
    return log.folder


@pytest.fixture
def playing(request: pytest.FixtureRequest, folder: Path) -> Iterator[bn.Client]:
    """A client of the sandbox that plays what the test recorded first."""
    clients = []

    def play(**options: float) -> bn.Client:
        sandbox = bn.Sandbox.from_log(folder, **options).start()  # type: ignore[arg-type]
        request.addfinalizer(sandbox.stop)
        client = bn.Client(
            OTHER_KEY, base_url=sandbox.url, log=bn.ExchangeLog(":memory:"), timeout=0.5
        )
        clients.append(client)
        return client

    yield play  # type: ignore[misc]
    for client in clients:
        client.close()


def test_a_lesson_is_replayed_without_the_service(
    client: bn.Client, peer: Peer, playing: type[bn.Client]
) -> None:
    peer.say(CREATED, PROCESSING, READY, http(b'{"errorId": 0, "balance": 1.5}'))
    one = task()
    client.create_task(one, callback_url="http://127.0.0.1:1/was-another")
    for _ in range(2):
        client.get_task_result(71, paced=False)
    client.get_balance()
    peer.close()

    again = playing()
    assert again.create_task(one).task_id == 71
    seen = [again.get_task_result(71, paced=False).status for _ in range(3)]
    assert seen == ["processing", "ready", "ready"]
    assert again.get_balance().balance == 1.5
    raw = again.log[2].response
    assert raw is not None
    assert raw.encode() == READY.partition(b"\r\n\r\n")[2], "byte for byte"


def test_what_was_not_recorded_says_so(
    client: bn.Client, peer: Peer, playing: type[bn.Client]
) -> None:
    peer.say(http(b'{"errorId": 0, "balance": 1}'))
    client.get_balance()
    again = playing()
    with pytest.raises(bn.ApiError, match="plays a recording") as caught:
        again.get_task_result(5)
    assert caught.value.code == "ERROR_NO_SUCH_CAPCHA_ID"
    for body in (b"", b"[]", b"\xff", b'{"a": NaN}', b"[" * 10_000, b'{"task": 5, "taskId": []}'):
        for method in ("createTask", "getTaskResult", "getBalance", "noSuch"):
            answer = requests.post(f"{again.base_url}/{method}", data=body, timeout=5).json()
            assert answer["errorId"] == 1
            assert (answer["errorCode"] == "ERROR_NO_SUCH_METHOD") == (method == "noSuch")


ANSWERS = {
    "an API error at 403": http(b'{"errorId": 1, "errorCode": "ERROR_NEW"}', 403),
    "a page at 502": http(b"<h1>Bad Gateway</h1>\n", 502, "text/html"),
    "not UTF-8": http(b'{"errorId": 0, "note": "\xff\xfe"}', 200),
    "empty": http(b""),
    "no content": b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n",
    "a redirect": b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    "an unknown status": http(b"{}", 599),
    "broken off": CREATED[:-5] + Peer.RESET,
    "reset": Peer.RESET,
    "silent": Peer.STALL,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_any_kind_is_replayed(
    name: str, client: bn.Client, peer: Peer, playing: type[bn.Client]
) -> None:
    peer.say(ANSWERS[name])
    with pytest.raises(bn.ExchangeError):
        client.get_balance()
    again = playing()
    with pytest.raises(bn.ExchangeError):
        again.get_balance()
    before, after = client.log[-1], again.log[-1]
    for field in ("outcome", "http_status", "error_code", "response", "response_base64"):
        assert getattr(after, field) == getattr(before, field), field
    kinds = [
        {n.lower(): v for n, v in json.loads(e.response_headers or "{}").items()}
        for e in (before, after)
    ]
    for header in ("content-type", "location"):
        assert kinds[0].get(header) == kinds[1].get(header)


def test_waits_are_divided_by_speed(
    client: bn.Client, peer: Peer, playing: type[bn.Client]
) -> None:
    def slow(path: str, body: bytes) -> bytes:
        time.sleep(0.3)
        return http(b'{"errorId": 0, "balance": 1}')

    peer.reply = slow
    client.get_balance()
    for speed, least, most in ((1.0, 0.29, 2.0), (100.0, 0.0, 0.15)):
        again = playing(speed=speed)
        again.get_balance()
        elapsed = again.log[0].elapsed_ms
        assert elapsed is not None
        assert least <= elapsed / 1000 <= most


def test_above_speed_1_a_wait_that_is_over_is_skipped(folder: Path) -> None:
    def line(number: int, second: int, method: str, outcome: str, answer: str) -> list[str]:
        asked = {"createTask": {"task": {"type": "X"}}, "getTaskResult": {"taskId": 5}}[method]
        common = {
            "exchange_id": f"s-{number}",
            "started_at": f"2026-01-01T00:00:{second:02}+00:00",
            "session": "s",
            "method": method,
            "task_id": 5,
        }
        end = {"outcome": outcome, "response": answer, "http_status": 200, "elapsed_ms": 0.0}
        return [
            json.dumps({"kind": "request", **common, "request": json.dumps(asked)}),
            json.dumps({"kind": "response", **common, **end}),
        ]

    lines = [
        *line(1, 0, "createTask", "ok", "c"),
        *line(2, 2, "getTaskResult", "processing", "p1"),
        *line(3, 4, "getTaskResult", "processing", "p2"),
        *line(4, 6, "getTaskResult", "ok", "ready"),
    ]
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n" + lines[0][:30])
    now = [0.0]

    def played(speed: float, *times: float) -> list[bytes]:
        recording = Recording(folder, lambda: now[0], speed)
        assert recording.size == 4
        now[0] = 0.0
        recording.answer("createTask", b'{"task": {"type": "X"}}')
        answers = []
        for now[0] in times:
            answers.append(recording.answer("getTaskResult", b'{"taskId": 5}')[0].body)
        return answers

    assert played(10.0, 0.25, 0.65) == [b"p1", b"ready"]
    assert played(10.0, 0.1, 0.2, 0.3) == [b"p1", b"p2", b"ready"]
    assert played(10.0, 5.0) == [b"ready"]
    assert played(1.0, 100.0, 200.0, 300.0, 400.0) == [b"p1", b"p2", b"ready", b"ready"]


def test_a_request_that_quotes_the_key_is_found_with_another_key(
    client: bn.Client, peer: Peer, key: str, folder: Path
) -> None:
    peer.say(CREATED)
    client.create_task(bn.RawTask({"type": "X", "note": f"my {key}", "password": "hunter22"}))
    with bn.Sandbox.from_log(folder) as sandbox:
        asked = {"type": "X", "note": f"my {OTHER_KEY}", "password": "another one"}
        again = bn.Client(OTHER_KEY, base_url=sandbox.url, log=bn.ExchangeLog(":memory:"))
        assert again.create_task(bn.RawTask(asked)).task_id == 71


def test_faults_can_still_be_ordered(client: bn.Client, peer: Peer, folder: Path) -> None:
    peer.say(http(b'{"errorId": 0, "balance": 1}'))
    client.get_balance()
    with bn.Sandbox.from_log(client.log) as sandbox:
        assert "plays 1 exchange" in repr(sandbox)
        sandbox.faults.next("getBalance", "http_503")
        again = bn.Client(OTHER_KEY, base_url=sandbox.url, log=bn.ExchangeLog(":memory:"))
        with pytest.raises(bn.HttpError):
            again.get_balance()
        assert again.get_balance().balance == 1


def test_nothing_to_play_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(bn.SandboxError, match="no answered exchange"):
        bn.Sandbox.from_log(tmp_path)
    with pytest.raises(bn.SandboxError, match="no answered exchange"):
        bn.Sandbox.from_log(bn.ExchangeLog(":memory:"))
    with pytest.raises(bn.SandboxError, match="speed"):
        bn.Sandbox.from_log(tmp_path, speed=0)


def test_an_exchange_without_an_end_is_not_played(log: bn.ExchangeLog, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    log.begin(method="getBalance", url="", request="{}", request_bytes=2)
    with pytest.raises(bn.SandboxError, match="no answered exchange"):
        bn.Sandbox.from_log(log)
    with (
        bn.Client(key, base_url=f"http://127.0.0.1:{port}", log=log) as client,
        pytest.raises(bn.RequestConnectionError),
    ):
        client.get_balance()
    with bn.Sandbox.from_log(log) as sandbox, pytest.raises(requests.ConnectionError):
        requests.post(f"{sandbox.url}/getBalance", data='{"clientKey": "12345678"}', timeout=5)


def test_a_foreign_recording_is_played_within_bounds(folder: Path) -> None:
    good = {
        "kind": "response",
        "started_at": "2026-01-01T00:00:00+00:00",
        "method": "getBalance",
        "outcome": "ok",
        "request": "{}",
        "response": "<script>",
        "response_headers": '{"Content-Type": "text/html", "Set-Cookie": "a=b"}',
        "http_status": 200,
    }
    wrong: list[dict[str, object]] = [
        *({"http_status": status} for status in (-1, 0, 101, 1000, 10**30, "x", [], None)),
        *({"elapsed_ms": wait} for wait in (-1, 1e12, float("nan"), float("inf"), "x", [1])),
        {"task_id": []},
        {"outcome": []},
        {"response_base64": "a"},
        {"response_headers": "[" * 100_000},
    ]
    lines = [
        {**good, **changes, "exchange_id": f"foreign-{n}", "session": "foreign"}
        for n, changes in enumerate([{}, *wrong])
    ]
    folder.mkdir(exist_ok=True)
    both = [{**line, "kind": kind} for line in lines for kind in ("request", "response")]
    (folder / "foreign.jsonl").write_text("\n".join(map(json.dumps, both)) + "\n")
    with pytest.warns(bn.log.LogWarning, match="wrong type"):
        played = bn.Sandbox.from_log(folder)
    with played as sandbox:
        assert "plays 1 exchanges" in repr(sandbox)
        answer = requests.post(f"{sandbox.url}/getBalance", data="{}", timeout=5)
    assert (answer.status_code, answer.text) == (200, "<script>")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
