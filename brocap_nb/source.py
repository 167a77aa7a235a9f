"""Python source of a task: code that builds the same object.

No secret and no file is pasted into it: a password is read from an environment variable, and a
picture from a file whose name the code says.

A model whose code is not its class and its keywords has a method `_python(writer)` that returns
its `Code`.
"""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import keyword
import pathlib
import re
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brocap_nb import images
from brocap_nb.errors import InvalidInputError
from brocap_nb.redaction import SECRET_FIELDS

__all__ = ["Call", "Code", "PythonSource", "Writer", "is_secret_name", "python_source"]

WIDTH: Final = 88
PICTURE_MIN: Final = 200
"""Base64 of at least this many characters is read from a file, not written out."""
MAX_DEPTH: Final = 60  # Python itself takes about 100 brackets in each other

_EXTENSIONS: Final = {"image/jpeg": "jpg"}
_SEPARATORS: Final = re.compile(r"[_\-\s]")
_WORD: Final = re.compile(r"[a-z0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret, however its words are joined."""
    return _SEPARATORS.sub("", name.rpartition(".")[2]).lower() in SECRET_FIELDS


@dataclass(frozen=True, slots=True)
class Call:
    """Items in brackets: a call, a list, a dict. An item that has a name is `name` + its code."""

    opening: str
    items: tuple[tuple[str, Code], ...]
    closing: str = ")"
    comma_after_one: bool = False
    """Whether a single item needs a comma, as in a tuple."""


Code: TypeAlias = "str | Call"
"""Source code: as it stands, or with items that can be laid out over several lines."""


@dataclass(frozen=True, slots=True)
class PythonSource:
    """Code, and what has to be there when it runs."""

    code: str
    """Python that leaves the object in the variable `task`."""
    files: Mapping[str, bytes] = field(repr=False)
    """The files that the code reads, by the name under which it does."""
    variables: tuple[str, ...]
    """The environment variables that the code reads secrets from."""


def python_source(task: BaseModel, *, variable: str = "task") -> PythonSource:
    """Return code that builds `task`.

    Types of your own must be in scope where the code runs, unless they can be imported.

    Raises:
        InvalidInputError: the object is nested too deeply for Python code.
    """
    writer = Writer()
    built = writer.model(task, ())
    lines = [
        *_imports(writer),
        "",
        *(
            f"# {name} is the picture's file ({len(data):,} bytes): put it beside the notebook."
            for name, data in writer.files.items()
        ),
        *(
            f"# ${name} holds a secret, which is not written here: set it first."
            for name in writer.variables
        ),
    ]
    lines.append(f"{variable} = {_layout(built, len(variable) + 3, 0)}")
    return PythonSource("\n".join(lines) + "\n", writer.files, tuple(writer.variables))


class Writer:
    """Turns values into code, and remembers what the code needs."""

    def __init__(self) -> None:
        self.imports: dict[str, set[str]] = {}
        """The modules that the code needs, and the names from each; "" is the module itself."""
        self.files: dict[str, bytes] = {}
        """The files that the code reads, by name."""
        self.variables: dict[str, object] = {}
        """The environment variables that the code reads, by name, and their values."""

    def model(self, model: BaseModel, path: tuple[str, ...]) -> Code:
        """Return the code of a model: its own, or its class with the fields that were set."""
        own: Callable[[Writer], Code] | None = getattr(model, "_python", None)
        return own(self) if own is not None else self.call_of(model, path)

    def call_of(
        self,
        model: BaseModel,
        path: tuple[str, ...] = (),
        *,
        instead: Mapping[str, tuple[str, Code]] = MappingProxyType({}),
    ) -> Call:
        """Return the call of a model's class. Fields that hold their default are left out.

        `instead` has another keyword and its code for a field.
        """
        kind = type(model)
        given: list[tuple[str, Code]] = []
        for name, info in kind.model_fields.items():
            if name in instead:
                given.append(instead[name])
                continue
            value = getattr(model, name)
            if _is_default(info, value):
                continue
            wire = info.serialization_alias or info.alias or name
            secret = is_secret_name(wire) or is_secret_name(name)
            code = self.value(value, (*path, wire), secret=secret, parent=model, name=name)
            given.append((_keyword(kind, name, info), code))
        extra = model.model_extra or {}
        given += [(name, self.value(value, (*path, name))) for name, value in extra.items()]
        return _keywords(f"{self.name_of(kind)}(", given)

    def value(
        self,
        value: Any,
        path: tuple[str, ...] = (),
        *,
        secret: bool = False,
        parent: BaseModel | None = None,
        name: str = "",
    ) -> Code:
        """Return the code of a value. `path` leads to it; `secret` says that it is one."""
        if len(path) > MAX_DEPTH:
            raise InvalidInputError(
                f"The task is nested more than {MAX_DEPTH} levels deep; Python code cannot be. "
                "Use its JSON instead."
            )
        revealed = getattr(value, "get_secret_value", None)
        if revealed is not None:
            value, secret = revealed(), True
        if secret and _is_plain(value):
            return self._secret(value, path)
        if isinstance(value, enum.Enum):
            return self._member(value)
        if value is None or isinstance(value, bool):
            return repr(value)
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, (bytes, bytearray)):
            return repr(bytes(value))
        if isinstance(value, BaseModel):
            return self.model(value, path)
        if isinstance(value, Mapping):
            return self._mapping(value, path, secret)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            named = zip(value._fields, value, strict=True)
            return self._keyword_call(type(value), named, path, secret)
        if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
            return self._sequence(value, path, secret)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value) if f.init]
            return self._keyword_call(type(value), fields, path, secret)
        return self._other(value, parent, name, path)

    def name_of(self, kind: type) -> str:
        """Return how the code names a class; it is imported if it can be."""
        if kind.__module__.partition(".")[0] == "brocap_nb":
            face = sys.modules["brocap_nb"]
            shown = kind.__name__ if getattr(face, kind.__name__, None) is kind else ""
            if shown:
                return f"bn.{shown}"
        first = kind.__qualname__.partition(".")[0]
        module = sys.modules.get(kind.__module__)
        importable = all(part.isidentifier() for part in kind.__module__.split("."))
        if kind.__module__ == "__main__" or not importable or "<locals>" in kind.__qualname__:
            return kind.__name__
        found: Any = module
        for part in kind.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is not kind:
            return kind.__name__
        self._import(kind.__module__, first)
        return kind.__qualname__

    def picture(self, text: str) -> str | None:
        """Return the name of the file that holds the picture of a long base64, else None."""
        if len(text) < PICTURE_MIN:
            return None
        try:
            data = images.decode_base64(text)
        except ValueError:
            return None
        # only base64 that can be made again to the letter may be read from a file
        if base64.b64encode(data).decode("ascii") != text:
            return None
        for name, known in self.files.items():
            if known == data:
                return name
        kind = images.media_type(data)
        extension = _EXTENSIONS.get(kind, kind.partition("/")[2]) if kind else "bin"
        number = f"-{len(self.files) + 1}" if self.files else ""
        name = f"picture{number}.{extension}"
        self.files[name] = data
        return name

    def _import(self, module: str, name: str = "") -> None:
        self.imports.setdefault(module, set()).add(name)

    def _text(self, value: str, path: tuple[str, ...]) -> str:
        known = next((p for p in path if p == "imagesBase64"), None)
        looks = known is not None or images.media_type(_start_of(value)) is not None
        name = self.picture(value) if looks else None
        if name is None:
            return _string(value)
        self._import("base64")
        self._import("pathlib", "Path")
        return f'base64.b64encode(Path("{name}").read_bytes()).decode("ascii")'

    def _secret(self, value: Any, path: tuple[str, ...]) -> str:
        words = [word for part in path for word in _WORD.findall(part)]
        first = "_".join(words).upper() or "SECRET"
        first = first if not first[0].isdigit() else f"SECRET_{first}"
        name, number = first, 1
        while name in self.variables and not _same(self.variables[name], value):
            number += 1
            name = f"{first}_{number}"
        self.variables[name] = value
        self._import("os")
        read = f'os.environ["{name}"]'
        if isinstance(value, str):
            return read
        if isinstance(value, bytes):
            return f"os.fsencode({read})"
        return f"{type(value).__name__}({read})"

    def _member(self, member: enum.Enum) -> str:
        kind = self.name_of(type(member))
        name = member.name
        if name is None or name not in type(member).__members__:  # several flags at once
            return f"{kind}({member.value!r})"
        return f"{kind}.{name}" if name.isidentifier() else f"{kind}[{name!r}]"

    def _mapping(self, value: Mapping[Any, Any], path: tuple[str, ...], secret: bool) -> Call:
        items: list[tuple[str, Code]] = []
        for key, inner in value.items():
            shown = _layout(self.value(key), 0, 0)
            hidden = secret or (isinstance(key, str) and is_secret_name(key))
            items.append((f"{shown}: ", self.value(inner, (*path, str(key)), secret=hidden)))
        return Call("{", tuple(items), "}")

    def _sequence(self, value: Iterable[Any], path: tuple[str, ...], secret: bool) -> Code:
        unordered = isinstance(value, (set, frozenset))
        ordered = sorted(value, key=repr) if unordered else list(value)
        items = tuple(
            ("", self.value(inner, (*path, str(number)), secret=secret))
            for number, inner in enumerate(ordered, 1)
        )
        if isinstance(value, tuple):
            return Call("(", items, ")", comma_after_one=True)
        if isinstance(value, list):
            return Call("[", items, "]")
        if isinstance(value, collections.deque):
            self._import("collections", "deque")
            return Call("deque([", items, "])")
        if isinstance(value, frozenset):
            return Call("frozenset({", items, "})") if items else "frozenset()"
        return Call("{", items, "}") if items else "set()"

    def _keyword_call(
        self, kind: type, fields: Iterable[tuple[str, Any]], path: tuple[str, ...], secret: bool
    ) -> Call:
        items: list[tuple[str, Code]] = [
            (name, self.value(inner, (*path, name), secret=secret or is_secret_name(name)))
            for name, inner in fields
        ]
        return _keywords(f"{self.name_of(kind)}(", items)

    def _other(
        self, value: Any, parent: BaseModel | None, name: str, path: tuple[str, ...]
    ) -> Code:
        if isinstance(value, (datetime.datetime, datetime.time)) and value.tzinfo is not None:
            self._import("datetime")
            return f"datetime.{type(value).__name__}.fromisoformat({value.isoformat()!r})"
        if type(value) in (datetime.date, datetime.datetime, datetime.time, datetime.timedelta):
            self._import("datetime")
            return repr(value)
        if isinstance(value, decimal.Decimal):
            self._import("decimal", "Decimal")
            return repr(value)
        if isinstance(value, uuid.UUID):
            self._import("uuid", "UUID")
            return repr(value)
        if isinstance(value, pathlib.PurePath):
            self._import("pathlib", "Path")
            return f"Path({str(value)!r})"
        if parent is not None:  # as it goes to the wire, which the model reads as well
            dumped = parent.model_dump(mode="json", include={name}, by_alias=False)[name]
            return self.value(dumped, path)
        return _string(str(value))


def _is_default(info: FieldInfo, value: Any) -> bool:
    """Whether a field that is left out gets this very value: True is not 1."""
    if info.is_required():
        return False
    if info.default_factory is not None:
        # what another factory makes may differ each time
        plain = info.default_factory in (list, dict, set, frozenset, tuple, str)
        return plain and not value
    default = info.default
    if value is default:
        return True
    alike = type(value) is type(default) and value == default
    return alike and Writer().value(value) == Writer().value(default)


def _keyword(kind: type[BaseModel], name: str, info: FieldInfo) -> str:
    """How a class wants a field called when it is built."""
    config = kind.model_config
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    alias: Any = info.validation_alias or info.alias
    if by_name or alias is None:
        return name
    if isinstance(alias, str):
        return alias
    choices = getattr(alias, "choices", ())
    return next((choice for choice in choices if isinstance(choice, str)), name)


def _keywords(opening: str, items: list[tuple[str, Code]]) -> Call:
    """A call with keywords; what is no Python name is given in a dict."""
    plain = [(f"{name}=", code) for name, code in items if _is_keyword(name)]
    odd = tuple((f"{name!r}: ", code) for name, code in items if not _is_keyword(name))
    return Call(opening, (*plain, *([("**", Call("{", odd, "}"))] if odd else [])))


def _is_keyword(name: str) -> bool:
    # Python reads names in a normal form of its own
    plain = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return plain and not keyword.iskeyword(name)


def _is_plain(value: Any) -> bool:
    """Whether a secret is one text or number; an empty text tells nothing."""
    return (
        isinstance(value, (str, int, float, bytes))
        and not isinstance(value, (bool, enum.Enum))
        and value not in ("", b"")
    )


def _same(first: object, second: object) -> bool:
    return type(first) is type(second) and first == second


def _number(value: float) -> str:
    if isinstance(value, int):
        return int.__repr__(value)
    text = float.__repr__(value)
    return text if text.lstrip("-")[0].isdigit() else f'float("{text}")'


def _string(value: str) -> str:
    """A text's repr, in double quotes where that needs no escapes."""
    shown = str.__repr__(value)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in shown else shown


def _start_of(text: str) -> bytes:
    """The first bytes of what may be base64; nothing if it is none."""
    try:
        return base64.b64decode(text[:64], validate=True) if len(text) >= PICTURE_MIN else b""
    except ValueError:
        return b""


def _imports(writer: Writer) -> list[str]:
    """The import lines: the standard library, then this package and your own modules."""
    library: list[str] = []
    own: list[str] = []
    for module, names in sorted(writer.imports.items()):
        lines = [f"import {module}"] if "" in names else []
        if called := ", ".join(sorted(names - {""})):
            lines.append(f"from {module} import {called}")
        (library if module in sys.stdlib_module_names else own).extend(lines)
    return [*library, *([""] if library else []), "import brocap_nb as bn", *own]


def _layout(code: Code, column: int, indent: int) -> str:
    """Code as text: on one line where it fits, else an item a line, as formatters do."""
    if isinstance(code, str):
        return code
    if not code.items:
        return f"{code.opening}{code.closing}"
    one = _one_line(code)
    if len(one) + column <= WIDTH:
        return one
    inner = indent + 4
    lines = [
        f"{' ' * inner}{name}{_layout(item, inner + len(name) + 1, inner)},"
        for name, item in code.items
    ]
    return "\n".join([code.opening, *lines, f"{' ' * indent}{code.closing}"])


def _one_line(code: Code) -> str:
    if isinstance(code, str):
        return code
    inside = ", ".join(f"{name}{_one_line(item)}" for name, item in code.items)
    comma = "," if code.comma_after_one and len(code.items) == 1 else ""
    return f"{code.opening}{inside}{comma}{code.closing}"
