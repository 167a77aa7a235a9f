"""JSON that may be anything is read without raising; what a body is about is found in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.api._json import asked, fields_of, parse


@given(st.text() | st.binary())
def test_any_text_is_a_value_or_has_a_reason(text: str | bytes) -> None:
    value, wrong = parse(text)
    if wrong is None:
        assert json.dumps(value)
    else:
        assert value is None
        assert 0 < len(wrong) <= 200
    assert isinstance(fields_of(text), dict)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *[("", "empty"), (b" \n", "empty"), ("{", "Expecting"), (b"\xff\xfe\xff", "decode")],
        *[("NaN", "NaN"), ("[" * 100_000, "nested"), ("9" * 5_000, "digits")],
    ],
)
def test_what_is_no_json_is_told(text: str | bytes, why: str) -> None:
    assert why in (parse(text)[1] or "")
    assert fields_of(text) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_bytes_are_read_in_each_encoding_of_json(encoding: str) -> None:
    assert parse('{"a": "é"}'.encode(encoding)) == ({"a": "é"}, None)
    nearly = '{"clientKey": "k", "x": NaN}'.encode(encoding)
    assert fields_of(nearly)["clientKey"] == "k", "a key is found even in what is nearly JSON"


def test_what_a_body_is_about() -> None:
    assert asked({"task": {"type": "T"}, "taskId": 7}) == ("T", 7)
    for odd in ({"task": {"type": 5}, "taskId": "7"}, {"task": [], "taskId": True}, {}):
        assert asked(odd) == (None, None)
    assert asked({"taskId": 2**63}) == (None, None), "it fits no column"
