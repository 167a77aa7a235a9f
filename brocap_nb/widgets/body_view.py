"""The JSON body that would be sent, without the key."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets

from brocap_nb import render
from brocap_nb.errors import Problem
from brocap_nb.redaction import shorten_labels
from brocap_nb.tasks import Task
from brocap_nb.widgets.style import note
from brocap_nb.wire import create_task

__all__ = ["BodyView"]


class BodyView(widgets.HTML):
    """Shows the body of `createTask`; labels stand for the key and for pictures."""

    def show(self, task: Task | None, problems: Sequence[Problem] = ()) -> None:
        """Show the body for `task`, or, without one, what is still missing."""
        if task is None:
            what = "field needs" if len(problems) == 1 else "fields need"
            names = ", ".join(dict.fromkeys(p.field for p in problems if p.field))
            self.value = note(
                f"Shown here once the form is complete. {len(problems)} {what} a look: "
                f"{names or 'see the form'}."
            )
            return
        body = shorten_labels(create_task(task).body.text)
        self.value = render.code(render.pretty(body), max_height="18em")
