"""A recorded log as a service: a request that was recorded gets the answer that was recorded.

No socket and no clock of its own, like the rules. README, "Replaying a recording", says what is
played and how. A refused connection cannot be told from a broken one here and is reset too. The
recording may be somebody else's: a line that no log of ours writes is left out.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from brocap_nb.api._body import Body
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import METHODS, RESULT_LIFETIME
from brocap_nb.api._json import asked, fields_of, parse
from brocap_nb.api._secrets import Secret
from brocap_nb.sandbox._faults import JSON, Reply, shaped

WHOLE: Final = "whole"
RESET: Final = "reset"
STALL: Final = "stall"
_ENDS: Final = {"connection_error": RESET, "timeout": STALL}
_KEPT_HEADERS: Final = ("content-type", "location", "retry-after")
_LEFT_OUT: Final = ("clientKey", "callbackUrl")


@dataclass(frozen=True, slots=True)
class Played:
    """What a request is answered with, and how the connection ends."""

    reply: Reply
    """Status 0: not a byte of an answer came."""
    wait: float
    """Seconds to wait before it."""
    end: str
    """`whole`, `reset` or `stall`."""
    about: str
    """The task's type or id; for a line of a log."""
    outcome: str


@dataclass(slots=True)
class _Answers:
    """The recorded answers to one request, in order."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    next: int = 0


class Recording:
    """The exchanges of a log, its folder or a file of it, played. The caller serialises."""

    def __init__(self, source: Any, clock: Callable[[], float], speed: float = 1.0) -> None:
        self._clock, self._speed = clock, speed
        self._answers: dict[str, _Answers] = {}
        self._tasks: dict[int, tuple[float, float]] = {}  # number: created then, and now
        self._created: dict[int, float] = {}
        self.size = 0
        """How many exchanges it plays."""
        for line in _lines(source):
            answers = self._answers.setdefault(_same(line["method"], line["request"]), _Answers())
            answers.lines.append(line)
            self.size += 1
            if line["method"] == "createTask" and isinstance(line.get("task_id"), int):
                self._created.setdefault(line["task_id"], line["ended"])
        if not self.size:
            raise SandboxError(
                f"There is no answered exchange in {_folder(source).absolute()}. Expected the "
                "folder of a log, such as brocap_log, with at least one *.jsonl file."
            )

    def answer(self, method: str, body: bytes) -> Played:
        """Answer one request. It never raises, whatever the bytes are."""
        text = body.decode("utf-8", "backslashreplace")
        found = self._answers.get(_same(method, text))
        if found is None:
            return _unknown(method, text)
        line = found.lines[self._step(found)]
        wait = (line["ended"] - line["started"]) / self._speed
        end = _ENDS.get(line["outcome"], WHOLE)
        about = line.get("task_type") if method == "createTask" else line.get("task_id")
        number = line.get("task_id")
        if method == "createTask" and isinstance(number, int) and number not in self._tasks:
            self._tasks[number] = self._created[number], self._clock() + wait
        return Played(
            line["reply"],
            0.0 if end == STALL else wait,
            end,
            _text(about),
            f"recorded: {line.get('error_code') or line.get('status') or line['outcome']}",
        )

    def _step(self, answers: _Answers) -> int:
        now = answers.next
        if self._speed > 1:
            while now + 1 < len(answers.lines) and self._is_over(answers.lines[now : now + 2]):
                now += 1
        answers.next = min(now + 1, len(answers.lines) - 1)
        return now

    def _is_over(self, pair: list[dict[str, Any]]) -> bool:
        """Whether a `processing` is no longer true when the time runs faster."""
        line, later = pair
        created, played = self._tasks.get(line.get("task_id") or 0, (None, 0.0))
        if created is None or line["outcome"] != "processing":
            return False
        return bool((self._clock() - played) * self._speed >= later["started"] - created)


def _folder(source: Any) -> Path:
    place = getattr(source, "folder", source)
    if place is None:
        raise SandboxError(
            "This log is in memory only, so there is no folder to play. Record with a folder: "
            "ExchangeLog(folder), or take it along: log.to_har(path), then "
            "ExchangeLog.from_har(path, folder)."
        )
    return Path(os.fspath(place))


def _lines(source: Any) -> Iterator[dict[str, Any]]:
    """The recorded exchanges that came to an end, in the order in which they began."""
    place = _folder(source)
    files = [place] if place.is_file() else sorted(place.glob("*.jsonl"))
    found: dict[str, dict[str, Any]] = {}
    for path in filter(Path.is_file, files):
        try:
            raw = path.read_bytes().split(b"\n")
        except OSError as error:
            raise SandboxError(f"{path} cannot be read: {error.strerror or error}.") from None
        for text in raw:
            try:
                line = json.loads(text)
                if line["kind"] in ("request", "response"):
                    found.setdefault(line["exchange_id"], {}).update(line)
            except (ValueError, RecursionError, KeyError, TypeError):
                continue  # the first line, or one that is torn
    played = [line for line in found.values() if _is_playable(line)]
    yield from sorted(played, key=lambda line: float(line["started"]))


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
    key = value.get("clientKey")
    value = {name: inner for name, inner in value.items() if name not in _LEFT_OUT}
    try:
        same = json.dumps(json.loads(Body.of(value).text), sort_keys=True)
    except (ValueError, RecursionError):
        return f"{method} {text}"
    if isinstance(key, str) and len(key) >= 8:
        same = _secret(key).redact(same)  # the log has a label where the key is quoted
    return f"{method} {same}"


@lru_cache(maxsize=16)
def _secret(key: str) -> Secret:
    return Secret(key)


def _reply(line: dict[str, Any]) -> Reply:
    if line.get("http_status") is None:
        return Reply(0, b"")
    text, headers = line.get("response_base64"), {}
    with contextlib.suppress(ValueError, TypeError):
        headers = dict(json.loads(line.get("response_headers") or "{}"))
    if isinstance(text, str):
        body = base64.b64decode(text)
    else:
        body = str(line.get("response") or "").encode("utf-8", "surrogatepass")
    kept = {
        name.title(): value
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS and isinstance(value, str) and value.isprintable()
    }
    told = kept if headers else JSON
    return Reply(int(line["http_status"]), body, {**told, "X-Content-Type-Options": "nosniff"})


def _unknown(method: str, text: str) -> Played:
    kind, number = asked(fields_of(text))
    about: object = ""
    if method not in METHODS:
        code, what = "ERROR_NO_SUCH_METHOD", "this method"
    elif method == "getTaskResult":
        about, code, what = number, "ERROR_NO_SUCH_CAPCHA_ID", "a result of this task"
    else:
        what = "this task" if method == "createTask" else "this request"
        about, code = kind, "ERROR_TASK_NOT_SUPPORTED"
    told = f"This sandbox plays a recording, and {what} is not in it"
    body = {"errorId": 1, "errorCode": code, "errorDescription": told}
    reply = shaped(None, method, body | {"taskId": 0} if method == "createTask" else body)
    return Played(reply, 0.0, WHOLE, _text(about), f"not recorded: {code}")


def _text(about: object) -> str:
    return "" if about is None else str(about)[:40]
