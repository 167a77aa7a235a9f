"""Record what any `requests.Session` sends: an adapter around each of its adapters.

That is where redirects and retries of the session pass one by one, so each is a row.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.util.retry import Retry

from brocap_nb import wire
from brocap_nb.body import redact_fields, with_labels
from brocap_nb.contract import is_integer
from brocap_nb.exchange import Exchange, Outcome, decode_answer
from brocap_nb.redaction import Secret, Veil, header_secrets, headers_text, url_text

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

__all__ = ["RecordingAdapter", "record"]

_STREAMED: Final = "The caller reads the answer as a stream: its body is not recorded."


def record(
    log: ExchangeLog, session: requests.Session, secrets: tuple[Secret, ...]
) -> Callable[[], None]:
    """Put a recording adapter around each adapter of a session; return what takes them off."""
    before = dict(session.adapters)
    for prefix, adapter in before.items():
        if not (isinstance(adapter, RecordingAdapter) and adapter.log is log):
            session.adapters[prefix] = RecordingAdapter(log, adapter, secrets)

    def detach() -> None:
        for prefix, adapter in list(session.adapters.items()):
            if isinstance(adapter, RecordingAdapter) and adapter.log is log:
                session.adapters[prefix] = adapter.inner

    return detach


class RecordingAdapter(BaseAdapter):
    """Sends with another adapter and records the exchange."""

    def __init__(self, log: ExchangeLog, inner: BaseAdapter, secrets: tuple[Secret, ...]) -> None:
        super().__init__()
        self.log, self.inner = log, inner
        self._secrets = secrets

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """Send a request as the inner adapter does, and record what went and came.

        The retries of a `HTTPAdapter(max_retries=…)` are made here, by its own rules, since each
        is a row.
        """
        inner, retries = _without_retries(self.inner)
        attempt = 1
        while True:
            try:
                response = self._send_once(inner, attempt, request, stream, *args, **kwargs)
            except (requests.ConnectionError, requests.Timeout) as error:
                retries = _next(retries, request, error=error)
                if retries is None:
                    raise
                retries.sleep()
            else:
                again = bool(response.headers.get("Retry-After"))
                if retries is None or not retries.is_retry(
                    request.method or "", response.status_code, again
                ):
                    return response
                allowed, retries = retries, _next(retries, request, response=response)
                if retries is None:
                    if allowed.raise_on_status:
                        raise requests.exceptions.RetryError(
                            f"too many {response.status_code} answers", request=request
                        )
                    return response
                retries.sleep(response.raw)
            attempt += 1

    def _send_once(
        self,
        inner: BaseAdapter,
        attempt: int,
        request: requests.PreparedRequest,
        stream: bool,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        veil, exchange = self._begin(request, attempt)
        started = time.perf_counter()
        try:
            response = inner.send(request, stream, *args, **kwargs)
            content = b"" if stream else response.content
        except BaseException as error:
            self._fail(exchange, error, time.perf_counter() - started)
            raise
        elapsed_ms = (time.perf_counter() - started) * 1000
        veil = veil.over(header_secrets(response.headers))
        text, binary = decode_answer(content, veil)
        if stream:
            reading = wire.Reading(outcome=_plain(response.status_code), detail=_STREAMED)
        elif exchange.method in wire.METHODS:
            reading = wire.read(exchange.method, response.status_code, text)
        else:
            reading = wire.Reading(outcome=_plain(response.status_code))
        self.log.finish(
            reading.complete(
                exchange,
                elapsed_ms=elapsed_ms,
                http_status=response.status_code,
                response_bytes=None if stream else len(content),
                response=None if stream else text,
                response_base64=binary,
                response_headers=headers_text(response.headers, veil),
            )
        )
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self.inner.close()

    def _begin(self, request: requests.PreparedRequest, attempt: int) -> tuple[Veil, Exchange]:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
        text = "<a stream>" if raw is None else raw.decode("utf-8", "backslashreplace")
        fields = wire.fields_of(text)
        veil = Veil(*self._secrets, *_keys(fields), *header_secrets(request.headers))
        labelled, pictures = with_labels(redact_fields(text))
        task = fields.get("task")
        task_type = task.get("type") if isinstance(task, dict) else None
        task_id = fields.get("taskId")
        url = request.url or ""
        exchange = self.log.begin(
            method=_method(request.method or "", url),
            url=url_text(url, veil),
            request=veil.redact(labelled),
            request_bytes=0 if raw is None else len(raw),
            pictures=pictures,
            request_headers=headers_text(request.headers, veil),
            task_type=task_type if isinstance(task_type, str) else None,
            task_id=task_id if is_integer(task_id) else None,
            attempt=attempt,
        )
        return veil, exchange

    def _fail(self, exchange: Exchange, error: BaseException, seconds: float) -> None:
        outcome = (
            Outcome.TIMEOUT
            if isinstance(error, requests.Timeout)
            else Outcome.CONNECTION_ERROR
            if isinstance(error, Exception)
            else Outcome.NO_RESPONSE
        )
        reading = wire.Reading(outcome=outcome, detail=f"{type(error).__name__}.")
        self.log.finish(reading.complete(exchange, elapsed_ms=seconds * 1000))


def _without_retries(adapter: BaseAdapter) -> tuple[BaseAdapter, Retry | None]:
    """Return an adapter that tries once, and the retries that it had."""
    retries = getattr(adapter, "max_retries", None)
    if not isinstance(retries, Retry) or not isinstance(adapter, HTTPAdapter) or retries.total == 0:
        return adapter, None
    once = copy.copy(adapter)  # the connections stay shared
    once.max_retries = Retry(0, read=False)
    return once, retries


def _next(
    retries: Retry | None,
    request: requests.PreparedRequest,
    *,
    error: requests.RequestException | None = None,
    response: requests.Response | None = None,
) -> Retry | None:
    """Return what is left of the retries after a failed attempt; None if there are none."""
    cause: Any = error.args[0] if error is not None and error.args else error
    if isinstance(cause, urllib3.exceptions.MaxRetryError):
        cause = cause.reason
    if retries is None or (error is not None and not isinstance(cause, Exception)):
        return None
    try:
        raw = None if response is None else response.raw
        return retries.increment(request.method, request.url, response=raw, error=cause)
    except (urllib3.exceptions.HTTPError, requests.RequestException):
        return None


def _method(verb: str, url: str) -> str:
    """The API's method, or for any other service the verb and the path."""
    path = urlsplit(url).path
    last = path.rstrip("/").rpartition("/")[2]
    return last if verb == "POST" and last in wire.METHODS else f"{verb} {path or '/'}"


def _plain(status: int) -> Outcome:
    return Outcome.HTTP_ERROR if status >= 400 else Outcome.OK


def _keys(fields: Mapping[str, Any]) -> list[Secret]:
    """The keys that a request, or the environment, tells."""
    told = (fields.get("clientKey"), os.environ.get("BROCAP_CLIENT_KEY"))
    return [Secret(key) for key in told if isinstance(key, str) and len(key) >= 8]
