"""The documented rules: a request comes in, an answer goes out.

No socket, no thread, no clock of its own: time is given in, so a test can let five minutes pass
at once. What the pages leave open is decided here and marked "the sandbox's own". Source of every
rule that is not so marked: BroCapGPT public API pages.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from brocap_nb.api import _facts
from brocap_nb.api._json import fields_of, parse
from brocap_nb.sandbox._puzzles import Library
from brocap_nb.sandbox._recipes import BY_HOST, BY_KEY

TOKEN_TYPES: Final = ("FunCaptchaTaskProxyless", "FunCaptchaTask", "HCaptchaTask", "CaptchaFoxTask")

# the sandbox's own numbers; the pages say "repeated" and "about 10 minutes"
STRIKES: Final = 10
BAN_SECONDS: Final = 600.0
PRICE: Final = 0.002
IMAGE_SECONDS: Final = (0.3, 2.0)
TOKEN_SECONDS: Final = (1.0, 3.0)
FIRST_ID: Final = 7_654_321

# Unless it is strict, so many polls of a task may come at once and then one each second: the
# service's own client asks each second, although the page says 2. The sandbox's own.
QUICK_POLLS: Final = 3
QUICK_INTERVAL: Final = 1.0

# Of two polls that a client sends 2 s apart, the first may have been held up on its way.
POLL_TOLERANCE: Final = 0.05

_NO_KEY: Final = "Account authorization key not found in the system or has incorrect format"
_SUCCESS: Final = {"errorId": 0, "errorCode": None, "errorDescription": None}


@dataclass(slots=True)
class _Task:
    """What is kept of a task for 5 minutes: little, and nothing of its request."""

    account: str
    created: float
    ready_at: float
    result: tuple[bool, ...] | str | None
    """The tiles, or the code of the error that comes instead; None: a token, made from the id."""
    first_poll: str | None  # the code that the first poll is answered with, if any
    polls: int = 0
    next_due: float = float("-inf")  # when the next poll comes neither too early nor too late


class _Refusal(Exception):  # noqa: N818 - it is an answer, not an error of the program
    def __init__(self, code: str, strike: str | None = None) -> None:
        self.code, self.strike = code, strike


def keys_for(seed: int) -> Mapping[str, str]:
    """Return the sandbox's keys by name: `working`, `unknown` and the special ones of BY_KEY."""
    names = ("working", *BY_KEY)
    return MappingProxyType({name: _digest(seed, "key", name)[:32] for name in names})


class Rules:
    """The service's state and its answers, with a sandbox's options.

    One thread asks; `forgive` may be called from any. `call_back` is given a task, the
    `callbackUrl` that its result is to be POSTed to, and in how many seconds.
    """

    def __init__(
        self,
        library: Library,
        clock: Callable[[], float],
        *,
        seed: int = 0,
        balance: float = 10.0,
        speed: float = 1.0,
        strict: bool = False,
        call_back: Callable[[int, str, float], object] = lambda *_: None,
    ) -> None:
        self.keys = keys_for(seed)
        self.balance = balance
        self.library, self._clock, self._call_back = library, clock, call_back
        self._seed, self._speed = seed, speed
        self._interval = _facts.POLL_INTERVAL if strict else QUICK_INTERVAL
        self._credit = POLL_TOLERANCE if strict else (QUICK_POLLS - 1) * QUICK_INTERVAL
        self._accounts = {key: name for name, key in self.keys.items() if name != "unknown"}
        self._tasks: dict[int, _Task] = {}
        self._oldest = self._next_id = FIRST_ID
        self._strikes: dict[str, dict[str, list[float]]] = {}  # of an address, by what they lead to

    def answer(self, method: str, body: bytes, address: str) -> dict[str, Any]:
        """Answer a request that came from `address`, whatever its bytes are; HTTP status is 200."""
        now = self._clock()
        while (old := self._tasks.get(self._oldest)) and now - old.created > _facts.RESULT_LIFETIME:
            del self._tasks[self._oldest]
            self._oldest += 1
        try:
            for code, times in self._strikes.get(address, {}).items():
                if len(times) == STRIKES and now < times[-1] + BAN_SECONDS:
                    raise _Refusal(code)
            if method not in _facts.METHODS:
                raise _Refusal("ERROR_NO_SUCH_METHOD")
            request, _ = parse(body)
            if not isinstance(request, dict):
                raise _Refusal("ERROR_TASK_ABSENT")
            account = self._account(request)
            if method == "createTask":
                return self._create(request, account, now)
            if method == "getTaskResult":
                return self._poll(request, account, now)
            money = 0.0 if account == "zero_balance" else round(self.balance, 6)
            return {"errorId": 0, "balance": money}
        except _Refusal as refusal:
            if refusal.strike is not None:
                codes = self._strikes.setdefault(address, {})
                known = (time for time in codes.get(refusal.strike, ()) if now < time + BAN_SECONDS)
                codes[refusal.strike] = [*known, now]
            return error(refusal.code, method)

    def result(self, task_id: int) -> dict[str, Any] | None:
        """Return the body of a finished task's result, or None if the task is gone."""
        task = self._tasks.get(task_id)
        if task is None:
            return None
        if isinstance(task.result, str):
            return error(task.result, "getTaskResult")
        solution: dict[str, Any] = {"answer": task.result}
        if task.result is None:
            solution = {"token": f"SANDBOX-TOKEN-{_digest(self._seed, 'token', task_id)[:32]}"}
        return {**_SUCCESS, "status": "ready", "solution": solution}

    def forgive(self) -> None:
        """Lift every ban and forget what led to it."""
        self._strikes.clear()

    def _account(self, request: Mapping[str, Any]) -> str:
        # a suffix such as `__nocache` may follow the key
        account = self._accounts.get(_text(request, "clientKey").split("__", 1)[0])
        if account is None:
            raise _Refusal("ERROR_KEY_DOES_NOT_EXIST", strike="ERROR_IP_BANNED")
        if account in BY_KEY and BY_KEY[account].steps == "balance":
            raise _Refusal(BY_KEY[account].code)
        return account

    def _create(self, request: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        task = request.get("task")
        if not isinstance(task, dict):
            raise _Refusal("ERROR_TASK_ABSENT")
        # half a price below zero is a rounding error of the sum, not a debt
        if account == "zero_balance" or self.balance < PRICE / 2:
            raise _Refusal("ERROR_ZERO_BALANCE", strike="ERROR_IP_BLOCKED")
        result = self._check_task(task)
        trigger = BY_HOST.get(_host(_text(task, "websiteURL")))
        spoiled = {} if trigger is None else {trigger.steps.split(",")[-1]: trigger.code}
        if "create" in spoiled:
            raise _Refusal(spoiled["create"])
        result = spoiled.get("later", result)

        task_id, self._next_id = self._next_id, self._next_id + 1
        self.balance -= PRICE
        image = task["type"] == "ComplexImageTask"
        chance = random.Random(f"{self._seed}:{task_id}")
        seconds = chance.uniform(*(IMAGE_SECONDS if image else TOKEN_SECONDS)) / self._speed
        self._tasks[task_id] = _Task(account, now, now + seconds, result, spoiled.get("poll"))
        url = _text(request, "callbackUrl")
        if url:
            self._call_back(task_id, url, seconds)
        return {"errorId": 0, "taskId": task_id}

    def _check_task(self, task: Mapping[str, Any]) -> tuple[bool, ...] | str | None:
        """Return an image task's tiles or error code, or None for a token task."""
        kind = _text(task, "type")
        if not kind:
            raise _Refusal("ERROR_NO_SUCH_METHOD")
        if kind == "ComplexImageTask" and task.get("class") == "funcaptcha":
            return self._solve(task)
        if kind not in TOKEN_TYPES:
            raise _Refusal("ERROR_TASK_NOT_SUPPORTED")
        if kind.startswith("FunCaptcha"):
            if not _text(task, "websitePublicKey"):
                raise _Refusal("ERROR_RECAPTCHA_INVALID_SITEKEY")
            if not _host(_text(task, "websiteURL")):
                raise _Refusal("ERROR_RECAPTCHA_INVALID_DOMAIN")
            if fields_of(_text(task, "data")).get("blob") == "expired":
                raise _Refusal("ERROR_TOKEN_EXPIRED")
        return None

    def _solve(self, task: Mapping[str, Any]) -> tuple[bool, ...] | str:
        data = self.library.of(task)
        if data is None:
            return "ERROR_CAPTCHA_UNSOLVABLE"
        if len(data) > _facts.IMAGE_MAX_BYTES:
            raise _Refusal("ERROR_TOO_BIG_CAPTCHA_FILESIZE")
        if len(data) < _facts.IMAGE_MIN_BYTES:
            raise _Refusal("ERROR_ZERO_CAPTCHA_FILESIZE")
        metadata, puzzle = task.get("metadata"), self.library.find(data)
        question = metadata.get("Task") if isinstance(metadata, dict) else None
        known = puzzle is not None and _plain(question) == _plain(puzzle.question)
        return puzzle.answer if puzzle and known else "ERROR_CAPTCHA_UNSOLVABLE"

    def _poll(self, request: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        number = _task_id(request.get("taskId"))
        task = self._tasks.get(number)
        if task is None or task.account != account:
            # an id that was once given is no mistake that gets an address blocked
            given = FIRST_ID <= number < self._next_id
            raise _Refusal("ERROR_NO_SUCH_CAPCHA_ID", strike=None if given else "ERROR_IP_BLOCKED")
        task.polls += 1
        # one that is refused does not start the wait anew (the sandbox's own), but it counts
        if now < task.next_due - self._credit or task.polls > _facts.POLL_LIMIT:
            raise _Refusal("ERROR_TOO_MUCH_REQUESTS")
        task.next_due = max(now, task.next_due) + self._interval
        if task.first_poll is not None and task.polls == 1:
            raise _Refusal(task.first_poll)
        result = self.result(number) if now >= task.ready_at else None
        return result or {**_SUCCESS, "status": "processing"}


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _task_id(value: object) -> int:
    """Return an id that is an integer or a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value[:20])  # a longer one is unknown; Python converts no thousands of digits
    raise _Refusal("WRONG_CAPTCHA_ID", strike="ERROR_IP_BLOCKED")


def _plain(question: object) -> str:
    """A question without what makes no difference."""
    return " ".join(str(question).casefold().split()).rstrip(".!?")


def error(code: str, method: str) -> dict[str, Any]:
    meaning = _facts.CATALOGUE[code].meaning.rstrip(".")
    description = _NO_KEY if code == "ERROR_KEY_DOES_NOT_EXIST" else meaning
    body = {"errorId": 1, "errorCode": code, "errorDescription": description}
    return {**body, "taskId": 0} if method == "createTask" else body


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()
