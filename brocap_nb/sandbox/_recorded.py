"""A recorded log as a service: a request that was recorded gets the answer that was recorded.

No socket and no clock of its own, like the rules. docs/guides/replay.md says what is played, how.
A refused connection is reset like a broken one. The recording may be somebody else's.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from brocap_nb._server import Reply
from brocap_nb.api._body import Body
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._facts import METHODS, RESULT_LIFETIME
from brocap_nb.api._json import fields_of, parse
from brocap_nb.api._secrets import Secret
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._faults import JSON, shaped
from brocap_nb.sandbox._rules import error

_ENDS: Final[Any] = {Outcome.CONNECTION_ERROR: "reset", Outcome.TIMEOUT: "stall"}
_KEPT_HEADERS: Final = ("content-type", "location", "retry-after")


class Recording:
    """The exchanges of a log, played. The caller serialises."""

    def __init__(self, source: Any, clock: Callable[[], float], speed: float = 1.0) -> None:
        self._clock, self._speed = clock, speed
        self._answers: dict[str, list[tuple[Exchange, Reply]]] = {}  # in order, those to come
        self._created: dict[int | None, float] = {}  # when each task was, in the recording
        self._played: dict[int | None, float] = {}  # and when its creation was played
        log = source if isinstance(source, ExchangeLog) else ExchangeLog(source)
        played = [(one, reply) for one in log.exchanges() if (reply := _reply(one)) is not None]
        self.size = len(played)  # how many exchanges it plays
        for one, reply in played:
            self._answers.setdefault(_same(one.method, one.request), []).append((one, reply))
            if one.method == "createTask":
                self._created.setdefault(one.task_id, one.started_at.timestamp() + _seconds(one))
        if not self.size:
            raise SandboxError(
                f"There is no answered exchange in {log.folder or 'this log'}. Expected a log, "
                "or the folder of one, such as brocap_log, with at least one *.jsonl file."
            )

    def answer(self, method: str, body: bytes) -> tuple[Reply, str]:
        """Answer any request, whatever its bytes are; with what came of it, for a line of a log."""
        text = body.decode("utf-8", "backslashreplace")
        answers = self._answers.get(_same(method, text))
        if answers is None:
            known = "ERROR_TASK_NOT_SUPPORTED" if method in METHODS else "ERROR_NO_SUCH_METHOD"
            code = "ERROR_NO_SUCH_CAPCHA_ID" if method == "getTaskResult" else known
            told = "This sandbox plays a recording, and this request is not in it"
            said = error(code, method) | {"errorDescription": told}
            return shaped(None, said), f"not recorded: {code}"
        while self._speed > 1 and len(answers) > 1 and self._is_over(answers[0][0], answers[1][0]):
            del answers[0]
        one, reply = answers.pop(0) if len(answers) > 1 else answers[0]
        wait = _seconds(one) / self._speed
        if method == "createTask":
            self._played.setdefault(one.task_id, self._clock() + wait)
        told = f"recorded: {one.error_code or one.status or one.outcome}"
        return replace(reply, wait=wait), told

    def _is_over(self, one: Exchange, later: Exchange) -> bool:
        """Whether a `processing` is no longer true when the time runs faster."""
        if one.outcome != Outcome.PROCESSING or one.task_id not in self._played:
            return False
        passed = (self._clock() - self._played[one.task_id]) * self._speed
        return passed >= later.started_at.timestamp() - self._created[one.task_id]


def _seconds(one: Exchange) -> float:
    return (one.elapsed_ms or 0.0) / 1000


def _reply(one: Exchange) -> Reply | None:
    """What came, status 0 for nothing; None if it did not end or is none of our recording."""
    status, packed = one.http_status or 0, one.response_base64
    ended = one.outcome not in (Outcome.NO_RESPONSE, Outcome.CALLBACK)
    possible = status in range(200, 600) or (one.http_status is None and one.outcome in _ENDS)
    if not (ended and possible and 0 <= _seconds(one) <= RESULT_LIFETIME):
        return None
    try:
        body = base64.b64decode(packed) if packed else (one.response or "").encode()
    except ValueError:
        return None
    headers = fields_of(one.response_headers or "")
    kept = {
        name.title(): value
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS and value.isprintable() and value.isascii()
    }
    if body and not headers:  # they were not recorded
        kept = JSON
    return Reply(status, body, kept, end=_ENDS.get(one.outcome, "whole"))


def _same(method: str, text: str) -> str:
    """A text that is the same for requests that count as the same."""
    value, _ = parse(text)
    if isinstance(value, dict):
        key = value.pop("clientKey", None)
        value.pop("callbackUrl", None)
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(Body.of(value).text), sort_keys=True)
            if isinstance(key, str) and len(key) >= 8:
                text = _secret(key).redact(text)  # the log has a label where the key is quoted
    return f"{method} {text}"


_secret = lru_cache(maxsize=16)(Secret)
