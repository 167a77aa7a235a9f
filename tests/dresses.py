"""The key as a server may repeat it, and what inspectors of objects and tracebacks show."""

from __future__ import annotations

import html
import inspect
import json
import re
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from linecache import getline
from typing import Any

DRESSES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON, slashes escaped": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "in JSON, all escaped": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "in a URL": lambda key: urllib.parse.quote(key, safe=""),
    "in a URL, all escaped": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "in HTML": html.escape,
    "as decimal entities": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "as hexadecimal entities": lambda key: "".join(f"&#x{ord(c):X};" for c in key),
    "in upper case": str.upper,
    "as hexadecimal digits": lambda key: key.encode().hex(),
    "as upper hexadecimal digits": lambda key: key.encode().hex().upper(),
}


def expanded(value: Any) -> str:
    """All that a debugger's list of variables shows of an object when each level is opened."""
    return "\n".join(_levels(value, 5, set()))


def _levels(value: Any, depth: int, seen: set[int]) -> Iterator[str]:
    """Its attributes, slots and items."""
    if id(value) in seen or not depth:
        return
    seen.add(id(value))
    yield repr(value)
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = [*value]
    elif type(value).__module__.startswith("brocap_nb"):
        inner = [held for name, held in inspect.getmembers(value) if not name.startswith("__")]
        inner += list(getattr(value, "__dict__", {}).values())
    for held in inner:
        yield from _levels(held, depth - 1, seen)


def traced(
    call: Callable[[], object], stop_at: int, files: str
) -> tuple[BaseException | None, list[object]]:
    """Interrupt a call before the line of such files with this number; the lines before it."""
    lines: list[object] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        code, line = frame.f_code, frame.f_lineno
        if not re.search(files, code.co_filename):
            return None
        # at the end of a `with` nothing real comes before a lock is released
        if event == "line" and "with " not in getline(code.co_filename, line):
            lines.append((code, line))
            if len(lines) == stop_at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt as error:
        return error, lines
    finally:
        sys.settrace(before)
    return None, lines
