"""Keeps the keys that are pressed in a widget from becoming shortcuts of the notebook.

JupyterLab and Notebook 7 take a key that is not pressed in a text field for a command: an arrow
key in a list would not choose an entry but leave it for the next cell.
"""

from __future__ import annotations

from pathlib import Path

import anywidget


class OwnKeys(anywidget.AnyWidget):
    """Shows nothing. Put into a block of the class `brocap`, it acts on all of that block."""

    _esm = Path(__file__).parent / "own_keys.js"

    def __init__(self) -> None:
        super().__init__(layout={"display": "none"})
