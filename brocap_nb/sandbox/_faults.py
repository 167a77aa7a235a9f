"""What can go wrong between a service and its client, on request.

Those of `BEFORE` come instead of the service's work (nothing was created or counted); the others
spoil the answer after the work was done, as in life: a task whose answer was lost may well have
been billed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.client import responses
from typing import Any, Final

from brocap_nb._server import Reply
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import METHODS

JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
HTML: Final = {"Content-Type": "text/html; charset=utf-8"}

_TABLE: Final = """
http_429            HTTP 429 with a page and Retry-After: 2.
http_500            HTTP 500 with a page.
http_503            HTTP 503 with a page and Retry-After: 2.
redirect            HTTP 307 to /moved, where no method is.
reset               The connection is reset before a byte of the answer.
reset_midway        The connection is reset in the middle of the answer.
stall               The connection stays open and nothing comes.
drip                The answer comes one byte at a time, 10 bytes a second at speed 1.
huge_body           A right answer with 50 MB of padding: longer than a client reads by itself.
wrong_content_type  A right answer that says it is text/html.
truncated_json      The first half of the JSON.
not_utf8            JSON with bytes in it that are not UTF-8.
empty_body          HTTP 200 and no body.
html_200            HTTP 200 with a page.
json_list           The answer inside a list.
error_id_string     errorId as a string.
missing_task_id     An answer without taskId.
unknown_status      status is "queued", which no page lists.
unknown_code        An error code that no page lists.
"""
FAULTS: Final = dict(line.split(maxsplit=1) for line in _TABLE.strip().splitlines())
"""Every kind of fault, with a sentence."""
BEFORE: Final = tuple(FAULTS)[:4]  # what comes instead of the service's work

# what is made of an answer's body, which is given as it is and as JSON
_MADE: Final[Mapping[str | None, Callable[[dict[str, Any], bytes], Any]]] = {
    None: lambda _, text: Reply(200, text, JSON),
    "redirect": lambda *_: Reply(307, b"", {"Location": "/moved"}),
    "reset": lambda *_: Reply(0, end="reset"),
    "reset_midway": lambda _, text: Reply(200, text[: len(text) // 2], JSON, end="reset"),
    "stall": lambda *_: Reply(0, end="stall"),
    "drip": lambda _, text: Reply(200, text, JSON, pause=0.1),
    "huge_body": lambda body, _: {**body, "padding": "." * 50_000_000},
    "wrong_content_type": lambda _, text: Reply(200, text, HTML),
    "truncated_json": lambda _, text: Reply(200, text[: len(text) // 2], JSON),
    "not_utf8": lambda _, text: Reply(200, text[:-1] + b', "note": "caf\xe9 \xff\xfe"}', JSON),
    "empty_body": lambda *_: Reply(200, b"", JSON),
    "json_list": lambda body, _: [body],
    "error_id_string": lambda body, _: {**body, "errorId": str(body["errorId"])},
    "missing_task_id": lambda body, _: {name: body[name] for name in body if name != "taskId"},
    "unknown_status": lambda body, _: {**body, "status": "queued"},
    "unknown_code": lambda *_: {"errorId": 1, "errorCode": "ERROR_NEW_CODE"},
}


def shaped(fault: str | None, body: dict[str, Any]) -> Reply:
    """Return the reply that is made of an answer's body."""
    text = json.dumps(body).encode()
    if fault in _MADE:
        made = _MADE[fault](body, text)
        return made if isinstance(made, Reply) else shaped(None, made)
    status = int(str(fault).rpartition("_")[2])
    title = f"{status} {responses[status]}"
    page = f"<!doctype html><html><title>{title}</title><h1>{title}</h1></html>\n".encode()
    headers = HTML | {"Retry-After": "2"} if status in (429, 503) else HTML
    return Reply(status, page, headers)


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
                raise SandboxError(
                    f"{given!r} is not a {what} of the sandbox. Expected one of: "
                    f"{', '.join(known)}."
                )
        if type(times) is not int or not 0 < times <= 1_000_000:
            raise SandboxError(
                f"times is {times!r:.40}; expected a whole number of requests from 1 to 1,000,000."
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
