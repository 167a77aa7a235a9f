"""The API's requests, ready to be sent. Everything here is pure."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never, SupportsIndex

from brocap_nb.api._body import Body
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._json import asked, is_integer, parse
from brocap_nb.api._secrets import HEADER_LABEL, KEY_LABEL, PICTURE_LABEL
from brocap_nb.tasks._pictures import clean_address
from brocap_nb.tasks._types import Task


@dataclass(frozen=True, slots=True)
class Request:
    """One API call, ready to be sent: the key is put in on the way out."""

    method: str
    """`createTask`, `getTaskResult` or `getBalance`; others are sent as they are."""
    body: Body
    task_type: str | None = None
    task_id: int | None = None


def create_task(task: Task, callback_url: str | None = None) -> Request:
    """Return the request that uploads a task, or raise InvalidInputError."""
    if not isinstance(task, Task):
        raise InvalidInputError(
            f"The task is a value of type {type(task).__name__}; expected a task object, such as "
            "ComplexImageTask.from_image(picture, question). JSON of your own goes into "
            "RawTask({...}).",
            field="task",
        )
    fields: dict[str, Any] = {"clientKey": Body.KEY, "task": task.wire_body}
    if callback_url is not None:
        fields["callbackUrl"] = address(callback_url, "callback_url", "callbackUrl")
    return Request("createTask", Body.of(fields), task_type=task.type)


def address(text: str, what: str, field: str) -> str:
    """Return an http(s) address without the blanks around it, or raise InvalidInputError."""
    try:
        return clean_address(str(text), what)
    except InvalidInputError as error:
        raise InvalidInputError(str(error), field=field) from None


def size(number: int, name: str) -> int:
    """Return a number of bytes, or raise InvalidInputError if it is none above 0."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InvalidInputError(
            f"{name} is {number!r:.60}; expected a whole number of bytes, at least 1.", field=name
        )
    return number


def get_task_result(task_id: int, task_type: str | None = None) -> Request:
    """Return the request that asks for a task's result, or raise InvalidInputError."""
    task_id = task_number(task_id)
    body = Body.of({"clientKey": Body.KEY, "taskId": task_id})
    return Request("getTaskResult", body, task_type=task_type, task_id=task_id)


def task_number(task_id: SupportsIndex) -> int:
    """Return a task's number as JSON can have it (a DataFrame's is numpy's), or raise."""
    with contextlib.suppress(TypeError):
        if is_integer(number := operator.index(task_id)):
            return number
    raise InvalidInputError(
        f"The task id is {task_id!r:.60}; expected a whole number, such as the task_id that "
        "create_task() returned or one of log.frame().",
        field="taskId",
    )


def get_balance() -> Request:
    """Return the request that asks for the account's balance."""
    return Request("getBalance", Body.of({"clientKey": Body.KEY}))


def call(method: str, fields: Mapping[str, Any]) -> Request:
    """Return a request of any method with these fields; nothing is checked, the key is added."""
    return Request(method, Body.of({"clientKey": Body.KEY, **fields}), *asked(fields))


def again(exchange: Exchange) -> Request:
    """Return the request of an exchange (with its full bodies) anew, or raise InvalidInputError."""

    def refuse(sentence: str) -> Never:
        raise InvalidInputError(
            f"Exchange {exchange.exchange_id} cannot be sent again: {sentence}", field="exchange_id"
        )

    def restored(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: restored(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [restored(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if value == KEY_LABEL:
            return Body.KEY
        if HEADER_LABEL in value or KEY_LABEL in value or PICTURE_LABEL.fullmatch(value):
            refuse(
                "the log does not have all of it: a password or the like, a text that quotes the "
                "key, or a picture whose file is gone from images/. Build the task once more."
            )
        return value

    body, wrong = parse(exchange.request)
    is_call = exchange.verb == "POST" and " " not in exchange.method
    if not is_call or exchange.outcome is Outcome.CALLBACK or wrong is not None:
        refuse(
            f"it is no call of the API ({exchange.method:.60}), or its body is not JSON, and a "
            "client sends only these. Send it with a program of your own, see log.to_python()."
        )
    return Request(
        exchange.method,
        Body.of(restored(body)),
        task_type=exchange.task_type,
        task_id=exchange.task_id if exchange.method == "getTaskResult" else None,
    )
