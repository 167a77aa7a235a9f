"""Redraw after a change, but not for every change of a burst."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

INTERVAL: Final = 0.2


class Refresh:
    """Calls `draw` soon after `request()`, at most once in an interval, in a thread of its own.

    The last request of a burst is always followed by a call. Nothing runs while nothing changes.
    """

    def __init__(self, draw: Callable[[], None], interval: float = INTERVAL) -> None:
        self._draw = draw
        self._interval = interval
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def request(self) -> None:
        """Ask for a call of `draw`."""
        with self._lock:
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(self._interval, self._run)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """No more calls."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _run(self) -> None:
        with self._lock:
            self._timer = None
            if self._closed:
                return
        self._draw()
