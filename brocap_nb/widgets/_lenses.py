"""A log seen by tasks, each with its polls folded in, and by what went wrong, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._facts import AGAIN, CATALOGUE, again, explain
from brocap_nb.log._search import Filter, Page, Search
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._rows import SIGNS, Row, RowList, in_background, line
from brocap_nb.widgets._style import Report, plain, show_html, status_note

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

ROWS: Final = 10
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
_HEADER: Final = _LINE.format("UTC", "task", "state", "polls", "seconds", "type", "error code")
_KINDS: Final = {"ready": "good", "failed": "bad"}


class _Lens(widgets.VBox):
    """Rows of a log; one that is clicked says more, and leads to its requests.

    `requests` is called with what these are.
    """

    def __init__(
        self,
        log: ExchangeLog,
        requests: Callable[[Filter], object],
        report: Report,
        header: str = "",
        name: str = "",
    ) -> None:
        self.exchanges, self._report = log, report
        self.chosen = ""
        """The row, or the code, that more is said about."""
        self._requests: dict[str, Filter] = {}  # of each row
        self.list = RowList(self._click, header)
        self.said, self.more = widgets.HTML(), widgets.HTML(layout={"display": "none"})
        self.show_requests = widgets.Button(
            description="Show its requests", layout={"display": "none"}
        )
        self.show_requests.on_click(report.guard(lambda: requests(self._requests[self.chosen])))
        self._buttons = line(self.show_requests)
        super().__init__(
            [self.said, self.list, self._buttons, self.more],
            layout={"width": "auto", "grid_gap": "8px"},
            classes=(name,),
        )

    def draw(self) -> None:
        """Show how the log stands now."""
        raise NotImplementedError

    def choose(self, key: str) -> None:
        """Say more about a row, or about a code of none; nothing if it is empty."""
        self._report.clear()
        self.chosen = key
        self.list.mark(key)
        widgets.show(self.show_requests, key in self._requests)
        show_html(self.more, self._more(key) if key else "")

    def _more(self, key: str) -> str:
        raise NotImplementedError

    def _click(self, key: str) -> None:
        with self._report.catching():
            self.choose("" if key == self.chosen else key)


class TaskLens(_Lens):
    """The newest tasks of a log."""

    def __init__(
        self, log: ExchangeLog, requests: Callable[[Filter], object], report: Report
    ) -> None:
        super().__init__(log, requests, report, _HEADER, "brocap-tasks")

    def draw(self) -> None:
        """Show how the log stands now."""
        tasks = self.exchanges.tasks(last=LAST)
        rows = tasks.as_dicts(ROWS)
        self._requests = {
            row["created_by"]: Filter(task_id=int(row["task_id"]))
            for row in rows
            if row["task_id"] is not None
        }
        self.list.show(map(_task_row, rows))
        self.said.value = status_note(
            f"The newest {len(rows)} of {len(tasks):,} tasks in the last {LAST:,} requests; "
            "log.tasks() has all of them, and what they cost."
            if rows
            else "No task has been created yet."
        )

    def _more(self, key: str) -> str:
        if key in self._requests:
            return self.exchanges.timeline(self._requests[key].task_id or 0)._repr_html_()
        return str(self.exchanges[key]._repr_mimebundle_()["text/html"])  # it became no task


class ErrorExplorer(_Lens):
    """Each error code that came, and each way in which requests broke.

    `recipes` returns how each code is provoked in the sandbox, and `provoke` does so.
    """

    def __init__(
        self,
        log: ExchangeLog,
        requests: Callable[[Filter], object],
        report: Report,
        recipes: Callable[[], Mapping[str, str]],
        provoke: Callable[[str], object] | None,
    ) -> None:
        super().__init__(log, requests, report, name="brocap-errors")
        self._recipes, self._provoke = recipes, provoke
        self.any_code = plain(
            widgets.Dropdown,
            "Explain an error code",
            options=[("choose one", ""), *((code, code) for code in CATALOGUE)],
            layout={"max_width": "26em"},
        )
        self.provoke = widgets.Button(
            description="Provoke it in the sandbox",
            tooltip="Send what makes the sandbox answer with this code",
            layout={"display": "none"},
        )
        self._buttons.children += (self.provoke,)
        self.children += (self.any_code,)
        self.any_code.observe(report.guard(lambda: self.choose(self.any_code.value)), "value")
        self.provoke.on_click(report.guard(self._start_to_provoke))

    def draw(self) -> None:
        """Show how the log stands now."""
        # no code has come: that is known without a look at every row
        came = self.exchanges.words("error_code")
        errors = self.exchanges.errors().to_dict("records") if came else []
        rows = [_code_row(row) for row in errors]
        self._requests = {row.key: Filter(error_code=row.key) for row in rows}
        for outcome, page in broken(self.exchanges).items():
            rows.append(_broken_row(outcome, page))
            self._requests[outcome] = Filter(outcome=outcome)
        self.list.show(rows)
        show_html(self.said, "" if rows else status_note("Nothing has gone wrong so far."))

    def choose(self, key: str) -> None:
        """Say what the row of a code does not: how it is provoked; of one without a row, all."""
        super().choose(key)
        widgets.show(self.provoke, self._provoke and key in self._recipes())
        if key in CATALOGUE:
            self.any_code.value = key

    def _more(self, key: str) -> str:
        how = self._recipes().get(key)
        facts = [] if key in self._requests else explain(key).facts()
        facts += [("in the sandbox", how)] if how else []
        shown = _html.facts((label, _html.words(text)) for label, text in facts)
        return f'<div class="brocap-explained" role="status">{shown}</div>' if facts else ""

    def _start_to_provoke(self) -> None:
        code, provoke = self.chosen, self._provoke
        assert provoke is not None

        def work() -> None:
            provoke(code)
            self._report.tell("Done: the log has it, newest first.")

        self._report.tell(f"Sending what brings {code} about …")
        in_background(self.provoke, self._report, work)


def broken(log: ExchangeLog) -> dict[str, Page]:
    """The requests that broke without an error code, by outcome: how many, and the newest."""
    pages = {outcome: Search(log, Filter(outcome=outcome)).page(1) for outcome in BROKEN}
    return {outcome: page for outcome, page in pages.items() if page is not None and page.found}


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
