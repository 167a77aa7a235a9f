"""Keeps the notebook's shortcuts away from the keys that are meant for a widget.

In JupyterLab an arrow key in a list of choices moves to another cell, and a letter on a button may
cut one. The core widgets guard only their text inputs.
"""

from __future__ import annotations

from pathlib import Path

import anywidget

__all__ = ["KeyGuard"]


class KeyGuard(anywidget.AnyWidget):
    """Put anywhere into a widget of the class `brocap`, it guards all of that; it is not seen."""

    _esm = Path(__file__).parent / "key_guard.js"
