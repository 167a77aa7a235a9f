"""Orders what the sandbox does wrong next, so that a failure can be looked at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from brocap_nb import _html
from brocap_nb.api._errors import ApiError, SandboxError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import METHODS
from brocap_nb.client import _requests
from brocap_nb.client._client import Client
from brocap_nb.sandbox._faults import FAULTS
from brocap_nb.sandbox._recipes import RECIPES, TASK_ID, prepared
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox._server import Sandbox


class FaultChooser(widgets.Fold):
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
        super().__init__("Make it fail", self._section)

    def _section(self) -> Sequence[widgets.Widget]:
        self.method = widgets.plain(
            widgets.Dropdown, "Method that fails", options=METHODS, value="getTaskResult"
        )
        names = [(f"{name}: {what}", name) for name, what in FAULTS.items()]
        self.fault = widgets.plain(widgets.Dropdown, "Fault", options=names, value="reset")
        self.times = widgets.plain(
            widgets.BoundedIntText, "How many requests", value=1, min=1, max=1_000_000
        )
        self.order = widgets.PatientButton(description="Make the next request fail")
        self.clear = widgets.Button(description="Clear", tooltip="Forget what is planned")
        self._report = widgets.Report()
        self._pending = widgets.HTML()
        self.order.on_click(self._report.guard(self._order))
        self.clear.on_click(self._report.guard(self._clear))
        self.draw()
        self._unsubscribe = self._log.subscribe(self._heard)
        chosen = widgets.line(self.method, self.fault, self.times)
        return chosen, self._report, widgets.line(self.order, self.clear), self._pending

    def draw(self) -> None:
        """Show the orders that wait as they stand now."""
        orders = self._used.faults.waiting if self._used is not None else ()
        self.clear.disabled = not orders
        planned = "".join(f"<div>{_words(*order)}</div>" for order in orders)
        told = f"{self._met} {'Planned:' if orders else 'No failure is planned.'}"
        self._pending.value = f'<div role="status">{widgets.note(told.strip())}{planned}</div>'

    def close(self) -> None:
        """Stop following the log."""
        self._unsubscribe()
        self._refresh.close()
        super().close()

    def _heard(self, exchange: Exchange) -> None:
        if self._used is None or exchange.outcome is Outcome.NO_RESPONSE:  # it has only begun
            return
        if exchange.outcome not in (Outcome.OK, Outcome.PROCESSING, Outcome.API_ERROR):
            at = f"{exchange.started_at:%H:%M:%S} UTC"
            self._met = f"Met at {at}: {exchange.method}, {exchange.outcome}."
        self._refresh.request()

    def _order(self) -> None:
        self._report.clear()
        self._used = self._sandbox()
        self._used.faults.next(self.method.value, self.fault.value, self.times.value)
        self._met = ""
        self.draw()

    def _clear(self) -> None:
        if self._used is not None:
            self._used.faults.clear()
        self.draw()


def _words(method: str, fault: str, times: int) -> str:
    which = "The next request" if times == 1 else f"The next {times} requests"
    what = f"<b>{escape(fault)}</b>: {_html.words(FAULTS[fault])}"
    return f"{which} of <code>{escape(method)}</code>. {what}"


def provoke(code: str, sandbox: Sandbox, log: ExchangeLog) -> Exchange:
    """Send what makes a sandbox answer with an error code, and return that exchange.

    Bans are lifted first: one that was earned before would be the answer to everything.
    """
    recipe = next(recipe for recipe in RECIPES if recipe.code == code)
    sandbox.forgive()
    ready = prepared(recipe, sandbox.keys, sandbox.url, sandbox.speed)
    task_id: int | None = None
    with Client(ready["key"], base_url=sandbox.url, log=log) as client:
        for step in ready["steps"]:
            time.sleep(step["wait"])
            fields = json.loads(step["body"])
            del fields["clientKey"]
            if fields.get("taskId") == TASK_ID:
                fields["taskId"] = task_id
            try:
                answer = client.send(_requests.call(step["method"], fields))
            except ApiError as error:
                if error.code == code:
                    return log[error.exchange_id]
                raise
            task_id = getattr(answer, "task_id", task_id)
    raise SandboxError(
        f"The sandbox did not answer with {code}, as its recipe says. Was something else ordered "
        "from it? The log shows what came."
    )
