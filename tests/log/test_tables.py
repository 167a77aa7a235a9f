"""How the summaries show themselves, and the picture of a timeline."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from html import unescape
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest
from peer import Peer, http

import brocap_nb as bn
from brocap_nb.log._swimlane import in_words, strip, svg
from brocap_nb.log._tables import ErrorTable, ShownTable, TaskTable, Timeline, ViolationTable

SVG = "{http://www.w3.org/2000/svg}"
AT = pd.Timestamp("2026-01-01 12:00:00", tz="UTC")
HOSTILE = '<script>"x"</script>'

EMPTY = bn.ExchangeLog(":memory:")
OF_DTYPE = {"i": 3, "f": 1.5, "M": AT, "b": True}
ROWS: dict[type[ShownTable], dict[str, Any]] = {
    type(table): {name: OF_DTYPE.get(dtype.kind, HOSTILE) for name, dtype in table.dtypes.items()}
    for table in (
        *(EMPTY.errors(), EMPTY.latency(), EMPTY.task_times(), EMPTY.violations()),
        *(EMPTY.timeline(7), EMPTY.tasks()),
    )
}


@pytest.mark.parametrize(("kind", "row"), ROWS.items())
def test_a_table_shows_itself_harmlessly_wherever_it_is(
    kind: type[ShownTable], row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = kind([row])._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert HOSTILE in str(kind([row]))
    names = {"task_type", "seconds", "answered_by", "status", "elapsed_ms", "queue_s", "cost"}
    names |= {"task_id", "error_code"} if kind is TaskTable else set()
    missing = kind([row | dict.fromkeys(names & row.keys())])
    for text in (str(missing), missing._repr_html_()):
        assert not re.search(r"\b(nan|None|NaT)\b", text)
    part = missing.head(0)
    assert not isinstance(part, ShownTable)
    empty = kind(part)
    assert len(str(empty)) > 15
    assert str(empty) in empty._repr_html_()
    stream = io.TextIOWrapper(io.BytesIO(), "cp1252")  # a terminal that has few signs
    monkeypatch.setattr("sys.stdout", stream)
    print(foreign := kind([{n: "ошибка" if v == HOSTILE else v for n, v in row.items()}]))
    stream.flush()
    assert max(map(len, str(foreign).splitlines())) < 80


def test_a_long_table_says_how_much_more_there_is_and_two_dollars_are_two_dollars() -> None:
    long = ViolationTable([ROWS[ViolationTable]] * 1201)
    assert str(long).endswith("and 1,001 more rows")
    assert "and 1,001 more rows" in long._repr_html_()
    html = ErrorTable([ROWS[ErrorTable] | {"meaning": "from $1 to $2"}])._repr_html_()
    # MathJax looks for a pair within one run of text, which an element ends
    assert "from <span>$</span>1 to <span>$</span>2" in html


def event(method: str, start: float, seconds: float = 0.1, **fields: Any) -> dict[str, Any]:
    """A row of a timeline."""
    row = {"method": method, "offset_s": start, "elapsed_ms": seconds * 1000, "outcome": "ok"}
    return {**row, "status": None, "error_code": None, **fields}


CREATED, POLL = "createTask", "getTaskResult"
PROCESSING = {"outcome": "processing", "status": "processing"}
EVENTS = [
    event(CREATED, 0, 0.2),
    event(POLL, 2.2, **PROCESSING),
    event(POLL, 4.3, outcome="timeout"),
    event(POLL, 6.4, status="ready"),
]


def shapes(picture: str) -> list[tuple[float, int, str]]:
    """Place and shape of each mark."""
    found = re.findall(r"M(\d+) (\d+)(m[^'\"]+)", picture)
    return [(float(place), int(lane), shape) for place, lane, shape in found]


def shown_picture(html: str) -> tuple[str, str]:
    """The drawing and the alternative text of the one image in there."""
    ((drawing, told),) = re.findall(
        r'<img [^>]*src="data:image/svg\+xml,([^"]*)" alt="([^"]*)"', html
    )
    return unquote(drawing), unescape(told)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [value / 255 for value in bytes.fromhex(colour[1:])]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05

    low, high = sorted((light(one), light(other)))
    return high / low


def test_the_picture_is_an_image_that_tells_the_task_in_words() -> None:
    words = in_words(7, EVENTS)
    assert words == (
        "Task 7: createTask took 200 ms; 3 requests for the result, 2.1 s apart; the result came "
        "6.5 s after the start. It went wrong: timeout."
    )
    table = Timeline([ROWS[Timeline]])
    html = table._repr_html_()
    assert "<svg" not in html  # a notebook that is not trusted shows none
    assert shown_picture(html) == (table.svg, table.summary)
    assert "min-width:500px" in html


def test_the_picture_is_legible_whatever_the_page() -> None:
    picture = svg(EVENTS)
    pages, texts = (re.findall(rf"{name}{{fill:(#\w+)}}", picture) for name in (".page", "text"))
    assert len(pages) == len(texts) == 2  # light and dark
    marks = set(re.findall(r"(?:fill|stroke)='(#\w+)'", picture)) - {"#808080"}
    assert len(marks) == 3
    for page, text in zip(pages, texts, strict=True):
        assert contrast(page, text) > 7
        for mark in marks:
            assert contrast(page, mark) > 3


def test_each_answer_has_a_mark_in_the_lane_of_its_method() -> None:
    called = event("callback", 5.0, 0, outcome="callback", status="ready")
    picture = svg([*EVENTS, called])
    texts = [text.text for text in ET.fromstring(picture).iter(f"{SVG}text")]
    assert texts[-5:] == ["created", "processing", "done", "callback", "went wrong"]
    assert {CREATED, POLL, "callback", "result after 5.0 s"} <= set(texts)
    assert "callback" not in svg(EVENTS)
    marks = shapes(picture)[:5]  # the legend's come after them
    assert len({lane for _, lane, _ in marks}) == 3
    assert len({shape for *_, shape in marks}) == 5
    (start, *_), (first, *_), _, (last, *_), _ = marks
    assert (last - start) / (first - start) == pytest.approx((6.5 - 0.2) / (2.3 - 0.2), rel=0.02)
    assert "1 callback; the result came 5.0 s after the start" in in_words(7, [EVENTS[0], called])


@pytest.mark.parametrize("seconds", [0.0, 1e-6, 0.5, 299.0, 1e5])
def test_any_span_of_time_can_be_drawn(seconds: float) -> None:
    odd = event(HOSTILE, seconds, 0, outcome="api_error", error_code=HOSTILE)
    picture = svg([EVENTS[0], odd])
    assert all(100 < place < 760 for place, *_ in shapes(picture))
    assert 10 < len(list(ET.fromstring(picture).iter())) < 80
    small = strip(7, [EVENTS[0], odd])
    assert all(0 <= place <= 120 for place, *_ in shapes(shown_picture(small)[0]))
    assert "<script" not in picture + small


def test_the_strip_of_a_row_has_all_marks_and_120_polls_stay_small() -> None:
    table = TaskTable([ROWS[TaskTable] | {"created_by": "s-1", "answered_by": "s-4"}])
    assert "<img" not in table._repr_html_()
    table.events = {"s-1": EVENTS}
    drawing, told = shown_picture(table._repr_html_())
    assert told == in_words(3, EVENTS)
    places = [place for place, *_ in shapes(drawing)]
    assert places == sorted(places)
    assert (len(places), places[-1]) == (4, 114)
    assert str(table).endswith("log['s-1']")
    polls = [event(POLL, 2.0 * n, **PROCESSING) for n in range(1, 121)]
    html = strip(7, many := [EVENTS[0], *polls, event(POLL, 100.5, 0, outcome="timeout")])
    assert (len(html) < 4000, len(svg(many)) < 20_000) == (True, True)
    drawing, told = shown_picture(html)
    assert "121 requests for the result" in told
    wrong = shapes(svg(EVENTS))[2][2]
    assert [shape for *_, shape in shapes(drawing)].count(wrong) == 1, "not lost among them"


def test_a_log_shows_its_own_tasks_and_errors(client: bn.Client, peer: Peer) -> None:
    peer.say(
        http(b'{"errorId": 0, "taskId": 7}'),
        http(b'{"errorId": 0, "status": "processing", "extra": true}'),
        http(b'{"errorId": 0, "status": "ready", "solution": {}}'),
        http(b'{"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE"}'),
    )
    client.create_task(bn.RawTask({"type": "AnyTask"}))
    for _ in range(2):
        client.get_task_result(7, paced=False)
    log = bn.ExchangeLog(client.log.folder)  # of another session
    line = log.timeline(7)
    assert len(shapes(line.svg)) == 3 + 3  # and the legend's
    assert line.summary in " ".join(str(line).split())
    assert log.violations()["field"].tolist() == ["extra"]
    assert "The log has no exchange of task 8." in str(log.timeline(8))
    assert log.tasks()._repr_html_().count("data:image/svg+xml") == 1
    assert [len(log.tasks(last=last)) for last in (1, 3)] == [0, 1]
    assert log.errors(session="none").empty
    assert log.tasks(session="none").empty
    assert max(map(len, log._repr_mimebundle_()["text/plain"].splitlines())) < 80
    with pytest.raises(bn.ApiError):
        client.get_balance()
    table, entry = log.errors(), bn.CATALOGUE["ERROR_ZERO_BALANCE"]
    told = [entry.code, 1, 0.25, log[-1].exchange_id, entry.meaning, entry.remedy, entry.retryable]
    names = ["error_code", "count", "share", "example", "meaning", "remedy", "retryable"]
    assert table[names].to_numpy().tolist() == [told]
    assert all(text in table._repr_html_() and text in str(table) for text in told[4:6])
