"""A JSON text in pieces: the bytes for the wire, and the text for the log.

Both are made from the same pieces, so the key never has to be searched for in what we send.
A picture that stands as base64 in a text is found here, and has a label in a log.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Final, TypeAlias

from brocap_nb.api import _secrets
from brocap_nb.api._secrets import KEY_LABEL, Secret, SecretText, Veil, label_of, without_frames

_SIGNATURES: Final = {
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/jpeg": rb"\xff\xd8\xff",
    "image/gif": rb"GIF8",
    "image/bmp": rb"BM",
    "image/webp": rb"RIFF....WEBP",
}
_EMBEDDED_MIN: Final = 128
_QUOTED_BASE64: Final = re.compile(rf'"([A-Za-z0-9+/]{{{_EMBEDDED_MIN - 2},}}+={{0,2}})"')


def media_type(data: bytes) -> str | None:
    """Return the media type that the first bytes tell, or None if they tell none."""
    matching = (kind for kind, start in _SIGNATURES.items() if re.match(start, data, re.DOTALL))
    return next(matching, None)


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture that stands as base64 in a JSON text."""

    sent: bytes  # the base64 in quotes
    data: bytes  # the file
    media_type: str
    sha256: str

    @property
    def label(self) -> str:
        return f"<{self.media_type} {len(self.data):,} bytes sha256:{self.sha256}>"


def picture_file_name(media_type: str, sha256: str) -> str:
    """The name under which a log keeps a picture: by content, so once each."""
    return f"{sha256}.{media_type.removeprefix('image/')}"


@functools.lru_cache(maxsize=8)  # a task's picture is asked for again and again
def embedded_picture(text: str) -> EmbeddedPicture | None:
    """Return the picture that a string is the base64 of, or None."""
    if len(text) < _EMBEDDED_MIN:
        return None
    try:  # a tenth of b64decode's time
        kind = media_type(binascii.a2b_base64(text[:24], strict_mode=True))
        data = binascii.a2b_base64(text, strict_mode=True) if kind else b""
    except ValueError:
        return None
    # only a text that can be rebuilt to the letter may be replaced by a label: strict base64 of
    # other letters can differ in its last four only
    end = base64.b64encode(data[len(data) - (len(data) % 3 or 3) :]).decode("ascii")
    if kind is None or not text.endswith(end):
        return None
    return EmbeddedPicture(
        f'"{text}"'.encode("ascii"), data, kind, hashlib.sha256(data).hexdigest()
    )


def shorten_labels(text: str) -> str:
    """Return `text` with the hashes in picture labels cut to 8 digits, for people."""
    return _secrets.PICTURE_LABEL.sub(lambda m: f"<{m[1]} {m[2]} bytes sha256:{m[3][:8]}>", text)


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


@without_frames
def redact_body(text: str, content_type: str = "") -> tuple[str, list[Secret]]:
    """Return a body as it may be written down, and what must not be if it is repeated.

    All that is no form is read as JSON, and searched for fields as well as may be if it is none.
    """
    shown, found = _secrets.redact_form(text, content_type)
    if shown != text or not _secrets.FIELD_NAMES.search(text):
        return shown, found

    def leaf(item: Any, label: str) -> Any:
        if label:
            found.append(Secret(str(item), label))
        return label or item

    try:
        value = _walk(json.loads(text), leaf)
    except (ValueError, RecursionError):
        return _secrets.redact_torn(text)
    return (json.dumps(value) if found else text), found


def _walk(item: Any, leaf: Callable[[Any, str], Any], label: str = "") -> Any:
    """A JSON value of other leaves; `leaf` gets each with a label if it is secret, else with ""."""
    if isinstance(item, dict):
        return {
            name: _walk(inner, leaf, (isinstance(name, str) and label_of(name)) or label)
            for name, inner in item.items()
        }
    if isinstance(item, (list, tuple)):
        return [_walk(inner, leaf, label) for inner in item]
    if isinstance(item, SecretText):
        label = label or _secrets.HEADER_LABEL
    value = isinstance(item, (str, int, float)) and not isinstance(item, bool)
    return leaf(item, label if value and item not in ("", label) else "")


_Piece: TypeAlias = str | EmbeddedPicture | Secret | None
_MARK: Final = secrets.token_hex(12)  # no text of a value can be taken for it


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Body:
    """A JSON text in pieces: plain text, pictures, secrets, and None for the key."""

    _pieces: tuple[_Piece, ...]
    KEY: ClassVar = object()  # stands for the key in a value given to `Body.of`

    @classmethod
    def of(cls, value: Any) -> Body:
        """Return the body of a JSON value, in which `Body.KEY` and other bodies may stand.

        The values of secret fields, and each `SecretText`, are sent and not written down.
        """
        held: list[tuple[_Piece, ...]] = []

        def leaf(item: Any, label: str) -> Any:
            if label:
                held.append((Secret(json.dumps(item, allow_nan=False), label),))
            elif item is Body.KEY:
                held.append((None,))
            elif isinstance(item, Body):
                held.append(item._pieces)
            elif isinstance(item, str) and (picture := embedded_picture(item)):
                held.append((picture,))
            else:
                return item
            return _MARK

        first, *texts = json.dumps(_walk(value, leaf), allow_nan=False).split(f'"{_MARK}"')
        return cls((first, *chain(*((*one, text) for one, text in zip(held, texts, strict=True)))))

    @property
    def pictures(self) -> list[EmbeddedPicture]:
        return [piece for piece in self._pieces if isinstance(piece, EmbeddedPicture)]

    @property
    def hidden(self) -> list[Secret]:
        """Passwords and the like that are sent in it: a server may repeat them."""
        held = [piece for piece in self._pieces if isinstance(piece, Secret)]
        return [Secret(str(json.loads(one.reveal())), one.label) for one in held]

    @property
    def text(self) -> str:
        """The text for people: pictures and secrets are labels, and `$BROCAP_CLIENT_KEY`."""
        return self.redacted(Veil())

    def redacted(self, veil: Secret | Veil) -> str:
        """Return the text for a log."""
        return "".join([_redacted(piece, veil) for piece in self._pieces])

    def wire(self, key: Secret) -> bytes:
        return b"".join([_sent(piece, key) for piece in self._pieces])

    def __deepcopy__(self, memo: object) -> Body:
        return self  # nobody can change it, and a secret in it is not copied


# a text may quote the key; what is sent again and again is searched once
_often: Final = functools.lru_cache(maxsize=64)(lambda veil, text: str(veil.redact(text)))


def _redacted(piece: _Piece, veil: Secret | Veil) -> str:
    if isinstance(piece, str):
        return _often(veil, piece) if len(piece) < 20_000 else veil.redact(piece)
    return f'"{piece.label if piece else KEY_LABEL}"'


def _sent(piece: _Piece, key: Secret) -> bytes:
    if isinstance(piece, EmbeddedPicture):
        return piece.sent
    if isinstance(piece, str):
        return piece.encode("ascii")
    # no local variable has the key, which a traceback would show
    return (piece.reveal() if piece else json.dumps(key.reveal())).encode("ascii")
