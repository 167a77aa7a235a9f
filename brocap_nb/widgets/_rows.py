"""What every view of a log is made of: an exchange as a row, and lists of rows to be opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from brocap_nb.api._exchange import Outcome
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import Report, close_all, show_html

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange

KINDS: Final = {"ok": "good", "callback": "good", "processing": "plain", "under way": "plain"}
SIGNS: Final = {"good": "✓", "bad": "✗", "plain": "…"}
_LINE: Final = "{:<8}  {:<13} \t{:>8}  {:>4}  {:>7}\n{:<18} \t{}"
HEADER: Final = _LINE.format("UTC", "method", "task", "HTTP", "ms", "outcome", "code or type")


@dataclass(frozen=True, slots=True)
class Row:
    """What can be opened: a few words of text."""

    key: str
    """What is opened by it."""
    text: str
    """Its lines. Of a list with columns, two: one where there is room for both. At a tab it may
    be broken where there is little."""
    kind: str = "plain"
    """`good`, `bad` or `plain`: the colour beside it. A sign in the text says the same."""


def row_of(exchange: Exchange, own_session: str) -> Row:
    """Return an exchange as a row; one of this session without an answer is under way."""
    outcome = str(exchange.outcome)
    if (exchange.outcome, exchange.elapsed_ms, exchange.session) == (
        Outcome.NO_RESPONSE,
        None,
        own_session,
    ):
        outcome = "under way"
    kind = KINDS.get(outcome, "bad")
    text = _LINE.format(
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method[:13],
        "" if exchange.task_id is None else exchange.task_id,
        exchange.http_status or "",
        "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
        f"{SIGNS[kind]} {outcome}",
        exchange.error_code or exchange.status or exchange.task_type or "",
    )
    if who := exchange.session.rpartition("/")[0]:  # of a log of many folders
        text = f"{text}  {who}"
    return Row(exchange.exchange_id, text, kind)


class RowList(widgets.VBox):
    """Rows, each a button of its own; `opened` is called with the key of one that was clicked.

    When a row is added, the button of the one that fell off is used for it: a few small messages.
    """

    def __init__(self, opened: Callable[[str], object], header: str = "") -> None:
        self._opened = opened
        self._columns = bool(header)
        self._rows: dict[str, Row] = {}
        self._buttons: dict[str, Any] = {}
        self._marked: str | None = None
        self._header = widgets.HTML(_header(header), classes=("brocap-row-header",))
        super().__init__([self._header], classes=("brocap-rows",))

    def head(self, header: str) -> None:
        """Show other names of the columns; rows without columns have none."""
        self._columns = bool(header)
        show_html(self._header, _header(header))

    @property
    def texts(self) -> list[str]:
        """The rows as they are shown."""
        return [button.description for button in self._buttons.values()]

    def show(self, rows: Iterable[Row]) -> None:
        """Show these rows, in this order."""
        former, self._rows = self._buttons, {row.key: row for row in rows}
        free = [button for key, button in former.items() if key not in self._rows]
        self._buttons = {
            key: former.get(key) or (free.pop() if free else self._button()) for key in self._rows
        }
        self.mark(self._marked)
        self.children = (self._header, *self._buttons.values())
        for button in free:
            close_all(button)

    def mark(self, key: str | None) -> None:
        """Mark the row that is open."""
        self._marked = key
        for row in self._rows.values():
            text = f"{'▸' if row.key == key else ' '} {row.text}"
            marked = ["brocap-row-open"] * (row.key == key)
            button = self._buttons[row.key]
            with button.hold_sync():  # one message for both
                button.description = _aligned(text) if self._columns else text.strip()
                button._dom_classes = ("brocap-row", f"brocap-row-{row.kind}", *marked)

    def click(self, key: str) -> None:
        """Do what a click on a row does; a KeyError if no such row is shown."""
        self._buttons[key].click()

    def _button(self) -> Any:
        button = widgets.Button()
        button.on_click(lambda _: self._opened(self._key_of(button)))
        return button

    def _key_of(self, button: Any) -> str:
        return next(key for key, one in self._buttons.items() if one is button)


def _aligned(text: str) -> str:
    """The same with spaces that hold: a style sheet says whether its lines are one."""
    return text.replace("\n", "\n  ").replace(" ", "\xa0").replace("\t", " ")


def _header(columns: str) -> str:
    return columns and f'<pre aria-hidden="true">{_aligned(f"  {columns}")}</pre>'


def line(*children: widgets.Widget, name: str = "") -> Any:
    """Widgets side by side while there is room; `name` is a class for the style sheet."""
    classes = ("brocap-line", *filter(None, [name]))
    return widgets.HBox(children, classes=classes)


def in_background(button: Any, report: Report, work: Callable[[], object]) -> None:
    """Do what may take a while in a thread of its own; its button rests meanwhile."""

    def run() -> None:
        try:
            work()
        finally:
            button.disabled = False

    button.disabled = True
    threading.Thread(target=report.guard(run), name="brocap work", daemon=True).start()
