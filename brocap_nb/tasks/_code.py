"""JSON as Python source, and the code that builds a task from the JSON that is sent.

No secret and no picture stands in it: a secret is read from an environment variable, a picture
from a file.
"""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pprint import pformat
from typing import Any, Final

from pydantic import SecretStr

from brocap_nb.api._body import EmbeddedPicture, embedded_picture
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._secrets import is_secret_name

WIDTH: Final = 88
MAX_DEPTH: Final = 60  # Python itself takes about 100 brackets in each other

_STARS: Final = str(SecretStr("x"))  # what pydantic's JSON has in the place of a secret


class Code:
    """A piece of Python source that stands among JSON values."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __repr__(self) -> str:
        return self._source


def literal(
    value: Any, leaf: Callable[[Any, tuple[str, ...]], Any], path: tuple[str, ...] = ()
) -> Any:
    """Return a JSON value for `written`; `leaf` may put `Code` for what is no dict and no list.

    Raises:
        InvalidInputError: the value is nested too deeply for Python code.
    """
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


@dataclass(frozen=True, slots=True)
class PythonSource:
    """Code, and what has to be there when it runs."""

    code: str
    """Python that leaves the task in the variable `task`."""
    files: dict[str, bytes] = field(repr=False)
    """The files that the code reads, by the name under which it does."""
    variables: list[str]
    """The environment variables that the code reads secrets from."""


def python_source(task: Any) -> PythonSource:
    """Return code that builds `task` from its JSON.

    A type of your own must be in scope where the code runs. What it would not read back from its
    JSON as it was (a date in a field of type `Any`, a strict type), the code cannot give it.

    Raises:
        InvalidInputError: the task is nested too deeply for Python code.
    """
    needs = _Needs()
    kind = type(task)
    ours = next(k for k in kind.__mro__ if k.__module__.partition(".")[0] == "brocap_nb")
    called = kind.__qualname__.rpartition("<locals>.")[2]
    notes = []
    if kind is ours:
        called = f"bn.{called}"
    else:
        notes.append(f"# {called} is a type of your own: define or import it first.")
    if ours.__name__ == "RawTask":
        arguments = [written(literal(task.to_wire(), needs.leaf))]
    else:
        given = _fields(task)
        arguments = []
        if called == "bn.ComplexImageTask":
            _, metadata = given.pop("metadata")
            given = {"question": ("question", metadata["Task"]), **given}
            _, pictures = given.get("images_base64", ("", []))
            if len(pictures) == 1 and (found := embedded_picture(pictures[0])) is not None:
                called += ".from_image"
                arguments.append(repr(needs.file(found)))
                del given["images_base64"]
        values = {n: literal(value, needs.leaf, (place,)) for n, (place, value) in given.items()}
        odd = {name: values.pop(name) for name in given if not _is_keyword(name)}
        arguments += [written(value, f"{name}=") for name, value in values.items()]
        arguments += [written(odd, "**")] if odd else []
    built = f"task = {called}({', '.join(arguments)})"
    if len(built) > WIDTH or "\n" in built:
        lines = "".join(f"    {argument},\n" for argument in arguments)
        built = f"task = {called}(\n{lines})"
    files = {name: data for data, name in needs.files.items()}
    notes += [
        f"# {name} is the picture's file ({len(data):,} bytes): put it beside the notebook."
        for name, data in files.items()
    ]
    notes += [
        f"# ${name} holds a secret, which is not written here: set it first."
        for name in needs.variables
    ]
    head = [f"import {module}" for module in sorted(needs.imports)]
    head += ["", "import brocap_nb as bn", ""] if head else ["import brocap_nb as bn", ""]
    return PythonSource("\n".join([*head, *notes, built, ""]), files, needs.variables)


class _Needs:
    """What the code needs, gathered while it is written."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.files: dict[bytes, str] = {}
        self.variables: list[str] = []

    def file(self, picture: EmbeddedPicture) -> str:
        """Return the name of a picture's file."""
        extension = picture.media_type.removeprefix("image/")
        return self.files.setdefault(picture.data, f"picture-{len(self.files) + 1}.{extension}")

    def leaf(self, value: Any, path: tuple[str, ...]) -> Any:
        """Return what stands for a value: itself, or code that reads it."""
        named = any(is_secret_name(name) for name in path)
        if value == _STARS or (named and value != "" and type(value) in (str, int, float)):
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
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", "_".join(path))
        name = re.sub(r"\W|^(?=\d)", "_", words, flags=re.ASCII).upper() or "SECRET"
        while name in self.variables:  # two paths may have the same words
            name += "_2"
        self.variables.append(name)
        return name


def _fields(task: Any) -> dict[str, tuple[str, Any]]:
    """Keyword to name and JSON of the fields; what holds its default is left out.

    The name is the one that means a secret, where the class or the API calls a field so.
    """
    sent = task.model_dump(mode="json", by_alias=True)
    given: dict[str, tuple[str, Any]] = {}
    for name, info in type(task).model_fields.items():
        wire = info.serialization_alias or name
        if wire in sent and getattr(task, name) is not info.default:
            given[name] = (wire if is_secret_name(wire) else name, sent[wire])
    return given | {name: (name, sent[name]) for name in task.model_extra or {}}


def _is_keyword(name: str) -> bool:
    """Whether Python takes a name as a keyword, and as it is: it normalises names."""
    plain = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return plain and not keyword.iskeyword(name) and name != "__debug__"
