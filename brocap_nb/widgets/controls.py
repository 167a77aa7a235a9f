"""Input controls for the values that a task's field can have.

A control reads and writes a Python value; `None` means that the field is left out.
"""

from __future__ import annotations

import enum
import json
import types
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import ipywidgets as widgets

from brocap_nb.errors import InvalidInputError
from brocap_nb.redaction import SECRET_FIELDS
from brocap_nb.widgets.secret_field import SecretField

__all__ = [
    "ChoiceControl",
    "Control",
    "JsonControl",
    "ListControl",
    "NumberControl",
    "SecretControl",
    "TextControl",
    "TickControl",
    "control_for",
    "json_mistake",
    "strip_optional",
]


class Control(ABC):
    """One labelled input."""

    hint: ClassVar[str] = ""
    """What to type, as a sentence; shown with the field's help."""

    def __init__(self, widget: widgets.ValueWidget) -> None:
        self.widget = widget

    @abstractmethod
    def read(self) -> Any:
        """Return the value, or None if the field is left out.

        Raises:
            InvalidInputError: what was typed is no value of this kind.
        """

    @abstractmethod
    def write(self, value: Any) -> None:
        """Show `value`; None empties the input."""

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call `observer` after the input changed."""
        self.widget.observe(lambda _: observer(), "value")


class TextControl(Control):
    """A line of text."""

    def __init__(self, label: str) -> None:
        super().__init__(_labelled(widgets.Text, label))

    def read(self) -> str | None:
        return str(self.widget.value) or None

    def write(self, value: Any) -> None:
        self.widget.value = "" if value is None else str(value)


class SecretControl(Control):
    """A password or the like: the value is never widget state."""

    def __init__(self, label: str) -> None:
        self._field = SecretField(label=label, noun="value")
        super().__init__(self._field)

    def read(self) -> str | None:
        secret = self._field.secret
        return None if secret is None else secret.reveal()

    def write(self, value: Any) -> None:
        self._field.set("" if value is None else str(value))

    def on_change(self, observer: Callable[[], None]) -> None:
        self._field.on_change(observer)


class NumberControl(TextControl):
    """A number, typed as text, so that what was typed stays when it is none."""

    def __init__(self, label: str, kind: type[int] | type[float]) -> None:
        super().__init__(label)
        self._kind = kind
        self._name = label.split(" ", 1)[0]

    def read(self) -> Any:
        text = self.widget.value.strip()
        if not text:
            return None
        try:
            return self._kind(text)
        except ValueError:
            what = "a whole number, such as 3" if self._kind is int else "a number, such as 0.5"
            raise InvalidInputError(
                f"{self._name} is {text!r}; expected {what}. Change it, or leave it empty."
            ) from None


class TickControl(Control):
    """Yes or no."""

    def __init__(self, label: str) -> None:
        box = widgets.Checkbox(description=label, indent=False, layout={"width": "auto"})
        box.add_class("brocap-tick")
        super().__init__(box)

    def read(self) -> bool:
        return bool(self.widget.value)

    def write(self, value: Any) -> None:
        self.widget.value = bool(value)


class ChoiceControl(Control):
    """One of a few values, or, where that is allowed, none."""

    def __init__(self, label: str, choices: list[tuple[str, Any]], *, optional: bool) -> None:
        options = [("(left out)", None), *choices] if optional else choices
        super().__init__(_labelled(widgets.Dropdown, label, options=options))

    def read(self) -> Any:
        return self.widget.value

    def write(self, value: Any) -> None:
        if any(value == known for _, known in self.widget.options):
            self.widget.value = value


class ListControl(Control):
    """Texts or numbers, one in a line."""

    hint = "One in each line."

    def __init__(self, label: str, item: type[str] | type[int] | type[float]) -> None:
        super().__init__(_labelled(widgets.Textarea, label, rows=3))
        self._item = item
        self._name = label.split(" ", 1)[0]

    def read(self) -> list[Any] | None:
        lines = [line.strip() for line in self.widget.value.split("\n")]
        try:
            return [self._item(line) for line in lines if line] or None
        except ValueError as error:
            raise InvalidInputError(
                f"{self._name} has a line that is no number ({error}); expected one number in "
                "each line. Change that line."
            ) from None

    def write(self, value: Any) -> None:
        self.widget.value = "\n".join(str(item) for item in value or ())


class JsonControl(Control):
    """Any value, written as JSON."""

    hint = 'Written as JSON, such as {"name": 1} or ["a", "b"].'

    def __init__(self, label: str, *, rows: int = 3) -> None:
        super().__init__(_labelled(widgets.Textarea, label, rows=rows))
        self._name = label.split(" ", 1)[0]

    def read(self) -> Any:
        text = self.widget.value
        if not text.strip():
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(json_mistake(self._name, error)) from None

    def write(self, value: Any) -> None:
        self.widget.value = (
            "" if value is None else json.dumps(value, indent=2, ensure_ascii=False, default=str)
        )


def json_mistake(name: str, error: Exception) -> str:
    """Say where and what a mistake in a JSON text is."""
    if isinstance(error, json.JSONDecodeError):
        return (
            f"{name} is not JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg[:1].lower()}{error.msg[1:]}. Correct that place."
        )
    return f"{name} cannot be read as JSON ({type(error).__name__}). Make it simpler."


def strip_optional(annotation: Any) -> tuple[Any, bool]:
    """Return the annotation without `Annotated` and `None`, and whether None was allowed."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    optional = len(kinds) < len(get_args(annotation))
    return (strip_optional(kinds[0])[0] if len(kinds) == 1 else Any), optional


def control_for(annotation: Any, label: str, *, name: str, optional: bool) -> Control:
    """Return a control for a field of this type. A type that has none of its own is JSON.

    A field whose `name` on the wire tells that it is secret gets an input that keeps it so.
    """
    kind, may_be_none = strip_optional(annotation)
    if kind is str and name.rpartition(".")[2].lower() in SECRET_FIELDS:
        return SecretControl(label)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ChoiceControl(label, [(str(a), a) for a in arguments], optional=optional)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return ChoiceControl(label, [(str(e.value), e) for e in kind], optional=optional)
    if kind is bool:
        if may_be_none:
            return ChoiceControl(label, [("true", True), ("false", False)], optional=True)
        return TickControl(label)
    if kind in (int, float):
        return NumberControl(label, kind)
    if kind is str:
        return TextControl(label)
    item = strip_optional(arguments[0])[0] if arguments else None
    many = origin in (list, set, frozenset) or (origin is tuple and arguments[1:] == (...,))
    if many and item in (str, int, float):
        return ListControl(label, item)
    return JsonControl(label)


def _labelled(kind: type[Any], label: str, **options: Any) -> Any:
    widget = kind(description=label, layout={"width": "auto"}, **options)
    widget.add_class("brocap-control")
    return widget
