"""JSON that may be anything is read without raising; what a body is about is found in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.api._json import asked, fields_of, parse


@given(st.text() | st.binary() | st.sampled_from(["", b"\xff\xfe\xff", "NaN", "9" * 5_000]))
def test_any_text_is_a_value_or_has_a_reason(text: str | bytes) -> None:
    value, wrong = parse(text)
    assert wrong is None or (value is None and 0 < len(wrong) <= 200)
    assert isinstance(fields_of(text), dict)


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
