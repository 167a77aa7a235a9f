"""The cell under `%%brocap`: JSON, with a user's variables and notes in it.

No kernel and no IPython: it has the text and the variables.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._secrets import KEY_VARIABLE
from brocap_nb.tasks._types import task_types

HELP: Final = """\
In a cell, {name} and $name become the value of your variable `name`, as JSON:
    {"type": "MyTask", "size": {size}, "tags": $tags, "page": "https://example.com/{page}"}
Inside a string it is put in as text, and only if there is such a variable: other braces and
dollars stay as they are. Write {{name}} or $$name in a string to send {name} or $name."""

_EXPECTED: Final = 'the task, such as {"type": "FunCaptchaTaskProxyless", "websiteURL": "…"}'
_LIKE_A_KEY: Final = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)

_PIECE: Final = re.compile(r'("(?:[^"\\\n]|\\.)*+"?)|\{[^\W\d]\w*\}|\$[^\W\d]\w*')
_IN_STRING: Final = re.compile(r"\{(?:\{\w+\}|\w+)\}|\${1,2}\w+")

_CURLY: Final = ("\u201c", "\u201d", "\u201e", "\u00ab", "\u00bb", "\u2018", "\u2019")
_NO_CURLY: Final = 'a curly quotation mark ends no text; JSON wants straight ones: "'
_NO_JSON: Final = (
    (("None",), "None is Python; JSON says null"),
    (("True", "False"), "True and False are Python; JSON says true and false"),
    (("'",), "this is a single quotation mark; JSON puts names and texts into double ones"),
    (_CURLY, _NO_CURLY),
    (("\u00a0", "\u2007", "\u202f"), "this is a non-breaking space; type an ordinary one"),
    (("#", "//", "/*"), "JSON has no notes; take this one out"),
    ((";",), "JSON has no semicolon; take it out"),
    (("}", "]"), "something is missing here, or there is a comma too many before it"),
)

# Where a name begins, and what is typed of it: behind a brace or a comma outside a string.
_AT_NAME: Final = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*+")*[{,]\s*("?)(\w*)', re.DOTALL)
_TYPE: Final = re.compile(r'"type"\s*:\s*("?)(\w*)')


def read_object(cell: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Read a cell as the JSON object of a task."""

    def blank(piece: re.Match[str]) -> str:
        return piece[1] or "0".ljust(len(piece[0]))

    def filled(piece: re.Match[str]) -> str:
        name = piece[0].strip("{}$")
        if piece[1]:
            return _IN_STRING.sub(put_in, piece[0])
        if name in variables:
            return _as_json(name, variables[name])
        raise InvalidInputError(
            f"{piece[0]} stands for a variable, and there is none of this name. Set it in a cell "
            "before."
        )

    def put_in(found: re.Match[str]) -> str:
        name = found[0].strip("{}$")
        if name not in variables:
            return found[0]
        if found[0].startswith(("{{", "$$")):
            return found[0][1:].replace("}}", "}")
        value = variables[name]
        return json.dumps(value if isinstance(value, str) else _as_json(name, value))[1:-1]

    try:
        # first with something as long in a variable's place: so a mistake's column is right
        json.loads(_PIECE.sub(blank, cell))
        value = json.loads(_PIECE.sub(filled, cell))
    except json.JSONDecodeError as error:
        raise InvalidInputError(_told(cell, error)) from None
    except (ValueError, RecursionError) as error:  # such as a number of thousands of digits
        raise InvalidInputError(f"The cell's JSON cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise InvalidInputError(f"The cell is JSON, but no object; expected {_EXPECTED}.")
    if "clientKey" in value or ("task" in value and "type" not in value):
        raise InvalidInputError(
            "The cell has what createTask puts around a task; expected only the task. Take it out, "
            "above all a clientKey: it is saved with the notebook. Get a new one if it was real."
        )
    return value


def _as_json(name: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False, default=lambda part: part.tolist())  # numpy's
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise InvalidInputError(
            f"{name} cannot be written as JSON: its type is {type(value).__name__}; expected a "
            "text, a number, a list or a dict of them."
        ) from None


def _told(cell: str, error: json.JSONDecodeError) -> str:
    """A mistake in JSON, named for what it is, with the part of its line around it."""
    if not cell.strip():
        return f"The cell is empty; expected {_EXPECTED}, under the %%brocap line."
    rest = cell[error.pos :].lstrip(" \t\r\n")
    line = cell.split("\n")[error.lineno - 1]
    other = _NO_CURLY if any(mark in line for mark in _CURLY) else error.msg
    said = next((said for starts, said in _NO_JSON if rest.startswith(starts)), other)
    start = max(0, error.colno - 41)
    line = masked(line).replace("\t", " ")  # it is as long
    return (
        f"The cell is not JSON: line {error.lineno}, column {error.colno}: {said}.\n"
        f"  {line[start : start + 76]}\n  {' ' * (error.colno - 1 - start)}^"
    )


def masked(text: str) -> str:
    """Return a text with a dot for each character of what is, or looks like, a key."""
    key = os.environ.get(KEY_VARIABLE)
    if key:
        text = text.replace(key, "•" * len(key))
    return _LIKE_A_KEY.sub(lambda found: "•" * len(found[0]), text)


def task_words(before: str, cell: str) -> tuple[str, list[str]]:
    """Return what is typed at the end of `before`, and the types or names that it may become."""
    if (place := _TYPE.search(before)) is not None and place.end() == len(before):
        words = list(task_types())
    elif (place := _AT_NAME.fullmatch(before)) is not None:
        named = _TYPE.search(cell)
        task = task_types().get(named[2]) if named is not None else None
        fields = task.model_fields if task is not None else {}
        known = ["type", *(info.alias or name for name, info in fields.items())]
        words = [word for word in known if f'"{word}"' not in before]
    else:
        return "", []
    return place[2], words if place[1] else [f'"{word}"' for word in words]
