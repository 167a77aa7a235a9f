"""One exchange in full: request and response side by side, what they mean, what to do with them."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import traitlets
from IPython import get_ipython

from brocap_nb import _html
from brocap_nb.api._body import shorten_labels, with_labels
from brocap_nb.api._errors import ExchangeError, InvalidTaskError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import explain
from brocap_nb.api._json import fields_of
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._types import task_from_wire
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._rows import KINDS, in_background, line
from brocap_nb.widgets._style import Report, heading, note, problem_note

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.client._client import Client
    from brocap_nb.log import ExchangeLog

SURE: Final = "Send it: it may be billed"
PICTURE_CHARACTERS: Final = 16_000
LONGEST: Final = 20_000  # characters of code: what is shown stays in the saved notebook


class CopyButton(widgets.AnyWidget):
    """Copies the text of the nearest `brocap-copyable` around it, in the browser alone."""

    _esm = Path(__file__).parent / "copy_button.js"

    label = traitlets.Unicode("Copy").tag(sync=True)


class Copyable(widgets.HBox):
    """Code with a button to copy it; nothing until something is shown."""

    def __init__(self, html: str = "") -> None:
        self.text, self._copy = widgets.HTML(html), CopyButton()
        super().__init__(
            [self.text, self._copy],
            layout=widgets.shown(html),
            classes=("brocap-line", "brocap-copyable"),
        )

    def show(self, html: str, label: str = "Copy") -> None:
        """Show HTML with the code in a `pre`; an empty one hides it."""
        self._copy.label = label
        self.text.value = html
        widgets.show(self, html)


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

    `client` returns the client that sends an exchange again; without one nothing is sent. What it
    sends is asked about first where it may be `billed`.
    """

    exchange_id = traitlets.Unicode(None, allow_none=True)
    """The exchange that is open."""

    def __init__(
        self,
        log: ExchangeLog,
        *,
        client: Callable[[], Client] | None = None,
        billed: Callable[[], bool] = lambda: False,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.exchanges = log
        self._client, self._billed = client, billed
        self._report = Report(redact)
        self._head, self._bodies, self._difference = (widgets.HTML() for _ in range(3))
        self._entry, self._code = Copyable(), Copyable()
        self.again = widgets.Button(tooltip="Send this request again, as a new exchange")
        self.curl = widgets.Button(description="As cURL", tooltip="Show it as a shell command")
        self.python = widgets.Button(description="As Python", tooltip="Show it as a program")
        self.compare = widgets.ToggleButton(
            description="Compare with another row", tooltip="Then click the other row of the log"
        )
        self.shut = widgets.Button(description="Close", tooltip="Close this exchange")
        buttons = [self.again] if client is not None else []
        buttons += [self.curl, self.python, self.shut, self.compare]
        super().__init__(
            [
                self._head,
                line(self._entry, *buttons, self._report),
                self._difference,
                self._code,
                self._bodies,
            ],
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
            self._head.value = _head(exchange)
            self._bodies.value = _bodies(exchange)
            self._name = name_of(self.exchanges) or "log"
            self._entry.show(f'<pre>{escape(self._name)}["{exchange_id}"]</pre>')
            self.again.description = "Send again"
            self.again.disabled = exchange.outcome is Outcome.CALLBACK
        widgets.show(self, True)

    def leave(self) -> None:
        """Show nothing."""
        self._forget()
        self.exchange_id = None
        self._head.value = self._bodies.value = ""
        widgets.show(self, False)

    def _show_difference(self, left: str, right: str) -> None:
        self._difference.value = self.exchanges.diff(left, right)._repr_html_()

    def _forget(self) -> None:
        self._report.clear()
        self._code.show("")
        self._difference.value = ""
        self.compare.value = False

    def _show_code(self, title: str, method: str) -> None:
        code, label = getattr(self.exchanges, method)(self.exchange_id), f"Copy {title}"
        if len(code) > LONGEST:
            title = f"It has {len(code):,} characters, too many for a notebook. Run this:"
            code = f'print({self._name}.{method}("{self.exchange_id}"))'
            label = "Copy this line"
        self._code.show(note(title) + _html.code(code, max_height="14em"), label)

    def _say_how_to_compare(self) -> None:
        if self.compare.value:
            self._report.tell("Click the row that it is to be compared with.")
        else:
            self._report.clear()

    # --- again ------------------------------------------------------------------------------

    def _ask_or_send(self) -> None:
        """A task that may be billed is asked about first."""
        created = self.exchanges[str(self.exchange_id)].method == "createTask"
        if created and self._billed() and self.again.description != SURE:
            self.again.description = SURE
            return
        self.again.description = "Send again"
        self._report.tell("Sent again; waiting for the answer …")
        in_background(self.again, self._report, lambda: self._replay(str(self.exchange_id)))

    def _replay(self, exchange_id: str) -> None:
        assert self._client is not None
        client, here = self._client(), threading.get_ident()
        made: dict[int, str] = {}  # by the thread that made it
        unsubscribe = client.log.subscribe(
            lambda one: made.update({threading.get_ident(): one.exchange_id})
        )
        try:
            with contextlib.suppress(ExchangeError):  # an answer like any other: it is compared
                client.replay(exchange_id)
        finally:
            unsubscribe()
        if here in made and self.exchange_id == exchange_id:
            self._show_difference(exchange_id, made[here])
            self._report.tell(f"Sent again as exchange {made[here]}. What differs from the first:")


def _head(exchange: Exchange) -> str:
    """What it was and what came of it, in two lines, and what its error code means."""
    good = {"good": True, "bad": False}.get(KINDS.get(str(exchange.outcome), "bad"))
    facts: list[tuple[str, object]] = [
        ("HTTP", exchange.http_status),
        ("task", exchange.task_id),
        ("attempt", exchange.attempt if exchange.attempt > 1 else None),
        ("took", None if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.1f} ms"),
        ("sent to", exchange.url or None),
        ("what was wrong:", exchange.detail),
    ]
    facts_line = " · ".join(
        [
            _html.badge(str(exchange.outcome), good=good),
            f'<span title="{exchange.started_at}">{exchange.started_at:%H:%M:%S} UTC</span>',
            *(f"{label} {_html.text(str(value))}" for label, value in facts if value is not None),
        ]
    )
    return heading(exchange.method) + f"<div>{facts_line}</div>" + _meaning(exchange)


def _meaning(exchange: Exchange) -> str:
    if not exchange.error_code:
        return ""
    entry = explain(exchange.error_code)
    about = f"It is about {' or '.join(f'`{path}`' for path in entry.fields)}"
    if exchange.method == "getTaskResult" and exchange.task_id:
        about += f" in the createTask of task {exchange.task_id}"
    told = [f"`{entry.code}`: {entry.sentence(exchange.error_description)}"]
    return problem_note(*told, *([f"{about}."] if entry.fields else []))


def _bodies(exchange: Exchange) -> str:
    marked = explain(exchange.error_code).fields if exchange.error_code else ()
    asked = "".join(_pictures_of(exchange)) + _html.code(
        _html.pretty(shorten_labels(with_labels(exchange.request)[0])), marked=marked
    )
    if exchange.response:
        answered = _html.code(_html.pretty(exchange.response))
    else:
        answered = note("There is none." if exchange.response is None else "It is empty.")
    return '<div class="brocap-sides">{}{}</div>'.format(
        _side("Request", exchange.request_bytes, asked, exchange.request_headers),
        _side("Response", exchange.response_bytes, answered, exchange.response_headers),
    )


def _side(name: str, size: int | None, body: str, headers: str | None) -> str:
    pairs = [(key, escape(str(value))) for key, value in json.loads(headers or "{}").items()]
    folded = (
        f'<details><summary style="cursor:pointer">Headers ({len(pairs)})</summary>'
        f"{_html.facts(pairs)}</details>"
        if pairs
        else ""
    )
    aside = "" if size is None else f"{size:,} bytes"
    return (
        f'<section aria-label="{name}"><div class="brocap-heading">{name}<small>{aside}</small>'
        f"</div>{body}{folded}</section>"
    )


def _pictures_of(exchange: Exchange) -> list[str]:
    task = fields_of(exchange.request).get("task")
    try:
        pictures = task_from_wire(task).pictures() if isinstance(task, dict) else []
    except InvalidTaskError:
        return []
    return _pictures.images(pictures, "Picture {} in the request", budget=PICTURE_CHARACTERS)
