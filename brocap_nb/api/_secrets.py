"""What is secret, and the labels that stand in its place.

`Secret.redact` and `Veil.redact` find secrets in any text: as they are, with characters escaped as
in JSON, HTML or a URL, as hexadecimal digits, and inside base64 at any offset. One search, whose
time does not depend on how many there are, looks for all of them at once. What they put in, they do
not read again. A value is secret by its name as well: see `label_of`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial, wraps
from typing import Any, Final, Never, TypeAlias, TypeVar, cast
from urllib.parse import unquote_plus

KEY_VARIABLE: Final = "BROCAP_CLIENT_KEY"  # of the environment: the key, if none is given
KEY_LABEL: Final = "<clientKey>"
HEADER_LABEL: Final = "<left out>"
PICTURE_LABEL: Final = re.compile(r"<(image/[a-z]+) ([\d,]+) bytes sha256:([0-9a-f]{64})>")
_LABEL: Final = re.compile(
    rf"({KEY_LABEL}|{HEADER_LABEL}|<image/[a-z]+ [\d,]+ bytes sha256:[0-9a-f]{{64}}>)"
)

SHORTEST: Final = 8  # a secret of fewer is a label in its own field only: any text has it
PART: Final = 12  # so many characters of a secret in a row are redacted, wherever the rest is
VEILED: Final = 20
COOKIE_MIN: Final = 10  # most say something like `on`, `en-GB` or `dark`


# --- secrets in a text ------------------------------------------------------------------------


class SecretText(str):
    """A text that is sent as it is, and is a label wherever it is shown, as in a traceback."""

    def __repr__(self) -> str:
        return repr(HEADER_LABEL)


_Function = TypeVar("_Function", bound=Callable[..., Any])


def bare(error: BaseException) -> BaseException:
    """Return an exception without the frames it came through: they may hold a body."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def without_frames(function: _Function) -> _Function:
    """Let no exception take the frames of a function along: they hold what is not redacted yet."""

    @wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except BaseException as error:
            given, named = (), {}
            raise bare(error) from None

    return cast(_Function, call)


class Secret:
    """A client key, a password. No repr, pickle, traceback or inspector of objects shows it."""

    label = KEY_LABEL  # of one that is half made as well: a traceback shows it

    def __init__(self, value: str, label: str = KEY_LABEL) -> None:
        value, self.label = SecretText(value), label
        # the secret itself, for the wire only; no attribute has it: those are shown to who looks
        self.reveal: Callable[[], str] = lambda: value

    @without_frames
    def redact(self, text: str) -> str:
        """Return `text` with a label in the place of the secret, however it is dressed."""
        return _finder((self,))(text)

    def __repr__(self) -> str:
        return self.label

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self.reveal(), self.label) == (other.reveal(), other.label)

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __reduce__(self) -> Never:
        raise TypeError(
            f"A secret ({self.label}) is not pickled: pass it anew where it is needed, or set "
            f"${KEY_VARIABLE}."
        )


class Veil:
    """Several secrets, found as one; the key that `$BROCAP_CLIENT_KEY` has is always among them."""

    def __init__(self, *secrets: Secret, met: tuple[Secret, ...] = ()) -> None:
        self._given, self._met = secrets, met
        known = dict.fromkeys((*secrets, Secret(os.environ.get(KEY_VARIABLE, "")), *met))
        self._secrets = tuple(secret for secret in known if len(secret.reveal()) >= SHORTEST)
        self._redact = _finder(self._secrets)

    def over(self, secrets: Iterable[Secret]) -> Veil:
        """Return a veil that finds `secrets` too; of those that came so the last are kept."""
        new = [one for one in dict.fromkeys(secrets) if len(one.reveal()) >= SHORTEST]
        if all(one in self._secrets for one in new):
            return self
        return Veil(*self._given, met=(*self._met, *new)[-VEILED:])

    @without_frames
    def redact(self, text: str) -> str:
        """Return `text` with labels for all of them; see `Secret.redact`."""
        return self._redact(text)


_Place: TypeAlias = tuple[int, int, str]  # start and stop in a text, and the label for it
_Search: TypeAlias = Callable[[str], list[_Place]]


@lru_cache(maxsize=64)
@without_frames
def _finder(secrets: tuple[Secret, ...]) -> Callable[[str], str]:
    """Return what puts labels in the place of secrets. It has them in its closure only."""
    # A text holds a secret if a part of it is one of `parts`. Each part, wherever it stands, holds
    # one of the pieces into which `search` cuts the text: so few of these are looked up.
    parts: dict[str, str] = {}
    probes: dict[str, set[int]] = {}
    known = [(text, secret.label) for secret in secrets for text in _spellings(secret.reveal())]
    shortest = min((min(len(text), PART) for text, _ in known), default=0)
    piece = (shortest + 1) // 2
    step = shortest + 1 - piece
    base64_digits = re.compile(rf"[A-Za-z0-9+/_-]{{{-(-shortest * 4 // 3)},}}+")
    hex_digits = re.compile(rf"[\da-fA-F]{{{2 * shortest},}}+")
    for text, label in known:
        length = min(len(text), PART)
        for at in range(len(text) - length + 1):
            parts.setdefault(text[at : at + length], label)
        for at in range(len(text) - piece + 1):
            probes.setdefault(text[at : at + piece], set()).add(length)

    def search(text: str) -> list[_Place]:
        plain = _plain(text)
        return [
            (start, start + length, parts[plain[start : start + length]])
            for first in range(0, len(plain) - piece + 1, step)
            if plain[first : first + piece] in probes
            for length in probes[plain[first : first + piece]]
            for start in range(max(first + piece - length, 0), min(first, len(plain) - length) + 1)
            if plain[start : start + length] in parts
        ]

    def redact(text: str) -> str:
        places = search(text)
        for sign, tokens in _DRESSES.items():
            if sign in text:
                places += _undressed(text, tokens, search)
        for run in base64_digits.finditer(text):
            places += _decoded(run, 4, search)
            for hexes in hex_digits.finditer(text, *run.span()):
                places += _decoded(hexes, 2, search)
        pieces, done = [], 0
        for start, stop, label in sorted(places):
            if start >= done:
                pieces += [text[done:start], label]
            done = max(done, stop)
        return "".join([*pieces, text[done:]]) if places else text

    def redact_between_labels(text: str) -> str:
        pieces = _LABEL.split(text)  # what is between labels and a label, in turns
        pieces[::2] = map(redact, pieces[::2])
        return "".join(pieces)

    return redact_between_labels if parts else str


def _spellings(value: str) -> set[str]:
    """What to look for in plain texts: nothing if the secret is too short to be looked for."""
    return {
        _plain(text)
        # suffixes such as `__nocache` may follow a key: the key without them is secret as well
        for whole in (value, value.split("__", 1)[0])
        if len(whole) >= SHORTEST
        # what is decoded byte by byte has each byte as a character
        for text in (whole, whole.encode("utf-8", "surrogatepass").decode("latin-1"))
    }


def _plain(text: str) -> str:
    """A text of the same length without what makes no difference: case, and `+` for a blank."""
    if not text.isascii() and len(text.lower()) != len(text):
        text = "".join([letter.lower()[0] for letter in text])  # some become two
    return text.lower().replace("+", " ")


# A sign that a text is dressed so, and what then is to be replaced in it by its meaning.
_DRESSES: Final = {
    "\\": re.compile(
        r"(\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\.)", re.S
    ),
    "%": re.compile(r"(%[\da-fA-F]{2})"),
    "&": re.compile(r"(&(?:#[xX]?[\da-fA-F]{1,20}|[a-z]{2,6});)"),
    "\0": re.compile("(\0)"),  # what was UTF-16 and is read as something else
}


@lru_cache(maxsize=4096)
def _meaning(token: str) -> str:
    """What an escape of JSON, of a URL or of HTML stands for."""
    if token[0] == "%":
        return chr(int(token[1:], 16))
    if token[0] == "&":
        return html.unescape(token)
    try:
        return str(json.loads(f'"{token}"'))
    except ValueError:  # no escape of JSON, but of something else; or NUL, which means nothing
        return token[1:]


def _undressed(text: str, tokens: re.Pattern[str], search: _Search) -> list[_Place]:
    """Search a text with its tokens replaced by what they mean; return places in the text."""
    pieces = tokens.split(text)  # what is between tokens and a token, in turns
    meant = pieces.copy()
    meant[1::2] = map(_meaning, pieces[1::2])
    found = search("".join(meant))
    spans: list[tuple[int, int]] = []  # where each character that was searched is in the text
    at = 0
    for number, piece in enumerate(pieces if found else ()):
        end = at + len(piece)
        escape = [(at, end)] * len(meant[number])
        spans += escape if number % 2 else [(place, place + 1) for place in range(at, end)]
        at = end
    return [(spans[start][0], spans[stop - 1][1], label) for start, stop, label in found]


def _decoded(run: re.Match[str], size: int, search: _Search) -> Iterator[_Place]:
    """Search a run of digits, of which `size` are some bytes: of base64, or hexadecimal ones."""
    read, length = (binascii.a2b_base64, 3) if size == 4 else (binascii.a2b_hex, 1)
    digits = run[0].replace("-", "+").replace("_", "/")
    for offset in range(size):
        code = digits[offset:]
        data = read(code + "A" * (-len(code) % size)).decode("latin-1")
        begin = run.start() + offset
        for start, stop, label in search(data):
            yield begin + start * size // length, begin - (-stop * size // length), label


# --- what is secret by its name ---------------------------------------------------------------

# Neither `key` nor `token`: a token is what a solution was paid for. A blank stands for any way to
# join two words.
_FIELDS: Final = (
    "(?:proxy )?authorization|cookies?|(?:proxy )?password|(?:api|client) key"
).replace(" ", "[-_ ]?")
_NAMES: Final = rf"{_FIELDS}|((access|auth|refresh)[-_ ]?)?token|(client[-_ ]?)?secret|key"


def _named(names: str) -> re.Pattern[str]:
    return re.compile(rf"(.*[.\[])?\s*({names})[\]\s]*", re.IGNORECASE | re.DOTALL)


SECRET_FIELDS: Final = _named(_FIELDS)
"""Names of fields whose values are never written down; also as the last word of `user.password`."""
SECRET_NAMES: Final = _named(_NAMES)
"""Those of a form, also as in `user[password]`, or of a query."""
FIELD_NAMES: Final = re.compile(_FIELDS, re.IGNORECASE)
SECRET_HEADERS: Final = _named(rf"(x[-_])?({_NAMES})|set-cookie")

_COOKIES: Final = re.compile(r"=\s*([^;]*)")
_SET_COOKIES: Final = re.compile(r"(?:^|,)\s*[^=;,\s]+=([^;,]*)")  # not Path, Expires and so on
# a name and a value: of JSON that is torn, a query, a form, a part of a multipart body
_IN_JSON: Final = re.compile(
    rf'"({_FIELDS})"\s*:\s*"?((?<=")(?:[^"\\]|\\.)*+|[\d.eE+-]+)', re.IGNORECASE
)
_IN_QUERY: Final = re.compile(r'(?<=[?&#])([^=&#?\s]{1,100})=([^&#\s"<>]+)')
_IN_FORM: Final = re.compile(r"(?:\A|(?<=&))([^=&]{1,100})=([^&]+)")
_IN_PART: Final = re.compile(
    r"\A(?>.*?[;\s]name=\"?([^\";\r\n]*))(?>.*?\r?\n\r?\n)(.*[^\r\n])", re.DOTALL | re.IGNORECASE
)
_USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s\"']+(?=@)")
_FORM: Final = "application/x-www-form-urlencoded"
_LIKE_A_FORM: Final = re.compile(r"[^\s=&{}<\"]{1,100}=\S*\s*\Z")
_BOUNDARY: Final = re.compile(r"\s*(--[^\r\n]+)")


@lru_cache(maxsize=1024)
def label_of(name: str, secret: re.Pattern[str] = SECRET_FIELDS) -> str:
    """Return the label for the value of a field whose name means a secret, else an empty text."""
    if not secret.fullmatch(name):
        return ""
    return KEY_LABEL if "clientkey" in re.sub("[-_ ]", "", name).lower() else HEADER_LABEL


def _labelled(
    text: str, pairs: re.Pattern[str], read: Callable[[str], str] = unquote_plus
) -> tuple[str, list[Secret]]:
    """Return a text with labels for the secrets among its pairs, and what they are when read."""
    found: list[Secret] = []

    def shown(pair: re.Match[str]) -> str:
        value = SecretText(read(pair[2]))
        label, secrets = label_of(unquote_plus(pair[1]), SECRET_NAMES), []
        if label:
            secrets = [Secret(value, label)] if value not in ("", label) else []
        elif value.startswith(("{", "[")) and pairs is not _IN_JSON:
            label, secrets = redact_torn(value)
        found.extend(secrets)
        return pair[0].removesuffix(pair[2]) + label if secrets else pair[0]

    return pairs.sub(shown, text), found


def _unescaped(text: str) -> str:
    return _DRESSES["\\"].sub(lambda token: _meaning(token[0]), text)


redact_torn: Final = partial(_labelled, pairs=_IN_JSON, read=_unescaped)
"""Redact what looks like fields of JSON, in a text that is none; see `redact_body`."""


@without_frames
def redact_form(text: str, content_type: str = "") -> tuple[str, list[Secret]]:
    """Return a form's body as it may be written down, and what is secret in it."""
    kind = content_type.partition(";")[0].strip().lower()
    boundary = _BOUNDARY.match(text)
    if boundary and (not kind or kind.startswith("multipart/")):
        parts = [_labelled(part, _IN_PART, str) for part in text.split(boundary[1])]
        found = [secret for _, secrets in parts for secret in secrets]
        return boundary[1].join(shown for shown, _ in parts), found
    like_a_form = kind in ("", "text/plain") and _LIKE_A_FORM.match(text)
    if (like_a_form or kind == _FORM) and not text.lstrip().startswith(("{", "[")):
        return _labelled(text, _IN_FORM)
    return text, []  # JSON, whatever the content type says, or what has no fields


def url_text(url: str, secret: Secret | Veil | None = None) -> str:
    """Return an address as it may be written down: without user, password and secrets."""
    url, _ = _labelled(_USER_INFO.sub(HEADER_LABEL, url), _IN_QUERY)
    return secret.redact(url) if secret else url


def url_secrets(url: str) -> list[Secret]:
    """Return what must not be written down of an address's query if a server repeats it."""
    return _labelled(url, _IN_QUERY)[1]


def headers_text(headers: Mapping[str, str], secret: Secret | Veil | None = None) -> str:
    """Return headers as a JSON object that may be written down."""
    return json.dumps(
        {
            url_text(name, secret): HEADER_LABEL
            if label_of(name, SECRET_HEADERS)
            else url_text(header_value(value), secret)  # before JSON escapes it once more
            for name, value in headers.items()
        }
    )


def header_secrets(headers: Mapping[str, str]) -> list[Secret]:
    """Return what must not be written down of headers if a server repeats it."""
    return [
        Secret(one, HEADER_LABEL)
        for name, value in headers.items()
        if label_of(name, SECRET_HEADERS)
        for one in _told(name.lower(), header_value(value))
    ]


def _told(name: str, value: str) -> Iterator[str]:
    """What is secret in a header: of `Basic`, the password alone as well."""
    if "cookie" in name:
        pairs = _COOKIES.findall(value) if name == "cookie" else _SET_COOKIES.findall(value)
        yield from (one for one in pairs if len(one) >= COOKIE_MIN)
        return
    scheme, _, token = value.partition(" ")
    yield token.strip() or scheme
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            yield base64.b64decode(token).decode("latin-1").partition(":")[2]


def header_value(value: str | bytes) -> str:
    """Return a header's value as a text: requests takes bytes as well."""
    return value.decode("latin-1") if isinstance(value, bytes) else value
