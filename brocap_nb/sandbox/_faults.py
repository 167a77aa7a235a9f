"""What can go wrong between a service and its client, on request.

Those of `BEFORE` come instead of the service's work (nothing was created or counted); the others
spoil the answer after the work was done, as in life: a task whose answer was lost may well have
been billed.
"""

from __future__ import annotations

import difflib
import gzip
import json
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from brocap_nb._server import Reply
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import METHODS

MOST: Final = 1_000_000
JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
HTML: Final = {"Content-Type": "text/html; charset=utf-8"}
GZIP: Final = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
LATER: Final = {**HTML, "Retry-After": "2"}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _page(status: int) -> Reply:
    title = f"{status} {HTTPStatus(status).phrase}"
    body = (
        f"<!doctype html><html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1><hr>sandbox</body></html>\n"
    )
    return Reply(status, body.encode(), LATER if status in (429, 503) else HTML)


_MADE: Final[Mapping[str, tuple[str, Callable[[dict[str, Any]], Any]]]] = {
    "http_429": ("HTTP 429 with a page and Retry-After: 2.", lambda _: _page(429)),
    "http_500": ("HTTP 500 with a page.", lambda _: _page(500)),
    "http_502": ("HTTP 502 with a page.", lambda _: _page(502)),
    "http_503": ("HTTP 503 with a page and Retry-After: 2.", lambda _: _page(503)),
    "redirect": (
        "HTTP 307 to /moved, where no method is.",
        lambda _: Reply(307, b"", {"Location": "/moved"}),
    ),
    "reset": (
        "The connection is reset before a byte of the answer.",
        lambda _: Reply(0, end="reset"),
    ),
    "reset_midway": (
        "The connection is reset in the middle of the answer.",
        lambda body: Reply(200, _json(body)[: len(_json(body)) // 2], JSON, end="reset"),
    ),
    "stall": (
        "The connection stays open and nothing comes.",
        lambda _: Reply(0, end="stall"),
    ),
    "drip": (
        "The answer comes one byte at a time, 10 bytes a second at speed 1.",
        lambda body: Reply(200, _json(body), JSON, pause=0.1),
    ),
    "huge_body": (
        "A right answer with 50 MB of padding: longer than a client reads by itself.",
        lambda body: {**body, "padding": "." * 50_000_000},
    ),
    "wrong_content_type": (
        "A right answer that says it is text/html.",
        lambda body: Reply(200, _json(body), HTML),
    ),
    "truncated_json": (
        "The first half of the JSON.",
        lambda body: Reply(200, _json(body)[: len(_json(body)) // 2], JSON),
    ),
    "not_utf8": (
        "JSON with bytes in it that are not UTF-8.",
        lambda body: Reply(200, _json(body)[:-1] + b', "note": "caf\xe9 \xff\xfe"}', JSON),
    ),
    "gzip": (
        "A right answer, compressed.",
        lambda body: Reply(200, gzip.compress(_json(body), mtime=0), GZIP),
    ),
    "empty_body": ("HTTP 200 and no body.", lambda _: Reply(200, b"", JSON)),
    "html_200": ("HTTP 200 with a page.", lambda _: _page(200)),
    "json_list": ("The answer inside a list.", lambda body: [body]),
    "error_id_string": ("errorId as a string.", lambda b: {**b, "errorId": str(b["errorId"])}),
    "missing_task_id": (
        "An answer without taskId.",
        lambda body: {name: value for name, value in body.items() if name != "taskId"},
    ),
    "unknown_status": (
        'status is "queued", which no page lists.',
        lambda body: {**body, "status": "queued"},
    ),
    "unknown_code": (
        "An error code that no page lists.",
        lambda body: {"errorId": 1, "errorCode": "ERROR_NEW_CODE"},
    ),
}
FAULTS: Final = {name: what for name, (what, _) in _MADE.items()}
"""Every kind of fault, with a sentence."""
BEFORE: Final = ("http_429", "http_500", "http_502", "http_503", "redirect")
"""What comes instead of the service's work."""


def shaped(fault: str | None, body: dict[str, Any]) -> Reply:
    """Return the reply that is made of an answer's body."""
    made = _MADE[fault][1](body) if fault else body
    return made if isinstance(made, Reply) else Reply(200, _json(made), JSON)


class Faults:
    """The faults that were ordered and did not happen yet. Safe to use from any thread."""

    names: tuple[str, ...] = tuple(FAULTS)
    """Every kind of fault; the page at `GET /` says what each does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[tuple[str, str, int]] = []

    def next(self, method: str, fault: str, times: int = 1) -> None:
        """Let the next `times` requests of `method` meet `fault`, after those ordered before.

        >>> sandbox.faults.next("getBalance", "http_503")
        >>> client.get_balance()
        Traceback (most recent call last):
        brocap_nb.HttpError: ...

        Raises:
            SandboxError: there is no such method or fault, or `times` is not 1 to 1,000,000.
        """
        for what, given, known in (("method", method, METHODS), ("fault", fault, self.names)):
            if given not in known:
                near = difflib.get_close_matches(str(given), known, 1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise SandboxError(
                    f"{given!r} is not a {what} of the sandbox.{hint} Expected one of: "
                    f"{', '.join(known)}."
                )
        if isinstance(times, bool) or not isinstance(times, int) or not 0 < times <= MOST:
            raise SandboxError(
                f"times is {times!r:.40}; expected a whole number of requests from 1 to {MOST:,}."
            )
        with self._lock:
            self._orders.append((method, fault, times))

    def clear(self) -> None:
        """Forget every fault that did not happen yet."""
        with self._lock:
            self._orders.clear()

    @property
    def waiting(self) -> tuple[tuple[str, str, int], ...]:
        """What was ordered and did not happen yet, as (method, fault, times), in order."""
        with self._lock:
            return tuple(self._orders)

    def take(self, method: str) -> str | None:
        """Return the fault that this request of `method` meets, if any, and strike it off."""
        with self._lock:
            for at, (name, fault, times) in enumerate(self._orders):
                if name == method:
                    self._orders[at : at + 1] = [(name, fault, times - 1)] if times > 1 else []
                    return fault
            return None

    def __repr__(self) -> str:
        return f"Faults(waiting={list(self.waiting)})"
