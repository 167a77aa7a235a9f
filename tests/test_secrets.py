"""Secrets stay out of everything that is kept or shown, wherever a server repeats them."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import re
import tempfile
import traceback
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from dresses import DRESSES, expanded
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from peer import Peer, http
from pydantic import BaseModel, SecretBytes, SecretStr

import brocap_nb as bn
from brocap_nb.api._secrets import Secret
from brocap_nb.doors._audit import audit

# What we write ourselves is no key: field names, labels, digits of a time.
WORDS = ("response_base64", "http/1.1", "<clientkey>")
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40).filter(
    lambda key: (
        len(set(key)) >= 6
        and sum(map(str.isdigit, key)) >= 2
        and not any(word in key.lower() for word in WORDS)
    )
)

# wherever it is; inside base64 only the seams of what was around it are left
WORN = {**DRESSES, "base64 of more": lambda key: base64.b64encode(f"u:{key}:x".encode()).decode()}
OK = b'{"errorId": 0, "balance": 1}'
PLACES: dict[str, Callable[[str], bytes]] = {
    "body": lambda worn: http(f"<p>{worn}</p>".encode(), 500, "text/html"),
    "error field": lambda worn: http(
        b'{"errorId": 1, "errorCode": "ERROR_X", "errorDescription": "bad %b"}' % worn.encode()
    ),
    "error code": lambda worn: http(b'{"errorId": 1, "errorCode": "%b"}' % worn.encode()),
    "wrong type": lambda worn: http(b'{"errorId": 0, "balance": "%b"}' % worn.encode()),
    "header": lambda worn: http(OK, header=f"X-Echo: k={worn}"),
    "cookie": lambda worn: http(OK, header=f"Set-Cookie: k={worn}; Path=/"),
    "redirect": lambda worn: http(OK, 302, header=f"Location: http://127.0.0.1:1/?k={worn}"),
    "not UTF-8": lambda worn: http(b'{"errorId": 0, "x": "\xff%b\xfe"}' % worn.encode()),
    "broken off": lambda worn: http(worn.encode() + b"....")[:-3] + Peer.RESET,
}


def everything_shown(client: bn.Client, error: BaseException | None) -> Iterator[str]:
    """All that is kept on disk, exported, or shown of an exchange."""
    log = client.log
    assert log.folder is not None
    folder = log.folder.parent
    log.to_har(folder / "log.har")
    log.frame().to_csv(folder / "log.csv")
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")
    exchange = log[-1]
    yield from (log.to_curl(-1), log.to_python(-1), repr(client), repr(log), repr(exchange))
    yield from (str(exchange), json.dumps(exchange._repr_mimebundle_(), ensure_ascii=False))
    yield json.dumps(log._repr_mimebundle_(), ensure_ascii=False)
    yield str(log.errors())
    if error is not None:
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        # the frames of this test hold the key themselves
        yield from (str(error), repr(error), str(vars(error)))
        yield "".join(
            f"{name}={value}"
            for frame in found.stack
            if "brocap_nb/" in frame.filename.replace("\\", "/")
            for name, value in (frame.locals or {}).items()
        )


def nowhere(words: Iterable[str], client: bn.Client, error: BaseException, *more: str) -> None:
    for text in (*everything_shown(client, error), *more):
        assert not any(word in text for word in words)


def undressed(text: str) -> Iterator[str]:
    yield text
    yield urllib.parse.unquote(text)
    yield html.unescape(text)
    for escaped in (text, text.replace("\\\\", "\\")):  # a text in a line of JSON in JSON
        yield re.sub(r"\\u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), escaped)
        yield re.sub(r'\\(["\\/])', r"\1", escaped)


@pytest.fixture(scope="module")
def echo() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=12)
@given(key=keys, dress=st.sampled_from(sorted(WORN)))
def test_the_key_is_nowhere(place: str, echo: Peer, key: str, dress: str) -> None:
    worn = WORN[dress](key)
    assume(worn.isascii())
    echo.say(PLACES[place](worn))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = bn.ExchangeLog(folder / "log")
        error = None
        with bn.Client(key, base_url=echo.url, log=log, timeout=2) as client:
            try:
                client.get_balance()
            except bn.BroCapError as caught:
                error = caught
            for text in everything_shown(client, error):
                assert worn.lower() not in text.lower()
                for plain in undressed(text):
                    assert key.lower() not in plain.lower()
        assert audit([folder], key).findings == []


@settings(max_examples=25)
@given(st.text("0123456789abcdef", min_size=32, max_size=40), st.integers(12, 20))
def test_a_key_that_is_split_over_a_redirect_is_found(echo: Peer, key: str, at: int) -> None:
    assume(len(set(key)) >= 6)
    body = json.dumps({"rest": key[at:]}).encode()
    echo.say(http(body, 302, header=f"Location: /next?k={key[:at]}"))
    log = bn.ExchangeLog(":memory:")
    with bn.Client(key, base_url=echo.url, log=log) as client, pytest.raises(bn.BadResponseError):
        client.get_balance()
    kept = json.dumps(log.to_har())
    assert key[:at] not in kept
    assert key[at:] not in kept
    assert json.loads(log[0].response or "") == {"rest": "<clientKey>"}
    assert json.loads(log[0].response_headers or "")["Location"] == "/next?k=<clientKey>"


@settings(max_examples=100)
@given(
    st.text("0123456789abcdef", min_size=20, max_size=40),
    st.integers(0, 30),
    st.integers(12, 40),
    st.sampled_from(["", "x", "%", '"']),
)
def test_any_part_of_12_characters_is_redacted(key: str, at: int, size: int, beside: str) -> None:
    part = key[at : at + size]
    assume(len(part) >= 12 and len(set(key)) >= 6)
    clean = Secret(key).redact(f"<{beside}{part}{beside}>")
    # a `%` with two digits of the key behind it may be one of its letters as well
    swallowed = "" if beside == "%" else beside
    assert clean in (f"<{beside}<clientKey>{beside}>", f"<{swallowed}<clientKey>{beside}>")
    assert Secret(key).redact(f"<{key[at : at + 5]}>") == f"<{key[at : at + 5]}>"


PASSWORD = "hunter2-hunter2"


def refusal(said: str) -> bytes:
    return http(json.dumps({"errorId": 1, "errorCode": "X", "errorDescription": said}).encode())


class Login(BaseModel):
    pin: SecretStr
    codes: list[SecretStr] = []
    nick: str | None = "nick"


class LoginTask(bn.Task, register=False):
    first: SecretStr
    raw: SecretBytes
    logins: tuple[Login, ...] = ()
    by_name: dict[str, SecretStr]


def test_secret_fields_are_sent_and_shown_nowhere(client: bn.Client, peer: Peer) -> None:
    a, b, c, d, e = words = [f"{letter}-secret-{letter * 4}" for letter in "abcde"]
    logins = [{"pin": c, "codes": [d, "short"], "nick": None}]  # which is not the default
    task = LoginTask(first=a, raw=b.encode(), logins=logins, by_name={"x": e})
    peer.say(refusal(d))
    with pytest.raises(bn.ApiError) as caught:
        client.create_task(task)
    sent = {"type": "LoginTask", "first": a, "raw": b, "logins": logins, "byName": {"x": e}}
    assert json.loads(peer.requests[0][1])["task"] == task.to_wire() == sent
    shown = [repr(task), str(task), json.dumps(task._repr_mimebundle_()), task.to_python()]
    shown += [repr(task.to_wire()), expanded(task.wire_body), expanded(client)]
    nowhere((*words, "short"), client, caught.value, *shown)
    again = LoginTask(**{name: value for name, value in sent.items() if name != "type"})
    for one in (again, copy.deepcopy(task), task.model_copy()):
        assert (one, one.to_wire()) == (task, sent)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(task)


def test_the_environments_key_is_in_no_log_of_another_key(
    peer: Peer, key: str, log: bn.ExchangeLog, monkeypatch: Any
) -> None:
    real = "fedcba9876543210" * 2
    monkeypatch.setenv("BROCAP_CLIENT_KEY", real)
    peer.say(http(f"<p>{real}".encode(), 500))
    client = bn.Client(key, base_url=peer.url, log=log)
    with pytest.raises(bn.HttpError) as caught:
        client.create_task(bn.RawTask({"type": "X", "note": real}))
    nowhere([real], client, caught.value)


def test_passwords_are_sent_and_shown_nowhere(client: bn.Client, peer: Peer) -> None:
    peer.say(refusal(PASSWORD))
    fields = {
        "type": "X",
        "proxyPassword": PASSWORD,
        "Password": "short",
        "cookies": [{"name": "a", "value": PASSWORD}, 5, None],
        "authorization": {"basic": PASSWORD},
        "proxyLogin": "me",
    }
    task = bn.RawTask(fields)
    with pytest.raises(bn.ApiError) as caught:
        client.create_task(task)
    assert json.loads(peer.requests[0][1])["task"] == fields, "it goes out as it is"
    shown = [repr(task), str(task), json.dumps(task._repr_mimebundle_())]
    nowhere([PASSWORD, "short"], client, caught.value, *shown)
    kept = json.loads(client.log[0].request)["task"]
    assert kept["cookies"] == [{"name": "<left out>", "value": "<left out>"}, "<left out>", None]
    assert kept["proxyLogin"] == "me"
    assert client.log[0].error_description == "<left out>"
    # much later, and for another method
    peer.say(http(f"<p>{PASSWORD}".encode(), 500))
    with pytest.raises(bn.HttpError):
        client.get_balance()
    assert client.log[-1].response == "<p><left out>"


def test_what_a_users_session_sends_is_secret(peer: Peer, key: str, log: bn.ExchangeLog) -> None:
    session = requests.Session()
    session.auth = ("user", "s3cret-pass")
    session.cookies.set("sid", "sessioncookie1")
    echoed = ("dXNlcjpzM2NyZXQtcGFzcw==", "s3cret-pass", "sessioncookie1")
    client = bn.Client(key, base_url=peer.url, log=log, session=session)
    for word in echoed:
        peer.say(http(f"<p>{word}".encode(), 500))
        with pytest.raises(bn.HttpError) as caught:
            client.get_balance()
        nowhere(echoed, client, caught.value)
    sent = json.loads(log[0].request_headers or "")
    assert sent["Authorization"] == sent["Cookie"] == "<left out>"


def test_a_cookie_that_the_body_repeats_is_left_out(client: bn.Client, peer: Peer) -> None:
    answer = b'{"errorId": 0, "balance": 1, "session": "cookie-cookie-1", "x": "Strict"}'
    peer.say(http(answer, header="Set-Cookie: sid=cookie-cookie-1; SameSite=Strict; Path=/"))
    client.get_balance()
    kept = json.loads(client.log[0].response or "")
    assert (kept["session"], kept["x"]) == ("<left out>", "Strict")
