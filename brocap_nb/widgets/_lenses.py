"""What a log's board shows: a page of its requests, its tasks, or what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from brocap_nb import _html
from brocap_nb.api._facts import AGAIN, again, explain
from brocap_nb.log._search import EVERYTHING, Filter, Page, Search
from brocap_nb.widgets._rows import HEADER, SIGNS, Row, row_of
from brocap_nb.widgets._style import note

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

ROWS: Final = 10
"""Rows of a page."""
LAST: Final = 3_000
"""How many of the newest exchanges are looked at: each change of the log is drawn."""
BROKEN: Final = {
    "http_error": "The answer had an HTTP status of 400 or more, and nothing of the API in it.",
    "bad_response": "The answer was not what the API documents. Its rows say what was wrong.",
    "timeout": "No complete answer came within the client's timeout.",
    "connection_error": "The connection could not be made, or broke.",
}
"""What each outcome means that comes without an error code."""

_LINE: Final = "{:<8}  {:>8}  {:<9}  {:>5}  {:>7}\n{:<23} \t{}"
TASKS: Final = _LINE.format("UTC", "task", "state", "polls", "seconds", "type", "error code")
_KINDS: Final = {"ready": "good", "failed": "bad"}


class Seen(NamedTuple):
    """What is seen of a log."""

    rows: list[Row]
    told: str
    """A sentence about them."""
    requests: dict[str, Filter]
    """What each row's requests are."""


class Pages:
    """The requests that a filter lets through; an older page stands still while others come."""

    def __init__(self, log: ExchangeLog, wanted: Filter = EVERYTHING) -> None:
        self.log, self.wanted, self._search = log, wanted, Search(log, wanted)
        self.newer = self.older = False
        """Whether there is a page before or after the one that was seen."""
        self._skip = self._found = 0
        self._left: int | None = None  # rows that were found when the first page was left

    def turn(self, pages: int) -> None:
        """Go to an older page, or back."""
        if not self._skip:
            self._left = self._found
        self._skip = max(0, self._skip + pages * ROWS)
        self._left = self._left if self._skip else None

    def seen(self, stopped: Callable[[], bool]) -> Seen | None:
        """Return the page as it stands now; None if it was stopped."""
        page = self._search.page(ROWS, skip=self._skip, oldest=self._left, stopped=stopped)
        if page is None:
            return None
        self._found = page.found
        first, last = self._skip + 1, self._skip + len(page.exchanges)
        of = page.found if self._left is None else self._left
        self.newer, self.older = self._skip > 0, last < of
        if not page.rows:
            told = "No request has been made yet. Each one will be a row here."
        elif not page.found:
            told = f"No row fits the filters; the log has {page.rows:,}."
        else:
            told = f"Rows {first:,} to {last:,} of {of:,}, newest first"
            told += f"; {page.found - of:,} came meanwhile" if page.found > of else ""
            told += f"; the log has {page.rows:,}" if page.found != page.rows else ""
        return Seen([row_of(one, self.log.session) for one in page.exchanges], told, {})


def tasks_of(log: ExchangeLog) -> Seen:
    """The newest tasks of a log."""
    tasks = log.tasks(last=LAST)
    rows = tasks.as_dicts(ROWS)
    told = "No task has been created yet."
    if rows:
        told = (
            f"The newest {len(rows)} of {len(tasks):,} tasks in the last {LAST:,} requests; "
            "log.tasks() has all of them, and what they cost."
        )
    numbered = [row for row in rows if row["task_id"] is not None]
    requests = {row["created_by"]: Filter(task_id=int(row["task_id"])) for row in numbered}
    return Seen([*map(_task_row, rows)], told, requests)


def errors_of(log: ExchangeLog) -> Seen:
    """Each error code that came, and each way in which requests broke."""
    # no code has come: that is known without a look at every row
    came = log.errors().to_dict("records") if log.words("error_code") else []
    rows = [_code_row(row) for row in came]
    requests = {row.key: Filter(error_code=row.key) for row in rows}
    for outcome, page in broken(log).items():
        rows.append(_broken_row(outcome, page))
        requests[outcome] = Filter(outcome=outcome)
    return Seen(rows, "" if rows else "Nothing has gone wrong so far.", requests)


def broken(log: ExchangeLog) -> dict[str, Page]:
    """The requests that broke without an error code, by outcome: how many, and the newest."""
    pages = {outcome: Search(log, Filter(outcome=outcome)).page(1) for outcome in BROKEN}
    return {outcome: page for outcome, page in pages.items() if page is not None and page.found}


def table_of(log: ExchangeLog, rows: int = ROWS) -> str:
    """The newest rows of a log as static HTML."""
    newest = log.recent(rows)
    if not newest:
        return note("No request has been made yet.")
    lines = [HEADER, *(row_of(exchange, log.session).text for exchange in newest)]
    return _html.code("\n".join(re.sub("[\n\t]", " ", text) for text in lines))


def _task_row(row: Mapping[str, Any]) -> Row:
    kind = _KINDS.get(row["state"], "plain")
    text = _LINE.format(
        f"{row['created_at']:%H:%M:%S}",
        row["task_id"] or "",
        f"{SIGNS[kind]} {row['state']}",
        row["polls"],
        "" if row["queue_s"] is None else f"{row['queue_s']:.2f}",
        row["task_type"] or "",
        row["error_code"] or "",
    )
    return Row(row["created_by"], text, kind)


def _code_row(row: Mapping[Any, Any]) -> Row:
    entry = explain(row["error_code"])
    about = f"about {' or '.join(entry.fields)} · " if entry.fields else ""
    text = (
        f"✗ {entry.code} · {_html.many(row['count'], 'time')} · {AGAIN} {again(entry.retryable)}\n"
        f"{entry.meaning} {entry.remedy}\n"
        f"{about}example {row['example']} · last {row['last_seen']:%H:%M:%S} UTC"
    )
    return Row(entry.code, text.replace("`", ""), "bad")


def _broken_row(outcome: str, page: Page) -> Row:
    newest = page.exchanges[0]
    text = (
        f"✗ {outcome} · {_html.many(page.found, 'time')} · no error code\n{BROKEN[outcome]}\n"
        f"example {newest.exchange_id} · last {newest.started_at:%H:%M:%S} UTC"
    )
    return Row(outcome, text, "bad")
