"""What every view of a log is made of: an exchange as a row, and lists of rows to be opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from brocap_nb import _html
from brocap_nb.api._exchange import Outcome
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange

_LINE: Final = "{:<8}  {:<13} \t{:>8}  {:>4}  {:>7}\n{:<18} \t{}"
HEADER: Final = _LINE.format("UTC", "method", "task", "HTTP", "ms", "outcome", "code or type")
_SIGNS: Final = {True: ("good", "✓"), False: ("bad", "✗"), None: ("plain", "…")}


class Row(NamedTuple):
    """What can be opened: a few words of text."""

    key: str
    text: str
    """Its lines. With columns it has two, which are one where there is room for both, and a tab,
    at which it may be broken where there is little."""
    kind: str = "plain"
    """`good`, `bad` or `plain`: the colour beside it. A sign in the text says the same."""


def signed(word: str) -> tuple[str, str]:
    """Return the kind of an outcome or a state, and the word with its sign."""
    kind, sign = _SIGNS[_html.GOOD.get(word, False)]
    return kind, f"{sign} {word}"


def row_of(exchange: Exchange, own_session: str) -> Row:
    """Return an exchange as a row; one of this session without an answer is under way."""
    waits = (exchange.outcome, exchange.elapsed_ms) == (Outcome.NO_RESPONSE, None)
    under_way = waits and exchange.session == own_session
    kind, outcome = signed("under way" if under_way else str(exchange.outcome))
    text = _LINE.format(
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method[:13],
        "" if exchange.task_id is None else exchange.task_id,
        exchange.http_status or "",
        "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
        outcome,
        exchange.error_code or exchange.status or exchange.task_type or "",
    )
    if who := exchange.session.rpartition("/")[0]:  # of a log of many folders
        text = f"{text}  {who}"
    return Row(exchange.exchange_id, text, kind)


class RowList(widgets.VBox):
    """Rows, each a button of its own; `opened` is called with the key of one that was clicked.

    When a row is added, the button of the one that fell off is used for it: a few small messages.
    """

    def __init__(self, opened: Callable[[str], object]) -> None:
        self._opened = opened
        self._rows: dict[str, Row] = {}
        self._buttons: dict[str, Any] = {}
        self._marked: str | None = None
        self._header = widgets.HTML(layout=widgets.shown(False), classes=("brocap-row-header",))
        super().__init__([self._header], classes=("brocap-rows",))

    @property
    def texts(self) -> list[str]:
        return [button.description for button in self._buttons.values()]

    def show(self, rows: Iterable[Row], header: str = "") -> None:
        """Show these rows, in this order, and the names of their columns."""
        names = header and f'<pre aria-hidden="true">{_aligned(f"  {header}")}</pre>'
        widgets.show_html(self._header, names)
        former, self._rows = self._buttons, {row.key: row for row in rows}
        free = [button for key, button in former.items() if key not in self._rows]
        self._buttons = {
            key: former.get(key) or (free.pop() if free else self._button()) for key in self._rows
        }
        self.mark(self._marked)
        self.children = (self._header, *self._buttons.values())
        for button in free:
            widgets.close_all(button)

    def mark(self, key: str | None) -> None:
        self._marked = key
        for row in self._rows.values():
            text = f"{'▸' if row.key == key else ' '} {row.text}"
            marked = ["brocap-row-open"] * (row.key == key)
            button = self._buttons[row.key]
            with button.hold_sync():  # one message for both
                button.description = _aligned(text) if "\t" in text else text.strip()
                button._dom_classes = ("brocap-row", f"brocap-row-{row.kind}", *marked)

    def _button(self) -> Any:
        def clicked(button: Any) -> None:
            self._opened(next(key for key, one in self._buttons.items() if one is button))

        button = widgets.Button()
        button.on_click(clicked)
        return button


def _aligned(text: str) -> str:
    """The same with spaces that hold: a style sheet says whether its lines are one."""
    return text.replace("\n", "\n  ").replace(" ", "\xa0").replace("\t", " ")
