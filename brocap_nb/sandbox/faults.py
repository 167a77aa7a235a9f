"""What can go wrong between a service and its client, on request.

Three sorts: `BEFORE` comes instead of the service's work (nothing was created or counted),
`ON_THE_WIRE` and `SHAPES` spoil the answer after the work was done, as in life: a task whose
answer was lost may well have been billed.
"""

from __future__ import annotations

import difflib
import gzip
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from brocap_nb.errors import SandboxError
from brocap_nb.sandbox.rules import METHODS

__all__ = ["BEFORE", "ON_THE_WIRE", "SHAPES", "Faults", "Reply", "shaped"]

MOST: Final = 1_000_000
HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire: an HTTP status, headers and a body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json; charset=utf-8"}
    )


BEFORE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "refuse": "The port is closed at once, for as many seconds as times says or until "
        "clear(): new connections are refused, open ones end. A refused connection never says "
        "which method it is for, so it concerns every method.",
        "http_429": "HTTP 429 with Retry-After: 2.",
        "http_500": "HTTP 500 with a page.",
        "http_502": "HTTP 502 with a page.",
        "http_503": "HTTP 503 with a page and Retry-After: 2.",
        "redirect": "HTTP 307 to /moved/…, where no method is.",
    }
)
"""What comes instead of the service's work, by name, each with a sentence."""
ON_THE_WIRE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reset": "The connection is reset before a byte of the answer.",
        "reset_midway": "The connection is reset in the middle of the answer.",
        "stall": "The connection stays open and nothing comes.",
        "drip": "The answer comes one byte at a time, 10 bytes a second at speed 1.",
        "huge_body": "A right answer with 50 MB of padding.",
    }
)
"""What happens to the connection after the work, by name, each with a sentence."""


def _page(status: int, title: str) -> bytes:
    return (
        f"<!doctype html><html><head><title>{status} {title}</title></head>"
        f"<body><h1>{status} {title}</h1><hr>sandbox</body></html>\n"
    ).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _html_reply(status: int, title: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, _page(status, title), {"Content-Type": HTML, **named})


_STATUSES: Final[Mapping[str, Reply]] = MappingProxyType(
    {
        "http_429": _html_reply(429, "Too Many Requests", Retry_After="2"),
        "http_500": _html_reply(500, "Internal Server Error"),
        "http_502": _html_reply(502, "Bad Gateway"),
        "http_503": _html_reply(503, "Service Unavailable", Retry_After="2"),
    }
)


def _truncated(body: dict[str, Any]) -> Reply:
    whole = _json(body)
    return Reply(200, whole[: len(whole) // 2])


def _not_utf8(body: dict[str, Any]) -> Reply:
    return Reply(200, _json(body)[:-1] + b', "note": "caf\xe9 \xff\xfe"}')


def _gzipped(body: dict[str, Any]) -> Reply:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return Reply(200, gzip.compress(_json(body), mtime=0), headers)


def _missing_task_id(body: dict[str, Any]) -> Reply:
    return Reply(200, _json({name: value for name, value in body.items() if name != "taskId"}))


def _unknown_code(body: dict[str, Any]) -> Reply:
    code = "ERROR_SANDBOX_NEW_CODE"
    return Reply(
        200,
        _json({"errorId": 1, "errorCode": code, "errorDescription": "A code that no page lists"}),
    )


SHAPES: Final[Mapping[str, tuple[str, Callable[[dict[str, Any]], Reply]]]] = MappingProxyType(
    {
        "wrong_content_type": (
            "A right answer that says it is text/html.",
            lambda body: Reply(200, _json(body), {"Content-Type": HTML}),
        ),
        "truncated_json": ("The first half of the JSON.", _truncated),
        "not_utf8": ("JSON with bytes in it that are not UTF-8.", _not_utf8),
        "gzip": ("A right answer, compressed.", _gzipped),
        "empty_body": ("HTTP 200 and no body.", lambda body: Reply(200, b"")),
        "html_200": (
            "HTTP 200 with a page.",
            lambda body: Reply(200, _page(200, "OK"), {"Content-Type": HTML}),
        ),
        "json_list": ("The answer inside a list.", lambda body: Reply(200, _json([body]))),
        "error_id_string": (
            "errorId as a string.",
            lambda body: Reply(200, _json({**body, "errorId": str(body["errorId"])})),
        ),
        "missing_task_id": ("An answer without taskId.", _missing_task_id),
        "unknown_status": (
            'status is "queued", which no page lists.',
            lambda body: Reply(200, _json({**body, "status": "queued"})),
        ),
        "unknown_code": ("An error code that no page lists.", _unknown_code),
    }
)
"""What is made of the answer after the work, by name: a sentence, and what does it."""


def shaped(fault: str | None, method: str, body: dict[str, Any]) -> Reply:
    """Return the reply for an answer's body; a fault of the wire leaves it as it is."""
    if fault is None:
        return Reply(200, _json(body))
    if fault in _STATUSES:
        return _STATUSES[fault]
    if fault == "redirect":
        return Reply(307, b"", {"Location": f"/moved/{method}"})
    if fault in SHAPES:
        return SHAPES[fault][1](body)
    return Reply(200, _json(body))


class Faults:
    """The faults that were ordered and did not happen yet. Safe to use from any thread.

    Args:
        refuse: closes the port for so many seconds; 0 opens it.
    """

    names: tuple[str, ...] = (*BEFORE, *ON_THE_WIRE, *SHAPES)
    """Every kind of fault; the page at `GET /` says what each does."""

    def __init__(self, refuse: Callable[[float], None]) -> None:
        self._refuse = refuse
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[str, int]]] = {name: deque() for name in METHODS}
        self._open_at = 0.0

    def next(self, method: str, fault: str, times: int = 1) -> None:
        """Let the next `times` requests of `method` meet `fault`, after those ordered before.

        >>> sandbox.faults.next("getBalance", "http_503")
        >>> client.get_balance()
        Traceback (most recent call last):
        brocap_nb.errors.HttpError: ...

        Raises:
            SandboxError: there is no such method or fault, or `times` is not 1 to 1,000,000.
        """
        _one_of("method", method, METHODS)
        _one_of("fault", fault, self.names)
        if isinstance(times, bool) or not isinstance(times, int) or not 0 < times <= MOST:
            raise SandboxError(
                f"times is {times!r:.40}; expected a whole number of requests from 1 to {MOST:,}."
            )
        if fault == "refuse":
            self._refuse(times)
            self._open_at = time.monotonic() + times
            return
        with self._lock:
            self._waiting[method].append((fault, times))

    def clear(self) -> None:
        """Forget every fault that did not happen yet, and open the port."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.clear()
        self._refuse(0)
        self._open_at = 0.0

    @property
    def waiting(self) -> tuple[tuple[str, str, int], ...]:
        """What was ordered and did not happen yet, as (method, fault, times), in order.

        A port that is closed at the moment is told as `("", "refuse", seconds)`.
        """
        closed = math.ceil(self._open_at - time.monotonic())
        with self._lock:
            orders = [(m, *order) for m, waiting in self._waiting.items() for order in waiting]
        return (("", "refuse", closed), *orders) if closed > 0 else tuple(orders)

    def take(self, method: str) -> str | None:
        """Return the fault that this request of `method` meets, if any, and strike it off."""
        with self._lock:
            waiting = self._waiting.get(method)
            if not waiting:
                return None
            fault, times = waiting.popleft()
            if times > 1:
                waiting.appendleft((fault, times - 1))
            return fault

    def __repr__(self) -> str:
        return f"Faults(waiting={list(self.waiting)})"


def _one_of(what: str, given: object, known: tuple[str, ...]) -> None:
    if given in known:
        return
    near = difflib.get_close_matches(str(given), known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SandboxError(
        f"{given!r} is not a {what} of the sandbox.{hint} Expected one of: {', '.join(known)}."
    )
