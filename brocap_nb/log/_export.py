"""Exchanges as other tools read them: HAR, cURL and plain Python; and a HAR read back.

Everything here is pure and works on what a log keeps, so no secret can come out: the key stands
as `<clientKey>` in a HAR and as `$BROCAP_CLIENT_KEY` in what can be run.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import json
import math
import os
import re
import shlex
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from brocap_nb.api import _answers
from brocap_nb.api._body import redact_body
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange, Outcome, body_kind, decode_answer
from brocap_nb.api._facts import BASE_URL, METHODS, method_of
from brocap_nb.api._json import asked, fields_of, parse
from brocap_nb.api._secrets import (
    HEADER_LABEL,
    KEY_LABEL,
    KEY_VARIABLE,
    PICTURE_LABEL,
    SECRET_HEADERS,
    Secret,
    Veil,
    header_secrets,
    headers_text,
    label_of,
    url_secrets,
    url_text,
)
from brocap_nb.log._folders import path_of
from brocap_nb.log._journal import LogWarning
from brocap_nb.tasks._code import Code, literal, written
from brocap_nb.tasks._download import is_loopback
from brocap_nb.tasks._pictures import is_url

# What HAR has a field for. Names with an underscore are its own way to extend it.
_ELSEWHERE: Final = frozenset(
    {
        *("exchange_id", "started_at", "outcome", "url", "verb", "request", "response"),
        *("response_base64", "request_headers", "response_headers"),
    }
)
_UNKNOWN_TYPE: Final = "x-unknown"
# Set by whatever sends the request, so not repeated.
_BY_THE_SENDER: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)
# What HTTP lets be a name: so no `:path` of HTTP/2, and no `@file` that curl would read.
_TOKEN: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_MOST: Final = 1 << 30  # bytes of a HAR


# --- HAR --------------------------------------------------------------------------------------


def to_har(exchanges: Iterable[Exchange]) -> dict[str, Any]:
    """Return exchanges as a HAR 1.2 document: an attempt without an answer has status 0."""
    return {"log": {**_head(), "entries": [_entry(exchange) for exchange in exchanges]}}


def write_har(exchanges: Iterable[Exchange], path: str | os.PathLike[str]) -> None:
    """Write exchanges as a HAR 1.2 file, one after the other, so a large log fits."""

    def private(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    with open(path_of(path), "w", encoding="ascii", newline="\n", opener=private) as file:
        file.write(f'{{"log": {json.dumps(_head())[:-1]}, "entries": [')
        for number, exchange in enumerate(exchanges):
            file.write(f"{',' if number else ''}\n{json.dumps(_entry(exchange), allow_nan=False)}")
        file.write("\n]}}\n")


def _head() -> dict[str, Any]:
    try:
        ours = version("brocap_nb")
    except PackageNotFoundError:  # run from an unpacked archive
        ours = "unknown"
    return {"version": "1.2", "creator": {"name": "brocap_nb", "version": ours}, "pages": []}


def _entry(exchange: Exchange) -> dict[str, Any]:
    elapsed = max(exchange.elapsed_ms or 0.0, 0.0)
    request_headers = _headers(exchange.request_headers)
    line = exchange.to_line()
    entry: dict[str, Any] = {
        "startedDateTime": line["started_at"],
        "time": elapsed,
        "request": {
            "method": exchange.verb,
            "url": exchange.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": request_headers,
            "queryString": _query(exchange.url),
            "headersSize": -1,
            "bodySize": exchange.request_bytes,
        },
        "response": _response(exchange),
        "cache": {},
        # HAR lets these three not be unknown; only their sum is known, and it stands in `wait`
        "timings": {
            **dict.fromkeys(("blocked", "dns", "connect", "ssl"), -1),
            "send": 0,
            "wait": elapsed,
            "receive": 0,
            "comment": "Only the total is known.",
        },
        "_exchangeId": exchange.exchange_id,
        "_outcome": line["outcome"],
        "_brocap": {name: value for name, value in line.items() if name not in _ELSEWHERE},
    }
    if exchange.request_kind != "none":
        kind = {"json": "application/json"}.get(exchange.request_kind, _UNKNOWN_TYPE)
        entry["request"]["postData"] = {
            "mimeType": _header(request_headers, "content-type") or kind,
            "text": exchange.request,
        }
    if exchange.task_id is not None:
        entry["comment"] = f"task {exchange.task_id}"
    return entry


def _response(exchange: Exchange) -> dict[str, Any]:
    headers = _headers(exchange.response_headers)
    content: dict[str, Any] = {
        "size": exchange.response_bytes or 0,
        "mimeType": _header(headers, "content-type") or _UNKNOWN_TYPE,
    }
    if exchange.response_base64 is not None:
        content |= {"text": exchange.response_base64, "encoding": "base64"}
    elif exchange.response is not None:
        content["text"] = exchange.response
    return {
        "status": exchange.http_status or 0,
        "statusText": "",
        "httpVersion": "" if exchange.http_status is None else "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": _header(headers, "location"),
        "headersSize": -1,
        "bodySize": -1 if exchange.response_bytes is None else exchange.response_bytes,
        **({} if exchange.detail is None else {"_error": exchange.detail}),
    }


def _headers(text: str | None) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in json.loads(text or "{}").items()]


def _header(headers: Iterable[Mapping[str, str]], name: str) -> str:
    return next((h["value"] for h in headers if h["name"].lower() == name), "")


def _query(url: str) -> list[dict[str, str]]:
    pairs = parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    return [{"name": name, "value": value} for name, value in pairs]


def read_har(path: str | os.PathLike[str], everything: bool = False) -> list[Exchange]:
    """Return the exchanges of a HAR file, also a gzip-compressed one; see `exchanges_from_har`."""
    try:
        with path_of(path).open("rb") as file:
            packed = file.peek(2).startswith(b"\x1f\x8b")
            source: Any = gzip.GzipFile(fileobj=file) if packed else file
            data = source.read(_MOST + 1)
        reason = None if len(data) <= _MOST else "it has more than 1 GB"
    except (OSError, EOFError, zlib.error) as error:
        data, reason = b"", getattr(error, "strerror", None) or "its compression is damaged"
    if reason is None:
        document, wrong = parse(data, json.JSONDecoder())
        reason = wrong and f"it is not JSON ({wrong})"
    if reason:
        raise InvalidInputError(
            f"The HAR {os.fspath(path)!r} cannot be read: {reason}. Expected a file that a "
            "browser's network panel or log.to_har(path) wrote.",
            field="path",
        )
    return exchanges_from_har(document, everything)


def exchanges_from_har(document: Any, everything: bool = False) -> list[Exchange]:
    """Return the exchanges of a HAR, with labels for keys, cookies and passwords.

    Of a foreign one the calls of the API's methods are taken, or `everything`; an entry that cannot
    be read is left out with a `LogWarning`. Pictures are base64 in `request`.

    Raises:
        InvalidInputError: it is no HAR, or has nothing of this API that can be read.
    """
    try:
        entries = document["log"]["entries"]
        assert isinstance(entries, list)
    except (TypeError, KeyError, AssertionError):
        raise InvalidInputError(
            "This is no HAR that can be read: it needs an object `log` with a list `entries`. "
            "Export it again from the browser's network panel, or with log.to_har(path).",
            field="path",
        ) from None
    secrets: list[Secret] = []
    for entry in entries:
        with contextlib.suppress(_UnreadableError):  # what can be read of an entry counts
            secrets.extend(_secrets(entry))
    veil, found, lost = Veil(*secrets), [], []
    for number, entry in enumerate(entries, 1):
        try:
            if everything or _is_call(entry):
                found.append(_exchange(entry, number, veil))
        except _UnreadableError as error:
            lost.append(f"entry {number}: {error}")
    told = "; ".join(lost[:10]) + ("; and others" if lost[10:] else "")
    if entries and not found:
        raise InvalidInputError(
            f"None of the {len(entries)} entries of this HAR is a request to "
            f"{', '.join(METHODS)} that can be read{told and f' ({told})'}. Record it while the "
            "page or program talks to the API; from_har(path, everything=True) takes the entries "
            "of any service.",
            field="path",
        )
    if lost:
        what = f"{len(lost)} of the HAR's {len(entries)} entries cannot be read and are left out"
        warnings.warn(f"{what}: {told}.", LogWarning, stacklevel=4)
    return found


class _UnreadableError(Exception):
    """What is wrong with an entry, and where; never what stands there."""


def _get(entry: Any, path: str, kind: Any = str) -> Any:
    """Return what stands at a path in an entry; of its kind, but empty, if nothing does."""
    value, seen = entry, "it"
    for name in path.split("."):
        if not isinstance(value, dict):
            raise _UnreadableError(f"{seen} is of type {type(value).__name__}; expected an object")
        value, seen = value.get(name), name if seen == "it" else f"{seen}.{name}"
        if value is None:
            return kind()
    if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
        what = {dict: "an object", list: "a list", str: "a text"}.get(kind, "a number")
        raise _UnreadableError(f"{seen} is of type {type(value).__name__}; expected {what}")
    return value


def _number(entry: Any, path: str) -> int:
    """A whole number from 0 on; 0 for any other."""
    number = _get(entry, path, float)
    return int(number) if 0 <= number < 2**63 else 0


def _is_call(entry: Any) -> bool:
    """Whether an entry calls the API: what cannot be read of others never matters."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        return False
    verb, url = request.get("method", "POST"), request.get("url")
    if "_exchangeId" in entry:
        return True
    return isinstance(verb, str) and isinstance(url, str) and method_of(verb, url) in METHODS


def _secrets(entry: Any) -> Iterator[Secret]:
    """What must not be written down of any entry, should a server repeat it."""
    yield from url_secrets(_get(entry, "request.url"))
    for message in ("request", "response"):
        yield from header_secrets(_headers_of(entry, message))
    kind, text, _ = _post(entry)
    yield from redact_body(text, kind)[1]


def _post(entry: Any) -> tuple[str, str, bytes | None]:
    """A request's content type, its body as text, and as bytes if there is one."""
    kind, text = _get(entry, "request.postData.mimeType"), _get(entry, "request.postData.text")
    pairs = _get(entry, "request.postData.params", list)
    if not text and pairs:
        named = [(_get(pair, "name"), _get(pair, "value")) for pair in pairs]
        text = urlencode(named, errors="surrogatepass")
    if _get(entry, "request.postData.encoding") == "base64":
        raw = _unpacked(text, "request.postData.text")
        return kind, raw.decode("utf-8", "backslashreplace"), raw
    return kind, text, text.encode("utf-8", "surrogatepass") or None


def _unpacked(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        raise _UnreadableError(f"{path} is no base64") from None


def _exchange(entry: Any, number: int, veil: Veil) -> Exchange:
    kind, posted, raw = _post(entry)
    body = veil.redact(redact_body(posted, kind)[0])
    text, binary = _content(entry, veil)
    url = _get(entry, "request.url")
    verb = _get(entry, "request.method") or "POST"
    if not _TOKEN.fullmatch(verb):
        raise _UnreadableError("request.method is no HTTP verb")
    fields: dict[str, Any] = {
        "url": url_text(url, veil),
        "verb": verb,
        "request": body,
        "response": text,
        "response_base64": binary,
    }
    for message in ("request", "response"):
        headers = _headers_of(entry, message)
        fields[f"{message}_headers"] = headers_text(headers, veil) if headers else None
    if isinstance(entry.get("_brocap"), dict):
        return _own(entry, number, fields)
    http_status = _number(entry, "response.status") or None
    task_type, task_id = asked(fields_of(body))
    exchange = Exchange(
        exchange_id=f"har-{number}",
        session="har",
        started_at=_started(entry),
        method=method_of(verb, fields["url"]),
        task_type=task_type,
        task_id=task_id,
        request_kind=body_kind(raw, kind),
        **fields,
    )
    if http_status is None:
        why = _get(entry, "response._error") or "the HAR does not say why"
        outcome = Outcome.TIMEOUT if "TIMED_OUT" in why else Outcome.CONNECTION_ERROR
        exchange = dataclasses.replace(exchange, response=None)
        reading = _answers.Reading(outcome=outcome, detail=veil.redact(f"No answer ({why})."))
    elif exchange.method in METHODS:
        reading = _answers.read(exchange.method, http_status, text or "")
    else:
        reading = _answers.Reading(outcome=Outcome.HTTP_ERROR if http_status >= 400 else Outcome.OK)
    total = _get(entry, "time", float)
    return reading.complete(
        exchange,
        http_status=http_status,
        elapsed_ms=float(total) if total >= 0 and math.isfinite(total) else None,
        request_bytes=_number(entry, "request.bodySize") or len(raw or b""),
        response_bytes=None if http_status is None else _number(entry, "response.content.size"),
    )


def _own(entry: dict[str, Any], number: int, fields: dict[str, Any]) -> Exchange:
    """An exchange that `to_har` wrote."""
    try:
        line = {**entry["_brocap"], **fields, "outcome": entry["_outcome"]}
        line |= {"exchange_id": entry["_exchangeId"], "started_at": entry["startedDateTime"]}
        known = Exchange.from_line(line)
        if "/" in known.session:  # of a log of many folders: its names are for reading only
            return dataclasses.replace(known, exchange_id=f"har-{number}", session="har")
        if known.exchange_id.rpartition("-")[0] == known.session and known.session.isalnum():
            return known
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise _UnreadableError("_brocap or _exchangeId is not as log.to_har wrote it")


def _started(entry: Any) -> datetime:
    """When an entry began; without a zone it is taken for UTC."""
    try:
        told = datetime.fromisoformat(_get(entry, "startedDateTime"))
        if 1970 < told.year < 2261:
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError:
        pass
    raise _UnreadableError("startedDateTime is no date from 1971 to 2260")


def _content(entry: Any, veil: Veil) -> tuple[str | None, str | None]:
    def clean(text: str) -> str:
        return veil.redact(redact_body(text, kind)[0])

    content = _get(entry, "response.content", dict)
    text, kind = content.get("text"), _get(entry, "response.content.mimeType")
    if text is None:
        return None, None
    text = _get(entry, "response.content.text")
    if content.get("encoding") != "base64":
        return clean(text), None
    raw = _unpacked(text, "response.content.text")
    with contextlib.suppress(UnicodeDecodeError):
        return clean(raw.decode()), None
    # latin-1 gives each byte a character, so that the key is found between bytes of any kind
    return decode_answer(clean(raw.decode("latin-1")).encode("latin-1"), None)


def _headers_of(entry: Any, message: str) -> dict[str, str]:
    """A message's headers, those that are repeated as one; without the `:path` of HTTP/2."""
    headers: dict[str, str] = {}
    for header in _get(entry, f"{message}.headers", list):
        name, value = _get(header, "name"), _get(header, "value")
        if not name.startswith(":"):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


# --- what can be run --------------------------------------------------------------------------


def to_curl(exchange: Exchange) -> str:
    """Return a shell command that sends the request again, with the key from the environment.

    The body goes through `printf` and a pipe: a picture is too long for an argument.
    """
    keyed, notes = _checked(exchange)
    options = [("url", exchange.url)]
    for name, value in _sent(exchange):
        options.append(("header", f"{name}: {value}" if value else f"{name};"))
    if exchange.request_kind != "none":
        if not any(value.lower().startswith("content-type:") for _, value in options):
            options.append(("header", "Content-Type:"))  # or curl says that it is a form
        options.append(("data-binary", "@-"))
    # a process's arguments are seen by everybody on the machine, a file descriptor is not
    hidden = [option for option in options if keyed and KEY_LABEL in option[1]]
    shown = [
        f"--{name} {shlex.quote(value)}" for name, value in options if (name, value) not in hidden
    ]
    how = "--head" if exchange.verb == "HEAD" else f"--request {exchange.verb}"
    config = ["--config /dev/fd/3 3<<END"] if hidden else []
    pipe = [f"printf '%s' {_quoted(exchange.request, keyed)} |"] if options[-1][1] == "@-" else []
    indent = "  " if pipe else ""
    words = ["curl -sS --globoff --proto =http,https", how, *shown, *config]
    lines = [*notes, *pipe, indent + f" \\\n{indent}  ".join(words)]
    if hidden:
        lines += [*(f'{name} = "{_in_config(value)}"' for name, value in hidden), "END"]
    return "\n".join(lines)


def to_python(exchange: Exchange) -> str:
    """Return a program that does the same as `to_curl`'s command with the package `requests`."""
    keyed, notes = _checked(exchange)
    leaf = _with_key if keyed else lambda value, _path=(): value
    try:
        body = json.loads(exchange.request)
        exact = json.dumps(body, allow_nan=False) == exchange.request
        given = written(literal(body, leaf), "json=") if exact else ""
    except (ValueError, RecursionError):  # nothing that Python code can spell as it is
        given = ""
    if not given:
        text = written(leaf(exchange.request), "data=(")
        given = f"{text}).encode('utf-8', 'surrogatepass')"
    headers = literal(dict(_sent(exchange)), leaf)
    lines = [
        *notes,
        *(["import os", ""] if keyed else []),
        "import requests",
        "",
        *([f'key = os.environ["{KEY_VARIABLE}"]'] if keyed else []),
        "response = requests.request(",
        f"    {exchange.verb!r},",
        f"    {written(leaf(exchange.url))},",
        f"    {written(headers, 'headers=')},",
        *([f"    {given},"] if exchange.request_kind != "none" else []),
        "    allow_redirects=False,",
        "    timeout=30,",
        ")",
        "print(response.status_code)",
        "print(response.text)",
        "",
    ]
    return "\n".join(lines)


def _checked(exchange: Exchange) -> tuple[bool, list[str]]:
    """Return whether the key is put in, and comments on what is not; or refuse the request."""
    text, kind = exchange.request, exchange.request_kind
    broken = kind == "multipart" and len(text.encode("utf-8", "surrogatepass"))
    reasons = {
        "its address is none of http:// or https://": not is_url(exchange.url),
        f"{exchange.verb[:20]!r} is no HTTP verb": (
            not _TOKEN.fullmatch(exchange.verb) or exchange.verb.startswith("-")
        ),
        "a HEAD request with a body is what few programs can send": (
            exchange.verb == "HEAD" and kind != "none"
        ),
        f"the log does not keep its body as it was ({kind})": (
            kind in ("bytes", "stream") or (broken and broken != exchange.request_bytes)
        ),
        "its body has a NUL character": "\0" in text,
    }
    wrong = next((reason for reason, applies in reasons.items() if applies), None)
    if wrong:
        raise InvalidInputError(
            f"Exchange {exchange.exchange_id} cannot be exported as something to run: {wrong}. "
            "Send the request with a program of your own.",
            field="exchange_id",
        )
    whole = f"{exchange.url}{text}{exchange.request_headers}"
    host = urlsplit(exchange.url).hostname or ""
    own = host == urlsplit(BASE_URL).hostname or is_loopback(host)
    keyed = KEY_LABEL in whole
    notes = {
        f"# This goes to {host!a}, which is neither this machine nor {BASE_URL}: "
        "do you trust it?": not own,
        f"# So the key is not put in; {KEY_LABEL} stands in its place.": keyed and not own,
        f"# {HEADER_LABEL} stands for something secret that the log does not keep: "
        "put it in before you run this.": HEADER_LABEL in f"{exchange.url}{text}",
        "# A picture is no longer in the log's folder: put its base64 in.": (
            PICTURE_LABEL.search(whole)
        ),
    }
    return own and keyed, [note for note, applies in notes.items() if applies]


def _sent(exchange: Exchange) -> Iterator[tuple[str, str]]:
    headers = json.loads(exchange.request_headers or "{}")
    if exchange.request_kind == "json" and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    for name, value in headers.items():
        secret = HEADER_LABEL in value or label_of(name, SECRET_HEADERS)
        known = secret or name.lower() in _BY_THE_SENDER
        if not known and _TOKEN.fullmatch(name) and not re.search(r"[\r\n\0]", value):
            yield name, value


def _quoted(text: str, keyed: bool) -> str:
    """A word of a shell in which the key is the variable."""
    parts = [shlex.quote(part) if part else "" for part in text.split(KEY_LABEL)]
    return f'"${KEY_VARIABLE}"'.join(parts) or "''" if keyed else shlex.quote(text)


def _in_config(text: str) -> str:
    """A text between quotes of curl's config, in a document of the shell that has the key."""
    for signs in ('[\\\\"]', r"[\\$`]"):
        text = re.sub(signs, r"\\\g<0>", text)
    return text.replace(KEY_LABEL, f"${{{KEY_VARIABLE}}}")


def _with_key(value: Any, _path: tuple[str, ...] = ()) -> Any:
    """A value, or of a text with the key's label source that has the variable `key` there."""
    if not isinstance(value, str) or KEY_LABEL not in value:
        return value
    pieces: list[str] = []
    for part in value.split(KEY_LABEL):
        pieces += ["key", repr(part)] if part else ["key"]
    return Code(" + ".join(pieces[1:]))
