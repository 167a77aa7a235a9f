"""JSON as Python source, and the code that builds a task from the JSON that is sent.

No secret and no picture stands in it: a secret is read from an environment variable, a picture
from a file.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable
from pprint import pformat
from typing import Any, Final

from brocap_nb.api._body import EmbeddedPicture, embedded_picture
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._secrets import SecretText, label_of

WIDTH: Final = 88
MAX_DEPTH: Final = 60  # Python itself takes about 100 brackets in each other


class Code:
    """A piece of Python source that stands among JSON values."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __repr__(self) -> str:
        return self._source


def literal(
    value: Any, leaf: Callable[[Any, tuple[str, ...]], Any], path: tuple[str, ...] = ()
) -> Any:
    """Return a JSON value for `written`; `leaf` may put `Code` for what is no dict and no list."""
    if len(path) > MAX_DEPTH:
        raise InvalidInputError(
            f"The JSON is nested more than {MAX_DEPTH} levels deep; Python code cannot be. Use the "
            "JSON itself instead."
        )
    if isinstance(value, dict):
        return {leaf(key, ()): literal(v, leaf, (*path, key)) for key, v in value.items()}
    if isinstance(value, list):
        return [literal(v, leaf, (*path, str(n))) for n, v in enumerate(value, 1)]
    if isinstance(value, float) and not math.isfinite(value):
        return Code(f"float('{value}')")
    return leaf(value, path)


def written(value: Any, before: str = "", indent: int = 4) -> str:
    """Return the source of a value after `before`, further lines below its first bracket."""
    column = indent + len(before)
    text = pformat(value, width=max(WIDTH - column - 1, 40), sort_dicts=False)
    return before + text.replace("\n", "\n" + " " * column)


def python_source(task: Any) -> str:
    """Return code that builds `task` from its JSON; it refuses what is nested too deeply."""
    kind, needs = type(task), _Needs()
    called = kind.__qualname__.rpartition("<locals>.")[2]
    if kind.__module__.partition(".")[0] == "brocap_nb":
        called = f"bn.{called}"
    else:
        needs.notes.append(f"# {called} is a type of your own: define or import it first.")
    if any(base.__name__ == "RawTask" for base in kind.__mro__):
        arguments = [written(literal(task.to_wire(), needs.leaf))]
    else:
        arguments, sent = [], task._json()
        if called == "bn.ComplexImageTask":
            sent = {"question": sent.pop("metadata")["Task"], **sent}
            pictures = sent.get("imagesBase64", ())
            if len(pictures) == 1 and (found := embedded_picture(pictures[0])):
                called += ".from_image"
                arguments.append(repr(needs.file(found)))
                del sent["imagesBase64"]
        given = _arguments(task, sent, needs)
        odd = {name: given.pop(name) for name in [*given] if not _is_keyword(name)}
        arguments += [written(value, f"{name}=") for name, value in given.items()]
        arguments += [written(odd, "**")] if odd else []
    built = f"task = {called}({', '.join(arguments)})"
    if len(built) > WIDTH or "\n" in built:
        lines = "".join(f"    {argument},\n" for argument in arguments)
        built = f"task = {called}(\n{lines})"
    head = [*(f"import {module}" for module in sorted(needs.imports)), ""] if needs.imports else []
    return "\n".join([*head, "import brocap_nb as bn", "", *needs.notes, built, ""])


def _arguments(task: Any, sent: dict[str, Any], needs: _Needs) -> dict[str, Any]:
    """Keyword to value, ready for `written`; what holds its default is left out."""
    fields = {
        info.serialization_alias or n: (n, info) for n, info in type(task).model_fields.items()
    }
    given = {}
    for wire, value in sent.items():
        name, info = fields.get(wire, (wire, None))
        if info is None or getattr(task, name) is not info.default:
            # the class or the API may call it what means a secret
            place = wire if label_of(wire) else name
            given[name] = literal(value, needs.leaf, (place,))
    return given


def _is_keyword(name: str) -> bool:
    """Whether Python takes a name as a keyword, and as it is: it normalises other alphabets."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


class _Needs:
    """What the code needs, gathered while it is written."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.notes: list[str] = []
        self._files: dict[bytes, str] = {}
        self._variables: set[str] = set()

    def file(self, picture: EmbeddedPicture) -> str:
        """The name of a picture's file."""
        if (data := picture.data) not in self._files:
            extension = picture.media_type.removeprefix("image/")
            name = self._files[data] = f"picture-{len(self._files) + 1}.{extension}"
            size = f"{len(data):,} bytes"
            self.notes.append(
                f"# {name} is the picture's file ({size}): put it beside the notebook."
            )
        return self._files[data]

    def leaf(self, value: Any, path: tuple[str, ...]) -> Any:
        """Return what stands for a value: itself, or code that reads it."""
        named = type(value) in (str, int, float) and any(label_of(name) for name in path)
        if value != "" and (named or isinstance(value, SecretText)):
            self.imports.add("os")
            read = f"os.environ[{self._variable(path)!r}]"
            return Code(read if isinstance(value, str) else f"{type(value).__name__}({read})")
        picture = embedded_picture(value) if isinstance(value, str) else None
        if picture is None:
            return value
        self.imports |= {"base64", "pathlib"}
        read = f"pathlib.Path({self.file(picture)!r}).read_bytes()"
        return Code(f"base64.b64encode({read}).decode()")

    def _variable(self, path: tuple[str, ...]) -> str:
        """The name of a secret's variable, by its place in the task."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", "_".join(path))
        name = re.sub(r"\W|^(?=\d)", "_", words, flags=re.ASCII).upper()
        while name in self._variables:  # two paths may have the same words
            name += "_2"
        self._variables.add(name)
        self.notes.append(f"# ${name} holds a secret, which is not written here: set it first.")
        return name
