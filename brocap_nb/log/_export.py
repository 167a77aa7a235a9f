"""Exchanges as other tools read them: HAR, cURL and plain Python; and a HAR read back.

Everything here is pure and works on what a log keeps, so no secret can come out: the key stands
as `<clientKey>` in a HAR and as `$BROCAP_CLIENT_KEY` in what can be run.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from brocap_nb.api import _answers
from brocap_nb.api._body import redact_body
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange, Outcome, decode_answer
from brocap_nb.api._facts import METHODS
from brocap_nb.api._json import asked, fields_of
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
from brocap_nb.tasks._code import Code, literal, written

# What HAR has no field for. Names with an underscore are HAR's own way to extend it.
_OWN: Final = (
    "session",
    "method",
    "task_type",
    "task_id",
    "attempt",
    "http_status",
    "error_id",
    "error_code",
    "error_description",
    "status",
    "elapsed_ms",
    "request_bytes",
    "response_bytes",
    "detail",
)
_UNKNOWN_TYPE: Final = "x-unknown"
# Set by whatever sends the request, so not repeated.
_BY_THE_SENDER: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)


# --- HAR --------------------------------------------------------------------------------------


def to_har(exchanges: Iterable[Exchange]) -> dict[str, Any]:
    """Return exchanges as a HAR 1.2 document: an attempt without an answer has status 0.

    >>> from brocap_nb.log import _export as export
    >>> client.get_balance()
    Balance(balance=10.0)
    >>> export.to_har([log[1]])["log"]["entries"][0]["response"]["status"]
    200
    """
    return {"log": {**_head(), "entries": [_entry(exchange) for exchange in exchanges]}}


def write_har(exchanges: Iterable[Exchange], path: str | os.PathLike[str]) -> None:
    """Write exchanges as a HAR 1.2 file, one after the other, so a large log fits.

    >>> from brocap_nb.log import _export as export
    >>> client.get_balance()
    Balance(balance=10.0)
    >>> export.write_har(log.exchanges(), "log.har")
    >>> [exchange.method for exchange in export.read_har("log.har")]
    ['getBalance']
    """
    with open(path, "w", encoding="ascii", newline="\n") as file:  # noqa: PTH123
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
    entry = {
        "startedDateTime": line["started_at"],
        "time": elapsed,
        "request": {
            "method": "POST",
            "url": exchange.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": request_headers,
            "queryString": [{"name": name, "value": value} for name, value in _query(exchange.url)],
            "postData": {
                "mimeType": _header(request_headers, "content-type") or "application/json",
                "text": exchange.request,
            },
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
        "_brocap": {name: line[name] for name in _OWN},
    }
    if exchange.task_id is not None:
        entry["comment"] = f"task {exchange.task_id}"
    return entry


def _response(exchange: Exchange) -> dict[str, Any]:
    headers = _headers(exchange.response_headers)
    answered = exchange.http_status is not None
    content: dict[str, Any] = {
        "size": exchange.response_bytes or 0,
        "mimeType": _header(headers, "content-type") or _UNKNOWN_TYPE,
    }
    if exchange.response_base64 is not None:
        content |= {"text": exchange.response_base64, "encoding": "base64"}
    elif exchange.response is not None:
        content["text"] = exchange.response
    response: dict[str, Any] = {
        "status": exchange.http_status or 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1" if answered else "",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": _header(headers, "location"),
        "headersSize": -1,
        "bodySize": -1 if exchange.response_bytes is None else exchange.response_bytes,
    }
    if exchange.detail is not None:
        response["_error"] = exchange.detail
    return response


def _headers(text: str | None) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in json.loads(text or "{}").items()]


def _header(headers: Iterable[Mapping[str, str]], name: str) -> str:
    return next((h["value"] for h in headers if h["name"].lower() == name), "")


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []


def read_har(path: str | os.PathLike[str]) -> list[Exchange]:
    """Return the exchanges of a HAR file; see `exchanges_from_har`.

    Raises:
        InvalidInputError: the file cannot be read, or is no HAR of this API.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123
            document = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise InvalidInputError(
            f"The HAR {os.fspath(path)!r} cannot be read: {reason}. Expected a file that a "
            "browser's network panel or log.to_har(path) wrote.",
            field="path",
        ) from None
    return exchanges_from_har(document)


def exchanges_from_har(document: Any) -> list[Exchange]:
    """Return the exchanges of a HAR, ours or a browser's, without its secrets.

    Of a HAR that this package did not write, the entries of the API's methods are taken. Keys,
    cookies and passwords in it are replaced by labels. Pictures are base64 in `request`.

    >>> from brocap_nb.log import _export as export
    >>> client.get_balance()
    Balance(balance=10.0)
    >>> export.exchanges_from_har(log.to_har()) == [log[1]]
    True

    Raises:
        InvalidInputError: it is no HAR, or has nothing of this API.
    """
    try:
        entries = list(document["log"]["entries"])
        veil = Veil(*(secret for entry in entries for secret in _secrets(entry)))
        found = [
            _exchange(entry, number, veil)
            for number, entry in enumerate(entries, 1)
            if "_exchangeId" in entry or _method(entry) in METHODS
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            "This is no HAR that can be read: it needs an object `log` with a list `entries`, each "
            f"with a request, a response and startedDateTime ({type(error).__name__}). Export it "
            "again from the browser's network panel, or with log.to_har(path).",
            field="path",
        ) from None
    if entries and not found:
        raise InvalidInputError(
            f"None of the {len(entries)} entries of this HAR is a request to "
            f"{', '.join(METHODS)}. Record it while the page or program talks to the API.",
            field="path",
        )
    return found


def _post_text(entry: Mapping[str, Any]) -> str:
    post = entry["request"].get("postData") or {}
    text = post.get("text") or ""
    if not isinstance(text, str):
        raise TypeError("postData.text")
    if post.get("encoding") == "base64":
        return base64.b64decode(text).decode("utf-8", "backslashreplace")
    return text


def _post(entry: Mapping[str, Any]) -> tuple[str, list[Secret]]:
    """A request's body as it may be written down, and what is secret in it."""
    kind = (entry["request"].get("postData") or {}).get("mimeType")
    return redact_body(_post_text(entry), kind if isinstance(kind, str) else "")


def _method(entry: Mapping[str, Any]) -> str:
    url: str = entry["request"]["url"]
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


def _secrets(entry: Mapping[str, Any]) -> Iterator[Secret]:
    """What must not be written down of any entry, should a server repeat it."""
    yield from _post(entry)[1]
    request = entry["request"]
    yield from url_secrets(request["url"])
    for message in (request, entry["response"]):
        yield from header_secrets(_headers_of(message))


def _exchange(entry: Mapping[str, Any], number: int, veil: Veil) -> Exchange:
    def clean(text: str) -> str:
        return veil.redact(redact_body(text, kind)[0])

    request, response = entry["request"], entry["response"]
    own = entry.get("_brocap")
    content = response.get("content") or {}
    kind = str(content.get("mimeType") or "")
    text, binary = _content(content, clean)
    http_status = response.get("status") or None
    body = veil.redact(_post(entry)[0])
    fields: dict[str, Any] = {
        "url": url_text(request["url"], veil),
        "request": body,
        "response": text,
        "response_base64": binary,
        "request_headers": _headers_back(request, veil),
        "response_headers": _headers_back(response, veil),
    }
    if isinstance(own, dict):
        line = {**own, "started_at": entry["startedDateTime"], "outcome": entry["_outcome"]}
        line["exchange_id"] = entry["_exchangeId"]
        known = Exchange.from_line({**line, **fields})
        if "/" in known.session:  # of a log of many folders: its names are for reading only
            return dataclasses.replace(known, exchange_id=f"har-{number}", session="har")
        if known.exchange_id.rpartition("-")[0] != known.session or not known.session.isalnum():
            raise ValueError("_exchangeId")
        return known
    if http_status is None:
        text, fields["response"] = None, None
    method = _method(entry)
    started = datetime.fromisoformat(entry["startedDateTime"])
    task_type, task_id = asked(fields_of(body))
    exchange = Exchange(
        exchange_id=f"har-{number}",
        session="har",
        started_at=started.astimezone(UTC),
        method=method,
        task_type=task_type,
        task_id=task_id,
        **fields,
    )
    if http_status is None:
        late = "TIMED_OUT" in str(response.get("_error"))
        reading = _answers.Reading(
            outcome=Outcome.TIMEOUT if late else Outcome.CONNECTION_ERROR,
            detail=veil.redact(
                f"No answer ({response.get('_error') or 'the HAR does not say why'})."
            ),
        )
    else:
        reading = _answers.read(method, int(http_status), text or "")
    total = entry.get("time")
    return reading.complete(
        exchange,
        http_status=http_status,
        elapsed_ms=float(total) if isinstance(total, (int, float)) and total >= 0 else None,
        request_bytes=max(request.get("bodySize") or 0, 0) or len(_post_text(entry).encode()),
        response_bytes=None if http_status is None else max(content.get("size") or 0, 0),
    )


def _content(
    content: Mapping[str, Any], clean: Callable[[str], str]
) -> tuple[str | None, str | None]:
    text = content.get("text")
    if not isinstance(text, str):
        return None, None
    if content.get("encoding") != "base64":
        return clean(text), None
    raw = base64.b64decode(text)
    with contextlib.suppress(UnicodeDecodeError):
        return clean(raw.decode()), None
    # latin-1 gives each byte a character, so that the key is found between bytes of any kind
    return decode_answer(clean(raw.decode("latin-1")).encode("latin-1"), None)


def _headers_of(message: Mapping[str, Any]) -> dict[str, str]:
    return {str(h["name"]): str(h["value"]) for h in message.get("headers") or ()}


def _headers_back(message: Mapping[str, Any], veil: Veil) -> str | None:
    headers = _headers_of(message)
    return headers_text(headers, veil) if headers else None


# --- what can be run --------------------------------------------------------------------------


def to_curl(exchange: Exchange) -> str:
    """Return a shell command that sends the request again, with the key from the environment.

    The body goes through `printf` and a pipe: a picture is too long for an argument, and what
    stands in an argument is seen by everybody on the machine.

    >>> from brocap_nb.log import _export as export
    >>> client.get_balance()
    Balance(balance=10.0)
    >>> print(export.to_curl(log[1]))
    printf '%s' '{"clientKey": "'"$BROCAP_CLIENT_KEY"'"}' |
      curl -sS http://127.0.0.1:.../getBalance ...
    """
    lines = [
        *_missing(exchange),
        f"printf '%s' {_quoted(exchange.request)} |",
        f"  curl -sS {_quoted(exchange.url)} \\",
        *(f"    -H {_quoted(f'{name}: {value}')} \\" for name, value in _sent(exchange)),
        "    --data-binary @-",
    ]
    return "\n".join(lines)


def to_python(exchange: Exchange) -> str:
    """Return a program that sends the request again: it needs `requests`, and the key in the
    environment.

    >>> from brocap_nb.log import _export as export
    >>> client.get_balance()
    Balance(balance=10.0)
    >>> print(export.to_python(log[1]))
    import os
    ...
    key = os.environ["BROCAP_CLIENT_KEY"]
    response = requests.post(
        'http://127.0.0.1:.../getBalance', ...
    """
    try:
        body = json.loads(exchange.request)
        exact = json.dumps(body, allow_nan=False) == exchange.request
        given = written(literal(body, _with_key), "json=") if exact else ""
    except (ValueError, RecursionError):  # nothing that Python code can spell as it is
        given = ""
    if not given:
        text = written(_with_key(exchange.request), "data=(")
        given = f"{text}).encode('utf-8', 'surrogatepass')"
    headers = literal(dict(_sent(exchange)), _with_key)
    keyed = KEY_LABEL in f"{exchange.url}{exchange.request}{exchange.request_headers}"
    lines = [
        *_missing(exchange),
        *(["import os", ""] if keyed else []),
        "import requests",
        "",
        *([f'key = os.environ["{KEY_VARIABLE}"]'] if keyed else []),
        "response = requests.post(",
        f"    {written(_with_key(exchange.url))},",
        f"    {written(headers, 'headers=')},",
        f"    {given},",
        "    allow_redirects=False,",
        "    timeout=30,",
        ")",
        "print(response.status_code)",
        "print(response.text)",
        "",
    ]
    return "\n".join(lines)


def _missing(exchange: Exchange) -> list[str]:
    """A comment on what the log does not have."""
    whole = f"{exchange.url}{exchange.request}"
    lines = []
    if HEADER_LABEL in whole:
        lines.append(
            f"# {HEADER_LABEL} stands for something secret that the log does not keep: "
            "put it in before you run this."
        )
    if PICTURE_LABEL.search(whole):
        lines.append("# A picture is no longer in the log's folder: put its base64 in.")
    return lines


def _sent(exchange: Exchange) -> Iterator[tuple[str, str]]:
    headers = json.loads(exchange.request_headers or "{}")
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    for name, value in headers.items():
        secret = HEADER_LABEL in value or label_of(name, SECRET_HEADERS)
        if not secret and name.lower() not in _BY_THE_SENDER:
            yield name, value


def _quoted(text: str) -> str:
    """A word of a shell in which the key is the variable."""
    parts = [shlex.quote(part) if part else "" for part in text.split(KEY_LABEL)]
    return f'"${KEY_VARIABLE}"'.join(parts) or "''"


def _with_key(value: Any, _path: tuple[str, ...] = ()) -> Any:
    """A value, or of a text with the key's label source that has the variable `key` there."""
    if not isinstance(value, str) or KEY_LABEL not in value:
        return value
    pieces: list[str] = []
    for part in value.split(KEY_LABEL):
        pieces += ["key", repr(part)] if part else ["key"]
    return Code(" + ".join(pieces[1:]))
