"""A recorded log as a service: a request that was recorded gets the answer that was recorded.

No socket and no clock of its own, like the rules. docs/guides/replay.md says what is played and
how. A refused connection cannot be told from a broken one here and is reset too. The
recording may be somebody else's: a line that no log of ours writes is left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from brocap_nb.api._body import Body
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import RESULT_LIFETIME
from brocap_nb.api._json import asked, fields_of, parse
from brocap_nb.api._secrets import Secret
from brocap_nb.log._folders import path_of
from brocap_nb.log._journal import decode, read_lines
from brocap_nb.sandbox._faults import JSON, Reply, shaped

WHOLE: Final = "whole"
RESET: Final = "reset"
STALL: Final = "stall"
_ENDS: Final = {"connection_error": RESET, "timeout": STALL}
_KEPT_HEADERS: Final = ("content-type", "location", "retry-after")


@dataclass(frozen=True, slots=True)
class Played:
    """What a request is answered with, and how the connection ends."""

    reply: Reply
    """Status 0: not a byte of an answer came."""
    about: str
    """The task's type or id; for a line of a log."""
    outcome: str
    wait: float = 0.0
    """Seconds to wait before it."""
    end: str = WHOLE
    """`whole`, `reset` or `stall`."""


class Recording:
    """The exchanges of a log, its folder or a file of it, played. The caller serialises."""

    def __init__(self, source: Any, clock: Callable[[], float], speed: float = 1.0) -> None:
        self._clock, self._speed = clock, speed
        self._answers: dict[str, list[dict[str, Any]]] = {}  # in order, those not yet given
        self._created: dict[int | None, float] = {}  # when each task was, in the recording
        self._played: dict[int | None, float] = {}  # and when its creation was played
        lines = _lines(source)
        self.size = len(lines)
        """How many exchanges it plays."""
        for line in lines:
            self._answers.setdefault(_same(line["method"], line["request"]), []).append(line)
            if line["method"] == "createTask":
                self._created.setdefault(line.get("task_id"), line["ended"])

    def answer(self, method: str, body: bytes) -> Played:
        """Answer one request. It never raises, whatever the bytes are."""
        text = body.decode("utf-8", "backslashreplace")
        lines = self._answers.get(_same(method, text))
        if lines is None:
            return _unknown(method, text)
        while self._speed > 1 and len(lines) > 1 and self._is_over(*lines[:2]):
            del lines[0]
        line = lines.pop(0) if len(lines) > 1 else lines[0]
        wait = (line["ended"] - line["started"]) / self._speed
        number, end = line.get("task_id"), _ENDS.get(line["outcome"], WHOLE)
        if method == "createTask":
            self._played.setdefault(number, self._clock() + wait)
        told = f"recorded: {line.get('error_code') or line.get('status') or line['outcome']}"
        about = line.get("task_type") if method == "createTask" else number
        return Played(line["reply"], str(about or ""), told, 0.0 if end == STALL else wait, end)

    def _is_over(self, line: dict[str, Any], later: dict[str, Any]) -> bool:
        """Whether a `processing` is no longer true when the time runs faster."""
        number = line.get("task_id")
        if line["outcome"] != "processing" or number not in self._played:
            return False
        passed = (self._clock() - self._played[number]) * self._speed
        return bool(passed >= later["started"] - self._created[number])


def _lines(source: Any) -> list[dict[str, Any]]:
    """The recorded exchanges that came to an end, in the order in which they began."""
    place = getattr(source, "folder", source)
    if place is None:
        raise SandboxError(
            "This log is in memory only, so there is no folder to play. Record with a folder: "
            "ExchangeLog(folder), or take it along: log.to_har(path), then "
            "ExchangeLog.from_har(path, folder)."
        )
    place = path_of(place)
    files = [place] if place.is_file() else sorted(place.glob("*.jsonl"))
    found: dict[str, dict[str, Any]] = {}
    for path in filter(Path.is_file, files):
        try:
            for _, raw in read_lines(path):
                line = decode(raw) or {}
                if line.get("kind") in ("request", "response"):
                    found.setdefault(str(line.get("exchange_id")), {}).update(line)
        except OSError as error:
            raise SandboxError(f"{path} cannot be read: {error.strerror or error}.") from None
    played = [line for line in found.values() if _is_playable(line)]
    if not played:
        raise SandboxError(
            f"There is no answered exchange in {place.absolute()}. Expected the folder of a log, "
            "such as brocap_log, with at least one *.jsonl file."
        )
    return sorted(played, key=lambda line: float(line["started"]))


def _is_playable(line: dict[str, Any]) -> bool:
    """Note times and reply of an exchange; False if it did not end or is none of our writing."""
    try:
        seconds = float(line.get("elapsed_ms") or 0.0) / 1000
        line["started"] = datetime.fromisoformat(line["started_at"]).timestamp()
        line["ended"] = line["started"] + seconds
        line["reply"] = _reply(line)
        status = line["reply"].status
        return (
            isinstance(line["request"], str)
            and isinstance(line["method"], str)
            and 0 <= seconds <= RESULT_LIFETIME
            and (status in range(200, 600) or (not status and line["outcome"] in _ENDS))
            and isinstance(line.get("task_id"), int | None)
            and line["outcome"] not in {None, "no_response", "callback"}
        )
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError):
        return False


def _same(method: str, text: str) -> str:
    """A text that is the same for requests that count as the same."""
    value, _ = parse(text)
    if not isinstance(value, dict):
        return f"{method} {text}"
    key = value.pop("clientKey", None)
    value.pop("callbackUrl", None)
    try:
        same = json.dumps(json.loads(Body.of(value).text), sort_keys=True)
    except (ValueError, RecursionError):
        return f"{method} {text}"
    if isinstance(key, str) and len(key) >= 8:
        same = _secret(key).redact(same)  # the log has a label where the key is quoted
    return f"{method} {same}"


_secret = lru_cache(maxsize=16)(Secret)


def _reply(line: dict[str, Any]) -> Reply:
    if line.get("http_status") is None:
        return Reply(0, b"")
    packed = line.get("response_base64")
    body = str(line.get("response") or "").encode("utf-8", "surrogatepass")
    headers = fields_of(str(line.get("response_headers") or ""))
    kept = {
        name.title(): value
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS and isinstance(value, str) and value.isprintable()
    }
    told = {**(kept if headers else JSON), "X-Content-Type-Options": "nosniff"}
    return Reply(int(line["http_status"]), base64.b64decode(packed) if packed else body, told)


def _unknown(method: str, text: str) -> Played:
    code, what = {
        "createTask": ("ERROR_TASK_NOT_SUPPORTED", "this task"),
        "getTaskResult": ("ERROR_NO_SUCH_CAPCHA_ID", "a result of this task"),
        "getBalance": ("ERROR_TASK_NOT_SUPPORTED", "this request"),
    }.get(method, ("ERROR_NO_SUCH_METHOD", "this method"))
    told = f"This sandbox plays a recording, and {what} is not in it"
    body: dict[str, Any] = {"errorId": 1, "errorCode": code, "errorDescription": told}
    reply = shaped(None, method, body | {"taskId": 0} if method == "createTask" else body)
    kind, number = asked(fields_of(text))
    return Played(reply, str(kind or number or ""), f"not recorded: {code}")
