"""What a log looks like when a cell ends with it: a short account, and its newest rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import render

if TYPE_CHECKING:
    from brocap_nb.exchange import Exchange
    from brocap_nb.log.exchange_log import ExchangeLog

__all__ = ["card", "place"]

ROWS: Final = 10
_HEADERS: Final = ["exchange", "UTC", "method", "task", "outcome", "code", "HTTP", "ms"]


def place(log: ExchangeLog) -> str:
    """Where a log is kept, in words."""
    return "in memory" if log.folder is None else f"in {log.folder}"


def card(log: ExchangeLog) -> dict[str, Any]:
    """Return the display of a log, by media type."""
    outcomes = log.frame(bodies=False)["outcome"].astype(str)
    told = ", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).most_common())
    newest = log.recent(ROWS)
    rows = [[render.text(cell) for cell in _cells(exchange)] for exchange in newest]
    errors = log.errors()
    html = render.card(
        f"Exchange log: {len(outcomes):,} exchanges",
        render.facts([("kept", render.text(place(log))), ("outcomes", told or "none yet")]),
        render.table(_HEADERS, rows, caption=f"The newest {len(rows)}") if rows else "",
        errors._repr_html_() if len(errors) else "",
    )
    lines = [f"{len(outcomes):,} exchanges {place(log)}: {told or 'none yet'}"]
    lines += [exchange.summary() for exchange in newest]
    return render.bundle(html, "\n".join(lines))


def _cells(exchange: Exchange) -> list[str]:
    return [
        exchange.exchange_id,
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method,
        "" if exchange.task_id is None else str(exchange.task_id),
        str(exchange.outcome),
        exchange.error_code or "",
        "" if exchange.http_status is None else str(exchange.http_status),
        "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
    ]
