"""What a log looks like when a cell ends with it: a short account, and its newest rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._exchange import Exchange
from brocap_nb.log._tables import ErrorTable

CARD_ROWS: Final = 10
_HEADERS: Final = ["exchange", "UTC", "method", "task", "outcome", "code", "HTTP", "ms"]


def place(folder: Path | str | None) -> str:
    """Where a log is kept, in words."""
    return "in memory" if folder is None else f"in {folder}"


def card(
    where: str, outcomes: Iterable[str], newest: Sequence[Exchange], errors: ErrorTable
) -> dict[str, Any]:
    """Return the display of a log, by media type."""
    outcomes = list(outcomes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).most_common())
    rows = [[_html.text(cell) for cell in _cells(exchange)] for exchange in newest]
    html = _html.card(
        f"Exchange log: {len(outcomes):,} exchanges",
        _html.facts([("kept", _html.text(where)), ("outcomes", told or "none yet")]),
        _html.table(_HEADERS, rows, caption=f"The newest {len(rows)}") if rows else "",
        errors._repr_html_() if len(errors) else "",
    )
    lines = [f"{len(outcomes):,} exchanges {where}: {told or 'none yet'}"]
    lines += [exchange.summary() for exchange in newest]
    return _html.bundle(html, "\n".join(lines))


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
