"""What is sent and what came, for the wire and for the log: bodies, answers, lines."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import noise

import brocap_nb as bn
from brocap_nb.api._body import Body, embedded_picture, redact_body, with_labels
from brocap_nb.api._exchange import decode_answer
from brocap_nb.api._json import asked, fields_of, parse
from brocap_nb.api._secrets import Secret, Veil

KEY = "67b6bcbb1a728ea8d563de6d169a2057"
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40)

PICTURES = [base64.b64encode(noise()).decode() for _ in range(2)]
PICTURES.append(base64.b64encode(b"\xff\xd8\xff" + bytes(200)).decode())

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from([*PICTURES, "<clientKey>", '"', "\\", "\ud800", PICTURES[0][:-4]])
    | st.just(Body.KEY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
)


@settings(max_examples=50)
@given(values, keys)
def test_any_json_goes_out_and_its_text_has_no_key_and_no_picture(value: Any, key: str) -> None:
    body, meant = Body.of(value), json.loads(json.dumps(value, default=lambda _: key))
    assert json.loads(body.wire(Secret(key))) == meant
    nested = Body.of({"clientKey": Body.KEY, "task": body})
    assert json.loads(nested.wire(Secret(key))) == {"clientKey": key, "task": meant}
    assert nested.pictures == body.pictures
    assert json.loads(nested.text)["clientKey"] == "<clientKey>"
    assert not any(picture in nested.text for picture in PICTURES)
    for found in body.pictures:
        assert found.label in nested.text
        assert f"{len(found.data):,} bytes" in found.label


@given(st.binary(max_size=200))
def test_only_what_can_be_rebuilt_is_a_picture(tail: bytes) -> None:
    for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF1234WEBP", b""):
        text = base64.b64encode(start + tail).decode()
        found = embedded_picture(text)
        if found is not None:
            assert base64.b64encode(found.data).decode() == text
            assert found.media_type.startswith("image/")
        else:
            assert not start or len(text) < 128


def test_a_body_that_quotes_a_secret_is_redacted_anew_for_another_veil() -> None:
    note = f"my key is {KEY}, not hunter2-hunter2"
    task = Body.of({"note": note, "raw": KEY.encode().hex()})
    first, second = Veil(Secret(KEY)), Veil(Secret("hunter2-hunter2", "<left out>"))
    for _ in range(2):
        kept = json.loads(Body.of([task]).redacted(first))[0]
        assert kept == {"note": note.replace(KEY, "<clientKey>"), "raw": "<clientKey>"}
        assert "hunter2" not in Body.of([task]).redacted(second)
        assert KEY in task.text
    assert json.loads(task.wire(Secret(KEY)))["note"] == note, "it is sent as it is"


FORM = "application/x-www-form-urlencoded"
MULTIPART = (
    '--B\r\nContent-Disposition: form-data; name="{0}"\r\n\r\n{1}\r\n'
    '--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nkey=kept&x\r\n--B--\r\n'
)
IN_JSON_TOO = ["password", "proxyPassword", "proxy_password", "Proxy-Password", "api_key"]
NAMES = ["clientKey", "key", "token", "Access-Token", "user[password]", *IN_JSON_TOO]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_of_a_form_is_a_label(name: str) -> None:
    label = "<clientKey>" if name == "clientKey" else "<left out>"
    for text in (f'{{"{name}": "hunter22"}}', f'{{"{name}": "hunter22", broken'):
        assert "hunter22" not in redact_body(text)[0] or name not in IN_JSON_TOO
    for text, kind in (
        ("a=1&{0}={1}&monkey=2", FORM),
        ("{0}={1}&websiteKey=2", ""),
        ("a=1&{0}={1}", f"{FORM}; charset=utf-8"),
        (MULTIPART, 'multipart/form-data; boundary="B"'),
        (MULTIPART.replace("\r", ""), ""),
    ):
        shown, found = redact_body(text.format(name, "hunter2-hunter2"), kind)
        assert shown == text.format(name, label), "and all else is as it was"
        assert [secret.reveal() for secret in found] == ["hunter2-hunter2"]
        assert redact_body(shown, kind) == (shown, []), "a label is no secret"


def test_a_secret_of_a_form_may_be_escaped_or_in_json() -> None:
    shown, found = redact_body("%63lient%4Bey=a%20b+c%26d-1&x=%41", FORM)
    assert shown == "%63lient%4Bey=<clientKey>&x=%41"
    for repeated in ("a b c&d-1", "a%20b+c%26d-1", "a+b+c%26d-1"):
        assert Veil(*found).redact(f"<{repeated}>") == "<<clientKey>>"
    body = json.dumps({"password": "hunter2-hunter2"})
    assert "hunter2" not in redact_body(MULTIPART.format("payload", body), "multipart/mixed")[0]
    assert "hunter2" not in redact_body(f"payload={body.replace(' ', '%20')}", FORM)[0]
    assert redact_body(body, FORM) == redact_body(body)  # cURL's default for any body


def test_what_is_no_form_has_no_names_of_forms() -> None:
    for text in (
        '{"solution": {"token": "03AGdBq24PBCqLmOx2V4", "key": "k"}, "websiteKey": "abcdefgh-1"}',
        '{"note": "a&key=not-of-a-form&b", "pass_word": "hunter22"}',
        "<a href='?key=1'>key=2</a>",
        "a plain text with key=abcdefghij in it",
        "",
    ):
        assert redact_body(text) == (text, [])


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=Z", ""])
@given(text=st.text(alphabet='-B\r\n;"= name&key', max_size=60))
def test_a_torn_form_is_never_a_fault(kind: str, text: str) -> None:
    shown, found = redact_body(text, kind)
    assert found or shown == text


def test_pictures_are_searched_for_once_whatever_a_text_is_made_of() -> None:
    for start in ("", "iVBORw0KGgo"):
        for text in (f'"{start}{"A" * 1_000_000}', f'"{start}{"A" * 300}' * 3_000, '"' * 1_000_000):
            assert with_labels(text) == (text, [])


def test_what_a_body_is_about_is_found_in_each_encoding_of_json() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert parse('{"a": "é"}'.encode(encoding)) == ({"a": "é"}, None)
        nearly = '{"clientKey": "k", "x": NaN}'.encode(encoding)
        assert fields_of(nearly)["clientKey"] == "k", "a key is found even in what is nearly JSON"
    assert asked({"task": {"type": "T"}, "taskId": 7}) == ("T", 7)
    too_large = {"taskId": 2**63}  # it fits no column
    for odd in ({"task": {"type": 5}, "taskId": "7"}, {"task": [], "taskId": True}, {}, too_large):
        assert asked(odd) == (None, None)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_an_answer_is_kept_as_it_came_but_without_the_key(before: bytes, after: bytes) -> None:
    before += b" "  # a backslash or a percent sign before the key would be its dress
    for content, secret in ((before + after, None), (before + KEY.encode() + after, Secret(KEY))):
        text, raw = decode_answer(content, secret)
        kept = text.encode() if raw is None else base64.b64decode(raw)
        assert kept == content.replace(KEY.encode(), b"<clientKey>")
        assert KEY not in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
def test_the_key_is_found_in_another_encoding(encoding: str) -> None:
    text, raw = decode_answer(f"é {KEY} ü".encode(encoding), Secret(KEY))
    for kept in (text.replace("\\x00", "").encode(), base64.b64decode(raw or "")):
        assert KEY.encode() not in kept.replace(b"\0", b"")


def test_a_line_of_a_later_version_comes_back_in_utc() -> None:
    when = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    one = bn.Exchange(exchange_id="s-1", started_at=when, session="s", method="getBalance")
    again = bn.Exchange.from_line({**one.to_line(), "of_a_later_version": 1})
    assert (again, again.started_at.tzinfo) == (one, UTC)
