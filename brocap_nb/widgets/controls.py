"""Input controls for the values that a task's field can have.

A control reads and writes a Python value; `None` means that the field is left out. What was
written is read again as the very same value until a person changes the input, so that nothing
gets lost that the input cannot show: an empty text or none, `1` or `1.0`, a list or a tuple.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import pathlib
import types
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, NoReturn, Union, get_args, get_origin

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from brocap_nb.body import redact_fields
from brocap_nb.errors import InvalidInputError, Problem
from brocap_nb.redaction import Secret
from brocap_nb.source import is_secret_name
from brocap_nb.widgets import parts as widgets
from brocap_nb.widgets.secret_field import SecretField
from brocap_nb.widgets.style import name_html, note, show_html

__all__ = [
    "NULL",
    "REQUIRED",
    "ChoiceControl",
    "Control",
    "FlagControl",
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

REQUIRED: Final = " (required)"
"""Stands behind the name in the label of an input that must be filled in."""


class _Null(enum.Enum):
    NULL = "null"

    def __repr__(self) -> str:
        return "NULL"


NULL: Final = _Null.NULL
"""The value None where that is something else than left out."""

_LEFT_OUT: Final = object()

_EXAMPLES: Final = (  # the first that fits counts: a datetime is a date as well
    (datetime.datetime, "2024-05-31T12:30:00Z", "A date and a time"),
    (datetime.date, "2024-05-31", "A date"),
    (datetime.time, "12:30:00", "A time of day"),
    (datetime.timedelta, "PT1H30M", "A duration: 90 seconds are PT90S, an hour and a half is"),
    (decimal.Decimal, "0.25", "A decimal number"),
    (uuid.UUID, "123e4567-e89b-12d3-a456-426614174000", "A UUID"),
    (pathlib.PurePath, "folder/file.txt", "A path"),
)


class Control(ABC):
    """One labelled input."""

    hint: str = ""
    """What to type, as a sentence; shown with the field's help."""

    def __init__(self, widget: widgets.Widget, label: str) -> None:
        self.widget = widget
        self.name = label.removesuffix(REQUIRED)
        """The field's name, as the sentences say it."""
        self._written: tuple[Any, Any] | None = None

    def read(self) -> Any:
        """Return the value, `NULL` for one that is None, or None if the field is left out.

        Raises:
            InvalidInputError: what was typed is no value of this kind.
        """
        if self._written is not None and self._written[1] == self.contents():
            return self._written[0]
        return self._parse()

    def write(self, value: Any) -> None:
        """Show `value`; None empties the input."""
        self._show(value)
        self._written = (value, self.contents())

    def contents(self) -> Any:
        """Return what the input holds, to be compared."""
        return self.widget.value

    def described(self) -> str:
        """Return what the input holds, in words for a page without a kernel; never a secret."""
        return str(self.contents())

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call `observer` after the input changed."""
        self.widget.observe(lambda _: observer(), "value")

    @abstractmethod
    def _parse(self) -> Any:
        """Read what a person put in."""

    @abstractmethod
    def _show(self, value: Any) -> None:
        """Put a value in."""

    def _refuse(self, sentence: str) -> NoReturn:
        raise InvalidInputError(f"{self.name} {sentence}")


class TextControl(Control):
    """A line of text. Also for values that the model reads from text, such as a date."""

    def __init__(self, label: str, *, hint: str = "") -> None:
        super().__init__(_labelled(widgets.Text, label), label)
        self.hint = hint
        self._suggestion = ""

    def suggest(self, text: str) -> None:
        """Show `text` where the input is empty."""
        self._suggestion = text
        self.widget.placeholder = text

    def _parse(self) -> Any:
        return str(self.widget.value) or None

    def _show(self, value: Any) -> None:
        self.widget.value = (
            "" if value is None else value if isinstance(value, str) else _as_text(value)
        )
        # an empty text is a value, and looks like one
        self.widget.placeholder = "(an empty text is sent)" if value == "" else self._suggestion


class SecretControl(Control):
    """A password or the like: the value is never widget state."""

    def __init__(self, label: str) -> None:
        self._field = SecretField(label=label, noun="value")
        super().__init__(self._field, label)

    @property
    def secret(self) -> Secret | None:
        """The secret, to be kept out of what is shown."""
        return self._field.secret

    def read(self) -> Any:
        value = super().read()
        return value.reveal() if isinstance(value, Secret) else value

    def write(self, value: Any) -> None:
        """Set the secret; what is kept to be read again shows itself nowhere either."""
        revealed = getattr(value, "get_secret_value", None)
        text = revealed() if revealed is not None else value
        super().write(None if text is None else Secret(str(text)))

    def contents(self) -> Any:
        return self._field.secret

    def described(self) -> str:
        return self._field.status

    def on_change(self, observer: Callable[[], None]) -> None:
        self._field.on_change(observer)

    def _parse(self) -> Any:
        secret = self._field.secret
        return None if secret is None else secret.reveal()

    def _show(self, value: Any) -> None:
        self._field.set("" if value is None else value.reveal())


class NumberControl(TextControl):
    """A number, typed as text, so that what was typed stays when it is none."""

    def __init__(self, label: str, kind: type[int] | type[float]) -> None:
        super().__init__(label)
        self._kind = kind

    def _parse(self) -> Any:
        text = self.widget.value.strip()
        if not text:
            return None
        try:
            return self._kind(text)
        except ValueError:
            what = "a whole number, such as 3" if self._kind is int else "a number, such as 0.5"
            shown = text if len(text) <= 40 else f"{text[:39]}…"
            self._refuse(f"is {shown!r}; expected {what}. Change it, or leave it empty.")


class FlagControl(NumberControl):
    """Flags of an enum, as the sum of their numbers."""

    def __init__(self, label: str, flags: type[enum.Flag]) -> None:
        super().__init__(label, int)
        self._flags = flags
        known = ", ".join(f"{member.value} ({member.name})" for member in flags)
        self.hint = f"A whole number: the sum of the flags {known}."

    def _parse(self) -> Any:
        number = super()._parse()
        try:
            return None if number is None else self._flags(number)
        except ValueError:
            self._refuse(f"is {number}, which is no sum of its flags. Change it.")


class TickControl(Control):
    """Yes or no."""

    def __init__(self, label: str) -> None:
        box = widgets.Checkbox(
            description=label, indent=False, layout={"width": "auto"}, classes=("brocap-tick",)
        )
        super().__init__(box, label)

    def described(self) -> str:
        return "true" if self.widget.value else "false"

    def _parse(self) -> bool:
        return bool(self.widget.value)

    def _show(self, value: Any) -> None:
        self.widget.value = bool(value)


class ChoiceControl(Control):
    """One of a few values, or, where that is allowed, none."""

    def __init__(self, label: str, choices: Sequence[tuple[str, Any]], *, none: str = "") -> None:
        options = [*([(none, _LEFT_OUT)] if none else []), *choices]
        self._values = [value for _, value in options]
        # True is not 1; and a dropdown whose value is None has nothing selected
        dropdown = _labelled(widgets.Dropdown, label, options=options, index=0, equals=_same)
        super().__init__(dropdown, label)

    def contents(self) -> Any:
        return self.widget.index

    def described(self) -> str:
        return str(self.widget.label)

    def on_change(self, observer: Callable[[], None]) -> None:
        # the value cannot tell True from 1
        self.widget.observe(lambda _: observer(), "index")

    def _parse(self) -> Any:
        index = self.widget.index
        value = _LEFT_OUT if index is None else self._values[index]
        return None if value is _LEFT_OUT else value

    def _show(self, value: Any) -> None:
        wanted = _LEFT_OUT if value is None else value
        for index, known in enumerate(self._values):
            if _same(known, wanted):
                self.widget.index = index
                return
        if value is not None:  # a default need not be one of the choices
            self._values.append(value)
            self.widget.options = [*self.widget.options, (str(value), value)]
            self.widget.index = len(self._values) - 1


class ListControl(Control):
    """An editor of several values: one input for each, with buttons to add and to remove.

    Enter in the last input adds another one.
    """

    def __init__(self, label: str, make_item: Callable[[str], Control], *, emptied: Any = None):
        self.items: list[Control] = []
        """The inputs, from the first to the last."""
        self._make_item = make_item
        self._emptied = emptied
        self._observers: list[Callable[[], None]] = []
        self._quiet = False
        self._rows = widgets.VBox(layout={"width": "auto"})
        self._told = widgets.HTML()
        self.add = widgets.Button(tooltip="Add an item at the end")
        super().__init__(
            widgets.VBox(
                [widgets.HTML(name_html(label)), self._rows, self._told, self.add],
                layout={"width": "auto"},
            ),
            label,
        )
        self.add.description = f"Add to {self.name}"
        self.widget.add_class("brocap-list")
        self.add.on_click(lambda _: self._append(focus=True))
        self._tell()

    def contents(self) -> Any:
        return [item.contents() for item in self.items]

    def described(self) -> str:
        return ", ".join(item.described() for item in self.items) or str(
            self._told.value and "(none)"
        )

    def on_change(self, observer: Callable[[], None]) -> None:
        self._observers.append(observer)

    def remove(self, item: Control) -> None:
        """Take an input away; the others keep what is in them."""
        at = self.items.index(item)
        del self.items[at]
        self._arrange()
        self._changed()
        if self.items:
            self._focus(self.items[min(at, len(self.items) - 1)])
        else:
            self.add.focus()

    def _parse(self) -> Any:
        values: list[Any] = []
        problems: list[Problem] = []
        for item in self.items:
            try:
                value = item.read()
            except InvalidInputError as error:
                problems += error.problems
                continue
            if value is not None:
                values.append(None if value is NULL else value)
        if problems:
            raise InvalidInputError(problems)
        return values if self.items else self._emptied

    def _show(self, value: Any) -> None:
        wanted = list(value) if isinstance(value, (list, tuple)) else sorted(value or (), key=repr)
        self._quiet = True
        try:
            while len(self.items) > len(wanted):
                self.items.pop()
            while len(self.items) < len(wanted):
                self.items.append(self._item())
            for item, inner in zip(self.items, wanted, strict=True):
                item.write(inner)
            self._written = (value, self.contents())
            self._arrange()
        finally:
            self._quiet = False
        self._changed()

    def _item(self) -> Control:
        item = self._make_item(f"{self.name} {len(self.items) + 1}")
        item.on_change(self._changed)
        item.widget.on_msg(lambda _, content, __: self._entered(item, content))
        return item

    def _append(self, *, focus: bool = False) -> None:
        self.items.append(self._item())
        self._arrange()
        self._changed()
        if focus:
            self._focus(self.items[-1])

    def _entered(self, item: Control, content: Any) -> None:
        """Enter leads to the next input, and from the last one to a new one."""
        if not isinstance(content, dict) or content.get("event") != "submit":
            return
        at = self.items.index(item)
        if at + 1 < len(self.items):
            self._focus(self.items[at + 1])
        elif item.contents():
            self._append(focus=True)

    @staticmethod
    def _focus(item: Control) -> None:
        item.widget.focus()

    def _arrange(self) -> None:
        """Show the inputs under their numbers. A row that stays is not drawn anew."""
        before = {row.children[0]: row for row in self._rows.children}
        rows = []
        for number, item in enumerate(self.items, 1):
            item.name = f"{self.name} {number}"
            _relabel(item.widget, item.name)
            row = before.pop(item.widget, None) or self._row(item)
            row.children[1].description = f"Remove {number}"
            row.children[1].tooltip = f"Remove {item.name}"
            rows.append(row)
        self._rows.children = rows
        for row in before.values():
            for part in (*row.children, row):
                part.close()

    def _row(self, item: Control) -> widgets.HBox:
        remove = widgets.Button()
        remove.on_click(lambda _: self.remove(item))
        return widgets.HBox(
            [item.widget, remove], layout={"width": "auto"}, classes=("brocap-item",)
        )

    def _changed(self) -> None:
        if self._quiet:
            return
        self._tell()
        for observer in self._observers:
            observer()

    def _tell(self) -> None:
        show_html(self._told, "" if self.items else note(self._emptiness()))

    def _emptiness(self) -> str:
        left_out = self.read() is None
        return "No items: it is left out." if left_out else "No items: an empty list is sent."


class JsonControl(Control):
    """Any value, written as JSON."""

    hint = 'Written as JSON, such as {"name": 1} or ["a", "b"].'

    def __init__(self, label: str, *, rows: int = 3, annotation: Any = Any) -> None:
        super().__init__(_labelled(widgets.Textarea, label, rows=rows), label)
        self._annotation = annotation

    def described(self) -> str:
        return redact_fields(self.widget.value)

    def _parse(self) -> Any:
        text = self.widget.value
        if not text.strip():
            return None
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(json_mistake(self.name, error)) from None
        return NULL if value is None else value

    def _show(self, value: Any) -> None:
        if value is None:
            self.widget.value = ""
            return
        plain = None if value is NULL else _as_json(value, self._annotation)
        self.widget.value = json.dumps(plain, indent=2, ensure_ascii=False)
        self.widget.rows = min(max(3, self.widget.value.count("\n") + 1), 16)


def json_mistake(name: str, error: Exception) -> str:
    """Say where and what a mistake in a JSON text is."""
    if isinstance(error, json.JSONDecodeError):
        return (
            f"{name} is not JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg[:1].lower()}{error.msg[1:]}. Correct that place."
        )
    if isinstance(error, RecursionError):
        return f"{name} cannot be read as JSON (RecursionError). Make it simpler."
    return f"{name} is not JSON: {error}. Correct that place."


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


def strip_optional(annotation: Any) -> tuple[Any, bool]:
    """Return the annotation without `Annotated` and `None`, and whether None was allowed."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):  # a NewType
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            break
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    optional = len(kinds) < len(get_args(annotation))
    if len(kinds) > 1:
        return Any, optional
    kind, inner_optional = strip_optional(kinds[0])
    return kind, optional or inner_optional


def control_for(
    annotation: Any, label: str, *, none: str = "", emptied: Any = None, secret: bool = False
) -> Control:
    """Return a control for a field of this type. A type that has none of its own is JSON.

    Args:
        annotation: the type.
        label: the field's name, and ` (required)` if it is.
        none: what a choice calls the state in which nothing is chosen; "" if there is no such
            state.
        emptied: what a list without items is: None (left out) or [].
        secret: keep what is typed out of the widget's state, as far as the type is text.
    """
    kind, may_be_none = strip_optional(annotation)
    secret = secret or is_secret_name(label.removesuffix(REQUIRED))
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(origin or kind, "get_secret_value") or (kind is str and secret):
        return SecretControl(label)
    if origin is Literal:
        return ChoiceControl(label, _choices(arguments), none=none)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        if issubclass(kind, enum.Flag):  # any sum of its members
            return FlagControl(label, kind)
        names = {str(member.value) for member in kind}
        clear = len(names) == len(kind)
        return ChoiceControl(
            label, [(str(e.value) if clear else e.name, e) for e in kind], none=none
        )
    if kind is bool:
        if may_be_none:
            return ChoiceControl(label, [("true", True), ("false", False)], none=none)
        return TickControl(label)
    if kind in (int, float):
        return NumberControl(label, kind)
    if kind is str:
        return TextControl(label)
    many = origin in (list, set, frozenset) or (origin is tuple and arguments[1:] == (...,))
    if many and _fits_a_row(arguments[0]):
        return ListControl(
            label,
            lambda name: control_for(arguments[0], name, none="(choose)", secret=secret),
            emptied=emptied,
        )
    for known, example, what in _EXAMPLES:
        if isinstance(kind, type) and issubclass(kind, known):
            return TextControl(label, hint=f"{what}, such as {example}.")
    if _is_text(kind):
        return TextControl(label)
    return JsonControl(label, annotation=annotation)


def _fits_a_row(annotation: Any) -> bool:
    """Whether the items of a list have an input of one line each."""
    kind, may_be_none = strip_optional(annotation)
    if may_be_none or kind in (Any, object):
        return False
    if get_origin(kind) is Literal:
        return None not in get_args(kind)
    simple = isinstance(kind, type) and get_origin(kind) is None
    return simple and (kind in (str, int, float, bool) or _is_text(kind) or _is_choice(kind))


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_text(kind: Any) -> bool:
    """Whether pydantic reads this type from text."""
    if kind in (Any, object, None):
        return False
    try:
        schema = TypeAdapter(kind).json_schema(mode="validation")
    except Exception:  # a type without a schema: there are many ways not to have one
        return False
    kinds = [schema, *schema.get("anyOf", ())]
    return any(one.get("type") == "string" and "enum" not in one for one in kinds)


def _choices(values: Sequence[Any]) -> list[tuple[str, Any]]:
    """Label and value of each; labels that would be the same are told apart."""
    labels = ["null" if value is None else str(value) for value in values]
    if len(set(labels)) < len(labels):
        labels = [repr(value) for value in values]
    return [
        (label, NULL if value is None else value)
        for label, value in zip(labels, values, strict=True)
    ]


def _same(first: Any, second: Any) -> bool:
    return type(first) is type(second) and bool(first == second)


def _as_text(value: Any) -> str:
    """A value as the text that it is on the wire."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, enum.Flag):
        return str(value.value)
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value)
    plain = _as_json(value, type(value))
    return plain if isinstance(plain, str) else str(value)


def _as_json(value: Any, annotation: Any) -> Any:
    """A value as the JSON that it becomes; what has none is shown as text."""
    try:
        return TypeAdapter(annotation).dump_python(
            value, mode="json", by_alias=True, warnings="error"
        )
    except Exception:  # the type has no schema, or the value is not of it
        pass
    try:
        return to_jsonable_python(value, by_alias=True, fallback=str)
    except ValueError:
        return str(value)


def _relabel(widget: widgets.Widget, label: str) -> None:
    if isinstance(widget, SecretField):
        widget.label = label
    else:
        widget.description = label


def _labelled(kind: type[Any], label: str, **options: Any) -> Any:
    return kind(description=label, layout={"width": "auto"}, classes=("brocap-control",), **options)
