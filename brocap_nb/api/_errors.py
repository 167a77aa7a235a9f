"""Every exception of this package: one tree below `BroCapError`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brocap_nb.api._facts import explain

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange


class BroCapError(Exception):
    """Base of every exception that this package raises. Each can be pickled and copied whole."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception itself would call the class with its message, whatever the class asks for
        return type(self).__new__, (type(self),), {**vars(self), "args": self.args}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input."""

    field: str
    """The field as the API spells it (`metadata.Task`), or "" for the input as a whole."""
    sentence: str
    """What was wrong, what was expected and what to do."""

    def __str__(self) -> str:
        return self.sentence


class InvalidInputError(BroCapError, ValueError):
    """What was given cannot be used. `problems` says why, field by field."""

    def __init__(self, problems: Sequence[Problem] | str, *, field: str = "") -> None:
        told = [Problem(field, problems)] if isinstance(problems, str) else problems
        self.problems: tuple[Problem, ...] = tuple(told)
        super().__init__("\n".join(p.sentence for p in self.problems))


class InvalidTaskError(InvalidInputError):
    """A task's fields do not make a task that the API documents."""


class InvalidImageError(InvalidInputError):
    """A picture cannot be read, or the service would not take it."""


class InvalidKeyError(InvalidInputError):
    """No client key was given, or one that cannot be a key."""


class ExchangeError(BroCapError):
    """A request was made and did not end well. `exchange` is its record in the log."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(f"{message} [exchange {exchange.exchange_id}]")
        self.exchange = exchange
        self.exchange_id: str = exchange.exchange_id
        """The exchange's id: `client.log[exchange_id]` shows all of it."""
        self.http_status: int | None = exchange.http_status
        """The HTTP status of the answer, or None when there was no answer."""
        self.task_id: int | None = exchange.task_id
        """The task in question, or None when there is none."""


class ApiError(ExchangeError):
    """The service answered with an error code (`errorId` is not 0).

    >>> try:
    ...     client.create_task(bn.RawTask({"type": "NoSuchTask"}))
    ... except bn.ApiError as error:
    ...     print(error.code, error.retryable)
    ERROR_TASK_NOT_SUPPORTED False
    """

    def __init__(self, exchange: Exchange) -> None:
        entry = explain(exchange.error_code or "(no error code)")
        self.code: str = entry.code
        self.description: str | None = exchange.error_description
        self.meaning: str = entry.meaning
        self.remedy: str = entry.remedy
        self.retryable: bool = entry.retryable
        where = "" if exchange.task_id is None else f", task {exchange.task_id}"
        told = f"{entry.sentence(self.description)} (HTTP {exchange.http_status}{where})"
        super().__init__(f"{self.code}: {told}", exchange)


class HttpError(ExchangeError):
    """The answer has no API body and an HTTP status of 400 or more."""


class BadResponseError(ExchangeError):
    """The answer is not JSON, not an object, or has fields of a wrong type."""


class RequestTimeoutError(ExchangeError, TimeoutError):
    """No answer came within the client's timeout."""


class RequestConnectionError(ExchangeError, ConnectionError):
    """The connection could not be made, or broke before the answer was complete."""


class WaitError(BroCapError):
    """Waiting for a task ended without a result."""

    def __init__(self, message: str, task_id: int | None) -> None:
        super().__init__(message)
        self.task_id = task_id


class PollLimitError(WaitError, TimeoutError):
    """The 120 polls or the 5 minutes that the service allows for a task are used up."""


class NotReadyError(WaitError, TimeoutError):
    """The caller's own timeout ran out. The task goes on: ask again."""


class CancelledError(WaitError):
    """`cancel()` was called before there was a result."""


class ExchangeNotFoundError(BroCapError, KeyError):
    """The log has no exchange of this id."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0])


class SandboxError(BroCapError):
    """The sandbox could not start."""
