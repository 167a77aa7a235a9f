"""The client: it builds a request, sends it, reads the answer, and records both."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import urlsplit

import requests
import urllib3

from brocap_nb import _html
from brocap_nb.api import _answers, _errors, _secrets
from brocap_nb.api._body import Body
from brocap_nb.api._errors import ApiError, InvalidInputError, InvalidKeyError
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._facts import BASE_URL
from brocap_nb.api._secrets import KEY_VARIABLE, SHORTEST, Secret, SecretText
from brocap_nb.client import _requests
from brocap_nb.client._submission import Pacer, Submission
from brocap_nb.log import ExchangeLog
from brocap_nb.log._recorder import Attempts, Received, Recorder, Recording, proxy_of
from brocap_nb.tasks._download import is_loopback
from brocap_nb.tasks._pictures import is_url
from brocap_nb.tasks._types import Task

if TYPE_CHECKING:
    from brocap_nb.client._callbacks import CallbackListener

_CHUNK: Final = 65_536
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class Client:
    """Talks to the service, or to a sandbox, and records every attempt in `log`.

    It may be used from several threads. What sends raises `ApiError` if the service answers with
    an error code, and for another end another `ExchangeError`.

    >>> client = bn.Client(sandbox.key, base_url=sandbox.url)
    >>> client.get_balance()
    Balance(balance=10.0)
    >>> client.log.frame()[["method", "outcome", "http_status"]]
           method outcome  http_status
    0  getBalance      ok          200

    Args:
        key: the client key; default: `$BROCAP_CLIENT_KEY`. It is shown and stored nowhere.
        base_url: the service's address.
        log: where exchanges are recorded; default: a log in `brocap_log/`.
        session: your own `requests.Session`, with its proxies, headers, adapters and hooks.
        timeout: seconds to connect, and seconds for the whole answer; one number for both.
        proxies: as in requests; default: those of the environment when the client is made, and
            none for a service on this machine.
        max_answer_bytes: how much of an answer is read, in bytes, unpacked.

    Raises:
        InvalidKeyError: there is no key, or it cannot be one.
        InvalidInputError: another argument cannot be used.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        base_url: str = BASE_URL,
        log: ExchangeLog | None = None,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = (5.0, 30.0),
        proxies: Mapping[str, str] | None = None,
        max_answer_bytes: int = 50_000_000,
    ) -> None:
        key = SecretText(key) if isinstance(key, str) else key  # what follows may raise
        self._secret = _secret(key)
        self.base_url: str = _checked_address(base_url)
        self._shown_url = _secrets.url_text(self.base_url, self._secret)
        self.log: ExchangeLog = ExchangeLog() if log is None else log
        self._timeout = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        self._max_bytes = max_answer_bytes
        if not isinstance(self.log, ExchangeLog) or self.log.read_only:
            raise InvalidInputError(
                f"log is {log!r:.200}; expected an ExchangeLog that can be written, such as "
                'bn.ExchangeLog("brocap_log"); one of many folders is only read.',
                field="log",
            )
        numbers = all(isinstance(one, (int, float)) and 0 < one < 1e6 for one in self._timeout)
        if len(self._timeout) != 2 or not numbers:
            raise InvalidInputError(
                f"timeout is {timeout!r:.200}; expected seconds above 0, as one number or a pair "
                "(to connect, to answer), such as (5, 30).",
                field="timeout",
            )
        self._recorder = Recorder(self.log, self._secret)
        self._owns_session = session is None
        self._session = _PlainSession() if session is None else session
        # requests looks the environment up anew on every call, a fifth of a short call's time
        proxies, host = dict(proxies or {}), urlsplit(self.base_url).hostname or ""
        if is_loopback(host):
            proxies["no_proxy"] = host
        environment = self._session.merge_environment_settings
        self._settings: dict[str, Any] = {
            **environment(self.base_url, proxies, True, None, None),  # True: it is a stream
            "timeout": self._timeout,
            "allow_redirects": False,
        }
        self._proxy = proxy_of(self.base_url, self._settings["proxies"])
        self._templates: dict[str, tuple[requests.PreparedRequest, str]] = {}
        self._pacer = Pacer()

    def create_task(self, task: Task, *, callback_url: str | None = None) -> _answers.CreatedTask:
        """Upload a task; the service shall POST its result to `callback_url`, if one is given.

        >>> client.create_task(task)
        CreatedTask(task_id=7654321)

        Raises:
            InvalidInputError: `task` is no task object or `callback_url` no address.
        """
        return cast(_answers.CreatedTask, self.send(_requests.create_task(task, callback_url)))

    def get_task_result(self, task_id: int, *, paced: bool = True) -> _answers.TaskResult:
        """Ask once for a task's result.

        >>> created = client.create_task(task)
        >>> client.get_task_result(created.task_id).answer
        (False, False, False, False, False, True)

        Args:
            task_id: the number that `create_task` answered, or that stands in `log.frame()`.
            paced: wait, if need be, for the service's limits; False sends at once.

        Raises:
            InvalidInputError: `task_id` is no whole number.
            PollLimitError: the service's limits for this task are used up; nothing was sent.
        """
        request = _requests.get_task_result(task_id)
        if paced:
            self._pacer.wait(task_id)
        return cast(_answers.TaskResult, self.send(request))

    def get_balance(self) -> _answers.Balance:
        """Ask for the account's balance."""
        return cast(_answers.Balance, self.send(_requests.call("getBalance", {})))

    def submit(self, task: Task, *, callbacks: CallbackListener | None = None) -> Submission:
        """Upload a task and wait for its result in the background.

        >>> run = client.submit(task)
        >>> run.result(timeout=60).answer
        (False, False, False, False, False, True)

        Args:
            callbacks: a listener that has been started; a callback to it ends the waiting.

        Raises:
            InvalidInputError: `task` is no task object, or there is no listener that listens.
        """
        expected = None
        if callbacks is not None:
            if not hasattr(callbacks, "expect"):
                raise InvalidInputError(
                    f"callbacks is of type {type(callbacks).__name__}; expected a listener. "
                    "An address is given with client.create_task(task, callback_url=…).",
                    field="callbackUrl",
                )
            expected = callbacks.expect(self._recorder, getattr(task, "type", None))
        request = _requests.create_task(task, expected.url if expected else None)
        created = expected.created if expected else None
        return Submission(self._pacer, self.send, request, task=task, created=created)

    def resume(self, task_id: int) -> Submission:
        """Wait in the background for a task that was created before, by any kernel.

        >>> task_id = client.create_task(task).task_id
        >>> client.resume(task_id).result().status
        'ready'

        Raises:
            InvalidInputError: `task_id` is no whole number.
        """
        number = _requests.get_task_result(task_id).task_id
        return Submission(self._pacer, self.send, task_id=number)

    def replay(self, exchange_id: str | int | Exchange) -> _answers.Answer:
        """Send the request of `log[exchange_id]` again, with this client's key and address.

        It is a new exchange. You ask for it, so a createTask may be billed again.

        >>> client.get_balance()
        Balance(balance=10.0)
        >>> client.replay(-1)
        Balance(balance=10.0)

        Raises:
            ExchangeNotFoundError: the log has no such exchange.
            InvalidInputError: something of the request is not in the log.
            PollLimitError: the service's limits for this task are used up; nothing was sent.
        """
        request = _requests.again(self.log[exchange_id])
        if request.task_id is not None:
            self._pacer.wait(request.task_id)
        return self.send(request)

    def send(self, request: _requests.Request, *, attempt: int = 1) -> _answers.Answer:
        """Send a request once, record it, and return its typed answer."""
        self._recorder.hide(request.body.hidden)
        prepared, headers = self._prepare(f"{self.base_url}/{request.method}", request.body)
        asked = {
            "method": request.method,
            "url": f"{self._shown_url}/{request.method}",
            "request": request.body.redacted(self._recorder.veil),
            "request_bytes": int(prepared.headers["Content-Length"]),
            "pictures": request.body.pictures,
            "request_headers": headers,
            "task_type": request.task_type,
            "task_id": request.task_id,
        }
        sending, received = _Sending(self._recorder, asked, attempt, self._proxy), Received()
        sending.body = prepared.body
        sending.begin()
        try:
            own = self._owns_session
            with contextlib.nullcontext() if own else Recording(self._session, sending):
                response = self._session.send(prepared, **self._settings)
                received.status, received.headers = response.status_code, response.headers
                _read(received, response, time.monotonic() + self._timeout[1], self._max_bytes)
        except BaseException as error:
            received.fail(error, self._proxy)
            if received.failure is Outcome.NO_RESPONSE:  # Ctrl+C, or a hook of the user's session
                sending.finish(received)
                raise _secrets.bare(error)  # noqa: B904 - it is the very same
        finally:
            if request.task_id is not None:
                self._pacer.polled(request.task_id)
        exchange, reading = sending.finish(received)
        if reading.answer is None:
            raise _error_of(exchange)
        if isinstance(reading.answer, _answers.CreatedTask):
            self._pacer.created(reading.answer.task_id)
        return reading.answer

    @_secrets.without_frames  # of an auth of the user's own
    def _prepare(self, url: str, body: Body) -> tuple[requests.PreparedRequest, str]:
        """Prepare a request, from a template if nobody adds to it; and its headers' text."""
        # No local variable has the bytes: a traceback may show those.
        if not self._owns_session:
            request = requests.Request("POST", url, _HEADERS, data=_Sent(body.wire(self._secret)))
            prepared = self._session.prepare_request(request)
            return prepared, self._recorder.headers(prepared.headers)
        if url not in self._templates:
            template = self._session.prepare_request(requests.Request("POST", url, _HEADERS))
            del template.headers["Content-Length"]
            self._templates[url] = template, self._recorder.headers(template.headers)
        template, told = self._templates[url]
        prepared = template.copy()
        prepared.body = _Sent(body.wire(self._secret))
        prepared.headers["Content-Length"] = length = str(len(prepared.body))
        return prepared, f'{told[:-1]}, "Content-Length": "{length}"}}'

    def close(self) -> None:
        """Close the connections, unless the session is your own."""
        if self._owns_session:
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return _html.describe("Client", [("sends to", self._shown_url), ("log", repr(self.log))])

    def __repr__(self) -> str:
        return f"Client({self._secret!r}, base_url={self._shown_url!r}, log={self.log!r})"


class _Sent(bytes):
    """A body with the key in it: it is sent as it is, and a label wherever it is shown."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes that are sent>"

    def __getitem__(self, place: Any) -> Any:  # some show the beginning only
        part = super().__getitem__(place)
        return _Sent(part) if isinstance(part, bytes) else part


class _PlainSession(requests.Session):
    """A session with nothing on it: no hooks, no cookies, and no redirects anyway."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs.pop("allow_redirects")
        return self.get_adapter(request.url or "").send(request, **kwargs)


class _Sending(Attempts):
    """A request, which adapters and logins of the user's own session may send again."""

    body: Any = None  # the request's: it tells it from others that are sent meanwhile
    _answer: requests.Response | None = None

    def __call__(self, request: requests.PreparedRequest, proxies: Any) -> Attempts | None:
        if request.body is not self.body:
            return None
        if self._answer is not None:  # it asked for a login
            self.ended(None, self._answer, self._answer.content)
            self.asked["request_headers"] = self.recorder.headers(request.headers)
            self.repeats()
        return self

    def sent(self, error: BaseException | None, response: Any, content: bytes | None) -> None:
        if error is None:
            if self.exchange is None:  # an adapter that does not wait before it tries again
                self.repeats()
            self._answer = response  # the client reads it


def _read(received: Received, response: requests.Response, ends: float, limit: int) -> None:
    """Read a body up to a limit and a time; what came before a break is kept."""
    raw, pieces, size, complete = response.raw, [], 0, False
    # requests has read it already if it is a redirect; or it is of an adapter of the user's own
    is_read = getattr(response, "_content", False) is not False
    try:
        if is_read or not isinstance(raw, urllib3.HTTPResponse):
            pieces = [_Sent(response.content)]
            size = len(pieces[0])
        else:
            while size <= limit and (piece := raw.read1(_CHUNK, decode_content=True)):
                pieces.append(_Sent(piece))
                size += len(piece)
                if time.monotonic() > ends:
                    raise requests.Timeout
            raw.release_conn()
        complete = size <= limit
    finally:
        received.content = b"".join(pieces)[:limit]
        if not complete:  # if something was raised, the caller says so instead
            response.close()  # the rest of the answer must not meet the next request
            received.failure = Outcome.BAD_RESPONSE
            received.detail = (
                f"The answer is longer than {limit:,} bytes; what follows was not read. If it is "
                "right, give the client a larger max_answer_bytes."
            )


_ENDS: Final[Mapping[Outcome, tuple[Callable[[str, Exchange], Exception], str]]] = {
    Outcome.HTTP_ERROR: (_errors.HttpError, "The raw answer is in the log."),
    Outcome.BAD_RESPONSE: (_errors.BadResponseError, "The raw answer is in the log."),
    Outcome.TIMEOUT: (_errors.RequestTimeoutError, "Try again later, or with a longer timeout."),
    Outcome.CONNECTION_ERROR: (
        _errors.RequestConnectionError,
        "Check base_url, the network, the proxy if there is one (proxies=, or of the session or "
        "the environment), and that a sandbox of yours still runs.",
    ),
}


def _error_of(exchange: Exchange) -> Exception:
    if exchange.outcome is Outcome.API_ERROR:
        return ApiError(exchange)
    kind, advice = _ENDS[exchange.outcome]
    if exchange.outcome is Outcome.CONNECTION_ERROR and exchange.method == "createTask":
        advice += " It is not sent again by itself: what arrived may have been billed."
    return kind(f"{exchange.method}: {exchange.detail} {advice}", exchange)


def _secret(key: str | None) -> Secret:
    value = SecretText(os.environ.get(KEY_VARIABLE, "")) if key is None else key
    text = value if isinstance(value, str) else SecretText()
    if len(text) >= SHORTEST and text.isascii() and text.isprintable() and " " not in text:
        return Secret(text)
    where = "The client key" if key is not None else f"The client key in ${KEY_VARIABLE}"
    told = (
        f"{where} has {len(text)} characters; expected at least {SHORTEST} visible ones of ASCII, "
        "no blank and no line end, usually 32 hexadecimal digits. Copy it from your account once "
        "more."
    )
    if key is None and not text:
        told = (
            f"There is no client key: none was given and ${KEY_VARIABLE} is not set. Set the "
            "variable, or pass the key as the first argument; for the sandbox it is sandbox.key."
        )
    raise InvalidKeyError(told, field="clientKey")


def _checked_address(base_url: str) -> str:
    """Return the address without blanks around it; one that is wrong may hold a key: not quoted."""
    address = base_url.strip().rstrip("/") if isinstance(base_url, str) else ""
    if not is_url(address) or "@" in urlsplit(address).netloc:
        raise InvalidInputError(
            "base_url is not an address that can be used; expected http:// or https://, a host and "
            "perhaps a port up to 65535, without user name and password. For the sandbox it is "
            "sandbox.url.",
            field="base_url",
        )
    return address
