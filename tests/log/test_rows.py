"""The rows in the kernel: small, and true to the exchanges they were made from."""

from __future__ import annotations

import dataclasses
import string
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.log._rows import Columns, frame_of

WORD = st.none() | st.text(string.printable, min_size=1, max_size=9)
INTEGER = st.none() | st.integers(-(2**63) + 1, 2**63 - 1)
EXCHANGES = st.lists(
    st.builds(
        Exchange,
        exchange_id=st.just(""),
        started_at=st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        session=st.just("s"),
        method=st.text(string.printable, min_size=1, max_size=9),
        task_type=WORD,
        task_id=INTEGER,
        attempt=st.integers(1, 1000),
        outcome=st.sampled_from(Outcome),
        http_status=st.none() | st.integers(100, 599),
        error_id=INTEGER,
        error_code=WORD,
        error_description=WORD,
        status=WORD,
        elapsed_ms=st.none() | st.floats(0, 1e9),
        request_bytes=st.integers(0, 2**40),
        response_bytes=st.none() | st.integers(0, 2**40),
    ),
    max_size=200,
)


@given(EXCHANGES)
def test_an_exchange_comes_out_as_it_went_in(exchanges: list[Exchange]) -> None:
    columns = Columns("s", words := Columns.new_words())
    numbered = []
    for number, made in enumerate(exchanges, 1):
        exchange = dataclasses.replace(made, exchange_id=f"s-{number}")
        numbered.append(exchange)
        row = columns.begin(exchange, number, request_at=number)
        columns.finish(row, exchange, response_at=number + 1)
    assert [columns.exchange(row) for row in range(len(columns))] == numbered
    frame = frame_of([columns], words, None)
    assert frame["outcome"].tolist() == [exchange.outcome for exchange in numbered]
    for name in ("task_id", "error_code", "started_at"):
        values = frame[name].astype(object).where(frame[name].notna(), None).tolist()
        assert values == [getattr(exchange, name) for exchange in numbered]


def test_a_row_costs_less_than_200_bytes() -> None:
    columns = Columns("s", Columns.new_words())
    assert sum(array.itemsize for array in columns._arrays.values()) < 200
