"""The record of one HTTP attempt: it becomes a line and comes back, and its answer shows no key."""

from __future__ import annotations

import base64
import json
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb.api._exchange import decode_answer
from brocap_nb.api._secrets import Secret

made: dict[str, Any] = {
    name: st.integers(0, 10**9) if "int" in kind else st.floats(0, 1e9) if "float" in kind else ...
    for name, kind in bn.Exchange.__annotations__.items()
    if "headers" not in name
}
made["started_at"] = st.datetimes(timezones=st.just(timezone(timedelta(hours=5))))


@given(st.builds(bn.Exchange, **made))
def test_a_line_comes_back_the_same(one: bn.Exchange) -> None:
    line = json.loads(json.dumps(one.to_line()))
    again = bn.Exchange.from_line({**line, "of_a_later_version": 1})
    assert (again, again.started_at.tzinfo) == (one, UTC)


KEY = "67b6bcbb1a728ea8d563de6d169a2057"


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30))
def test_an_answer_is_kept_as_it_came_but_without_the_key(before: bytes, after: bytes) -> None:
    before += b" "  # a backslash or a percent sign before the key would be its dress
    for content, secret in ((before + after, None), (before + KEY.encode() + after, Secret(KEY))):
        text, raw = decode_answer(content, secret)
        kept = text.encode() if raw is None else base64.b64decode(raw)
        assert kept == content.replace(KEY.encode(), b"<clientKey>")
        assert KEY not in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
def test_the_key_is_found_in_another_encoding(encoding: str) -> None:
    text, raw = decode_answer(f"é {KEY} ü".encode(encoding), Secret(KEY))
    for kept in (text.replace("\\x00", "").encode(), base64.b64decode(raw or "")):
        assert KEY.encode() not in kept.replace(b"\0", b"")
