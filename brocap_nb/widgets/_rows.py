"""What a log's board is made of: rows to be opened, each a request, a task or what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from brocap_nb import _html
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import AGAIN, again, explain
from brocap_nb.log._search import EVERYTHING, Filter, Page, Search
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog

_LINE: Final = "{:<8}  {:<13} \t{:>8}  {:>4}  {:>7}\n{:<18} \t{}"
HEADER: Final = _LINE.format("UTC", "method", "task", "HTTP", "ms", "outcome", "code or type")
_SIGNS: Final = {True: ("good", "✓"), False: ("bad", "✗"), None: ("plain", "…")}


class Row(NamedTuple):
    """What can be opened: a few words of text."""

    key: str
    text: str
    """Its lines. With columns it has two, which are one where there is room for both, and a tab,
    at which it may be broken where there is little."""
    kind: str = "plain"
    """`good`, `bad` or `plain`: the colour beside it. A sign in the text says the same."""
    requests: Filter = EVERYTHING
    """What the requests of a task or an error are."""


def signed(word: str) -> tuple[str, str]:
    """Return the kind of an outcome or a state, and the word with its sign."""
    kind, sign = _SIGNS[_html.GOOD.get(word, False)]
    return kind, f"{sign} {word}"


def row_of(exchange: Exchange, own_session: str) -> Row:
    """Return an exchange as a row; one of this session without an answer is under way."""
    waits = (exchange.outcome, exchange.elapsed_ms) == (Outcome.NO_RESPONSE, None)
    under_way = waits and exchange.session == own_session
    kind, outcome = signed("under way" if under_way else str(exchange.outcome))
    text = _LINE.format(
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method[:13],
        "" if exchange.task_id is None else exchange.task_id,
        exchange.http_status or "",
        "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
        outcome,
        exchange.error_code or exchange.status or exchange.task_type or "",
    )
    if who := exchange.session.rpartition("/")[0]:  # of a log of many folders
        text = f"{text}  {who}"
    return Row(exchange.exchange_id, text, kind)


class RowList(widgets.VBox):
    """Rows, each a button of its own; `opened` is called with the key of one that was clicked.

    When a row is added, the button of the one that fell off is used for it: a few small messages.
    """

    def __init__(self, opened: Callable[[str], object]) -> None:
        self._opened = opened
        self.rows: dict[str, Row] = {}
        self._buttons: dict[str, Any] = {}
        self._marked: str | None = None
        self._header = widgets.HTML(classes=("brocap-row-header",))
        super().__init__([self._header], classes=("brocap-rows",))

    def show(self, rows: Iterable[Row], header: str = "") -> None:
        """Show these rows, in this order, and the names of their columns."""
        names = f'<pre aria-hidden="true">{_aligned(f"  {header}")}</pre>'
        self._header.value = header and names
        former, self.rows = self._buttons, {row.key: row for row in rows}
        free = [button for key, button in former.items() if key not in self.rows]
        self._buttons = {
            key: former.get(key) or (free.pop() if free else self._button()) for key in self.rows
        }
        self.mark(self._marked)
        self.children = (self._header, *self._buttons.values())
        for button in free:
            widgets.close_all(button)

    def mark(self, key: str | None) -> None:
        self._marked = key
        for row in self.rows.values():
            text = f"{'▸' if row.key == key else ' '} {row.text}"
            marked = ["brocap-row-open"] * (row.key == key)
            button = self._buttons[row.key]
            with button.hold_sync():  # one message for both
                button.description = _aligned(text) if "\t" in text else text.strip()
                button._dom_classes = ("brocap-row", f"brocap-row-{row.kind}", *marked)

    def _button(self) -> Any:
        def clicked(button: Any) -> None:
            self._opened(next(key for key, one in self._buttons.items() if one is button))

        button = widgets.Button()
        button.on_click(clicked)
        return button


def _aligned(text: str) -> str:
    """The same with spaces that hold: a style sheet says whether its lines are one."""
    return text.replace("\n", "\n  ").replace(" ", "\xa0").replace("\t", " ")


ROWS: Final = 10
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
    header: str = ""
    more: bool = False


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
    rows = []
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
        number = task["task_id"]
        requests = EVERYTHING if number is None else Filter(task_id=int(number))
        rows.append(Row(task["created_by"], text, kind, requests))
    told = (
        f"The newest {len(rows)} of {len(tasks):,} tasks in the last {LAST:,} requests; "
        "log.tasks() has all of them, and what they cost."
    )
    if not rows:
        told = "No task has been created yet."
    return Seen(rows, told, _TASKS, len(tasks) > len(rows))


def errors_of(log: ExchangeLog, wrong: dict[str, Page]) -> Seen:
    """Each error code that came, and each way in which requests broke, as `broken` has them."""
    rows = []

    def add(wanted: Filter, count: int, aside: str, words: str, example: str, last: Any) -> None:
        name = wanted.error_code or str(wanted.outcome)
        text = f"✗ {name} · {_html.many(count, 'time')} · {aside}\n{words.replace('`', '')}\n"
        text += f"example {example} · last {last:%H:%M:%S} UTC"
        rows.append(Row(name, text, "bad", wanted))

    # no code has come: that is known without a look at every row
    for row in log.errors().as_dicts() if log.words("error_code") else []:
        entry = explain(row["error_code"])
        words = f"{entry.meaning} {entry.remedy}"
        if entry.fields:
            words += f" It is about {' or '.join(entry.fields)}."
        asked = f"{AGAIN} {again(entry.retryable)}"
        wanted = Filter(error_code=entry.code)
        add(wanted, row["count"], asked, words, row["example"], row["last_seen"])
    for outcome, page in wrong.items():
        newest = page.exchanges[0]
        example, last = newest.exchange_id, newest.started_at
        add(Filter(outcome), page.found, "no error code", BROKEN[outcome], example, last)
    return Seen(rows, "" if rows else "Nothing has gone wrong so far.")


def broken(log: ExchangeLog) -> dict[str, Page]:
    """The requests that broke without an error code, by outcome: how many, and the newest."""
    pages = {outcome: Search(log, Filter(outcome=outcome)).page(1) for outcome in BROKEN}
    return {outcome: page for outcome, page in pages.items() if page is not None and page.found}
