"""Orders what the sandbox does wrong next, so that a failure can be looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._facts import METHODS
from brocap_nb.sandbox._faults import FAULTS
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._forms import read_number
from brocap_nb.widgets._style import Report, note, plain

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox import Sandbox

REFUSE: Final = "refuse"
TITLE: Final = "Make it fail"
TIMES: Final = "How many requests"
SECONDS: Final = "For how many seconds"
NOTHING: Final = "Nothing is ordered: the next requests are answered by the rules."


class FaultChooser(widgets.View):
    """A folded section: method, fault, how often, the orders that wait, and a way to clear them.

    Args:
        sandbox: returns the sandbox; it is called when something is ordered, and may start it.
        log: its requests use the orders up, so the list of them is drawn anew after each.
    """

    def __init__(self, sandbox: Callable[[], Sandbox], log: ExchangeLog) -> None:
        self._sandbox = sandbox
        self._used: Sandbox | None = None
        self._log = log
        self._unsubscribe: Callable[[], None] | None = None
        self._refresh = widgets.Refresh(self.draw)
        self.opened = widgets.ToggleButton(
            description=f"▸ {TITLE}",
            tooltip="Show or hide the faults of the sandbox",
            layout={"align_self": "flex-start"},
        )
        self._section = widgets.VBox(layout={"width": "auto", "grid_gap": "8px", "display": "none"})
        super().__init__([self.opened, self._section], layout={"width": "auto", "grid_gap": "8px"})
        self.opened.observe(lambda _: self._fold(), "value")

    def _fill(self) -> None:
        """Make the section, when it is first looked at."""
        self.method = plain(
            widgets.Dropdown, "Method that fails", options=METHODS, value="getTaskResult"
        )
        self.fault = plain(widgets.Dropdown, "Fault", options=[*FAULTS], value="reset")
        self.times = plain(widgets.Text, TIMES, value="1")
        self.order = widgets.Button(description="Order it", tooltip="Order this fault")
        self.clear = widgets.Button(description="Clear", tooltip="Forget what is ordered")
        self._report = Report()
        self._what, self._pending = widgets.HTML(), widgets.HTML()
        self.fault.observe(lambda _: self._explain(), "value")
        self.order.on_click(self._report.guard(self._order))
        self.clear.on_click(self._report.guard(self._clear))
        self._explain()
        self._section.children = self._arrange()
        self._unsubscribe = self._log.subscribe(lambda _: self._refresh.request())

    def draw(self) -> None:
        """Show the orders that wait as they stand now."""
        sandbox = self._used
        orders = sandbox.faults.waiting if sandbox is not None else ()
        self.clear.disabled = not orders
        if not orders:
            self._pending.value = f'<div role="status">{note(NOTHING)}</div>'
            return
        rows = "".join(f"<li>{self._words(*order)}</li>" for order in orders)
        self._pending.value = (
            '<div role="status"><div class="brocap-note">Ordered, first come, first met:</div>'
            f'<ol style="margin:.2em 0 0;padding-left:1.6em">{rows}</ol></div>'
        )

    def close(self) -> None:
        """Stop following the log."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._refresh.close()
        super().close()

    def _arrange(self) -> Sequence[widgets.Widget]:
        for control, width in ((self.method, 180), (self.fault, 260), (self.times, 150)):
            widgets.rearrange(control, flex=f"1 1 {width}px")
        row = {"flex_flow": "row wrap", "width": "auto", "grid_gap": "8px"}
        chosen = widgets.HBox([self.method, self.fault, self.times], layout=row)
        buttons = widgets.HBox([self.order, self.clear], layout=row)
        return chosen, self._what, self._report, buttons, self._pending

    def _fold(self) -> None:
        if not self._section.children:
            self._fill()
        self.opened.description = f"{'▾' if self.opened.value else '▸'} {TITLE}"
        widgets.show(self._section, self.opened.value)
        self.draw()

    def _explain(self) -> None:
        refuse = self.fault.value == REFUSE
        self.method.disabled = refuse
        self.times.description = SECONDS if refuse else TIMES
        self._what.value = note(FAULTS[self.fault.value])

    def _order(self) -> None:
        self._report.clear()
        name = self.times.description
        times = read_number(name, self.times.value, whole=True)
        if not isinstance(times, int):
            raise InvalidInputError(f"{name} is empty; expected a whole number, such as 1.")
        self._used = self._sandbox()
        self._used.faults.next(self.method.value, self.fault.value, times)
        if self.fault.value == REFUSE:  # no request will tell when the port is open again
            timer = threading.Timer(times + 0.1, self._refresh.request)
            timer.daemon = True
            timer.start()
        self.draw()

    def _clear(self) -> None:
        if self._used is not None:
            self._used.faults.clear()
        self._report.clear()
        self.draw()

    def _words(self, method: str, fault: str, times: int) -> str:
        what = f"<b>{escape(fault)}</b>: {_html.words(FAULTS[fault])}"
        if fault == REFUSE:
            return f"For {times} s, or until it is cleared, every method. {what}"
        which = "The next request" if times == 1 else f"The next {times} requests"
        return f"{which} of <code>{escape(method)}</code>. {what}"
