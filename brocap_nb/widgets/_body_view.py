"""What would be sent, as the JSON body without the key, and as Python code that builds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brocap_nb import _html
from brocap_nb.api._body import shorten_labels
from brocap_nb.api._errors import InvalidInputError, Problem
from brocap_nb.client._requests import create_task
from brocap_nb.tasks._types import Task
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import note, problem_note


class _TaskView(widgets.HTML):
    """A text about a task; a page without a kernel shows it as it stood."""

    def _shown(self, html: str, plain: str) -> None:
        self.value = html
        self._plain = plain

    def _missing(self, problems: Sequence[Problem]) -> None:
        """Say what is still missing."""
        what = "field needs" if len(problems) == 1 else "fields need"
        names = ", ".join(dict.fromkeys(p.field for p in problems if p.field))
        sentence = (
            f"Shown here once the form is complete. {len(problems)} {what} a look: "
            f"{names or 'see the form'}."
        )
        self._shown(note(sentence), sentence)

    def __repr__(self) -> str:
        return getattr(self, "_plain", f"<{type(self).__name__}: nothing is shown yet>")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        shown: dict[str, Any] | None = super()._repr_mimebundle_(**kwargs)
        return None if shown is None else shown | _html.bundle(self.value, repr(self))


class BodyView(_TaskView):
    """Shows the body of `createTask`; labels stand for the key and for pictures."""

    def show(self, task: Task | None, problems: Sequence[Problem] = ()) -> None:
        """Show the body for `task`, or, without one, what is still missing."""
        if task is None:
            self._missing(problems)
            return
        body = _html.pretty(shorten_labels(create_task(task).body.text))
        self._shown(_html.code(body, max_height="18em"), body)


class PythonView(_TaskView):
    """Shows the Python code that builds the task; no secret and no picture's bytes are in it."""

    def show(self, task: Task | None, problems: Sequence[Problem] = ()) -> None:
        """Show the code for `task`, or, without one, what is still missing."""
        if task is None:
            self._missing(problems)
            return
        try:
            code = task.to_python()
        except InvalidInputError as error:
            self._shown(problem_note(str(error)), str(error))
            return
        self._shown(_html.code(code, max_height="18em"), code)
