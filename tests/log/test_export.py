"""What comes out of a log, and comes back: HAR, cURL, Python, Parquet."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from peer import Peer, http
from pictures import noise
from written_log import exchanges

import brocap_nb as bn
from brocap_nb.api._body import embedded_picture
from brocap_nb.log import LogWarning
from brocap_nb.log._export import read_har, to_curl, to_har, to_python

LOCAL = "http://127.0.0.1:1/x"
CREATED = http(b'{"errorId": 0, "taskId": 71}')
BALANCE = http(b'{"errorId": 0, "balance": 1.5}')
PICTURE = base64.b64encode(noise()).decode()
KEY = "0123456789abcdef" * 2
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

# http://www.softwareishard.com/blog/har-12-spec/: the members that must be there, and may be
STRUCTURE = {
    "entry": "startedDateTime time request response cache timings |",
    "request": "method url httpVersion cookies headers queryString headersSize bodySize | postData",
    "postData": "mimeType text |",
    "response": "status statusText httpVersion cookies headers content redirectURL headersSize "
    "bodySize |",
    "content": "size mimeType | text encoding",
    "timings": "send wait receive |",
}


def read_entries(entries: list[Any], everything: bool = False) -> list[bn.Exchange]:
    Path("entries.har").write_text(json.dumps({"log": {"entries": entries}}))
    return read_har("entries.har", everything)


def check_har(document: Mapping[str, Any]) -> None:
    """HAR 1.2's structural rules."""
    log = document["log"]
    assert (log.keys(), log["version"]) == ({"version", "creator", "entries"}, "1.2")
    for entry in log["entries"]:
        request, response = entry["request"], entry["response"]
        parts = {"entry": entry, **entry, **response}
        parts |= {"postData": request["postData"]} if "postData" in request else {}
        for kind in STRUCTURE.keys() & parts.keys():
            must, may = (names.split() for names in STRUCTURE[kind].split("|"))
            names = {name for name in parts[kind] if not name.startswith("_")}
            assert {*must} <= names <= {*must, *may}, kind
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert entry["time"] == sum(entry["timings"].values())
        assert min(entry["timings"].values()) >= 0
        for message in (request, response):
            assert all(set(h) == {"name", "value"} for h in message["headers"])
            assert min(message["headersSize"], message["bodySize"]) >= -1
    json.dumps(document, allow_nan=False)


ANSWERS = {
    "right": CREATED,
    "an error": http(b'{"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE"}', 402),
    "not UTF-8": http(b'{"errorId": 0, "x": "\xff\xfe"}'),
    "a redirect": b"HTTP/1.1 302 X\r\nLocation: /away\r\nContent-Length: 0\r\n\r\n",
    "cut off": CREATED[:-5] + Peer.RESET,
    "reset": Peer.RESET,
    "silent": Peer.STALL,
}


@pytest.fixture
def recorded(client: bn.Client, peer: Peer) -> bn.ExchangeLog:
    """A log with one exchange of each kind, and one without an end."""
    for answer in ANSWERS.values():
        peer.say(answer)
        with contextlib.suppress(bn.ExchangeError):
            client.create_task(bn.RawTask({"type": "X", "imagesBase64": [PICTURE]}))
    client.log.begin(method="getBalance", url=f"{peer.url}/getBalance", request="", request_bytes=0)
    return client.log


def test_a_har_has_every_attempt_keeps_the_rules_and_comes_back(
    recorded: bn.ExchangeLog, key: str
) -> None:
    recorded.to_har("log.har")
    written = json.loads(Path("log.har").read_text())
    assert written == recorded.to_har(), "in one piece or one after the other"
    check_har(written)
    entries = dict(zip([*ANSWERS, "no end"], written["log"]["entries"], strict=True))
    status = {name: entry["response"]["status"] for name, entry in entries.items()}
    odd = {"an error": 402, "a redirect": 302, "reset": 0, "silent": 0, "no end": 0}
    assert status == {**dict.fromkeys(ANSWERS, 200), **odd}
    body = json.loads(entries["right"]["request"]["postData"]["text"])
    assert body == {"clientKey": "<clientKey>", "task": {"type": "X", "imagesBase64": [PICTURE]}}
    content = entries["not UTF-8"]["response"]["content"]
    assert content["encoding"] == "base64"
    assert base64.b64decode(content["text"]) == b'{"errorId": 0, "x": "\xff\xfe"}'
    assert entries["a redirect"]["response"]["redirectURL"] == "/away"
    assert entries["reset"]["response"]["_error"] == recorded[5].detail
    assert key not in json.dumps(written)
    assert sys.platform == "win32" or Path("log.har").stat().st_mode & 0o777 == 0o600
    back = bn.ExchangeLog.from_har("log.har", "again")
    names = {"session": back.session, "exchange_id": ""}
    was, *came = (
        [dataclasses.replace(one, **names) for one in log.exchanges()]
        for log in (recorded, back, bn.ExchangeLog("again"))
    )
    assert came == [was, was], "bodies, pictures and headers"
    assert PICTURE not in "".join(p.read_text() for p in Path("again").glob("*.jsonl"))


TEXT = st.text(max_size=20) | st.text(
    st.sampled_from("a€😀\udfff"), max_size=3
)  # half a character too
ANY = exchanges(
    session=st.sampled_from(["abcdef", "ghjkmn"]),
    method=st.sampled_from(["createTask", "getBalance", "someOther"]),
    url=st.sampled_from(["http://127.0.0.1:1/x", "http://h/x?a=1&b", "", "http://[", "x"]),
    request=st.text(st.characters(max_codepoint=126), max_size=20)
    | st.sampled_from([json.dumps({"a": PICTURE}), '{"clientKey": "<clientKey>"}', PICTURE]),
    **dict.fromkeys(("status", "response", "detail"), st.none() | TEXT),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(ANY, max_size=5))
def test_any_log_comes_back_from_its_har_its_lines_and_its_rows(found: list[bn.Exchange]) -> None:
    named = [dataclasses.replace(e, exchange_id=f"{e.session}-{n}") for n, e in enumerate(found, 1)]
    document = json.loads(json.dumps(to_har(named)))
    check_har(document)
    assert read_entries(document["log"]["entries"]) == named
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.har").write_text(json.dumps(document))
        logs = [bn.ExchangeLog.from_har(f"{folder}/x.har", name) for name in (folder, ":memory:")]
        for log in (*logs, bn.ExchangeLog(folder)) if named else ():
            frame = log.frame().astype(object)
            for was, exchange_id, came in zip(
                named, frame["exchange_id"], log.exchanges(), strict=True
            ):
                names = {"exchange_id": exchange_id, "session": exchange_id[:6]}
                assert came == dataclasses.replace(was, **names)
            for name in ("outcome", "task_id", "error_code", "started_at"):
                values = frame[name].where(frame[name].notna(), None).tolist()
                assert values == [getattr(exchange, name) for exchange in named]
        assert all(path.read_bytes().isascii() for path in Path(folder).glob("*.jsonl"))


def coded(body: bytes) -> dict[str, Any]:
    return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def browser_entry(**request: Any) -> dict[str, Any]:
    """An entry as Chrome writes it, with what a person forgets to take out."""
    task = {"type": "Y", "proxyPassword": "hunter2", "imagesBase64": [PICTURE]}
    answer = json.dumps({"errorId": 0, "taskId": 5, "echo": KEY}).encode()
    asked = {
        "method": "POST",
        "url": "https://u:passw0rd@api.brocapgpt.com/createTask",
        "headers": [
            {"name": "cookie", "value": "sid=verysecretsession"},
            {"name": "x", "value": KEY},
        ],
        "cookies": [{"name": "sid", "value": "verysecretsession"}],
        "postData": {"text": json.dumps({"clientKey": KEY, "task": task})},
    }
    return {
        "_initiator": {"type": "script"},
        "request": asked | request,
        "response": {"status": 200, "content": {"size": 20, **coded(answer)}},
        "startedDateTime": "2026-01-02T03:04:05.678Z",
        "time": 12.5,
    }


def test_a_browsers_har_is_read_without_its_secrets() -> None:
    logo = browser_entry(method="GET", url="https://x/logo.png", postData=None)
    document = {"log": {"entries": [logo, browser_entry()]}}
    Path("chrome.har").write_text(json.dumps(document))
    (only,) = bn.ExchangeLog.from_har("chrome.har", "taken").exchanges()
    assert (only.method, only.outcome, only.task_id, only.task_type) == ("createTask", "ok", 5, "Y")
    assert only.started_at == START.replace(microsecond=678_000)
    assert only.elapsed_ms == 12.5
    assert json.loads(only.request)["task"]["imagesBase64"] == [PICTURE]
    everything = b"".join(p.read_bytes() for p in Path("taken").rglob("*.*"))
    for secret in (b"0123456789abcdef", b"hunter2", b"verysecretsession", b"passw0rd"):
        assert secret not in everything


NO_HARS = [
    *("", "[]", '{"log": {"entries": [{}]}}', '{"log": {"entries": 5}}'),
    json.dumps({"log": {"entries": [browser_entry(url="https://x/other")]}}),
    json.dumps({"log": {"entries": [{**browser_entry(), "startedDateTime": "soon"}]}}),
    json.dumps({"log": {"entries": [{**browser_entry(), "_brocap": {"session": "/"}}]}}),
]


@pytest.mark.parametrize("content", NO_HARS)
def test_what_is_no_har_of_ours_is_a_sentence(content: str) -> None:
    Path("x.har").write_text(content)
    with pytest.raises(bn.InvalidInputError, match="HAR"):
        bn.ExchangeLog.from_har("x.har")
    with pytest.raises(bn.InvalidInputError, match="cannot be read"):
        bn.ExchangeLog.from_har("missing.har")


NASTY = {
    "type": "X",
    "note": "it's $HOME `id` \\ \"x\" %s\n\tend + key + '",
    "imagesBase64": [PICTURE],
    "nothing": None,
    "yes": True,
    "empty": [{}, [], ""],
    "umlaut": "ä€😀",
}


posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is needed")


def run(command: list[str], text: str, key: str) -> None:
    environment = {**os.environ, "BROCAP_CLIENT_KEY": key}
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def one_exchange(url: str, **fields: Any) -> bn.Exchange:
    body = {"request": '{"clientKey": "<clientKey>"}', **fields}
    return bn.Exchange(
        exchange_id="s-1", session="s", started_at=START, method="x", url=url, **body
    )


SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "JSON": ("POST", {"json": {**NASTY, "big": "A" * 400_000}}),  # longer than an argument may be
    "GET": ("GET", {"params": {"a": "[1-3]{x}"}}),
    "PUT text": ("PUT", {"data": "it's é"}),
    "HEAD": ("HEAD", {}),
    "POST of nothing": ("POST", {}),
    "form": ("POST", {"data": {"a": "1 2", "b": "é"}}),
    "multipart": ("POST", {"files": {"f": ("a.txt", b"content")}}),
}


@posix
@pytest.mark.parametrize("name", SENT)
def test_any_verb_and_body_is_sent_again_and_comes_back(
    name: str, log: bn.ExchangeLog, peer: Peer, key: str
) -> None:
    verb, given = SENT[name]
    session = requests.Session()
    peer.reply = lambda path, body: http(b"" if verb == "HEAD" else b"{}")
    with log.attach(session):
        session.request(verb, f"{peer.url}/items", **given)
    program = log.to_python(0)
    assert set(re.findall(r"^import (\w+)", program, re.MULTILINE)) == {"requests"}
    run(["sh"], log.to_curl(0), key)
    run([sys.executable, "-"], program, key)
    assert peer.requests == peer.requests[:1] * 3
    document = log.to_har()
    assert document["log"]["entries"][0]["request"]["method"] == verb
    assert read_entries(document["log"]["entries"]) == [log[0]]
    del document["log"]["entries"][0]["_brocap"]
    (back,) = read_entries(document["log"]["entries"], everything=True)
    assert (back.verb, back.request_kind) == (verb, log[0].request_kind)
    with pytest.raises(bn.InvalidInputError, match="no call of the API"):
        bn.Client(key, base_url=peer.url, log=log).replay(0)


@posix
@pytest.mark.parametrize(
    "body",
    [
        '{"a":  1} <clientKey> it\'s "é"',
        '{"key": "<clientKey>", "<clientKey>": ["a<clientKey><clientKey>b", null, -0.0, 1e+22]}',
        '{"number": NaN}',
        "[" * 250 + "]" * 250,
    ],
)
def test_a_body_is_sent_as_it_is_with_the_key_and_headers_do_nothing_else(
    peer: Peer, key: str, body: str
) -> None:
    peer.say(BALANCE)
    headers = {"X-It": '"\\ $HOME `id`', ":path": "/", "@file": "x", "X-Empty": ""}
    kept = {"request": body, "request_headers": json.dumps(headers)}
    command = to_curl(one_exchange(f"{peer.url}/x?k=1", **kept))
    assert "@file" not in command
    run(["sh"], command, key)
    run([sys.executable, "-"], to_python(one_exchange(f"{peer.url}/x?k=<clientKey>", **kept)), key)
    sent = body.replace("<clientKey>", key).encode()
    assert peer.requests == [("/x?k=1", sent), (f"/x?k={key}", sent)]


UNSAFE: list[tuple[str, dict[str, Any], str]] = [
    ("-K-", {}, "address"),
    ("file:///etc/passwd", {}, "address"),
    (LOCAL, {"verb": "-x"}, "verb"),
    (LOCAL, {"request_kind": "stream"}, "does not keep its body"),
    (f"{LOCAL}?k=<clientKey>", {}, "sees the arguments"),
    (LOCAL, {"request_headers": '{"X-It": "<clientKey>"}'}, "sees the arguments"),
]


@pytest.mark.parametrize(("url", "fields", "why"), UNSAFE)
def test_what_cannot_be_run_is_refused(url: str, fields: dict[str, Any], why: str) -> None:
    for export in (to_curl,) if "arguments" in why else (to_curl, to_python):
        with pytest.raises(bn.InvalidInputError, match=why):
            export(one_exchange(url, **fields))


def test_what_is_not_put_in_is_said_and_another_host_gets_no_key() -> None:
    picture = embedded_picture(PICTURE)
    assert picture is not None
    for export in (to_curl, to_python):
        for label in ("<left out>", picture.label):
            text = export(one_exchange(LOCAL, request=json.dumps({"proxyPassword": label})))
            assert text.startswith("# A label between < and > stands for a secret, or a picture")
        text = export(one_exchange("http://h.example"))
        assert text.startswith("# This goes to 'h.")
        assert "BROCAP_CLIENT_KEY" not in text
        assert "BROCAP_CLIENT_KEY" in export(one_exchange("https://api.brocapgpt.com/x"))


def test_of_a_har_what_can_be_read_is_read() -> None:
    broken: list[Any] = [
        {**browser_entry(), "startedDateTime": "soon"},
        {**browser_entry(), "response": {"status": "200"}},
        browser_entry(postData={"text": 5}),
    ]
    foreign_ones = [None, 7, {}, {"request": None}, browser_entry(method="OPTIONS")]
    page = browser_entry(method="GET", url="http://docs/createTask")
    entries = [*broken, *foreign_ones, page, {**browser_entry(), "response": None}]
    with pytest.warns(LogWarning, match="3 of the HAR's 10 entries") as told:
        (only,) = read_entries(entries)
    assert (only.outcome, only.response) == ("connection_error", None)
    (warning,) = told
    for number, field in enumerate(("startedDateTime", "response.status", "request.postData"), 1):
        assert f"entry {number}: {field}" in str(warning.message)
    wrong = [{"attempt": 2**40}, {"http_status": 2**70}, {"exchange_id": f"s-{2**40}"}]
    entries = to_har([good := one_exchange("http://h/x")] * 4)["log"]["entries"]
    for entry, changes in zip(entries, wrong, strict=False):
        entry["_brocap"] |= changes
    with pytest.warns(LogWarning, match=r"3 of .*entry 1: _brocap"):
        assert read_entries(entries) == [good]


def test_a_har_may_be_odd() -> None:
    params = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a"}]}
    entry = browser_entry(postData=params, headers=[{"name": ":path", "value": "/"}] * 2)
    entry |= {"startedDateTime": "2026-01-02T03:04:05", "time": float("inf")}
    text = json.dumps({"log": {"entries": [entry]}})
    Path("x.har").write_text(text, encoding="utf-16")
    (only,) = bn.ExchangeLog.from_har("x.har").exchanges()
    assert only.started_at == START
    assert (only.elapsed_ms, only.request, only.request_kind) == (None, "a=", "form")
    assert only.request_headers is None
    Path("x.har").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(bn.InvalidInputError, match="packed by gzip, unpack it"):
        bn.ExchangeLog.from_har("x.har")


def test_parquet_has_every_row_or_what_it_needs_is_a_sentence(
    recorded: bn.ExchangeLog, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    recorded.to_parquet("log.parquet")
    assert len(pd.read_parquet("log.parquet")) == len(recorded)
    assert key.encode() not in Path("log.parquet").read_bytes()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pyarrow is required for parquet"):
        recorded.to_parquet("x.parquet")
    assert not Path("x.parquet").exists()


def test_a_replay_is_a_new_exchange_with_the_current_key(
    client: bn.Client, peer: Peer, key: str
) -> None:
    peer.say(CREATED)
    client.create_task(bn.RawTask({**NASTY, "callback": "x"}), callback_url="http://h/x")
    answer = bn.Client("b" * 32, base_url=peer.url, log=client.log).replay(0)
    assert isinstance(answer, bn.CreatedTask)
    (path, first), (again, second) = peer.requests
    assert (again, second) == (path, first.replace(key.encode(), b"b" * 32))
    assert client.log.diff(0, 1).empty
    assert client.log[1].task_type == "X"
    peer.say(http(b'{"errorId": 0, "status": "processing"}'))
    client.get_task_result(5, paced=False)
    assert isinstance(client.replay(-1), bn.TaskResult)
    assert client.log[-1].task_id == 5


@pytest.mark.parametrize(
    ("request_text", "why"),
    [
        ("not json", "not JSON"),
        ('{"task": {"proxyPassword": "<left out>"}}', "password"),
        ('{"task": {"note": "my key <clientKey>"}}', "quotes the key"),
        (json.dumps({"t": embedded_picture(PICTURE).label}), "picture"),  # type: ignore[union-attr]
    ],
)
def test_what_cannot_be_restored_is_a_sentence(
    request_text: str, why: str, client: bn.Client, peer: Peer
) -> None:
    client.log.begin(method="createTask", url="", request=request_text, request_bytes=1)
    with pytest.raises(bn.InvalidInputError, match=f"cannot be sent again: .*{why}"):
        client.replay(0)
    with pytest.raises(bn.ExchangeNotFoundError):
        client.replay("zzz-1")
    assert peer.requests == []


def foreign(post: dict[str, Any], text: str | bytes, query: str = "") -> dict[str, Any]:
    """A HAR's entry as a browser writes it."""
    entry = browser_entry(url=f"http://127.0.0.1/getBalance{query}", headers=[], postData=post)
    content = {"text": text} if isinstance(text, str) else coded(text)
    return {**entry, "response": {"status": 200, "headers": [], "content": content}}


def test_secrets_of_forms_queries_and_base64_bodies_are_labels() -> None:
    said = json.dumps({"password": "hunter2-base64", "again": "form-secret and query-secret"})
    form = {"mimeType": "application/x-www-form-urlencoded", "text": "key=form-secret&a=1"}
    bodies = (f"é {said}".encode("latin-1"), said.encode())
    entries = [foreign(form, body, "?token=query-secret&b=2") for body in bodies]
    entries.append(foreign(coded(b'{"password": "hunter2-posted"}'), "hunter2-posted"))
    found = read_entries(entries)
    left = "<left out>"
    assert [e.request for e in found] == [*[f"key={left}&a=1"] * 2, f'{{"password": "{left}"}}']
    assert found[0].url == "http://127.0.0.1/getBalance?token=<left out>&b=2"
    kept = " ".join(f"{e!r} {base64.b64decode(e.response_base64 or '')!r}" for e in found)
    for secret in ("hunter2", "form-secret", "query-secret"):
        assert secret not in kept


def test_chosen_keys_do_not_make_a_har_grow() -> None:
    answer = '{"errorId": 0, "balance": 1, "x": "clientKec left out"}'
    keys = [*"abcdefghijklmnopqrstuvwxyz<>", *(f"clientKe{one}" for one in "abc"), "left out"]
    entries = [foreign({"text": json.dumps({"clientKey": key})}, answer) for key in keys]
    for exchange in read_entries(entries):
        assert exchange.request == '{"clientKey": "<clientKey>"}'
        assert exchange.response == '{"errorId": 0, "balance": 1, "x": "<clientKey> <clientKey>"}'
    many = "".join(json.dumps({"clientKey": f"chosen-key-{number}"}) for number in range(10_000))
    (exchange,) = read_entries([foreign({"text": many}, answer)])
    assert exchange.request == '{"clientKey": "<clientKey>"}' * 10_000
