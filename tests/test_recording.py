"""Any session of requests, recorded: redirects, retries and failures are rows of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from peer import Peer, http
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

import brocap_nb as bn


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
    assert json.loads(log[1].request) == {"name": "owl", "deep": {"x": None}}
    assert log[1].response == '{"any": ["thing", 1]}'
    assert log[1].url == f"{peer.url}/items/7"


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
    assert json.loads(log[1].request)["clientKey"] == "<clientKey>"


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
        assert log[1].response is None
        assert "stream" in (log[1].detail or "")
        assert len(b"".join(answer.iter_content(1000))) == 100_000
    session.post(peer.url, data=iter([b"a", b"b"]))
    assert log[2].request == "<a stream>"


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
    assert json.loads(log[1].request)["task"] == task.to_wire()


def test_what_is_no_session_is_refused(log: bn.ExchangeLog, client: bn.Client) -> None:
    session: Any = client
    with pytest.raises(bn.InvalidInputError, match="expected a requests"):
        log.attach(session)


def test_one_secret_may_be_given_alone(peer: Peer, log: bn.ExchangeLog) -> None:
    peer.say(http(b'{"said": "my-own-secret"}'))
    session = requests.Session()
    log.attach(session, secrets="my-own-secret")
    session.get(f"{peer.url}/it")
    told = log[1].response or ""
    assert "said" in told  # its letters are no secrets
    assert "my-own-secret" not in told
