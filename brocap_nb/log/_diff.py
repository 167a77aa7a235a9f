"""Two exchanges side by side: what was added, removed and changed, field by field."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
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

_BODIES: Final = ("request", "response")
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

    def sides(self) -> tuple[str, str]:
        """The values for people; empty where there is none."""
        left, right = _plain(self.left), _plain(self.right)
        return ("" if self.kind == "added" else left, "" if self.kind == "removed" else right)


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
        lines = [f"{self.left_id} -> {self.right_id}: {self._told()}"]
        for row in self.rows:
            lines.append(_html.printable(f"{_SIGNS[row.kind]} {row.path}"))
            for sign, value in zip("-+", row.sides(), strict=True):
                if value:
                    told = _html.printable(f"    {sign} {value}")
                    lines.append(fill(told, 79, subsequent_indent=" " * 6))
        return "\n".join(lines)

    def _told(self) -> str:
        if not self.rows:
            return "no difference"
        return f"{len(self.rows)} difference{'s' if len(self.rows) > 1 else ''}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        rows = [
            [
                _html.badge(f"{_SIGNS[row.kind]} {row.kind}"),
                f"<code>{_html.text(row.path)}</code>",
                *(
                    f'<div style="overflow-wrap:anywhere">{_html.text(v)}</div>'
                    for v in row.sides()
                ),
            ]
            for row in self.rows
        ]
        headers = ["", "where", self.left_id, self.right_id]
        html = _html.card(
            f"{self.left_id} → {self.right_id}: {self._told()}",
            _html.table(headers, rows) if rows else "",
        )
        return _html.bundle(html, str(self))


def diff(
    left: Exchange,
    right: Exchange,
    *,
    ignore: Collection[str] = (),
    everything: bool = False,
) -> Difference:
    """Compare two exchanges field by field; bodies that are JSON by path, others as a whole."""
    skip = {path.lower() for path in (*ignore, *(() if everything else IGNORED))}

    def wanted(path: str) -> bool:
        parts = path.lower().replace("[", ".[").split(".")
        return not any(
            ".".join(parts[:n]).replace(".[", "[") in skip for n in range(1, len(parts) + 1)
        )

    rows: list[Row] = []
    for field in dataclasses.fields(Exchange):
        one, two = (_value(field.name, getattr(side, field.name)) for side in (left, right))
        rows += _rows(field.name, one, two, 0)
    return Difference(
        left.exchange_id, right.exchange_id, tuple(row for row in rows if wanted(row.path))
    )


def _value(name: str, value: Any) -> Any:
    """What is compared of a field: JSON as such, headers' names in one spelling."""
    if name.endswith("_headers"):
        return {key.title(): text for key, text in json.loads(value or "{}").items()}
    if value is not None and name in _BODIES:
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return _ABSENT if value is None else value


def _rows(path: str, left: Any, right: Any, depth: int) -> Iterator[Row]:
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
