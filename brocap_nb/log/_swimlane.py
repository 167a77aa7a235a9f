"""The picture of one task's exchanges: a lane for each method, time from left to right.

Plain SVG of rows of `log.timeline()`, shown as an image: no script, no dependency. It has a page of
its own, light or dark as the browser prefers, so that its words are legible wherever it stands.
The shape of a mark says the same as its colour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from brocap_nb._html import many

Row: TypeAlias = Mapping[str, Any]  # one exchange or callback: a row of `log.timeline()`
_Place: TypeAlias = Callable[[float], float]  # from seconds to a place on the line

_LANES: Final = ("createTask", "getTaskResult", "callback")
_WIDTH: Final = 760
_LEFT: Final = 116
_RIGHT: Final = 720
_TOP: Final = 30
_LANE: Final = 34
_EDGE: Final = 6  # half a mark
_SAFE: Final = " !$'()*+,-./:;=?@_~"  # in an address between double quotes
_STYLE: Final = (
    "<style>.page{fill:#f6f8fa}text{fill:#1f2328}"
    "@media(prefers-color-scheme:dark){.page{fill:#1c2128}text{fill:#e6edf3}}</style>"
)
_MARKS: Final = {  # shape and colour
    "created": ("m-4-4h8v8h-8z", "#2c9c5f"),
    "processing": ("m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0", "#3f86d6"),
    "done": ("m0-6 6 6-6 6-6-6z", "#2c9c5f"),
    "callback": ("m0-6 6 10h-12z", "#2c9c5f"),
    "went wrong": ("m-4-4 8 8m0-8-8 8", "#d8503f"),
}


def _end(row: Row) -> float:
    """When the answer was there, in seconds from the start of the task."""
    return float(row["offset_s"]) + (row["elapsed_ms"] or 0) / 1000


def _mark(row: Row) -> str:
    """What it is drawn as, and the legend says."""
    if row["outcome"] == "processing":
        return "processing"
    if row["error_code"] or row["outcome"] not in ("ok", "callback"):
        return "went wrong"
    return {"createTask": "created", "callback": "callback"}.get(row["method"], "done")


def _result(rows: Sequence[Row]) -> float | None:
    """When the first result was there."""
    ready = (row for row in rows if row["status"] == "ready" and _mark(row) != "went wrong")
    return min(map(_end, ready), default=None)


def in_words(task_id: int, rows: Sequence[Row]) -> str:
    """Return the timeline as a sentence or two."""
    if not rows:
        return f"The log has no exchange of task {task_id}."
    named = {name: [row for row in rows if row["method"] == name] for name in _LANES}
    created, polls, callbacks = named.values()
    parts = [f"createTask took {_span(_end(row) - row['offset_s'])}" for row in created[:1]]
    if polls:
        gaps = sorted(b["offset_s"] - a["offset_s"] for a, b in pairwise(polls))
        apart = f", {_span(gaps[len(gaps) // 2])} apart" if gaps else ""
        parts.append(f"{many(len(polls), 'request')} for the result{apart}")
    if callbacks:
        parts.append(many(len(callbacks), "callback"))
    result, since = _result(rows), "the start" if created else "the first request"
    came = (
        "no result so far" if result is None else f"the result came {_span(result)} after {since}"
    )
    story = f"Task {task_id}: {'; '.join([*parts, came])}."
    wrong = (row for row in rows if _mark(row) == "went wrong")
    failed = Counter(row["error_code"] or row["outcome"].replace("_", " ") for row in wrong)
    if failed:
        told = (f"{count} x {what}" if count > 1 else what for what, count in failed.items())
        story += f" It went wrong: {', '.join(told)}."
    if any(later["offset_s"] < earlier["offset_s"] for earlier, later in pairwise(rows)):
        story += " The clock was set back in between: do not trust the times."
    return story


def image(svg: str, alt: str, style: str) -> str:
    """Return a drawing as HTML. A notebook that is not trusted shows pictures, but no `<svg>`."""
    words = escape(alt)
    return (
        f'<img src="data:image/svg+xml,{quote(svg, safe=_SAFE)}" alt="{words}" title="{words}" '
        f'style="{style}">'
    )


def svg(rows: Sequence[Row]) -> str:
    """Return the picture: a lane for each method; empty if there is nothing to draw."""
    if not rows:
        return ""
    named = {row["method"] or "" for row in rows}
    lanes = [name for name in _LANES if name in named] + sorted(named - {*_LANES})
    first, last, place = _scale(rows, _LEFT, _RIGHT)
    foot = _TOP + _LANE * len(lanes)
    parts = [_STYLE, f"<rect class='page' width='{_WIDTH}' height='{foot + 52}' rx='6'/>"]
    step = 10.0 ** math.ceil(math.log10(max(last - first, 0.001)) - 1)
    if (last - first) / step < 4:
        step /= 2
    for number in range(math.ceil(first / step), math.floor(last / step) + 1):
        x = place(number * step)  # a line at every round number of seconds
        parts.append(f"<path d='M{x:.1f} {_TOP}V{foot}' stroke='#808080' stroke-opacity='.3'/>")
        parts.append(_words(x, foot + 15, f"{number * step:g} s", "middle"))
    for number, lane in enumerate(lanes):
        y = _TOP + _LANE * number + _LANE // 2
        parts.append(_words(_LEFT - 14, y + 4, f"{lane:.15}", "end"))
        own = [row for row in rows if (row["method"] or "") == lane]
        parts.append(_lane(own, place, y, _LEFT, _RIGHT))
    result = _result(rows)
    if result is not None:  # the moment in which it was there, across all lanes
        x, colour = place(result), _MARKS["done"][1]
        parts.append(f"<path d='M{x:.1f} {_TOP - 8}V{foot}' stroke='{colour}' stroke-width='1'/>")
        anchor = "start" if x < _WIDTH / 2 else "end"
        parts.append(_words(x, _TOP - 14, f"result after {_span(result)}", anchor))
    marks = {_mark(row) for row in rows}
    for number, mark in enumerate(name for name in _MARKS if name in marks):
        x = _LEFT + 110 * number
        parts.append(_shape(x, foot + 40, mark) + _words(x + 12, foot + 44, mark, "start"))
    return _drawing(_WIDTH, foot + 52, *parts)


def strip(task_id: int, rows: Sequence[Row]) -> str:
    """Return one lane of all exchanges, small, for a table; empty for none."""
    if not rows:
        return ""
    width, height = 120, 18  # pixels
    left, right = _EDGE, width - _EDGE
    lane = _lane(rows, _scale(rows, left, right)[2], height // 2, left, right)
    # as a style, since notebooks shrink pictures in tables
    style = f"width:{width}px;height:{height}px;max-width:none"
    return image(_drawing(width, height, lane), in_words(task_id, rows), style)


def _drawing(width: int, height: int, *parts: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        "font-family='system-ui,sans-serif' font-size='11' fill='none' stroke-width='2'>"
        f"{''.join(parts)}</svg>"
    )


def _scale(rows: Sequence[Row], left: int, right: int) -> tuple[float, float, _Place]:
    """The first and the last second, and where seconds are."""
    first, last = min(0.0, *(row["offset_s"] for row in rows)), max(map(_end, rows))
    unit = (right - left) / max(last - first, 0.001)
    return first, last, lambda seconds: left + (seconds - first) * unit


def _lane(rows: Sequence[Row], place: _Place, y: int, left: int, right: int) -> str:
    """A line, on it a bar for what took its time, and a mark where the answer was there."""
    bars, marks = [f"<path d='M{left} {y}H{right}' stroke='#808080' stroke-width='1'/>"], []
    before = "", -math.inf
    for row in sorted(rows, key=_end):
        mark, x1, x2 = _mark(row), place(row["offset_s"]), place(_end(row))
        if x2 - x1 > _EDGE:
            colour = _MARKS[mark][1]
            bars.append(f"<path d='M{x1:.0f} {y}H{x2:.0f}' stroke='{colour}' stroke-width='5'/>")
        if mark != before[0] or x2 - before[1] >= 2 * _EDGE:  # equal ones that touch are one
            before = mark, x2
            marks.append(_shape(x2, y, mark))
    return "".join(bars + marks)


def _shape(x: float, y: int, mark: str) -> str:
    shape, colour = _MARKS[mark]
    return f"<path d='M{x:.0f} {y}{shape}' {'fill' if shape[-1] == 'z' else 'stroke'}='{colour}'/>"


def _words(x: float, y: float, text: str, anchor: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{escape(text)}</text>"


def _span(seconds: float) -> str:
    """A time for people."""
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
