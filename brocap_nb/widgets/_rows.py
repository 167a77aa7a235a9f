"""What every view of a log is made of: it follows the log, and its lines can be opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import Report, close_all

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog


class LogView(widgets.View):
    """Follows a log until it is closed.

    Args:
        log: the log.
        report: shows what fails while it is drawn.
        children: what it is made of.
        classes: the classes of its box.
        concerns: whether it has to be drawn anew after an exchange.
    """

    INTERVAL: ClassVar[float] = 0.5
    """At most one drawing in this time, in seconds."""

    def __init__(
        self,
        log: ExchangeLog,
        report: Report,
        children: Iterable[widgets.Widget],
        *,
        classes: Sequence[str] = (),
        concerns: Callable[[Exchange], object] = lambda exchange: True,
    ) -> None:
        self.exchanges = log
        self._report = report
        self._lock = threading.Lock()
        self._refresh = widgets.Refresh(report.guard(self.draw), self.INTERVAL)
        super().__init__(children, layout={"width": "auto", "grid_gap": "8px"}, classes=classes)
        self.layout.observe(report.guard(self.draw), "display")  # it has missed what came meanwhile
        self._unsubscribe = log.subscribe(
            lambda exchange: self._refresh.request() if concerns(exchange) else None, others=True
        )
        self.draw()

    @property
    def shown(self) -> bool:
        """Whether it is seen: only then it is kept up to date."""
        return bool(self.layout.display != "none")

    def draw(self) -> None:
        """Show how the log stands now. May be called from any thread."""
        if self.shown:
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Do so; one thread at a time."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop following the log."""
        self._unsubscribe()
        self._refresh.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    key: str
    """What is opened by it."""
    text: str
    """The line; columns are made with spaces."""
    kind: str = "plain"
    """`good`, `bad` or `plain`: the colour beside it. A sign in the text says the same."""
    html: str = ""
    """A small picture after the text."""


class RowList(widgets.VBox):
    """Lines of text, each a button of its own, known by a key.

    When a line is added, the button of the one that fell off is used for it, so a change costs a
    few small messages whatever is shown.

    Args:
        header: names of the columns, spaced as the lines are.
        opened: called with the key of the line that was clicked.
        pictures: whether lines have a picture.
    """

    def __init__(
        self, header: str, opened: Callable[[str], object], *, pictures: bool = False
    ) -> None:
        self._opened = opened
        self._pictures = pictures
        self._lines: dict[str, _Line] = {}
        self._marked: str | None = None
        names = f'<pre aria-hidden="true">{header}</pre>' if header else ""
        self._header = widgets.HTML(
            names,
            layout={"display": "" if names else "none"},
            classes=("brocap-row-header",),
        )
        super().__init__([self._header], layout={"width": "auto"}, classes=("brocap-rows",))

    @property
    def texts(self) -> list[str]:
        """The lines as they are shown."""
        return [line.button.description for line in self._lines.values()]

    def show(self, rows: Iterable[Row]) -> None:
        """Show these lines, in this order."""
        rows = list(rows)
        wanted = {row.key for row in rows}
        free = [line for key, line in self._lines.items() if key not in wanted]
        lines: dict[str, _Line] = {}
        for row in rows:
            line = self._lines.get(row.key) or (free.pop() if free else _Line(self))
            line.show(row, marked=row.key == self._marked)
            lines[row.key] = line
        self._lines = lines
        self.children = (self._header, *(line.widget for line in lines.values()))
        for line in free:
            close_all(line.widget)

    def mark(self, key: str | None) -> None:
        """Mark the line that is open."""
        self._marked = key
        for line in self._lines.values():
            line.show(line.row, marked=line.row.key == key)

    def click(self, key: str) -> None:
        """Do what a click on a line does.

        Raises:
            KeyError: no such line is shown.
        """
        self._lines[key].button.click()


class _Line:
    def __init__(self, owner: RowList) -> None:
        self.row = Row("", "")
        layout = {"width": "auto"}
        self.widget = self.button = widgets.Button(layout=layout)
        self.picture = widgets.HTML(layout=layout) if owner._pictures else None
        if self.picture is not None:
            self.widget = widgets.HBox(
                [self.button, self.picture], layout=layout, classes=("brocap-row-pair",)
            )
        self.button.on_click(lambda _: owner._opened(self.row.key))

    def show(self, row: Row, *, marked: bool) -> None:
        self.row = row
        classes = ("brocap-row", f"brocap-row-{row.kind}", *(["brocap-row-open"] * marked))
        with self.button.hold_sync():  # one message for both
            self.button.description = f"{'▸' if marked else ' '} {row.text}"
            self.button._dom_classes = classes
        if self.picture is not None:
            self.picture.value = row.html
