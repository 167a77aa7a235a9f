"""One cell, one console: running a cell again replaces what it showed before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from IPython import get_ipython

_made: dict[str, tuple[str, list[Callable[[], None]]]] = {}


def replace_former(close: Callable[[], None]) -> None:
    """Close what an earlier run of the current cell has made; `close` is called by the next run.

    It is closed when this run is over: what the cell shows need not wait for it. Outside a
    notebook, or where the front end names no cell, nothing happens.
    """
    run, cell = _current()
    if not cell:
        return
    former_run, former = _made.get(cell, ("", []))
    if former_run == run:
        former.append(close)
        return
    _made[cell] = (run, [close])
    if former:
        _after_this_run(former)


def _after_this_run(closers: Iterable[Callable[[], None]]) -> None:
    shell = get_ipython()

    def close() -> None:
        shell.events.unregister("post_execute", close)
        for closer in closers:
            closer()

    shell.events.register("post_execute", close)


def _current() -> tuple[str, str]:
    """The id of the request that the kernel answers, and the cell that it runs."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent: dict[str, Any] = kernel.get_parent("shell") if kernel is not None else {}
    cell = (parent.get("metadata") or {}).get("cellId") or ""
    return (parent.get("header") or {}).get("msg_id", ""), cell
