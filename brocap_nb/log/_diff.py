"""Two exchanges side by side: what was added, removed and changed, field by field."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._body import EmbeddedPicture, embedded_picture
from brocap_nb.api._errors import InvalidImageError
from brocap_nb.api._exchange import Exchange
from brocap_nb.tasks import _pictures

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
_HEADERS: Final = ("request_headers", "response_headers")
_ABSENT: Final = object()
_LONGEST: Final = 200
_TOO_DEEP: Final = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One place at which two exchanges differ."""

    path: str
    """Where: a field of the exchange, or a path into a body, as `request.task.metadata.Task`."""
    kind: str
    """`added`, `removed` or `changed`, from the left exchange to the right one."""
    left: Any = None
    """The value on the left; None if it is not there. A picture is an `EmbeddedPicture`."""
    right: Any = None
    """The value on the right."""


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

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __str__(self) -> str:
        lines = [f"{self.left_id} -> {self.right_id}: {self._told()}"]
        for row in self.rows:
            lines.append(f"{_SIGNS[row.kind]} {row.path}")
            if row.kind != "added":
                lines.append(f"    - {_plain(row.left)}")
            if row.kind != "removed":
                lines.append(f"    + {_plain(row.right)}")
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
                "" if row.kind == "added" else _as_html(row.left),
                "" if row.kind == "removed" else _as_html(row.right),
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
    """Compare two exchanges field by field; bodies that are JSON by path, others by line.

    >>> from brocap_nb.log._diff import diff
    >>> error = client.submit(bn.RawTask({"type": "NewTask"})).exception()
    >>> error = client.submit(bn.RawTask({"type": "NewTask", "depth": 2})).exception()
    >>> [(row.path, row.kind, row.right) for row in diff(log[1], log[2])]
    [('request.task.depth', 'added', 2)]

    Args:
        ignore: paths to leave out as well; a path covers what lies below it.
        everything: compare also what differs between any two exchanges: see `IGNORED`.
    """
    skip = {path.lower() for path in (*ignore, *(() if everything else IGNORED))}

    def wanted(path: str) -> bool:
        parts = path.lower().replace("[", ".[").split(".")
        return not any(
            ".".join(parts[:n]).replace(".[", "[") in skip for n in range(1, len(parts) + 1)
        )

    rows: list[Row] = []
    for field in dataclasses.fields(Exchange):
        name = field.name
        one, two = getattr(left, name), getattr(right, name)
        if name in _BODIES:
            rows += _bodies(name, one, two)
        elif name in _HEADERS:
            rows += _values(name, _names_alike(one), _names_alike(two), 0)
        elif one != two:
            rows += _row(name, _ABSENT if one is None else one, _ABSENT if two is None else two)
    return Difference(
        left.exchange_id, right.exchange_id, tuple(row for row in rows if wanted(row.path))
    )


def _names_alike(headers: str | None) -> dict[str, str]:
    """Headers with their names in one spelling, whatever the peer's."""
    return {name.title(): value for name, value in json.loads(headers or "{}").items()}


def _bodies(name: str, left: str | None, right: str | None) -> Iterator[Row]:
    if left == right:
        return
    if left is None or right is None:
        yield from _row(name, *(_ABSENT if body is None else body for body in (left, right)))
        return
    try:
        one, two = json.loads(left), json.loads(right)
    except (ValueError, RecursionError):
        yield from _lines(name, left.splitlines(), right.splitlines())
        return
    found = list(_values(name, one, two, 0))
    # the same JSON in another spelling: that is a difference too, for who looks at everything
    yield from found or [Row(f"{name}[spelling]", "changed", left, right)]


def _values(path: str, left: Any, right: Any, depth: int) -> Iterator[Row]:
    if depth < _TOO_DEEP and isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            one, two = left.get(name, _ABSENT), right.get(name, _ABSENT)
            yield from _values(f"{path}.{name}", one, two, depth + 1)
    elif depth < _TOO_DEEP and isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            one, two = (side[index] if index < len(side) else _ABSENT for side in (left, right))
            yield from _values(f"{path}[{index}]", one, two, depth + 1)
    elif type(left) is not type(right) or left != right:  # True is not 1 here
        yield from _row(path, left, right)


def _lines(path: str, left: Sequence[str], right: Sequence[str]) -> Iterator[Row]:
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=len(left) > 2_000)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield from _row(
                f"{path}[line {a + 1}]",
                "\n".join(left[a:b]) if b > a else _ABSENT,
                "\n".join(right[c:d]) if d > c else _ABSENT,
            )


def _row(path: str, left: Any, right: Any) -> Iterator[Row]:
    kind = "added" if left is _ABSENT else "removed" if right is _ABSENT else "changed"
    yield Row(path, kind, _held(left), _held(right))


def _held(value: Any) -> Any:
    if value is _ABSENT:
        return None
    found = embedded_picture(value) if isinstance(value, str) else None
    return value if found is None else found


_SIGNS: Final = {"added": "+", "removed": "-", "changed": "≠"}


def _plain(value: Any) -> str:
    if isinstance(value, EmbeddedPicture):
        return f"<{value.media_type} {len(value.data):,} bytes sha256:{value.sha256[:8]}>"
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    if len(text) > _LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        text = f"{text[:_LONGEST]}… ({len(text):,} characters sha256:{digest})"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _as_html(value: Any) -> str:
    if isinstance(value, EmbeddedPicture):
        try:
            small, kind, *_ = _pictures.thumbnail(value.data, side=140, max_bytes=6_000)
        except InvalidImageError:
            small, kind = b"", ""
        shown = _html.picture(small, kind, "Picture of the task", width=120) if small else ""
        return shown + _html.text(_plain(value))
    return f'<span style="white-space:pre-wrap">{_html.text(_plain(value))}</span>'
