"""The error codes of a log as bars: what each means, what to do, and how to meet it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._facts import CATALOGUE, explain
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._rows import LogView, Row, RowList
from brocap_nb.widgets._style import Report, heading, plain, show_html

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog

_NONE: Final = ("(none)", "")


class ErrorExplorer(LogView):
    """One bar for each error code that came. It follows the log until it is closed.

    Args:
        log: the log.
        chosen: called with a code that was clicked, and with None when it is clicked again.
        recipes: returns how each code is provoked in the sandbox, as sentences; empty if tasks
            do not go there.
        provoke: does so; called in a thread of its own.
        redact: takes secrets out of what is shown when something fails.
    """

    def __init__(
        self,
        log: ExchangeLog,
        *,
        chosen: Callable[[str | None], object] = lambda code: None,
        recipes: Callable[[], Mapping[str, str]] = dict,
        provoke: Callable[[str], object] | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.code: str | None = None
        """The code that is explained."""
        self._chosen, self._recipes, self._provoke = chosen, recipes, provoke
        report = Report(redact)
        self._title = widgets.HTML()
        self.list = RowList("", self._click, pictures=True)
        self.any_code = plain(
            widgets.Dropdown,
            "Look a code up",
            options=[_NONE, *((code, code) for code in CATALOGUE)],
            layout={"max_width": "26em"},
        )
        self._explanation = widgets.HTML(layout={"display": "none"})
        self.provoke = widgets.Button(
            description="Provoke it in the sandbox",
            tooltip="Send what makes the sandbox answer with this code",
            layout={"display": "none", "align_self": "flex-start"},
        )
        super().__init__(
            log,
            report,
            [self._title, self.list, self.any_code, self._explanation, self.provoke, report],
            concerns=lambda exchange: exchange.error_code,
        )
        self.any_code.observe(report.guard(lambda: self.explain(self.any_code.value)), "value")
        self.provoke.on_click(report.guard(self._start_to_provoke))

    def _draw(self) -> None:
        # no code has come: that is known without a look at every row
        came = self.exchanges.words("error_code")
        errors = self.exchanges.errors().to_dict("records") if came else []
        most = max((row["count"] for row in errors), default=1)
        self.list.show(_row(row, most) for row in errors)
        aside = f"{len(errors)} {'code' if len(errors) == 1 else 'codes'}; click one"
        self._title.value = heading(
            "Errors", aside if errors else "the service has reported none so far"
        )

    def explain(self, code: str) -> None:
        """Say what a code means and what to do; an empty one says nothing."""
        self.code = code or None
        self._report.clear()
        self.list.mark(self.code)
        if self.any_code.value != code:
            self.any_code.value = code if code in CATALOGUE else ""
            self.code = code or None  # the control has told of a code that it does not know
        how = self._recipes().get(code) if code else None
        show_html(self._explanation, _explained(code, how) if code else "")
        shown = bool(how) and self._provoke is not None
        widgets.show(self.provoke, shown)

    def _click(self, code: str) -> None:
        with self._report.catching():
            again = code == self.code
            self.explain("" if again else code)
            self._chosen(None if again else code)

    def _start_to_provoke(self) -> None:
        code = self.code
        if code is None or self._provoke is None:
            return
        provoke = self._provoke
        self.provoke.disabled = True
        self._report.tell(f"Sending what brings {code} about …")

        def work() -> None:
            try:
                provoke(code)
                self._report.tell("Done: the log has it, newest first.")
            finally:
                self.provoke.disabled = False

        threading.Thread(
            target=self._report.guard(work), name="brocap provoke", daemon=True
        ).start()


def _row(row: Mapping[Any, Any], most: int) -> Row:
    count, code = int(row["count"]), str(row["error_code"])
    told = f"{count:,} {'time' if count == 1 else 'times'}, last {row['last_seen']:%H:%M:%S} UTC"
    bar = (
        '<svg class="brocap-bar" viewBox="0 0 100 10" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(told)}"><rect width="{100 * count / most:.1f}" '
        f'height="10" rx="1"/></svg><span>{escape(told)}</span>'
    )
    return Row(code, code, "bad", f'<div class="brocap-bar-row">{bar}</div>')


def _explained(code: str, how: str | None) -> str:
    facts = [*explain(code).facts(), *([("in the sandbox", how)] if how else [])]
    shown = [(label, _html.words(text)) for label, text in facts]
    return (
        f'<div class="brocap-explained" role="status"><b><code>{escape(code)}</code></b>'
        f"{_html.facts(shown)}</div>"
    )
