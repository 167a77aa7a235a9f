"""What may be written down: no key in any dress, no picture's base64."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import traceback
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import noise

from brocap_nb.body import Body, embedded_picture, redact_fields, shorten_labels
from brocap_nb.redaction import Secret

KEY = "67b6bcbb1a728ea8d563de6d169a2057"
hexes = st.text("0123456789abcdef", min_size=32, max_size=32)
keys = st.one_of(
    hexes,
    hexes.map("{}__nocache".format),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40),
)
around = st.text(st.characters(exclude_categories=["Cs"]), max_size=7)  # shorter than a key

DRESSES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON, slashes escaped": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "in JSON, all escaped": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "in a URL": lambda key: urllib.parse.quote(key, safe=""),
    "in a URL, all escaped": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "in HTML": html.escape,
    "as decimal entities": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "as hexadecimal entities": lambda key: "".join(f"&#x{ord(c):X};" for c in key),
    "in upper case": str.upper,
    "as hexadecimal digits": lambda key: key.encode().hex(),
    "as upper hexadecimal digits": lambda key: key.encode().hex().upper(),
}


def holds(text: str, key: str) -> bool:
    """Whether a text holds the key in any of the dresses, by undressing it."""
    plain = [text, html.unescape(text), urllib.parse.unquote(text), text.replace("\\/", "/")]
    return any(key.lower() in one.lower() for one in plain)


@pytest.mark.parametrize("dress", DRESSES)
@settings(deadline=None, max_examples=50)
@given(keys, around, around)
def test_the_key_is_found_in_every_dress(dress: str, key: str, before: str, after: str) -> None:
    worn = DRESSES[dress](key)
    text = f"{before}|{worn}|{after}"
    clean = Secret(key).redact(text)
    assert worn not in clean
    assert not holds(clean.replace("<clientKey>", ""), key)
    assert clean == f"{before}|<clientKey>|{after}"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@settings(deadline=None, max_examples=50)
@given(keys, st.binary(max_size=20), st.binary(max_size=20))
def test_the_key_is_found_inside_base64(
    encode: Callable[[bytes], bytes], key: str, before: bytes, after: bytes
) -> None:
    text = encode(before + key.encode() + after).decode()
    clean = Secret(key).redact(text)
    assert "<clientKey>" in clean
    left = clean.split("<clientKey>")
    assert sum(map(len, left)) <= len(text) - len(key), "only the seams are left"


@settings(deadline=None, max_examples=50)
@given(hexes)
def test_the_key_without_its_suffix_is_secret_as_well(key: str) -> None:
    assert (
        Secret(f"{key}__nocache").redact(f"{key}, {key}__nocache!") == "<clientKey>, <clientKey>!"
    )


@given(st.text(max_size=60))
def test_a_text_without_the_key_is_left_alone(text: str) -> None:
    assert Secret(KEY).redact(text) == text


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(KEY)
    secret.redact("x")
    assert KEY not in f"{secret!r} {secret} {secret:} {vars(secret)} {[secret]}"
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled") as caught:
            copied(secret)  # type: ignore[operator]
        found = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert not any(KEY in line for line in found.format() if "KEY" not in line)
    assert secret.reveal() == KEY


# --- bodies -------------------------------------------------------------------------------


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


def put_in(value: Any, key: str) -> Any:
    if value is Body.KEY:
        return key
    if isinstance(value, list):
        return [put_in(item, key) for item in value]
    if isinstance(value, dict):
        return {name: put_in(item, key) for name, item in value.items()}
    return value


@settings(deadline=None, max_examples=50)
@given(values, keys)
def test_any_json_goes_out_as_it_is(value: Any, key: str) -> None:
    body = Body.of(value)
    assert json.loads(body.wire(Secret(key))) == put_in(value, key)
    nested = Body.of({"clientKey": Body.KEY, "task": body})
    assert json.loads(nested.wire(Secret(key))) == {"clientKey": key, "task": put_in(value, key)}
    assert nested.pictures == body.pictures


@settings(deadline=None, max_examples=50)
@given(values)
def test_the_text_has_neither_key_nor_picture(value: Any) -> None:
    body = Body.of({"clientKey": Body.KEY, "value": value})
    seen = json.loads(body.text)
    assert seen["clientKey"] == "<clientKey>"
    for picture in PICTURES:
        assert picture not in body.text
    for found in body.pictures:
        text = json.loads(found.json)
        assert text.startswith(tuple(picture[:-4] for picture in PICTURES))
        assert text not in body.text
        assert found.label in body.text
        assert f"{len(found.data):,} bytes" in found.label
    assert KEY not in body.text


def test_a_key_that_the_value_quotes_is_redacted() -> None:
    body = Body.of({"clientKey": Body.KEY, "note": f"my key is {KEY}", "raw": KEY.encode().hex()})
    assert KEY in body.text
    clean = body.redacted(Secret(KEY))
    assert KEY not in clean
    assert json.loads(clean)["note"] == "my key is <clientKey>"
    assert json.loads(body.wire(Secret(KEY)))["note"] == f"my key is {KEY}", "it is sent as it is"


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Body.of({"x": float("nan")})
    with pytest.raises(TypeError):
        Body.of({"x": object()})


@given(st.binary(max_size=200))
def test_only_what_can_be_rebuilt_is_a_picture(tail: bytes) -> None:
    for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF1234WEBP", b""):
        text = base64.b64encode(start + tail).decode()
        found = embedded_picture(text)
        if found is not None:
            assert base64.b64encode(found.data).decode() == text
            assert found.media_type.startswith("image/")
            assert found.file_name.startswith(found.sha256)
        else:
            assert not start or len(text) < 128


def test_a_label_is_shortened_for_people() -> None:
    label = embedded_picture(PICTURES[0]).label  # type: ignore[union-attr]
    short = shorten_labels(f"a {label} b")
    assert short.startswith(f"a <image/png {len(base64.b64decode(PICTURES[0])):,} bytes sha256:")
    assert len(short.split("sha256:")[1].split(">")[0]) == 8
    assert shorten_labels("a <b> c") == "a <b> c"


@pytest.mark.parametrize("name", ["proxyPassword", "proxy_password", "Proxy-Password", "api_key"])
def test_a_secret_field_is_known_however_its_words_are_joined(name: str) -> None:
    for text in (f'{{"{name}": "hunter22"}}', f'{{"{name}": "hunter22", broken'):
        assert "hunter22" not in redact_fields(text)
    assert redact_fields('{"pass_word": "hunter22"}') == '{"pass_word": "hunter22"}'
