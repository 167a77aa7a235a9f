"""The record of one HTTP attempt: it becomes a line and comes back, and shows no secret."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb.api._exchange import decode_answer
from brocap_nb.api._secrets import Secret

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe_text = st.none() | texts
maybe_int = st.none() | st.integers(-(2**63) + 1, 2**63 - 1)


def exchange(**fields: Any) -> bn.Exchange:
    known = {"exchange_id": "s-1", "started_at": WHEN, "session": "s", "method": "createTask"}
    return bn.Exchange(**{**known, **fields})


exchanges = st.builds(
    bn.Exchange,
    exchange_id=texts,
    started_at=st.datetimes(timezones=st.just(UTC)),
    session=texts,
    method=texts,
    task_type=maybe_text,
    task_id=maybe_int,
    attempt=st.integers(1, 9),
    url=texts,
    outcome=st.sampled_from(bn.Outcome),
    http_status=maybe_int,
    error_id=maybe_int,
    error_code=maybe_text,
    error_description=maybe_text,
    status=maybe_text,
    elapsed_ms=st.none() | st.floats(0, 1e9),
    request_bytes=st.integers(0, 10**9),
    response_bytes=maybe_int,
    request=texts,
    response=maybe_text,
    response_base64=maybe_text,
    detail=maybe_text,
)


@settings(deadline=None)
@given(exchanges)
def test_a_line_comes_back_the_same(one: bn.Exchange) -> None:
    line = json.loads(json.dumps(one.to_line()))
    assert bn.Exchange.from_line(line) == one
    assert bn.Exchange.from_line({**line, "of_a_later_version": 1}) == one


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["started_at", "outcome", "exchange_id", "session", "method", "x"]),
        st.none() | st.integers() | texts | st.just("0001-01-01T00:00:00+14:00"),
    )
)
def test_a_line_of_another_kind_raises_only_what_is_documented(line: dict[str, Any]) -> None:
    try:
        bn.Exchange.from_line(line)
    except (ValueError, KeyError, TypeError):
        return
    assert "started_at" in line


def test_the_display_explains_and_escapes() -> None:
    evil = "<script>alert(1)</script>"
    shown = exchange(
        error_code="ERROR_ZERO_BALANCE",
        error_description=evil,
        method=evil,
        detail=evil,
        request=evil,
        response=evil,
        outcome=bn.Outcome.API_ERROR,
    )._repr_mimebundle_()
    entry = bn.CATALOGUE["ERROR_ZERO_BALANCE"]
    for text in shown.values():
        assert entry.meaning in text
        assert entry.remedy in " ".join(text.split())
    assert "<script" not in shown["text/html"]


def test_the_display_of_a_picture_that_is_back_is_short() -> None:
    body = json.dumps({"task": {"imagesBase64": [base64.b64encode(bytes(500_000)).decode()]}})
    for text in exchange(request=body)._repr_mimebundle_().values():
        assert len(text) < 10_000


KEY = "67b6bcbb1a728ea8d563de6d169a2057"


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30))
def test_an_answer_is_kept_without_the_key(before: bytes, after: bytes) -> None:
    before += b" "  # a backslash or a percent sign before the key would be its dress
    text, raw = decode_answer(before + KEY.encode() + after, Secret(KEY))
    assert KEY not in text
    assert "<clientKey>" in text
    if raw is not None:
        kept = base64.b64decode(raw)
        assert KEY.encode() not in kept
        assert kept.startswith(before)
        assert kept.endswith(after)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
def test_the_key_is_found_in_another_encoding(encoding: str) -> None:
    text, raw = decode_answer(f"é {KEY} ü".encode(encoding), Secret(KEY))
    kept = base64.b64decode(raw).replace(b"\0", b"") if raw else b""
    assert KEY not in text.replace("\0", "").replace("\\x00", "")
    assert KEY.encode() not in kept


def test_a_time_of_another_zone_is_utc() -> None:
    line = exchange(started_at=WHEN.astimezone(timezone(timedelta(hours=5)))).to_line()
    assert bn.Exchange.from_line(line).started_at == WHEN
    assert bn.Exchange.from_line(line).started_at.tzinfo is UTC


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_an_answer_is_kept_as_it_came(content: bytes) -> None:
    text, raw = decode_answer(content, None)
    try:
        assert (text, raw) == (content.decode(), None)
    except UnicodeDecodeError:
        assert raw is not None
        assert base64.b64decode(raw) == content
        text.encode()
