"""What every task form has: a task or its problems, kept up to date while a person types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Final

from brocap_nb import render
from brocap_nb.errors import InvalidTaskError, Problem
from brocap_nb.redaction import Secret
from brocap_nb.tasks import Task
from brocap_nb.widgets import parts as widgets
from brocap_nb.widgets.own_keys import OwnKeys
from brocap_nb.widgets.style import STYLE, name_html, note, problem_note, service_note, show_html

__all__ = ["FieldGroup", "FieldRow", "TaskFormBase"]

_INDEX: Final = re.compile(r"\[\d+\]|\.\d+(?=\.|$)")
_SHOWN: Final = 300
"""So many characters of a value are shown on a page without a kernel."""


class FieldRow(widgets.VBox):
    """A control, what is wrong with it, and its help, in this order.

    Args:
        names: the names of its fields on the wire.
        control: what is shown for it.
        help_text: what the field is, and what to type.
        described: returns what the control holds, in words and without secrets.
    """

    children: tuple[widgets.Widget, ...]

    def __init__(
        self,
        names: Sequence[str],
        control: widgets.Widget,
        *,
        help_text: str = "",
        described: Callable[[], str] = str,
    ) -> None:
        self.names = tuple(names)
        self.help_text = help_text
        self.described = described
        self.group: FieldGroup | None = None
        """The group that this row stands in."""
        self.touched = False
        self.sentences: tuple[str, ...] = ()
        """What is wrong with the field, as it is shown."""
        self.marked = ""
        """What the service said about the field, as it is shown."""
        shown = [control]
        if help_text:
            if control.has_trait("description"):  # a tooltip on any other breaks its view
                control.tooltip = help_text
            shown.append(widgets.HTML(note(help_text)))
        super().__init__(shown, classes=("brocap-field",))

    def show(self, sentences: Iterable[str]) -> None:
        """Show what is wrong with this field; nothing if nothing is."""
        self.sentences = tuple(dict.fromkeys(sentences))
        self._say()

    def mark(self, sentence: str) -> None:
        """Show what the service said about this field; "" takes it away."""
        self.marked = sentence
        self._say()

    def _say(self) -> None:
        marked = service_note(self.marked) if self.marked else ""
        html = problem_note(*self.sentences) + marked
        if html or "_said" in self.__dict__:
            show_html(self._said, html)

    @cached_property
    def _said(self) -> widgets.HTML:
        """Right after the control; most fields never have anything to say."""
        said = widgets.HTML(layout={"display": "none"})
        control, *rest = self.children
        self.children = (control, said, *rest)
        return said

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Name, what it holds and what there is to say of it, for a page without a kernel."""
        value = self.described()
        value = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}… ({len(value):,} characters)"
        said = " ".join(filter(None, [*self.sentences, self.marked])) or self.help_text
        return [(" or ".join(self.names), value, said)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' or '.join(self.names)}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        return _with_static(
            super()._repr_mimebundle_(**kwargs), repr(self), _static_table(self.static_rows())
        )


class FieldGroup(FieldRow):
    """The fields of a model in the model, framed; with a tick, where it may be left out."""

    def __init__(
        self,
        name: str,
        rows: Sequence[FieldRow],
        *,
        help_text: str = "",
        optional: bool = False,
        required: bool = False,
    ) -> None:
        self.rows = tuple(rows)
        self.tick: widgets.Checkbox | None = None
        self._inside = widgets.VBox(rows, layout={"width": "auto", "grid_gap": "8px"})
        title: widgets.Widget
        if optional:
            title = self.tick = widgets.Checkbox(
                description=f"{name}: send these fields",
                indent=False,
                layout={"width": "auto"},
                classes=("brocap-tick",),
            )
            title.observe(lambda _: self._unfold(), "value")
        else:
            need = " (required)" if required else ""
            title = widgets.HTML(name_html(name + need))
        super().__init__((name,), title, help_text=help_text, described=self._described)
        self.children += (self._inside,)
        self.add_class("brocap-group")
        for row in rows:
            row.group = self
        self._unfold()

    @property
    def included(self) -> bool:
        """Whether the group is part of the task."""
        return self.tick is None or bool(self.tick.value)

    def include(self, yes: bool) -> None:
        """Make the group part of the task, or not; one that is always part stays so."""
        if self.tick is not None:
            self.tick.value = yes

    def static_rows(self) -> list[tuple[str, str, str]]:
        inner = [one for row in self.rows for one in row.static_rows()] if self.included else []
        return [*super().static_rows(), *inner]

    def _described(self) -> str:
        return "(its fields follow)" if self.included else "(left out)"

    def _unfold(self) -> None:
        widgets.show(self._inside, self.included)


class TaskFormBase(widgets.View):
    """A form that makes a task.

    `current` and `problems` follow every change: one of them is always empty. Problems are
    shown next to their fields once a field was touched, and all of them after `task()`.

    Args:
        rows: every row, those inside of groups too.
        shown: what is shown, from top to bottom; the rows, if nothing is said.
    """

    def __init__(
        self, rows: Sequence[FieldRow], shown: Sequence[widgets.Widget] | None = None
    ) -> None:
        self.rows = tuple(rows)
        self.current: Task | None = None
        """The task that the form makes, or None while something is wrong."""
        self.problems: tuple[Problem, ...] = ()
        """What is wrong; empty while there is a task."""
        self._observers: list[Callable[[], None]] = []
        self._filling = False
        self._whole = FieldRow((), widgets.HTML(layout={"display": "none"}))
        children = [*(rows if shown is None else shown), self._whole]
        super().__init__(children, layout={"width": "auto", "grid_gap": "8px"})
        self._check()

    def _build(self) -> Task:
        """Make the task from what the controls hold, or raise InvalidTaskError."""
        raise NotImplementedError

    def _secrets(self) -> Iterable[Secret]:
        """What must not stand in a sentence that is shown."""
        return ()

    def task(self) -> Task:
        """Return the task.

        Raises:
            InvalidTaskError: something is missing or wrong; each problem is shown at its field.
        """
        for row in (*self.rows, self._whole):
            row.touched = True
        self._check()
        if self.current is None:
            raise InvalidTaskError(self.problems)
        return self.current

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call `observer` after `current` or `problems` were brought up to date."""
        self._observers.append(observer)

    def mark(self, fields: Sequence[str], sentence: str) -> None:
        """Show at these fields what the service said about them.

        It is taken away when the field is changed, and by the next call: `mark([], "")` only
        takes away.

        Args:
            fields: names on the wire, such as `metadata.Task`. What belongs to no row, as `type`,
                is shown below the form; so is a sentence without fields.
            sentence: what is said, as text.
        """
        places = [row for field in fields for row in self._rows_of(field)]
        for row in (*self.rows, self._whole):
            row.mark(sentence if row in (places or [self._whole]) else "")

    def _rows_of(self, field: str) -> list[FieldRow]:
        """The row that knows a field best: its own, that of what it is in, those of its parts."""
        name = _INDEX.sub("", field)
        while name:
            own = [row for row in self.rows if name in row.names]
            parts = [
                row for row in self.rows if any(one.startswith(f"{name}.") for one in row.names)
            ]
            if found := own or parts:
                return found
            name = name.rpartition(".")[0]
        return [self._whole]

    def _touch(self, row: FieldRow) -> None:
        self._whole.mark("")
        place: FieldRow | None = row
        while place is not None:
            place.touched = True
            place.mark("")
            place = place.group
        self._changed()

    def _changed(self) -> None:
        if self._filling:
            return
        self._check()
        for observer in self._observers:
            observer()

    def _check(self) -> None:
        try:
            self.current, self.problems = self._build(), ()
        except InvalidTaskError as error:
            self.current, self.problems = None, error.problems
        except Exception as error:  # a type's own checks may raise anything
            sentence = (
                f"The checks of this task type failed with {type(error).__name__}: {error}. "
                "Expected a task, or a ValueError that says what is wrong. Correct the class, or "
                "another value may do."
            )
            self.current, self.problems = None, (Problem("", sentence),)
        if self.current is None:
            hidden = list(self._secrets())
            self.problems = tuple(
                Problem(p.field, _hide(p.sentence, hidden)) for p in self.problems
            )
        places: dict[FieldRow, list[str]] = {row: [] for row in (*self.rows, self._whole)}
        for problem in self.problems:
            for row in self._rows_of(problem.field)[:1]:
                places[row].append(problem.sentence)
        self._whole.touched |= all(row.touched for row in self.rows)
        for row, sentences in places.items():
            row.show(sentences if row.touched else ())

    def __repr__(self) -> str:
        made: Any = self.current if self.current is not None else f"{len(self.problems)} problems"
        return f"<{type(self).__name__}: {made}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        if "brocap" not in self._dom_classes:  # shown by itself, it brings its look along
            self.add_class("brocap")
            self.children += (widgets.HTML(STYLE, layout={"display": "none"}), OwnKeys())
        return _with_static(super()._repr_mimebundle_(**kwargs), repr(self), self._static_html())

    def _static_html(self) -> str:
        tops = [row for row in self.rows if row.group is None]
        lines = [line for row in tops for line in row.static_rows()]
        missing = {name for row in self.rows for name in row.names if row.sentences}
        state = (
            render.badge("the form is complete", good=True)
            if self.current is not None
            else render.facts(
                (p.field or "task", render.badge("to be filled in"))
                for p in self.problems
                if p.field not in missing
            )
        )
        return render.card(
            "Task form",
            "<div>Run this cell to use it. As it stood when it was shown:</div>",
            _static_table(lines),
            state,
        )


def _static_table(lines: Iterable[tuple[str, str, str]]) -> str:
    return render.table(
        ("field", "value", "note"), [tuple(render.text(cell) for cell in line) for line in lines]
    )


def _with_static(shown: dict[str, Any] | None, plain: str, html: str) -> dict[str, Any] | None:
    return None if shown is None else shown | render.bundle(html, plain)


def _hide(text: str, secrets: Iterable[Secret]) -> str:
    for secret in secrets:
        text = secret.redact(text)
    return text
