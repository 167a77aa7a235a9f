"""What every task form has: a task or its problems, kept up to date while a person types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as widgets

from brocap_nb.errors import InvalidTaskError, Problem
from brocap_nb.tasks import Task
from brocap_nb.widgets.style import note, problem_note, show_html

__all__ = ["FieldRow", "TaskFormBase"]


class FieldRow(widgets.VBox):
    """A control, its help, and what is wrong with it. `name` is the field's name on the wire."""

    def __init__(
        self, names: Sequence[str], control: widgets.Widget, *, help_text: str = ""
    ) -> None:
        self.names = tuple(names)
        self.touched = False
        self.sentences: tuple[str, ...] = ()
        self._problem = widgets.HTML(layout={"display": "none"})
        shown = [control, self._problem]
        if help_text:
            control.tooltip = help_text
            shown.insert(1, widgets.HTML(note(help_text)))
        super().__init__(shown)
        self.add_class("brocap-field")

    def owns(self, field: str) -> bool:
        """Whether a problem with `field` is to be shown here."""
        return any(field == name or field.startswith(f"{name}.") for name in self.names)

    def show(self, sentences: Iterable[str]) -> None:
        """Show what is wrong with this field; nothing if nothing is."""
        self.sentences = tuple(dict.fromkeys(sentences))
        show_html(self._problem, problem_note(*self.sentences))


class TaskFormBase(widgets.VBox):
    """A form that makes a task.

    `current` and `problems` follow every change: one of them is always empty. Problems are
    shown next to their fields once a field was touched, and all of them after `task()`.
    """

    def __init__(self, rows: Sequence[FieldRow], *intro: widgets.Widget) -> None:
        self.rows = tuple(rows)
        self.current: Task | None = None
        self.problems: tuple[Problem, ...] = ()
        self._observers: list[Callable[[], None]] = []
        self._whole = FieldRow((), widgets.HTML())
        super().__init__([*intro, *rows, self._whole], layout={"width": "auto", "grid_gap": "8px"})
        self._check()

    def _build(self) -> Task:
        """Make the task from what the controls hold, or raise InvalidTaskError."""
        raise NotImplementedError

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

    def _touch(self, row: FieldRow) -> None:
        row.touched = True
        self._check()
        for observer in self._observers:
            observer()

    def _check(self) -> None:
        try:
            self.current, self.problems = self._build(), ()
        except InvalidTaskError as error:
            self.current, self.problems = None, error.problems
        homeless = list(self.problems)
        for row in self.rows:
            own = [p for p in self.problems if row.owns(p.field)]
            homeless = [p for p in homeless if p not in own]
            row.show(p.sentence for p in own if row.touched)
        self._whole.touched |= all(row.touched for row in self.rows)
        self._whole.show(p.sentence for p in homeless if self._whole.touched)

    def __repr__(self) -> str:
        made: Any = self.current if self.current is not None else f"{len(self.problems)} problems"
        return f"<{type(self).__name__}: {made}>"
