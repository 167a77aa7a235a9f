"""The two lines of an exchange: what stands in each, and writing both at once."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Final

from brocap_nb.api._body import picture_file_name, with_labels
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._secrets import PICTURE_LABEL
from brocap_nb.log._journal import FileJournal, MemoryJournal
from brocap_nb.log._rows import Columns
from brocap_nb.log._sessions import number_of

_REQUEST_HAS: Final = (
    "exchange_id",
    "started_at",
    "session",
    "method",
    "task_type",
    "task_id",
    "attempt",
    "url",
    "request_bytes",
    "request_headers",
    "request",
)
_RESPONSE_HAS: Final = tuple(
    field.name
    for field in dataclasses.fields(Exchange)
    if field.name not in ("url", "request", "request_headers", "verb", "request_kind")
)
_OTHERS: Final = {"verb": "POST", "request_kind": "json"}  # what the API asks for is not written


def request_line(exchange: Exchange) -> dict[str, Any]:
    """Return what is written before a request is sent."""
    line = {"kind": "request"} | exchange.to_line(_REQUEST_HAS)
    for name, usual in _OTHERS.items():
        if (value := getattr(exchange, name)) != usual:
            line[name] = value
    return line


def response_line(exchange: Exchange) -> dict[str, Any]:
    """Return what is written when its answer has come, or none will."""
    return {"kind": "response"} | exchange.to_line(_RESPONSE_HAS)


def write(
    exchanges: Iterable[Exchange], columns: Columns, journal: FileJournal | MemoryJournal
) -> None:
    """Write exchanges that are over already; one that has no answer has one line only."""
    for exchange in exchanges:
        text, pictures = with_labels(exchange.request)
        for picture in pictures:
            journal.keep_picture(picture)
        kept = dataclasses.replace(exchange, request=text)
        number = number_of(kept.exchange_id)
        row = columns.begin(kept, number, journal.append(request_line(kept)))
        known = [getattr(kept, name) for name in _RESPONSE_HAS if name not in _REQUEST_HAS]
        if any(value not in (None, Outcome.NO_RESPONSE) for value in known):
            columns.finish(row, kept, journal.append(response_line(kept)))


def with_pictures(exchange: Exchange, picture: Callable[[str], bytes | None]) -> Exchange:
    """Put the logged pictures back in the place of their labels."""

    def full(match: Any) -> str:
        data = picture(picture_file_name(match[1], match[3]))
        return match[0] if data is None else base64.b64encode(data).decode("ascii")

    return dataclasses.replace(exchange, request=PICTURE_LABEL.sub(full, exchange.request))
