"""A form made from a task type's fields. Your own type gets its form with no further code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from brocap_nb.errors import InvalidInputError, InvalidTaskError, Problem
from brocap_nb.redaction import Secret
from brocap_nb.tasks import ComplexImageTask, RawTask, Task
from brocap_nb.widgets.controls import (
    NULL,
    REQUIRED,
    Control,
    JsonControl,
    SecretControl,
    TextControl,
    control_for,
    strip_optional,
)
from brocap_nb.widgets.form import FieldGroup, FieldRow, TaskFormBase
from brocap_nb.widgets.image_picker import ImagePicker
from brocap_nb.widgets.raw_form import RawTaskForm

if TYPE_CHECKING:
    from brocap_nb.sandbox import Puzzle

__all__ = ["TaskForm", "form_for"]

PICTURE_FIELDS: Final = ("imagesBase64", "imageUrls")
QUESTION_FIELD: Final = "metadata.Task"
OTHER_FIELDS: Final = "other fields"

_NO_PICTURE: Final = (
    "There is no picture; expected exactly one. Choose a sample, a file or an address."
)
_LIMITS: Final = (
    ("ge", "at least {}"),
    ("gt", "more than {}"),
    ("le", "at most {}"),
    ("lt", "less than {}"),
    ("multiple_of", "a multiple of {}"),
    ("min_length", "at least {} long"),
    ("max_length", "at most {} long"),
    ("max_digits", "at most {} digits"),
    ("decimal_places", "at most {} digits after the point"),
    ("pattern", "matching `{}`"),
)
"""What a constraint's attribute is called, and how it is said."""


class _Leaf:
    """A field with a control of its own."""

    def __init__(self, attribute: str, key: str, info: FieldInfo, names: Sequence[str]) -> None:
        self.attribute, self.key = attribute, key
        self.name = names[0]
        takes_none = strip_optional(info.annotation)[1]
        no_default = info.is_required() or info.default is None
        self.optional = takes_none or not info.is_required()
        self._empty_is_none = takes_none
        # where absence means something else, an empty input is sent as null
        self._sends_null = takes_none and (info.is_required() or not no_default)
        label = self.name if self.optional else self.name + REQUIRED
        if strip_optional(info.annotation) == (bool, False):
            label = self.name  # a tick always says something
        if takes_none:
            none = "(null)" if self._sends_null else "(left out)"
        else:
            none = "(choose)" if no_default else ""
        self.control: Control = control_for(
            info.annotation,
            label,
            none=none,
            emptied=None if takes_none or no_default else [],
        )
        self._suggest(info)
        if (default := _default(info)) is not None:
            self.control.write(default)
        help_text = _help(info, self.control.hint, sends_null=self._sends_null)
        self.row = FieldRow(
            names, self.control.widget, help_text=help_text, described=self.control.described
        )

    def collect(self, values: dict[str, Any], problems: list[Problem]) -> None:
        try:
            value = self.control.read()
        except InvalidInputError as error:
            problems += [Problem(self.name, p.sentence) for p in error.problems]
            return
        if value is NULL or (value is None and self._sends_null):
            values[self.key] = None
        elif value is not None:
            values[self.key] = value

    def fill(self, value: Any) -> None:
        self.control.write(NULL if value is None and not self._empty_is_none else value)

    def contents(self) -> Any:
        return self.control.contents()

    def _suggest(self, info: FieldInfo) -> None:
        if not isinstance(self.control, TextControl):
            return
        default = _default(info)
        if default is not None and not self._empty_is_none:
            self.control.suggest(f"left empty, {default!s:.60} is sent")
        elif info.examples:
            self.control.suggest(f"such as {info.examples[0]!s:.60}")


class _Group:
    """A field that is a model: its fields stand in its place, framed if they are several."""

    def __init__(
        self,
        attribute: str,
        key: str,
        info: FieldInfo,
        names: Sequence[str],
        nodes: Sequence[_Node],
    ) -> None:
        self.attribute, self.key, self.nodes = attribute, key, nodes
        takes_none = strip_optional(info.annotation)[1]
        self.optional = not info.is_required()
        self._sends_null = takes_none and (info.is_required() or info.default is not None)
        self._written: tuple[BaseModel, Any] | None = None
        self.row: FieldGroup | None = None
        if takes_none or len(nodes) > 1:
            self.row = FieldGroup(
                names[0],
                [node.row for node in nodes if node.row is not None],
                help_text=_help(info, "", sends_null=self._sends_null),
                optional=takes_none,
                required=info.is_required() and not takes_none,
            )
        if (default := _default(info)) is not None:
            self.fill(default)

    @property
    def included(self) -> bool:
        return self.row is None or self.row.included

    def collect(self, values: dict[str, Any], problems: list[Problem]) -> None:
        if not self.included:
            if self._sends_null:
                values[self.key] = None
        elif self._written is not None and self._written[1] == self.contents():
            values[self.key] = self._written[0]
        else:
            values[self.key] = {}
            for node in self.nodes:
                node.collect(values[self.key], problems)

    def fill(self, value: Any) -> None:
        if self.row is not None:
            self.row.include(value is not None)
        if isinstance(value, BaseModel):
            for node in self.nodes:
                node.fill(getattr(value, node.attribute, None))
            self._written = (value, self.contents())

    def contents(self) -> Any:
        return (self.included, [node.contents() for node in self.nodes])


_Node: TypeAlias = _Leaf | _Group


class TaskForm(TaskFormBase):
    """The form of one task type.

    Args:
        task_type: the class; its fields make the form.
        puzzles: returns the sample pictures that are offered.
    """

    def __init__(
        self,
        task_type: type[Task],
        *,
        puzzles: Callable[[], Sequence[Puzzle]] = tuple,
        allow_private: bool | None = None,
    ) -> None:
        self.task_type = task_type
        self.picker: ImagePicker | None = None
        """The chooser of a picture, for a type that has one."""
        self._suggested = ""
        self._pictures: tuple[dict[str, Any], Any] | None = None
        self._other: JsonControl | None = None
        top: list[FieldRow] = []
        picture_fields = _picture_fields(task_type)
        if picture_fields:
            self.picker = ImagePicker(puzzles, allow_private=allow_private)
            picture_row = FieldRow(PICTURE_FIELDS, self.picker, described=self._picture_in_words)
            top.append(picture_row)
        self._picture_fields = picture_fields
        self._nodes = _nodes_of(task_type, skip=picture_fields.values())
        self.controls: dict[str, Control] = {
            leaf.name: leaf.control for leaf in _leaves(self._nodes)
        }
        """The control of each field, by its name on the wire, with dots for one in a model."""
        top += [row for node in self._nodes for row in _top_rows(node)]
        if task_type.model_config.get("extra") == "allow":
            self._other = self.controls[OTHER_FIELDS] = JsonControl(OTHER_FIELDS)
            top.append(
                FieldRow(
                    (OTHER_FIELDS,),
                    self._other.widget,
                    help_text="A JSON object with any other fields to send.",
                    described=self._other.described,
                )
            )
        rows = [inner for row in top for inner in (row, *_rows_in(row))]
        super().__init__(rows, top)
        for row in rows:
            self._follow(row)

    def fill(self, task: Task) -> None:
        """Show the fields of a task of this type; `task()` then makes an equal one."""
        self._filling = True
        try:
            for node in self._nodes:
                node.fill(getattr(task, node.attribute))
            if self._other is not None:
                self._other.write(task.model_extra or None)
            self._show_pictures(task)
        finally:
            self._filling = False
        for row in self.rows:
            row.touched = True
            row.mark("")
        self._whole.mark("")
        self._changed()

    def _follow(self, row: FieldRow) -> None:
        """Look at the whole form again when what is in this row changes."""
        if isinstance(row, FieldGroup):
            if row.tick is not None:
                row.tick.observe(lambda _: self._touch(row), "value")
        elif row.children[0] is self.picker:
            self.picker.on_change(lambda: self._picked(row))
        else:
            self.controls[row.names[0]].on_change(lambda: self._touch(row))

    def _touch(self, row: FieldRow) -> None:
        group = row.group
        while group is not None and not self._filling:
            group.include(True)  # who fills in one of its fields wants it sent
            group = group.group
        super()._touch(row)

    def _picked(self, row: FieldRow) -> None:
        """A sample brings its question along, unless a person wrote one."""
        question, control = self.picker and self.picker.question, self.controls.get(QUESTION_FIELD)
        if question and control and control.read() in (None, self._suggested):
            self._suggested = question
            control.write(question)
        self._touch(row)

    def _picture_in_words(self) -> str:
        picker = self.picker
        if picker is None or (picker.data is None and picker.url is None):
            return "(no picture)"
        return picker.url or f"a file of {len(picker.data or b''):,} bytes"

    def _picture_state(self) -> Any:
        return self.picker and (self.picker.url, self.picker.data)

    def _show_pictures(self, task: Task) -> None:
        if self.picker is None:
            return
        values = {name: getattr(task, a) for name, a in self._picture_fields.items()}
        urls, texts = (values[name] or () for name in reversed(PICTURE_FIELDS))
        try:
            self.picker.show_fields(urls, texts)
        except ValueError:  # a type of one's own need not hold a picture there
            self.picker.show_fields((), ())
        # the picker shows one picture; a task may have several
        given = {name: value for name, value in values.items() if value is not None}
        self._pictures = (given, self._picture_state())

    def _picture_values(self) -> dict[str, Any]:
        if self.picker is None:
            return {}
        if self._pictures is not None and self._pictures[1] == self._picture_state():
            return self._pictures[0]
        return dict(self.picker.wire_fields())

    def _build(self) -> Task:
        problems: list[Problem] = []
        values: dict[str, Any] = {}
        for node in self._nodes:
            node.collect(values, problems)
        if self._other is not None:
            values |= self._other_values(problems)
        picture = self._picture_values()
        values |= picture
        if self.picker and not picture and issubclass(self.task_type, ComplexImageTask):
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

    def _other_values(self, problems: list[Problem]) -> dict[str, Any]:
        assert self._other is not None
        try:
            value = self._other.read()
        except InvalidInputError as error:
            problems += [Problem(OTHER_FIELDS, p.sentence) for p in error.problems]
            return {}
        if value is None:
            return {}
        if not isinstance(value, Mapping) or value.keys() & self.controls.keys():
            problems.append(
                Problem(
                    OTHER_FIELDS,
                    "The other fields are no JSON object, or one of them has an input of its own; "
                    'expected an object such as {"name": 1}. Change it, or leave it empty.',
                )
            )
            return {}
        return dict(value)

    def _secrets(self) -> Iterable[Secret]:
        for control in self.controls.values():
            if isinstance(control, SecretControl) and control.secret is not None:
                yield control.secret


def form_for(
    task_type: type[Task],
    *,
    puzzles: Callable[[], Sequence[Puzzle]] = tuple,
    allow_private: bool | None = None,
) -> TaskFormBase:
    """Return the form for a task type; for `RawTask` it is a JSON editor.

    Args:
        puzzles: returns the samples that a picture can be chosen from.
        allow_private: as for `ImagePicker`.
    """
    if issubclass(task_type, RawTask):
        return RawTaskForm()
    return TaskForm(task_type, puzzles=puzzles, allow_private=allow_private)


def _nodes_of(
    model: type[BaseModel],
    path: str = "",
    seen: tuple[type[BaseModel], ...] = (),
    *,
    skip: Iterable[str] = (),
) -> list[_Node]:
    """The fields of a model; what must be filled in comes first."""
    nodes: list[_Node] = []
    hidden = set(skip)
    for attribute, info in model.model_fields.items():
        if attribute in hidden:
            continue
        key = _key(model, attribute, info)
        wire = info.serialization_alias or info.alias or attribute
        names = tuple(dict.fromkeys((path + wire, path + key)))
        kind, _ = strip_optional(info.annotation)
        if _has_fields(kind) and kind not in (*seen, model):
            inner = _nodes_of(kind, f"{path}{wire}.", (*seen, model))
            nodes.append(_Group(attribute, key, info, names, inner))
        else:
            nodes.append(_Leaf(attribute, key, info, names))
    return sorted(nodes, key=lambda node: node.optional)


def _has_fields(kind: Any) -> bool:
    """Whether a type is a model whose fields can all be shown."""
    return (
        isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and not issubclass(kind, (RootModel, RawTask))
        and bool(kind.model_fields)
        and kind.model_config.get("extra") != "allow"
    )


def _key(model: type[BaseModel], attribute: str, info: FieldInfo) -> str:
    """The name under which a model reads a field: the one that its errors name."""
    alias: Any = info.validation_alias or info.alias
    if alias is None or not model.model_config.get("validate_by_alias", True):
        return attribute
    if isinstance(alias, str):
        return alias
    choices = getattr(alias, "choices", ())
    return next((choice for choice in choices if isinstance(choice, str)), attribute)


def _leaves(nodes: Iterable[_Node]) -> Iterator[_Leaf]:
    for node in nodes:
        if isinstance(node, _Group):
            yield from _leaves(node.nodes)
        else:
            yield node


def _top_rows(node: _Node) -> Iterator[FieldRow]:
    """The rows that a node is shown as: one, but for a group without a frame."""
    if node.row is not None:
        yield node.row
    elif isinstance(node, _Group):
        for inner in node.nodes:
            yield from _top_rows(inner)


def _rows_in(row: FieldRow) -> Iterator[FieldRow]:
    if isinstance(row, FieldGroup):
        for inner in row.rows:
            yield inner
            yield from _rows_in(inner)


def _picture_fields(model: type[Task]) -> dict[str, str]:
    """The attributes of the picture fields by their names on the wire; all of them or none."""
    named = {info.alias or name: name for name, info in model.model_fields.items()}
    found: dict[str, str] = {name: named[name] for name in PICTURE_FIELDS if name in named}
    return found if len(found) == len(PICTURE_FIELDS) else {}


def _default(info: FieldInfo) -> Any:
    """What the field holds if nothing is given."""
    if info.is_required():
        return None
    try:
        return info.get_default(call_default_factory=True)
    except Exception:  # a factory that wants the other fields, or anything else of the user's
        return None


def _help(info: FieldInfo, hint: str, *, sends_null: bool) -> str:
    """What a field is, what it may be, and how to type it."""
    limits = [
        words.format(value)
        for attribute, words in _LIMITS
        for one in _metadata(info.annotation, info.metadata)
        if (value := getattr(one, attribute, None)) is not None
        and (attribute, value) != ("min_length", 1)  # an empty field is left out, or told anyway
    ]
    said = ", ".join(dict.fromkeys(limits))
    allowed = f"{said[0].upper()}{said[1:]}." if said else ""
    null = "Left empty, null is sent." if sends_null else ""
    return " ".join(filter(None, [info.description, allowed, hint, null]))


def _metadata(annotation: Any, own: Iterable[Any] = ()) -> Iterator[Any]:
    """The constraints of a field, also those inside of `Annotated[…] | None`."""
    for one in own:
        yield from one.metadata if isinstance(one, FieldInfo) else (one,)
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from _metadata(inner, more)
    elif strip_optional(annotation)[1] and len(get_args(annotation)) == 2:
        for inner in get_args(annotation):
            yield from _metadata(inner)
