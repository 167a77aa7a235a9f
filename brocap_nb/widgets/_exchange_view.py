"""One exchange in full: request and response side by side, what they mean, what to do with them."""

from __future__ import annotations

import contextlib
import sys
import threading
from html import escape
from typing import TYPE_CHECKING, Final

import traitlets
from IPython import get_ipython

from brocap_nb import _html
from brocap_nb.api._errors import ExchangeError, InvalidTaskError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._json import fields_of
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._types import task_from_wire
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.client._client import Client
    from brocap_nb.log import ExchangeLog
    from brocap_nb.widgets._target import TargetChooser

SURE: Final = "Send it: it may be billed"
PICTURE_CHARACTERS: Final = 16_000
LONGEST: Final = 20_000  # characters of code: what is shown stays in the saved notebook


def name_of(log: ExchangeLog) -> str:
    """Return an expression that is the log in the user's notebook; empty if there is none."""
    shell = get_ipython()
    names = [] if shell is None else list(shell.user_ns.items())
    for name, one in reversed(names):  # a widget is made after what it shows
        if name[0] != "_" and type(one).__module__.startswith("brocap_nb."):
            if one is log:
                return str(name)
            if getattr(one, "log", None) is log:
                return f"{name}.log"
    ours = sys.modules["brocap_nb"]
    module = next((n for n, one in names if one is ours), '__import__("brocap_nb")')
    return f'{module}.ExchangeLog("{log.folder.as_posix()}")' if log.folder else ""


class ExchangeView(widgets.VBox):
    """Shows one exchange of a log; nothing until one is opened.

    It is sent again to `target`; without one nothing is sent. A createTask is asked about first
    unless it goes to the sandbox.
    """

    exchange_id = traitlets.Unicode(None, allow_none=True)

    def __init__(self, log: ExchangeLog, target: TargetChooser | None = None) -> None:
        self.exchanges, self._target = log, target
        self._report = widgets.Report(target.redact if target is not None else str)
        self._shown, self._difference = widgets.HTML(), widgets.HTML()
        self._entry, self._code = widgets.HTML(), widgets.HTML()
        self.again = widgets.Button(tooltip="Send this request again, as a new exchange")
        self.curl = widgets.Button(description="As cURL", tooltip="Show it as a shell command")
        self.python = widgets.Button(description="As Python", tooltip="Show it as a program")
        self.compare = widgets.ToggleButton(
            description="Compare with another row", tooltip="Then click the other row of the log"
        )
        self.shut = widgets.Button(description="Close", tooltip="Close this exchange")
        buttons = [self.again] if target is not None else []
        buttons += [self.curl, self.python, self.shut, self.compare]
        head = widgets.line(self._entry, *buttons, self._report)
        super().__init__(
            [head, self._difference, self._code, self._shown],
            layout=widgets.shown(False),
            classes=("brocap-exchange",),
        )
        guard = self._report.guard
        self.again.on_click(guard(self._ask_or_send))
        self.curl.on_click(guard(lambda: self._show_code("cURL", "to_curl")))
        self.python.on_click(guard(lambda: self._show_code("Python", "to_python")))
        self.compare.observe(guard(self._say_how_to_compare), "value")
        self.shut.on_click(guard(self.leave))

    def show_exchange(self, exchange_id: str) -> None:
        """Show an exchange; or, if one is to be compared, what differs between the two."""
        with self._report.catching():
            if self.compare.value and self.exchange_id not in (None, exchange_id):
                self.compare.value = False
                self._show_difference(str(self.exchange_id), exchange_id)
                return
            exchange = self.exchanges[exchange_id]
            self._forget()
            self.exchange_id = exchange_id
            self._shown.value = _shown(exchange)
            self._name = name_of(self.exchanges) or "log"
            entry = f'<pre>{escape(self._name)}["{exchange_id}"]</pre>'
            self._entry.value = widgets.copyable(entry)
            self.again.description = "Send again"
            self.again.disabled = exchange.outcome is Outcome.CALLBACK
        widgets.show(self, True)

    def leave(self) -> None:
        self._forget()
        self.exchange_id = None
        self._shown.value = ""
        widgets.show(self, False)

    def _show_difference(self, left: str, right: str) -> None:
        self._difference.value = self.exchanges.diff(left, right)._repr_html_()

    def _forget(self) -> None:
        self._report.clear()
        self._code.value = ""
        self._difference.value = ""
        self.compare.value = False

    def _show_code(self, title: str, method: str) -> None:
        code = getattr(self.exchanges, method)(self.exchange_id)
        if len(code) > LONGEST:
            title = f"It has {len(code):,} characters, too many for a notebook. Run this:"
            code = f'print({self._name}.{method}("{self.exchange_id}"))'
        told = widgets.note(title) + _html.code(code, max_height="14em")
        self._code.value = widgets.copyable(told)

    def _say_how_to_compare(self) -> None:
        if self.compare.value:
            self._report.tell("Click the row that it is to be compared with.")
        else:
            self._report.clear()

    def _ask_or_send(self) -> None:
        """A task that may be billed is asked about first."""
        assert self._target is not None
        created = self.exchanges[str(self.exchange_id)].method == "createTask"
        if created and not self._target.to_sandbox and self.again.description != SURE:
            self.again.description = SURE
            return
        self.again.description = "Send again"
        client, first = self._target.client(), str(self.exchange_id)
        self._report.tell("Sent again; waiting for the answer …")
        widgets.in_background(self.again, self._report, lambda: self._replay(client, first))

    def _replay(self, client: Client, exchange_id: str) -> None:
        made = {}  # the newest exchange of each thread
        unsubscribe = client.log.subscribe(lambda one: made.update({threading.get_ident(): one}))
        try:
            with contextlib.suppress(ExchangeError):  # an answer like any other: it is compared
                client.replay(exchange_id)
        finally:
            unsubscribe()
        mine = made.get(threading.get_ident())
        if mine is not None and self.exchange_id == exchange_id:
            self._show_difference(exchange_id, mine.exchange_id)
            told = f"Sent again as exchange {mine.exchange_id}. What differs from the first:"
            self._report.tell(told)


def _shown(exchange: Exchange) -> str:
    """Its pictures, small; all that its own display says; and the headers, folded."""
    task = fields_of(exchange.request).get("task")
    pictures: list[bytes] = []
    with contextlib.suppress(InvalidTaskError):
        pictures = task_from_wire(task).pictures() if isinstance(task, dict) else []
    parts = _pictures.images(pictures, "Picture {} in the request", budget=PICTURE_CHARACTERS)
    parts.append(exchange._repr_mimebundle_()["text/html"])
    for name in ("request", "response"):
        if headers := getattr(exchange, f"{name}_headers"):
            shown = _html.code(_html.pretty(headers))
            parts.append(f"<details><summary>Headers of the {name}</summary>{shown}</details>")
    return "".join(parts)
