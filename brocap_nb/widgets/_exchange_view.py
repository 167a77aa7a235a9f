"""One exchange in full: request and response side by side, what they mean, what to do with them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

from brocap_nb import _html
from brocap_nb.api._body import shorten_labels, with_labels
from brocap_nb.api._errors import ExchangeError, InvalidTaskError
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import explain
from brocap_nb.api._json import fields_of
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._types import task_from_wire
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import Report, heading, note, problem_note

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.client._client import Client
    from brocap_nb.log import ExchangeLog

SURE: Final = "Send it: it may be billed"
PICTURE_CHARACTERS: Final = 16_000
LONGEST: Final = 20_000
"""Characters of code that are shown: what is shown stays in the saved notebook."""

_GOOD: Final = {Outcome.OK: True, Outcome.CALLBACK: True, Outcome.PROCESSING: None}


class CopyButton(anywidget.AnyWidget):
    """Copies the text of the nearest `brocap-copyable` around it, in the browser alone."""

    _esm = Path(__file__).parent / "copy_button.js"

    label = traitlets.Unicode("Copy").tag(sync=True)
    """What stands on it."""


class CodeBlock(widgets.VBox):
    """Code with a button to copy it; nothing until something is shown."""

    def __init__(self) -> None:
        self._text = widgets.HTML()
        self._copy = CopyButton()
        super().__init__(
            [self._text, self._copy],
            layout={"width": "auto", "display": "none"},
            classes=("brocap-copyable",),
        )

    @property
    def value(self) -> str:
        """What is shown, as HTML."""
        return str(self._text.value)

    def show(self, title: str, code: str, *, instead: str) -> None:
        """Show code.

        Args:
            instead: what to run in a cell to get it, if it is too long to be shown.
        """
        fits = len(code) <= LONGEST
        told = note(title) + (
            _html.code(code, max_height="14em")
            if fits
            else note(f"It has {len(code):,} characters, too many for a notebook. Run this:")
            + _html.code(instead)
        )
        self._copy.label = f"Copy {title}" if fits else "Copy this line"
        self._text.value = told
        widgets.show(self, True)

    def clear(self) -> None:
        """Show nothing."""
        self._text.value = ""
        widgets.show(self, False)


class ExchangeView(widgets.View):
    """Shows one exchange of a log; nothing until one is opened.

    Args:
        log: the log.
        client: returns the client that sends an exchange again; without one nothing is sent.
        billed: whether what that client sends may cost something.
        redact: takes secrets out of what is shown when something fails.
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
        self._head = widgets.HTML()
        self._bodies = widgets.HTML()
        self._code = CodeBlock()
        self._difference = widgets.HTML()
        self.replay = widgets.Button(tooltip="Send this request again, as a new exchange")
        self.curl = widgets.Button(description="As cURL", tooltip="Show it as a shell command")
        self.python = widgets.Button(description="As Python", tooltip="Show it as a program")
        self.compare = widgets.ToggleButton(
            description="Compare with another row", tooltip="Then click the other row of the log"
        )
        self.shut = widgets.Button(description="Close", tooltip="Close this exchange")
        buttons = [self.replay] if client is not None else []
        row = {"flex_flow": "row wrap", "width": "auto", "grid_gap": "8px"}
        super().__init__(
            [
                self._head,
                widgets.HBox(
                    [*buttons, self.curl, self.python, self.compare, self.shut], layout=row
                ),
                self._report,
                self._difference,
                self._code,
                self._bodies,
            ],
            layout={"width": "auto", "grid_gap": "8px", "display": "none"},
        )
        guard = self._report.guard
        self.replay.on_click(guard(self._ask_or_replay))
        self.curl.on_click(guard(lambda: self._show_code("cURL", "to_curl")))
        self.python.on_click(guard(lambda: self._show_code("Python", "to_python")))
        self.compare.observe(guard(self._say_how_to_compare), "value")
        self.shut.on_click(guard(self.leave))

    def show_exchange(self, exchange_id: str) -> None:
        """Show an exchange; or, if one is to be compared, what differs between the two."""
        with self._report.catching():
            if self.compare.value and self.exchange_id not in (None, exchange_id):
                self.compare.value = False
                self.show_difference(str(self.exchange_id), exchange_id)
                return
            exchange = self.exchanges[exchange_id]
            self._forget()
            self.exchange_id = exchange_id
            self._head.value = _head(exchange)
            self._bodies.value = _bodies(exchange)
            self.replay.description = "Replay"
            self.replay.disabled = exchange.outcome is Outcome.CALLBACK
        widgets.show(self, True)

    def leave(self) -> None:
        """Show nothing."""
        self._forget()
        self.exchange_id = None
        self._head.value = self._bodies.value = ""
        widgets.show(self, False)

    def show_difference(self, left: str, right: str) -> None:
        """Show what differs between two exchanges."""
        difference = self.exchanges.diff(left, right)
        self._difference.value = difference._repr_mimebundle_()["text/html"]

    def _forget(self) -> None:
        self._report.clear()
        self._code.clear()
        self._difference.value = ""
        self.compare.value = False

    def _show_code(self, title: str, method: str) -> None:
        code = getattr(self.exchanges, method)(self.exchange_id)
        self._code.show(title, code, instead=f'print(log.{method}("{self.exchange_id}"))')

    def _say_how_to_compare(self) -> None:
        if self.compare.value:
            self._report.tell("Click the row that it is to be compared with.")
        else:
            self._report.clear()

    # --- again ------------------------------------------------------------------------------

    def _ask_or_replay(self) -> None:
        """A task that may be billed is asked about first."""
        created = self.exchanges[str(self.exchange_id)].method == "createTask"
        if created and self._billed() and self.replay.description != SURE:
            self.replay.description = SURE
            return
        self.replay.description = "Replay"
        self.replay.disabled = True
        self._report.tell("Sent again; waiting for the answer …")
        threading.Thread(
            target=self._report.guard(lambda: self._replay(str(self.exchange_id))),
            name="brocap replay",
            daemon=True,
        ).start()

    def _replay(self, exchange_id: str) -> None:
        assert self._client is not None
        made: list[str] = []
        here = threading.current_thread()

        def listen(exchange: Exchange) -> None:
            if threading.current_thread() is here:
                made.append(exchange.exchange_id)

        try:
            client = self._client()
            unsubscribe = client.log.subscribe(listen)
            try:
                client.replay(exchange_id)
            except ExchangeError:
                pass  # an answer like any other: it is compared
            finally:
                unsubscribe()
        finally:
            self.replay.disabled = False
        if made and self.exchange_id == exchange_id:
            self.show_difference(exchange_id, made[-1])
            self._report.tell(f"Sent again as exchange {made[-1]}. What differs from the first:")


def _head(exchange: Exchange) -> str:
    shown: list[tuple[str, object]] = [
        ("HTTP status", exchange.http_status),
        ("task", exchange.task_id),
        ("attempt", exchange.attempt if exchange.attempt > 1 else None),
        ("elapsed", None if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.1f} ms"),
        ("sent to", exchange.url),
        ("what was wrong", exchange.detail),
    ]
    pairs = [
        ("outcome", _html.badge(str(exchange.outcome), good=_GOOD.get(exchange.outcome, False))),
        ("started", f"{exchange.started_at:%Y-%m-%d %H:%M:%S.%f} UTC"),
        *((label, _html.text(str(value))) for label, value in shown if value is not None),
    ]
    title = heading(f"Exchange {exchange.exchange_id}", exchange.method)
    return title + _html.facts(pairs) + _meaning(exchange)


def _meaning(exchange: Exchange) -> str:
    if not exchange.error_code:
        return ""
    entry = explain(exchange.error_code)
    facts = [(label, _html.words(text)) for label, text in entry.facts(exchange.error_description)]
    where = _fields_note(exchange, entry.fields)
    return problem_note(exchange.error_code) + _html.facts(facts) + where


def _fields_note(exchange: Exchange, fields: Sequence[str]) -> str:
    """Where to look, if the tree of this request cannot show it."""
    body = fields_of(exchange.request)
    if not fields or any(_has(body, path) for path in fields):
        return ""
    where = (
        f"is in the createTask of task {exchange.task_id}"
        if exchange.method == "getTaskResult" and exchange.task_id
        else "is missing: this request does not have it"
    )
    return note(f"What it is about {where}.")


def _has(value: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def _bodies(exchange: Exchange) -> str:
    marked = explain(exchange.error_code).fields if exchange.error_code else ()
    asked = "".join(_pictures_of(exchange)) + _html.tree(
        shorten_labels(with_labels(exchange.request)[0]), marked=marked
    )
    answered = (
        note("There is none.")
        if exchange.response is None
        else (_html.tree(exchange.response) if exchange.response else note("It is empty."))
    )
    sides = [
        ("Request", exchange.request_bytes, asked, exchange.request_headers),
        ("Response", exchange.response_bytes, answered, exchange.response_headers),
    ]
    return (
        '<div class="brocap-sides">'
        + "".join(
            f'<section aria-label="{name}"><div class="brocap-heading">{name}'
            f"<small>{'' if size is None else f'{size:,} bytes'}</small></div>"
            f"{body}{_headers(headers)}</section>"
            for name, size, body, headers in sides
        )
        + "</div>"
    )


def _headers(text: str | None) -> str:
    if not text:
        return ""
    pairs = [(name, escape(str(value))) for name, value in json.loads(text).items()]
    return (
        f'<details><summary style="cursor:pointer">Headers ({len(pairs)})</summary>'
        f"{_html.facts(pairs)}</details>"
    )


def _pictures_of(exchange: Exchange) -> Iterator[str]:
    task = fields_of(exchange.request).get("task")
    try:
        pictures = task_from_wire(task).pictures() if isinstance(task, dict) else []
    except InvalidTaskError:
        return
    for small in _pictures.thumbnails(pictures, budget=PICTURE_CHARACTERS):
        if small is not None:
            size = (small.width // 2, small.height // 2)
            yield _html.picture(small.data, small.media_type, "Picture in the request", size=size)
