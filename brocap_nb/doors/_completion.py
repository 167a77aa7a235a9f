"""What fits at the cursor of an unfinished JSON object: field names, task types, fixed values.

Pure: no kernel and no IPython. The magics hand it the text before the cursor.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from brocap_nb.tasks._types import task_types

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_TYPE: Final = re.compile(r'"type"\s*:\s*"([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """Where the cursor stands in an unfinished JSON text."""

    path: tuple[str, ...]
    """The fields whose objects it stands in; empty in the outermost object."""
    name: str | None
    """The field whose value is being written; None where a field's name is."""
    typed: str
    """What is written already of the name or value, without a quotation mark."""
    quoted: bool
    """Whether a quotation mark is open."""
    others: frozenset[str] = frozenset()
    """The names that the object has already."""


@dataclass(slots=True)
class _Object:
    """An object that is not closed yet; a list has no name to come."""

    under: str | None
    is_list: bool = False
    name: str | None = None
    value_follows: bool = False
    names: set[str] = field(default_factory=set)


def json_place(before: str) -> JsonPlace | None:
    """Return where a JSON text that breaks off stands; None where nothing can be offered.

    Args:
        before: the text before the cursor. It need not be right so far.
    """
    frames: list[_Object] = []
    typed, quoted = "", False
    for match in _TOKEN.finditer(before):
        token = match[0]
        typed, quoted = "", False
        top = frames[-1] if frames else None
        if token in "{[":
            frames.append(_Object(top.name if top is not None else None, token == "["))
        elif top is None:
            return None
        elif token in "}]":
            frames.pop()
        elif token == ":":
            top.value_follows = True
        elif token == ",":
            top.name, top.value_follows = None, False
        elif token[0] == '"' and (len(token) == 1 or token[-1] != '"' or _escaped(token)):
            typed, quoted = token[1:], True
        elif match.end() == len(before) and token[0] != '"':
            typed = token
        elif token[0] == '"' and not top.value_follows:
            top.name = _text(token)
            top.names.add(top.name)
    if not frames or frames[-1].is_list:
        return None
    top = frames[-1]
    if before[len(before.rstrip()) :] and not quoted:
        typed = ""
    done = top.name is not None and not top.value_follows  # a name that lacks its colon
    if done or (not quoted and before.rstrip().endswith(("}", "]", '"'))):
        return None
    path = tuple(frame.under for frame in frames if frame.under is not None)
    name = top.name if top.value_follows else None
    return JsonPlace(path, name, typed, quoted, frozenset(top.names))


def task_words(place: JsonPlace, cell: str) -> Iterator[str]:
    """Yield what fits at a place of a task's JSON: names of fields, or values.

    Args:
        cell: the whole text; the task's type is taken from it.
    """
    types = task_types()
    found = _TYPE.search(cell)
    task = types.get(found[1]) if found is not None else None
    if place.name == "type" and not place.path:
        yield from types
        return
    fields = _fields(task)
    for name in place.path:
        fields = _fields(_inner(fields.get(name)))
    if place.name is not None:
        yield from _literals(fields.get(place.name))
    else:
        names = fields if place.path else ["type", *fields]
        yield from (name for name in names if name not in place.others)


def _escaped(token: str) -> bool:
    """Whether the last quotation mark of a string is part of its text."""
    body = token[1:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _text(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:  # a line break in it, or a wrong escape
        return token[1:-1]


def _fields(model: Any) -> Mapping[str, Any]:
    """A model's fields as the API spells them, with their types."""
    found = getattr(model, "model_fields", {})
    return {info.alias or name: info.annotation for name, info in found.items()}


def _alternatives(kind: Any) -> Iterable[Any]:
    """The parts of `X | None`; a plain type is its only part."""
    arguments = typing.get_args(kind)
    return arguments if type(None) in arguments else (kind,)


def _inner(kind: Any) -> Any:
    """The model in a field's type, if there is one."""
    return next((k for k in _alternatives(kind) if hasattr(k, "model_fields")), None)


def _literals(kind: Any) -> Iterator[str]:
    for one in _alternatives(kind):
        if typing.get_origin(one) is typing.Literal:
            yield from (value for value in typing.get_args(one) if isinstance(value, str))
