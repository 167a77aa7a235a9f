"""Where tasks are sent: the sandbox of this kernel, which may be told to fail, the live service, or
a given client.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from brocap_nb import _html
from brocap_nb.api._errors import ApiError, InvalidKeyError, SandboxError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import METHODS
from brocap_nb.api._secrets import KEY_VARIABLE, Secret
from brocap_nb.client import _requests
from brocap_nb.client._client import Client
from brocap_nb.sandbox._faults import FAULTS
from brocap_nb.sandbox._recipes import RECIPES, TASK_ID, prepared
from brocap_nb.sandbox._shared import shared_sandbox
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox._server import Sandbox

SANDBOX, LIVE, GIVEN = "sandbox", "live", "given"


class TargetChooser(widgets.VBox):
    def __init__(
        self,
        log: ExchangeLog,
        *,
        client: Client | None = None,
        sandbox: Sandbox | None = None,
        live: bool = True,
    ) -> None:
        self._log, self._given, self._sandbox = log, client, sandbox
        self._own: dict[str, Client] = {}
        choices = [("Practice sandbox", SANDBOX)]
        if live:
            choices.append(("Live service", LIVE))
        if client is not None:
            choices.insert(0, ("The given client", GIVEN))
        self.choice = widgets.ToggleButtons(options=choices, description="Send tasks to")
        self._words = widgets.HTML(self._told())
        super().__init__([self.choice, self._words])
        self.choice.observe(lambda _: self._draw(), "value")

    @cached_property
    def key(self) -> widgets.SecretField:
        """Where a key is typed, made when it is seen first; its `secret` is the key, or None."""
        made = widgets.SecretField(label="Client key of the live service")
        made.observe(self._key_changed, "secret")
        return made

    @property
    def _secret(self) -> Secret | None:
        return self.key.secret if "key" in self.__dict__ else None

    def redact(self, text: str) -> str:
        return self._secret.redact(text) if self._secret is not None else text

    @property
    def live(self) -> bool:
        return bool(self.choice.value == LIVE)

    @property
    def to_sandbox(self) -> bool:
        """Whether tasks go to the sandbox that `sandbox()` returns."""
        if self.choice.value == GIVEN and self._given is not None:
            return self._sandbox is not None and self._given.base_url == self._sandbox.url
        return bool(self.choice.value == SANDBOX)

    def client(self) -> Client:
        """Return the client of the chosen target.

        Raises:
            InvalidKeyError: the live service is chosen and there is no usable key.
        """
        target = self.choice.value
        if target == GIVEN and self._given is not None:
            return self._given
        place = self.sandbox().url if target == SANDBOX else target
        if place not in self._own:  # a sandbox that was stopped is replaced
            self._own[place] = self._make(target)
        return self._own[place]

    def sandbox(self) -> Sandbox:
        """The sandbox in use. The first call may start it."""
        return self._sandbox if self._sandbox is not None else shared_sandbox()

    def close(self) -> None:
        for client in self._own.values():
            client.close()
        self._own.clear()
        if "key" in self.__dict__:
            self.key.close()
        super().close()

    def _make(self, target: str) -> Client:
        if target == SANDBOX:
            sandbox = self.sandbox()
            return Client(sandbox.key, base_url=sandbox.url, log=self._log)
        secret = self._secret
        if secret is None and not os.environ.get(KEY_VARIABLE):
            raise InvalidKeyError(
                "No client key is set; the live service needs one. Type it under “Send "
                f"tasks to” and press Enter, or set ${KEY_VARIABLE} before the kernel starts."
            )
        return Client(secret.reveal() if secret is not None else None, log=self._log)

    def _key_changed(self, _: Any) -> None:
        if (old := self._own.pop(LIVE, None)) is not None:
            old.close()
        self._draw()

    def _draw(self) -> None:
        self.children = (self.choice, self._words, *([self.key] if self.live else ()))
        self._words.value = self._told()

    def _told(self) -> str:
        if self.choice.value == SANDBOX:
            return widgets.note(
                "Free: a small service that keeps the documented rules. No key, no internet."
            )
        if not self.live:
            return widgets.note(f"Tasks go to {self._given.base_url}." if self._given else "")
        if self._secret is not None:
            source = "The key typed here is used."
        elif os.environ.get(KEY_VARIABLE):
            source = f"${KEY_VARIABLE} is set and is used, unless another key is typed here."
        else:
            source = f"${KEY_VARIABLE} is not set: type a key here."
        return widgets.note(
            f"Each task is billed to your account. {source} It is kept in memory only."
        )


class FaultChooser(widgets.Fold):
    """A folded section: method, fault, how often, the orders that wait, and a way to clear them.

    `sandbox` is called when something is ordered, and may start it. What is sent to it uses the
    orders up, so they are drawn anew after each row of `log`: what has not changed is not sent.
    """

    def __init__(self, sandbox: Callable[[], Sandbox], log: ExchangeLog) -> None:
        self._sandbox, self._log = sandbox, log
        self._used: Sandbox | None = None
        self._met = ""
        self._unsubscribe: Callable[[], None] = lambda: None
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
        orders = self._used.faults.waiting if self._used is not None else ()
        self.clear.disabled = not orders
        planned = "".join(f"<div>{_words(*order)}</div>" for order in orders)
        told = f"{self._met} {'Planned:' if orders else 'No failure is planned.'}"
        self._pending.value = f'<div role="status">{widgets.note(told.strip())}{planned}</div>'

    def close(self) -> None:
        self._unsubscribe()
        super().close()

    def _heard(self, exchange: Exchange) -> None:
        if self._used is None or exchange.outcome is Outcome.NO_RESPONSE:  # it has only begun
            return
        if exchange.outcome not in (Outcome.OK, Outcome.PROCESSING, Outcome.API_ERROR):
            at = f"{exchange.started_at:%H:%M:%S} UTC"
            self._met = f"Met at {at}: {exchange.method}, {exchange.outcome}."
        self.draw()

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
