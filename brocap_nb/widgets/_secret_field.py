"""A field for a secret, whose value is never widget state.

The state of a widget is written into the saved notebook, its checkpoints and its exports. So
the browser sends what was typed as a custom message and empties its input; the value lives in a
trait that is never synced, wrapped so that it shows itself in no repr.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traitlets

from brocap_nb.api._secrets import Secret
from brocap_nb.widgets import _kit as widgets


class SecretField(widgets.AnyWidget):
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
    secret = traitlets.Instance(Secret, allow_none=True, read_only=True)
    """The secret, or None; no part of the state. `reveal()` on it is for the wire only."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set("")
        self.on_msg(self._receive)

    def set(self, value: str) -> None:
        """Set the secret; an empty one clears it. Spaces around it are dropped."""
        value = value.strip()
        self.length = length = len(value)
        told = f"a {self.noun} is set ({length} characters)" if length else f"no {self.noun} is set"
        self.status = told
        self.set_trait("secret", Secret(value) if value else None)

    def _receive(self, _: Any, content: Any, __: Any) -> None:
        value = content.get("value") if isinstance(content, dict) else None
        if isinstance(value, str):
            self.set(value)
