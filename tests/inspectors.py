"""What an inspector of objects shows: attributes, slots and items, level by level."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any


def expanded(value: Any) -> str:
    """All that a debugger's list of variables shows of an object when each level is opened."""
    return "\n".join(_levels(value, 5, set()))


def _levels(value: Any, depth: int, seen: set[int]) -> Iterator[str]:
    if id(value) in seen or not depth:
        return
    seen.add(id(value))
    yield repr(value)
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = [*value]
    elif not type(value).__module__.startswith("brocap_nb"):
        return
    else:
        inner = [held for name, held in inspect.getmembers(value) if not name.startswith("__")]
        inner += list(getattr(value, "__dict__", {}).values())
    for held in inner:
        yield from _levels(held, depth - 1, seen)
