"""What is secret, and the labels that stand in its place.

`Secret.redact` and `Veil.redact` find secrets in any text: it is undressed in each way in which a
server may have dressed them, and one search, whose time does not depend on how many there are,
looks for all of them at once. What they put in, they do not read again.

A value is secret by its name as well. `SECRET_FIELDS` count everywhere. `key`, `token` and the
other `SECRET_NAMES` count in forms, queries and headers, never in JSON: there a `token` is what an
answer's `solution` was paid for. A `websiteKey` or `websitePublicKey` is public.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Never, TypeAlias
from urllib.parse import unquote_plus

KEY_VARIABLE: Final = "BROCAP_CLIENT_KEY"
KEY_LABEL: Final = "<clientKey>"
HEADER_LABEL: Final = "<left out>"
PICTURE_LABEL: Final = re.compile(r"<(image/[a-z]+) ([\d,]+) bytes sha256:([0-9a-f]{64})>")
_LABEL: Final = re.compile(rf"{KEY_LABEL}|{HEADER_LABEL}|{PICTURE_LABEL.pattern}")

SHORTEST: Final = 8
"""A secret of fewer characters is a label in its own field only: any text has it by chance."""
PART: Final = 12
"""So many characters of a secret in a row are redacted, even if the rest is elsewhere."""
VEILED: Final = 20
COOKIE_MIN: Final = 10  # most say something like `on`, `en-GB` or `dark`


# --- secrets in a text ------------------------------------------------------------------------


class Secret:
    """A client key, a password. No repr, pickle, traceback or inspector of objects shows it."""

    def __init__(self, value: str, label: str = KEY_LABEL) -> None:
        self.label = label
        # not an attribute: those are shown to whoever looks
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """Return the secret itself, for the wire only."""
        return self._reveal()

    def redact(self, text: str) -> str:
        """Return `text` with a label in the place of the secret.

        Found are the secret as it is, with any of its characters escaped as in JSON, HTML or a
        URL, as hexadecimal digits, and inside base64 at any offset; and any part of it of at
        least 12 characters in each of these: a server may split it.
        """
        return _finder((self,))(text)

    def __repr__(self) -> str:
        return self.label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.reveal(), self.label) == (
            other.reveal(),
            other.label,
        )

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __reduce__(self) -> Never:
        raise TypeError(
            f"A secret ({self.label}) is not pickled: pass it anew where it is needed, or set "
            f"${KEY_VARIABLE}."
        )


class Veil:
    """Several secrets, found as one: the key, and what else a request has that is secret.

    The key that `$BROCAP_CLIENT_KEY` has is always one of them.
    """

    def __init__(self, *secrets: Secret) -> None:
        key = os.environ.get(KEY_VARIABLE)
        self._secrets = tuple(dict.fromkeys((*secrets, *([Secret(key)] if key else []))))
        self._redact = _finder(self._secrets)

    def covers(self, secrets: Iterable[Secret]) -> bool:
        """Whether all of `secrets` are among them."""
        return all(secret in self._secrets for secret in secrets)

    def over(self, secrets: Iterable[Secret]) -> Veil:
        """Return a veil that finds `secrets` as well, the oldest forgotten if they are many."""
        known = [*dict.fromkeys((*self._secrets, *secrets))]
        return Veil(*known[:1], *known[1:][-VEILED:])

    def redact(self, text: str) -> str:
        """Return `text` with labels for all of them; see `Secret.redact`."""
        return self._redact(text)

    def __repr__(self) -> str:
        return f"Veil({len(self._secrets)} secrets)"


class SecretText(str):
    """A text of a JSON value that is sent as it is, and is a label wherever it is shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HEADER_LABEL)


_Place: TypeAlias = tuple[int, int, str]  # start and stop in a text, and the label for it
_Search: TypeAlias = Callable[[str], list[_Place]]


class _Table(dict[str, Any]):
    """A dict of pieces of secrets: a traceback that shows locals shows nothing of it."""

    def __repr__(self) -> str:
        return f"<{len(self)} pieces of secrets>"


@lru_cache(maxsize=64)
def _finder(secrets: tuple[Secret, ...]) -> Callable[[str], str]:
    """Return what puts labels in the place of secrets. It has them in its closure only."""
    # A text holds a secret if a part of it is one of `parts`. Each part, wherever it stands, holds
    # one of the pieces into which `search` cuts the text: so few of these are looked up.
    parts, probes = _Table(), _Table()
    known = [(text, secret.label) for secret in secrets for text in _spellings(secret.reveal())]
    shortest = min((min(len(text), PART) for text, _ in known), default=0)
    piece = (shortest + 1) // 2
    step = shortest + 1 - piece
    coded = re.compile(rf"[A-Za-z0-9+/_-]{{{-(-shortest * 4 // 3)},}}+")
    for text, label in known:
        length = min(len(text), PART)
        for at in range(len(text) - length + 1):
            parts.setdefault(text[at : at + length], label)
        for at in range(len(text) - piece + 1):
            lengths = probes.get(text[at : at + piece], ())
            if length not in lengths:
                probes[text[at : at + piece]] = (*lengths, length)
    del known

    def search(text: str) -> list[_Place]:
        plain, found = _plain(text), []
        for first in range(0, len(plain) - piece + 1, step):
            lengths = probes.get(plain[first : first + piece])
            if lengths is None:
                continue
            for length in lengths:
                for start in range(max(first + piece - length, 0), first + 1):
                    part = plain[start : start + length]
                    if part in parts:
                        found.append((start, start + len(part), parts[part]))
        return found

    def redact(text: str) -> str:
        if len(text) < shortest:
            return text
        places = search(text)
        for sign, tokens, meaning in _DRESSES:
            if sign in text:
                places += _undressed(text, tokens, meaning, search)
        for run in coded.finditer(text):
            places += _decoded(text, run, shortest, search)
        return _labelled(text, places) if places else text

    return redact if parts else str


def _spellings(value: str) -> Iterator[str]:
    """What to look for in plain texts: nothing if the secret is too short to be looked for."""
    # suffixes such as `__nocache` may follow a key: the key without them is secret as well
    for text in (value, value.split("__", 1)[0]):
        if len(text) >= SHORTEST:
            # what is decoded byte by byte has each byte as a character
            latin = text.encode("utf-8", "surrogatepass").decode("latin-1")
            yield from {_plain(text), _plain(latin)}


def _plain(text: str) -> str:
    """A text of the same length without what makes no difference: case, and `+` for a blank."""
    lower = text.lower()
    if len(lower) != len(text):  # there are letters whose lower case is two letters
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.replace("+", " ")


@lru_cache(maxsize=2048)
def _unescaped(token: str) -> str:
    try:
        return str(json.loads(f'"{token}"'))
    except ValueError:  # no escape of JSON, but of something else
        return token[1:]


@lru_cache(maxsize=512)
def _unquoted(token: str) -> str:
    return chr(int(token[1:], 16))


# A sign that a text is dressed so, what is to be replaced in it, and by what.
_DRESSES: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...]] = (
    (
        "\\",
        re.compile(
            r"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\.", re.S
        ),
        _unescaped,
    ),
    ("%", re.compile(r"%[\da-fA-F]{2}"), _unquoted),
    ("&", re.compile(r"&(?:#[xX]?[\da-fA-F]{1,20}|[a-z]{2,6});"), lru_cache(2048)(html.unescape)),
    # what was UTF-16 and is read as something else has a NUL in each character
    ("\0", re.compile("\0"), lambda _: ""),
)


def _undressed(
    text: str, tokens: re.Pattern[str], meaning: Callable[[str], str], search: _Search
) -> list[_Place]:
    """Search a text with its tokens replaced by what they mean; return places in the text."""
    found = search(tokens.sub(lambda token: meaning(token[0]), text))
    if not found:
        return []
    begins: list[int] = []  # where each token's meaning begins in what was searched
    spans: list[tuple[int, int, int]] = []
    shorter = 0
    for token in tokens.finditer(text):
        start, stop = token.span()
        size = len(meaning(token[0]))
        begins.append(start - shorter)
        spans.append((start, stop, size))
        shorter += stop - start - size

    def origin(at: int) -> tuple[int, int]:
        number = bisect_right(begins, at) - 1
        if number < 0:
            return at, at + 1
        start, stop, size = spans[number]
        past = at - begins[number]
        return (start, stop) if past < size else (stop + past - size, stop + past - size + 1)

    return [(origin(start)[0], origin(stop - 1)[1], label) for start, stop, label in found]


def _decoded(text: str, run: re.Match[str], shortest: int, search: _Search) -> Iterator[_Place]:
    """Search a run of letters and digits as base64 and as hexadecimal digits."""
    digits = run[0].replace("-", "+").replace("_", "/")
    for offset in range(min(4, len(digits) - shortest * 4 // 3 + 1)):
        code = digits[offset : len(digits) - ((len(digits) - offset) % 4 == 1)]
        data = binascii.a2b_base64(code + "=" * (-len(code) % 4))
        begin = run.start() + offset
        for start, stop, label in search(data.decode("latin-1")):
            yield begin - (-start * 4 // 3), begin + stop * 4 // 3, label
    for hexes in _HEXES.finditer(text, *run.span()) if len(digits) >= 2 * shortest else ():
        for begin in (hexes.start(), hexes.start() + 1):
            data = bytes.fromhex(text[begin : hexes.end() - (hexes.end() - begin) % 2])
            for start, stop, label in search(data.decode("latin-1")):
                yield begin + 2 * start, begin + 2 * stop, label


_HEXES: Final = re.compile(rf"[\da-fA-F]{{{2 * SHORTEST},}}+")


def _labelled(text: str, places: list[_Place]) -> str:
    """Put labels in these places, but not into labels that a text has already."""
    ends = {label.start(): label.end() for label in _LABEL.finditer(text)}
    starts = [*ends]
    pieces, done = [], 0
    for start, stop, label in sorted(places):
        before = bisect_right(starts, start) - 1
        if before >= 0 and stop <= ends[starts[before]]:
            continue
        if start >= done:
            pieces += [text[done:start], label]
        done = max(done, stop)
    return "".join([*pieces, text[done:]])


# --- what is secret by its name ---------------------------------------------------------------


def _names(*names: str) -> frozenset[str]:
    """Each name with its words run together, or joined by `_` or `-`."""
    return frozenset(between.join(name.split()) for name in names for between in ("", "_", "-"))


SECRET_FIELDS: Final = _names(
    *("authorization", "proxy authorization", "cookie", "cookies", "password", "proxy password"),
    *("api key", "client key"),
)
"""Names of fields whose values are never written down, in lower case."""
SECRET_NAMES: Final = SECRET_FIELDS | _names(
    *("key", "token", "access token", "auth token", "refresh token", "secret", "client secret"),
)
"""Those of a form, a query or a header, which are never an answer of the API."""
SECRET_HEADERS: Final = {"set-cookie"} | SECRET_NAMES | {f"x-{name}" for name in SECRET_NAMES}

_BETWEEN: Final = "\x1e"  # stands in no header
_COOKIES: Final = re.compile(r"=\s*([^;]*)")
_SET_COOKIES: Final = re.compile(r"(?:^|,)\s*[^=;,\s]+=([^;,]*)")  # not Path, Expires and so on
_FIELD: Final = re.compile(
    rf'("({"|".join(sorted(SECRET_FIELDS))})"\s*:\s*)("(?:[^"\\]|\\.)*+"?|[\d.eE+-]+)',
    re.IGNORECASE,
)
_USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s\"']+(?=@)")
_FORM: Final = "application/x-www-form-urlencoded"
_LIKE_A_FORM: Final = re.compile(r"[^\s=&{}<\"]{1,100}=\S*\s*\Z")
_IN_QUERY: Final = re.compile(r'(?<=[?&#])([^=&#?\s]{1,100})=([^&#\s"<>]+)')
_IN_FORM: Final = re.compile(r"(?:\A|(?<=&))([^=&]{1,100})=([^&]+)")
_WORDS: Final = re.compile(r"[^\[\].]+")
_BOUNDARY: Final = re.compile(r"boundary=\"?([^\";,\s]+)", re.IGNORECASE)
_PART_NAME: Final = re.compile(r"[;\s]name=(?:\"([^\"]*)\"|([^;\s]+))", re.IGNORECASE)


def label_for(name: str) -> str:
    """Return the label for the value of a field."""
    return KEY_LABEL if re.sub("[-_]", "", name).lower() == "clientkey" else HEADER_LABEL


def redact_torn(text: str) -> tuple[str, list[Secret]]:
    """Redact what looks like fields of JSON, in a text that is none; see `redact_body`."""
    found: list[Secret] = []

    def label(field: re.Match[str]) -> str:
        shown, value = label_for(field[2]), field[3].strip('"')
        with contextlib.suppress(ValueError):
            value = str(json.loads(field[3]))
        if value != shown:
            found.append(Secret(value, shown))
        return f'{field[1]}"{shown}"'

    return _FIELD.sub(label, text), found


def redact_form(text: str, content_type: str = "") -> tuple[str, list[Secret]]:
    """Return a form's body as it may be written down, and what is secret in it.

    `SECRET_NAMES` count, also as the last word of `user[password]`. What is no form, by its
    content type or, without one, by its looks, is returned as it is.
    """
    kind = content_type.partition(";")[0].strip().lower()
    boundary = _BOUNDARY.search(content_type)
    if kind.startswith("multipart/") or (not kind and text.startswith("--")):
        return _redact_parts(
            text, boundary[1] if boundary else text.partition("\n")[0].strip().removeprefix("--")
        )
    if text.lstrip().startswith(("{", "[")):  # JSON, whatever the content type says
        return text, []
    if kind == _FORM or (kind in ("", "text/plain") and _LIKE_A_FORM.match(text)):
        return _redact_pairs(text, _IN_FORM)
    return text, []


def _redact_parts(text: str, boundary: str) -> tuple[str, list[Secret]]:
    if not boundary:
        return text, []
    found: list[Secret] = []
    parts = text.split(f"--{boundary}")
    for number, part in enumerate(parts):
        blank = "\r\n\r\n" if "\r\n\r\n" in part else "\n\n"
        head, _, content = part.partition(blank)
        named = _PART_NAME.search(head)
        value = content.rstrip("\r\n")
        if named is None or not value:
            continue
        shown, secrets = _redact_value(named[1] or named[2] or "", value)
        parts[number] = head + blank + shown + content[len(value) :]
        found += secrets
    return f"--{boundary}".join(parts), found


def _redact_pairs(text: str, pairs: re.Pattern[str]) -> tuple[str, list[Secret]]:
    found: list[Secret] = []

    def label(pair: re.Match[str]) -> str:
        value = unquote_plus(pair[2])
        shown, secrets = _redact_value(unquote_plus(pair[1]), value)
        found.extend(secrets)
        return pair[0] if shown == value else f"{pair[1]}={shown}"

    return pairs.sub(label, text), found


def _redact_value(name: str, value: str) -> tuple[str, list[Secret]]:
    """A value of a form: a label if its name means a secret, redacted if it is JSON."""
    words = _WORDS.findall(name)
    if not words or words[-1].strip().lower() not in SECRET_NAMES:
        return redact_torn(value) if value.startswith(("{", "[")) else (value, [])
    label = label_for(words[-1].strip())
    return (value, []) if value == label else (label, [Secret(value, label)])


def url_text(url: str, secret: Secret | Veil | None = None) -> str:
    """Return an address as it may be written down: without user, password and secrets."""
    if "@" in url:
        url = _USER_INFO.sub(HEADER_LABEL, url)
    if "=" in url and ("?" in url or "#" in url):
        url, _ = _redact_pairs(url, _IN_QUERY)
    return secret.redact(url) if secret else url


def url_secrets(url: str) -> list[Secret]:
    """Return what must not be written down of an address's query if a server repeats it."""
    return _redact_pairs(url, _IN_QUERY)[1]


def headers_text(headers: Mapping[str, str], secret: Secret | Veil | None = None) -> str:
    """Return headers as a JSON object that may be written down."""
    values = [
        HEADER_LABEL
        if name.lower() in SECRET_HEADERS
        else value
        if isinstance(value, str)
        else value.decode("latin-1")  # requests takes bytes as well
        for name, value in headers.items()
    ]
    # before JSON escapes them, or a key that is escaped already would be so twice; and at once,
    # which is faster than one by one
    names_and_values = url_text(_BETWEEN.join([*headers, *values]), secret).split(_BETWEEN)
    if len(names_and_values) != 2 * len(values):
        names_and_values = [url_text(text, secret) for text in (*headers, *values)]
    return json.dumps(dict(zip(names_and_values, names_and_values[len(values) :], strict=False)))


def header_secrets(headers: Mapping[str, str]) -> list[Secret]:
    """Return what must not be written down of headers if a server repeats it."""
    found: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if lower not in SECRET_HEADERS:
            continue
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if "cookie" in lower:
            pairs = _COOKIES.findall(value) if lower == "cookie" else _SET_COOKIES.findall(value)
            found.update(one for one in pairs if len(one) >= COOKIE_MIN)
            continue
        scheme, _, token = value.partition(" ")
        found.add(token.strip() or scheme)
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                found.add(base64.b64decode(token).decode("latin-1").partition(":")[2])
    return [Secret(one, HEADER_LABEL) for one in sorted(found) if len(one) >= SHORTEST]
