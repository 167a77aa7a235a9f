"""Exchanges as other tools read them: HAR, cURL and plain Python; and a HAR read back.

Everything here is pure and works on what a log keeps, so no secret can come out: the key stands
as `<clientKey>` in a HAR and as `$BROCAP_CLIENT_KEY` in what can be run.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import re
import shlex
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from brocap_nb.api import _answers, _secrets
from brocap_nb.api._body import redact_body
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import MOST_MS, Exchange, Outcome, body_kind, decode_answer
from brocap_nb.api._facts import BASE_URL, METHODS, method_of
from brocap_nb.api._json import asked, fields_of, parse
from brocap_nb.api._secrets import HEADER_LABEL, KEY_LABEL, KEY_VARIABLE, Secret, Veil
from brocap_nb.log._folders import path_of
from brocap_nb.log._journal import LogWarning
from brocap_nb.log._rows import number_of
from brocap_nb.tasks._code import Code, literal, written
from brocap_nb.tasks._download import is_loopback
from brocap_nb.tasks._pictures import is_url

# What a HAR has a place for; the rest of an exchange is in a field of ours.
_IN_HAR: Final = (
    *("url", "verb", "request", "response", "response_base64"),
    *("request_headers", "response_headers"),
)
_UNKNOWN_TYPE: Final = "x-unknown"
# Set by whatever sends the request, so not repeated.
_BY_THE_SENDER: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)
# What HTTP lets be a name: so no `:path` of HTTP/2, and no `@file` that curl would read.
_TOKEN: Final = re.compile(r"[\w!#$%&'*+.^`|~][\w!#$%&'*+.^`|~-]*", re.ASCII)


def to_har(exchanges: Iterable[Exchange]) -> dict[str, Any]:
    """Return exchanges as a HAR 1.2 document: an attempt without an answer has status 0."""
    creator = {"name": "brocap_nb", "version": "1"}  # of what `_brocap` has
    return {"log": {"version": "1.2", "creator": creator, "entries": [*map(_entry, exchanges)]}}


def write_har(exchanges: Iterable[Exchange], path: str | os.PathLike[str]) -> None:
    """Write exchanges as a HAR 1.2 file, one after the other, so a large log fits."""
    before, after = json.dumps(to_har([])).split("]")
    private = functools.partial(os.open, mode=0o600)
    with open(path_of(path), "w", encoding="ascii", newline="\n", opener=private) as file:
        for exchange in exchanges:
            file.write(f"{before}\n{json.dumps(_entry(exchange), allow_nan=False)}")
            before = ","
        file.write(f"{before.strip(',')}]{after}")


def _entry(exchange: Exchange) -> dict[str, Any]:
    elapsed, line = max(exchange.elapsed_ms or 0.0, 0.0), exchange.to_line()
    sent, came = (json.loads(line[f"{m}_headers"] or "{}") for m in ("request", "response"))
    kind = "application/json" if exchange.request_kind == "json" else _UNKNOWN_TYPE
    post = {"mimeType": _header(sent, "content-type") or kind, "text": exchange.request}
    content: dict[str, Any] = {
        "size": exchange.response_bytes or 0,
        "mimeType": _header(came, "content-type") or _UNKNOWN_TYPE,
    }
    if exchange.response_base64 is not None:
        content |= {"text": exchange.response_base64, "encoding": "base64"}
    elif exchange.response is not None:
        content["text"] = exchange.response
    query = exchange.url.partition("#")[0].partition("?")[2]
    return {
        "startedDateTime": line["started_at"],
        "time": elapsed,
        "request": {
            "method": exchange.verb,
            "url": exchange.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(sent.items()),
            "queryString": _pairs(parse_qsl(query, keep_blank_values=True)),
            "headersSize": -1,
            "bodySize": exchange.request_bytes,
            **({} if exchange.request_kind == "none" else {"postData": post}),
        },
        "response": {
            "status": exchange.http_status or 0,
            "statusText": "",
            "httpVersion": "" if exchange.http_status is None else "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(came.items()),
            "content": content,
            "redirectURL": _header(came, "location"),
            "headersSize": -1,
            "bodySize": -1 if exchange.response_bytes is None else exchange.response_bytes,
            "_error": exchange.detail,
        },
        "cache": {},
        # only the sum is known; HAR has no sign for that in these three
        "timings": {"send": 0, "wait": elapsed, "receive": 0},
        "_brocap": {name: value for name, value in line.items() if name not in _IN_HAR},
    }


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for given, value in headers.items() if given.lower() == name), "")


def read_har(path: str | os.PathLike[str], everything: bool = False) -> list[Exchange]:
    """Return a HAR's exchanges, pictures in base64; a `LogWarning` tells what cannot be read."""
    try:
        content = path_of(path).read_bytes()
        document, wrong = parse(content, json.JSONDecoder())
        if wrong:
            gzipped = content.startswith(b"\x1f\x8b")
            wrong = "it is packed by gzip, unpack it" if gzipped else f"it is not JSON ({wrong})"
        entries = _get(document, "log.entries", [None])
    except (OSError, _UnreadableError) as error:
        entries, wrong = [None], getattr(error, "strerror", None) or str(error)
    if entries == [None]:
        raise InvalidInputError(
            f"The HAR {os.fspath(path)!r} cannot be read: {wrong or 'it has no log.entries'}. "
            "Expected a file that a browser's network panel or log.to_har(path) wrote.",
            field="path",
        )
    veil = Veil(*(secret for entry in entries for secret in _secrets_of(entry)))
    found, lost = [], []
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
        warnings.warn(f"{what}: {told}.", LogWarning, stacklevel=3)
    return found


class _UnreadableError(Exception):
    """What is wrong with an entry, and where; never what stands there."""


def _get(entry: Any, path: str, empty: Any = "") -> Any:
    """Return what stands at a path in an entry, of the type of `empty`, which is for nothing."""
    for name in path.split("."):
        entry = entry.get(name) if isinstance(entry, dict) else None
    if entry is None:
        return empty
    kind: Any = (int, float) if empty == 0 else type(empty)
    if not isinstance(entry, kind):
        kinds = {str: "a text", list: "a list", dict: "an object"}
        expected = kinds.get(kind, "a number")
        raise _UnreadableError(f"{path} is of type {type(entry).__name__}; expected {expected}")
    return entry if empty != 0 or 0 <= entry < MOST_MS else 0


def _is_call(entry: Any) -> bool:
    """Whether an entry calls the API: what cannot be read of others never matters."""
    with contextlib.suppress(_UnreadableError):
        verb, url = _get(entry, "request.method", "POST"), _get(entry, "request.url")
        return method_of(verb, url) in METHODS or _get(entry, "_brocap", {}) != {}
    return False


def _secrets_of(entry: Any) -> Iterator[Secret]:
    """What must not be written down of any entry, should a server repeat it."""
    with contextlib.suppress(_UnreadableError):  # what can be read of an entry counts
        yield from _secrets.url_secrets(_get(entry, "request.url"))
        yield from _secrets.header_secrets(_headers_of(entry, "request"))
        yield from _secrets.header_secrets(_headers_of(entry, "response"))
        kind, raw = _body(entry, "request.postData")
        yield from redact_body(raw.decode("utf-8", "backslashreplace"), kind)[1]


def _headers_of(entry: Any, message: str) -> dict[str, str]:
    """A message's headers, those that are repeated as one; without the `:path` of HTTP/2."""
    headers: dict[str, str] = {}
    for header in _get(entry, f"{message}.headers", []):
        name, value = _get(header, "name"), _get(header, "value")
        if not name.startswith(":"):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body(entry: Any, path: str) -> tuple[str, bytes]:
    kind, text = _get(entry, f"{path}.mimeType"), _get(entry, f"{path}.text")
    if not text:
        pairs = _get(entry, f"{path}.params", [])
        named = [(_get(pair, "name"), _get(pair, "value")) for pair in pairs]
        text = urlencode(named, errors="surrogatepass")
    if _get(entry, f"{path}.encoding") != "base64":
        return kind, text.encode("utf-8", "surrogatepass")
    try:
        return kind, base64.b64decode(text)
    except ValueError:
        raise _UnreadableError(f"{path}.text is no base64") from None


def _redacted(entry: Any, path: str, veil: Veil) -> tuple[str | None, str | None]:
    """A body as a text and, if it is none, in base64; twice None if there is no body."""
    kind, raw = _body(entry, path)
    if not raw and _get(entry, f"{path}.text", "-") == "-":
        return None, None
    a_text = _get(entry, f"{path}.encoding") != "base64"  # which may have half a character
    try:
        text = raw.decode("utf-8", "surrogatepass" if a_text else "strict")
        return veil.redact(redact_body(text, kind)[0]), None
    except UnicodeDecodeError:  # a character for each byte: a key is found between any others
        text = redact_body(raw.decode("latin-1"), kind)[0]
        return decode_answer(text.encode("latin-1"), veil)


def _exchange(entry: Any, number: int, veil: Veil) -> Exchange:
    verb, url = _get(entry, "request.method", "POST"), _get(entry, "request.url")
    if not _TOKEN.fullmatch(verb):
        raise _UnreadableError("request.method is no HTTP verb")
    kind, raw = _body(entry, "request.postData")
    fields: dict[str, Any] = {"url": _secrets.url_text(url, veil), "verb": verb}
    fields["request"] = _redacted(entry, "request.postData", veil)[0] or ""
    fields["response"], fields["response_base64"] = _redacted(entry, "response.content", veil)
    for message in ("request", "response"):
        headers = _headers_of(entry, message)
        fields[f"{message}_headers"] = _secrets.headers_text(headers, veil) if headers else None
    if own := _get(entry, "_brocap", {}):
        return _own({**own, **fields}, number)
    task_type, task_id = asked(fields_of(fields["request"]))
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
    if not (status := int(_get(entry, "response.status", 0))):
        why = _get(entry, "response._error") or "the HAR does not say why"
        outcome = Outcome.TIMEOUT if "TIMED_OUT" in why else Outcome.CONNECTION_ERROR
        exchange = replace(exchange, response=None, response_base64=None)
        reading = _answers.Reading(outcome=outcome, detail=veil.redact(f"No answer ({why})."))
    elif exchange.method in METHODS:
        reading = _answers.read(exchange.method, status, exchange.response or "")
    else:
        reading = _answers.Reading(outcome=Outcome.HTTP_ERROR if status >= 400 else Outcome.OK)
    return reading.complete(
        exchange,
        http_status=status or None,
        elapsed_ms=float(_get(entry, "time", 0)) or None,
        request_bytes=int(_get(entry, "request.bodySize", 0)) or len(raw),
        response_bytes=int(_get(entry, "response.content.size", 0)) if status else None,
    )


def _started(entry: Any) -> datetime:
    """When an entry began; without a zone it is taken for UTC."""
    with contextlib.suppress(ValueError):
        told = datetime.fromisoformat(_get(entry, "startedDateTime"))
        if 1970 < told.year < 2261:
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    raise _UnreadableError("startedDateTime is no date from 1971 to 2260")


def _own(line: dict[str, Any], number: int) -> Exchange:
    """An exchange that `to_har` wrote."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        known = Exchange.from_line(line)
        if "/" in known.session:  # of a log of many folders: its names are for reading only
            return replace(known, exchange_id=f"har-{number}", session="har")
        named = known.exchange_id.rpartition("-")[0] == known.session and known.session.isalnum()
        if named and 0 < number_of(known.exchange_id) < 2**31:
            return known
    raise _UnreadableError("_brocap is not as log.to_har wrote it")


def to_curl(exchange: Exchange) -> str:
    """Return a shell command that sends the request again, with the key from the environment."""
    keyed, notes = _checked(exchange)
    headers = [f"{name}: {value}" if value else f"{name};" for name, value in _sent(exchange)]
    has_body = exchange.request_kind != "none"
    if has_body and not any(header.lower().startswith("content-type:") for header in headers):
        headers.append("Content-Type:")  # or curl says that it is a form
    how = "--head" if exchange.verb == "HEAD" else f"--request {exchange.verb}"
    words = ["curl -sS --globoff --proto =http,https", f"{how} --url {shlex.quote(exchange.url)}"]
    words += [f"--header {shlex.quote(header)}" for header in headers]
    if keyed and KEY_LABEL in "".join(words):
        raise _refused(
            exchange,
            "the key stands in its address or a header, and everybody on a machine sees the "
            "arguments of curl. log.to_python() does it",
        )
    if not has_body:
        return "\n".join([*notes, " \\\n  ".join(words)])
    # through a pipe: a picture is too long for an argument
    parts = [shlex.quote(part) if part else "" for part in exchange.request.split(KEY_LABEL)]
    body = f'"${KEY_VARIABLE}"'.join(parts) if keyed else shlex.quote(exchange.request)
    command = " \\\n    ".join([*words, "--data-binary @-"])
    return "\n".join([*notes, f"printf '%s' {body} |", f"  {command}"])


def to_python(exchange: Exchange) -> str:
    """Return a program that does the same as `to_curl`'s command with the package `requests`."""
    keyed, notes = _checked(exchange)
    leaf = _with_key if keyed else lambda value, _path=(): value
    given = f"{written(leaf(exchange.request), 'data=(')}).encode('utf-8', 'surrogatepass')"
    with contextlib.suppress(ValueError, RecursionError):  # also what code cannot spell as it is
        body = json.loads(exchange.request)
        if json.dumps(body, allow_nan=False) == exchange.request:
            given = written(literal(body, leaf), "json=")
    start = "".join(f"{note}\n" for note in notes) + ("import os\n\n" if keyed else "")
    key = f'key = os.environ["{KEY_VARIABLE}"]\n' if keyed else ""
    body_line = f"    {given},\n" if exchange.request_kind != "none" else ""
    return f"""{start}import requests

{key}response = requests.request(
    {exchange.verb!r},
    {written(leaf(exchange.url))},
    {written(literal(dict(_sent(exchange)), leaf), "headers=")},
{body_line}    allow_redirects=False,
    timeout=30,
)
print(response.status_code)
print(response.text)
"""


def _refused(exchange: Exchange, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"Exchange {exchange.exchange_id} cannot be exported as something to run: {reason}. "
        "It can be sent with a program of your own.",
        field="exchange_id",
    )


def _checked(exchange: Exchange) -> tuple[bool, list[str]]:
    """Return whether the key is put in, and comments on what is not; or refuse the request."""
    text, kind = exchange.request, exchange.request_kind
    if not is_url(exchange.url):
        raise _refused(exchange, "its address is none of http:// or https://")
    if not _TOKEN.fullmatch(exchange.verb):
        raise _refused(exchange, f"{exchange.verb[:20]!r} is no HTTP verb")
    size = len(text.encode("utf-8", "surrogatepass"))
    torn = kind == "multipart" and size != exchange.request_bytes
    if torn or kind in ("bytes", "stream") or "\0" in text:
        raise _refused(exchange, f"the log does not keep its body as a text ({kind})")
    whole = f"{exchange.url}{text}{exchange.request_headers}"
    host = urlsplit(exchange.url).hostname or ""
    own = host == urlsplit(BASE_URL).hostname or is_loopback(host)
    keyed, notes = KEY_LABEL in whole, []
    if not own:
        notes.append(
            f"# This goes to {host!a}, which is neither this machine nor {BASE_URL}, "
            "so no key is put in: do you trust it?"
        )
    left_out = HEADER_LABEL in f"{exchange.url}{text}" or _secrets.PICTURE_LABEL.search(whole)
    if left_out or (keyed and not own):
        notes.append(
            "# A label between < and > stands for a secret, or a picture, that is not put in here: "
            "do it before you run this."
        )
    return own and keyed, notes


def _sent(exchange: Exchange) -> Iterator[tuple[str, str]]:
    headers = json.loads(exchange.request_headers or "{}")
    if exchange.request_kind == "json" and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    for name, value in headers.items():
        secret = HEADER_LABEL in value or _secrets.label_of(name, _secrets.SECRET_HEADERS)
        known = secret or name.lower() in _BY_THE_SENDER
        if not known and _TOKEN.fullmatch(name) and not re.search(r"[\r\n\0]", value):
            yield name, value


def _with_key(value: Any, _path: tuple[str, ...] = ()) -> Any:
    """A value, or of a text with the key's label source that has the variable `key` there."""
    if not isinstance(value, str) or KEY_LABEL not in value:
        return value
    words = re.split(f"({KEY_LABEL})", value)
    return Code(" + ".join("key" if word == KEY_LABEL else repr(word) for word in words if word))
