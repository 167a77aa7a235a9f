"""The rows of a log, live: newest first, a page at a time, filtered here and not in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome
from brocap_nb.log._search import Filter, Page, Search
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._rows import LogView, Row, RowList
from brocap_nb.widgets._style import Report, note, plain, status_note

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog

ROWS: Final = 10
"""Rows of a page. A new row costs about 50 bytes on the wire for each of them."""

_KINDS: Final = {"ok": "good", "callback": "good", "processing": "plain", "under way": "plain"}
_SIGNS: Final = {"good": "✓", "bad": "✗", "plain": "…"}
_LINE: Final = "{:<8} {:<13} {:>9}  {:<18} {:>4} {:>8}  {}"
_HEADER: Final = "  " + _LINE.format(
    "UTC", "method", "task", "outcome", "HTTP", "ms", "code or type"
)


class LogTable(LogView):
    """One row for each HTTP attempt. It follows the log until it is closed.

    Args:
        log: the log.
        opened: called with the exchange id of a row that was clicked.
        rows: rows of a page.
        redact: takes secrets out of what is shown when something fails.
    """

    INTERVAL = 0.3
    """Most exchanges end within this time, and so are drawn once."""

    def __init__(
        self,
        log: ExchangeLog,
        *,
        opened: Callable[[str], object] = lambda exchange_id: None,
        rows: int = ROWS,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.rows = rows
        self._search = Search(log)
        self._skip = 0
        self._seen = 0  # rows that were found when the first page was left
        self._found = 0
        self._settling = False
        report = Report(redact)
        self.outcome = _choice("Outcome", [(o.replace("_", " "), str(o)) for o in Outcome])
        self.method = _choice("Method", [])
        self.error_code = _choice("Error code", [])
        self.task_id = _text("Task", "its number")
        self.text = _text("Text", "in a row or a body")
        self.clear = widgets.Button(description="Clear filters", layout={"align_self": "flex-end"})
        self.list = RowList(_HEADER, opened)
        self.newer = widgets.Button(description="Newer", tooltip="Rows that came later")
        self.older = widgets.Button(description="Older", tooltip="Rows that came before")
        self._place = widgets.HTML()
        super().__init__(log, report, self._arrange(report), classes=("brocap-log",))

        for control in self._controls:
            control.observe(report.guard(self._filter), "value")
        self.clear.on_click(report.guard(lambda: self.show_only(Filter())))
        self.newer.on_click(report.guard(lambda: self._turn(-self.rows)))
        self.older.on_click(report.guard(lambda: self._turn(self.rows)))

    @property
    def wanted(self) -> Filter:
        """Which rows are shown."""
        return self._search.wanted

    def show_only(self, wanted: Filter) -> None:
        """Show the rows that a filter lets through, and set the controls so."""
        self._offer(error_code=wanted.error_code, method=wanted.method)
        asked = (wanted.outcome, wanted.method, wanted.error_code, wanted.task_id, wanted.text)
        values = ["" if value is None else str(value) for value in asked]
        self._settling = True
        try:
            for control, value in zip(self._controls, values, strict=True):
                control.value = value
        finally:
            self._settling = False
        self._restart(Search(self.exchanges, wanted))

    def _draw(self) -> None:
        search = self._search
        page = search.page(
            self.rows,
            skip=self._skip,
            oldest=self._seen if self._skip else None,  # so that an older page stands still
            stopped=lambda: self._search is not search,
        )
        if page is None:  # another search has begun, and draws
            return
        self._found = page.found
        self._offer()
        self.list.show(map(exchange_row, page.exchanges, _own(page, self.exchanges)))
        self._tell(page)

    # --- parts ------------------------------------------------------------------------------

    @property
    def _controls(self) -> Sequence[Any]:
        return self.outcome, self.method, self.error_code, self.task_id, self.text

    def _arrange(self, report: Report) -> Sequence[widgets.Widget]:
        row = {"flex_flow": "row wrap", "width": "auto", "grid_gap": "8px"}
        filters = widgets.HBox([*self._controls, self.clear], layout=row)
        pager = widgets.HBox(
            [self.newer, self.older, self._place], layout={**row, "align_items": "center"}
        )
        return filters, report, self.list, pager

    def _filter(self) -> None:
        if self._settling:
            return
        typed = self.task_id.value.strip()
        if typed and not typed.isdecimal():
            raise InvalidInputError(
                f"Task is {typed!r}; expected the number of a task, such as 7654321. Correct it, "
                "or leave it empty.",
                field="task_id",
            )
        wanted = Filter(
            outcome=self.outcome.value or None,
            method=self.method.value or None,
            error_code=self.error_code.value or None,
            task_id=int(typed) if typed else None,
            text=self.text.value.strip(),
        )
        if wanted != self.wanted:
            self._restart(Search(self.exchanges, wanted))

    def _restart(self, search: Search) -> None:
        self._report.clear()
        self._search = search
        self._skip = self._seen = self._found = 0
        if search.wanted.text:  # bodies are read: not in the thread that serves the browser
            self._place.value = status_note("Searching …")
            self._refresh.request()
        else:
            self.draw()

    def _turn(self, rows: int) -> None:
        if not self._skip:
            self._seen = self._found
        self._skip = max(0, self._skip + rows)
        self.draw()

    def _offer(self, **also: str | None) -> None:
        """List the methods and codes that came, and those of `also`."""
        for control, name in ((self.method, "method"), (self.error_code, "error_code")):
            words = self.exchanges.words(name)
            if (more := also.get(name)) is not None and more not in words:
                words = [*words, more]
            if len(words) > len(control.options) - 1:
                chosen = control.value
                control.options = [_ANY, *((word, word) for word in words)]
                control.value = chosen

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
        self._place.value = status_note(told)


def exchange_row(exchange: Exchange, own: bool) -> Row:
    """Return the line of an exchange; one of this session without an answer is under way."""
    outcome = str(exchange.outcome).replace("_", " ")
    if own and exchange.outcome is Outcome.NO_RESPONSE and exchange.elapsed_ms is None:
        outcome = "under way"
    kind = _KINDS.get(outcome, "bad")
    text = _LINE.format(
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method[:13],
        "" if exchange.task_id is None else exchange.task_id,
        f"{_SIGNS[kind]} {outcome}",
        exchange.http_status or "",
        "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
        " ".join(filter(None, [exchange.error_code, exchange.status, _type_of(exchange)])),
    )
    if who := exchange.session.rpartition("/")[0]:  # of a log of many folders
        text = f"{text}  {who}"
    return Row(exchange.exchange_id, text, kind)


def _type_of(exchange: Exchange) -> str:
    return "" if exchange.error_code or exchange.status else exchange.task_type or ""


def _own(page: Page, log: ExchangeLog) -> Iterable[bool]:
    return (exchange.session == log.session for exchange in page.exchanges)


def table_of(log: ExchangeLog, rows: int = ROWS) -> str:
    """The newest rows of a log as static HTML."""
    newest = log.recent(rows)
    if not newest:
        return note("No request has been made yet.")
    lines = [_HEADER, *(exchange_row(e, e.session == log.session).text for e in newest)]
    return _html.code("\n".join(line.strip() for line in lines))


_ANY: Final = ("any", "")  # a value of None would choose nothing


def _choice(label: str, options: Iterable[tuple[str, str]]) -> Any:
    return plain(widgets.Dropdown, label, options=[_ANY, *options], layout={"flex": "1 1 130px"})


def _text(label: str, placeholder: str) -> Any:
    return plain(widgets.Text, label, placeholder=placeholder, layout={"flex": "1 1 110px"})
