"""The rows in the kernel: small, and true to the exchanges they were made from."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from written_log import exchanges

from brocap_nb import Exchange
from brocap_nb.log._rows import Columns, frame_of


@given(st.lists(exchanges(), max_size=200))
def test_an_exchange_comes_out_as_it_went_in(found: list[Exchange]) -> None:
    columns = Columns("s", words := Columns.new_words())
    numbered = [
        dataclasses.replace(exchange, exchange_id=f"s-{number}")
        for number, exchange in enumerate(found, 1)
    ]
    for number, exchange in enumerate(numbered, 1):
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
