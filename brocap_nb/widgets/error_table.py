"""The error codes of a log, each with its meaning and what to do, live."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from brocap_nb.widgets.log_table import scroll_table
from brocap_nb.widgets.refresh import Refresh
from brocap_nb.widgets.style import heading, note, words

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

__all__ = ["ErrorTable"]

_COLUMNS = ("error code", "count", "share", "meaning", "what to do", "same request again?", "last")


class ErrorTable(widgets.HTML):
    """One row for each error code. It follows the log until it is closed."""

    def __init__(self, log: ExchangeLog) -> None:
        super().__init__()
        self.exchanges = log
        self._refresh = Refresh(self.draw, interval=0.5)
        self._unsubscribe = log.subscribe(lambda _: self._refresh.request())
        self.draw()

    def draw(self) -> None:
        """Show how the log stands now."""
        errors = self.exchanges.errors()
        rows = [_row(row) for row in errors.to_dict("records")]
        title = heading("Errors", f"{len(rows)} {'code' if len(rows) == 1 else 'codes'}")
        if rows:
            wide = ("meaning", "what to do")
            numbers = ("count", "share")
            self.value = title + scroll_table(
                _COLUMNS, rows, label="Errors", wide=wide, numbers=numbers
            )
        else:
            self.value = heading("Errors") + note("The service has reported no error so far.")

    def close(self) -> None:
        """Stop following the log."""
        self._unsubscribe()
        self._refresh.close()
        super().close()


def _row(row: dict[Any, Any]) -> list[str]:
    return [
        f"<code>{escape(str(row['error_code']))}</code>",
        f"{row['count']:,}",
        f"{row['share']:.0%}",
        words(str(row["meaning"])),
        words(str(row["remedy"])),
        "can work later" if row["retryable"] else "no",
        f"{row['last_seen']:%H:%M:%S} UTC",
    ]
