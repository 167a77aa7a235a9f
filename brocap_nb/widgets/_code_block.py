"""A block of code that can be copied: a button where the front end allows it, else by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import anywidget
import traitlets

from brocap_nb import _html
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import note

LONGEST: Final = 20_000
"""Characters that are shown: what is shown stays in the saved notebook."""


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
