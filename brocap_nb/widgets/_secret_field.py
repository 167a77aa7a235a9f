"""A field for a secret, whose value is never widget state.

The state of a widget is written into the saved notebook, its checkpoints and its exports. So
the browser sends what was typed as a custom message and empties its input; the value lives in a
plain Python attribute, wrapped so that it shows itself in no repr.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from brocap_nb.api._secrets import Secret


class SecretField(anywidget.AnyWidget):
    """A labelled input that takes a secret on Enter or when it loses the focus."""

    _esm = Path(__file__).parent / "secret_field.js"

    label = traitlets.Unicode("Client key").tag(sync=True)
    """What the field is for, in words."""
    noun = traitlets.Unicode("key").tag(sync=True)
    """What the secret is called in the status."""
    status = traitlets.Unicode("").tag(sync=True)
    """Whether a secret is set, in words; never the secret."""
    length = traitlets.Int(0).tag(sync=True)
    """How many characters the secret has; 0 if none is set."""

    def __init__(self, **kwargs: Any) -> None:
        self._secret: Secret | None = None
        self._observers: list[Callable[[], None]] = []
        super().__init__(**kwargs)
        self._tell(0)
        self.on_msg(self._receive)

    @property
    def secret(self) -> Secret | None:
        """The secret, or None. `reveal()` on it is for the wire only."""
        return self._secret

    def set(self, value: str) -> None:
        """Set the secret; an empty one clears it. Spaces around it are dropped."""
        value = value.strip()
        self._secret = Secret(value) if value else None
        self._tell(len(value))
        for observer in self._observers:
            observer()

    def _tell(self, length: int) -> None:
        self.length = length
        told = f"a {self.noun} is set ({length} characters)" if length else f"no {self.noun} is set"
        self.status = told

    def clear(self) -> None:
        """Forget the secret."""
        self.set("")

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call `observer` after the secret was set or cleared."""
        self._observers.append(observer)

    def _receive(self, _: Any, content: Any, __: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "set" and isinstance(content.get("value"), str):
            self.set(content["value"])
        elif kind == "clear":
            self.clear()
