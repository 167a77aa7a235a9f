"""The form of a `RawTask`: an editor for any JSON object."""

from __future__ import annotations

from brocap_nb.errors import InvalidInputError, InvalidTaskError, Problem
from brocap_nb.tasks import RawTask
from brocap_nb.widgets.controls import JsonControl
from brocap_nb.widgets.form import FieldRow, TaskFormBase

__all__ = ["RawTaskForm"]


class RawTaskForm(TaskFormBase):
    """A JSON editor. A mistake is told with its line and column; what was typed stays."""

    def __init__(self) -> None:
        self.editor = JsonControl("task (required)", rows=10)
        self.editor.write({"type": "MyTask"})
        row = FieldRow(
            ("task",),
            self.editor.widget,
            help_text="Any JSON object. It is sent as it is: nothing is checked but that it is "
            "JSON.",
            described=self.editor.described,
        )
        super().__init__([row])
        self.editor.on_change(lambda: self._touch(row))

    def fill(self, task: RawTask) -> None:
        """Show a task's JSON."""
        self.editor.write(task.to_wire())

    def _build(self) -> RawTask:
        if not self.editor.widget.value.strip():
            raise InvalidTaskError(
                'The task is empty; expected a JSON object. Write one, such as {"type": "MyTask"}.',
                field="task",
            )
        try:
            return RawTask(self.editor.read())
        except InvalidInputError as error:
            problems = [Problem("task", p.sentence) for p in error.problems]
        raise InvalidTaskError(problems)
