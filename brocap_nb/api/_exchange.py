"""One HTTP attempt, as it is kept: frozen, and without secrets from the start."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_type_hints

from brocap_nb import _html
from brocap_nb.api._body import shorten_labels, with_labels
from brocap_nb.api._facts import explain
from brocap_nb.api._json import fields_of, parse
from brocap_nb.api._secrets import Secret, Veil, without_frames


class Outcome(StrEnum):
    """How an attempt ended, in our words; never one of the service's codes."""

    OK = "ok"
    """The service did what was asked."""
    PROCESSING = "processing"
    """The task is not solved yet."""
    API_ERROR = "api_error"
    """The service answered with `errorId` not 0."""
    HTTP_ERROR = "http_error"
    """No API body, and an HTTP status of 400 or more."""
    BAD_RESPONSE = "bad_response"
    """Not JSON, not an object, or fields of a wrong type."""
    TIMEOUT = "timeout"
    """No complete answer within the client's timeout."""
    CONNECTION_ERROR = "connection_error"
    """The connection could not be made, or broke."""
    NO_RESPONSE = "no_response"
    """The process died, was interrupted, or still waits."""
    CALLBACK = "callback"
    """A result that the service POSTed to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP attempt: the request, and what came of it.

    Bodies are text exactly as it went and came, but for secrets and pictures, which are labels.
    An exchange that is read from a log (`log[exchange_id]`) has its pictures back.

    >>> client.get_balance()
    Balance(balance=10.0)
    >>> exchange = client.log[-1]
    >>> exchange.request, exchange.response
    ('{"clientKey": "<clientKey>"}', '{"errorId": 0, "balance": 10.0}')
    """

    exchange_id: str
    """`<session>-<number>`, unique in a log folder."""
    started_at: datetime
    """When the request was begun, UTC."""
    session: str
    """The log session that recorded it: one for each process and log."""
    method: str
    """The API method, for example `createTask`."""
    task_type: str | None = None
    """The task's `type`, where one is known."""
    task_id: int | None = None
    """The service's number of the task; None if there is none."""
    attempt: int = 1
    """1 for the first try of a request, 2 for its first repetition, and so on."""
    url: str = ""
    """The address it was sent to."""
    outcome: Outcome = Outcome.NO_RESPONSE
    """How it ended."""
    http_status: int | None = None
    """HTTP status of the answer."""
    error_id: int | None = None
    """`errorId` of the answer."""
    error_code: str | None = None
    """`errorCode` of the answer, as it came."""
    error_description: str | None = None
    """`errorDescription` of the answer, as it came."""
    status: str | None = None
    """`status` of the answer: `processing` or `ready`."""
    elapsed_ms: float | None = None
    """From the first byte sent to the last byte received, in milliseconds."""
    request_bytes: int = 0
    """Length of the request's body on the wire, in bytes."""
    response_bytes: int | None = None
    """Length of the answer's body, in bytes; of what came of it if it broke off."""
    request: str = ""
    """The request's body."""
    response: str | None = None
    """The answer's body; bytes that are not UTF-8 are written as `\\xNN`. None: no answer."""
    response_base64: str | None = None
    """The answer's body in base64, only if it is not UTF-8."""
    detail: str | None = None
    """What was wrong with the answer or the connection, in our words."""
    request_headers: str | None = None
    """The request's headers as a JSON object of strings, secrets left out."""
    response_headers: str | None = None
    """The answer's headers as a JSON object of strings, secrets left out."""
    verb: str = "POST"
    """The HTTP verb."""
    request_kind: str = "json"
    """What the request's body is: json, text, form, multipart, bytes, stream or none."""

    def to_line(self, names: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the fields, or only those of `names`, as plain JSON values."""
        line = {name: getattr(self, name) for name in names or _FIELDS}
        line["started_at"] = self.started_at.isoformat(timespec="microseconds")
        return line

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> Exchange:
        """Build an exchange from the fields of a log line; others are ignored.

        Raises:
            ValueError, KeyError, TypeError: the line is not one that `to_line` made.
        """
        fields = {name: line[name] for name in _FIELDS if name in line}
        if wrong := [name for name, value in fields.items() if not _fits(name, value)]:
            raise ValueError(f"{wrong[0]} is nothing that an exchange has")
        try:
            fields["started_at"] = datetime.fromisoformat(line["started_at"]).astimezone(UTC)
        except OverflowError as error:  # at the ends of the calendar
            raise ValueError(str(error)) from None
        fields["outcome"] = Outcome(line.get("outcome", Outcome.NO_RESPONSE))
        return cls(**fields)

    def summary(self) -> str:
        """One line: what was asked and what came of it."""
        status = "" if self.http_status is None else f"HTTP {self.http_status}"
        elapsed = "" if self.elapsed_ms is None else f"{self.elapsed_ms:.0f} ms"
        parts = (self.exchange_id, self.method, self.outcome, self.error_code, status, elapsed)
        return " · ".join(filter(None, parts))

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        entry = explain(self.error_code) if self.error_code else None
        answer = [
            "" if self.http_status is None else f"HTTP {self.http_status}",
            "" if self.elapsed_ms is None else f"{self.elapsed_ms:,.0f} ms",
        ]
        known = {
            "sent": f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC{self.url and f' to {self.url}'}",
            "attempt": self.attempt if self.attempt > 1 else None,
            "answer": ", ".join(filter(None, answer)) or None,
            "task": self.task_id,
            "what was wrong": self.detail,
            "error code": self.error_code,
            "the service says": None if entry else self.error_description,
        }
        request = _html.pretty(shorten_labels(with_labels(self.request)[0]))
        response = "(none)" if self.response is None else _html.pretty(self.response)
        return _html.describe(
            f"{self.method} · {self.exchange_id}",
            [
                ("outcome", (str(self.outcome), _html.GOOD.get(self.outcome, False))),
                *((label, str(value)) for label, value in known.items() if value is not None),
                *(entry.facts(self.error_description) if entry else ()),
            ],
            (f"request, {self.request_bytes:,} bytes", request),
            (f"response, {self.response_bytes or 0:,} bytes", response),
        )


MOST_MS = 1e12  # 31 years: no exchange takes longer
# what the value of a field may be in a line
_TYPES: dict[str, Any] = get_type_hints(Exchange) | {
    **dict.fromkeys(("started_at", "outcome"), str),
    "elapsed_ms": int | float | None,
}
_FIELDS = tuple(_TYPES)


def _fits(name: str, value: Any) -> bool:
    if name.endswith("_headers") and isinstance(value, str):
        headers, _ = parse(value)
        return isinstance(headers, dict) and all(isinstance(one, str) for one in headers.values())
    number = value if isinstance(value, (int, float)) else 0
    most = {"elapsed_ms": MOST_MS, "attempt": 2**31}.get(name, 2**63)
    return isinstance(value, _TYPES[name]) and -most < number < most


@without_frames
def decode_answer(content: bytes, secret: Secret | Veil | None) -> tuple[str, str | None]:
    """Return an answer's body as text and, only if it is not UTF-8, as base64; without the key."""
    clean = secret.redact if secret else str
    try:
        return clean(content.decode("utf-8")), None
    except UnicodeDecodeError:
        raw = clean(content.decode("latin-1")).encode("latin-1")
    return raw.decode("utf-8", "backslashreplace"), base64.b64encode(raw).decode("ascii")


def body_kind(raw: bytes | None, content_type: str) -> str:
    """Return what a body is, as `Exchange.request_kind` says it."""
    told = content_type.lower()
    if not raw:
        return "none"
    if told.startswith("multipart/"):
        return "multipart"
    if "x-www-form-urlencoded" in told:
        return "form"
    if "json" in told or fields_of(raw):
        return "json"
    return "bytes" if decode_answer(raw, None)[1] else "text"
