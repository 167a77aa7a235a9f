"""The listener for `callbackUrl`: results that the service POSTs to us become rows of the log.

A callback's body is that of `getTaskResult`, which does not say whose it is. So every submission
gets an address of its own, and the address says which task a callback belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from tornado.httputil import HTTPServerRequest

from brocap_nb import _html
from brocap_nb._server import CALLBACK_PORTS, Reply, Server
from brocap_nb.api import _answers
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome, decode_answer
from brocap_nb.api._facts import CALLBACK_TIMEOUT
from brocap_nb.api._json import asked, fields_of
from brocap_nb.api._secrets import Veil, headers_text, redact_form
from brocap_nb.log._recorder import Recorder, ours
from brocap_nb.tasks._pictures import clean_address

BODY_LIMIT: Final = 1_000_000  # bytes; a larger one is answered with HTTP 413
PATIENCE: Final = CALLBACK_TIMEOUT / 2  # how long a reply waits for the log, in seconds


class CallbackListener(Server):
    """Takes the results that the service POSTs; each is a row of the client's log, and ends a wait.

    >>> with bn.CallbackListener() as listener:
    ...     run = client.submit(task, callbacks=listener)
    ...     run.result().answer
    (False, False, False, False, False, True)

    It listens in a thread of its own and answers while a cell runs.

    Args:
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        public_url: how the service reaches this port from outside; a secret path is appended.

    Raises:
        InvalidInputError: `public_url` cannot be used.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, public_url: str | None = None
    ) -> None:
        if public_url is not None:
            self._public = clean_address(public_url, "public_url").rstrip("/")
        # what is a little too large is read and answered; what is much too large is cut
        super().__init__(
            host,
            port,
            error=functools.partial(InvalidInputError, field="port"),
            max_body_size=6 * BODY_LIMIT,
            max_header_size=16_384,
            idle_connection_timeout=10.0,  # so long a sender may take
            body_timeout=10.0,
        )
        self._expected: dict[str, ExpectedCallback] = {}  # by the end of the path
        # not in the server's loop: a subscriber of the log may take its time, or the log's disk
        self._workers = ThreadPoolExecutor(thread_name_prefix="brocap-callbacks")

    def _begin(self) -> None:
        CALLBACK_PORTS.add(self.port)

    def stop(self) -> None:
        """Stop to listen; what has come is recorded. It may be called again."""
        if not self._thread.is_alive():
            return
        CALLBACK_PORTS.discard(self.port)
        super().stop()
        for expected in list(self._expected.values()):
            expected.created(None, None)  # nobody will say any more which task it was
        with contextlib.suppress(RuntimeError):  # by a view that is told of a callback
            self._workers.shutdown()

    def expect(self, recorder: Recorder, task_type: str | None = None) -> ExpectedCallback:
        """Return an address for a task to be created; its callbacks a client's recorder writes."""
        self._check_running()
        name = secrets.token_urlsafe(24)
        self._expected[name] = ExpectedCallback(f"{self.url}/{name}", recorder, task_type, Future())
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
        elapsed_ms = request.request_time() * 1000
        recorded = asyncio.get_running_loop().run_in_executor(
            self._workers, self._record, expected, request, elapsed_ms
        )
        await asyncio.wait([recorded], timeout=PATIENCE)
        return Reply(200)

    @ours
    def _record(self, to: ExpectedCallback, request: HTTPServerRequest, elapsed_ms: float) -> None:
        # of JSON only the key is taken out: all else in it is the task's result
        text, _ = decode_answer(request.body, None)
        shown, found = redact_form(text, request.headers.get("Content-Type", ""))
        headers = headers_text(dict(request.headers.get_all()))
        for veil in (Veil(*found), to.recorder.veil):
            shown, headers = veil.redact(shown), veil.redact(headers)
        log = to.recorder.log
        begun = log.begin(
            method="callback",
            url=to.url,
            request=shown,
            request_bytes=len(request.body),
            request_headers=headers,
            task_type=to.task_type,
        )
        task_id, deliver = to.whose.result()  # it may come before createTask is answered
        reading = _answers.read("getTaskResult", 200, shown)._replace(task_id=task_id)
        named = asked(fields_of(shown))[1] or task_id
        if named != task_id and task_id is not None:
            detail = f"The body says taskId {named}; its address was given for task {task_id}."
            reading = reading._replace(answer=None, detail=detail)
        reading = reading._replace(outcome=Outcome.CALLBACK)
        answered = {"http_status": 200, "response": "", "response_bytes": 0}
        exchange = reading.complete(begun, elapsed_ms=elapsed_ms, **answered)
        log.finish(exchange)
        if deliver is not None and reading.detail is None:
            deliver(exchange, reading.answer)


class ExpectedCallback(NamedTuple):
    """An address at which the result of one task is expected. `CallbackListener` makes it."""

    url: str
    recorder: Recorder
    task_type: str | None
    whose: Future[Any]

    def created(self, *whose: Any) -> None:
        """Say which task it is for, and who takes an exchange and its result, None if it failed."""
        with contextlib.suppress(InvalidStateError):  # it was said, or the listener has stopped
            self.whose.set_result(whose)
