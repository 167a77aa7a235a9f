"""The rows of a log: newest first, a page at a time, filtered here and not in the browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._exchange import Outcome
from brocap_nb.log._search import Filter, Page, Search
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._rows import HEADER, RowList, line, row_of
from brocap_nb.widgets._style import Report, note, plain, status_note

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

ROWS: Final = 10
"""Rows of a page."""


class LogTable(widgets.VBox):
    """One row for each HTTP attempt.

    `opened` is called with the exchange id of a row that was clicked. `refresh` asks for a `draw`
    in another thread: a text is looked for in the bodies.
    """

    def __init__(
        self,
        log: ExchangeLog,
        opened: Callable[[str], object],
        refresh: Callable[[], object],
        report: Report,
    ) -> None:
        self.exchanges, self._refresh = log, refresh
        self._lock = threading.Lock()
        self._search = Search(log)
        self._skip = 0
        self._seen = 0  # rows that were found when the first page was left
        self._found = 0
        self.outcome = _choice("Outcome", map(str, Outcome))
        self.method = _choice("Method")
        self.error_code = _choice("Code")
        self.text = plain(
            widgets.Text,
            "Search",
            placeholder="anything in it, or: task 7654321",
            layout={"flex": "3 1 190px"},
        )
        self._controls = (self.outcome, self.method, self.error_code, self.text)
        fold = widgets.ToggleButton(description="Filter", classes=("brocap-fold",))
        self.filters = line(fold, *self._controls, name="brocap-filters")
        """The controls, to be put beside other things."""
        self.list = RowList(opened, HEADER)
        self.newer = widgets.Button(description="Newer", tooltip="Rows that came later")
        self.older = widgets.Button(description="Older", tooltip="Rows that came before")
        self.place = widgets.HTML()
        self.clear = widgets.Button(description="Clear filters", layout={"display": "none"})
        super().__init__(
            [self.list, line(self.newer, self.older, self.place, self.clear)],
            layout={"width": "auto", "grid_gap": "8px"},
            classes=("brocap-log",),
        )
        for control in self._controls:
            control.observe(report.guard(self._filter), "value")
        self.clear.on_click(report.guard(lambda: self.show_only(Filter())))
        self.newer.on_click(report.guard(lambda: self._turn(-ROWS)))
        self.older.on_click(report.guard(lambda: self._turn(ROWS)))

    @property
    def wanted(self) -> Filter:
        """Which rows are shown."""
        return self._search.wanted

    def show_only(self, wanted: Filter) -> None:
        """Set the controls so that these rows are shown."""
        text = wanted.text if wanted.task_id is None else f"task {wanted.task_id}"
        for control in self._controls:
            control.value = ""
        self._offer()
        values = (wanted.outcome, wanted.method, wanted.error_code, text)
        for control, value in zip(self._controls, values, strict=True):
            control.value = value or ""

    def draw(self) -> None:
        """Show how the log stands now. May be called from any thread."""
        with self._lock:
            search = self._search
            page = search.page(
                ROWS,
                skip=self._skip,
                oldest=self._seen if self._skip else None,  # so that an older page stands still
                stopped=lambda: self._search is not search,
            )
            if page is None:  # another search has begun, and draws
                return
            self._found = page.found
            self._offer()
            own = self.exchanges.session
            self.list.show(row_of(exchange, own) for exchange in page.exchanges)
            self._tell(page)

    def _filter(self) -> None:
        text = self.text.value.strip()
        task = re.fullmatch(r"task (\d+)", text, re.IGNORECASE)
        wanted = Filter(
            outcome=self.outcome.value or None,
            method=self.method.value or None,
            error_code=self.error_code.value or None,
            task_id=int(task[1]) if task else None,
            text="" if task else text,
        )
        self._search = Search(self.exchanges, wanted)
        self._skip = self._seen = self._found = 0
        widgets.show(self.clear, wanted)
        if wanted.text:
            self.place.value = status_note("Searching …")
            self._refresh()
        else:
            self.draw()

    def _turn(self, rows: int) -> None:
        if not self._skip:
            self._seen = self._found
        self._skip = max(0, self._skip + rows)
        self.draw()

    def _offer(self) -> None:
        """List the methods and codes that came; new options would undo a choice."""
        for control, name in ((self.method, "method"), (self.error_code, "error_code")):
            words = self.exchanges.words(name)
            if not control.value and len(words) >= len(control.options):
                control.options = [control.options[0], *((word, word) for word in words)]

    def _tell(self, page: Page) -> None:
        first, last = self._skip + 1, self._skip + len(page.exchanges)
        of = self._seen if self._skip else page.found
        self.newer.disabled = not self._skip
        self.older.disabled = last >= of
        if not page.rows:
            told = "No request has been made yet. Each one will be a row here."
        elif not page.found:
            told = f"No row fits the filters; the log has {page.rows:,}."
        else:
            told = f"Rows {first:,} to {last:,} of {of:,}, newest first"
            told += f"; {page.found - of:,} came meanwhile" if page.found > of else ""
            told += f"; the log has {page.rows:,}" if page.found != page.rows else ""
        self.place.value = status_note(told)


def table_of(log: ExchangeLog, rows: int = ROWS) -> str:
    """The newest rows of a log as static HTML."""
    newest = log.recent(rows)
    if not newest:
        return note("No request has been made yet.")
    lines = [HEADER, *(row_of(exchange, log.session).text for exchange in newest)]
    return _html.code("\n".join(re.sub("[\n\t]", " ", text) for text in lines))


def _choice(label: str, options: Iterable[str] = ()) -> Any:
    return plain(
        widgets.Dropdown,
        label,
        # a value of None would choose nothing
        options=[(f"any {label.lower()}", ""), *((word, word) for word in options)],
        layout={"flex": "1 1 120px"},
    )
