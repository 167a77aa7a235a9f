"""A log to look at: its requests, its tasks, its errors, and one exchange in full.

requests ──click──► exchange
tasks, errors ──click──► its requests, and more about it
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import CATALOGUE, explain
from brocap_nb.log import ExchangeLog
from brocap_nb.log._search import EVERYTHING, Filter, Page, Search
from brocap_nb.sandbox._recipes import RECIPES
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._exchange_view import ExchangeView, name_of
from brocap_nb.widgets._rows import ROWS, RowList, Seen, broken, errors_of, requests_of, tasks_of
from brocap_nb.widgets._target import provoke

if TYPE_CHECKING:
    from brocap_nb.widgets._target import TargetChooser

INTERVAL: Final = 0.3  # seconds from one drawing to the next; most exchanges end within it


class LogBoard:
    """Follows a log: every row, every task, what went wrong, and any exchange in full.

    >>> from brocap_nb.widgets import LogBoard
    >>> board = LogBoard(log)
    >>> board
    <LogBoard of <ExchangeLog of 0 exchanges in memory>>
    >>> board.close()

    The cell that makes it closes it when it is run again.

    Args:
        log: the log; it may be one that other kernels write.
        target: where a Console sends its tasks, and what is sent again; its board is closed with
            it. Without one nothing is sent.

    Raises:
        InvalidInputError: `log` is no log.
    """

    def __init__(self, log: ExchangeLog, *, target: TargetChooser | None = None) -> None:
        if not isinstance(log, ExchangeLog):
            raise InvalidInputError(
                f"The log is a value of type {type(log).__name__}; expected an ExchangeLog, such "
                'as client.log or bn.ExchangeLog("brocap_log").',
                field="log",
            )
        self.log, self._target = log, target
        self._search, self._count = Search(log), ROWS
        self._controls: tuple[Any, ...] = ()
        self._lock = threading.Lock()
        self._renew: Callable[[], None] = lambda: None
        self._report = widgets.Report(target.redact if target is not None else str)
        guard = self._report.guard
        self._refresh = widgets.Refresh(guard(self.draw), INTERVAL)
        self._later = widgets.Refresh(lambda: self._renew(), 5.0)
        self.view = widgets.ToggleButtons(
            options=[(kind.title(), kind) for kind in ("requests", "tasks", "errors")]
        )
        """What a row is: a request, a task or an error."""
        self.filters = widgets.Fold("Filter", self._section)
        self.list = RowList(self._click)
        self.place = widgets.HTML()
        self._rows = widgets.VBox([self.list, self.place], classes=("brocap-log",))
        self._frame = widgets.HTML()
        head = widgets.line(widgets.HTML(widgets.heading("Log")), self.view, self.filters)
        self.widget = widgets.View(
            [head, self._report, self._rows, self._frame],
            classes=("brocap-panel",),
        )
        """All of it, to be put into a layout of your own."""
        self.view.observe(guard(self._turn_to), "value")
        self._unsubscribe = log.subscribe(lambda _: self._refresh.request(), others=True)
        guard(self.draw)()
        if target is None:
            widgets.dress(self.widget)
            widgets.replace_former(self.close)

    # what is not seen at first is not made at first: each widget takes its time in the browser

    def _section(self) -> Sequence[widgets.Widget]:
        self.outcome = _choice("Outcome", *map(str, Outcome))
        self.method, self.error_code = _choice("Method"), _choice("Code", *CATALOGUE)
        hint = "anything in it, or: task 7654321"
        self.text = widgets.plain(widgets.Text, "Search", placeholder=hint)
        self._controls = (self.outcome, self.method, self.error_code, self.text)
        self._offer()
        for control in self._controls:
            control.observe(self._report.guard(self._filter), "value")
        self.clear = widgets.Button(description="Clear filters", layout=widgets.shown(False))
        self.clear.on_click(self._report.guard(lambda: self.show_only(EVERYTHING)))
        return (widgets.line(*self._controls, self.clear, name="brocap-filters"),)

    @cached_property
    def more(self) -> Any:
        """Shows more rows."""
        more = widgets.Button(description="Show more")
        more.on_click(self._report.guard(self._show_more))
        rows, place, *others = self._rows.children
        self._rows.children = (rows, widgets.line(place, more), *others)
        return more

    @cached_property
    def exchange(self) -> ExchangeView:
        """One exchange in full."""
        view = ExchangeView(self.log, self._target)
        view.observe(self._mark_opened, "exchange_id")
        self.widget.children += (view,)
        return view

    @cached_property
    def details(self) -> widgets.VBox:
        """More about the task, or the error code, whose requests are shown."""
        self.about = widgets.HTML()
        self.provoke = widgets.Button(
            description="Provoke it in the sandbox",
            tooltip="Send what makes the sandbox answer with this code",
        )
        self.provoke.on_click(self._report.guard(self._start_to_provoke))
        box = widgets.VBox([widgets.line(self.provoke), self.about], classes=("brocap-gap",))
        self._rows.children += (box,)
        return box

    # what is seen

    def draw(self) -> None:
        """Show how the log stands now; in the static form a little later. From any thread."""
        with self._lock:
            wrong = broken(self.log)
            if (seen := self._seen(wrong)) is None:  # another search has begun, and draws
                return
            self.list.show(seen.rows, seen.header)
            if seen.more or "more" in self.__dict__:
                widgets.show(self.more, seen.more)
            self.place.value = widgets.status_note(seen.told)
            errors = len(self.log.words("error_code")) + len(wrong)
            labels = ("Requests", "Tasks", f"Errors ({errors})" if errors else "Errors")
            self.view.set_trait("_options_labels", labels)  # new options would choose the first
            name = name_of(self.log)
            frame = widgets.copyable(f"As a DataFrame: <pre>{escape(name)}.frame()</pre>")
            self._frame.value = name and frame
        self._later.request()

    def _seen(self, wrong: dict[str, Page]) -> Seen | None:
        if self.view.value == "tasks":
            return tasks_of(self.log, self._count)
        if self.view.value == "errors":
            return errors_of(self.log, wrong)
        search = self._search
        self._offer()
        return requests_of(self.log, search, self._count, lambda: self._search is not search)

    def _show_more(self) -> None:
        self._count *= 2
        self.draw()

    def _turn_to(self) -> None:
        kind, self._count = self.view.value, ROWS
        requests = kind == "requests"
        self._rows._dom_classes = ("brocap-log" if requests else f"brocap-{kind}",)
        widgets.show(self.filters, requests)
        self._report.clear()
        self.draw()
        self._mark_opened()

    def _click(self, key: str) -> None:
        with self._report.catching():
            if wanted := self.list.rows[key].requests:
                self.show_only(wanted)
            else:  # a request, or a createTask that became no task
                self.exchange.show_exchange(key)

    def _mark_opened(self, _: Any = None) -> None:
        if self.view.value == "requests" and "exchange" in self.__dict__:
            self.list.mark(self.exchange.exchange_id)
        self._tell_more()

    # whose requests they are

    def _tell_more(self) -> None:
        """Draw the task, or explain the error code, that all requests shown are of.

        An exchange that is open explains its code itself.
        """
        wanted, html, how = self._search.wanted, "", ""
        opened = self.exchange.exchange_id if "exchange" in self.__dict__ else None
        if self.view.value == "requests" and wanted.task_id is not None and self.list.rows:
            html = self.log.timeline(wanted.task_id)._repr_html_()
        elif self.view.value == "requests" and wanted.error_code:
            facts = [] if opened in self.list.rows else explain(wanted.error_code).facts()
            if self._target is not None and self._target.to_sandbox:
                how = next((one.how for one in RECIPES if one.code == wanted.error_code), "")
                facts += [("in the sandbox", how)] if how else []
            shown = _html.facts((label, _html.words(text)) for label, text in facts)
            html = f'<div class="brocap-explained" role="status">{shown}</div>' if facts else ""
        if html or "details" in self.__dict__:
            widgets.show(self.details, html)
            widgets.show(self.provoke, how)
            self.about.value = html

    def _start_to_provoke(self) -> None:
        assert self._target is not None
        code, sandbox = str(self._search.wanted.error_code), self._target.sandbox()

        def work() -> None:
            provoke(code, sandbox, self.log)
            self._report.tell("Done: the log has it, newest first.")

        self._report.tell(f"Sending what brings {code} about …")
        widgets.in_background(self.provoke, self._report, work)

    # which requests

    def show_only(self, wanted: Filter) -> None:
        """Show the requests that a filter lets through, and set the controls so."""
        self.filters.opened.value = True
        text = wanted.text if wanted.task_id is None else f"task {wanted.task_id}"
        values = (wanted.outcome, wanted.method, wanted.error_code, text)
        for control, value in zip(self._controls, values, strict=True):
            control.value = ""
            self._offer()  # what came meanwhile
            control.value = value or ""
        self.view.value = "requests"

    def _filter(self) -> None:
        text = self.text.value.strip()
        task = re.fullmatch(r"task (\d+)", text, re.IGNORECASE)
        outcome, method, code = (control.value or None for control in self._controls[:3])
        task_id, text = (int(task[1]), "") if task else (None, text)
        wanted = Filter(outcome, method, code, task_id, text)
        self._search, self._count = Search(self.log, wanted), ROWS
        widgets.show(self.clear, wanted)
        if wanted.text:
            self.place.value = widgets.status_note("Searching …")
            self._refresh.request()  # a text is looked for in the bodies, in another thread
        else:
            self.draw()
        self._tell_more()

    def _offer(self) -> None:
        """List the methods and codes that came too; new options would undo a choice."""
        names = ("method", "error_code")
        for control, name in zip(self._controls[1:3], names, strict=False):  # none while folded
            known = [value for _, value in control.options]
            new = [word for word in self.log.words(name) if word not in known]
            if new and not control.value:
                control.options = [*control.options, *((word, word) for word in new)]

    # as a whole

    def close(self) -> None:
        """Stop following the log, and take the widget away."""
        self._unsubscribe()
        self._refresh.close()
        self._later.close()
        widgets.close_all(self.widget)

    def __repr__(self) -> str:
        return f"<LogBoard of {self.log!r}>"

    def _ipython_display_(self, **kwargs: Any) -> None:
        if self.widget.comm is not None:
            self.draw()  # it may have got a name meanwhile
        self._renew = widgets.display_both(self.widget, self._repr_mimebundle_, **kwargs)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return _html.bundle(self.log._repr_mimebundle_()["text/html"], repr(self))


def _choice(label: str, *options: str) -> Any:
    return widgets.plain(
        widgets.Dropdown,
        label,
        # a value of None would choose nothing
        options=[(f"any {label.lower()}", ""), *((word, word) for word in options)],
    )
