"""Waiting for a task in the background, within the service's limits."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent import futures
from typing import Any, Final, Literal

from brocap_nb import _html
from brocap_nb.api import _errors
from brocap_nb.api._answers import TaskResult
from brocap_nb.api._errors import ApiError, BadResponseError, ExchangeError, PollLimitError
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._facts import POLL_INTERVAL, POLL_LIMIT, RESULT_LIFETIME
from brocap_nb.client._requests import Request, get_task_result
from brocap_nb.log import _folders
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._types import Task

_WAIT_CODES: Final = ("CAPTCHA_NOT_READY", "ERROR_TOO_MUCH_REQUESTS")


class Pacer:
    """Keeps the limits for each task of a client, whoever asks: 2 s, 120 polls, 5 minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}
        self._next: dict[int, float] = {}
        self._polls: Counter[int] = Counter()

    def created(self, task_id: int, pause: float = 0.0) -> None:
        """Start a task's 5 minutes; it is first asked for after a pause."""
        now = self._clock()
        self._since[task_id], self._next[task_id] = now, now + pause
        self._polls[task_id] = 0

    def delay(self, task_id: int) -> float:
        """Return the seconds until the task may be asked for; PollLimitError: it may no more."""
        now = self._clock()
        if self._polls[task_id] >= POLL_LIMIT:
            why = f"asked for {POLL_LIMIT} times, which is all that the service allows"
        elif now - self._since.setdefault(task_id, now) > RESULT_LIFETIME:
            why = f"created over {RESULT_LIFETIME / 60:.0f} minutes ago"
        else:
            return max(0.0, self._next.get(task_id, now) - now)
        raise PollLimitError(f"Task {task_id} was {why}. Create it anew.", task_id)

    def wait(self, task_id: int, end: futures.Future[Any] | None = None) -> None:
        """Sleep until the task may be asked for, or until there is an end."""
        end = end or futures.Future()
        while (seconds := self.delay(task_id)) > 0 and not futures.wait([end], seconds).done:
            pass

    def polled(self, task_id: int) -> None:
        """Count a poll; the next is 2 s after its answer, so never less at the service's end."""
        self._polls[task_id] += 1
        self._next[task_id] = self._clock() + POLL_INTERVAL


class Submission:
    """A task on its way: created (unless resumed) and then asked for until it is ready.

    It runs in a thread of its own, so the kernel stays free. `await run` works as well.

    >>> run = client.submit(task)
    >>> run.result().answer
    (False, False, False, False, False, True)
    >>> run.status, run.task_id
    ('ready', 7654321)
    """

    def __init__(
        self,
        pacer: Pacer,
        send: Callable[..., Any],
        create: Request | None = None,
        *,
        task: Task | None = None,
        task_id: int | None = None,
        created: Callable[..., None] | None = None,
    ) -> None:
        self.task: Task | None = task
        """The task object; None after `resume`."""
        self.task_id: int | None = task_id
        """The service's number of the task; None until it is created."""
        self.polls: int = 0
        """How often the result was asked for."""
        self._pacer, self._send, self._create, self._created = pacer, send, create, created
        self._started = time.monotonic()
        self._ended: float | None = None
        self._listeners: list[Callable[[Submission], None]] = []
        self._future: futures.Future[TaskResult] = futures.Future()
        self._future.set_running_or_notify_cancel()
        threading.Thread(target=self._run, name="brocap-submission", daemon=True).start()

    @property
    def status(self) -> Literal["creating", "waiting", "ready", "failed", "cancelled"]:
        """`creating`, `waiting`, or how it ended: `ready`, `failed` or `cancelled`."""
        if not self.done():
            return "creating" if self.task_id is None else "waiting"
        error = self._future.exception()
        if error is None:
            return "ready"
        return "cancelled" if isinstance(error, _errors.CancelledError) else "failed"

    @property
    def elapsed(self) -> float:
        """Seconds since the start; fixed when it has ended."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def typical_wait(self) -> tuple[float, float] | None:
        """How long such a task usually takes, in seconds (from, to), if it is documented."""
        return self.task.typical_wait if self.task is not None else None

    @property
    def next_poll_in(self) -> float | None:
        """Seconds until the result is asked for again; None when no poll is to come."""
        if self.task_id is None or self.done():
            return None
        with contextlib.suppress(PollLimitError):
            return self._pacer.delay(self.task_id)
        return None

    def done(self) -> bool:
        """Whether it has ended, in any way."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> TaskResult:
        """Wait for the result and return it.

        Args:
            timeout: seconds to wait at most; the task goes on after that.

        Raises:
            NotReadyError: `timeout` seconds have passed.
            PollLimitError: the service's limits are used up.
            CancelledError: it was cancelled.
            ExchangeError: a request ended badly; `ApiError` if the service said so.
        """
        if not futures.wait([self._future], timeout).done:
            raise _errors.NotReadyError(
                f"There is no result after {timeout:g} s; the task goes on. Call result() again, "
                "or cancel().",
                self.task_id,
            )
        return self._future.result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end and return the exception it ended with, or None."""
        ended = futures.wait([self._future], timeout).done
        return self._future.exception() if ended else None

    def cancel(self) -> bool:
        """Stop waiting: True if that ended it. The service is not told: it has no such method."""
        error = _errors.CancelledError("The submission was cancelled.", self.task_id)
        return self._end(error=error)

    def on_change(self, listener: Callable[[Submission], None]) -> Callable[[], None]:
        """Call `listener(run)` on every change, in its thread; returns a function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def __await__(self) -> Generator[Any, None, TaskResult]:
        import asyncio  # where there is an await, it is loaded already

        return asyncio.wrap_future(self._future).__await__()

    async def coroutine(self) -> TaskResult:
        """Wait for the result in asyncio: for `create_task`, a `TaskGroup`, `asyncio.wait`.

        Cancelling what waits does not cancel the submission.
        """
        return await self

    def _run(self) -> None:
        try:
            if self._create is not None:
                self._begin(self._create)
            self._end(self._poll())
        except Exception as error:
            self._end(error=error)

    def _begin(self, create: Request) -> None:
        """Create the task, and let the shortest time pass that such a task takes."""
        try:
            self.task_id = task_id = self._send(create).task_id
        finally:
            if self._created is not None:  # a callback may have come already, and is held
                self._created(self.task_id, self._called_back)
        shortest = self.typical_wait[0] if self.typical_wait else POLL_INTERVAL
        self._pacer.created(task_id, min(max(shortest, 0.5), POLL_INTERVAL))
        self._tell()

    def _called_back(self, exchange: Exchange, result: TaskResult | None) -> None:
        """Take what the service POSTed; the polls end. Called from the listener's thread."""
        error = ApiError(exchange) if result is None else None
        if error is not None and error.code not in _WAIT_CODES:
            self._end(error=error)
        elif result is not None and result.ready:
            self._end(result)

    def _poll(self) -> TaskResult | None:
        """Ask until the result is there; None when it has ended. Broken polls are repeated."""
        assert self.task_id is not None
        request = get_task_result(self.task_id, self.task.type if self.task is not None else None)
        attempt = 1
        while True:
            self._pacer.wait(self.task_id, self._future)
            if self.done():
                return None
            self.polls += 1
            try:
                result: TaskResult = self._send(request, attempt=attempt)
                if result.ready:
                    return result
                attempt = 1
            except ExchangeError as error:
                code = error.code if isinstance(error, ApiError) else None
                # the service answered, and asking again gives the same
                if isinstance(error, BadResponseError) or (code and code not in _WAIT_CODES):
                    raise
                attempt = 1 if code else attempt + 1
            self._tell()

    def _end(self, result: Any = None, error: Any = None) -> bool:
        self._ended = self._ended or time.monotonic()
        try:
            if error is None:
                self._future.set_result(result)
            else:
                self._future.set_exception(error)
        except futures.InvalidStateError:  # it has ended already
            return False
        self._tell()
        return True

    def _tell(self) -> None:
        _folders.tell((self,), tuple(self._listeners), "submission", UserWarning)

    def _facts(self) -> list[tuple[str, str]]:
        usual = "" if self.typical_wait is None else "{:g} to {:g} s".format(*self.typical_wait)
        facts = [
            ("status", self.status),
            ("task", "not created yet" if self.task_id is None else str(self.task_id)),
            ("elapsed", f"{self.elapsed:.1f} s"),
            ("usually", usual),
            ("polls", str(self.polls)),
            ("ended with", str((self.done() and self._future.exception()) or "")),
        ]
        return [(label, value) for label, value in facts if value]

    def __repr__(self) -> str:
        return f"<Submission {', '.join(f'{label}: {value}' for label, value in self._facts())}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        facts, below, marked = self._facts(), [], ""
        pictures = self.task.pictures() if self.task else []
        if self.status == "ready":
            result = self._future.result()
            facts += result._facts()[1:]
            below = [("solution", json.dumps(result.solution, indent=2, ensure_ascii=False))]
            if pictures and result.answer is not None:
                with contextlib.suppress(_errors.InvalidImageError):  # then it is shown as it is
                    # the answer has one boolean for each tile of a single picture
                    pictures[0] = _pictures.mark_answer(pictures[0], result.answer)
                    marked = ", its answer marked" if len(pictures) == 1 else ""
        shown = _pictures.images(pictures, f"Picture {{}}{marked}")
        kind = self.task.type if self.task else "Submission"
        return _html.describe(f"{kind}: {self.status}", facts, *below, images=shown)
