"""The picture of one task's exchanges: a lane for each method, time from left to right.

Plain SVG, drawn here and shown as an image: no script, no dependency. It has a page of its own,
light or dark as the browser prefers, so that its words are legible wherever it stands; a sign or a
word says the same as each colour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Final, Self
from urllib.parse import quote

_LANES: Final = ("createTask", "getTaskResult", "callback")
_WIDTH: Final = 760
_LEFT: Final = 116
_RIGHT: Final = 28
_TOP: Final = 30
_LANE: Final = 54
_BAR: Final = 16
_THIN: Final = 3.5
_LETTER: Final = 6.3  # of 11 px, and rather too wide than too narrow
_SAFE: Final = " !$'()*+,-./:;=?@_~"  # in an address between double quotes
_STYLE: Final = (
    "<style>.page{fill:#f6f8fa}text{fill:#1f2328}line{stroke:#1f2328}"
    "@media(prefers-color-scheme:dark)"
    "{.page{fill:#1c2128}text{fill:#e6edf3}line{stroke:#e6edf3}}</style>"
)
_COLOURS: Final = {"done": "#2c9c5f", "processing": "#3f86d6", "failed": "#d8503f"}
_DASHED: Final = " stroke-dasharray='2 4'"
_EDGE: Final = 6  # of a strip: half a mark, and a little
_SHAPES: Final = {
    "createTask": "m-4-4h8v8h-8z",
    "processing": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "result": "m0-6 6 6-6 6-6-6z",
    "callback": "m0-6 6 10h-12z",
    "failed": "m-4-4 8 8m0-8-8 8",
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
    def kind(self) -> str:
        """`done`, `processing` or `failed`."""
        if self.outcome == "callback":
            return "failed" if self.error_code else "done"
        return {"ok": "done", "processing": "processing"}.get(self.outcome, "failed")

    @property
    def is_result(self) -> bool:
        return self.status == "ready" and self.kind == "done"

    @property
    def told(self) -> str:
        """What came of it, in a word or two."""
        if self.kind == "failed":
            return self.error_code or self.outcome.replace("_", " ")
        if self.is_result:
            return "ready"
        return "created" if self.lane == "createTask" else self.status or self.outcome


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
    failed = Counter(e.told for e in events if e.kind == "failed")
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
    lanes = [lane for lane in _LANES if any(e.lane == lane for e in events)]
    lanes = list(dict.fromkeys([*lanes, *(e.lane for e in events)]))
    scale = _Scale(min(0.0, *(e.start for e in events)), max(e.end for e in events))
    foot = _TOP + _LANE * len(lanes)
    middles = {lane: _TOP + _LANE * n + _LANE * 0.6 for n, lane in enumerate(lanes)}
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {foot + 52}' "
        f"font-family='system-ui,sans-serif' font-size='11'>{_STYLE}"
        f"<rect class='page' width='{_WIDTH}' height='{foot + 52}' rx='6'/>",
        *_axis(scale, foot),
    ]
    for lane, y in middles.items():
        parts.append(_words(_LEFT - 14, y + 4, _cut(lane, 15), "end"))
        parts.append(_line(_LEFT, _WIDTH - _RIGHT, y, y, ".13"))
    parts += _waits(scale, middles, events)
    parts += _bars(scale, middles, events)
    parts += _legend(foot + 44, {e.kind for e in events})
    return "".join([*parts, "</svg>"])


def strip(events: Sequence[Event], *, width: int = 220) -> str:
    """Return a picture of one line, for a row of a table, `width` pixels wide; empty for no events.

    The mark of an answer stands where it was there; equal ones that would touch are one mark.
    """
    if not events:
        return ""
    first, last = min(e.start for e in events), max(e.end for e in events)
    unit = (width - 2 * _EDGE) / max(last - first, 0.001)
    groups: list[list[Event]] = []
    for event in sorted(events, key=lambda e: e.end):
        near = groups and (event.end - groups[-1][-1].end) * unit < 2 * _EDGE
        if near and (groups[-1][-1].told, groups[-1][-1].lane) == (event.told, event.lane):
            groups[-1].append(event)
        else:
            groups.append([event])
    marks, told = [], []
    for group in groups:
        event = group[-1]
        shape = _SHAPES[_mark(event)]
        x = _EDGE + (event.end - first) * unit
        paint = "fill" if shape.endswith("z") else "stroke"
        marks.append(f"<path d='M{x:.0f} 9{shape}' {paint}='{_COLOURS[event.kind]}'/>")
        times = f"{len(group)} x " if len(group) > 1 else ""
        told.append(f"{times}{_cut(event.told, 40)}, {_span(event.end)}")
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='18' fill='none' "
        f"stroke-width='2'><path d='M{_EDGE} 9H{width - _EDGE}' stroke='#808080' "
        f"stroke-width='1'/>{''.join(marks)}</svg>"
    )
    # as a style, since notebooks shrink pictures in tables
    return image(drawing, "; ".join(told), f"width:{width}px;height:18px;max-width:none")


def _mark(event: Event) -> str:
    if event.kind != "done":
        return event.kind
    return event.lane if event.lane in ("createTask", "callback") else "result"


class _Scale:
    """From seconds to places."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, max(last, first + 0.001)
        self._unit = (_WIDTH - _LEFT - _RIGHT) / (self.last - first)

    def __call__(self, seconds: float) -> float:
        return _LEFT + (seconds - self.first) * self._unit


def _axis(scale: _Scale, foot: int) -> Iterator[str]:
    rough = (scale.last - scale.first) / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s for m in (1, 2, 5, 10) if (s := m * power) >= rough)
    for number in range(math.ceil(scale.first / step), math.floor(scale.last / step) + 1):
        x = scale(number * step)
        yield _line(x, x, _TOP, foot, ".13") + _words(x, foot + 15, _tick(number * step, scale))
    yield _line(_LEFT, _WIDTH - _RIGHT, foot, foot, ".4")


def _waits(scale: _Scale, middles: dict[str, float], events: Sequence[Event]) -> Iterator[str]:
    """The times in which nothing was under way, each before what ended it."""
    busy_until = min(e.start for e in events)
    for event in sorted(events, key=lambda e: e.start):
        x1, x2, y = scale(busy_until) + 3, scale(event.start) - 3, middles[event.lane]
        label = _span(event.start - busy_until)
        if x2 - x1 > 3:
            yield _line(x1, x2, y, y, ".6", _DASHED)
        if x2 - x1 > (len(label) + 2) * _LETTER:
            yield _words((x1 + x2) / 2, y - 6, label)
        busy_until = max(busy_until, event.end)


def _bars(scale: _Scale, middles: dict[str, float], events: Sequence[Event]) -> Iterator[str]:
    """The exchanges, with a word over each that brought something and has room for it."""
    free_from = dict.fromkeys(middles, -math.inf)
    result = _first_result(events)
    for event in sorted(events, key=lambda e: e.start):
        y, width = middles[event.lane], max(_THIN, scale(event.end) - scale(event.start))
        x = min(scale(event.start), _WIDTH - _RIGHT - _THIN / 2)
        yield (
            f"<rect class='bar' x='{x:.1f}' y='{y - _BAR / 2:.1f}' width='{width:.1f}' "
            f"height='{_BAR}' rx='2' fill='{_COLOURS[event.kind]}'/>"
        )
        sign = {"done": "✓", "failed": "✗"}.get(event.kind)
        label = f"{sign} {_cut(event.told, 32)}"
        middle = _inside(x + width / 2, label)
        half = len(label) * _LETTER / 2
        if sign and event is not result and middle - half >= free_from[event.lane]:
            yield _words(middle, y - _BAR / 2 - 6, label)
            free_from[event.lane] = middle + half
    if result is not None:  # the moment in which it was there, across all lanes
        x, label = scale(result.end), f"✓ result after {_span(result.end)}"
        yield _line(
            x, x, _TOP - 8, _TOP + _LANE * len(middles), "1", f" style='stroke:{_COLOURS['done']}'"
        )
        yield _words(_inside(x, label), _TOP - 14, label)


def _first_result(events: Sequence[Event]) -> Event | None:
    return min((e for e in events if e.is_result), key=lambda e: e.end, default=None)


def _legend(y: int, kinds: set[str]) -> Iterator[str]:
    x = float(_LEFT)
    names = {"done": "✓ done", "processing": "processing", "failed": "✗ went wrong"}
    for kind in filter(kinds.__contains__, names):
        yield (
            f"<rect x='{x:.1f}' y='{y - 9}' width='10' height='10' rx='2' "
            f"fill='{_COLOURS[kind]}'/>{_words(x + 15, y, names[kind], 'start')}"
        )
        x += 31 + len(names[kind]) * _LETTER
    yield _line(x, x + 22, y - 4, y - 4, ".6", _DASHED) + _words(x + 28, y, "waiting", "start")


def _inside(middle: float, label: str) -> float:
    half = len(label) * _LETTER / 2
    return min(max(middle, _LEFT + half), _WIDTH - 8 - half)


def _words(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{escape(text)}</text>"


def _line(x1: float, x2: float, y1: float, y2: float, opacity: str, more: str = "") -> str:
    return (
        f"<line x1='{x1:.1f}' x2='{x2:.1f}' y1='{y1:.1f}' y2='{y2:.1f}' "
        f"stroke-opacity='{opacity}'{more}/>"
    )


def _span(seconds: float) -> str:
    """A time for people."""
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.01 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def _tick(seconds: float, scale: _Scale) -> str:
    value, unit = (seconds, "s") if scale.last - scale.first >= 1 else (seconds * 1000, "ms")
    return f"{value:.3f}".rstrip("0").rstrip(".") + f" {unit}"


def many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
