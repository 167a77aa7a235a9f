"""The client against a peer on a real socket that answers whatever it is told to."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import secrets
import socket
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
from dresses import traced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peer import Peer, http

import brocap_nb as bn
from brocap_nb.client import _requests
from brocap_nb.doors import _cli

TASK = bn.ComplexImageTask(
    image_urls=["https://i.postimg.cc/s2ZDrHXy/fc1.jpg"],
    question="Pick the image that is the correct way up",
)
CREATED = http(b'{"errorId": 0, "taskId": 7654321}')
BALANCE = http(b'{"errorId": 0, "balance": 3}')


def test_the_documented_answers_and_errors(client: bn.Client, peer: Peer, key: str) -> None:
    ready = {"errorId": 0, "errorCode": None, "status": "ready", "solution": {"answer": [True]}}
    peer.say(CREATED, http(json.dumps(ready).encode()), http(b'{"errorId": 0, "balance": 1.25}'))
    url = "\thttps://me.example/x \n"  # blanks around an address are taken off
    assert client.create_task(TASK, callback_url=url).task_id == 7654321
    (task_id,) = client.log.frame()["task_id"].unique()  # numpy's, which JSON does not know
    assert client.get_task_result(task_id).answer == (True,)
    assert client.get_balance().balance == 1.25
    task = {"clientKey": key, "task": TASK.to_wire(), "callbackUrl": "https://me.example/x"}
    assert [(path, json.loads(body)) for path, body in peer.requests] == [
        ("/createTask", task),
        ("/getTaskResult", {"clientKey": key, "taskId": 7654321}),
        ("/getBalance", {"clientKey": key}),
    ]
    assert peer.connections == 1, "it is kept alive"
    code = "ERROR_KEY_DOES_NOT_EXIST"
    said = {"errorId": 1, "errorCode": code, "errorDescription": "No key"}
    peer.say(http(json.dumps(said).encode(), status=403))
    with pytest.raises(bn.ApiError) as caught:
        client.create_task(TASK)
    error, remedy = caught.value, bn.CATALOGUE[code].remedy
    assert (error.code, error.description, error.remedy) == (code, "No key", remedy)
    assert (error.retryable, error.http_status, error.task_id) == (False, 403, None)
    assert client.log[error.exchange_id].error_code == code
    assert remedy in str(error)


def test_what_is_no_task_no_listener_and_no_number_is_refused_at_once(client: bn.Client) -> None:
    wrong: Any = {"type": "ComplexImageTask"}
    for send in (client.create_task, client.submit):
        with pytest.raises(bn.InvalidInputError, match="type dict; expected a task object"):
            send(wrong)
    with pytest.raises(bn.InvalidInputError, match=r"callback_url is .*port above 65535"):
        client.create_task(TASK, callback_url="https://me.example:99999/x")
    listener: Any = "http://127.0.0.1:1/x"
    with pytest.raises(bn.InvalidInputError, match=r"type str; expected a listener"):
        client.submit(TASK, callbacks=listener)
    # a line with a task id of another type would be skipped by whoever reads the log
    for wrong in ("7654321", 1.5, None, 2**63):
        for ask in (client.get_task_result, client.resume):
            with pytest.raises(bn.InvalidInputError, match="expected a whole number"):
                ask(wrong)
    assert len(client.log) == 0


HTML = b"<html><h1>It works</h1></html>"
UNPACKABLE = http(b"no gzip", header="Content-Encoding: gzip")
# What is answered, how it ends, and what the log has of the body.
FAULTS: tuple[tuple[bytes, type[bn.ExchangeError], str | None], ...] = (
    (http(HTML, 500, "text/html"), bn.HttpError, HTML.decode()),
    (http(HTML, 200, "text/html"), bn.BadResponseError, HTML.decode()),
    (http(b""), bn.BadResponseError, ""),
    (http(b'{"a":"\xff"}'), bn.BadResponseError, '{"a":"\\xff"}'),
    (http(b"{}").replace(b": 2", b": 99") + Peer.RESET, bn.RequestConnectionError, "{}"),
    (Peer.RESET, bn.RequestConnectionError, None),
    (Peer.STALL, bn.RequestTimeoutError, None),
    (b"", bn.RequestConnectionError, None),
    (UNPACKABLE, bn.BadResponseError, ""),
    (b"SSH-2.0 hello\r\n\r\n", bn.RequestConnectionError, None),
)


def test_a_fault_is_one_row_and_a_clear_exception(client: bn.Client, peer: Peer) -> None:
    for number, (answer, kind, body) in enumerate(FAULTS, 1):
        peer.say(answer)
        with pytest.raises(kind) as caught:
            client.create_task(TASK)
        assert len(client.log) == len(peer.requests) == number, "createTask is never sent twice"
        recorded = client.log[caught.value.exchange_id]
        assert recorded.response == body
        assert recorded.detail
        assert recorded.detail in str(caught.value)
    outcomes = dict.fromkeys(client.log.frame()["outcome"])
    assert [*outcomes] == ["http_error", "bad_response", "connection_error", "timeout"]
    peer.say(Peer.DRIP)  # each byte comes in time for a read
    with pytest.raises(bn.RequestTimeoutError):
        client.get_balance()
    assert client.log[-1].response_bytes, "what came is kept"


def test_an_answer_is_read_up_to_a_limit(peer: Peer, key: str, log: bn.ExchangeLog) -> None:
    body = gzip.compress(b'{"errorId": 0, "balance": 3}' + b" " * 5_000_000)
    packed = http(body, header="Content-Encoding: gzip")
    for session in (None, requests.Session()):
        peer.say(packed, BALANCE)
        options = {"session": session, "max_answer_bytes": 100_000}
        client = bn.Client(key, base_url=peer.url, log=log, **options)
        with pytest.raises(bn.BadResponseError, match="longer than 100,000 bytes"):
            client.get_balance()
        assert (log[-1].outcome, log[-1].response_bytes) == ("bad_response", 100_000)
        assert client.get_balance().balance == 3, "the next one is another answer"
    peer.say(packed)
    assert bn.Client(key, base_url=peer.url, log=log).get_balance().balance == 3


NAMES = st.sampled_from(["errorId", "errorCode", "taskId", "status", "solution", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
    status=st.sampled_from([200, 204, 301, 400, 403, 429, 500, 503]),
    method=st.sampled_from(["createTask", "getTaskResult", "getBalance", "else"]),
)
def test_any_answer_is_one_row(
    client: bn.Client, peer: Peer, body: bytes, status: int, method: str
) -> None:
    peer.say(http(body, status))
    before, raised = len(client.log), None
    try:
        client.send(_requests.call(method, {}))
    except bn.ExchangeError as error:
        raised = error.exchange_id
    row = client.log[-1]
    assert raised == (None if row.outcome in ("ok", "processing") else row.exchange_id)
    assert len(client.log) == before + 1
    assert row.response is not None


def _shows(error: BaseException | None, secret: str) -> list[str]:
    """Where a traceback that shows locals, or what these hold, shows a secret; not in tests."""
    found = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            for name, value in frame.f_locals.items():
                shown = ""
                with contextlib.suppress(Exception):  # a repr of what is half made
                    shown = f"{value!r}{vars(value) if hasattr(value, '__dict__') else ''}"
                if secret in shown and "tests" not in frame.f_code.co_filename:
                    found.append(f"{frame.f_code.co_qualname}: {name}")
        error = error.__context__
    return found


OURS = "brocap_nb.(api|client|log)|requests|urllib3|http.client"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # in a __del__
@pytest.mark.parametrize("session", [None, requests.Session], ids=["its own", "of the user"])
def test_an_interrupt_at_any_line_shows_no_key(peer: Peer, session: Any) -> None:
    part = secrets.token_hex(8)  # it looks the same however the rest is escaped
    key = f'quoted"key\\{part}'
    peer.say(CREATED)

    def creates() -> Callable[[], object]:
        log = bn.ExchangeLog(":memory:")
        client = bn.Client(key, base_url=peer.url, log=log, session=session and session())
        client.create_task(TASK)  # what is made once is made
        return partial(client.create_task, TASK)

    _, lines = traced(creates(), 0, OURS)
    came = 0
    for at in sorted(random.Random(0).sample(range(1, len(lines)), 80)):
        error, _ = traced(creates(), at, OURS)
        came += error is not None
        assert _shows(error, part) == [], at
    assert came > 60, "some come where nothing can be raised, such as in __del__"


def test_no_exception_shows_the_key(peer: Peer, key: str, log: bn.ExchangeLog) -> None:
    def raises(error: type[BaseException]) -> Callable[..., Any]:
        def stop(*_: object, **__: object) -> Any:
            raise error("no token for today")

        return stop

    hooked, logged_in = requests.Session(), requests.Session()
    hooked.hooks["response"].append(raises(KeyboardInterrupt))
    logged_in.auth = raises(ValueError)
    subscribed = bn.ExchangeLog(":memory:")
    subscribed.subscribe(raises(KeyboardInterrupt))
    peer.say(http(b"{}"))
    for options in (
        {"session": hooked},
        {"session": logged_in},
        {"log": subscribed},
        {"base_url": "http://127.0.0.1:9"},
        {},
        {"timeout": 0},
        {"key": f"{key} "},
    ):
        with pytest.raises((ValueError, bn.BroCapError, KeyboardInterrupt)) as caught:
            bn.Client(**{"key": key, "base_url": peer.url, "log": log, **options}).get_balance()
        assert _shows(caught.value, key) == []
    assert log.frame()["outcome"].tolist() == ["no_response", "connection_error", "bad_response"]


def test_what_a_client_cannot_be_made_of_is_refused(key: str) -> None:
    addresses = ("", "api.brocapgpt.com", "ftp://x", None)
    addresses += tuple(f"http://{bad}" for bad in ("u:p@a", "a..b", "a:99999", "a b"))
    wrong: list[tuple[dict[str, Any], str]] = [
        *(({"base_url": bad}, "base_url") for bad in addresses),
        *(({"timeout": bad}, "timeout") for bad in (0, -1, "5", (1, 0), (1, 2, 3), float("inf"))),
        ({"log": "my_log"}, "log is 'my_log'; expected an ExchangeLog"),
        ({"log": bn.ExchangeLog("class/*")}, "log is .* is only read"),
    ]
    for options, what in wrong:
        with pytest.raises(bn.InvalidInputError, match=what):
            bn.Client(key, **options)


def test_the_key_of_the_environment_and_ones_own_session(
    monkeypatch: Any, peer: Peer, key: str, log: bn.ExchangeLog
) -> None:
    for bad in ("", "short", "with space inside", "k\u00e9y-key-key-key", "line\nline-line"):
        with pytest.raises(bn.InvalidKeyError, match="expected at least 8 visible") as caught:
            bn.Client(bad)
        assert not bad or bad not in str(caught.value)
    with pytest.raises(bn.InvalidKeyError, match="BROCAP_CLIENT_KEY"):
        bn.Client()
    monkeypatch.setenv("BROCAP_CLIENT_KEY", key)
    session = requests.Session()
    session.headers["X-Mine"] = "yes"
    peer.say(BALANCE)
    bn.Client(base_url=f" {peer.url}/\r\n", session=session, log=log).get_balance()
    assert json.loads(peer.requests[0][1])["clientKey"] == key
    assert json.loads(log[0].request_headers or "")["X-Mine"] == "yes"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """A proxy in the environment at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:password-of-it@{address}")
    return address


def test_loopback_needs_no_proxy(nowhere: str, peer: Peer, key: str, capsys: Any) -> None:
    peer.say(BALANCE)
    for session in (None, requests.Session()):
        for url in (peer.url, peer.url.replace("127.0.0.1", "localhost")):
            assert bn.Client(key, base_url=url, session=session).get_balance().balance == 3
    assert _cli.main(["demo", "--log", "demo"]) == 0
    assert "connection_error" not in capsys.readouterr().out


def test_a_proxy_is_used_and_named(nowhere: str, peer: Peer, key: str, log: bn.ExchangeLog) -> None:
    def ask(url: str, proxy: str | None = peer.url) -> float:
        proxies = {url.partition(":")[0]: proxy} if proxy else None
        return bn.Client(key, base_url=url, proxies=proxies, log=log).get_balance().balance

    peer.say(BALANCE)
    assert ask("http://127.0.0.1:1") == ask("http://service.invalid") == 3
    assert peer.requests[1][0] == "http://service.invalid/getBalance"
    refused = rf"The proxy http://{nowhere} failed\. The connection was refused.*the proxy if there"
    for scheme, reply, told in (
        ("http", None, refused),
        ("https", None, refused),
        ("https", http(b"who are you?", 407), f"proxy {peer.url} failed.*HTTP 407"),
        ("http", Peer.RESET, f"proxy {peer.url} failed.*was reset"),
        ("http", http(b"{}")[:-1] + Peer.RESET, f"broke off.*through the proxy {peer.url}"),
    ):
        peer.say(reply or b"")
        with pytest.raises(bn.RequestConnectionError, match=told) as caught:
            ask(f"{scheme}://service.invalid", peer.url if reply else None)
        assert "password-of-it" not in f"{caught.value}{log[-1]}"
