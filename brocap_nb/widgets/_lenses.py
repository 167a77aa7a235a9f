"""What a log's board shows: its newest requests, its tasks, or what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from brocap_nb import _html
from brocap_nb.api._facts import AGAIN, again, explain
from brocap_nb.log._search import Filter, Page, Search
from brocap_nb.widgets._rows import HEADER, Row, row_of, signed

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

ROWS: Final = 10
"""Rows that are shown at first."""
NO_ROWS: Final = "No request has been made yet. Each one will be a row here."
LAST: Final = 3_000
"""How many of the newest exchanges are looked at: each change of the log is drawn."""
BROKEN: Final = {
    "http_error": "The answer had an HTTP status of 400 or more, and nothing of the API in it.",
    "bad_response": "The answer was not what the API documents. Its rows say what was wrong.",
    "timeout": "No complete answer came within the client's timeout.",
    "connection_error": "The connection could not be made, or broke.",
}
"""What each outcome means that comes without an error code."""

_TASK: Final = "{:<8}  {:>8}  {:<9}  {:>5}  {:>7}\n{:<23} \t{}"
_TASKS: Final = _TASK.format("UTC", "task", "state", "polls", "seconds", "type", "error code")


class Seen(NamedTuple):
    rows: list[Row]
    told: str
    """A sentence about them."""
    header: str = ""
    more: bool = False
    """Whether there are more rows."""
    requests: Mapping[str, Filter] = MappingProxyType({})
    """What each row's requests are."""


def requests_of(
    log: ExchangeLog, search: Search, count: int, stopped: Callable[[], bool]
) -> Seen | None:
    """The newest requests that are found; None if it was stopped."""
    page = search.page(count, stopped=stopped)
    if page is None:
        return None
    if not page.rows:
        told = NO_ROWS
    elif not page.found:
        told = f"No row fits the filters; the log has {page.rows:,}."
    else:
        told = f"Rows 1 to {len(page.exchanges):,} of {page.found:,}, newest first"
        told += f"; the log has {page.rows:,}" if page.found != page.rows else ""
    rows = [row_of(exchange, log.session) for exchange in page.exchanges]
    return Seen(rows, told, HEADER, page.found > len(rows))


def tasks_of(log: ExchangeLog, count: int) -> Seen:
    tasks = log.tasks(last=LAST)
    rows, requests = [], {}
    for task in tasks.as_dicts(count):
        kind, state = signed(task["state"])
        text = _TASK.format(
            f"{task['created_at']:%H:%M:%S}",
            task["task_id"] or "",
            state,
            task["polls"],
            "" if task["queue_s"] is None else f"{task['queue_s']:.2f}",
            task["task_type"] or "",
            task["error_code"] or "",
        )
        rows.append(Row(task["created_by"], text, kind))
        if task["task_id"] is not None:
            requests[task["created_by"]] = Filter(task_id=int(task["task_id"]))
    told = (
        f"The newest {len(rows)} of {len(tasks):,} tasks in the last {LAST:,} requests; "
        "log.tasks() has all of them, and what they cost."
    )
    if not rows:
        told = "No task has been created yet."
    return Seen(rows, told, _TASKS, len(tasks) > len(rows), requests)


def errors_of(log: ExchangeLog) -> Seen:
    """Each error code that came, and each way in which requests broke."""
    rows, requests = [], {}

    def add(name: str, count: int, aside: str, words: str, example: str, last: datetime) -> None:
        text = f"✗ {name} · {_html.many(count, 'time')} · {aside}\n{words.replace('`', '')}\n"
        rows.append(Row(name, f"{text}example {example} · last {last:%H:%M:%S} UTC", "bad"))

    # no code has come: that is known without a look at every row
    for row in log.errors().as_dicts() if log.words("error_code") else []:
        entry = explain(row["error_code"])
        words = f"{entry.meaning} {entry.remedy}"
        if entry.fields:
            words += f" It is about {' or '.join(entry.fields)}."
        asked = f"{AGAIN} {again(entry.retryable)}"
        add(entry.code, row["count"], asked, words, row["example"], row["last_seen"])
        requests[entry.code] = Filter(error_code=entry.code)
    for outcome, page in broken(log).items():
        newest = page.exchanges[0]
        example, last = newest.exchange_id, newest.started_at
        add(outcome, page.found, "no error code", BROKEN[outcome], example, last)
        requests[outcome] = Filter(outcome=outcome)
    return Seen(rows, "" if rows else "Nothing has gone wrong so far.", requests=requests)


def broken(log: ExchangeLog) -> dict[str, Page]:
    """The requests that broke without an error code, by outcome: how many, and the newest."""
    pages = {outcome: Search(log, Filter(outcome=outcome)).page(1) for outcome in BROKEN}
    return {outcome: page for outcome, page in pages.items() if page is not None and page.found}
