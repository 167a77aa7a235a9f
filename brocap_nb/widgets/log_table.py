"""The newest rows of a log, live."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from brocap_nb import render
from brocap_nb.widgets.refresh import Refresh
from brocap_nb.widgets.style import heading, note

if TYPE_CHECKING:
    from brocap_nb.exchange import Exchange
    from brocap_nb.log import ExchangeLog

__all__ = ["LogTable", "scroll_table"]

ROWS: Final = 20

_COLUMNS: Final = (
    "time (UTC)",
    "method",
    "task type",
    "task",
    "try",
    "outcome",
    "HTTP",
    "error code",
    "status",
    "ms",
)
_NUMBERS: Final = frozenset({"task", "try", "HTTP", "ms"})
_GOOD: Final = {"ok": True, "callback": True, "processing": None, "under way": None}


class LogTable(widgets.HTML):
    """The newest rows, newest first. It follows the log until it is closed."""

    def __init__(self, log: ExchangeLog, *, rows: int = ROWS) -> None:
        super().__init__()
        self.exchanges = log
        self.rows = rows
        self._refresh = Refresh(self.draw)
        self._unsubscribe = log.subscribe(lambda _: self._refresh.request())
        self.draw()

    def draw(self) -> None:
        """Show how the log stands now."""
        self.value = table_of(self.exchanges, self.rows)

    def close(self) -> None:
        """Stop following the log."""
        self._unsubscribe()
        self._refresh.close()
        super().close()


def table_of(log: ExchangeLog, rows: int = ROWS) -> str:
    """The newest rows of a log as HTML."""
    total = len(log)
    newest = log.recent(rows)
    table = [_row(exchange, own=exchange.session == log.session) for exchange in newest]
    aside = f"newest {len(newest)} of {total:,} rows" if total else ""
    title = heading("Log", aside)
    if not newest:
        return title + note("No request has been made yet. Each one will be a row here.")
    return title + scroll_table(_COLUMNS, table, label="Log", numbers=_NUMBERS)


def _row(exchange: Exchange, *, own: bool) -> list[str]:
    outcome = str(exchange.outcome)
    if own and outcome == "no_response" and exchange.elapsed_ms is None:
        outcome = "under way"
    cells: list[Any] = [
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method,
        exchange.task_type,
        exchange.task_id,
        exchange.attempt,
        None,
        exchange.http_status,
        exchange.error_code,
        exchange.status,
        None if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
    ]
    shown = ["" if cell is None else escape(str(cell)) for cell in cells]
    shown[5] = render.badge(outcome.replace("_", " "), good=_GOOD.get(outcome, False))
    return shown


def scroll_table(
    headers: Iterable[str],
    rows: Iterable[list[str]],
    *,
    label: str,
    numbers: Iterable[str] = (),
    wide: Iterable[str] = (),
) -> str:
    """A table that scrolls in its own box, by mouse and by keyboard. Cells are HTML."""
    headers, numbers, wide = list(headers), set(numbers), set(wide)
    kinds = [
        ' class="brocap-number"' if h in numbers else ' class="brocap-wide"' if h in wide else ""
        for h in headers
    ]
    pairs = list(zip(headers, kinds, strict=True))
    head = "".join(f'<th scope="col"{kind}>{escape(h)}</th>' for h, kind in pairs)
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{c}</td>" for k, c in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="brocap-scroll" role="region" tabindex="0" aria-label="{escape(label)}">'
        f'<table style="border-collapse:collapse;text-align:left"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
