"""What may be written down: no secret in any dress, and none by its name."""

from __future__ import annotations

import base64
import copy
import hashlib
import io
import json
import pickle
import traceback
import urllib.parse
from collections.abc import Callable

import pytest
from dresses import DRESSES, expanded, traced
from hypothesis import given, settings
from hypothesis import strategies as st
from rich import inspect
from rich.console import Console

from brocap_nb.api._body import Body, redact_body
from brocap_nb.api._exchange import decode_answer
from brocap_nb.api._secrets import (
    HEADER_LABEL,
    KEY_LABEL,
    PART,
    Secret,
    Veil,
    header_secrets,
    headers_text,
    url_secrets,
    url_text,
)

KEY = "67b6bcbb1a728ea8d563de6d169a2057"
keys = st.text("0123456789abcdef", min_size=32, max_size=32) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40
)
around = st.text(st.characters(exclude_categories=["Cs"]), max_size=7)  # shorter than a key


@pytest.mark.parametrize("dress", DRESSES)
@settings(max_examples=50)
@given(keys, around, around)
def test_the_key_is_found_in_every_dress(dress: str, key: str, before: str, after: str) -> None:
    worn, suffixed = DRESSES[dress](key), f"{key}__nocache"
    for secret, text in ((key, worn), (suffixed, worn), (suffixed, DRESSES[dress](suffixed))):
        clean = Secret(secret).redact(f"{before}|{text}|{after}")
        assert clean == f"{before}|<clientKey>|{after}"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@settings(max_examples=50)
@given(keys, st.binary(max_size=20), st.binary(max_size=20))
def test_the_key_is_found_inside_base64(
    encode: Callable[[bytes], bytes], key: str, before: bytes, after: bytes
) -> None:
    text = encode(before + key.encode() + after).decode()
    clean = Secret(key).redact(text)
    assert "<clientKey>" in clean
    left = clean.split("<clientKey>")
    assert sum(map(len, left)) <= len(text) - len(key), "only the seams are left"


def test_a_secret_shows_itself_nowhere() -> None:
    secret, veil = Secret(KEY), Veil(Secret(KEY))
    assert secret.redact(KEY) == veil.redact(KEY) == "<clientKey>"  # what it needs for that is made
    for shown in (secret, veil, [secret], vars(secret), vars(veil)):
        assert KEY[:PART] not in f"{shown!r} {shown} {expanded(shown)}"
        console = Console(file=io.StringIO(), width=500)
        inspect(shown, console=console, all=True, private=True)
        assert KEY[:PART] not in console.file.getvalue()  # type: ignore[attr-defined]
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled") as caught:
            copied(secret)  # type: ignore[operator]
        found = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert not any(KEY in line for line in found.format() if "KEY" not in line)
    assert secret.reveal() == KEY


FORM = "application/x-www-form-urlencoded"
BODY = Body.of({"clientKey": Body.KEY, "note": "%41 \\u0041 &amp; a text", "password": "hidden!"})
ANSWER = '{"note": "%41 &amp; \\u0041", "echo": "KEY", "password": "KEY", "code": "S0VZ"}'


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda text, key: (BODY.wire(key), BODY.redacted(Veil(key))), ""),
        (lambda text, key: decode_answer(text.encode(), Veil(key)), ANSWER),
        (lambda text, key: decode_answer(b"\xff" + text.encode(), Veil(key)), ANSWER),
        (lambda text, key: redact_body(text), ANSWER),
        (lambda text, key: redact_body(text), f"{ANSWER} is not JSON"),
        (lambda text, key: redact_body(text, FORM), "password=KEY&a=1"),
    ],
    ids=["body", "answer", "answer of bytes", "JSON", "torn JSON", "form"],
)
def test_an_interrupt_at_any_line_shows_no_secret(
    use: Callable[[str, Secret], object], text: str, full: bool
) -> None:
    def interrupted(number: int) -> tuple[BaseException | None, list[object], str]:
        value = hashlib.sha256(b"%d" % number).hexdigest()  # another each time: nothing is kept
        secret, given = Secret(f"{value}__nocache"), text.replace("KEY", value)
        return *traced(lambda: use(given, secret), number, "brocap_nb"), value

    _, lines, _ = interrupted(0)
    # each line when it is come to first, last, and in between
    places = {line: [n for n, one in enumerate(lines, 1) if one == line] for line in {*lines}}
    chosen = {n for found in places.values() for n in (found[0], found[len(found) // 2], found[-1])}
    assert len(chosen) > 10
    for number in range(1, len(lines), 3) if full else sorted(chosen):
        error, _, value = interrupted(number)
        if error is None:
            continue  # another secret takes other ways
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in found.stack if "brocap_nb" in frame.filename]
        assert ours
        # at its first line what is given is the caller's still
        kept = f"{[frame.locals for frame in ours if frame.line != 'try:']}"
        assert not any(value[at : at + 10] in kept for at in range(len(value) - 9)), number
        assert "hidden!" not in kept


chosen = st.lists(
    st.one_of(
        st.text("abcklientKy", min_size=1, max_size=20),  # no key has brackets
        st.sampled_from(["clientKey", "left out", "<clientKey>", "task", "x", "aaaaaaaaaaaa"]),
    ),
    max_size=8,
)


@given(chosen, st.text("abclientKey<>'%&", max_size=80))
def test_what_is_redacted_once_is_redacted(values: list[str], text: str) -> None:
    veil = Veil(*(Secret(value, label) for value in values for label in (KEY_LABEL, HEADER_LABEL)))
    text = f"{text}{''.join(values)}"
    clean = veil.redact(text)
    assert veil.redact(clean) == clean, "no label is read again"
    assert len(clean) <= 2 * len(text)
    for value in values:
        assert len(value) < 8 or value in "<clientKey><left out>" or value not in clean


def test_a_label_is_left_alone_by_keys_that_are_parts_of_it() -> None:
    digits = "0123456789abcdef" * 4
    picture = f"<image/png 9 bytes sha256:{digits}>"
    text = json.dumps({"clientKey": "<clientKey>", "a": "<left out>", "picture": picture})
    secrets = [Secret(part) for part in ("clientKey>", "left out", digits[:32], "image/png")]
    assert Veil(*secrets).redact(text) == text


def test_very_many_secrets_of_a_large_text_are_found_at_once() -> None:
    known = [f"shared-prefix-{number:04}" for number in range(5_000)]
    text = "|".join(known)
    clean = Veil(*(Secret(one, HEADER_LABEL) for one in known)).redact(text)
    assert clean == "|".join(["<left out>"] * 5_000)
    veil = Veil(*map(Secret, known))
    for filler in ("A", "\\u0041", "%41", "&#65;", "\0", "41", '\\"', "-_"):
        text = filler * (1_000_000 // len(filler))
        assert veil.redact(f"{text}\n{known[0]}\n") == f"{text}\n<clientKey>\n"


@pytest.mark.parametrize("value", ["pässwörter", "密码密码密码密码密码", "emoji \U0001f511 key"])
def test_a_secret_of_any_letters_is_found(value: str) -> None:
    secret = Secret(value)
    for worn in (
        value,
        json.dumps(value)[1:-1],
        urllib.parse.quote(value),
        urllib.parse.quote_plus(value),
        base64.b64encode(f"u:{value}".encode()).decode(),
        value.encode().hex(),
        value.encode().decode("latin-1"),
        "".join(f"&#{ord(c)};" for c in value),
    ):
        clean = secret.redact(f"<p>{worn}</p>")
        assert "<clientKey>" in clean
        assert len(clean) < 25, "but for seams of base64"


@pytest.mark.parametrize("name", ["token", "key", "password", "api_key", "clientKey", "a[token]"])
def test_a_secret_of_a_query_is_a_label(name: str) -> None:
    label = "<clientKey>" if name == "clientKey" else "<left out>"
    for url in ("http://h/p?a=1&{0}={1}&b=2", "http://h/?{0}={1}#x", "/cb#x=1&{0}={1}"):
        assert url_text(url.format(name, "a%2Fb;c'd+efgh")) == url.format(name, label)
        assert [s.reveal() for s in url_secrets(url.format(name, "a%2Fb+efgh"))] == ["a/b efgh"]
        assert url_text(url.format(name, label)) == url.format(name, label)
    for url in ("http://h/key=abcdefgh", "http://h/?websiteKey=abcdefgh&monkey=1"):
        assert (url_text(url), url_secrets(url)) == (url, []), "this is none"
    assert url_text("https://me:pw@h:1/x?a=me@b") == "https://<left out>@h:1/x?a=me@b"
    assert url_text(f"http://h/a@b?k={KEY}&b", Secret(KEY)) == "http://h/a@b?k=<clientKey>&b"


def test_headers_of_other_services_are_known_by_their_names() -> None:
    headers = {
        "X-Auth-Token": "abcdefgh-1",
        "Token": "abcdefgh-2",
        "api_key": "abcdefgh-3",
        "Location": "http://h/?token=abcdefgh-4&page=2",
        "X-Page-Key": "not a secret",
    }
    shown = json.loads(headers_text(headers))
    assert [*shown.values()] == [
        *["<left out>"] * 3,
        "http://h/?token=<left out>&page=2",
        "not a secret",
    ]
    assert len(header_secrets(headers)) == 3


def test_a_short_secret_damages_no_text() -> None:
    text = '{"clientKey": "x", "task": {"type": "x"}, "password": "monkey"}'
    assert Veil(*map(Secret, ("x", "task", "monkey", "1234567"))).redact(text) == text
