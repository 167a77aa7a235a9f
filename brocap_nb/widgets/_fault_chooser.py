"""Orders what the sandbox does wrong next, so that a failure can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import METHODS
from brocap_nb.sandbox._faults import FAULTS
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._forms import read_number
from brocap_nb.widgets._style import Report, note, plain

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox import Sandbox

TITLE: Final = "Make it fail"
TIMES: Final = "How many requests"


class FaultChooser(widgets.VBox):
    """A folded section: method, fault, how often, the orders that wait, and a way to clear them.

    `sandbox` is called when something is ordered, and may start it. What is sent to it uses the
    orders up, so they are drawn anew after each row of `log`.
    """

    def __init__(self, sandbox: Callable[[], Sandbox], log: ExchangeLog) -> None:
        self._sandbox, self._log = sandbox, log
        self._used: Sandbox | None = None
        self._met = ""
        self._unsubscribe: Callable[[], None] = lambda: None
        self._refresh = widgets.Refresh(self.draw)
        self.opened = widgets.ToggleButton(
            description=f"▸ {TITLE}",
            tooltip="Show or hide the faults of the sandbox",
            classes=("brocap-quiet",),
        )
        super().__init__([self.opened], classes=("brocap-faults",))
        self.opened.observe(lambda _: self._fold(), "value")

    def _fill(self) -> None:
        """Make the section, when it is first looked at."""
        self.method = plain(
            widgets.Dropdown, "Method that fails", options=METHODS, value="getTaskResult"
        )
        names = [(f"{name}: {what[:50].rstrip('.')}", name) for name, what in FAULTS.items()]
        self.fault = plain(widgets.Dropdown, "Fault", options=names, value="reset")
        self.times = plain(widgets.Text, TIMES, value="1")
        self.order = widgets.PatientButton(description="Make the next request fail")
        self.clear = widgets.Button(description="Clear", tooltip="Forget what is planned")
        self._report = Report()
        self._what, self._pending = widgets.HTML(), widgets.HTML()
        self.fault.observe(lambda _: self._explain(), "value")
        self.order.on_click(self._report.guard(self._order))
        self.clear.on_click(self._report.guard(self._clear))
        self._explain()
        for control, width in ((self.method, 150), (self.fault, 260), (self.times, 130)):
            widgets.rearrange(control, flex=f"1 1 {width}px")
        chosen, buttons = (
            widgets.Box(parts, layout={"width": "auto"}, classes=("brocap-line",))
            for parts in ([self.method, self.fault, self.times], [self.order, self.clear])
        )
        section = widgets.VBox(
            [chosen, self._what, self._report, buttons, self._pending], layout={"width": "auto"}
        )
        self.children += (section,)
        self._unsubscribe = self._log.subscribe(self._heard)

    def draw(self) -> None:
        """Show the orders that wait as they stand now."""
        orders = self._used.faults.waiting if self._used is not None else ()
        self.clear.disabled = not orders
        rows = "".join(f"<li>{self._words(*order)}</li>" for order in orders)
        planned = f'<ol style="margin:0;padding-left:1.6em">{rows}</ol>' if orders else ""
        told = f"{self._met} " + ("Planned:" if orders else "No failure is planned.")
        self._pending.value = f'<div role="status">{note(told.strip())}{planned}</div>'

    def close(self) -> None:
        """Stop following the log."""
        self._unsubscribe()
        self._refresh.close()
        super().close()

    def _fold(self) -> None:
        if len(self.children) == 1:
            self._fill()
        self.opened.description = f"{'▾' if self.opened.value else '▸'} {TITLE}"
        widgets.show(self.children[-1], self.opened.value)
        self.draw()

    def _heard(self, exchange: Exchange) -> None:
        if self._used is None or exchange.outcome is Outcome.NO_RESPONSE:  # it has only begun
            return
        if exchange.outcome not in (Outcome.OK, Outcome.PROCESSING, Outcome.API_ERROR):
            at = f"{exchange.started_at:%H:%M:%S} UTC"
            self._met = f"Met at {at}: {exchange.method}, {exchange.outcome}."
        self._refresh.request()

    def _explain(self) -> None:
        self._what.value = note(FAULTS[self.fault.value])

    def _order(self) -> None:
        self._report.clear()
        times: Any = read_number(TIMES, self.times.value, whole=True)
        if times is None:
            raise InvalidInputError(f"{TIMES} is empty; expected a whole number, such as 1.")
        self._used = self._sandbox()
        self._used.faults.next(self.method.value, self.fault.value, times)
        self._met = ""
        self.draw()

    def _clear(self) -> None:
        if self._used is not None:
            self._used.faults.clear()
        self._report.clear()
        self.draw()

    def _words(self, method: str, fault: str, times: int) -> str:
        what = f"<b>{escape(fault)}</b>: {_html.words(FAULTS[fault])}"
        which = "The next request" if times == 1 else f"The next {times} requests"
        return f"{which} of <code>{escape(method)}</code>. {what}"
