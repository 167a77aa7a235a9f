"""Callbacks over real sockets, from the sandbox and from senders that keep no rules."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peer import Peer
from peer import http as http_answer
from waiting import until

import brocap_nb as bn
from brocap_nb.api._facts import POLL_INTERVAL
from brocap_nb.api._secrets import Secret
from brocap_nb.client._callbacks import CallbackListener as Listener
from brocap_nb.log._recorder import Recorder

FAILING = "recognition-timeout.sandbox.test"
READY = {"errorId": 0, "status": "ready", "solution": {"answer": [False, True]}}
CREATED = http_answer(b'{"errorId": 0, "taskId": 42}')
PROCESSING = http_answer(b'{"errorId": 0, "status": "processing"}')
ANY = bn.RawTask({"type": "X"})


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture
def guest(lines: list[str], log: bn.ExchangeLog) -> Iterator[bn.Client]:
    """Of a sandbox in which a token task is done in 0.1 to 0.3 s, long before the second poll."""
    with bn.Sandbox(speed=10, log=lines.append) as sandbox:
        yield bn.Client(sandbox.key, base_url=sandbox.url, log=log)


def token_task(host: str = "example.com") -> bn.Task:
    return bn.FunCaptchaTaskProxyless(website_url=f"https://{host}/", website_public_key="k")


def send(url: str, body: object, verb: str = "POST", **headers: str) -> int:
    """Send as a service would, and return the HTTP status of the reply."""
    parts = urlsplit(url)
    sent: Any = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = {"Content-Type": "application/json", **headers}
    chunked = not isinstance(sent, bytes)
    at = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    with contextlib.closing(at) as connection:
        connection.request(verb, parts.path, sent, headers, encode_chunked=chunked)
        reply = connection.getresponse()
        assert reply.read() == b"" or reply.status == 403
        return reply.status


def address(listener: Listener, log: bn.ExchangeLog, task_id: int | None = None) -> str:
    """An address for the result of a task."""
    expected = listener.expect(Recorder(log))
    expected.created(task_id, None)
    return expected.url


def callbacks_in(log: bn.ExchangeLog) -> list[bn.Exchange]:
    rows = [e for e in log.recent(1000) if e.method == "callback"]
    return [log[e.exchange_id] for e in reversed(rows)]


def test_a_callback_is_a_row_and_ends_the_waiting_in_a_busy_kernel(
    guest: bn.Client, listener: Listener, lines: list[str]
) -> None:
    hosts, code = ("example.com", "example.com", FAILING), "ERROR_RECAPTCHA_TIMEOUT"
    runs = [guest.submit(token_task(host), callbacks=listener) for host in hosts]
    end = time.monotonic() + 30
    while sum("callback" in line for line in lines) < 3 and time.monotonic() < end:
        pass  # as a cell that computes
    assert all(line.endswith("sent") for line in lines if "callback" in line), "within 2 s"
    tokens = {run.task_id: str(run.result(20).token) for run in runs[:2]}
    with pytest.raises(bn.ApiError, match=code):
        runs[2].result(20)
    polls = [run.polls for run in runs]
    until(lambda: [row.outcome for row in callbacks_in(guest.log)] == ["callback"] * 3)
    frame = guest.log.frame()
    rows = frame[frame["method"] == "callback"].set_index("task_id")
    assert sorted(rows.index) == sorted(run.task_id for run in runs)
    for task_id, token in tokens.items():
        facts = rows.loc[task_id, ["status", "task_type", "http_status", "response"]]
        assert [*facts] == ["ready", "FunCaptchaTaskProxyless", 200, ""]
        assert token in rows.loc[task_id, "request"]
    assert rows.loc[runs[2].task_id, "error_code"] == code
    assert rows["elapsed_ms"].notna().all()
    assert len({*tokens.values()}) == 2
    assert polls == [run.polls for run in runs], "nobody is asked once it has come"
    assert (frame["outcome"] != "no_response").all()


def test_what_is_no_result_ends_nothing_and_the_first_result_wins(
    client: bn.Client, peer: Peer, listener: Listener
) -> None:
    peer.say(CREATED, PROCESSING)
    run = client.submit(ANY, callbacks=listener)
    until(lambda: peer.requests and run.task_id)
    url = json.loads(peer.requests[0][1])["callbackUrl"]
    odd: dict[str, bytes] = {
        "empty": b"",
        "not JSON": b"\xff\xfe\x00",
        "is []": b"[]",
        "errorId is missing": b'{"status": "ready"}',
        "status is": b'{"errorId": 0, "status": "queued"}',
        "solution is 7": b'{"errorId": 0, "status": "ready", "solution": 7}',
        "given for task 42": json.dumps({**READY, "taskId": 7}).encode(),
    }
    for detail, body in odd.items():
        assert send(url, body) == 200
        until(lambda: callbacks_in(client.log)[-1].outcome == "callback")
        row = callbacks_in(client.log)[-1]
        assert detail in str(row.detail)
        assert (row.task_id, row.request_bytes) == (42, len(body))
    for unready in ({"errorId": 0, "status": "processing"}, {"errorId": 1}):
        assert send(url, {"errorCode": "CAPTCHA_NOT_READY", **unready}) == 200
    assert not run.done()
    for answer in ([True], [False], [False]):
        assert send(url, {**READY, "solution": {"answer": answer}}) == 200
        assert run.result(10).answer == (True,)
    assert (run.status, run.task_id, run.next_poll_in) == ("ready", 42, None)
    until(lambda: [row.task_id for row in callbacks_in(client.log)] == [42] * 12)
    sent = len(peer.requests)
    threading.Event().wait(POLL_INTERVAL + 0.3)
    assert len(peer.requests) == sent


def test_what_does_not_come_is_asked_for(guest: bn.Client, lines: list[str]) -> None:
    with Listener(public_url="https://hub.example/user/me/proxy/1/") as listener:
        run = guest.submit(token_task(), callbacks=listener)
        assert run.result(20).ready
    assert run.polls
    assert callbacks_in(guest.log) == []
    assert any("callback" in line and "not sent" in line for line in lines)


def test_one_that_comes_too_early_is_held(
    key: str, log: bn.ExchangeLog, peer: Peer, listener: Listener
) -> None:
    def reply(path: str, body: bytes) -> bytes:
        if path != "/createTask":
            return PROCESSING
        assert send(json.loads(body)["callbackUrl"], READY) == 200
        (row,) = callbacks_in(log)  # it is on disk, without its task
        assert (row.task_id, row.outcome) == (None, "no_response")
        return CREATED

    peer.reply = reply
    run = bn.Client(key, base_url=peer.url, log=log).submit(ANY, callbacks=listener)
    assert run.result(20).answer == (False, True)
    (row,) = callbacks_in(log)
    assert (row.task_id, row.outcome) == (42, "callback")


def test_only_a_post_to_exactly_the_address_is_taken(log: bn.ExchangeLog) -> None:
    with Listener() as listener:
        url, body = address(listener, log), READY
        for verb in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
            assert send(url, body, verb) == 404, verb
        base = url.rsplit("/", 1)[0]
        for wrong in (f"{base}/", f"{base}/guess", f"{url}/", f"{url}x", url[:-1]):
            assert send(wrong, body) == 404, wrong
        assert len(log) == 0
        assert send(url, b"x" * 1_000_000) == 200
        assert send(url, b"x" * 1_000_001) == 413
        assert send(url, b"x" * 5_000_000) == 413
        assert send(url, iter([b"x" * 600_000] * 2), **{"Transfer-Encoding": "chunked"}) == 413
        assert len(log) == 1
        assert send(url, b"{}") == 200, "the next sender is heard"


def test_a_proxy_may_leave_its_part_in_the_path_and_a_slow_view_holds_up_no_reply(
    log: bn.ExchangeLog,
) -> None:
    release = threading.Event()
    log.subscribe(lambda exchange: release.wait(30) and None)
    public = "https://hub.example/user/me/proxy/9000"
    with Listener(public_url=f" {public}/\n") as listener:
        path = urlsplit(address(listener, log)).path
        here = f"http://127.0.0.1:{listener.port}"
        for seen in (path, path.removeprefix("/user/me/proxy/9000"), "/user/me" + path):
            assert send(here + seen, b"{}") == 200
        assert not release.is_set()
        release.set()
    assert log[0].url.startswith(f"{public}/")
    assert [row.outcome for row in callbacks_in(log)] == ["callback"] * 3


VALUES = st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text())
FIELDS = st.dictionaries(st.sampled_from(["errorId", "taskId", "status", "solution"]), VALUES)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | FIELDS.map(lambda fields: json.dumps(fields).encode()))
def test_any_post_is_a_row(listener: Listener, log: bn.ExchangeLog, body: bytes) -> None:
    before = len(log)
    assert send(address(listener, log), body) == 200
    until(lambda: log[-1].outcome == "callback")
    row = log[-1]
    assert (len(log), row.request_bytes) == (before + 1, len(body))
    if body.isascii():
        assert row.request == body.decode()
    assert len(log.frame()) == before + 1


def test_secrets_are_nowhere_on_disk(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, own = secrets.token_hex(16), secrets.token_hex(16)
    monkeypatch.setenv("BROCAP_CLIENT_KEY", own)
    log = bn.ExchangeLog(tmp_path / "kept")
    expected = listener.expect(Recorder(log, Secret(key)))
    expected.created(None, None)
    url, other = expected.url, address(listener, rest := bn.ExchangeLog())
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-Again": "form-secret"}
    paid = {"token": "03AGdBq24PBCq", "cookies": "session=product"}
    assert send(url, {"clientKey": key}, **{"X-Key": key, "Cookie": "a=b", "X-Kind": "kept"}) == 200
    assert send(url, key.encode() + b"\xff") == 200
    assert send(other, f"a=1&key=form-secret&b={own}".encode(), **form) == 200
    assert send(other, {**READY, "solution": paid, "note": own}) == 200
    listener.stop()
    assert (len(log), len(rest)) == (2, 2)
    text = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    assert "kept" in text
    assert [one for one in (key, own, "a=b", "form-secret") if one in text] == []
    assert rest[0].request == "a=1&key=<left out>&b=<clientKey>"
    told = {**READY, "solution": paid, "note": "<clientKey>"}
    assert json.loads(rest[1].request) == told, "what was paid for is kept"
    assert key not in f"{listener!r}{listener._repr_mimebundle_()}{vars(listener)!r}"


def test_what_cannot_be_used_gets_a_sentence_and_a_view_may_stop_a_listener(
    client: bn.Client, peer: Peer
) -> None:
    listener = Listener()
    with pytest.raises(bn.InvalidInputError, match=r"Call start\(\) first"):
        client.submit(token_task(), callbacks=listener)
    with listener:
        assert str(listener.port) in listener._repr_mimebundle_()["text/html"]
        for options in ({"port": listener.port}, {"port": -1}, {"host": "no.such.host.invalid"}):
            with pytest.raises(bn.InvalidInputError, match=r"cannot listen.*or port=0"):
                Listener(**options).start()  # type: ignore[arg-type]
        assert len(client.log) == 0
        peer.say(CREATED, PROCESSING)
        run = client.submit(ANY, callbacks=listener)
        run.on_change(lambda run: listener.stop() if run.done() else None)
        until(lambda: run.task_id)
        with contextlib.suppress(ConnectionError):  # a listener that stops closes them all
            send(json.loads(peer.requests[0][1])["callbackUrl"], READY)
        assert run.result(10).answer == (False, True)
        until(lambda: "stopped" in repr(listener))
    with pytest.raises(bn.InvalidInputError, match="stays so"):
        listener.start()
    for wrong in ("hub", "https://hub.example:99999", "https://hub..example"):
        with pytest.raises(bn.InvalidInputError, match="public_url is '"):
            Listener(public_url=wrong)
