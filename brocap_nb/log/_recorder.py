"""The recorder: what is sent and what comes back becomes rows of a log.

    log.attach(session), Client(session=…) ──► each adapter, as a `_SeenAdapter` ──┐
    Client ──────────────────────────────────────────────────► Attempts ◄──────────┘
                begin, before the first byte goes, and finish, before the caller sees what came
    CallbackListener ────────────────────────────────────────► ExchangeLog

Nothing here sends, waits or tries again: adapters, retries and logins stay the session's own.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import http.client
import json
import re
import threading
import time
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import requests
import urllib3
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3.util.retry import Retry

from brocap_nb.api import _answers, _secrets
from brocap_nb.api._body import redact_body, with_labels
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange, Outcome, body_kind, decode_answer
from brocap_nb.api._facts import method_of
from brocap_nb.api._json import asked as task_of
from brocap_nb.api._json import fields_of
from brocap_nb.api._secrets import Secret, Veil
from brocap_nb.log._journal import LogWarning

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog


def ours(record: Callable[..., Any]) -> Any:
    """A fault of ours is told, and never taken for one of the connection."""
    bare = _secrets.without_frames(record)  # they hold what is not redacted yet

    @functools.wraps(record)
    def call(*given: Any) -> Any:
        try:
            return bare(*given)
        except Exception as error:  # its text is not told: it may hold anything
            told = f"An exchange was not recorded, or not all of it ({type(error).__name__})."
        warnings.warn(f"{told} The request itself goes on.", LogWarning, stacklevel=2)
        return None

    return call


@dataclass(slots=True, repr=False)
class Received:
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = b""  # None: it was not read
    failure: Outcome | None = None  # how it ended, if not with an answer
    detail: str | None = None

    def fail(self, error: BaseException, proxy: str | None) -> None:
        self.failure, self.detail = _failure(error, self.status, proxy)


class Recorder:
    """Writes what comes back into a log, with labels in the place of secrets."""

    def __init__(self, log: ExchangeLog, *secrets: Secret) -> None:
        self.log, self.veil = log, Veil(*secrets)
        self._plain: tuple[object, object, str] = (None, None, "")

    def headers(self, headers: Mapping[str, str]) -> str:
        """Headers as they may be written down; a server often says the same ones again."""
        came = tuple(headers.items())
        known, veil, text = self._plain
        if came == known and veil is self.veil:
            return text
        self.hide(_secrets.header_secrets(headers))
        text = _secrets.headers_text(headers, self.veil)
        if text == json.dumps(dict(came), default=repr):  # nothing secret is kept here
            self._plain = came, self.veil, text
        return text

    def hide(self, secrets: Sequence[Secret]) -> None:
        """Redact these from now on as well: a server may repeat them, even much later."""
        if secrets:  # else another thread's could be undone
            self.veil = self.veil.over(secrets)


@dataclass(eq=False, repr=False)
class Attempts:
    """One request, as `log.begin` takes it, as often as it is sent: each attempt is a row."""

    recorder: Recorder
    asked: dict[str, Any]
    attempt: int = 1
    proxy: str | None = None
    exchange: Exchange | None = None  # has begun and not ended; none before a repetition
    _last: tuple[Exchange, _answers.Reading] = field(init=False)

    def begin(self) -> None:
        self.exchange = self.recorder.log.begin(**self.asked, attempt=self.attempt)
        self._started = time.perf_counter()

    def finish(self, received: Received) -> tuple[Exchange, _answers.Reading]:
        """Write what came of the attempt, if one has begun, and return how the last one ended."""
        if self.exchange is None:
            return self._last
        elapsed_ms = (time.perf_counter() - self._started) * 1000
        status, recorder = received.status, self.recorder
        content = None if status is None else received.content
        headers = recorder.headers(received.headers) if received.headers else None
        text, binary = decode_answer(content or b"", recorder.veil)
        size = None if content is None else len(content)
        if received.failure is not None:
            reading = _answers.Reading(outcome=received.failure, detail=received.detail)
        elif content is None or " " in self.exchange.method:  # not of the API
            outcome = Outcome.HTTP_ERROR if (status or 0) >= 400 else Outcome.OK
            reading = _answers.Reading(outcome=outcome, detail=received.detail)
            size = _length(received.headers) if content is None else size
        else:
            reading = _answers.read(self.exchange.method, status or 0, text)
        exchange = reading.complete(
            self.exchange,
            elapsed_ms=elapsed_ms,
            http_status=status,
            response_bytes=size,
            response=None if content is None else text,
            response_base64=binary,
            response_headers=headers,
        )
        self.exchange, self._last = None, (exchange, reading)
        recorder.log.finish(exchange)
        return self._last

    @ours
    def ended(self, error: BaseException | None, response: Any, content: bytes | None) -> None:
        """Write an answer, or what was raised instead or within; `content` None: it is not read."""
        if self.exchange is None:
            if error is not None:  # raised before a repetition
                return
            self.begin()  # an adapter that does not wait before it tries again
        received = Received(content=content)
        if response is not None:  # of requests, or of urllib3
            received.status = getattr(response, "status_code", None) or response.status
            received.headers = cast(Any, CaseInsensitiveDict(response.headers))
        if error is not None:
            received.fail(error, self.proxy)
        elif content is None:
            received.detail = "The caller reads the answer as a stream: its body is not recorded."
        elif getattr(response, "from_cache", False) is True:
            received.detail = "The answer's body came from the session's cache."
        self.finish(received)

    sent = ended
    """What an adapter came to; `ended` alone: what urllib3 came to, and repeats."""
    repeats = ours(begin)


# Called with each request of a session, and its proxies, before its first byte is sent.
Watcher: TypeAlias = Callable[[requests.PreparedRequest, Any], Attempts | None]
_WATCHERS: Final = "_brocap_watchers"
_lock: Final = threading.Lock()


class Recording(contextlib.AbstractContextManager["Recording"]):
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

    def __exit__(self, *exc_info: object) -> None:
        self()


@functools.cache
def _watched(kind: Any) -> Any:
    """Return a session's class that gives adapters which are seen: others replace `get_adapter`."""

    class Watched(kind):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            # no super(): another thread may end a recording, and with it this class, meanwhile
            value = kind.__getattribute__(self, name)
            if name != "get_adapter" or getattr(value, _WATCHERS, False) is True:
                return value

            def get_adapter(session: requests.Session, url: str) -> Any:
                watchers = vars(session).get(_WATCHERS)
                return _SeenAdapter(value(url), watchers, ()) if watchers else value(url)

            setattr(get_adapter, _WATCHERS, True)  # others keep it, and give it back later
            return types.MethodType(get_adapter, self)

        def __reduce_ex__(self, protocol: Any) -> Any:
            return object.__new__, (kind,), *super().__reduce_ex__(protocol)[2:]

    Watched.__name__, Watched.__qualname__ = kind.__name__, kind.__qualname__
    return Watched


class _SeenAdapter:
    """Stands for an adapter, also in its own methods; what it sends and tries again is told."""

    def __init__(self, adapter: Any, watchers: Any, sendings: Any) -> None:
        vars(self).update(_brocap=(adapter, watchers, sendings))  # a name that no adapter has

    def __getattr__(self, name: str) -> Any:
        adapter = self._brocap[0]
        value = getattr(adapter, name)
        own = isinstance(value, types.MethodType) and value.__self__ is adapter
        return types.MethodType(value.__func__, self) if own else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._brocap[0], name, value)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._brocap[0])

    @property
    def max_retries(self) -> Any:
        adapter, _, sendings = self._brocap
        return _told_of(adapter.max_retries, sendings)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        adapter, watchers, _ = self._brocap
        told = [watcher(request, kwargs.get("proxies")) for watcher in (*watchers,)]
        sendings, response = [sending for sending in told if sending], None
        try:
            send = _SeenAdapter(adapter, watchers, sendings).__getattr__("send")
            response = send(request, **kwargs)
            content = None if kwargs.get("stream") else response.content
        except BaseException as error:
            for sending in sendings:
                sending.sent(error, response, None)
            raise
        for sending in sendings:
            sending.sent(None, response, content)
        return cast(requests.Response, response)


def _told_of(retries: Any, sendings: Sequence[Attempts]) -> Any:
    """Return retries that count and wait as the given ones do, and tell of it."""
    if not sendings or not isinstance(retries, Retry):
        return retries

    def tried(error: BaseException | None, response: Any) -> None:
        content = None
        try:  # urllib3 drops it
            content = None if response is None else response.read(decode_content=True)
        except _OF_CONNECTIONS as broken:
            error = broken
        for sending in sendings:
            sending.ended(error, response, content)
            sending.attempt += 1

    def increment(*args: Any, **kwargs: Any) -> Any:
        response = kwargs.get("response")
        try:
            left = retries.increment(*args, **kwargs)
        except urllib3.exceptions.MaxRetryError:
            if response is not None and retries.raise_on_status:
                tried(None, response)
            raise
        tried(kwargs.get("error"), response)
        return _told_of(left, sendings)

    def sleep(*args: Any, **kwargs: Any) -> None:
        retries.sleep(*args, **kwargs)
        for sending in sendings:
            sending.repeats()

    told = copy.copy(retries)
    vars(told).update(increment=increment, sleep=sleep)
    return told


def attach(log: ExchangeLog, session: requests.Session, secrets: tuple[Secret, ...]) -> Recording:
    """Record what a session sends, or raise InvalidInputError: it is none."""
    if not isinstance(session, requests.Session):
        raise InvalidInputError(
            f"The session is a value of type {type(session).__name__}; expected a "
            "requests.Session: make one with session = requests.Session() and send with it, such "
            "as session.get(url). A Client needs no recording: it has a log already.",
            field="session",
        )
    watcher = _LogWatcher(log, secrets)
    for known in vars(session).get(_WATCHERS, ()):
        if known == watcher:
            known.secrets += secrets
    return Recording(session, watcher)


@dataclass
class _LogWatcher:
    """Begins a row for each request of a session; one for each log."""

    log: ExchangeLog
    secrets: tuple[Secret, ...] = field(compare=False)

    @ours
    def __call__(self, request: requests.PreparedRequest, proxies: Any) -> Attempts | None:
        content_type = _secrets.header_value(request.headers.get("Content-Type", ""))
        kind, text, size = _body_of(request, content_type)
        verb, url = request.method or "", request.url or ""
        shown, found = redact_body(text, content_type)
        found += [*_secrets.url_secrets(url), *_secrets.header_secrets(request.headers)]
        recorder = Recorder(self.log, *self.secrets, *found)
        labelled, pictures = with_labels(shown)
        task_type, task_id = task_of(fields_of(text) if kind == "json" else {})
        asked = {
            "method": method_of(verb, url),
            "url": _secrets.url_text(url, recorder.veil),
            "request": recorder.veil.redact(labelled),
            "request_bytes": size,
            "pictures": pictures,
            "request_headers": recorder.headers(request.headers),
            "task_type": task_type,
            "task_id": task_id,
            "verb": verb,
            "request_kind": kind,
        }
        attempts = Attempts(recorder, asked, proxy=proxy_of(url, proxies))
        attempts.begin()
        return attempts


def _body_of(request: requests.PreparedRequest, content_type: str) -> tuple[str, str, int]:
    """Return a body's kind, its text for the log, and its length; 0 if that is not known."""
    body: Any = request.body or b""
    if isinstance(body, str):
        body = body.encode("utf-8", "backslashreplace")
    if isinstance(body, bytes | bytearray):
        text = body.decode("utf-8", "backslashreplace")
        return body_kind(bytes(body), content_type), text, len(body)
    kind = "multipart" if "multipart/" in content_type.lower() else "stream"
    size = _length(request.headers)
    length = "length not known" if size is None else f"{size:,} bytes"
    return kind, f"<a {kind} body, {length}>", size or 0


def _length(headers: Mapping[str, Any]) -> int | None:
    told = str(headers.get("Content-Length"))
    return int(told) if told.isascii() and told.isdigit() else None


def proxy_of(url: str, proxies: Any) -> str | None:
    """Return the proxy that requests sends a request through, without its user and password."""
    proxy = select_proxy(url, proxies)
    if not proxy:
        return None
    try:
        told = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
    except ValueError:
        return "with an address that cannot be read"
    return urllib3.util.Url(scheme=told.scheme, host=told.host, port=told.port).url


_OF_CONNECTIONS: Final = (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException)
_TIMEOUTS: Final = (requests.Timeout, urllib3.exceptions.TimeoutError)
_SEEN: Final[Mapping[Any, str]] = {  # the first that fits is told
    urllib3.exceptions.NameResolutionError: "The host's name cannot be resolved.",
    ConnectionRefusedError: "The connection was refused: perhaps nothing listens at this address.",
    urllib3.exceptions.NewConnectionError: "The connection could not be made.",
    _TIMEOUTS: "No complete answer in time.",
    urllib3.exceptions.DecodeError: "The answer cannot be unpacked as its Content-Encoding says.",
    ConnectionResetError: "The connection was reset or closed before there was an answer.",
    http.client.HTTPException: "What came is no HTTP answer.",
}
_OUTCOMES: Final[Mapping[Any, Outcome]] = {
    _TIMEOUTS: Outcome.TIMEOUT,
    urllib3.exceptions.DecodeError: Outcome.BAD_RESPONSE,
}
_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})\b")


def _failure(error: BaseException, status: int | None, proxy: str | None) -> tuple[Outcome, str]:
    """Return how an attempt without a complete answer ended, and a sentence that says so."""
    # the text of a library's exception is not used: it may hold anything
    name = type(error).__name__
    if not isinstance(error, _OF_CONNECTIONS):  # such as Ctrl+C
        return Outcome.NO_RESPONSE, f"{name} came instead of an answer."
    causes = _causes(error)
    seen = next((kind for kind in _SEEN if any(isinstance(one, kind) for one in causes)), None)
    outcome = _OUTCOMES.get(seen, Outcome.CONNECTION_ERROR)
    told = _SEEN[seen] if seen else f"There was no answer ({name})."
    if outcome is Outcome.CONNECTION_ERROR:
        refusal = next(filter(None, (_TUNNEL.search(str(one)) for one in causes)), None)
        if refusal:
            told = f"It let nothing through: HTTP {refusal[1]}."
        if status is not None:
            told = "The answer broke off before it was complete."
        if any(isinstance(one, urllib3.exceptions.ProxyError) for one in causes):
            return outcome, f"The proxy {proxy or 'in between'} failed. {told}"
    return outcome, f"{told} The way is through the proxy {proxy}." if proxy else told


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and those that it was made of; not what its caller was busy with before."""
    found = [error]
    for one in found:  # it grows meanwhile
        for cause in (*one.args, one.__cause__, getattr(one, "reason", None)):
            if isinstance(cause, BaseException) and cause not in found:
                found.append(cause)
    return found
