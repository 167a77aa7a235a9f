"""A log to look at: its rows, its tasks, its errors, and one exchange in full.

requests ──click──► exchange
tasks, errors ──click──► more about it ──► its requests
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.log import ExchangeLog
from brocap_nb.log._search import Filter
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._exchange_view import Copyable, ExchangeView, name_of
from brocap_nb.widgets._lenses import ErrorExplorer, TaskLens, broken
from brocap_nb.widgets._log_table import LogTable
from brocap_nb.widgets._rows import line
from brocap_nb.widgets._style import STYLE, Report, close_all, heading, panel

if TYPE_CHECKING:
    from brocap_nb.client._client import Client

INTERVAL: Final = 0.3
"""At most one drawing in so many seconds. Most exchanges end within it, and are drawn once."""


class LogPanels:
    """The log in one panel, for whoever closes it: it belongs to no cell.

    `client` returns the client that sends an exchange again; without one nothing is sent. What it
    sends is asked about first where it may be `billed`. `recipes` tells how each error code is
    provoked in the sandbox, and `provoke` does so. `redact` takes secrets out of what is shown
    when something fails.
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
        self.log = log
        self._client, self._billed, self._redact = client, billed, redact
        self._recipes, self._provoke = recipes, provoke
        self._lock = threading.Lock()
        self._settling = False
        self._report = Report(redact)
        guard = self._report.guard
        self._refresh = widgets.Refresh(guard(self.draw), INTERVAL)
        self.table = LogTable(log, self._open, self._refresh.request, self._report)
        self.view = widgets.ToggleButtons(
            options=_tabs(0), style={"button_width": "auto"}, layout={"width": "auto"}
        )
        """What a row is: a request, a task or an error."""
        title = widgets.HTML(heading("Log"))
        self._frame = Copyable()
        head = line(title, self.view, self.table.filters)
        self._panel = panel(head, self._report, self.table, self._frame)
        self._views: list[widgets.Widget] = [self.table]
        self.panels: Sequence[widgets.Widget] = (self._panel,)
        """What is shown, to be put into a layout of your own."""
        self.view.observe(guard(self._turn_to), "value")
        self._unsubscribe = log.subscribe(lambda _: self._refresh.request(), others=True)
        guard(self.draw)()

    # what is not seen at first is not made at first: each widget takes its time in the browser

    @cached_property
    def exchange(self) -> ExchangeView:
        """One exchange in full."""
        view = ExchangeView(self.log, client=self._client, billed=self._billed, redact=self._redact)
        view.observe(lambda _: self.table.list.mark(view.exchange_id), "exchange_id")
        self._panel.children += (view,)
        return view

    @cached_property
    def tasks(self) -> TaskLens:
        """A row for each task."""
        lens: TaskLens = self._place(TaskLens(self.log, self._show_requests, self._report))
        return lens

    @cached_property
    def errors(self) -> ErrorExplorer:
        """A row for each thing that went wrong."""
        lens: ErrorExplorer = self._place(
            ErrorExplorer(self.log, self._show_requests, self._report, self._recipes, self._provoke)
        )
        return lens

    def _place(self, lens: Any) -> Any:
        head, report, *others = self._panel.children
        self._panel.children = (head, report, lens, *others)
        self._views.append(lens)
        return lens

    def draw(self) -> None:
        """Show how the log stands now. May be called from any thread."""
        with self._lock:
            self._shown().draw()
            tabs = _tabs(len(self.log.words("error_code")) + len(broken(self.log)))
            if tabs != self.view.options:
                chosen, self._settling = self.view.value, True
                self.view.options = tabs
                self.view.value = chosen
                self._settling = False
            name = name_of(self.log)
            code = f"As a DataFrame: <pre>{escape(name)}.frame()</pre>"
            self._frame.show(code if name else "")

    def close(self) -> None:
        """Stop following the log, and take the panel away."""
        self._unsubscribe()
        self._refresh.close()
        close_all(self._panel)

    def _shown(self) -> Any:
        return self.table if self.view.value == "requests" else getattr(self, self.view.value)

    def _turn_to(self) -> None:
        if self._settling:  # its labels are changed
            return
        self._report.clear()
        self.draw()
        for view in self._views:
            widgets.show(view, view is self._shown())
        widgets.show(self.table.filters, self.view.value == "requests")

    def _open(self, exchange_id: str) -> None:
        self.exchange.show_exchange(exchange_id)

    def _show_requests(self, wanted: Filter) -> None:
        self.table.show_only(wanted)
        self.view.value = "requests"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.log!r}>"


def _tabs(errors: int) -> tuple[tuple[str, str], ...]:
    told = f"Errors ({errors})" if errors else "Errors"
    return ("Requests", "requests"), ("Tasks", "tasks"), (told, "errors")


class LogBoard(LogPanels):
    """Follows a log: every row, every task, what went wrong, and any exchange in full.

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
        self._renew: Callable[[], None] = lambda: None
        self._later = widgets.Refresh(lambda: self._renew(), 5.0)
        super().__init__(log, client=client, billed=billed)
        self.widget = widgets.View(
            [widgets.HTML(STYLE, layout={"display": "none"}), widgets.OwnKeys(), self._panel],
            layout={"width": "auto"},
            classes=("brocap",),
        )
        """All of it, to be shown by itself."""
        widgets.replace_former(self.close)

    def draw(self) -> None:
        """Show how the log stands now; in the static form a little later."""
        super().draw()
        self._later.request()

    def close(self) -> None:
        """Stop following the log, and take the widget away."""
        super().close()
        self._later.close()
        close_all(self.widget)

    def _ipython_display_(self, **kwargs: Any) -> None:
        if self.widget.comm is not None:
            self.draw()  # it may have got a name meanwhile
        self._renew = widgets.display_both(self.widget, self._repr_mimebundle_, **kwargs)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return _html.bundle(self.log._repr_mimebundle_()["text/html"], repr(self))
