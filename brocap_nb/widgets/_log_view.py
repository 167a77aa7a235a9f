"""What every view of a log does: it follows the log, and is drawn while it is seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._refresh import Refresh
from brocap_nb.widgets._report import Report

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
        self._refresh = Refresh(report.guard(self.draw), self.INTERVAL)
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
