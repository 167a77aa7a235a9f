"""A log to look at: its errors, its rows, and one exchange in full. Nothing here sends a task.

errors ──click──► filter ──► rows ──click──► exchange
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.log import ExchangeLog
from brocap_nb.log._search import Filter
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._error_explorer import ErrorExplorer
from brocap_nb.widgets._exchange_view import ExchangeView
from brocap_nb.widgets._log_table import LogTable, table_of
from brocap_nb.widgets._style import STYLE, close_all, heading, panel
from brocap_nb.widgets._task_lens import TaskLens

if TYPE_CHECKING:
    from brocap_nb.client._client import Client


class LogPanels:
    """The parts of a board, for whoever closes them: they belong to no cell.

    Args:
        log: the log.
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
        self._client, self._billed, self._redact = client, billed, redact
        self.errors = ErrorExplorer(
            log, chosen=self._filter, recipes=recipes, provoke=provoke, redact=redact
        )
        self.table = LogTable(log, opened=self._open, redact=redact)
        self.view = widgets.ToggleButtons(
            options=[("Requests", "requests"), ("Tasks", "tasks")],
            tooltips=["A row for each request", "A row for each task, its polls folded in"],
            style={"button_width": "auto"},
            layout={"width": "auto"},
        )
        """What a row is: a request or a task."""
        title = widgets.HTML(heading("Log", "click a row to open it"))
        self._rows = panel(title, self.view, self.table)
        self._opened = panel(shown=False)
        self.panels: Sequence[widgets.Widget] = (panel(self.errors), self._rows, self._opened)
        """Its parts, to be put into a layout of your own."""
        self.view.observe(lambda _: self._show_view(), "value")

    # what is not seen at first is not made at first: each widget takes its time in the browser

    @cached_property
    def exchange(self) -> ExchangeView:
        """One exchange in full."""
        view = ExchangeView(
            self.exchanges, client=self._client, billed=self._billed, redact=self._redact
        )
        view.observe(lambda _: self._mark(), "exchange_id")
        self._opened.children = (view,)
        return view

    @cached_property
    def tasks(self) -> TaskLens:
        """A row for each task."""
        lens = TaskLens(self.exchanges, requests=self._show_requests_of, redact=self._redact)
        self._rows.children += (lens,)
        return lens

    def close(self) -> None:
        """Stop following the log, and take the panels away."""
        for part in self.panels:
            close_all(part)

    def _show_view(self) -> None:
        for part, name in ((self.table, "requests"), (self.tasks, "tasks")):
            widgets.show(part, self.view.value == name)

    def _open(self, exchange_id: str) -> None:
        self.exchange.show_exchange(exchange_id)

    def _show_requests_of(self, task_id: int) -> None:
        self.view.value = "requests"
        self.table.show_only(Filter(task_id=task_id))

    def _filter(self, code: str | None) -> None:
        self.view.value = "requests"
        self.table.show_only(Filter(error_code=code))

    def _mark(self) -> None:
        self.table.list.mark(self.exchange.exchange_id)
        widgets.show(self._opened, self.exchange.exchange_id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.exchanges!r}>"


class LogBoard(LogPanels):
    """Follows a log: what went wrong, every row, and any exchange in full.

    >>> from brocap_nb.widgets import LogBoard
    >>> board = LogBoard(log)
    >>> board
    <LogBoard of <ExchangeLog of 0 exchanges in memory>>
    >>> board.close()

    The cell that makes it closes it when it is run again.

    Args:
        log: the log; it may be one that other kernels write.
        client: returns the client that sends an exchange again; without one nothing is sent.
        billed: whether what that client sends may cost something: then a createTask is asked
            about first.

    Raises:
        InvalidInputError: `log` is no log.
    """

    def __init__(
        self,
        log: ExchangeLog,
        *,
        client: Callable[[], Client] | None = None,
        billed: Callable[[], bool] = lambda: True,
    ) -> None:
        if not isinstance(log, ExchangeLog):
            raise InvalidInputError(
                f"The log is a value of type {type(log).__name__}; expected an ExchangeLog, such "
                'as client.log or bn.ExchangeLog("brocap_log").',
                field="log",
            )
        super().__init__(log, client=client, billed=billed)
        style = widgets.HTML(STYLE, layout={"display": "none"})
        self.widget = widgets.View(
            [style, widgets.OwnKeys(), *self.panels],
            layout={"width": "auto", "grid_gap": "12px"},
            classes=("brocap",),
        )
        """All of it, to be shown by itself."""
        widgets.replace_former(self.close)

    def close(self) -> None:
        """Stop following the log, and take the widget away."""
        close_all(self.widget)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return widgets.bundle(self.widget, **kwargs) | _html.bundle(
            _html.card("Log", table_of(self.exchanges), self.exchanges.errors()._repr_html_()),
            repr(self),
        )
