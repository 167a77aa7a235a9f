"""JSON that may be anything: read without raising, and what a request says that it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Never


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")


_STRICT: Final = json.JSONDecoder(parse_constant=_no_constant)
_LENIENT: Final = json.JSONDecoder()  # a key must be found beside a `NaN` as well


def parse(
    text: str | bytes, decoder: json.JSONDecoder = _STRICT
) -> tuple[Any, None] | tuple[None, str]:
    """Return the value of a JSON text and None, or None and why it is no JSON. It never raises."""
    if not text.strip():
        return None, "it is empty"
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
        return decoder.decode(text), None
    except ValueError as error:
        return None, f"{error}".split("\n")[0][:200]
    except RecursionError:
        return None, "it is nested too deeply"


def fields_of(text: str | bytes) -> dict[str, Any]:
    """Return the fields of a JSON object; none if the text is something else. It never raises."""
    value, _ = parse(text, _LENIENT)
    return value if isinstance(value, dict) else {}


def asked(fields: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Return the task's type and the task's number that a body names; None where it names none."""
    task, number = fields.get("task"), fields.get("taskId")
    kind = task.get("type") if isinstance(task, Mapping) else None
    return kind if isinstance(kind, str) else None, number if is_integer(number) else None


def is_integer(value: object) -> bool:
    """An integer that fits a column of 64 bits (its smallest value stands for "absent")."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
