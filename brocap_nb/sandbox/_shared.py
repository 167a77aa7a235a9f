"""What the views of one kernel share unless they are told otherwise: one log and one sandbox.

The Console and the magics use the same, so each shows what the other did.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from brocap_nb.log import ExchangeLog

if TYPE_CHECKING:
    from brocap_nb.sandbox._server import Sandbox

_lock = threading.Lock()
_log: ExchangeLog | None = None
_sandbox: Sandbox | None = None
_users: set[int] = set()


def shared_log() -> ExchangeLog:
    """Return the log of whoever was given none: that of the working directory."""
    global _log
    with _lock:
        _log = _log or ExchangeLog()
        return _log


def acquire_sandbox(user: object) -> Sandbox:
    """Return the sandbox of whoever was given none; it runs until its last user released it.

    Raises:
        SandboxError: it cannot start.
    """
    global _sandbox
    with _lock:
        _users.add(id(user))
        if _sandbox is None:
            from brocap_nb.sandbox._server import Sandbox  # brings the server along: not before

            _sandbox = Sandbox().start()
        return _sandbox


def release_sandbox(user: object) -> None:
    """Say that `user` no longer needs the sandbox; the last one that does so stops it."""
    global _sandbox
    with _lock:
        _users.discard(id(user))
        if not _users and _sandbox is not None:
            _sandbox.stop()
            _sandbox = None
