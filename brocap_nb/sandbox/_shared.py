"""What the views of one kernel share unless they are told otherwise: one log and one sandbox.

The Console and the magics use the same, so each shows what the other did. They are made in the
kernel's main thread.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from brocap_nb.log import ExchangeLog

if TYPE_CHECKING:
    from brocap_nb.sandbox._server import Sandbox

_sandbox: Sandbox | None = None


@functools.cache
def shared_log() -> ExchangeLog:
    """Return the log of whoever was given none: that of the working directory."""
    return ExchangeLog()


def shared_sandbox() -> Sandbox:
    """Return the running sandbox of whoever was given none; it ends with the kernel."""
    global _sandbox
    if _sandbox is None or not _sandbox._thread.is_alive():
        from brocap_nb.sandbox._server import Sandbox  # brings the server along: not before

        _sandbox = Sandbox().start()
    return _sandbox
