"""The API's requests, ready to be sent. Everything here is pure."""

from __future__ import annotations

import contextlib
import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

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

    method: str  # one of the API's, or another, which is sent as it is
    body: Body
    task_type: str | None = None
    task_id: int | None = None


def call(method: str, fields: Mapping[str, Any], task_type: str | None = None) -> Request:
    """Return a request of any method with these fields; nothing is checked, the key is added."""
    named, task_id = asked(fields)
    return Request(method, Body.of({"clientKey": Body.KEY, **fields}), task_type or named, task_id)


def create_task(task: Task, callback_url: str | None = None) -> Request:
    """Return the request that uploads a task, or raise InvalidInputError."""
    if not isinstance(task, Task):
        raise InvalidInputError(
            f"The task is a value of type {type(task).__name__}; expected a task object, such as "
            "ComplexImageTask.from_image(picture, question). JSON of your own goes into "
            "RawTask({...}).",
            field="task",
        )
    fields: dict[str, Any] = {"task": task.wire_body}
    if callback_url is not None:
        fields["callbackUrl"] = clean_address(str(callback_url), "callback_url")
    return call("createTask", fields, task.type)


def get_task_result(task_id: SupportsIndex, task_type: str | None = None) -> Request:
    """Return the request that asks for a task's result, or raise InvalidInputError."""
    with contextlib.suppress(TypeError):  # a DataFrame's number is numpy's
        if is_integer(number := operator.index(task_id)):
            return call("getTaskResult", {"taskId": number}, task_type)
    raise InvalidInputError(
        f"The task id is {task_id!r:.60}; expected a whole number, such as the task_id that "
        "create_task() returned or one of log.frame().",
        field="taskId",
    )


def again(exchange: Exchange) -> Request:
    """Return the request of an exchange (with its full bodies) anew, or raise InvalidInputError."""
    body, _ = parse(exchange.request)
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    text, why = json.dumps(fields | {"clientKey": ""}), ""
    is_call = exchange.verb == "POST" and " " not in exchange.method
    if not (is_call and fields) or exchange.outcome is Outcome.CALLBACK:
        why = (
            f"it is no call of the API ({exchange.method:.60}), or its body is not JSON, and a "
            "client sends only these. Send it with a program of your own, see log.to_python()."
        )
    elif HEADER_LABEL in text or KEY_LABEL in text or PICTURE_LABEL.search(text):
        why = (
            "the log does not have all of it: a password or the like, a text that quotes the "
            "key, or a picture whose file is gone from images/. Build the task once more."
        )
    if why:
        raise InvalidInputError(
            f"Exchange {exchange.exchange_id} cannot be sent again: {why}", field="exchange_id"
        )
    key = {"clientKey": Body.KEY} if fields.get("clientKey") == KEY_LABEL else {}
    task_id = exchange.task_id if exchange.method == "getTaskResult" else None
    return Request(exchange.method, Body.of(fields | key), exchange.task_type, task_id)
