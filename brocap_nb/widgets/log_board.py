"""A log to look at: its errors, its rows, and one exchange in full. Nothing here sends a task.

errors ──click──► filter ──► rows ──click──► exchange
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from brocap_nb import render
from brocap_nb.log.search import Filter
from brocap_nb.widgets.cells import replace_former
from brocap_nb.widgets.error_explorer import ErrorExplorer
from brocap_nb.widgets.exchange_view import ExchangeView
from brocap_nb.widgets.log_table import LogTable, table_of
from brocap_nb.widgets.own_keys import OwnKeys
from brocap_nb.widgets.style import STYLE, close_all, heading, panel
from brocap_nb.widgets.task_lens import TaskLens

if TYPE_CHECKING:
    from brocap_nb.client import Client
    from brocap_nb.log import ExchangeLog

__all__ = ["LogBoard"]


class LogBoard:
    """Follows a log: what went wrong, every row, and any exchange in full.

    >>> from brocap_nb.widgets import LogBoard
    >>> board = LogBoard(log)
    >>> board
    <LogBoard of <ExchangeLog of 0 exchanges in memory>>
    >>> board.close()

    Args:
        log: the log; it may be one that other kernels write.
        client: returns the client that sends an exchange again; without one nothing is sent.
        billed: whether what that client sends may cost something.
        recipes: how each error code is provoked in the sandbox, as sentences.
        provoke: does so.
        redact: takes secrets out of what is shown when something fails.
    """

    def __init__(
        self,
        log: ExchangeLog,
        *,
        client: Callable[[], Client] | None = None,
        billed: Callable[[], bool] = lambda: False,
        recipes: Callable[[], Mapping[str, str]] = dict,
        provoke: Callable[[str], object] | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.exchanges = log
        self.errors = ErrorExplorer(
            log, chosen=self._filter, recipes=recipes, provoke=provoke, redact=redact
        )
        self.exchange = ExchangeView(log, client=client, billed=billed, redact=redact)
        self.table = LogTable(log, opened=self.exchange.show_exchange, redact=redact)
        self.tasks = TaskLens(log, requests=self._show_requests_of, redact=redact)
        self.view = widgets.ToggleButtons(
            options=[("Requests", "requests"), ("Tasks", "tasks")],
            tooltips=["A row for each request", "A row for each task, its polls folded in"],
            style={"button_width": "auto"},
            layout={"width": "auto"},
        )
        """What a row is: a request or a task."""
        self.exchange.on_change(self._mark)
        self.view.observe(lambda _: self._show_view(), "value")
        self._show_view()
        self._opened = panel(self.exchange)
        self._opened.layout.display = "none"
        title = widgets.HTML(heading("Log", "click a row to open it"))
        self.widget = widgets.VBox(
            [
                widgets.HTML(STYLE, layout={"display": "none"}),
                OwnKeys(),
                panel(self.errors),
                panel(title, self.view, self.table, self.tasks),
                self._opened,
            ],
            layout={"width": "auto", "grid_gap": "12px"},
        )
        """All of it, to be put into a layout of your own."""
        self.widget.add_class("brocap")
        replace_former(self.close)

    def close(self) -> None:
        """Stop following the log, and take the widget away."""
        close_all(self.widget)

    def _show_view(self) -> None:
        for part, name in ((self.table, "requests"), (self.tasks, "tasks")):
            part.layout.display = "" if self.view.value == name else "none"
            part.draw()

    def _show_requests_of(self, task_id: int) -> None:
        self.view.value = "requests"
        self.table.show_only(Filter(task_id=task_id))

    def _filter(self, code: str | None) -> None:
        self.view.value = "requests"
        self.table.show_only(Filter(error_code=code))

    def _mark(self) -> None:
        self.table.list.mark(self.exchange.exchange_id)
        self._opened.layout.display = "" if self.exchange.exchange_id else "none"

    def __repr__(self) -> str:
        return f"<LogBoard of {self.exchanges!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        shown: dict[str, Any] | None = self.widget._repr_mimebundle_(**kwargs)
        if shown is not None:
            shown |= render.bundle(
                render.card("Log", table_of(self.exchanges), self.exchanges.errors()._repr_html_()),
                repr(self),
            )
        return shown
