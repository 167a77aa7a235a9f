"""Any session of requests, recorded: redirects, retries and failures are rows of their own."""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import itertools
import json
import pickle
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any, ClassVar

import pytest
import requests
import requests_cache
import requests_mock
import responses
from cachecontrol import CacheControlAdapter
from peer import Peer, http
from pictures import noise
from requests import Session
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_toolbelt import MultipartEncoder
from requests_toolbelt.adapters.socket_options import SocketOptionsAdapter
from requests_toolbelt.adapters.source import SourceAddressAdapter
from responses.registries import OrderedRegistry
from urllib3.util.retry import Retry

import brocap_nb as bn
from brocap_nb import ExchangeLog
from brocap_nb.log import LogWarning

BALANCE = http(b'{"errorId": 0, "balance": 3}')
BUSY = http(b"busy", 503)


@pytest.fixture
def session(log: ExchangeLog) -> Session:
    session = Session()
    log.attach(session)
    return session


def persistent(retries: int, **options: Any) -> Session:
    """A session that tries again by itself."""
    session = Session()
    options = {"status_forcelist": [503], "allowed_methods": None, "backoff_factor": 0, **options}
    session.mount("http://", HTTPAdapter(max_retries=Retry(retries, **options)))
    return session


def outcomes(log: ExchangeLog) -> list[str]:
    return list(map(str, log.frame()["outcome"]))


def on_disk(log: ExchangeLog) -> bytes:
    assert log.folder is not None
    return b"".join(path.read_bytes() for path in log.folder.rglob("*") if path.is_file())


def test_another_service_is_recorded_with_its_own_fields(
    session: Session, peer: Peer, log: ExchangeLog
) -> None:
    moved = http(b"", 302, header="Location: /there")
    peer.say(http(b'{"any": ["thing", 1]}', 201), moved, http(b'"end"'), BUSY)
    answer = session.put(f"{peer.url}/items/7", json={"name": "owl", "deep": {"x": None}})
    assert answer.json() == {"any": ["thing", 1]}
    assert session.get(f"{peer.url}/here").text == '"end"'
    assert session.get(f"{peer.url}/here").status_code == 503
    frame = log.frame()
    assert frame["method"].tolist() == ["PUT /items/7", "GET /here", "GET /there", "GET /here"]
    assert frame["http_status"].tolist() == [201, 302, 200, 503]
    assert outcomes(log) == ["ok", "ok", "ok", "http_error"]
    assert json.loads(log[0].request) == {"name": "owl", "deep": {"x": None}}
    assert (log[0].response, log[0].url) == ('{"any": ["thing", 1]}', f"{peer.url}/items/7")


def test_the_api_of_this_service_is_read_as_by_the_client_and_pictures_are_kept_once(
    session: Session, peer: Peer, log: ExchangeLog, key: str
) -> None:
    refused = f'{{"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE", "x": "{key}"}}'
    created = http(b'{"errorId": 0, "taskId": 5}')
    peer.say(created, created, http(refused.encode()))
    task = bn.ComplexImageTask.from_image(picture := noise(), "Pick it")
    for _ in range(2):
        session.post(f"{peer.url}/createTask", json={"clientKey": key, "task": task.to_wire()})
    session.post(f"{peer.url}/getTaskResult/", json={"clientKey": key, "taskId": 5})
    columns = ["method", "task_type", "task_id", "outcome", "error_code"]
    _, created, asked = log.frame()[columns].astype(object).to_numpy().tolist()
    assert created[:4] == ["createTask", "ComplexImageTask", 5, "ok"]
    assert asked[2:] == [5, "api_error", "ERROR_ZERO_BALANCE"]
    kept = on_disk(log)
    assert (key.encode() in kept, base64.b64encode(picture) in kept) == (False, False)
    assert kept.count(picture) == 1
    sent = {"clientKey": "<clientKey>", "task": task.to_wire()}
    assert json.loads(log[0].request) == json.loads(log[1].request) == sent
    shown = log.frame()["request"][0]
    assert (f"<image/png {len(picture):,} bytes sha256:" in shown, len(shown) < 250) == (True, True)


PROXY = {"http": "http://user:password-of-the-proxy@127.0.0.1:9"}
UNPACKABLE = http(b"no gzip", header="Content-Encoding: gzip")
FAILURES: list[tuple[Any, ...]] = [
    (Peer.RESET, {}, requests.ConnectionError, "connection_error", "was reset"),
    (Peer.STALL, {}, requests.Timeout, "timeout", "in time"),
    (UNPACKABLE, {}, requests.exceptions.ContentDecodingError, "bad_response", "unpacked"),
    (b"", {"proxies": PROXY}, requests.exceptions.ProxyError, "connection_error", "1:9 failed."),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure[-1])
def test_failures_are_rows_and_reach_the_caller(
    failure: tuple[Any, ...], session: Session, peer: Peer, log: ExchangeLog
) -> None:
    answer, options, raised, outcome, detail = failure
    peer.say(answer)
    try:
        raise ConnectionRefusedError  # what the caller was busy with before is no cause
    except ConnectionRefusedError:
        with pytest.raises(raised):
            session.get(peer.url, timeout=0.2, **options)
    assert (log[0].outcome, log[0].response) == (outcome, None)
    assert detail in (log[0].detail or "")
    assert b"password-of-the-proxy" not in on_disk(log)


@pytest.mark.parametrize(
    "given",
    [
        {"data": {"password": "hunter2-hunter2", "a": "1"}},
        {"files": {"password": (None, "hunter2-hunter2"), "a": (None, "1")}},
        {"params": {"api_key": "hunter2-hunter2", "a": "1"}},
        {"json": {"proxyPassword": "hunter2-hunter2"}},
        {"auth": ("user", "hunter2-hunter2")},
        {"data": "mine: hunter2-hunter2", "secrets": ["another-one", "hunter2-hunter2"]},
        {"data": "mine: hunter2-hunter2", "secrets": "hunter2-hunter2"},
    ],
)
def test_a_secret_is_a_label_and_so_is_its_echo(
    given: dict[str, Any], peer: Peer, log: ExchangeLog
) -> None:
    echo = http(b'{"you sent": "hunter2-hunter2"}', header="Set-Cookie: id=cookie-of-theirs")
    peer.say(echo, http(b"cookie-of-theirs"))
    with Session() as session, log.attach(session, secrets=given.pop("secrets", ())):
        session.post(f"{peer.url}/login", **given)
        session.get(peer.url)
    lines = on_disk(log)
    assert b"hunter2" not in lines
    assert b"cookie-of-theirs" not in lines
    assert b"you sent" in lines, "a single text is no list of letters"
    assert b"<left out>" in lines


class Own(BaseAdapter):
    """An adapter of somebody's own: called by keyword, with attributes that it changes."""

    def __init__(self, answer: bytes = b"mine") -> None:
        super().__init__()
        self.sent, self.answer = 0, answer

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.sent += 1
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code, response.raw = 200, io.BytesIO(self.answer)
        return response

    def close(self) -> None:
        self.sent = -1


def test_an_adapter_of_ones_own_goes_on(session: Session, key: str, log: ExchangeLog) -> None:
    adapter = Own(b'{"errorId": 0, "balance": 3}')
    session.mount("mine://", adapter)  # while it is recorded
    assert session.get("mine://here/x").json()["balance"] == 3
    assert (adapter.sent, log[0].method, log[0].response) == (1, "GET /x", adapter.answer.decode())
    assert session.adapters["mine://"] is adapter
    seen: Any = session.get_adapter("mine://here")
    assert isinstance(seen, Own)
    seen.sent = 7
    assert (adapter.sent, seen.sent) == (7, 7)
    session.mount("http://service.invalid", adapter)
    other = ExchangeLog(":memory:")
    client = bn.Client(key, base_url="http://service.invalid", session=session, log=other)
    assert client.get_balance().balance == 3
    assert outcomes(log) == ["ok", *outcomes(other)] == ["ok", "ok"]
    session.close()
    assert adapter.sent == -1


class Patient(Retry):
    """Retries of somebody's own."""

    waits: ClassVar[list[float]] = []

    def get_backoff_time(self) -> float:
        self.waits.append(float(len(self.history)))
        return 0


def test_retries_stay_those_of_the_session(session: Session, peer: Peer, log: ExchangeLog) -> None:
    Patient.waits.clear()
    retries = Patient(3, status_forcelist=[503], allowed_methods=None)
    session.mount("http://", adapter := HTTPAdapter(max_retries=retries))
    peer.say(http(b'"first"', 503), Peer.RESET, http(b'"fine"'))
    answer = session.put(peer.url, data=io.BytesIO(b"all of it"))
    assert [body for _, body in peer.requests] == [b"all of it"] * 3, "the file is rewound"
    assert [one.status for one in answer.raw.retries.history] == [503, None]
    assert type(answer.raw.retries) is Patient
    assert Patient.waits == [1, 2]
    assert adapter.max_retries is retries
    assert log.frame()["attempt"].tolist() == [1, 2, 3]
    assert outcomes(log) == ["http_error", "connection_error", "ok"]
    assert [log[n].response for n in (0, 1, 2)] == ['"first"', None, '"fine"']


@pytest.mark.parametrize("raises", [False, True])
def test_the_last_answer_is_the_callers_and_the_connection_is_kept(
    raises: bool, peer: Peer, log: ExchangeLog
) -> None:
    session = persistent(1, raise_on_status=raises)
    log.attach(session)
    peer.say(BUSY)
    for _ in range(100):
        with pytest.raises(requests.exceptions.RetryError) if raises else contextlib.nullcontext():
            assert session.get(peer.url).text == "busy"
    assert outcomes(log) == ["http_error"] * 200
    assert {one.response for one in log.exchanges()} == {"busy"}
    assert peer.connections == 1


def test_a_login_is_a_row_as_well(peer: Peer, key: str, log: ExchangeLog) -> None:
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    answers = itertools.cycle([http(b"who?", 401, header=challenge), BALANCE])
    peer.reply = lambda path, body: next(answers)
    session = Session()
    session.auth = requests.auth.HTTPDigestAuth("user", "password-of-mine")
    client = bn.Client(key, base_url=peer.url, session=session, log=log)
    assert client.get_balance().balance == 3
    frame = log.frame()
    assert frame["http_status"].tolist() == [401, 200]
    assert frame["method"].tolist() == ["getBalance", "getBalance"]
    assert [json.loads(text) for text in frame["request"]] == [{"clientKey": "<clientKey>"}] * 2
    sent = [json.loads(log[n].request_headers or "") for n in (0, 1)]
    assert [headers.get("Authorization") for headers in sent] == [None, "<left out>"]
    assert peer.connections == 1
    assert all(key.encode() in body for _, body in peer.requests)


def test_several_logs_end_in_any_order(peer: Peer) -> None:
    for order in itertools.permutations(range(3)):
        session = Session()
        before = vars(session).copy()
        logs = [ExchangeLog(":memory:") for _ in order]
        stops = [log.attach(session) for log in logs]
        logs[0].attach(session)  # attached twice is recorded once
        for number, ended in enumerate(order, 1):
            session.get(peer.url)
            stops[ended]()
            stops[ended]()
            assert [len(logs[one]) for one in order[number - 1 :]] == [number] * (4 - number)
        session.get(peer.url)
        assert sum(map(len, logs)) == 1 + 2 + 3
        assert type(session) is Session
        assert vars(session) == before
        with logs[0].attach(session):
            session.get(peer.url)
            for other in (copy.copy(session), pickle.loads(pickle.dumps(session))):
                assert (type(other), other.headers) == (Session, session.headers)
                other.get(peer.url)
        session.get(peer.url)
        assert sum(map(len, logs)) == 1 + 2 + 3 + 1


def test_many_threads_share_a_session_and_write_whole_lines(
    session: Session, peer: Peer, log: ExchangeLog
) -> None:
    def ask(number: int) -> str:
        return session.put(f"{peer.url}/{number}", "x" * 3000).text

    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(ask, range(300))} == {"{}"}
    frame = ExchangeLog(log.folder).frame()
    assert frame["exchange_id"].is_unique
    assert sorted(frame["method"]) == sorted(f"PUT /{number}" for number in range(300))
    assert {*frame["request"]} == {"x" * 3000}
    assert {*outcomes(log)} == {"ok"}


def _pieces() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


FORM = MultipartEncoder({"a": "1"}, boundary="b")
BODIES: dict[str, tuple[dict[str, Any], str, int]] = {
    "": ({}, "none", 0),
    '{"a": 1}': ({"data": '{"a": 1}'}, "json", 8),
    "h\u00e9": ({"data": "h\u00e9"}, "text", 3),
    "a=1": ({"data": {"a": "1"}}, "form", 3),
    "\\xff\x00": ({"data": b"\xff\x00"}, "bytes", 2),
    "<a stream body, length not known>": ({"data": _pieces()}, "stream", 0),
    "<a stream body, 3 bytes>": ({"data": io.BytesIO(b"abc")}, "stream", 3),
    "<a multipart body, 59 bytes>": (
        {"data": FORM, "headers": {"Content-Type": FORM.content_type}},
        "multipart",
        59,
    ),
}


@pytest.mark.parametrize("text", BODIES)
def test_the_row_says_what_a_body_is(
    text: str, session: Session, peer: Peer, log: ExchangeLog
) -> None:
    given, kind, size = BODIES[text]
    session.put(peer.url, **given)
    row = log[0]
    assert (row.verb, row.request_kind, row.request_bytes, row.request) == ("PUT", kind, size, text)
    assert bool(peer.requests[0][1]) == (kind != "none")


def test_headers_may_be_bytes(peer: Peer, key: str, log: ExchangeLog) -> None:
    peer.say(http(b'{"errorId": 0, "balance": 1}'))
    with requests.Session() as session:
        session.headers.update({"X-Page": b"\xe4", "Authorization": b"Bearer abcdefgh-1"})
        with bn.Client(key, base_url=peer.url, log=log, session=session) as client:
            client.get_balance()
        log.attach(session)
        kind = b"application/x-www-form-urlencoded"
        session.post(f"{peer.url}/x", "password=hunter2-hunter2", headers={"Content-Type": kind})
    for number in range(2):
        shown = json.loads(log[number].request_headers or "")
        assert (shown["X-Page"], shown["Authorization"]) == ("ä", "<left out>")
    assert (log[1].request, log[1].request_kind) == ("password=<left out>", "form")


def test_a_stream_stays_a_stream(session: Session, peer: Peer, log: ExchangeLog) -> None:
    peer.say(http(b"x" * 1234).replace(b"Content-Length", b"content-length"))
    with session.get(peer.url, stream=True) as answer:
        assert (log[0].response_bytes, log[0].response) == (1234, None)
        assert "as a stream" in (log[0].detail or "")
        assert b"".join(answer.iter_content(100)) == b"x" * 1234
    session.put(peer.url, files={"f": ("a.txt", b"content")})
    assert (log[1].request_kind, log[1].request_bytes) == ("multipart", len(peer.requests[1][1]))
    assert "content" in log[1].request, "what was in memory anyway is kept"


def test_a_fault_of_ours_or_of_the_adapter_blames_no_connection(
    session: Session, peer: Peer, log: ExchangeLog
) -> None:
    class Full(ExchangeLog):
        def begin(self, **request: Any) -> Any:
            raise OSError("no room for a row")

    class Broken(Own):
        def send(self, request: Any, **kwargs: Any) -> Any:
            raise KeyboardInterrupt

    session.mount("mine://", Broken())
    with pytest.raises(KeyboardInterrupt):
        session.get("mine://here")
    assert "KeyboardInterrupt" in (log[0].detail or "")
    Full(":memory:").attach(session)
    with pytest.warns(LogWarning, match="not recorded.*OSError"):
        assert session.get(peer.url).status_code == 200
    assert outcomes(log) == ["no_response", "ok"]


def test_what_is_no_session_gets_a_sentence(log: ExchangeLog) -> None:
    for foreign in (requests, Session):
        with pytest.raises(bn.InvalidInputError, match=r"expected a requests\.Session"):
            log.attach(foreign)  # type: ignore[arg-type]


def test_requests_toolbelt_cachecontrol_and_requests_cache(
    session: Session, peer: Peer, log: ExchangeLog
) -> None:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    adapters = [SourceAddressAdapter("127.0.0.1"), SocketOptionsAdapter(socket_options=options)]
    for adapter in adapters:
        session.mount("http://", adapter)
        assert session.get(peer.url).json() == {}
    session.mount("http://", CacheControlAdapter())
    kept = http(b"{}", header=f"Cache-Control: max-age=60\r\nDate: {formatdate(usegmt=True)}")
    peer.say(kept)
    assert [session.get(peer.url).json() for _ in range(2)] == [{}, {}]
    assert len(peer.requests) == 3
    assert outcomes(log) == ["ok"] * 4
    cached = "The answer's body came from the session's cache."
    assert [log[n].detail for n in (1, 2, 3)] == [None, None, cached]
    caching = requests_cache.CachedSession(backend="memory")
    with log.attach(caching):
        assert [caching.get(peer.url).json() for _ in range(3)] == [{}, {}, {}]
    assert (len(peer.requests), len(log)) == (4, 5), "a row for what went"
    assert type(caching) is requests_cache.CachedSession


def test_requests_mock_and_the_requests_after_it(
    session: Session, peer: Peer, log: ExchangeLog
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
    answered = [one.method for one in log.exchanges() if one.outcome == "ok"]
    assert answered == ["GET /a", *["GET /b", "GET /real", "GET /after"] * 2]


def test_responses_with_retries_of_a_session_and_of_a_client(key: str, log: ExchangeLog) -> None:
    session, url = persistent(2), "http://service.invalid"
    client = bn.Client(key, base_url=url, session=session, log=log)
    with responses.RequestsMock(registry=OrderedRegistry) as mocked:
        for verb in (mocked.post, mocked.get):
            verb(f"{url}/getBalance", body="busy", status=503)
            verb(f"{url}/getBalance", json={"errorId": 0, "balance": 3})
        assert client.get_balance().balance == 3
        with log.attach(session):
            assert session.get(f"{url}/getBalance").json()["balance"] == 3
        for _ in range(3):
            mocked.post(f"{url}/getBalance", body="busy", status=503)
        with pytest.raises(bn.HttpError) as caught:
            client.get_balance()
    assert caught.value.exchange_id == log[-1].exchange_id
    assert log.frame()["attempt"].tolist() == [1, 2, 1, 2, 1, 2, 3]
    assert outcomes(log) == [*["http_error", "ok"] * 2, *["http_error"] * 3]
