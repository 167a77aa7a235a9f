"""The listener for `callbackUrl`: results that the service POSTs to us become rows of the log.

A callback's body is that of `getTaskResult`, which does not say whose it is. So every submission
gets an address of its own, and the address says which task a callback belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from tornado.httputil import HTTPServerRequest

from brocap_nb import _html
from brocap_nb._server import CALLBACK_PORTS, Reply, Server
from brocap_nb.api import _answers
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange, Outcome, decode_answer
from brocap_nb.api._facts import CALLBACK_TIMEOUT
from brocap_nb.api._json import asked, fields_of
from brocap_nb.api._secrets import Veil, headers_text, redact_form
from brocap_nb.log import ExchangeLog
from brocap_nb.log._recorder import Attempts, Received, Recorder, ours
from brocap_nb.tasks._pictures import clean_address

BODY_LIMIT: Final = 1_000_000
"""Largest body that is taken, in bytes; a larger one is answered with HTTP 413."""
PATIENCE: Final = CALLBACK_TIMEOUT / 2
"""How long a reply waits for the log, in seconds: the service waits twice as long for the reply."""

Deliver: TypeAlias = Callable[[Exchange, "_answers.TaskResult | None"], None]
"""Takes a callback of a task; the result is None with an error code."""


class CallbackListener(Server):
    """Takes the results that the service POSTs, records each, and wakes who waits for it.

    >>> with bn.CallbackListener() as listener:
    ...     run = client.submit(task, callbacks=listener)
    ...     run.result().answer
    (False, False, False, False, False, True)

    It listens in a thread of its own and answers while a cell runs.

    Args:
        log: where callbacks are recorded; default: in the log of the client that submitted the
            task, and those to `url_for` in a log in `brocap_log/`.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        public_url: how the service reaches this port from outside; a secret path is appended.

    Raises:
        InvalidInputError: `public_url` cannot be used.
    """

    def __init__(
        self,
        log: ExchangeLog | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        public_url: str | None = None,
    ) -> None:
        if public_url is not None:
            public_url = clean_address(public_url, "public_url").rstrip("/")
        # what is a little too large is read and answered; what is much too large is cut
        super().__init__(
            host,
            port,
            public_url=public_url,
            error=functools.partial(InvalidInputError, field="port"),
            max_body_size=6 * BODY_LIMIT,
            max_header_size=16_384,
            idle_connection_timeout=10.0,  # so long a sender may take
            body_timeout=10.0,
        )
        self._log = log
        self._expected: dict[str, ExpectedCallback] = {}  # by the end of the path
        self._recorders: list[Recorder] = []  # of all clients: what any of them hides is hidden
        # not in the server's loop: a subscriber of the log may take its time, or the log's disk
        self._worker = ThreadPoolExecutor(1, "brocap-callbacks")

    def _begin(self) -> None:
        CALLBACK_PORTS.add(self.port)

    def stop(self) -> None:
        """Stop to listen; what has come is recorded. It may be called again."""
        if not self._running:
            return
        CALLBACK_PORTS.discard(self.port)
        super().stop()
        with contextlib.suppress(RuntimeError):  # by a view that is told of a callback
            self._worker.shutdown()
        for expected in list(self._expected.values()):
            expected.created(None)  # nobody will say any more which task it was

    def url_for(self, task_id: int | None = None) -> str:
        """Return a fresh address for a task that you create by hand; it cannot be guessed.

        Its callbacks are recorded as those of `task_id`, else of the task that the body names.
        """
        expected = self.expect()
        expected.created(task_id)
        return expected.url

    def expect(
        self, recorder: Recorder | None = None, task_type: str | None = None
    ) -> ExpectedCallback:
        """Return an address for a task to be created; its callbacks a client's recorder writes."""
        self._check_running()
        if recorder is not None and recorder not in self._recorders:
            self._recorders.append(recorder)
        name = secrets.token_urlsafe(24)
        self._expected[name] = ExpectedCallback(self, f"{self.url}/{name}", recorder, task_type)
        return self._expected[name]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return _html.bundle(_html.card("Callback listener", _html.text(self._state)), repr(self))

    async def _respond(self, request: HTTPServerRequest) -> Reply:
        # a proxy may or may not take its own part of the path away
        expected = self._expected.get(request.path.rpartition("/")[2])
        if request.method != "POST" or expected is None:
            return Reply(404)
        if len(request.body) > BODY_LIMIT:
            return Reply(413)
        recorded = asyncio.get_running_loop().run_in_executor(
            self._worker,
            expected._record,
            request.body,
            request.headers.get("Content-Type", ""),
            headers_text(dict(request.headers.get_all())),
            request.request_time() * 1000,
        )
        await asyncio.wait([recorded], timeout=PATIENCE)
        return Reply(200)

    def _recorder_of(self, expected: ExpectedCallback) -> Recorder:
        if self._log is None and expected.recorder is not None:
            return expected.recorder
        self._log = self._log or ExchangeLog()
        return Recorder(self._log)


@dataclass(eq=False)
class ExpectedCallback:
    """An address at which the result of one task is expected. `CallbackListener` makes it."""

    listener: CallbackListener
    url: str
    recorder: Recorder | None = None
    task_type: str | None = None
    whose: Future[tuple[int | None, Deliver | None]] = field(default_factory=Future)
    """The task that it is for, and who is to be told; what comes before is held until then."""

    def created(self, task_id: int | None, deliver: Deliver | None = None) -> None:
        """Say which task it is for, None if nobody knows, and who is to be told of callbacks."""
        with contextlib.suppress(InvalidStateError):  # it was said, or the listener has stopped
            self.whose.set_result((task_id, deliver))

    @ours
    def _record(self, content: bytes, content_type: str, headers: str, elapsed_ms: float) -> None:
        # of JSON only the key is taken out: all else in it is the task's result
        shown, found = redact_form(decode_answer(content, None)[0], content_type)
        for veil in (Veil(*found), *(recorder.veil for recorder in self.listener._recorders)):
            shown, headers = veil.redact(shown), veil.redact(headers)
        named = asked(fields_of(shown))[1] or None
        mine = self.whose.result()[0] if self.whose.done() else None
        request = {
            "method": "callback",
            "url": self.url,
            "request": shown,
            "request_bytes": len(content),
            "request_headers": headers,
            "task_type": self.task_type,
            "task_id": named if mine is None else mine,
        }
        callback = Attempts(self.listener._recorder_of(self), request)
        callback.begin()
        reading = _answers.read("getTaskResult", 200, shown)._replace(task_id=named)
        self.whose.add_done_callback(lambda _: self._finish(callback, reading, elapsed_ms))

    @ours
    def _finish(self, callback: Attempts, reading: _answers.Reading, elapsed_ms: float) -> None:
        named, (mine, deliver) = reading.task_id, self.whose.result()
        if None not in (named, mine) and named != mine:
            detail = f"The body says taskId {named}; its address was given for task {mine}."
            reading = reading._replace(answer=None, detail=detail)
        task_id = named if mine is None else mine
        told = reading._replace(outcome=Outcome.CALLBACK, task_id=task_id)
        exchange, _ = callback.finish(Received(status=200), told, elapsed_ms)
        if deliver is not None and reading.detail is None:
            deliver(exchange, cast("_answers.TaskResult | None", reading.answer))
