"""The picture of one task's exchanges: a lane for each method, time from left to right.

Plain SVG, drawn here: no script, no style sheet, no dependency. Text takes the colour of the page
(`currentColor`) and the bars have colours of middle brightness, so that it is legible on a light
and on a dark page; a sign or a word says the same as each colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Final, Self

LANES: Final = ("createTask", "getTaskResult", "callback")

_WIDTH: Final = 880
_LEFT: Final = 116
_RIGHT: Final = 28
_TOP: Final = 30
_LANE: Final = 54
_BAR: Final = 16
_THIN: Final = 3.5
_LETTER: Final = 6.3  # of 11 px, and rather too wide than too narrow
_COLOURS: Final = {"done": "#2c9c5f", "processing": "#3f86d6", "failed": "#d8503f"}
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

    lane: str
    """The method, or `callback`."""
    start: float
    """When it began, in seconds from the start of the task."""
    seconds: float
    """How long it took; 0 if that is not known."""
    outcome: str
    status: str | None = None
    error_code: str | None = None
    name: str = ""
    """Its `exchange_id`."""

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
        """When it was over."""
        return self.start + self.seconds

    @property
    def kind(self) -> str:
        """`done`, `processing` or `failed`."""
        if self.outcome == "callback":
            return "failed" if self.error_code else "done"
        return {"ok": "done", "processing": "processing"}.get(self.outcome, "failed")

    @property
    def is_result(self) -> bool:
        """Whether it brought the task's result."""
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
    failed = [e.told for e in events if e.kind == "failed"]
    parts = []
    if created is not None:
        parts.append(f"createTask took {_span(created.seconds)}")
    if polls:
        one = f"{len(polls)} request{'s' if len(polls) != 1 else ''} for the result"
        gaps = sorted(b.start - a.start for a, b in pairwise(polls))
        apart = f", {_span(gaps[len(gaps) // 2])} apart" if gaps else ""
        parts.append(one + apart)
    if callbacks:
        parts.append(f"{callbacks} callback{'s' if callbacks != 1 else ''}")
    result = _first_result(events)
    if result is None:
        parts.append("no result so far")
    else:
        since = "the start" if created is not None else "the first request"
        parts.append(f"the result came {_span(result.end)} after {since}")
    story = f"Task {task_id}: {'; '.join(parts)}."
    if failed:
        times = {told: failed.count(told) for told in failed}
        listed = ", ".join(f"{t} ({n} times)" if n > 1 else t for t, n in times.items())
        story += f" It went wrong: {listed}."
    if any(later.start < earlier.start for earlier, later in pairwise(events)):
        story += " The clock was set back in between: do not trust the times."
    return story


def svg(task_id: int, events: Sequence[Event]) -> str:
    """Return the picture; empty if there is nothing to draw."""
    if not events:
        return ""
    lanes = [lane for lane in LANES[:2] if any(e.lane == lane for e in events)]
    lanes += [e.lane for e in events if e.lane not in LANES[:2]]
    lanes = list(dict.fromkeys(lanes))
    first = min(0.0, *(e.start for e in events))
    last = max(e.end for e in events)
    scale = _Scale(first, max(last, first + 0.001))
    foot = _TOP + _LANE * len(lanes)
    height = foot + 52
    words = escape(in_words(task_id, events))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{words}" font-family="system-ui,sans-serif" font-size="11" '
        f'fill="currentColor" style="width:100%;max-width:{_WIDTH}px;height:auto;display:block;'
        'margin:.4em 0;color:inherit">',
        f"<title>{words}</title>",
        *_axis(scale, foot),
    ]
    for number, lane in enumerate(lanes):
        middle = _TOP + _LANE * number + _LANE * 0.6
        parts.append(
            f'<text x="{_LEFT - 14}" y="{middle + 4:.1f}" text-anchor="end" font-size="12.5">'
            f"{escape(_cut(lane, 15))}</text>"
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{middle:.1f}" y2="{middle:.1f}" '
            'stroke="currentColor" stroke-opacity=".13"/>'
        )
    middles = {lane: _TOP + _LANE * n + _LANE * 0.6 for n, lane in enumerate(lanes)}
    parts += _waits(scale, middles, events)
    parts += _bars(scale, middles, events)
    parts += _result(scale, foot, events)
    parts += _legend(height - 8, {e.kind for e in events})
    return "".join([*parts, "</svg>"])


def strip(events: Sequence[Event], *, width: int = 220) -> str:
    """Return a small picture of one line, for a row of a table; empty if there is nothing to draw.

    Time runs from left to right, from the first start to the last end. The mark of an answer
    stands where it was there: a square for `created`, a ring for `processing`, a diamond for the
    result, a triangle for one that came as a callback, a cross for what went wrong. Equal answers
    that would touch are one mark.

    Args:
        events: the exchanges of one task, in order.
        width: in pixels.
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
    marks = []
    for group in groups:
        event = group[-1]
        shape, colour = _SHAPES[_mark(event)], _COLOURS[event.kind]
        x = _EDGE + (event.end - first) * unit
        times = f"{len(group)} x " if len(group) > 1 else ""
        about = escape(f"{times}{_cut(event.told, 40)}, {_span(event.end)}")
        paint = "fill" if shape.endswith("z") else "stroke"
        marks.append(
            f'<path d="M{x:.0f} 9{shape}" {paint}="{colour}"><title>{about}</title></path>'
        )
    words = escape(f"{len(events)} exchanges in {_span(last - first)}: {_cut(events[-1].told, 40)}")
    return (
        # as a style, since notebooks shrink pictures in tables
        f'<svg xmlns="http://www.w3.org/2000/svg" style="width:{width}px;height:18px;'
        f'max-width:none" role="img" aria-label="{words}" fill="none" stroke-width="2">'
        f'<path d="M{_EDGE} 9H{width - _EDGE}" stroke="currentColor" '
        f'stroke-opacity=".3" stroke-width="1"/>{"".join(marks)}</svg>'
    )


def _mark(event: Event) -> str:
    if event.kind != "done":
        return event.kind
    return event.lane if event.lane in ("createTask", "callback") else "result"


class _Scale:
    """From seconds to places."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, last
        self._unit = (_WIDTH - _LEFT - _RIGHT) / (last - first)

    def __call__(self, seconds: float) -> float:
        return _LEFT + (seconds - self.first) * self._unit

    def ticks(self) -> Iterator[float]:
        rough = (self.last - self.first) / 7
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(s for m in (1, 2, 5, 10) if (s := m * power) >= rough)
        number = math.ceil(self.first / step)
        while number * step <= self.last:
            yield number * step
            number += 1


def _axis(scale: _Scale, foot: int) -> Iterator[str]:
    for tick in scale.ticks():
        x = scale(tick)
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{foot}" stroke="currentColor" '
            f'stroke-opacity=".13"/><text x="{x:.1f}" y="{foot + 15}" text-anchor="middle" '
            f'fill-opacity=".75">{_tick(tick, scale.last - scale.first)}</text>'
        )
    yield (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{foot}" y2="{foot}" '
        'stroke="currentColor" stroke-opacity=".4"/>'
    )


def _waits(scale: _Scale, middles: dict[str, float], events: Sequence[Event]) -> Iterator[str]:
    """The times in which nothing was under way, each before what ended it."""
    busy_until = min(e.start for e in events)
    for event in sorted(events, key=lambda e: e.start):
        x1, x2, y = scale(busy_until) + 3, scale(event.start) - 3, middles[event.lane]
        if x2 - x1 > 3:
            yield (
                f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
                'stroke="currentColor" stroke-opacity=".6" stroke-dasharray="2 4"/>'
            )
            label = _span(event.start - busy_until)
            if (len(label) + 2) * _LETTER < x2 - x1:
                yield (
                    f'<text x="{(x1 + x2) / 2:.1f}" y="{y - 6:.1f}" text-anchor="middle" '
                    f'fill-opacity=".75">{label}</text>'
                )
        busy_until = max(busy_until, event.end)


def _bars(scale: _Scale, middles: dict[str, float], events: Sequence[Event]) -> Iterator[str]:
    result = _first_result(events)
    for lane, y in middles.items():
        own = sorted((e for e in events if e.lane == lane), key=lambda e: e.start)
        free_from = -math.inf
        for number, event in enumerate(own):
            x, width = scale(event.start), max(_THIN, scale(event.end) - scale(event.start))
            x = min(x, _WIDTH - _RIGHT - _THIN / 2) if width == _THIN else x
            took = f", {_span(event.seconds)}" if event.seconds else ""
            about = escape(f"{event.name}: {event.told}, at {_span(event.start)}{took}")
            yield (
                f'<rect x="{x:.1f}" y="{y - _BAR / 2:.1f}" width="{width:.1f}" height="{_BAR}" '
                f'rx="2" fill="{_COLOURS[event.kind]}"><title>{about}</title></rect>'
            )
            # a label stands over its bar, as long as it may be without touching the next
            centre = x + width / 2
            after = scale(own[number + 1].start) if number + 1 < len(own) else math.inf
            for label in () if event is result else _labels(event):
                half = len(label) * _LETTER / 2
                middle = min(max(centre, _LEFT + half), _WIDTH - _RIGHT + 20 - half)
                right = middle + half
                if middle - half >= free_from and (right < after or label in "✓✗"):
                    yield (
                        f'<text x="{middle:.1f}" y="{y - _BAR / 2 - 6:.1f}" text-anchor="middle" '
                        f'font-weight="600">{escape(label)}</text>'
                    )
                    free_from = right + 3
                    break


def _labels(event: Event) -> Iterator[str]:
    """What may stand over a bar, the longest first."""
    if event.kind == "processing":
        return
    sign = "✓" if event.kind == "done" else "✗"
    yield f"{sign} {_cut(event.told, 32)}"
    yield sign


def _first_result(events: Sequence[Event]) -> Event | None:
    return min((e for e in events if e.is_result), key=lambda e: e.end, default=None)


def _result(scale: _Scale, foot: int, events: Sequence[Event]) -> Iterator[str]:
    """The moment in which the result was there, across all lanes."""
    result = _first_result(events)
    if result is None:
        return
    x = scale(result.end)
    label = f"✓ result after {_span(result.end)}"
    half = len(label) * _LETTER / 2
    middle = min(max(x, _LEFT + half), _WIDTH - _RIGHT + 20 - half)
    yield (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{foot}" '
        f'stroke="{_COLOURS["done"]}" stroke-width="1.5"/>'
        f'<text x="{middle:.1f}" y="{_TOP - 14}" text-anchor="middle" font-weight="600">'
        f"{label}</text>"
    )


def _legend(y: int, kinds: set[str]) -> Iterator[str]:
    x = float(_LEFT)
    names = {"done": "✓ done", "processing": "processing", "failed": "✗ went wrong"}
    for kind, name in names.items():
        if kind in kinds:
            yield (
                f'<rect x="{x:.1f}" y="{y - 9}" width="10" height="10" rx="2" '
                f'fill="{_COLOURS[kind]}"/><text x="{x + 15:.1f}" y="{y}" fill-opacity=".85">'
                f"{name}</text>"
            )
            x += 15 + len(name) * _LETTER + 16
    yield (
        f'<line x1="{x:.1f}" x2="{x + 22:.1f}" y1="{y - 4}" y2="{y - 4}" stroke="currentColor" '
        f'stroke-opacity=".6" stroke-dasharray="2 4"/><text x="{x + 28:.1f}" y="{y}" '
        'fill-opacity=".85">waiting</text>'
    )


def _span(seconds: float) -> str:
    """A time for people."""
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.01 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def _tick(seconds: float, span: float) -> str:
    value, unit = (seconds, "s") if span >= 1 else (seconds * 1000, "ms")
    return f"{value:.3f}".rstrip("0").rstrip(".") + f" {unit}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
