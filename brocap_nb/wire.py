"""The API's methods: what is asked, and how an answer is read.

Everything here is pure. `read` takes any text as an answer and never raises: what does not fit
the documented API becomes an outcome and a sentence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Never, SupportsIndex

from brocap_nb import render
from brocap_nb.body import Body
from brocap_nb.contract import STATUSES, is_integer, is_number, is_text, parse, shown
from brocap_nb.errors import InvalidInputError
from brocap_nb.exchange import Exchange, Outcome
from brocap_nb.redaction import HEADER_LABEL, KEY_LABEL, PICTURE_LABEL
from brocap_nb.tasks import Task

__all__ = [
    "METHODS",
    "Answer",
    "Balance",
    "CreatedTask",
    "Reading",
    "Request",
    "TaskResult",
    "again",
    "call",
    "create_task",
    "fields_of",
    "get_balance",
    "get_task_result",
    "read",
    "task_number",
]


@dataclass(frozen=True, slots=True)
class Request:
    """One API call, ready to be sent: the key is put in on the way out."""

    method: str
    """`createTask`, `getTaskResult` or `getBalance`; others are sent as they are."""
    body: Body
    task_type: str | None = None
    task_id: int | None = None


def create_task(task: Task, callback_url: str | None = None) -> Request:
    """Return the request that uploads a task."""
    fields: dict[str, Any] = {"clientKey": Body.KEY, "task": task.wire_body}
    if callback_url is not None:
        fields["callbackUrl"] = callback_url
    return Request("createTask", Body.envelope(fields), task_type=task.type)


def get_task_result(task_id: int, task_type: str | None = None) -> Request:
    """Return the request that asks for a task's result.

    Raises:
        InvalidInputError: `task_id` is no whole number.
    """
    task_id = task_number(task_id)
    body = Body.envelope({"clientKey": Body.KEY, "taskId": task_id})
    return Request("getTaskResult", body, task_type=task_type, task_id=task_id)


def task_number(task_id: SupportsIndex) -> int:
    """Return a task's number as JSON and the log can have it: a DataFrame's numbers are numpy's.

    >>> import numpy
    >>> from brocap_nb import wire
    >>> wire.task_number(numpy.int64(7654321))
    7654321

    Raises:
        InvalidInputError: it is no whole number, or none of 64 bits.
    """
    number: int | None = None
    with contextlib.suppress(TypeError):
        number = operator.index(task_id)
    if number is None or not is_integer(number):
        raise InvalidInputError(
            f"The task id is {task_id!r:.60}; expected a whole number, such as the task_id that "
            "create_task() returned or one of log.frame().",
            field="taskId",
        )
    return number


def get_balance() -> Request:
    """Return the request that asks for the account's balance."""
    return Request("getBalance", Body.envelope({"clientKey": Body.KEY}))


def call(method: str, fields: Mapping[str, Any]) -> Request:
    """Return a request of any method with these fields; nothing is checked, the key is added."""
    task, task_id = fields.get("task"), fields.get("taskId")
    kind = task.get("type") if isinstance(task, Mapping) else None
    return Request(
        method,
        Body.of({"clientKey": Body.KEY, **fields}),
        task_type=kind if isinstance(kind, str) else None,
        task_id=task_id if is_integer(task_id) else None,
    )


def again(exchange: Exchange) -> Request:
    """Return the request of a logged exchange anew: the key is put in on the way out.

    Args:
        exchange: one with its full bodies, as `log[exchange_id]` returns it.

    Raises:
        InvalidInputError: something of the request is not in the log, or it was not ours.
    """

    def refuse(sentence: str) -> Never:
        raise InvalidInputError(
            f"Exchange {exchange.exchange_id} cannot be sent again: {sentence}", field="exchange_id"
        )

    if exchange.outcome is Outcome.CALLBACK:
        refuse("the service sent it to us. Replay the createTask of its task.")
    try:
        asked = json.loads(exchange.request)
    except (ValueError, RecursionError):
        refuse("its body is not JSON. Send it with a program of your own, see log.to_python().")

    def restored(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: restored(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [restored(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if value == KEY_LABEL:
            return Body.KEY
        if HEADER_LABEL in value:
            refuse(
                f"a secret in it, such as a password, is not kept in the log ({HEADER_LABEL}). "
                "Build the task once more and submit it."
            )
        if KEY_LABEL in value:
            refuse("it quotes the key inside a longer text, and its place there is not kept.")
        if PICTURE_LABEL.fullmatch(value):
            refuse(
                "a picture of it is no longer in the log's folder. Put the file back into images/."
            )
        return value

    return Request(
        exchange.method,
        Body.of(restored(asked)),
        task_type=exchange.task_type,
        task_id=exchange.task_id if exchange.method == "getTaskResult" else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer without an error. `raw` is all of it, undocumented fields included."""

    raw: Mapping[str, Any] = field(repr=False)
    """The JSON object as it came, less secrets."""

    def _facts(self) -> list[tuple[str, str]]:
        return []

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        body = render.pretty(json.dumps(self.raw))
        facts = self._facts()
        plain = [type(self).__name__, *(f"{label}: {value}" for label, value in facts), body]
        html = render.card(
            type(self).__name__,
            render.facts((label, render.text(value)) for label, value in facts),
            render.code(body),
        )
        return render.bundle(html, "\n".join(plain))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTask(Answer):
    """The answer of `createTask`."""

    task_id: int
    """The service's number of the task."""

    def _facts(self) -> list[tuple[str, str]]:
        return [("task id", str(self.task_id))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Answer):
    """The answer of `getTaskResult`."""

    status: str
    """`processing` or `ready`."""
    solution: Mapping[str, Any] | None
    """The solution, different for each task type; None while processing."""

    @property
    def ready(self) -> bool:
        """Whether there is a solution."""
        return self.status == "ready"

    @property
    def answer(self) -> tuple[bool, ...] | None:
        """One boolean for each tile of the picture, row by row; None if there are none."""
        tiles = (self.solution or {}).get("answer")
        if isinstance(tiles, list) and tiles and all(isinstance(tile, bool) for tile in tiles):
            return tuple(tiles)
        return None

    @property
    def token(self) -> str | None:
        """The token of a token task; None if there is none."""
        token = (self.solution or {}).get("token")
        return token if isinstance(token, str) else None

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("status", self.status)]
        if self.answer is not None:
            chosen = [str(number) for number, true in enumerate(self.answer, 1) if true]
            facts.append(("answer", f"tile {', '.join(chosen) or 'none'} of {len(self.answer)}"))
        return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Answer):
    """The answer of `getBalance`."""

    balance: float
    """The account's balance, in the account's currency."""

    def _facts(self) -> list[tuple[str, str]]:
        return [("balance", f"{self.balance:g}")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer says: its outcome, the fields for the log, and the typed answer."""

    outcome: Outcome
    answer: Answer | None = None
    error_id: int | None = None
    error_code: str | None = None
    error_description: str | None = None
    status: str | None = None
    task_id: int | None = None
    detail: str | None = None

    def complete(self, exchange: Exchange, **facts: Any) -> Exchange:
        """Return the exchange with what its answer says, and `facts`, other fields of it."""
        return dataclasses.replace(
            exchange,
            outcome=self.outcome,
            task_id=exchange.task_id if self.task_id is None else self.task_id,
            error_id=self.error_id,
            error_code=self.error_code,
            error_description=self.error_description,
            status=self.status,
            detail=self.detail,
            **facts,
        )


def read(method: str, http_status: int, text: str) -> Reading:
    """Read the body of an answer to `method`, at any HTTP status. It never raises."""
    try:
        body = parse(text)
    except (ValueError, RecursionError) as error:
        reason = "it is empty" if not text.strip() else f"{error}".split("\n")[0][:200]
        return _departure(http_status, f"The answer is not JSON ({reason}).", api_body=False)
    if not isinstance(body, dict):
        kind = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
        return _departure(
            http_status,
            f"The answer is {kind.get(type(body), 'a number')}; the API documents an object.",
            api_body=False,
        )
    try:
        return _read_object(method, body)
    except _DepartureError as departure:
        has_id = is_integer(body.get("errorId"))
        return _departure(http_status, str(departure), api_body=has_id)


class _DepartureError(Exception):
    """A field is not what the API documents."""


def _departure(http_status: int, detail: str, *, api_body: bool) -> Reading:
    if not api_body and http_status >= 400:
        return Reading(outcome=Outcome.HTTP_ERROR, detail=f"HTTP {http_status}. {detail}")
    if 300 <= http_status < 400:
        detail = f"HTTP {http_status}: redirects are not followed, the key is in the body. {detail}"
    return Reading(outcome=Outcome.BAD_RESPONSE, detail=detail)


def _read_object(method: str, body: dict[str, Any]) -> Reading:
    error_id = _field(body, "errorId", "an integer", is_integer)
    if error_id != 0:
        code = _field(body, "errorCode", "a string", is_text, required=False)
        description = _field(body, "errorDescription", "a string", is_text, required=False)
        return Reading(
            outcome=Outcome.API_ERROR,
            error_id=error_id,
            error_code=_clean(code),
            error_description=_clean(description),
        )
    reader = _READERS.get(method)
    if reader is None:
        return Reading(outcome=Outcome.OK, answer=Answer(raw=body), error_id=0)
    return reader(body)


def _read_created(body: dict[str, Any]) -> Reading:
    task_id = _field(body, "taskId", "an integer", is_integer)
    answer = CreatedTask(raw=body, task_id=task_id)
    return Reading(outcome=Outcome.OK, answer=answer, error_id=0, task_id=task_id)


def _read_result(body: dict[str, Any]) -> Reading:
    status = _field(body, "status", "`processing` or `ready`", STATUSES.__contains__)
    solution = None
    if status == "ready":
        solution = _field(body, "solution", "an object", lambda value: isinstance(value, dict))
    return Reading(
        outcome=Outcome.OK if status == "ready" else Outcome.PROCESSING,
        answer=TaskResult(raw=body, status=status, solution=solution),
        error_id=0,
        status=status,
    )


def _read_balance(body: dict[str, Any]) -> Reading:
    balance = _field(body, "balance", "a decimal number", is_number)
    return Reading(outcome=Outcome.OK, answer=Balance(raw=body, balance=float(balance)), error_id=0)


_READERS: Final[Mapping[str, Callable[[dict[str, Any]], Reading]]] = {
    "createTask": _read_created,
    "getTaskResult": _read_result,
    "getBalance": _read_balance,
}


METHODS: Final = tuple(_READERS)
"""The methods of the API."""


def fields_of(text: str) -> dict[str, Any]:
    """Return the fields of a JSON object; none if the text is something else. It never raises."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _field(
    body: dict[str, Any],
    name: str,
    expected: str,
    fits: Callable[[Any], bool],
    *,
    required: bool = True,
) -> Any:
    value = body.get(name)
    if value is None and not required:
        return None
    if name not in body:
        raise _DepartureError(f"{name} is missing; the API documents {expected}.")
    if not fits(value):
        raise _DepartureError(f"{name} is {shown(value)}; the API documents {expected}.")
    return value


def _clean(text: str | None) -> str | None:
    """Lone surrogates, which JSON can spell, fit in no column of text."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")
