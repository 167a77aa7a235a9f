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
from typing import Any, Final, Never

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
        return self._pattern.sub(KEY_LABEL, text)


def _forms(value: str) -> list[str]:
    raw = value.encode()
    yield_ = ["".join(_char(c) for c in value), raw.hex()]
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
    # a server may have decoded UTF-16 badly: a NUL may stand behind each character
    # the longest first, or half of the last character's dress would be left
    return (
        f"(?:\\\\u{number:04x}|{utf8}|&#0*{number};|&#x0*{number:x};{named}"
        f"|\\\\{re.escape(char)}|{re.escape(char)})\\x00?"
    )


class Body:
    """A JSON text in pieces: plain text, pictures, and the place of the key."""

    __slots__ = ("_pieces",)

    KEY: Final = object()
    """Stands for the key in a value given to `Body.of`."""

    def __init__(self, pieces: tuple[str | EmbeddedPicture | None, ...]) -> None:
        self._pieces = pieces  # None is the key's place

    @classmethod
    def of(cls, value: Any) -> Body:
        """Return the body of a JSON value, in which `Body.KEY` and other bodies may stand."""
        mark = secrets.token_hex(12)  # unguessable, so no text of the value can be taken for it
        held: list[Body | EmbeddedPicture | None] = []

        def hold(item: Body | EmbeddedPicture | None) -> str:
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
        pieces: list[str | EmbeddedPicture | None] = [texts[0]]
        for item, text in zip(held, texts[1:], strict=True):
            pieces += item._pieces if isinstance(item, Body) else (item,)
            pieces.append(text)
        return cls(tuple(pieces))

    @property
    def pictures(self) -> list[EmbeddedPicture]:
        """The pictures in it, in order."""
        return [piece for piece in self._pieces if isinstance(piece, EmbeddedPicture)]

    @property
    def text(self) -> str:
        """The text for a log: pictures and the key are labels."""
        return "".join(
            piece if isinstance(piece, str) else f'"{KEY_LABEL if piece is None else piece.label}"'
            for piece in self._pieces
        )

    def redacted(self, key: Secret) -> str:
        """Return `text` for the case that the value itself quotes the key somewhere."""
        return key.redact(self.text)

    def wire(self, key: Secret) -> bytes:
        """Return the bytes to send."""
        return "".join(
            piece
            if isinstance(piece, str)
            else json.dumps(key.reveal())
            if piece is None
            else f'"{piece.text}"'
            for piece in self._pieces
        ).encode("ascii")
