"""Locks that a forked process finds free, whichever thread held them in its parent."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from weakref import WeakSet

_locks: WeakSet[threading.RLock] = WeakSet()
_one_fork = threading.Lock()
_held = ExitStack()


def new_lock() -> threading.RLock:
    """Return a lock that is taken around each fork, so that what it guards is whole in the child.

    Without that a child that is forked while another thread holds the lock waits for ever.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _before() -> None:
    _one_fork.acquire()
    for lock in tuple(_locks):
        _held.enter_context(lock)


def _after() -> None:
    _held.close()
    _one_fork.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
