"""The recorder: what is sent and what comes back becomes rows of a log.

    log.attach(session) ──► each adapter, seen through a `_SeenAdapter` ──┐ answered, failed,
    Client(session=…)   ──►                                               │ tried, repeats
    Client              ───────────────────────────────► Attempts ◄───────┘
                                                            │ begin: before the first byte goes
                                                            ▼ finish: before the caller sees it
    CallbackListener    ───────────────────────────────► ExchangeLog

Nothing here sends, waits or tries again: adapters, retries and logins stay the session's own.
"""

from __future__ import annotations

import copy
import functools
import http.client
import json
import re
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeAlias, TypeVar, cast

import requests
import urllib3
from requests.structures import CaseInsensitiveDict
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.util.retry import Retry

from brocap_nb.api import _answers
from brocap_nb.api._body import redact_body, with_labels
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange, Outcome, body_kind, decode_answer
from brocap_nb.api._facts import method_of
from brocap_nb.api._json import asked as task_of
from brocap_nb.api._json import fields_of
from brocap_nb.api._secrets import (
    Secret,
    Veil,
    header_secrets,
    headers_text,
    url_secrets,
    url_text,
    without_frames,
)
from brocap_nb.log._journal import LogWarning

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def _ours(record: Callable[_Given, _Result]) -> Callable[_Given, _Result | None]:
    """A fault of ours is told, and never taken for one of the connection."""
    bare = without_frames(record)  # they hold what is not redacted yet

    @functools.wraps(record)
    def call(*given: _Given.args, **named: _Given.kwargs) -> _Result | None:
        try:
            return bare(*given, **named)
        except Exception as error:  # its text is not told: it may hold anything
            fault = type(error).__name__
        warnings.warn(
            f"An exchange was not recorded, or not all of it ({fault}). The request itself goes "
            "on.",
            LogWarning,
            stacklevel=2,
        )
        return None

    return call


# --- what is written ----------------------------------------------------------------------


@dataclass(slots=True)
class Received:
    """What came back, as far as it came."""

    status: int | None = None
    headers: Mapping[str, str] | None = None
    content: bytes | None = field(default=b"", repr=False)
    """The body; None: it was not read."""
    size: int | None = None
    """How long a body is that was not read, where that is known."""
    failure: Outcome | None = None
    """How it ended, if not with an answer."""
    detail: str | None = None

    def fail(self, error: BaseException, proxy: str | None, limits: str = "") -> None:
        """Note what was raised instead of an answer, or within it; see `failure`."""
        self.failure, self.detail = failure(error, self.status, proxy, limits)


class Recorder:
    """Writes what comes back into a log, with labels in the place of secrets."""

    def __init__(self, log: ExchangeLog, *secrets: Secret) -> None:
        self.log, self.veil = log, Veil(*secrets)
        self._plain: tuple[object, object, str] = (None, None, "")

    def _headers(self, headers: Mapping[str, str]) -> str:
        """Headers as they may be written down; a server often says the same ones again."""
        came = tuple(headers.items())
        known, veil, text = self._plain
        if came == known and veil is self.veil:
            return text
        self.hide(header_secrets(headers))
        text = headers_text(headers, self.veil)
        if text == json.dumps(dict(came)):  # nothing secret is kept here
            self._plain = came, self.veil, text
        return text

    def hide(self, secrets: Sequence[Secret]) -> None:
        """Redact these from now on as well: a server may repeat them, even much later."""
        if secrets and not self.veil.covers(secrets):
            self.veil = self.veil.over(secrets)

    def redact(self, text: str) -> str:
        """Return a text with labels for all secrets that are known by now."""
        return self.veil.redact(text)

    def finish(
        self,
        exchange: Exchange,
        received: Received,
        elapsed_ms: float,
        reading: _answers.Reading | None = None,
    ) -> tuple[Exchange, _answers.Reading]:
        """Write what came of an exchange; `reading` is given if it is no answer of the API."""
        headers = self._headers(received.headers) if received.headers else None
        if received.status is None:
            received.content = None
        text, binary = decode_answer(received.content or b"", self.veil)
        if received.failure is not None:
            reading = _answers.Reading(outcome=received.failure, detail=received.detail)
        elif reading is None:
            reading = _answers.read(exchange.method, received.status or 0, text)
        exchange = reading.complete(
            exchange,
            elapsed_ms=elapsed_ms,
            http_status=received.status,
            response_bytes=received.size if received.content is None else len(received.content),
            response=None if received.content is None else text,
            response_base64=binary,
            response_headers=headers,
        )
        self.log.finish(exchange)
        return exchange, reading


class Attempts:
    """One request, as `log.begin` takes it, as often as it is sent: each attempt is a row."""

    last: tuple[Exchange, _answers.Reading]
    """The attempt that ended last, and what its answer says."""

    def __init__(
        self, recorder: Recorder, asked: dict[str, Any], attempt: int = 1, proxy: str | None = None
    ) -> None:
        self.recorder, self.asked, self.attempt, self.proxy = recorder, asked, attempt, proxy
        self.exchange: Exchange | None = None
        """The attempt that has begun and not ended; there is none before a repetition."""

    def begin(self) -> None:
        """Write the request of an attempt."""
        self.exchange = self.recorder.log.begin(**self.asked, attempt=self.attempt)
        self._started = time.perf_counter()

    def finish(self, received: Received, reading: _answers.Reading | None = None) -> None:
        """Write what came of the attempt."""
        elapsed_ms = (time.perf_counter() - self._started) * 1000
        exchange, self.exchange = self.exchange, None
        assert exchange is not None
        self.last = self.recorder.finish(exchange, received, elapsed_ms, reading)

    # --- what is told of an adapter -------------------------------------------------------

    @_ours
    def answered(self, response: requests.Response, content: bytes | None) -> None:
        """The adapter returns an answer; `content` is None if its body has not been read."""
        if self.exchange is None:  # an adapter that does not wait before it tries again
            self.begin()
        size = None if content is not None else _length(response.headers)
        told = [] if content is not None else [_STREAMED.format(_bytes_in_words(size))]
        if getattr(response, "from_cache", False) is True:
            told.append("The answer's body came from the session's cache.")
        received = Received(response.status_code, response.headers, content, size)
        received.detail = " ".join(told)
        self._take(received)

    @_ours
    def failed(self, error: BaseException, response: requests.Response | None) -> None:
        """The adapter raises; `response` is what it had returned, if its body is what failed."""
        if self.exchange is None:
            return
        received = Received(content=None)
        if response is not None:
            received.status, received.headers = response.status_code, response.headers
        received.fail(error, self.proxy)
        self.finish(received)

    @_ours
    def tried(self, error: Exception | None, response: Any) -> None:
        """The attempt will be repeated, or would be; `response` is urllib3's, which drops it."""
        if self.exchange is None:
            return
        self.attempt += 1
        if response is None:
            received = Received()
            received.fail(error or requests.ConnectionError(), self.proxy)
            self.finish(received)
            return
        headers = cast("Mapping[str, str]", CaseInsensitiveDict(response.headers))
        received = Received(response.status, headers, None)
        try:
            received.content = response.read(decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError, http.client.HTTPException):
            received.detail = "Its body broke off, or cannot be unpacked."
        self._take(received)

    @_ours
    def repeats(self) -> None:
        """The waiting before a repetition is over."""
        self.begin()

    def _take(self, received: Received) -> None:
        if received.content is not None and " " not in self.asked["method"]:
            self.finish(received)
            return
        outcome = Outcome.HTTP_ERROR if (received.status or 0) >= 400 else Outcome.OK
        self.finish(received, _answers.Reading(outcome=outcome, detail=received.detail or None))


_STREAMED: Final = "The caller reads the answer as a stream{}: its body is not recorded."


# --- what is seen -------------------------------------------------------------------------


Watcher: TypeAlias = "Callable[[requests.PreparedRequest, Any], Attempts | None]"
"""Called with each request of a session, and its proxies, before its first byte is sent."""

_WATCHERS: Final = "_brocap_watchers"
_lock: Final = threading.Lock()


class Recording:
    """What `log.attach` returns: call it to end the recording, or use it in a `with`."""

    def __init__(self, session: requests.Session, watcher: Watcher) -> None:
        self._session, self._watcher = session, watcher
        with _lock:
            if _WATCHERS not in vars(session):
                vars(session)[_WATCHERS] = []
                plain: Any = type(session)
                session.__class__ = _watched(plain)
            if watcher not in vars(session)[_WATCHERS]:
                vars(session)[_WATCHERS].append(watcher)

    def __call__(self) -> None:
        """End the recording; it may be called again."""
        session = self._session
        with _lock:
            watchers = vars(session).get(_WATCHERS, [])
            if self._watcher in watchers:
                watchers.remove(self._watcher)
            plain: Any = type(session).__mro__[1]
            if not watchers and type(session) is _watched(plain):
                session.__class__ = plain
                del vars(session)[_WATCHERS]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self()


@functools.cache
def _watched(kind: Any) -> Any:
    """Return a session's class, but for the adapters that it gives: they are seen.

    A class, since `get_adapter` of a session is what others replace, `requests_mock` for each
    request: whatever they put there is seen as well.
    """

    class Watched(kind):  # type: ignore[misc]
        @property
        def get_adapter(self) -> Callable[[str], Any]:
            # no super(): another thread may end a recording, and with it this class, meanwhile
            plain = vars(self).get("get_adapter") or types.MethodType(kind.get_adapter, self)
            watchers = vars(self).get(_WATCHERS, [])

            def get_adapter(self: requests.Session, url: str) -> Any:
                return _SeenAdapter(plain(url), watchers)

            get_adapter.plain = plain  # type: ignore[attr-defined]
            return types.MethodType(get_adapter, self)

        @get_adapter.setter
        def get_adapter(self, value: Any) -> None:
            self.__dict__["get_adapter"] = getattr(value, "plain", value)

        @get_adapter.deleter
        def get_adapter(self) -> None:
            del self.__dict__["get_adapter"]

        def __reduce_ex__(self, protocol: Any) -> Any:
            _, _, *state = super().__reduce_ex__(protocol)
            return object.__new__, (kind,), *state

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(Watched, name, getattr(kind, name))
    return Watched


class _SeenAdapter:
    """Stands for an adapter, whose watchers see what it sends; all else is the adapter itself."""

    def __init__(self, adapter: Any, watchers: list[Watcher]) -> None:
        vars(self).update(_adapter=adapter, _watchers=watchers)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_adapter"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._adapter, name, value)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._adapter)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send as the adapter does."""
        given = dict(zip(("stream", "timeout", "verify", "cert", "proxies"), args, strict=False))
        given |= kwargs
        told = [watcher(request, given.get("proxies")) for watcher in (*self._watchers,)]
        sendings = [sending for sending in told if sending is not None]
        adapter = _with_attempts_seen(self._adapter, sendings)
        response = None
        try:
            response = adapter.send(request, *args, **kwargs)
            content = None if given.get("stream") else response.content
        except BaseException as error:
            for sending in sendings:
                sending.failed(error, response)
            raise
        connection = getattr(response, "connection", None)
        if connection is adapter or connection is self._adapter:
            response.connection = self  # a login sends once more through it
        for sending in sendings:
            sending.answered(response, content)
        return cast(requests.Response, response)


def _with_attempts_seen(adapter: Any, sendings: Sequence[Attempts]) -> Any:
    """Return an adapter that is the given one, but for its retries: each of them is told."""
    retries = getattr(adapter, "__dict__", {}).get("max_retries")
    if not sendings or not isinstance(retries, Retry):
        return adapter
    if retries.total == 0 and not retries.status_forcelist:  # as usual: it tries once
        return adapter
    own: Any = type(adapter)
    kind = _with_retries_seen(own)
    if kind is None:
        return adapter
    seen = object.__new__(kind)
    object.__setattr__(seen, "__dict__", vars(adapter))  # the very same: what it sets stays set
    object.__setattr__(seen, "_sendings", sendings)
    return seen


@functools.cache
def _with_retries_seen(kind: Any) -> Any:
    if any(vars(one).get("__slots__") for one in kind.__mro__):
        return None  # its attributes do not all lie in its `__dict__`

    class Seen(kind):  # type: ignore[misc]
        __slots__ = ("_sendings",)

        @property
        def max_retries(self) -> Any:
            return _told_of(vars(self)["max_retries"], self._sendings)

        @max_retries.setter
        def max_retries(self, value: Any) -> None:
            self.__dict__["max_retries"] = value

        def __del__(self) -> None:
            """The adapter itself goes on."""

    Seen.__name__, Seen.__qualname__ = kind.__name__, kind.__qualname__
    return Seen


def _told_of(retries: Any, sendings: Sequence[Attempts]) -> Any:
    """Return retries that count and wait as the given ones do, and tell of it."""
    if not isinstance(retries, Retry):
        return retries

    def increment(*args: Any, **kwargs: Any) -> Any:
        response = kwargs.get("response")
        try:
            left = retries.increment(*args, **kwargs)
        except urllib3.exceptions.MaxRetryError:
            if response is not None and retries.raise_on_status:
                for sending in sendings:
                    sending.tried(None, response)
            raise
        for sending in sendings:
            sending.tried(kwargs.get("error"), response)
        return _told_of(left, sendings)

    def sleep(*args: Any, **kwargs: Any) -> None:
        retries.sleep(*args, **kwargs)
        for sending in sendings:
            sending.repeats()

    told = copy.copy(retries)
    vars(told).update(increment=increment, sleep=sleep)
    return told


# --- log.attach ---------------------------------------------------------------------------


def attach(log: ExchangeLog, session: requests.Session, secrets: tuple[Secret, ...]) -> Recording:
    """Record what a session sends, or raise InvalidInputError: it is none."""
    if not isinstance(session, requests.Session):
        what = (
            f"the module {session.__name__}"
            if isinstance(session, types.ModuleType)
            else f"the class {session.__name__}"
            if isinstance(session, type)
            else f"a value of type {type(session).__name__}"
        )
        raise InvalidInputError(
            f"The session is {what}; expected a requests.Session: make one with "
            "session = requests.Session() and send with it, such as session.get(url). A Client "
            "needs no recording: it has a log already.",
            field="session",
        )
    for watcher in vars(session).get(_WATCHERS, ()):
        if isinstance(watcher, _LogWatcher) and watcher.log is log:
            watcher.secrets += secrets
            return Recording(session, watcher)
    return Recording(session, _LogWatcher(log, secrets))


class _LogWatcher:
    """Begins a row for each request of a session."""

    def __init__(self, log: ExchangeLog, secrets: tuple[Secret, ...]) -> None:
        self.log, self.secrets = log, secrets

    @_ours
    def __call__(self, request: requests.PreparedRequest, proxies: Any) -> Attempts | None:
        kind, text, size = _body_of(request)
        fields = fields_of(text) if kind == "json" else {}
        verb, url = request.method or "", request.url or ""
        shown, found = redact_body(text, str(request.headers.get("Content-Type", "")))
        found += [*url_secrets(url), *header_secrets(request.headers)]
        recorder = Recorder(self.log, *self.secrets, *found)
        labelled, pictures = with_labels(shown)
        task_type, task_id = task_of(fields)
        asked = {
            "method": method_of(verb, url),
            "url": url_text(url, recorder.veil),
            "request": recorder.redact(labelled),
            "request_bytes": size,
            "pictures": pictures,
            "request_headers": headers_text(request.headers, recorder.veil),
            "task_type": task_type,
            "task_id": task_id,
            "verb": verb,
            "request_kind": kind,
        }
        attempts = Attempts(recorder, asked, proxy=proxy_of(url, proxies))
        attempts.begin()
        return attempts


def _body_of(request: requests.PreparedRequest) -> tuple[str, str, int]:
    """Return a body's kind, its text for the log, and its length; 0 if that is not known."""
    body: Any = request.body
    told = str(request.headers.get("Content-Type", "")).lower()
    if body is None or (isinstance(body, str | bytes) and not body):
        return "none", "", 0
    if not isinstance(body, str | bytes | bytearray):
        size = _length(request.headers)
        multipart = told.startswith("multipart/")
        what = "multipart form" if multipart else "file" if hasattr(body, "read") else "stream"
        length = _bytes_in_words(size) or ", length not known"
        return "multipart" if multipart else "stream", f"<a {what}{length}>", size or 0
    raw = body.encode("utf-8", "backslashreplace") if isinstance(body, str) else bytes(body)
    return body_kind(raw, told), raw.decode("utf-8", "backslashreplace"), len(raw)


def _length(headers: Mapping[str, Any]) -> int | None:
    told = headers.get("Content-Length")
    told = told.decode("latin-1") if isinstance(told, bytes) else str(told or "")
    return int(told) if told.isascii() and told.isdigit() else None


def _bytes_in_words(size: int | None) -> str:
    return "" if size is None else f", {size:,} bytes"


# --- why there is no answer ---------------------------------------------------------------


def proxy_of(url: str, proxies: Any) -> str | None:
    """Return the proxy that requests sends a request through, without its user and password."""
    proxy = select_proxy(url, proxies)
    if not proxy:
        return None
    try:
        proxy = prepend_scheme_if_needed(proxy, "http")  # type: ignore[no-untyped-call]
        told = urllib3.util.parse_url(proxy)
        return urllib3.util.Url(scheme=told.scheme, host=told.host, port=told.port).url
    except ValueError:
        return "with an address that cannot be read"


def failure(
    error: BaseException, status: int | None = None, proxy: str | None = None, limits: str = ""
) -> tuple[Outcome, str]:
    """Return how an attempt without a complete answer ended, and a sentence that says so."""
    # the text of a library's exception is not used: it may hold anything
    if not isinstance(error, Exception):
        return Outcome.NO_RESPONSE, f"Interrupted: {type(error).__name__}."
    causes = list(_causes(error))

    def is_any(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    through = f" The way is through the proxy {proxy}." if proxy else ""
    answer = "" if status is None else f" (HTTP {status})"
    if any(_timed_out(cause) for cause in causes):
        return Outcome.TIMEOUT, f"No complete answer{answer} in time{limits}.{through}"
    if not isinstance(error, _OF_CONNECTIONS) or isinstance(error, ValueError):
        return Outcome.NO_RESPONSE, f"{type(error).__name__} came instead of an answer.{through}"
    if status is not None and is_any(urllib3.exceptions.DecodeError):
        told = f"The answer{answer} cannot be unpacked as its Content-Encoding says."
        return Outcome.BAD_RESPONSE, told
    tunnel = [found for cause in causes if (found := _TUNNEL.search(str(cause)))]
    told = (
        f"The answer{answer} broke off before it was complete."
        if status is not None
        else f"It let nothing through: HTTP {tunnel[0][1]}."
        if tunnel
        else next((told for kind, told in _SEEN.items() if is_any(kind)), None)
        or f"There was no answer ({type(error).__name__})."
    )
    if is_any(urllib3.exceptions.ProxyError):
        return Outcome.CONNECTION_ERROR, f"The proxy {proxy or 'in between'} failed. {told}"
    return Outcome.CONNECTION_ERROR, f"{told}{through}"


_OF_CONNECTIONS: Final = (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException)
_SEEN: Final[Mapping[type[BaseException], str]] = {
    urllib3.exceptions.NameResolutionError: "The host's name cannot be resolved.",
    ConnectionRefusedError: "The connection was refused: perhaps nothing listens at this address.",
    http.client.RemoteDisconnected: "The connection was closed before there was an answer.",
    ConnectionResetError: "The connection was reset before there was an answer.",
    http.client.HTTPException: "What came is no HTTP answer.",
}
_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})\b")


def _timed_out(error: BaseException) -> bool:
    new = urllib3.exceptions.NewConnectionError  # for urllib3 one of time, whatever was wrong
    limits = (requests.Timeout, urllib3.exceptions.TimeoutError)
    return isinstance(error, limits) and not isinstance(error, new)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that it was made of; not what its caller was busy with before."""
    seen: set[int] = set()
    stack: list[Any] = [error]
    while stack:
        cause = stack.pop()
        if id(cause) not in seen and isinstance(cause, BaseException):
            seen.add(id(cause))
            yield cause
            stack += [*cause.args, cause.__cause__, getattr(cause, "reason", None)]
