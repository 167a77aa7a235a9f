"""JSON as Python source, and the code that builds a task: without its secrets and pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from keyword import iskeyword
from pprint import pformat
from typing import Any, Final

from brocap_nb.api._body import EmbeddedPicture, embedded_picture
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._secrets import SecretText, label_of

WIDTH: Final = 88


class Code(str):
    """A piece of Python source among JSON values, equal to nothing but itself."""

    __slots__ = ()
    __repr__, __eq__, __hash__ = str.__str__, object.__eq__, object.__hash__


def literal(
    value: Any, leaf: Callable[[Any, tuple[str, ...]], Any], path: tuple[str, ...] = ()
) -> Any:
    """Return a JSON value for `written`; `leaf` may put `Code` for what is no dict and no list."""
    if len(path) > 60:  # Python itself takes about 100 brackets in each other
        raise InvalidInputError("The JSON is too deep for Python code. Use the JSON itself.")
    if isinstance(value, dict):
        return {leaf(key, ()): literal(v, leaf, (*path, key)) for key, v in value.items()}
    if isinstance(value, list):
        return [literal(v, leaf, (*path, str(n))) for n, v in enumerate(value, 1)]
    return leaf(value, path)


def written(value: Any, before: str = "", indent: int = 4) -> str:
    """Return the source of a value after `before`, further lines below its first bracket."""
    column = indent + len(before)
    text = pformat(value, width=max(WIDTH - column - 1, 40), sort_dicts=False)
    return before + text.replace("\n", "\n" + " " * column)


def python_source(task: Any) -> str:
    """Return code that builds `task` from its JSON."""
    imports, notes, files = set[str](), dict[str, str](), dict[bytes, str]()

    def file(picture: EmbeddedPicture) -> str:
        data, extension = picture.data, picture.media_type.removeprefix("image/")
        if data not in files:
            name = files[data] = f"picture-{len(files) + 1}.{extension}"
            size = f"{len(data):,} bytes"
            notes[name] = f"is the picture's file ({size}): put it beside the notebook."
        return files[data]

    def leaf(value: Any, path: tuple[str, ...]) -> Any:
        """Return what stands for a value: itself, or code that reads it."""
        named = type(value) in (str, int, float) and any(map(label_of, path))
        if value != "" and (named or isinstance(value, SecretText)):
            imports.add("os")
            words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", "_".join(path))
            name = re.sub(r"\W|^(?=\d)", "_", words, flags=re.ASCII).upper()
            while f"${name}" in notes:  # two paths may have the same words
                name += "_2"
            notes[f"${name}"] = "holds a secret, which is not written here: set it first."
            read = f"os.environ[{name!r}]"
            return Code(read if isinstance(value, str) else f"{type(value).__name__}({read})")
        picture = embedded_picture(value) if isinstance(value, str) else None
        if picture is None:
            return value
        imports.update(("base64", "pathlib"))
        return Code(f"base64.b64encode(pathlib.Path({file(picture)!r}).read_bytes()).decode()")

    kind = type(task)
    called = kind.__qualname__.rpartition("<locals>.")[2]
    if kind.__module__.startswith("brocap_nb."):
        called = f"bn.{called}"
    else:
        notes[called] = "is a type of your own: define or import it first."
    sent = task.to_wire()
    if any(base.__name__ == "RawTask" for base in kind.__mro__):
        arguments = [written(literal(sent, leaf))]
    else:
        arguments, fields, given = [], kind.model_fields, dict[str, Any]()
        names = {info.serialization_alias: name for name, info in fields.items()}
        if "type" not in {*names, *(task.model_extra or ())}:
            del sent["type"]
        if called == "bn.ComplexImageTask":
            sent = {"question": sent.pop("metadata")["Task"], **sent}
            pictures = sent.get("imagesBase64", ())
            if len(pictures) == 1 and (found := embedded_picture(pictures[0])):
                called += ".from_image"
                arguments.append(repr(file(found)))
                del sent["imagesBase64"]
        for wire, value in sent.items():
            name = names.get(wire, wire)
            default = fields[name].default if name in fields else fields
            held = getattr(task, name, None)
            # what holds its default is left out; a pickle's copy holds another object; True is no 1
            if held != default or repr(held) != repr(default):
                # the class or the API may call it what means a secret
                place = wire if label_of(wire) else name
                given[name] = literal(value, leaf, (place,))
        # Python takes it as a keyword, and as it is: it normalises other alphabets
        if all(name.isascii() and name.isidentifier() and not iskeyword(name) for name in given):
            arguments += [written(value, f"{name}=") for name, value in given.items()]
        else:
            arguments.append(written(given, "**"))
    built = f"task = {called}({', '.join(arguments)})"
    if len(built) > WIDTH or "\n" in built:
        built = "\n    ".join([f"task = {called}(", *(f"{one}," for one in arguments)]) + "\n)"
    head = [*(f"import {module}" for module in sorted(imports)), ""] if imports else []
    told = [f"# {name} {note}" for name, note in notes.items()]
    return "\n".join([*head, "import brocap_nb as bn", "", *told, built, ""])
