"""One row for each task: its createTask, polls and callbacks folded into a line, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._rows import LogView, Row, RowList
from brocap_nb.widgets._style import Report, show_html, status_note

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

ROWS: Final = 10
LAST: Final = 3_000
"""How many of the newest exchanges are looked at: each change of the log is drawn."""

STRIP: Final = 160
"""Width of a row's picture, in pixels."""

_LINE: Final = "{:<8} {:>9}  {:<12} {:>5} {:>8} {:>8}  {}"
_HEADER: Final = "  " + _LINE.format("UTC", "task", "state", "polls", "seconds", "cost", "type")
_KINDS: Final = {"ready": "good", "failed": "bad"}
_SIGNS: Final = {"good": "✓", "bad": "✗", "plain": "…"}


class TaskLens(LogView):
    """The newest tasks of a log. It follows the log while it is shown, until it is closed.

    Args:
        log: the log.
        requests: called with a task's number to show its requests.
        rows: how many tasks are shown.
        redact: takes secrets out of what is shown when something fails.
    """

    def __init__(
        self,
        log: ExchangeLog,
        *,
        requests: Callable[[int], object] = lambda task_id: None,
        rows: int = ROWS,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.rows = rows
        self.task_id: int | None = None
        """The task whose timeline is shown."""
        self._requests = requests
        self._numbers: dict[str, int] = {}
        report = Report(redact)
        self.list = RowList(_HEADER, self._click, pictures=True)
        self._said = widgets.HTML()
        self._timeline = widgets.HTML(layout={"display": "none"})
        self.show_requests = widgets.Button(
            description="Show its requests",
            tooltip="The rows of this task, each of which can be opened",
            layout={"display": "none", "align_self": "flex-start"},
        )
        super().__init__(
            log, report, [report, self.list, self._said, self._timeline, self.show_requests]
        )
        self.show_requests.on_click(report.guard(self._ask_for_requests))

    def _draw(self) -> None:
        tasks = self.exchanges.tasks(last=LAST)
        rows = tasks.as_dicts(self.rows)
        self._numbers = {
            row["created_by"]: int(row["task_id"]) for row in rows if row["task_id"] is not None
        }
        self.list.show(_row(row, tasks.strip(row["created_by"], width=STRIP)) for row in rows)
        self._said.value = status_note(
            f"The newest {len(rows)} of {len(tasks):,} tasks in the last {LAST:,} requests; "
            "log.tasks() has all of them. The cost is an estimate from the balance before and "
            "after."
            if rows
            else "No task has been created yet."
        )

    def _click(self, created_by: str) -> None:
        with self._report.catching():
            self._report.clear()
            self.task_id = self._numbers.get(created_by)
            self.list.mark(created_by)
            if self.task_id is None:
                html = self.exchanges[created_by]._repr_mimebundle_()["text/html"]
            else:
                html = self.exchanges.timeline(self.task_id)._repr_html_()
            show_html(self._timeline, html)
            widgets.show(self.show_requests, self.task_id is not None)

    def _ask_for_requests(self) -> None:
        if self.task_id is not None:
            self._requests(self.task_id)


def _row(row: Mapping[Any, Any], picture: str) -> Row:
    state = str(row["state"])
    kind = _KINDS.get(state, "plain")
    text = _LINE.format(
        f"{row['created_at']:%H:%M:%S}",
        "" if row["task_id"] is None else row["task_id"],
        f"{_SIGNS[kind]} {state}",
        row["polls"],
        "" if row["queue_s"] is None else f"{row['queue_s']:.2f}",
        "" if row["cost"] is None else f"{row['cost']:g}",
        " ".join(filter(None, [row["error_code"], row["task_type"]])),
    )
    return Row(str(row["created_by"]), text, kind, picture)
