"""What may be written down: labels instead of pictures and secrets.

`Body` is a JSON text in pieces. From the same pieces come the bytes for the wire and the text
for the log, so the key never has to be searched for in what we send. What comes back is
searched: `Secret.redact` finds the key in an answer, however it is encoded.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Never, TypeAlias

from brocap_nb import images

__all__ = [
    "Body",
    "EmbeddedPicture",
    "Secret",
    "embedded_picture",
    "headers_text",
    "shorten_labels",
]

KEY_LABEL: Final = "<clientKey>"
HEADER_LABEL: Final = "<left out>"
PICTURE_LABEL: Final = re.compile(r"<(image/[a-z]+) ([\d,]+) bytes sha256:([0-9a-f]{64})>")

# How base64 of each known picture format begins; a longer text is worth decoding.
_BASE64_STARTS: Final = ("iVBORw0KGg", "/9j/", "R0lGOD", "UklGR", "Qk")
_EMBEDDED_MIN: Final = 128


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


def embedded_picture(text: str) -> EmbeddedPicture | None:
    """Return the picture that a string is the base64 of, or None."""
    if len(text) < _EMBEDDED_MIN or not text.startswith(_BASE64_STARTS):
        return None
    try:
        data = images.decode_base64(text)
    except ValueError:
        return None
    kind = images.media_type(data)
    # only a text that can be rebuilt to the letter may be replaced by a label
    if kind is None or base64.b64encode(data).decode("ascii") != text:
        return None
    return EmbeddedPicture(text, data, kind, hashlib.sha256(data).hexdigest())


def shorten_labels(text: str) -> str:
    """Return `text` with the hashes in picture labels cut to 8 digits, for people."""
    if " bytes sha256:" not in text:
        return text
    return PICTURE_LABEL.sub(lambda m: f"<{m[1]} {m[2]} bytes sha256:{m[3][:8]}>", text)


SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)


def headers_text(headers: Mapping[str, str], secret: Secret | None = None) -> str:
    """Return headers as a JSON object that may be written down."""
    kept = {
        name: HEADER_LABEL if name.lower() in SECRET_HEADERS else value
        for name, value in headers.items()
    }
    text = json.dumps(kept)
    return secret.redact(text) if secret else text


class Secret:
    """A client key. It shows itself nowhere: not in a repr, a pickle or a traceback's locals."""

    __slots__ = ("__dict__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return KEY_LABEL

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
        as hexadecimal digits, and inside base64 at any offset.
        """
        if len(text) < self._shortest:  # no form of the key is shorter than the key
            return text
        return self._pattern.sub(KEY_LABEL, text)


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


_Piece: TypeAlias = "str | EmbeddedPicture | Body | None"


class Body:
    """A JSON text in pieces: plain text, pictures, other bodies, and the place of the key.

    What it is asked for again, it has made once: a task's body serves every request with it.
    """

    __slots__ = ("_pieces", "_redacted", "_wire")

    KEY: Final = object()
    """Stands for the key in a value given to `Body.of` or `Body.envelope`."""

    def __init__(self, pieces: tuple[_Piece, ...]) -> None:
        self._pieces = pieces  # None is the key's place
        self._redacted: tuple[Secret, str] | None = None
        self._wire: bytes | None = None

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
                return {name: walk(inner) for name, inner in item.items()}
            if isinstance(item, (list, tuple)):
                return [walk(inner) for inner in item]
            if isinstance(item, Body):
                return hold(item)
            return hold(None) if item is Body.KEY else item

        texts = json.dumps(walk(value), allow_nan=False).split(f'"{mark}"')
        pieces: list[_Piece] = [texts[0]]
        for item, text in zip(held, texts[1:], strict=True):
            pieces += (item, text)
        return cls(tuple(pieces))

    @classmethod
    def envelope(cls, fields: Mapping[str, Any]) -> Body:
        """Return the body of an object of plain values, `Body.KEY` and bodies, without a walk."""
        pieces: list[_Piece] = []
        start = "{"
        for name, value in fields.items():
            pieces.append(f'{start}"{name}": ')
            if value is Body.KEY:
                pieces.append(None)
            else:
                pieces.append(value if isinstance(value, Body) else json.dumps(value))
            start = ", "
        return cls((*pieces, "}"))

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

    def redacted(self, key: Secret) -> str:
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
            else json.dumps(key.reveal()).encode("ascii")
            if piece is None
            else b'"%b"' % piece.text.encode("ascii")
            for piece in self._pieces
        )
        if not any(piece is None or isinstance(piece, Body) for piece in self._pieces):
            self._wire = made  # only what cannot hold the key is kept
        return made


def _label(piece: EmbeddedPicture | Body | None) -> str:
    if isinstance(piece, Body):
        return piece.text
    return f'"{KEY_LABEL if piece is None else piece.label}"'
