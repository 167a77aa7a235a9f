"""The picture of one task's exchanges: a lane for each method, time from left to right.

Plain SVG, drawn here and shown as an image: no script, no dependency. It has a page of its own,
light or dark as the browser prefers, so that its words are legible wherever it stands. The shape
of a mark says the same as its colour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Final, Self
from urllib.parse import quote

_LANES: Final = ("createTask", "getTaskResult", "callback")
_WIDTH: Final = 760
_LEFT: Final = 116
_RIGHT: Final = 40
_TOP: Final = 30
_LANE: Final = 34
_EDGE: Final = 6  # half a mark
_LETTER: Final = 6.3  # of 11 px, and rather too wide than too narrow
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One exchange or callback of a task."""

    lane: str  # the method, or `callback`
    start: float  # in seconds from the start of the task
    seconds: float  # how long it took; 0 if that is not known
    outcome: str
    status: str | None = None
    error_code: str | None = None
    name: str = ""  # its `exchange_id`

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return a row of `log.timeline()` as an event."""
        return cls(
            lane=str(row["method"]),
            start=float(row["offset_s"]),
            seconds=(row["elapsed_ms"] or 0.0) / 1000,
            outcome=str(row["outcome"]),
            status=row["status"],
            error_code=row["error_code"],
            name=str(row["exchange_id"]),
        )

    @property
    def end(self) -> float:
        return self.start + self.seconds

    @property
    def mark(self) -> str:
        """What it is drawn as, and the legend says."""
        if self.outcome == "processing":
            return "processing"
        if self.error_code or self.outcome not in ("ok", "callback"):
            return "went wrong"
        return {"createTask": "created", "callback": "callback"}.get(self.lane, "done")

    @property
    def is_result(self) -> bool:
        return self.status == "ready" and self.mark != "went wrong"

    @property
    def told(self) -> str:
        """What came of it, in a word or two."""
        if self.mark == "went wrong":
            return self.error_code or self.outcome.replace("_", " ")
        if self.is_result:
            return "ready"
        return "created" if self.mark == "created" else self.status or self.outcome


def in_words(task_id: int, events: Sequence[Event]) -> str:
    """Return the timeline as a sentence or two."""
    if not events:
        return f"The log has no exchange of task {task_id}."
    created = next((e for e in events if e.lane == "createTask"), None)
    polls = [e for e in events if e.lane == "getTaskResult"]
    callbacks = sum(e.lane == "callback" for e in events)
    parts = [f"createTask took {_span(created.seconds)}"] if created is not None else []
    if polls:
        gaps = sorted(b.start - a.start for a, b in pairwise(polls))
        apart = f", {_span(gaps[len(gaps) // 2])} apart" if gaps else ""
        parts.append(f"{many(len(polls), 'request')} for the result{apart}")
    if callbacks:
        parts.append(many(callbacks, "callback"))
    result = _first_result(events)
    if result is None:
        parts.append("no result so far")
    else:
        since = "the start" if created is not None else "the first request"
        parts.append(f"the result came {_span(result.end)} after {since}")
    story = f"Task {task_id}: {'; '.join(parts)}."
    failed = Counter(e.told for e in events if e.mark == "went wrong")
    if failed:
        listed = ", ".join(f"{t} ({n} times)" if n > 1 else t for t, n in failed.items())
        story += f" It went wrong: {listed}."
    if any(later.start < earlier.start for earlier, later in pairwise(events)):
        story += " The clock was set back in between: do not trust the times."
    return story


def image(svg: str, alt: str, style: str) -> str:
    """Return a drawing as HTML. A notebook that is not trusted shows pictures, but no `<svg>`."""
    words = escape(alt)
    return (
        f'<img src="data:image/svg+xml,{quote(svg, safe=_SAFE)}" alt="{words}" title="{words}" '
        f'style="{style}">'
    )


def svg(events: Sequence[Event]) -> str:
    """Return the picture: a lane for each method; empty if there is nothing to draw."""
    if not events:
        return ""
    named = {e.lane for e in events}
    lanes = [n for n in _LANES if n in named] + sorted(named - {*_LANES})
    first, last = min(0.0, *(e.start for e in events)), max(e.end for e in events)
    place = _scale(first, last, _LEFT, _WIDTH - _RIGHT)
    foot = _TOP + _LANE * len(lanes)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {foot + 52}' "
        f"font-family='system-ui,sans-serif' font-size='11' fill='none' stroke-width='2'>{_STYLE}"
        f"<rect class='page' width='{_WIDTH}' height='{foot + 52}' rx='6'/>",
        *_axis(first, last, place, foot),
    ]
    for number, lane in enumerate(lanes):
        y = _TOP + _LANE * number + _LANE // 2
        parts.append(_words(_LEFT - 14, y + 4, _cut(lane, 15), "end"))
        parts.append(_lane(_grouped([e for e in events if e.lane == lane], place), place, y, _LEFT))
    result = _first_result(events)
    if result is not None:  # the moment in which it was there, across all lanes
        x, label = place(result.end), f"result after {_span(result.end)}"
        colour = _MARKS["done"][1]
        parts.append(f"<path d='M{x:.1f} {_TOP - 8}V{foot}' stroke='{colour}' stroke-width='1'/>")
        half = len(label) * _LETTER / 2
        parts.append(_words(min(max(x, _LEFT + half), _WIDTH - half), _TOP - 14, label))
    x = _LEFT
    for mark in (name for name in _MARKS if any(e.mark == name for e in events)):
        parts.append(_shape(x, foot + 40, mark) + _words(x + 12, foot + 44, mark, "start"))
        x += 40 + round(len(mark) * _LETTER)
    return "".join([*parts, "</svg>"])


def strip(events: Sequence[Event], *, width: int = 120) -> str:
    """Return one lane of all events, for a row of a table, `width` pixels wide; empty for none."""
    if not events:
        return ""
    first, last = min(e.start for e in events), max(e.end for e in events)
    place = _scale(first, last, _EDGE, width - _EDGE)
    groups = _grouped(events, place)
    told = [
        f"{f'{len(group)} x ' if len(group) > 1 else ''}{_cut(group[-1].told, 40)}, "
        f"{_span(group[-1].end)}"
        for group in groups
    ]
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='18' fill='none' "
        f"stroke-width='2'>{_lane(groups, place, 9, _EDGE, width - _EDGE)}</svg>"
    )
    # as a style, since notebooks shrink pictures in tables
    return image(drawing, "; ".join(told), f"width:{width}px;height:18px;max-width:none")


_Place = Callable[[float], float]


def _scale(first: float, last: float, left: int, right: int) -> _Place:
    """From seconds to places."""
    unit = (right - left) / max(last - first, 0.001)
    return lambda seconds: left + (seconds - first) * unit


def _grouped(events: Sequence[Event], place: _Place) -> list[list[Event]]:
    """The events in order; equal ones whose marks would touch are one group."""
    groups: list[list[Event]] = []
    for event in sorted(events, key=lambda e: e.end):
        last = groups[-1][-1] if groups else None
        near = last is not None and place(event.end) - place(last.end) < 2 * _EDGE
        if last is not None and near and (last.told, last.lane) == (event.told, event.lane):
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _lane(
    groups: Sequence[Sequence[Event]],
    place: _Place,
    y: int,
    left: int,
    right: int = _WIDTH - _RIGHT,
) -> str:
    """A line, on it a bar for what took its time, and a mark where the answer was there."""
    parts = [f"<path d='M{left} {y}H{right}' stroke='#808080' stroke-width='1'/>"]
    for event in (event for group in groups for event in group):
        x1, x2 = place(event.start), place(event.end)
        if x2 - x1 > _EDGE:
            colour = _MARKS[event.mark][1]
            parts.append(f"<path d='M{x1:.0f} {y}H{x2:.0f}' stroke='{colour}' stroke-width='5'/>")
    parts += [_shape(place(group[-1].end), y, group[-1].mark) for group in groups]
    return "".join(parts)


def _shape(x: float, y: int, mark: str) -> str:
    shape, colour = _MARKS[mark]
    return f"<path d='M{x:.0f} {y}{shape}' {'fill' if shape[-1] == 'z' else 'stroke'}='{colour}'/>"


def _axis(first: float, last: float, place: _Place, foot: int) -> Iterator[str]:
    rough = max(last - first, 0.001) / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s for m in (1, 2, 5, 10) if (s := m * power) >= rough)
    scale, unit = (1, "s") if last - first >= 1 else (1000, "ms")
    for number in range(math.ceil(first / step), math.floor(last / step) + 1):
        x, told = place(number * step), f"{number * step * scale:.3f}".rstrip("0").rstrip(".")
        yield f"<path d='M{x:.1f} {_TOP}V{foot}' stroke='#808080' stroke-opacity='.3'/>"
        yield _words(x, foot + 15, f"{told} {unit}")


def _first_result(events: Sequence[Event]) -> Event | None:
    return min((e for e in events if e.is_result), key=lambda e: e.end, default=None)


def _words(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{escape(text)}</text>"


def _span(seconds: float) -> str:
    """A time for people."""
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.01 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
