"""Two exchanges side by side: what was added, removed and changed, field by field."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from itertools import zip_longest
from typing import Any, ClassVar, Final

import pandas as pd

from brocap_nb import _html
from brocap_nb.api._exchange import Exchange
from brocap_nb.log._tables import ShownTable

IGNORED: Final = (
    *("exchange_id", "session", "started_at", "elapsed_ms", "attempt", "task_id"),
    *("request_bytes", "response_bytes", "response_base64"),
    *("request.clientKey", "request.taskId", "response.taskId"),
    *("request_headers.Content-Length", "response_headers.Content-Length"),
    *("response_headers.Date", "request_headers.Date", "response_headers.Age"),
    *("response_headers.ETag", "response_headers.CF-RAY", "response_headers.X-Request-Id"),
)
"""Paths that differ between any two exchanges, so are compared only with `everything=True`."""

_ABSENT: Final = object()
_TOO_DEEP: Final = 60


class DiffTable(ShownTable):
    """What differs between two exchanges: one row for each place."""

    _columns = "kind path left right"
    _metadata: ClassVar[list[str]] = ["_title", "_nothing"]

    def _rows(self) -> list[Any]:
        rows = pd.DataFrame(self).head(self.limit).to_dict("records")
        for row in rows:
            for side, absent in (("left", "added"), ("right", "removed")):
                row[side] = None if row["kind"] == absent else _plain(row[side])
        return rows


def diff(
    left: Exchange, right: Exchange, *, ignore: Collection[str] = (), everything: bool = False
) -> DiffTable:
    """Compare two exchanges field by field; bodies that are JSON by path, others as a whole."""
    left_out = "|".join(map(re.escape, (*ignore, *(() if everything else IGNORED))))
    skipped = re.compile(rf"({left_out})([.\[]|$)", re.IGNORECASE)
    found = [
        row
        for name in Exchange.__slots__
        for row in _rows(name, *(_value(name, getattr(side, name)) for side in (left, right)))
        if not skipped.match(row[0])
    ]
    table = DiffTable(found, columns=["path", "kind", "left", "right"], dtype=object)
    table._title = f"{left.exchange_id} → {right.exchange_id}"
    table._nothing = f"{left.exchange_id} -> {right.exchange_id}: no difference"
    return table


def _value(name: str, value: Any) -> Any:
    """What is compared of a field: JSON as such, headers' names in one spelling."""
    if name.endswith("_headers"):
        return {key.title(): text for key, text in json.loads(value or "{}").items()}
    if name in ("request", "response"):
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            return json.loads(value)
    return _ABSENT if value is None else value


def _rows(path: str, left: Any, right: Any, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    if depth < _TOO_DEEP and isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            one, two = left.get(name, _ABSENT), right.get(name, _ABSENT)
            yield from _rows(f"{path}.{name}", one, two, depth + 1)
    elif depth < _TOO_DEEP and isinstance(left, list) and isinstance(right, list):
        for index, (one, two) in enumerate(zip_longest(left, right, fillvalue=_ABSENT)):
            yield from _rows(f"{path}[{index}]", one, two, depth + 1)
    elif type(left) is not type(right) or left != right:  # True is not 1 here
        kind = "added" if left is _ABSENT else "removed" if right is _ABSENT else "changed"
        yield path, kind, *(None if side is _ABSENT else side for side in (left, right))


def _plain(value: Any) -> str:
    """A value on one line; of a long one, such as a picture, its beginning."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    if len(text) > 200:
        text = f"{text[:60]}… ({len(text):,} characters)"
    return _html.printable(" ".join(text.splitlines()), "utf-8")
