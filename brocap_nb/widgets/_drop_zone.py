"""A place to paste or drop a picture, with a button for a file.

The browser looks at what comes before it sends it: a file that is too large never leaves the page,
and of one that is no picture only the start does, which says what it is. The bytes travel as one
binary message and are never part of the widget's state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from brocap_nb.tasks import _pictures

MAX_BYTES: Final = 10_000_000
_LONGEST_ADDRESS: Final = 4_000


class DropZone(anywidget.AnyWidget):
    """Takes a picture from the clipboard, a drop or a file; an address as text."""

    _esm = Path(__file__).parent / "drop_zone.js"

    label = traitlets.Unicode("Paste or drop a picture").tag(sync=True)
    """What the zone is for, in words."""
    max_bytes = traitlets.Int(MAX_BYTES).tag(sync=True)
    """How large a file may be; a notebook's connection carries little more."""
    problem = traitlets.Unicode("").tag(sync=True)
    """What was refused or left out, and what to do; empty if nothing was."""

    def __init__(self, **kwargs: Any) -> None:
        self._on_picture: list[Callable[[bytes, str], None]] = []
        self._on_address: list[Callable[[str], None]] = []
        super().__init__(**kwargs)
        self.on_msg(self._receive)

    def on_picture(self, observer: Callable[[bytes, str], None]) -> None:
        """Call `observer(data, name)` with each picture that is taken."""
        self._on_picture.append(observer)

    def on_address(self, observer: Callable[[str], None]) -> None:
        """Call `observer(url)` with each http(s) address that is pasted or dropped as text."""
        self._on_address.append(observer)

    def _receive(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        """The page has looked already; what a page says is looked at again."""
        if not isinstance(content, dict):
            return
        kind, name, url = (content.get(key, "") for key in ("kind", "name", "url"))
        if kind == "picture" and buffers:
            data = bytes(buffers[0])
            shown = name[:80] if isinstance(name, str) and name else "The file"
            if len(data) > self.max_bytes:
                self.problem = (
                    f"{shown} has {len(data):,} bytes; at most {self.max_bytes:,} are taken. "
                    "Choose a smaller file."
                )
            elif sentence := _pictures.check_kind(data, shown):
                self.problem = f"{self.problem} {sentence}".strip()
            else:
                for take in self._on_picture:
                    take(data, shown)
        elif kind == "address" and _pictures.is_url(url) and len(url) <= _LONGEST_ADDRESS:
            for fill in self._on_address:
                fill(url)
