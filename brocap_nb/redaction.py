"""What may be written down: labels instead of pictures and secrets.

`Body` is a JSON text in pieces. From the same pieces come the bytes for the wire and the text
for the log, so the key never has to be searched for in what we send. What comes back is
searched: `Secret.redact` finds the key in an answer, however it is encoded.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import html
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Never, TypeAlias
from urllib.parse import quote

from brocap_nb import images

__all__ = [
    "Body",
    "EmbeddedPicture",
    "Secret",
    "Veil",
    "embedded_picture",
    "header_secrets",
    "headers_text",
    "redact_fields",
    "shorten_labels",
    "url_text",
    "with_labels",
]

KEY_LABEL: Final = "<clientKey>"
HEADER_LABEL: Final = "<left out>"
PICTURE_LABEL: Final = re.compile(r"<(image/[a-z]+) ([\d,]+) bytes sha256:([0-9a-f]{64})>")

# How base64 of each known picture format begins; a longer text is worth decoding.
_BASE64_STARTS: Final = ("iVBORw0KGg", "/9j/", "R0lGOD", "UklGR", "Qk")
_EMBEDDED_MIN: Final = 128

VEILED: Final = 20
PART: Final = 12
"""So many characters of a key in a row are redacted, even if the rest is elsewhere."""


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture that stands as base64 in a JSON text."""

    text: str
    """The base64."""
    data: bytes
    """The file."""
    media_type: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name under which a log keeps it: by content, so once each."""
        return picture_file_name(self.media_type, self.sha256)

    @property
    def label(self) -> str:
        """What stands for it in a log."""
        return f"<{self.media_type} {len(self.data):,} bytes sha256:{self.sha256}>"


def picture_file_name(media_type: str, sha256: str) -> str:
    """The name of a logged picture's file."""
    return f"{sha256}.{media_type.removeprefix('image/')}"


@functools.lru_cache(maxsize=8)  # a task's picture is asked for again and again
def embedded_picture(text: str) -> EmbeddedPicture | None:
    """Return the picture that a string is the base64 of, or None."""
    if len(text) < _EMBEDDED_MIN or not text.startswith(_BASE64_STARTS):
        return None
    try:
        data = images.decode_base64(text)
    except ValueError:
        return None
    kind = images.media_type(data)
    # only a text that can be rebuilt to the letter may be replaced by a label: strict base64 of
    # other letters can differ in its last four only
    end = base64.b64encode(data[len(data) - (len(data) % 3 or 3) :]).decode("ascii")
    if kind is None or not text.endswith(end):
        return None
    return EmbeddedPicture(text, data, kind, hashlib.sha256(data).hexdigest())


def shorten_labels(text: str) -> str:
    """Return `text` with the hashes in picture labels cut to 8 digits, for people."""
    if " bytes sha256:" not in text:
        return text
    return PICTURE_LABEL.sub(lambda m: f"<{m[1]} {m[2]} bytes sha256:{m[3][:8]}>", text)


_QUOTED_BASE64: Final = re.compile(rf'"([A-Za-z0-9+/]{{{_EMBEDDED_MIN - 2},}}={{0,2}})"')


def with_labels(text: str) -> tuple[str, list[EmbeddedPicture]]:
    """Return a JSON text with labels for the pictures in it, and the pictures."""
    pictures: list[EmbeddedPicture] = []

    def label(match: re.Match[str]) -> str:
        found = embedded_picture(match[1])
        if found is None:
            return match[0]
        pictures.append(found)
        return f'"{found.label}"'

    return _QUOTED_BASE64.sub(label, text), pictures


SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
_SECRET_WORDS: Final = (
    *(("authorization",), ("proxy", "authorization"), ("cookie",), ("cookies",)),
    *(("password",), ("proxy", "password"), ("api", "key"), ("client", "key")),
)
SECRET_FIELDS: Final = frozenset(
    between.join(words) for words in _SECRET_WORDS for between in ("", "_", "-")
)
"""Names of JSON fields whose values are never written down, in lower case."""

HIDDEN_MIN: Final = 6  # a shorter text is found in any answer by chance
_BETWEEN: Final = "\x1e"  # stands in no header
COOKIE_MIN: Final = 10  # most say something like `on`, `en-GB` or `dark`
_COOKIES: Final = re.compile(r"=\s*([^;]*)")
_SET_COOKIES: Final = re.compile(r"(?:^|,)\s*[^=;,\s]+=([^;,]*)")  # not Path, Expires and so on
_FIELD_NAMES: Final = re.compile("|".join(sorted(SECRET_FIELDS)), re.IGNORECASE)
_FIELD: Final = re.compile(
    rf'("(?:{_FIELD_NAMES.pattern})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[\d.eE+-]+)', re.IGNORECASE
)
_USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s@\"']+(?=@)")


def _field_label(name: str) -> str:
    return KEY_LABEL if name.lower() == "clientkey" else HEADER_LABEL


def redact_fields(text: str) -> str:
    """Return a JSON text in which passwords, cookies and the like are labels.

    A text that is not quite JSON is searched for such fields as well as may be.
    """
    if not _FIELD_NAMES.search(text):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _FIELD.sub(lambda m: f'{m[1]}"{_field_label(m[1].split(chr(34))[1])}"', text)
    body = Body.of(value)
    return body.text_of_fields if body.hides else text


def url_text(url: str, secret: Secret | Veil | None = None) -> str:
    """Return an address as it may be written down: without user, password and key."""
    if "@" in url:
        url = _USER_INFO.sub(HEADER_LABEL, url)
    return secret.redact(url) if secret else url


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
    return [Secret(one, HEADER_LABEL) for one in sorted(found) if len(one) >= HIDDEN_MIN]


class Secret:
    """A client key. It shows itself nowhere: not in a repr, a pickle or a traceback's locals."""

    __slots__ = ("__dict__", "_label", "_value")

    def __init__(self, value: str, label: str = KEY_LABEL) -> None:
        self._value = value
        self._label = label

    def reveal(self) -> str:
        """Return the key itself, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return self._label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self._label) == (
            other._value,
            other._label,
        )

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Never:
        raise TypeError("A client key is not pickled: pass it anew, or set $BROCAP_CLIENT_KEY.")

    @cached_property
    def _shortest(self) -> int:
        return len(self._value.split("__", 1)[0]) if "__" in self._value else len(self._value)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # suffixes such as `__nocache` may follow a key: the key without them is secret as well
        base = self._value.split("__", 1)[0]
        values = sorted(
            {self._value, base if len(base) >= 8 else self._value}, key=len, reverse=True
        )
        return re.compile("|".join(form for v in values for form in _forms(v)), re.IGNORECASE)

    def redact(self, text: str) -> str:
        """Return `text` with the key replaced by a label.

        Found are the key as it is, with any of its characters escaped as in JSON, HTML or a URL,
        as hexadecimal digits, and inside base64 at any offset; and any part of it of at least 12
        characters, as it is, as in a URL or inside base64: a server may split it.
        """
        size = len(text)
        if size >= self._shortest:  # no form of the key is shorter than the key
            text = self._pattern.sub(self._label, text)
        if size < PART or not self._parts:
            return text
        lower = text.lower()
        for probes in self._parts.values():
            for probe in probes:
                if probe in lower:
                    return self._without_parts(text)
        return text

    @cached_property
    def _parts(self) -> Mapping[str, tuple[str, ...]]:
        """The key's texts, each with pieces of it of which one is in every part of it.

        Where a part is `PART` characters long, so as to be redacted, a whole piece of half that
        length lies inside it: to search for those few pieces is fast.
        """
        if len(self._value) <= PART:
            return {}
        raw = self._value.encode()
        texts = {self._value.lower(): PART, quote(self._value, safe="").lower(): PART}
        for offset in range(3):
            start, stop = (offset * 8 + 5) // 6, (offset + len(raw)) * 8 // 6
            core = base64.b64encode(bytes(offset) + raw).decode("ascii")[start:stop].lower()
            texts[core] = texts[core.replace("+", "-").replace("/", "_")] = PART * 8 // 6
        return {
            text: tuple(
                text[at : at + part // 2] for at in range(0, len(text) - part // 2 + 1, part // 2)
            )
            for text, part in texts.items()
        }

    def _without_parts(self, text: str) -> str:
        """Redact every part of the key that is at least `PART` characters long."""
        lower = text.lower()
        if len(lower) != len(text):  # there are letters whose lower case is two letters
            lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        places: list[tuple[int, int]] = []
        for whole, probes in self._parts.items():
            least = 2 * len(probes[0])
            for number, probe in enumerate(probes):
                at = lower.find(probe)
                while at >= 0:
                    own = number * len(probe)
                    start, stop, left = at, at + len(probe), own
                    while start and left and lower[start - 1] == whole[left - 1]:
                        start, left = start - 1, left - 1
                    right = own + len(probe)
                    while stop < len(lower) and right < len(whole) and lower[stop] == whole[right]:
                        stop, right = stop + 1, right + 1
                    if stop - start >= least:
                        places.append((start, stop))
                    at = lower.find(probe, at + 1)
        pieces, done = [], 0
        for start, stop in sorted(places):
            if start >= done:
                pieces += [text[done:start], self._label]
            done = max(done, stop)
        return "".join([*pieces, text[done:]]) if places else text


class Veil:
    """Several secrets, found as one: the key, and what else a request has that is secret."""

    __slots__ = ("_secrets",)

    def __init__(self, *secrets: Secret) -> None:
        self._secrets = tuple(dict.fromkeys(secrets))

    def covers(self, secrets: Iterable[Secret]) -> bool:
        """Whether all of `secrets` are among them."""
        return all(secret in self._secrets for secret in secrets)

    def over(self, secrets: Iterable[Secret]) -> Veil:
        """Return a veil that finds `secrets` as well, the oldest forgotten if they are many."""
        known = [*dict.fromkeys((*self._secrets, *secrets))]
        return Veil(*known[:1], *known[1:][-VEILED:])

    def redact(self, text: str) -> str:
        """Return `text` with labels for all of them; see `Secret.redact`."""
        for secret in self._secrets:
            text = secret.redact(text)
        return text

    def __repr__(self) -> str:
        return f"Veil({len(self._secrets)} secrets)"


def _forms(value: str) -> list[str]:
    raw = value.encode()
    # a server may have decoded UTF-16 badly: a NUL may stand between the characters
    yield_ = [r"\x00?".join(_char(c) for c in value), raw.hex()]
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + raw).decode("ascii").rstrip("=")
        start = (offset * 8 + 5) // 6
        stop = (offset + len(raw)) * 8 // 6
        core = encoded[start:stop]
        yield_ += [re.escape(core), re.escape(core.replace("+", "-").replace("/", "_"))]
    return yield_


def _char(char: str) -> str:
    number = ord(char)
    utf8 = "".join(f"%{byte:02x}" for byte in char.encode())
    escaped = html.escape(char)
    # no two alternatives may match the same text, or a near miss takes forever
    named = "" if escaped == char else f"|{escaped}"
    # the longest first, or half of the last character's dress would be left
    return (
        f"(?:\\\\u{number:04x}|{utf8}|&#0*{number};|&#x0*{number:x};{named}"
        f"|\\\\{re.escape(char)}|{re.escape(char)})"
    )


class _Hidden:
    """A value that goes out and is not written down."""

    __slots__ = ("_json", "label")

    def __init__(self, value: Any, label: str) -> None:
        self._json = json.dumps(value, allow_nan=False)
        self.label = label

    def reveal(self) -> str:
        return self._json

    def secret(self) -> Secret | None:
        """What to look for in an answer: not a text that is found there by chance."""
        value = json.loads(self._json)
        long = isinstance(value, str) and len(value) >= HIDDEN_MIN
        return Secret(value, self.label) if long else None

    def __repr__(self) -> str:
        return self.label


_Piece: TypeAlias = "str | EmbeddedPicture | _Hidden | Body | None"


class Body:
    """A JSON text in pieces: plain text, pictures, other bodies, and the place of the key.

    What it is asked for again, it has made once: a task's body serves every request with it.
    """

    __slots__ = ("_pieces", "_redacted", "_wire", "hidden")

    KEY: Final = object()
    """Stands for the key in a value given to `Body.of` or `Body.envelope`."""

    def __init__(self, pieces: tuple[_Piece, ...]) -> None:
        self._pieces = pieces  # None is the key's place
        self._redacted: tuple[Secret | Veil, str] | None = None
        self._wire: bytes | None = None
        self.hidden: tuple[Secret, ...] = ()
        """Passwords and the like that are sent in it: a server may repeat them."""

    @classmethod
    def of(cls, value: Any) -> Body:
        """Return the body of a JSON value, in which `Body.KEY` and other bodies may stand."""
        mark = secrets.token_hex(12)  # unguessable, so no text of the value can be taken for it
        held: list[_Piece] = []

        def hold(item: _Piece) -> str:
            held.append(item)
            return mark

        def walk(item: Any) -> Any:
            if isinstance(item, str):
                found = embedded_picture(item) if len(item) >= _EMBEDDED_MIN else None
                return item if found is None else hold(found)
            if isinstance(item, dict):
                return {
                    name: hide(inner, name)
                    if isinstance(name, str) and name.lower() in SECRET_FIELDS
                    else walk(inner)
                    for name, inner in item.items()
                }
            if isinstance(item, (list, tuple)):
                return [walk(inner) for inner in item]
            if isinstance(item, Body):
                return hold(item)
            return hold(None) if item is Body.KEY else item

        def hide(item: Any, name: str) -> Any:
            if isinstance(item, dict):
                return {inner: hide(value, name) for inner, value in item.items()}
            if isinstance(item, (list, tuple)):
                return [hide(inner, name) for inner in item]
            plain = isinstance(item, (str, int, float)) and not isinstance(item, bool)
            label = _field_label(name)
            return hold(_Hidden(item, label)) if plain and item not in ("", label) else walk(item)

        texts = json.dumps(walk(value), allow_nan=False).split(f'"{mark}"')
        pieces: list[_Piece] = [texts[0]]
        for item, text in zip(held, texts[1:], strict=True):
            pieces += (item, text)
        body = cls(tuple(pieces))
        found = [item.secret() for item in held if isinstance(item, _Hidden)]
        inner = [secret for item in held if isinstance(item, Body) for secret in item.hidden]
        body.hidden = (*(secret for secret in found if secret is not None), *inner)
        return body

    @classmethod
    def envelope(cls, fields: Mapping[str, Any]) -> Body:
        """Return the body of an object of plain values, `Body.KEY` and bodies, without a walk."""
        pieces: list[_Piece] = []
        hidden: tuple[Secret, ...] = ()
        start = "{"
        for name, value in fields.items():
            pieces.append(f'{start}"{name}": ')
            if value is Body.KEY:
                pieces.append(None)
            elif isinstance(value, Body):
                pieces.append(value)
                hidden += value.hidden
            else:
                pieces.append(json.dumps(value))
            start = ", "
        body = cls((*pieces, "}"))
        body.hidden = hidden
        return body

    @property
    def pictures(self) -> list[EmbeddedPicture]:
        """The pictures in it, in order."""
        found: list[EmbeddedPicture] = []
        for piece in self._pieces:
            if isinstance(piece, EmbeddedPicture):
                found.append(piece)
            elif isinstance(piece, Body):
                found += piece.pictures
        return found

    @property
    def text(self) -> str:
        """The text for a log: pictures and the key are labels."""
        return "".join(piece if isinstance(piece, str) else _label(piece) for piece in self._pieces)

    @property
    def hides(self) -> bool:
        """Whether a value of it is never written down."""
        return any(
            isinstance(piece, _Hidden) or (isinstance(piece, Body) and piece.hides)
            for piece in self._pieces
        )

    @property
    def text_of_fields(self) -> str:
        """The text with labels for passwords and the like only: pictures stay as they are."""
        return "".join(
            piece
            if isinstance(piece, str)
            else f'"{piece.text}"'
            if isinstance(piece, EmbeddedPicture)
            else piece.text_of_fields
            if isinstance(piece, Body)
            else _label(piece)
            for piece in self._pieces
        )

    def redacted(self, key: Secret | Veil) -> str:
        """Return `text` for the case that the value itself quotes the key somewhere."""
        if self._redacted is None or self._redacted[0] is not key:
            text = "".join(
                key.redact(piece)
                if isinstance(piece, str)
                else piece.redacted(key)
                if isinstance(piece, Body)
                else _label(piece)
                for piece in self._pieces
            )
            self._redacted = key, text
        return self._redacted[1]

    def wire(self, key: Secret) -> bytes:
        """Return the bytes to send."""
        if self._wire is not None:
            return self._wire
        made = b"".join(
            piece.encode("ascii")
            if isinstance(piece, str)
            else piece.wire(key)
            if isinstance(piece, Body)
            else piece.reveal().encode("ascii")
            if isinstance(piece, _Hidden)
            else json.dumps(key.reveal()).encode("ascii")
            if piece is None
            else b'"%b"' % piece.text.encode("ascii")
            for piece in self._pieces
        )
        if not any(piece is None or isinstance(piece, Body) for piece in self._pieces):
            self._wire = made  # only what cannot hold the key is kept
        return made


def _label(piece: EmbeddedPicture | _Hidden | Body | None) -> str:
    if isinstance(piece, Body):
        return piece.text
    return f'"{KEY_LABEL if piece is None else piece.label}"'
