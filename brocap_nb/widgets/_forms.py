"""The form of a task type: a labelled input for each field, its help, and what is wrong with it.

What an input looks like follows from the JSON schema that pydantic makes of the type; what was
typed is read by pydantic. An empty input leaves its field out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

from pydantic import BaseModel

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError, InvalidTaskError, Problem
from brocap_nb.api._json import parse
from brocap_nb.api._secrets import KEY_LABEL, Secret, label_of
from brocap_nb.tasks._types import ComplexImageTask, RawTask, Task
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._picture import ImagePicker

if TYPE_CHECKING:
    from brocap_nb.sandbox import Puzzle

PICTURE_FIELDS: Final = ("imagesBase64", "imageUrls")
Schema: TypeAlias = Mapping[str, Any]

_NO_PICTURE: Final = "There is no picture; expected one. Choose a sample, a file or an address."
_RAW: Final = {
    "type": "object",
    "description": "It is sent as it is: only its JSON is checked.",
    "start": '{\n  "type": "MyTask"\n}',
}
_LINE: Final = ("string", "integer", "number")
"""The types of JSON that are typed as a line of text."""
_FORMATS: Final = {"date": "2024-05-31", "date-time": "2024-05-31T12:30Z", "duration": "PT1H30M"}
_WORD: Final = re.compile(r"[A-Z]{2,}s?(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")  # of a camelCase name
_JSON_NAME: Final = re.compile(r'"([^"]+)"\s*:')
_JSON_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.){6,})"(?!\s*:)')  # no name, and not too short


class Row:
    """A widget for the fields of these names, and below it what there is to say of them."""

    widget: Any = None
    """What is filled in; of an input it is made when it is first looked at."""

    def __init__(self, names: Sequence[str], words: str, help_text: str = "") -> None:
        self.names, self.words = names, words
        self.touched = False
        """Whether what is wrong is shown: not before somebody had a chance to fill it in."""
        self.sentences: tuple[str, ...] = ()
        self.marked = ""
        self._help = widgets.note(help_text) if help_text else ""

    @cached_property
    def said(self) -> Any:
        """What there is to say."""
        return widgets.HTML(self._help, classes=("brocap-said",))

    def parts(self) -> list[widgets.Widget]:
        return [part for part in (self.widget, self.said) if part is not None]

    def focus(self) -> None:
        if self.widget is not None:
            self.widget.focus()

    def say(self) -> bool:
        """Show what is wrong and what the service said, if anything, or else the help."""
        wrong = widgets.problem_note(*self.sentences) if self.touched else ""
        if self.marked:
            marked = f"⚠ <b>Rejected by the service:</b> {_html.words(self.marked)}"
            wrong += f'<div class="brocap-problem brocap-marked">{marked}</div>'
        if wrong or "said" in self.__dict__:
            self.said.value = wrong or self._help
        return bool(wrong)


class Input(Row):
    """The row of one field. What is typed into a secret one never becomes widget state."""

    def __init__(
        self,
        keys: Sequence[str],
        shape: Schema,
        *,
        required: bool,
        secret: bool,
        changed: Callable[[Row], None],
    ) -> None:
        self.name, self.keys, self._kind = ".".join(keys), keys, shape.get("type")
        self.required, self._secret = required, secret
        default = shape.get("default")
        item = shape.get("items", {}).get("type")
        self._item = item if item in _LINE and not secret else None
        choices = (True, False) if self._kind == "boolean" else shape.get("enum", ())
        self._choices = {_text(value): value for value in choices}
        line = self._kind in _LINE
        hint = "" if choices or line else _hint(shape, listed=self._item is not None)
        help_text = " ".join(filter(None, [shape.get("description"), hint]))
        words = "Question" if self.name == "metadata.Task" else _words(keys[-1])
        needed = ", required" if required else ""
        options: dict[str, Any] = {
            # as plain text: for HTML a page loads a sanitizer first
            "description": f"{words} ({self.name}{needed})",
            "tooltip": help_text or None,
            "classes": widgets.PLAIN,
        }
        if secret:
            make: Any = widgets.SecretField
            options = {"label": options["description"], "noun": "value"}
        elif choices:
            start = _text(default)
            if default is None:
                start = "(choose)" if required else "(left out)"
                self._choices = {start: None, **self._choices}
            make, options["options"], options["value"] = widgets.Dropdown, [*self._choices], start
        else:
            example = next(iter(shape.get("examples", ())), _FORMATS.get(shape.get("format", "")))
            if default is not None:
                options["placeholder"] = f"left empty, {_text(default):.60} is sent"
            elif example is not None:
                options["placeholder"] = f"such as {_text(example):.60}"
            if not line:
                options["rows"] = 10 if "start" in shape else 3
            make = widgets.Text if line else widgets.Textarea
            options["value"] = shape.get("start", "")
        self._make, self._options, self._changed = make, options, changed
        super().__init__((self.name,), words, help_text)

    @cached_property
    def widget(self) -> Any:
        made = self._make(**self._options)
        made.observe(lambda _: self._changed(self), "secret" if self._secret else "value")
        return made

    @property
    def text(self) -> str:
        if "widget" not in self.__dict__:
            return str(self._options.get("value", ""))
        if not self._secret:
            return str(self.widget.value)
        return self.widget.secret.reveal() if self.widget.secret is not None else ""

    def read(self) -> Any:
        """Return the value for the task's type to check, None to leave it out; or complain."""
        if self._choices:
            return self._choices[self.text]
        if self._item is not None:
            lines = [line for line in self.text.split("\n") if line.strip()]
            items = enumerate(lines)
            return [_read(self._item, f"{self.name}[{n}]", line) for n, line in items] or None
        return _read(self._kind, self.name, self.text)

    def redact(self, sentence: str) -> str:
        """Return a sentence without the secret that was typed, or the texts in it if it is JSON."""
        if self._secret and self.text:
            for text in (self.text, *_JSON_TEXT.findall(self.text)):
                sentence = Secret(text).redact(sentence.replace(text, KEY_LABEL))
        return sentence


class TaskForm(widgets.View):
    """The form of a task type; for `RawTask` it is an editor for any JSON object.

    What is wrong is shown next to its field once that was touched, and all of it after `task()`.
    Fields that may be left out are folded.

    Args:
        task_type: the class; its fields make the form.
        allow_private: as for `ImagePicker`.
        changed: called after `current` or `problems` were brought up to date.
        samples: as for `ImagePicker`; of a block that the form is a part of, and that has its look.
    """

    def __init__(
        self,
        task_type: type[Task],
        *,
        allow_private: bool | None = None,
        changed: Callable[[], object] = lambda: None,
        samples: Callable[[], Sequence[Puzzle]] | None = None,
    ) -> None:
        self.task_type = task_type
        self.current: Task | None = None
        """The task that the form makes, or None while something is wrong."""
        self.problems: tuple[Problem, ...] = ()
        """What is wrong; empty while there is a task."""
        self.picker: ImagePicker | None = None
        """The chooser of a picture, for a type that has one."""
        self._suggested = ""
        self._renew: Callable[[], None] = lambda: None
        self._changed = changed
        self._whole = Row((), "the whole")
        rows: list[Row] = []
        fields = _fields(task_type)
        if fields.keys() >= set(PICTURE_FIELDS):
            self.picker = ImagePicker(
                allow_private=allow_private, changed=self._picked, samples=samples
            )
            rows.append(Row(PICTURE_FIELDS, "Picture"))
            rows[0].widget = self.picker
        self.inputs = {one.name: one for one in _inputs(task_type, fields, self._touch)}
        """The input of each field, by its name on the wire, with dots for one in a model."""
        self.rows: tuple[Row, ...] = (*rows, *self.inputs.values(), self._whole)
        """From top to bottom; the last is for what is said of the task as a whole."""
        more = [one for one in self.inputs.values() if not one.required]
        self._folded = {*more} if 1 < len(more) < len(self.rows) - 1 else set[Row]()
        shown = [part for row in self.rows if row not in self._folded for part in row.parts()]
        if self._folded:
            self.more = widgets.Fold(f"{len(more)} more fields", self._rest)
            shown.insert(-1, self.more)
        super().__init__(shown, classes=("brocap-form",))
        if samples is None:
            widgets.dress(self)
        self._check()

    def task(self) -> Task:
        """Return the task.

        Raises:
            InvalidTaskError: something is missing or wrong; each problem is shown at its field.
        """
        for row in self.rows:
            row.touched = True
        self._check()
        self._renew()
        if self.current is None:
            raise InvalidTaskError(self.problems)
        return self.current

    @property
    def wrong(self) -> list[Row]:
        """Those of its rows that have to be looked at."""
        return [row for row in self.rows if row.sentences]

    def mark(self, fields: Sequence[str], sentence: str) -> None:
        """Show at these fields, and nowhere else, what the service said, until they are changed.

        What belongs to no row, such as `type`, is shown below the form.
        """
        places = [self._row_of(field) for field in fields] or [self._whole]
        for row in self.rows:
            row.marked = sentence if row in places else ""
        self._say()

    def _say(self) -> None:
        loud = [row for row in self.rows if row.say()]
        if not self._folded.isdisjoint(loud):
            self.more.opened.value = True

    def _rest(self) -> Sequence[widgets.Widget]:
        return [part for row in self.rows if row in self._folded for part in row.parts()]

    def _row_of(self, field: str) -> Row:
        """The row of a field, of what it is in, or of its first part."""
        name = f"{field.split('[')[0]}."
        for row in self.rows:
            for own in row.names:
                if name.startswith(f"{own}.") or own.startswith(name):
                    return row
        return self._whole

    def _touch(self, row: Row) -> None:
        for one in (row, self._whole):
            one.touched, one.marked = True, ""
        self._check()
        self._changed()

    def _picked(self) -> None:
        """A sample brings its question along, unless a person wrote one."""
        puzzle, field = self.picker and self.picker.puzzle, self.inputs.get("metadata.Task")
        if puzzle and field is not None and field.text in ("", self._suggested):
            self._suggested = field.widget.value = puzzle.question
        self._touch(self.rows[0])

    def _check(self) -> None:
        problems: list[Problem] = []
        values: dict[str, Any] = {}
        for one in self.inputs.values():
            place = values
            for key in one.keys[:-1]:
                place = place.setdefault(key, {})
            try:
                if (value := one.read()) is not None:
                    place[one.keys[-1]] = value
            except InvalidInputError as error:
                problems += error.problems
        if self.picker is not None:
            values |= (picture := self.picker.wire_fields())
            if not picture and issubclass(self.task_type, ComplexImageTask):
                # the model tells this only once all else is right
                problems.append(Problem(PICTURE_FIELDS[0], _NO_PICTURE))
        told = [self._row_of(problem.field) for problem in problems]
        task = None
        try:
            task = self._make(values)
        except InvalidTaskError as error:
            problems += [p for p in error.problems if self._row_of(p.field) not in told]
        except Exception as error:  # a type's own checks may raise anything
            failed = f"The checks of this type failed with {type(error).__name__}: {error}."
            problems.append(Problem("", f"{failed} Correct the class, or change a value."))
        for one in self.inputs.values():
            problems = [Problem(p.field, one.redact(p.sentence)) for p in problems]
        self.current, self.problems = (None if problems else task), tuple(problems)
        for row in self.rows:
            said = [p.sentence for p in problems if self._row_of(p.field) is row]
            row.sentences = tuple(dict.fromkeys(said))
        self._say()

    def _make(self, values: dict[str, Any]) -> Task:
        if not issubclass(self.task_type, RawTask):
            return self.task_type(**values)
        if not values:
            sentence = 'The task is empty; expected a JSON object, such as {"type": "MyTask"}.'
            raise InvalidTaskError(sentence, field="task")
        return self.task_type(values["task"])

    def __repr__(self) -> str:
        made: Any = self.current if self.current is not None else f"{len(self.problems)} problems"
        return f"<{type(self).__name__}: {made}>"

    def _ipython_display_(self, **kwargs: Any) -> None:
        self._renew = widgets.display_both(self, self._repr_mimebundle_, **kwargs)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        told = "<div>Run this cell to use it. As it stood:</div>"
        return _html.bundle(_html.card("Task form", told, self.static()), repr(self))

    def static(self) -> str:
        """What it holds, as HTML: the task, or what is wrong."""
        if self.current is not None:
            return _html.code(str(self.current))
        return _html.facts((p.field or "task", _html.words(p.sentence)) for p in self.problems)


def _fields(task_type: type[Task]) -> Schema:
    """The schemas of a type's fields, by the names that it reads."""
    if issubclass(task_type, RawTask):
        return {"task": _RAW}
    schema = task_type.model_json_schema()
    fields: Schema = _inlined(schema, schema.get("$defs", {})).get("properties", {})
    return fields


def _inputs(
    model: type[BaseModel],
    fields: Schema,
    changed: Callable[[Row], None],
    path: tuple[str, ...] = (),
) -> Iterator[Input]:
    """The inputs of a model; what must be filled in comes first."""
    picked = PICTURE_FIELDS if not path and fields.keys() >= set(PICTURE_FIELDS) else ()
    known = zip(model.model_fields.values(), fields.items(), strict=True)
    for info, (key, schema) in sorted(known, key=lambda field: not field[0].is_required()):
        shape, kind, required = _shape(schema), info.annotation, info.is_required()
        inner = shape.get("properties") if required else None
        if inner and isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _inputs(kind, inner, changed, (*path, key))
        elif key not in picked:
            names = [key, *_JSON_NAME.findall(json.dumps(shape))]
            secret = _is_secret(kind) or "writeOnly" in names or any(map(label_of, names))
            secret = secret and "enum" not in shape and shape.get("type") != "boolean"
            keys = (*path, key)
            yield Input(keys, shape, required=required, secret=secret, changed=changed)


def _is_secret(kind: Any) -> bool:
    """Whether a pydantic secret is in a type: the schema tells it only of those of text."""
    return hasattr(kind, "get_secret_value") or any(map(_is_secret, get_args(kind)))


def _inlined(schema: Any, defs: Schema, seen: tuple[str, ...] = ()) -> Any:
    """A schema with what its references stand for; where one leads into itself, anything fits."""
    if isinstance(schema, list):
        return [_inlined(one, defs, seen) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if (ref := schema.get("$ref")) is not None:
        schema = {} if ref in seen else defs[ref.rpartition("/")[2]] | schema
        seen = (*seen, ref)
    names = schema.keys() - {"$defs", "$ref"}
    return {name: _inlined(schema[name], defs, seen) for name in schema if name in names}


def _shape(schema: Schema) -> dict[str, Any]:
    """A schema without null; of several kinds, what they share."""
    several = schema.get("anyOf") or schema.get("oneOf")
    kinds = [_shape(one) for one in several if one.get("type") != "null"] if several else [schema]
    texts = {"type": "string"} if all(one.get("type") == "string" for one in kinds) else {}
    shape = {**(kinds[0] if len(kinds) == 1 else texts), **schema}
    if all("enum" in one or "const" in one for one in kinds):
        values = [v for one in kinds for v in one.get("enum", [one.get("const")])]
        shape["enum"] = [value for value in values if value is not None]
    return shape


def _hint(shape: Schema, *, listed: bool) -> str:
    """How to type a list, or JSON."""
    if listed:
        allowed = ", ".join(map(_text, shape["items"].get("enum", ())))
        return f"One a line: {allowed}." if allowed else "One a line."
    fields = ", ".join(shape.get("properties", ()))
    return f"Written as JSON: an object of {fields}." if fields else "Written as JSON."


def _words(name: str) -> str:
    words = " ".join(w if w[:2].isupper() else w.lower() for w in _WORD.findall(name)) or name
    return words[:1].upper() + words[1:]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(kind: str | None, name: str, text: str) -> Any:
    """What was typed, as a text, a number or JSON; None if nothing was."""
    if kind == "string":
        return text or None
    if not text.strip():
        return None
    if kind in _LINE:
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            expected = "a whole number, such as 3" if kind == "integer" else "a number, such as 0.5"
        sentence = f"{name} is {text.strip()[:40]!r}; expected {expected}. Change it."
        raise InvalidInputError(sentence, field=name)
    value, wrong = parse(text)
    if wrong is not None:
        raise InvalidInputError(f"{name} is not JSON: {wrong}. Correct that place.", field=name)
    return value
