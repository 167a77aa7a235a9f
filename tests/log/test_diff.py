"""Two exchanges side by side."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peer import Peer, http
from pictures import noise

import brocap_nb as bn
from brocap_nb.log._diff import diff


def exchange(request: Any = None, response: Any = None, **fields: Any) -> bn.Exchange:
    texts = [body if isinstance(body, str) else json.dumps(body) for body in (request, response)]
    return bn.Exchange(
        **{"exchange_id": "s-1", "session": "s", "method": "createTask", **fields},
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        request=texts[0],
        response=None if response is None else texts[1],
    )


def rows(left: bn.Exchange, right: bn.Exchange, **options: Any) -> list[tuple[Any, ...]]:
    return list(diff(left, right, **options).itertuples(index=False, name=None))


TASK = {"task": {"type": "X", "a": [1, {"b": 1}], "ab": True, "gone": None}}
OTHER = {"task": {"type": "Y", "a": [2, {"b": 2}, 4], "ab": 1, "new": {}}}


def test_what_was_added_removed_and_changed() -> None:
    left, right = exchange(TASK, {"errorId": 0}), exchange(OTHER, {"errorId": 1})
    found = [
        ("request.task.type", "changed", "X", "Y"),
        ("request.task.a[0]", "changed", 1, 2),
        ("request.task.a[1].b", "changed", 1, 2),
        ("request.task.a[2]", "added", None, 4),
        ("request.task.ab", "changed", True, 1),
        ("request.task.gone", "removed", None, None),
        ("request.task.new", "added", None, {}),
        ("response.errorId", "changed", 0, 1),
    ]
    assert rows(left, right) == found
    # what is ignored covers what lies below
    assert rows(left, right, ignore=["request.task.a"]) == [found[0], *found[4:]]
    assert rows(left, right, ignore=["request.task.a[1]"]) == [*found[:2], *found[3:]]
    # bodies that are no JSON, or missing, are compared as a whole
    left = exchange({}, "<h1>Bad Gateway", http_status=502)
    assert rows(left, exchange({}, "<h1>Timeout", http_status=504)) == [
        ("http_status", "changed", 502, 504),
        ("response", "changed", "<h1>Bad Gateway", "<h1>Timeout"),
    ]
    assert rows(exchange({}, None, detail="reset"), exchange({}, {"errorId": 0})) == [
        ("response", "added", None, {"errorId": 0}),
        ("detail", "removed", "reset", None),
    ]
    assert rows(exchange({}, '{"a":1}'), exchange({}, '{"a": 1}')) == []
    long = diff(exchange({}, [0] * 201), exchange({}, [1] * 201))
    assert (str(long).count("changed"), str(long)[-15:]) == (200, "and 1 more rows")


def test_ids_times_and_keys_are_left_out_unless_asked_for() -> None:
    left = exchange({"clientKey": "<clientKey>", "taskId": 5}, {"taskId": 0}, elapsed_ms=1.0)
    headers = '{"content-length": "5"}'
    fields = {"exchange_id": "t-9", "session": "t", "elapsed_ms": 2.0, "request_headers": headers}
    right = exchange({"clientKey": "other", "taskId": 6}, {"taskId": 1}, **fields)
    assert str(diff(left, right)) == "s-1 -> t-9: no difference"
    everything = {path for path, *_ in rows(left, right, everything=True)}
    assert everything >= {"exchange_id", "session", "elapsed_ms", "request.taskId"}
    assert everything >= {"request.clientKey", "response.taskId", "request_headers.Content-Length"}


def test_a_terminal_that_has_few_signs_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "cp1252"))
    told = str(diff(exchange({"имя": 1}), exchange({"имя": "<h1>\n" + "ошибка " * 20})))
    print(told)
    assert r"\u043e\u0448" in told
    assert max(map(len, told.splitlines())) < 80
    assert "    + <h1> " in told, "on one line, which may be folded"


def test_a_log_compares_its_own_and_escapes_it(client: bn.Client, peer: Peer) -> None:
    peer.say(http(b'{"errorId": 0, "taskId": 1}'), http(b'{"errorId": 1, "errorCode": "E<b>"}'))
    pictures = [base64.b64encode(noise()).decode() for _ in range(2)]
    client.create_task(bn.RawTask({"type": "X", "imagesBase64": pictures[:1]}))
    with pytest.raises(bn.ApiError):
        client.create_task(bn.RawTask({"type": "X", "imagesBase64": pictures[1:]}))
    found = client.log.diff(0, 1)
    assert {"outcome", "error_code", "request.task.imagesBase64[0]"} <= {*found["path"]}
    assert "E&lt;b&gt;" in found._repr_html_()
    for text in (str(found), found._repr_html_()):
        assert text.count(" characters") == 2
        assert pictures[0][:100] not in text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
)


@settings(deadline=None, max_examples=60)
@given(values, values)
def test_there_is_a_row_exactly_if_something_differs(left: Any, right: Any) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    found = diff(exchange({"x": left}), exchange({"x": right}))
    assert found.empty == same
    assert len(diff(exchange({"x": right}), exchange({"x": left}))) == len(found)
    f"{found} {found._repr_html_()}".encode()
