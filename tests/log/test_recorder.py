"""Any session of requests, recorded: redirects, retries and failures are rows of their own."""

from __future__ import annotations

import copy
import io
import itertools
import json
import pickle
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
import requests_cache
import requests_mock
import responses
from cachecontrol import CacheControlAdapter
from peer import Peer, http
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_toolbelt import MultipartEncoder
from requests_toolbelt.adapters.socket_options import SocketOptionsAdapter
from requests_toolbelt.adapters.source import SourceAddressAdapter
from responses.registries import OrderedRegistry
from urllib3.util.retry import Retry

import brocap_nb as bn
from brocap_nb.log import LogWarning


@pytest.fixture
def session(log: bn.ExchangeLog) -> requests.Session:
    session = requests.Session()
    log.attach(session)
    return session


def test_another_service_is_recorded_with_its_own_fields(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(http(b'{"any": ["thing", 1]}', 201))
    answer = session.put(f"{peer.url}/items/7", json={"name": "owl", "deep": {"x": None}})
    assert answer.json() == {"any": ["thing", 1]}
    row = log.frame().iloc[0]
    assert (row["method"], row["outcome"], row["http_status"]) == ("PUT /items/7", "ok", 201)
    assert json.loads(log[0].request) == {"name": "owl", "deep": {"x": None}}
    assert log[0].response == '{"any": ["thing", 1]}'
    assert log[0].url == f"{peer.url}/items/7"


def test_the_api_of_this_service_is_read_as_by_the_client(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog, key: str, tmp_path: Path
) -> None:
    peer.say(
        http(b'{"errorId": 0, "taskId": 5}'),
        http(f'{{"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE", "x": "{key}"}}'.encode()),
    )
    session.post(f"{peer.url}/createTask", json={"clientKey": key, "task": {"type": "T"}})
    session.post(f"{peer.url}/getTaskResult/", json={"clientKey": key, "taskId": 5})
    frame = log.frame()
    assert frame["method"].tolist() == ["createTask", "getTaskResult"]
    assert frame["task_type"].tolist()[0] == "T"
    assert frame["task_id"].tolist() == [5, 5]
    assert frame["outcome"].tolist() == ["ok", "api_error"]
    assert log.errors()["error_code"].tolist() == ["ERROR_ZERO_BALANCE"]
    assert log.timeline(5)["method"].tolist() == ["createTask", "getTaskResult"]
    disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert key.encode() not in disk
    assert json.loads(log[0].request)["clientKey"] == "<clientKey>"


def test_each_redirect_is_a_row(session: requests.Session, peer: Peer, log: bn.ExchangeLog) -> None:
    there = http(b"", 302).replace(b"\r\n\r\n", b"\r\nLocation: /there\r\n\r\n", 1)
    peer.reply = lambda path, body: there if path == "/here" else http(b'"end"')
    assert session.get(f"{peer.url}/here").text == '"end"'
    frame = log.frame()
    assert frame["method"].tolist() == ["GET /here", "GET /there"]
    assert frame["http_status"].tolist() == [302, 200]


@pytest.mark.parametrize("broken", [http(b"<h1>busy</h1>", 503), Peer.RESET])
def test_each_retry_of_the_session_is_a_row(broken: bytes, peer: Peer, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    retries = Retry(total=3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
    session.mount("http://", HTTPAdapter(max_retries=retries))
    log.attach(session)
    peer.say(broken, broken, http(b'"fine"'))
    assert session.post(peer.url, json={}).json() == "fine"
    assert log.frame()["attempt"].tolist() == [1, 2, 3]
    assert log.frame()["outcome"].tolist()[-1] == "ok"
    assert len(peer.requests) == 3

    peer.say(broken)
    with pytest.raises((requests.exceptions.RetryError, requests.ConnectionError)):
        session.post(peer.url, json={})
    assert log.frame()["attempt"].tolist()[3:] == [1, 2, 3, 4], "the first and three retries"
    assert len(peer.requests) == 7


def test_failures_are_rows_and_reach_the_caller(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(Peer.RESET)
    with pytest.raises(requests.ConnectionError):
        session.get(peer.url)
    peer.say(Peer.STALL)
    with pytest.raises(requests.Timeout):
        session.get(peer.url, timeout=0.2)
    peer.say(http(b"<h1>no</h1>", 503))
    assert session.get(peer.url).status_code == 503
    outcomes = ["connection_error", "timeout", "http_error"]
    assert log.frame()["outcome"].tolist() == outcomes


def test_secrets_are_left_out(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog, tmp_path: Path
) -> None:
    extra = log.attach(requests.Session())
    extra()
    mine = requests.Session()
    log.attach(mine, secrets=["my-own-secret"])
    answer = b"\r\nSet-Cookie: id=cookie-of-the-server\r\n\r\n"
    echo = http(b"my-own-secret hunter2hunter2").replace(b"\r\n\r\n", answer, 1)
    peer.say(echo, http(b"fine"))
    url = peer.url.replace("http://", "http://user:hunter2hunter2@")
    mine.post(f"{url}/login?q=my-own-secret", json={"proxyPassword": "pw-of-the-proxy"})
    mine.get(peer.url)
    disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for secret in (b"my-own-secret", b"hunter2", b"cookie-of-the-server", b"pw-of-the-proxy"):
        assert secret not in disk, secret


def test_a_stream_stays_a_stream(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(http(b"x" * 100_000))
    with session.get(peer.url, stream=True) as answer:
        assert log[0].response is None
        assert "stream" in (log[0].detail or "")
        assert len(b"".join(answer.iter_content(1000))) == 100_000
    session.post(peer.url, data=iter([b"a", b"b"]))
    assert log[1].request == "<a stream, length not known>"


def test_attached_twice_is_recorded_once_and_detached_not_at_all(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(http(b"{}"))
    detach = log.attach(session)
    session.get(peer.url)
    assert len(log) == 1
    detach()
    session.get(peer.url)
    assert len(log) == 1
    assert all(type(adapter) is HTTPAdapter for adapter in session.adapters.values())


def test_pictures_in_a_body_lie_beside_the_lines(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    task = bn.ComplexImageTask.from_image(b"\x89PNG\r\n\x1a\n" + bytes(300), "Pick it")
    peer.say(http(b'{"errorId": 0, "taskId": 5}'))
    session.post(f"{peer.url}/createTask", json={"clientKey": "k" * 20, "task": task.to_wire()})
    assert log.folder is not None
    assert len(list((log.folder / "images").iterdir())) == 1
    assert json.loads(log[0].request)["task"] == task.to_wire()


def test_one_secret_may_be_given_alone(peer: Peer, log: bn.ExchangeLog) -> None:
    peer.say(http(b'{"said": "my-own-secret"}'))
    session = requests.Session()
    log.attach(session, secrets="my-own-secret")
    session.get(f"{peer.url}/it")
    told = log[0].response or ""
    assert "said" in told  # its letters are no secrets
    assert "my-own-secret" not in told


# --- a session stays as it is -------------------------------------------------------------


class Own(BaseAdapter):
    """An adapter of somebody's own: called by keyword, with attributes that it changes."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.sent += 1
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code, response.raw = 200, io.BytesIO(b"mine")
        return response

    def close(self) -> None:
        self.sent = -1


def test_an_adapter_of_ones_own_goes_on(session: requests.Session, log: bn.ExchangeLog) -> None:
    adapter = Own()
    session.mount("mine://", adapter)  # while it is recorded
    assert session.get("mine://here/x").content == b"mine"
    assert (adapter.sent, log[0].method, log[0].response) == (1, "GET /x", "mine")
    assert session.adapters["mine://"] is adapter
    seen: Any = session.get_adapter("mine://here")
    assert isinstance(seen, Own)
    seen.sent = 7
    assert (adapter.sent, seen.sent) == (7, 7)
    session.close()
    assert adapter.sent == -1


@pytest.mark.parametrize("retries", [0, 3])
def test_one_connection_is_kept(retries: int, peer: Peer, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    again = Retry(retries, status_forcelist=[503], backoff_factor=0)
    session.mount("http://", Counting(max_retries=again))
    log.attach(session)
    busy = retries > 0
    answers = itertools.cycle([http(b"busy", 503), http(b"{}")] if busy else [http(b"{}")])
    peer.reply = lambda path, body: next(answers)
    for _ in range(200):
        assert session.get(peer.url).status_code == 200
    assert peer.connections == 1
    assert len(log) == (400 if busy else 200)


class Patient(Retry):
    """Retries of somebody's own."""

    waits: ClassVar[list[float]] = []

    def get_backoff_time(self) -> float:
        self.waits.append(float(len(self.history)))
        return 0


class Counting(HTTPAdapter):
    """It has an attribute that requests does not know, and changes it."""

    sent = 0

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.sent += 1
        return super().send(request, **kwargs)

    def __del__(self) -> None:
        self.close()


def test_retries_stay_those_of_the_session(peer: Peer, log: bn.ExchangeLog) -> None:
    session, Patient.waits[:] = requests.Session(), []
    retries = Patient(3, status_forcelist=[503], allowed_methods=None)
    adapter = Counting(max_retries=retries)
    session.mount("http://", adapter)
    log.attach(session)
    peer.say(http(b'"first"', 503), Peer.RESET, http(b'"fine"'))
    answer = session.put(peer.url, data=io.BytesIO(b"all of it"))
    assert [body for _, body in peer.requests] == [b"all of it"] * 3, "the file is rewound"
    assert [one.status for one in answer.raw.retries.history] == [503, None]
    assert type(answer.raw.retries) is Patient
    assert Patient.waits == [1, 2]
    assert (adapter.max_retries, adapter.sent) == (retries, 1)
    assert log.frame()["attempt"].tolist() == [1, 2, 3]
    assert log.frame()["outcome"].tolist() == ["http_error", "connection_error", "ok"]
    assert [log[n].response for n in (0, 1, 2)] == ['"first"', None, '"fine"']


@pytest.mark.parametrize("raised", [False, True])
def test_the_last_answer_is_the_callers(raised: bool, peer: Peer, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    retries = Retry(1, status_forcelist=[503], raise_on_status=raised)
    session.mount("http://", HTTPAdapter(max_retries=retries))
    log.attach(session)
    peer.say(http(b"busy", 503))
    if raised:
        with pytest.raises(requests.exceptions.RetryError):
            session.get(peer.url)
    else:
        assert session.get(peer.url).text == "busy"
    assert [log[n].response for n in (0, 1)] == ["busy", "busy"]
    assert log.frame()["outcome"].tolist() == ["http_error", "http_error"]


def test_an_interrupted_wait_is_no_attempt(peer: Peer, log: bn.ExchangeLog) -> None:
    class Interrupted(Retry):
        def sleep(self, *_: Any) -> None:
            raise KeyboardInterrupt

    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Interrupted(3, status_forcelist=[503])))
    log.attach(session)
    peer.say(http(b"busy", 503))
    with pytest.raises(KeyboardInterrupt):
        session.get(peer.url)
    assert log.frame()["outcome"].tolist() == ["http_error"]


def _asks_for_digest(peer: Peer) -> None:
    challenge = b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    asked = http(b"who?", 401).replace(b"\r\n\r\n", b"\r\n" + challenge + b"\r\n\r\n", 1)
    answers = itertools.cycle([asked, http(b'{"errorId": 0, "balance": 3}')])
    peer.reply = lambda path, body: next(answers)


def test_a_login_is_a_row_as_well(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    _asks_for_digest(peer)
    auth = requests.auth.HTTPDigestAuth("user", "password-of-mine")
    assert session.post(peer.url, json={"a": 1}, auth=auth).status_code == 200
    assert log.frame()["http_status"].tolist() == [401, 200]
    assert [log[n].request for n in (0, 1)] == ['{"a": 1}'] * 2
    assert peer.connections == 1
    headers = json.loads(log[1].request_headers or "")
    assert headers["Authorization"] == "<left out>"


def test_several_logs_end_in_any_order(peer: Peer, tmp_path: Path) -> None:
    for order in itertools.permutations(range(3)):
        session = requests.Session()
        before = vars(session).copy()
        logs = [bn.ExchangeLog(":memory:") for _ in order]
        stops = [log.attach(session) for log in logs]
        for number, ended in enumerate(order, 1):
            session.get(peer.url)
            stops[ended]()
            stops[ended]()
            assert [len(logs[one]) for one in order[number - 1 :]] == [number] * (4 - number)
        session.get(peer.url)
        assert sum(map(len, logs)) == 1 + 2 + 3
        assert type(session) is requests.Session
        assert vars(session) == before


def test_a_with_records_what_is_in_it(peer: Peer, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    with log.attach(session):
        session.get(peer.url)
    session.get(peer.url)
    assert len(log) == 1


def test_a_recorded_session_can_be_copied_and_pickled(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    session.headers["X-Mine"] = "yes"
    for other in (copy.copy(session), pickle.loads(pickle.dumps(session))):
        assert type(other) is requests.Session
        assert other.headers["X-Mine"] == "yes"
        other.get(peer.url)
    assert len(log) == 0
    assert (type(session).__name__, session.get(peer.url).status_code) == ("Session", 200)


def test_many_threads_share_a_session(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog, key: str
) -> None:
    peer.say(http(b'{"errorId": 0, "balance": 3}'))
    other = bn.ExchangeLog(":memory:")
    client = bn.Client(key, base_url=peer.url, session=session, log=other)

    def send(number: int) -> float:
        session.get(f"{peer.url}/{number}")
        return client.get_balance().balance

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(80))) == [3] * 80
    assert (len(log), len(other)) == (160, 80)
    assert set(log.frame()["outcome"]) == set(other.frame()["outcome"]) == {"ok"}


# --- what a body is -----------------------------------------------------------------------


def _pieces() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


BODIES: dict[str, tuple[dict[str, Any], str, int, str]] = {
    "nothing": ({}, "none", 0, ""),
    "JSON": ({"json": {"a": 1}}, "json", 8, '{"a": 1}'),
    "JSON as text": ({"data": '{"a": 1}'}, "json", 8, '{"a": 1}'),
    "text": ({"data": "h\u00e9"}, "text", 3, "h\u00e9"),
    "a form": ({"data": {"a": "1"}}, "form", 3, "a=1"),
    "bytes": ({"data": b"\xff\x00"}, "bytes", 2, "\\xff\x00"),
    "a generator": ({"data": _pieces}, "stream", 0, "<a stream, length not known>"),
    "an iterator": ({"data": lambda: iter([b"a"])}, "stream", 0, "<a stream, length not known>"),
    "a file": ({"data": lambda: io.BytesIO(b"abc")}, "stream", 3, "<a file, 3 bytes>"),
    "a multipart stream": (
        {"data": lambda: MultipartEncoder({"a": "1"}, boundary="b")},
        "multipart",
        59,
        "<a multipart form, 59 bytes>",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_row_says_what_a_body_is(
    name: str, session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    given, kind, size, text = BODIES[name]
    given = {key: value() if callable(value) else value for key, value in given.items()}
    headers = {"Content-Type": "multipart/form-data"} if kind == "multipart" else {}
    session.put(peer.url, headers=headers, **given)
    told = log[0]
    assert (told.verb, told.request_kind, told.request_bytes) == ("PUT", kind, size)
    assert told.request == text
    assert kind == "none" or len(peer.requests[0][1]) == (size or len(peer.requests[0][1])) > 0


def test_a_form_with_a_file_is_a_multipart_form(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    session.post(peer.url, files={"f": ("a.txt", b"content")})
    assert (log[0].request_kind, log[0].request_bytes) == ("multipart", len(peer.requests[0][1]))
    assert "content" in log[0].request


def test_a_streamed_answer_has_its_length(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(http(b"x" * 1234))
    with session.get(peer.url, stream=True) as answer:
        assert (log[0].response_bytes, log[0].response) == (1234, None)
        assert "1,234 bytes" in (log[0].detail or "")
        assert answer.raw.read(4) == b"xxxx"


def test_lines_without_a_verb_are_those_of_the_api(client: bn.Client, peer: Peer) -> None:
    peer.say(http(b'{"errorId": 0, "balance": 3}'))
    client.get_balance()
    assert client.log.folder is not None
    (file,) = client.log.folder.glob("*.jsonl")
    assert b"request_kind" not in file.read_bytes()  # as in a log of before
    assert (client.log[0].verb, client.log[0].request_kind) == ("POST", "json")


# --- what went wrong, and whose fault it was ----------------------------------------------


def test_a_fault_of_ours_is_told_and_blames_no_connection(peer: Peer, tmp_path: Path) -> None:
    class Broken(bn.ExchangeLog):
        def begin(self, **request: Any) -> Any:
            raise OSError("no room for a row")

    session, fine = requests.Session(), bn.ExchangeLog(tmp_path)
    Broken(":memory:").attach(session)
    fine.attach(session)
    with pytest.warns(LogWarning, match="not recorded.*OSError"):
        assert session.get(peer.url).status_code == 200
    assert fine.frame()["outcome"].tolist() == ["ok"]


@pytest.mark.parametrize("fault", [ValueError("mine"), RuntimeError("mine"), KeyboardInterrupt()])
def test_a_fault_of_the_adapter_blames_no_connection(
    fault: BaseException, session: requests.Session, log: bn.ExchangeLog
) -> None:
    class Broken(Own):
        def send(self, request: Any, **kwargs: Any) -> Any:
            raise fault

    session.mount("mine://", Broken())
    with pytest.raises(type(fault)):
        session.get("mine://here")
    assert log.frame()["outcome"].tolist() == ["no_response"]
    assert type(fault).__name__ in (log[0].detail or "")


def test_a_body_that_cannot_be_unpacked_is_a_bad_response(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(http(b"no gzip").replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1))
    with pytest.raises(requests.exceptions.ContentDecodingError):
        session.get(peer.url)
    assert log.frame()[["outcome", "http_status"]].to_numpy().tolist() == [["bad_response", 200]]
    assert "Content-Encoding" in (log[0].detail or "")


def test_a_proxy_that_failed_is_named_without_its_password(
    session: requests.Session, log: bn.ExchangeLog, tmp_path: Path
) -> None:
    proxy = "http://user:password-of-the-proxy@127.0.0.1:9"
    with pytest.raises(requests.exceptions.ProxyError):
        session.get("http://service.invalid", proxies={"http": proxy})
    assert "The proxy http://127.0.0.1:9 failed. The connection was refused" in (
        log[0].detail or ""
    )
    disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"password-of-the-proxy" not in disk


def test_only_what_was_seen_is_told_as_the_cause(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    peer.say(Peer.RESET)
    try:
        raise ConnectionRefusedError  # what the caller was busy with before
    except ConnectionRefusedError:
        with pytest.raises(requests.ConnectionError):
            session.get(peer.url)
    assert "was reset" in (log[0].detail or "")
    peer.say(b"SSH-2.0 hello\r\n\r\n")
    with pytest.raises(requests.ConnectionError):
        session.get(peer.url)
    assert log[1].detail == "What came is no HTTP answer."


def test_what_is_no_session_gets_a_sentence(log: bn.ExchangeLog) -> None:
    foreign: Any
    for foreign in (requests, requests.Session, 7):
        with pytest.raises(bn.InvalidInputError, match=r"expected a requests\.Session"):
            log.attach(foreign)


# --- libraries that live in sessions ------------------------------------------------------


def test_the_adapters_of_requests_toolbelt(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    adapters = [SourceAddressAdapter("127.0.0.1"), SocketOptionsAdapter(socket_options=options)]
    for adapter in adapters:
        session.mount("http://", adapter)
        assert session.get(peer.url).json() == {}
        assert log[-1].outcome == "ok"


def test_cachecontrol_says_what_its_cache_answered(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    session.mount("http://", CacheControlAdapter())
    kept = f"\r\nCache-Control: max-age=60\r\nDate: {formatdate(usegmt=True)}\r\n".encode()
    peer.say(http(b"{}").replace(b"\r\n", kept, 1))
    assert [session.get(peer.url).json() for _ in range(2)] == [{}, {}]
    assert len(peer.requests) == 1
    assert log.frame()["outcome"].tolist() == ["ok", "ok"]
    assert [log[n].detail for n in (0, 1)] == [
        None,
        "The answer's body came from the session's cache.",
    ]


def test_requests_cache_has_a_row_for_what_went(peer: Peer, log: bn.ExchangeLog) -> None:
    session = requests_cache.CachedSession(backend="memory")
    with log.attach(session):
        assert [session.get(peer.url).json() for _ in range(3)] == [{}, {}, {}]
    assert (len(peer.requests), len(log)) == (1, 1)
    assert type(session) is requests_cache.CachedSession


def test_requests_mock_and_the_requests_after_it(
    session: requests.Session, peer: Peer, log: bn.ExchangeLog
) -> None:
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", "mock://x/a", text="mounted")
    session.mount("mock://", adapter)
    assert session.get("mock://x/a").text == "mounted"
    for target in (None, session):
        with requests_mock.Mocker(session=target, real_http=True) as mocker:
            mocker.get("http://service.invalid/b", text="everywhere")
            assert session.get("http://service.invalid/b").text == "everywhere"
            assert session.get(f"{peer.url}/real").json() == {}
        assert session.get(f"{peer.url}/after").json() == {}
    methods = log.frame()["method"].tolist()
    assert methods[0] == "GET /a"
    answered = [one.method for one in log.exchanges() if one.outcome == "ok"]
    assert answered == ["GET /a", *["GET /b", "GET /real", "GET /after"] * 2]


def test_responses_with_its_retries(peer: Peer, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    retries = Retry(2, status_forcelist=[503], raise_on_status=False)
    session.mount("http://", HTTPAdapter(max_retries=retries))
    log.attach(session)
    with responses.RequestsMock(registry=OrderedRegistry) as mocked:
        mocked.get("http://service.invalid/", body="busy", status=503)
        mocked.get("http://service.invalid/", json={"a": 1})
        assert session.get("http://service.invalid/").json() == {"a": 1}
    assert log.frame()["attempt"].tolist() == [1, 2]
    assert [log[n].response for n in (0, 1)] == ["busy", '{"a": 1}']


# --- a client with such a session ---------------------------------------------------------


def test_a_client_has_a_row_for_each_attempt_of_its_session(
    peer: Peer, key: str, log: bn.ExchangeLog
) -> None:
    session = requests.Session()
    retries = Retry(2, status_forcelist=[503], allowed_methods=None, raise_on_status=True)
    session.mount("http://", HTTPAdapter(max_retries=retries))
    client = bn.Client(key, base_url=peer.url, session=session, log=log)
    peer.say(http(b"busy", 503), Peer.RESET, http(b'{"errorId": 0, "balance": 3}'))
    assert client.get_balance().balance == 3
    assert log.frame()["attempt"].tolist() == [1, 2, 3]
    assert log.frame()["outcome"].tolist() == ["http_error", "connection_error", "ok"]
    peer.say(http(b"busy", 503))
    with pytest.raises(bn.HttpError) as caught:
        client.get_balance()
    assert caught.value.exchange_id == log[5].exchange_id
    assert log.frame()["outcome"].tolist()[3:] == ["http_error"] * 3
    assert type(session) is requests.Session


def test_a_client_under_responses(key: str, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    retries = Retry(2, status_forcelist=[503], allowed_methods=None)
    session.mount("http://", HTTPAdapter(max_retries=retries))
    client = bn.Client(key, base_url="http://service.invalid", session=session, log=log)
    with responses.RequestsMock(registry=OrderedRegistry) as mocked:
        mocked.post("http://service.invalid/getBalance", body="busy", status=503)
        mocked.post("http://service.invalid/getBalance", json={"errorId": 0, "balance": 3})
        assert client.get_balance().balance == 3
    assert log.frame()["outcome"].tolist() == ["http_error", "ok"]


def test_a_client_has_a_row_for_each_login_of_its_session(
    peer: Peer, key: str, log: bn.ExchangeLog, tmp_path: Path
) -> None:
    session = requests.Session()
    session.auth = requests.auth.HTTPDigestAuth("user", "password-of-mine")
    _asks_for_digest(peer)
    client = bn.Client(key, base_url=peer.url, session=session, log=log)
    assert client.get_balance().balance == 3
    assert log.frame()["http_status"].tolist() == [401, 200]
    assert log.frame()["method"].tolist() == ["getBalance", "getBalance"]
    sent = [json.loads(log[n].request_headers or "") for n in (0, 1)]
    assert ["Authorization" in headers for headers in sent] == [False, True]
    assert all(key.encode() in body for _, body in peer.requests)
    disk = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert key.encode() not in disk


def test_a_client_sends_with_an_adapter_of_ones_own(key: str, log: bn.ExchangeLog) -> None:
    class Service(Own):
        def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
            response = super().send(request, **kwargs)
            response.raw = io.BytesIO(b'{"errorId": 0, "balance": 3}')
            return response

    session, adapter = requests.Session(), Service()
    session.mount("http://service.invalid", adapter)
    client = bn.Client(key, base_url="http://service.invalid", session=session, log=log)
    assert client.get_balance().balance == 3
    assert (adapter.sent, log.frame()["outcome"].tolist()) == (1, ["ok"])


@pytest.mark.parametrize("how", ["form", "multipart", "query"])
def test_a_secret_that_is_not_in_json_is_a_label_and_so_is_its_echo(
    how: str, peer: Peer, log: bn.ExchangeLog
) -> None:
    secret = "hunter2-hunter2"
    peer.say(http(f'{{"you sent": "{secret}"}}'.encode()))
    given: dict[str, Any] = {
        "form": {"data": {"password": secret, "a": "1"}},
        "multipart": {"files": {"password": (None, secret), "a": (None, "1")}},
        "query": {"params": {"api_key": secret, "a": "1"}},
    }[how]
    with requests.Session() as session, log.attach(session):
        session.post(f"{peer.url}/login", **given)
    assert secret.encode() in peer.requests[0][1] + peer.requests[0][0].encode(), "it went out"
    assert log.folder is not None
    lines = "".join(path.read_text() for path in log.folder.glob("*.jsonl"))
    assert secret not in lines
    assert "<left out>" in lines
