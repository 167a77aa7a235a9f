"""Two exchanges side by side: what was added, removed and changed, field by field."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from itertools import zip_longest
from textwrap import fill
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._exchange import Exchange

IGNORED: Final = frozenset(
    {
        *("exchange_id", "session", "started_at", "elapsed_ms", "attempt", "task_id"),
        *("request_bytes", "response_bytes", "response_base64"),
        *("request.clientKey", "request.taskId", "response.taskId"),
        *("request_headers.Content-Length", "response_headers.Content-Length"),
        *("response_headers.Date", "request_headers.Date", "response_headers.Age"),
        *("response_headers.ETag", "response_headers.CF-RAY", "response_headers.X-Request-Id"),
    }
)
"""Paths that differ between any two exchanges, so are compared only with `everything=True`."""

_ABSENT: Final = object()
_LONGEST: Final = 200
_TOO_DEEP: Final = 60
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True)
class Row:
    """One place at which two exchanges differ."""

    path: str
    """Where: a field of the exchange, or a path into a body, as `request.task.metadata.Task`."""
    kind: str
    """`added`, `removed` or `changed`, from the left exchange to the right one."""
    left: Any = None
    right: Any = None
    """The values on either side; None if there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two exchanges. It is true if anything does."""

    left_id: str
    right_id: str
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        many = {0: "no difference", 1: "1 difference"}
        told = many.get(len(self), f"{len(self)} differences")
        lines, cells = [f"{self.left_id} -> {self.right_id}: {told}"], []
        for row in self.rows:
            sign, left, right = _SIGNS[row.kind], _plain(row.left), _plain(row.right)
            lines.append(f"{sign} {row.path}")
            for mark, value, absent in (("-", left, "added"), ("+", right, "removed")):
                if row.kind != absent:
                    told = _html.printable(f"    {mark} {value}")  # first: an escape is longer
                    lines.append(fill(told, 79, subsequent_indent=" " * 6))
            sides = ["" if row.kind == "added" else left, "" if row.kind == "removed" else right]
            shown = [f'<div style="overflow-wrap:anywhere">{_html.text(s)}</div>' for s in sides]
            path = f"<code>{_html.text(row.path)}</code>"
            cells.append([_html.badge(f"{sign} {row.kind}"), path, *shown])
        table = _html.table(["", "where", self.left_id, self.right_id], cells) if cells else ""
        return _html.bundle(_html.card(lines[0].replace("->", "→"), table), "\n".join(lines))


def diff(
    left: Exchange, right: Exchange, *, ignore: Collection[str] = (), everything: bool = False
) -> Difference:
    """Compare two exchanges field by field; bodies that are JSON by path, others as a whole."""
    skipped = tuple(path.lower() for path in (*ignore, *(() if everything else IGNORED)))

    def wanted(row: Row) -> bool:
        path = row.path.lower()
        return not any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in skipped)

    names = [field.name for field in fields(Exchange)]
    sides = [[_value(name, getattr(side, name)) for name in names] for side in (left, right)]
    rows = (row for place in zip(names, *sides, strict=True) for row in _rows(*place))
    return Difference(left.exchange_id, right.exchange_id, tuple(filter(wanted, rows)))


def _value(name: str, value: Any) -> Any:
    """What is compared of a field: JSON as such, headers' names in one spelling."""
    if name.endswith("_headers"):
        return {key.title(): text for key, text in json.loads(value or "{}").items()}
    if name in ("request", "response"):
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            return json.loads(value)
    return _ABSENT if value is None else value


def _rows(path: str, left: Any, right: Any, depth: int = 0) -> Iterator[Row]:
    if depth < _TOO_DEEP and isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            one, two = left.get(name, _ABSENT), right.get(name, _ABSENT)
            yield from _rows(f"{path}.{name}", one, two, depth + 1)
    elif depth < _TOO_DEEP and isinstance(left, list) and isinstance(right, list):
        for index, (one, two) in enumerate(zip_longest(left, right, fillvalue=_ABSENT)):
            yield from _rows(f"{path}[{index}]", one, two, depth + 1)
    elif type(left) is not type(right) or left != right:  # True is not 1 here
        kind = "added" if left is _ABSENT else "removed" if right is _ABSENT else "changed"
        yield Row(path, kind, *(None if side is _ABSENT else side for side in (left, right)))


def _plain(value: Any) -> str:
    """A value on one line; of a long one, such as a picture, its beginning."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    if len(text) > _LONGEST:
        text = f"{text[:80]}… ({len(text):,} characters)"
    return _html.printable(text, "utf-8")
