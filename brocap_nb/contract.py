"""What the API documents of its answers, as a table of rules, and what departs from it.

`RULES` is the only place where the documented shape of an answer is written down field by field.
It says no more than the public pages do: where they are silent, there is no rule. Everything here
is pure, and `departures` takes any text and never raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never

from brocap_nb.codes import CATALOGUE

__all__ = [
    "ANY_TASK",
    "NOT_AN_OBJECT",
    "RULES",
    "STATUSES",
    "Departure",
    "Rule",
    "departures",
    "documented_fields",
    "is_integer",
    "is_number",
    "is_text",
    "parse",
    "shown",
]

STATUSES: Final = ("processing", "ready")
"""What `status` may say."""

ANY_TASK: Final = "*"
"""The task type of a rule that holds for all of them."""

NOT_AN_OBJECT: Final = "Every answer is a JSON object."
"""The rule that comes before all others."""

_METHODS: Final = ("createTask", "getTaskResult", "getBalance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One sentence of the contract about one field."""

    methods: tuple[str, ...]
    """The methods whose answers it is about."""
    field: str
    """The field's name; one inside the solution is `solution.<name>`."""
    when: str
    """`always`, `success` (errorId is 0), `ready` (success, and the status says so) or `error`."""
    sentence: str
    """What the pages say."""
    fits: Callable[[Any], bool]
    """Whether a value keeps the rule."""
    required: bool = True
    """Whether the field must be there at all."""
    task_type: str = ANY_TASK
    """The only task type that it is about, for what is inside a solution."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which an answer is not what the API documents."""

    field: str
    """The field; empty for the answer as a whole."""
    rule: str
    """The rule that it broke, as a sentence."""
    found: str
    """What was there instead, shortened."""


def is_integer(value: object) -> bool:
    """An integer that fits a column of 64 bits (its smallest value stands for "absent")."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def is_number(value: object) -> bool:
    """A number that a float can hold."""
    try:
        return (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and -1e300 < value < 1e300
        )
    except OverflowError:
        return False


def is_text(value: object) -> bool:
    """A string."""
    return isinstance(value, str)


def parse(text: str) -> Any:
    """Return the value of a JSON text; `NaN` and its like are no JSON.

    Raises:
        ValueError, RecursionError: it is not JSON.
    """
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_null(value: object) -> bool:
    return value is None


def _is_null_or_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_zero_or_one(value: object) -> bool:
    return is_integer(value) and value in (0, 1)


def _is_task_id(value: object) -> bool:
    return is_integer(value) and value != 0


def _is_zero(value: object) -> bool:
    return is_integer(value) and value == 0


def _is_known_code(value: object) -> bool:
    return isinstance(value, str) and value in CATALOGUE


def _is_tiles(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, bool) for v in value)


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value)


_CREATE, _RESULT, _BALANCE = ((method,) for method in _METHODS)
_ON_AN_ERROR: Final = _CREATE + _BALANCE

RULES: Final = (
    Rule(
        methods=_METHODS,
        field="errorId",
        when="always",
        sentence="errorId is 0 or 1.",
        fits=_is_zero_or_one,
    ),
    Rule(
        methods=_METHODS,
        field="errorCode",
        when="error",
        sentence="An error has an errorCode, a string.",
        fits=is_text,
    ),
    Rule(
        methods=_METHODS,
        field="errorCode",
        when="error",
        sentence="errorCode is one of the codes that the pages list.",
        fits=_is_known_code,
    ),
    Rule(
        methods=_ON_AN_ERROR,
        field="errorDescription",
        when="error",
        sentence="An error has an errorDescription, a string.",
        fits=is_text,
    ),
    Rule(
        methods=_RESULT,
        field="errorDescription",
        when="error",
        sentence="errorDescription is a string or null.",
        fits=_is_null_or_text,
        required=False,
    ),
    Rule(
        methods=_ON_AN_ERROR,
        field="errorCode",
        when="success",
        sentence="errorCode comes only with an error.",
        fits=lambda _: False,
        required=False,
    ),
    Rule(
        methods=_ON_AN_ERROR,
        field="errorDescription",
        when="success",
        sentence="errorDescription comes only with an error.",
        fits=lambda _: False,
        required=False,
    ),
    Rule(
        methods=_RESULT,
        field="errorCode",
        when="success",
        sentence="errorCode is null or absent when errorId is 0.",
        fits=_is_null,
        required=False,
    ),
    Rule(
        methods=_RESULT,
        field="errorDescription",
        when="success",
        sentence="errorDescription is null or absent when errorId is 0.",
        fits=_is_null,
        required=False,
    ),
    Rule(
        methods=_CREATE,
        field="taskId",
        when="success",
        sentence="taskId is an integer, and not 0.",
        fits=_is_task_id,
    ),
    Rule(
        methods=_CREATE,
        field="taskId",
        when="error",
        sentence="taskId is 0 on an error.",
        fits=_is_zero,
    ),
    Rule(
        methods=_RESULT,
        field="status",
        when="success",
        sentence="status is processing or ready.",
        fits=STATUSES.__contains__,
    ),
    Rule(
        methods=_RESULT,
        field="solution",
        when="ready",
        sentence="A ready task has a solution, an object.",
        fits=_is_object,
    ),
    Rule(
        methods=_BALANCE,
        field="balance",
        when="success",
        sentence="balance is a decimal number.",
        fits=is_number,
    ),
    Rule(
        methods=_RESULT,
        field="solution.answer",
        when="ready",
        sentence="The solution of a ComplexImageTask has an answer: one boolean for each tile.",
        fits=_is_tiles,
        task_type="ComplexImageTask",
    ),
    Rule(
        methods=_RESULT,
        field="solution.token",
        when="ready",
        sentence="The solution of a FunCaptchaTaskProxyless has a token, a string.",
        fits=_is_filled,
        task_type="FunCaptchaTaskProxyless",
    ),
)
"""Every documented rule. A field that no rule names is not documented."""


def documented_fields(method: str, task_type: str | None = None) -> tuple[str, ...]:
    """Return the fields that answers of `method` may have, those in a solution included."""
    found = (
        rule.field
        for rule in RULES
        if method in rule.methods and rule.task_type in (ANY_TASK, task_type)
    )
    return tuple(dict.fromkeys(found))


def departures(method: str, text: str, task_type: str | None = None) -> list[Departure]:
    """Return every way in which an answer departs from the documented contract.

    Args:
        method: the API method; `callback` keeps the rules of `getTaskResult`, which has the same
            body. A method that the pages do not know is held to the rules of all methods only.
        text: the answer's body.
        task_type: the task's `type`, if it is known: some have a documented solution.
    """
    if method == "callback":
        method = "getTaskResult"
    try:
        body = parse(text)
    except (ValueError, RecursionError):
        return [Departure("", NOT_AN_OBJECT, shown(text) if text.strip() else "nothing")]
    if not isinstance(body, dict):
        return [Departure("", NOT_AN_OBJECT, shown(body))]
    return [*_broken_rules(method, body, task_type), *_surplus(method, body, task_type)]


def _broken_rules(method: str, body: dict[str, Any], task_type: str | None) -> Iterator[Departure]:
    told: set[str] = set()
    for rule in RULES:
        known = method in rule.methods or (
            method not in _METHODS and rule.methods == _METHODS  # what holds for every method
        )
        if not known or rule.field in told or not _applies(rule, body, task_type):
            continue
        place, name = _place(rule.field, body)
        if place is None:
            continue  # no object to look into, which another rule tells
        if name in place:
            if not rule.fits(place[name]):
                told.add(rule.field)
                yield Departure(rule.field, rule.sentence, shown(place[name]))
        elif rule.required:
            told.add(rule.field)
            yield Departure(rule.field, rule.sentence, "missing")


def _surplus(method: str, body: dict[str, Any], task_type: str | None) -> Iterator[Departure]:
    if method not in _METHODS:
        return
    known = documented_fields(method, task_type)
    outside = [field for field in known if "." not in field]
    for name, value in body.items():
        if name not in outside:
            yield Departure(name, f"{method} documents no field {shown(name)}.", shown(value))
    inside = [field for field in known if field.startswith("solution.")]
    solution = body.get("solution")
    if inside and isinstance(solution, dict):
        for name, value in solution.items():
            if f"solution.{name}" not in inside:
                sentence = f"The solution of a {task_type} documents no field {shown(name)}."
                yield Departure(f"solution.{name}", sentence, shown(value))


def _applies(rule: Rule, body: Mapping[str, Any], task_type: str | None) -> bool:
    if rule.task_type not in (ANY_TASK, task_type):
        return False
    error_id = body.get("errorId")
    success = _is_zero(error_id)
    return {
        "always": True,
        "success": success,
        "ready": success and body.get("status") == "ready",
        "error": is_integer(error_id) and not success,
    }[rule.when]


def _place(field: str, body: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    if not field.startswith("solution."):
        return body, field
    solution = body.get("solution")
    return solution if isinstance(solution, dict) else None, field.removeprefix("solution.")


def shown(value: object, limit: int = 60) -> str:
    """Return a JSON value on one short line."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a value that is nested too deeply"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
