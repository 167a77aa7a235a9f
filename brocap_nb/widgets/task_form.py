"""A form made from a task type's fields. Your own type gets its form with no further code."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brocap_nb.errors import InvalidInputError, InvalidTaskError, Problem
from brocap_nb.tasks import ComplexImageTask, RawTask, Task
from brocap_nb.widgets.controls import Control, control_for, strip_optional
from brocap_nb.widgets.form import FieldRow, TaskFormBase
from brocap_nb.widgets.image_picker import ImagePicker
from brocap_nb.widgets.raw_form import RawTaskForm

if TYPE_CHECKING:
    from brocap_nb.sandbox import Puzzle

__all__ = ["TaskForm", "form_for"]

PICTURE_FIELDS: Final = ("imagesBase64", "imageUrls")
QUESTION_FIELD: Final = "metadata.Task"

_NO_PICTURE: Final = (
    "There is no picture; expected exactly one. Choose a sample, a file or an address."
)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the model, or of a model in it."""

    path: tuple[str, ...]
    """The names on the wire that lead to it."""
    attributes: tuple[str, ...]
    """The names in Python that lead to it."""
    info: FieldInfo
    optional: bool
    """Whether it may be left out."""
    in_optional: bool
    """Whether it belongs to a model that may be left out; then it is empty at first."""

    @property
    def name(self) -> str:
        return ".".join(self.path)


class TaskForm(TaskFormBase):
    """The form of one task type."""

    def __init__(
        self, task_type: type[Task], *, puzzles: Callable[[], Sequence[Puzzle]] = tuple
    ) -> None:
        self.task_type = task_type
        self.controls: dict[str, Control] = {}
        self.picker: ImagePicker | None = None
        self._fields = {field.name: field for field in _flatten(task_type)}
        self._suggested = ""
        rows: list[FieldRow] = []
        if set(PICTURE_FIELDS) <= self._fields.keys():
            self.picker = ImagePicker(puzzles)
            row = FieldRow(PICTURE_FIELDS, self.picker)
            rows.append(row)
            self.picker.on_change(functools.partial(self._picked, row))
        # what must be filled in comes first
        ordered = sorted(self._fields.values(), key=lambda field: field.optional)
        rows += [self._row(f) for f in ordered if not self.picker or f.name not in PICTURE_FIELDS]
        super().__init__(rows)

    def fill(self, task: Task) -> None:
        """Show the fields of a task of this type."""
        for name, control in self.controls.items():
            control.write(_value_of(task, self._fields[name].attributes))
        if self.picker is not None:
            urls, texts = _value_of(task, ("image_urls",)), _value_of(task, ("images_base64",))
            self.picker.show_fields(urls or (), texts or ())

    def _row(self, field: _Field) -> FieldRow:
        need = "" if field.optional else " (required)"
        kind: Any = field.info.annotation
        if field.in_optional:
            kind = kind | None
        control = control_for(kind, field.name + need, name=field.name, optional=field.optional)
        self.controls[field.name] = control
        if not field.in_optional and (default := _default(field.info)) is not None:
            control.write(default)
        help_text = " ".join(filter(None, [field.info.description, control.hint]))
        row = FieldRow((field.name,), control.widget, help_text=help_text)
        control.on_change(lambda: self._touch(row))
        return row

    def _picked(self, row: FieldRow) -> None:
        """A sample brings its question along, unless a person wrote one."""
        question, control = self.picker and self.picker.question, self.controls.get(QUESTION_FIELD)
        if question and control and control.read() in (None, self._suggested):
            self._suggested = question
            control.write(question)
        self._touch(row)

    def _build(self) -> Task:
        problems: list[Problem] = []
        values: dict[str, Any] = {}
        for name, control in self.controls.items():
            field = self._fields[name]
            try:
                value = control.read()
            except InvalidInputError as error:
                problems += [Problem(name, p.sentence) for p in error.problems]
                continue
            if value is not None or (not field.optional and _takes_none(field.info)):
                _put(values, field.path, value)
        for field in self._fields.values():
            for depth in range(1, len(field.path)):
                if not field.optional:
                    _put(values, field.path[:depth], None, keep=True)
        if self.picker is not None:
            picture = self.picker.wire_fields()
            values |= picture
            if not picture and issubclass(self.task_type, ComplexImageTask):
                # the model tells this only once all else is right
                problems.append(Problem(PICTURE_FIELDS[0], _NO_PICTURE))
        broken = {p.field for p in problems}
        if broken & set(PICTURE_FIELDS):
            broken |= set(PICTURE_FIELDS)
        try:
            task = self.task_type(**values)
        except InvalidTaskError as error:
            problems += [p for p in error.problems if p.field not in broken]
        if problems:
            raise InvalidTaskError(problems)
        return task


def form_for(
    task_type: type[Task], *, puzzles: Callable[[], Sequence[Puzzle]] = tuple
) -> TaskFormBase:
    """Return the form for a task type; for `RawTask` it is a JSON editor."""
    if issubclass(task_type, RawTask):
        return RawTaskForm()
    return TaskForm(task_type, puzzles=puzzles)


def _flatten(
    model: type[BaseModel],
    path: tuple[str, ...] = (),
    attributes: tuple[str, ...] = (),
    outer_optional: bool = False,
    seen: tuple[type[BaseModel], ...] = (),
) -> list[_Field]:
    """The fields of a model; those of a model in it stand in its place."""
    found: list[_Field] = []
    for attribute, info in model.model_fields.items():
        here = (*path, info.alias or attribute)
        names = (*attributes, attribute)
        kind, _ = strip_optional(info.annotation)
        optional = outer_optional or not info.is_required()
        nested = isinstance(kind, type) and issubclass(kind, BaseModel)
        if nested and kind not in seen and kind.model_fields:
            found += _flatten(kind, here, names, optional, (*seen, model))
        else:
            found.append(_Field(here, names, info, optional, outer_optional))
    return found


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any, *, keep: bool = False) -> None:
    """Set a value deep in a dict of dicts; with `keep`, only make sure that there is a dict."""
    for part in path if keep else path[:-1]:
        values = values.setdefault(part, {})
    if not keep:
        values[path[-1]] = value


def _value_of(task: BaseModel, attributes: tuple[str, ...]) -> Any:
    value: Any = task
    for name in attributes:
        value = getattr(value, name, None)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Models as the JSON that they become."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _default(info: FieldInfo) -> Any:
    """What the field holds if nothing is given."""
    if info.is_required():
        return None
    try:
        return _plain(info.get_default(call_default_factory=True))
    except (TypeError, ValueError):  # a factory that wants the other fields
        return None


def _takes_none(info: FieldInfo) -> bool:
    return type(None) in typing.get_args(info.annotation)
