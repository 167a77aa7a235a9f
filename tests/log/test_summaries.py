"""The summaries over frames of any Narwhals engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.exchange import Exchange, Outcome
from brocap_nb.log.columns import Columns, frame_of
from brocap_nb.log.summaries import errors, latency, task_times, timeline, violations

START = datetime(2026, 1, 1, tzinfo=UTC)
CALLBACK = Outcome.CALLBACK
BODIES = ("request", "response")


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """A log's frame of rows that begin a second after each other, unless they say when."""
    columns = Columns("s", words := Columns.new_words())
    for number, row in enumerate(rows, 1):
        fields: dict[str, Any] = {"method": "getTaskResult", "outcome": Outcome.OK, **row}
        fields = {name: value for name, value in fields.items() if name not in BODIES}
        at = START + timedelta(seconds=fields.pop("at", number - 1))
        exchange = Exchange(exchange_id=f"s-{number}", started_at=at, session="s", **fields)
        columns.finish(columns.begin(exchange, number, 0), exchange, 0)
    requests, responses = ([row.get(name) for row in rows] for name in BODIES)
    return frame_of([columns], words, (requests, responses))


def code(name: str | None, outcome: Outcome = Outcome.API_ERROR, **fields: Any) -> dict[str, Any]:
    return {"outcome": outcome, "error_code": name, **fields}


def rows_of(table: Any) -> list[dict[str, Any]]:
    shown = table.to_native().astype(object)
    return [dict(row) for row in shown.where(shown.notna(), None).to_dict("records")]


def test_codes_are_counted_most_frequent_first() -> None:
    table = errors(
        frame(
            {},
            code("A", task_id=1),
            code("B", task_id=1),
            code("B", task_id=2),
            {"outcome": Outcome.TIMEOUT, "task_id": 3},
            code("B", task_id=2),
            code("B"),
            code("A", CALLBACK, task_id=1),
        )
    ).to_native()
    assert table["error_code"].tolist() == ["B", "A"]
    assert table["count"].tolist() == [4, 2]
    assert table["share"].tolist() == [0.5, 0.25]
    assert table["tasks"].tolist() == [2, 1]
    assert table["first_seen"].tolist() == [START + timedelta(seconds=n) for n in (2, 1)]
    assert table["last_seen"].tolist() == [START + timedelta(seconds=n) for n in (6, 7)]
    assert table["retryable"].tolist() == [False, False]
    assert table["example"].isin(["s-3", "s-4", "s-6", "s-7", "s-8", "s-2"]).all()
    assert table["example"][1] in ("s-2", "s-8")


def test_a_code_in_an_answer_that_is_no_error_is_not_counted() -> None:
    odd = frame(code("ODD", Outcome.OK), code("ODD", Outcome.HTTP_ERROR), code(None))
    assert len(errors(odd)) == 0


def test_percentiles_are_of_the_nearest_rank_by_method_and_task_type() -> None:
    table = latency(
        frame(
            *({"elapsed_ms": float(ms), "task_type": "T"} for ms in range(100, 0, -1)),
            {"elapsed_ms": 3.25, "method": "getBalance"},
            {"elapsed_ms": 9999.0, "outcome": Outcome.TIMEOUT, "task_type": "T"},
            {"outcome": Outcome.NO_RESPONSE},
        )
    )
    common = {"method": "getTaskResult", "task_type": "T"}
    assert rows_of(table) == [
        {
            "method": "getBalance",
            "task_type": None,
            "count": 1,
            "p50_ms": 3.25,
            "p95_ms": 3.25,
            "max_ms": 3.25,
        },
        {**common, "count": 100, "p50_ms": 50.0, "p95_ms": 95.0, "max_ms": 100.0},
    ]


@given(st.lists(st.floats(0, 1e6) | st.floats(1, 1.2) | st.just(7.5), min_size=1, max_size=60))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float]) -> None:
    (row,) = rows_of(latency(frame(*({"elapsed_ms": value} for value in values))))
    for percent in (50, 95):
        enough = [v for v in values if sum(w <= v for w in values) * 100 >= percent * len(values)]
        assert row[f"p{percent}_ms"] == min(enough)
    assert row["max_ms"] == max(values)


CREATED = {"method": "createTask", "task_type": "T", "elapsed_ms": 10.0}
READY = {"status": "ready", "elapsed_ms": 500.0}
PROCESSING = {"status": "processing", "outcome": Outcome.PROCESSING, "elapsed_ms": 5.0}

TASKS = frame(
    {**CREATED, "task_id": 7, "at": 0},
    {**CREATED, "task_id": 8, "at": 1},
    {**PROCESSING, "task_id": 7, "at": 2},
    {**READY, "task_id": 7, "at": 4},
    {**READY, "task_id": 7, "at": 6},
    {**CREATED, "task_id": 7, "at": 10},
    {"outcome": CALLBACK, "method": "callback", "status": "ready", "task_id": 7, "at": 13.5},
    {**CREATED, "task_id": None, "outcome": Outcome.TIMEOUT, "at": 20},
)


def test_a_task_takes_from_its_creation_to_its_first_result() -> None:
    found = [(r["task_id"], r["seconds"], r["answered_by"]) for r in rows_of(task_times(TASKS))]
    assert found == [(7, 4.5, "s-4"), (7, 3.5, "s-7"), (8, None, None)]
    last = rows_of(latency(TASKS))[-1]
    assert (last["method"], last["task_type"], last["count"]) == ("time to result", "T", 2)
    assert (last["p50_ms"], last["p95_ms"]) == (3500.0, 4500.0)


def test_a_timeline_is_of_the_newest_task_of_its_number() -> None:
    found = rows_of(timeline(TASKS, 7))
    assert [row["exchange_id"] for row in found] == ["s-6", "s-7"]
    assert [row["offset_s"] for row in found] == [0.0, 3.5]
    assert [row["outcome"] for row in found] == ["ok", "callback"]
    assert len(timeline(TASKS, 99)) == 0


def test_a_timeline_without_a_creation_has_all_there_is() -> None:
    polls = frame({**PROCESSING, "task_id": 7, "at": 9}, {**READY, "task_id": 7, "at": 3})
    assert [row["exchange_id"] for row in rows_of(timeline(polls, 7))] == ["s-2", "s-1"]


def test_violations_know_the_task_type_from_the_creation() -> None:
    ready = {"errorId": 0, "status": "ready", "solution": {"answer": [1]}}
    table = violations(
        frame(
            {
                **CREATED,
                "task_type": "ComplexImageTask",
                "task_id": 7,
                "response": '{"errorId": 0, "taskId": 7, "cost": 1}',
            },
            {**READY, "task_id": 7, "response": json.dumps(ready)},
            {**READY, "task_id": 8, "response": json.dumps(ready)},
            {"outcome": Outcome.HTTP_ERROR, "response": "<html>"},
            {"outcome": Outcome.CONNECTION_ERROR, "response": '{"errorId'},
            {
                "outcome": CALLBACK,
                "method": "callback",
                "task_id": 7,
                "request": "[]",
                "response": "",
            },
        )
    )
    found = [(r["exchange_id"], r["field"], r["found"]) for r in rows_of(table)]
    assert found == [
        ("s-1", "cost", "1"),
        ("s-2", "solution.answer", "[1]"),
        ("s-4", "", '"<html>"'),
        ("s-6", "", "[]"),
    ]


def _duck(native: pa.Table) -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.from_arrow(native)


def _dask(native: pa.Table) -> Any:
    import dask.dataframe as dd

    return dd.from_pandas(native.to_pandas(), npartitions=2)


@pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning")
@pytest.mark.parametrize("native", [pl.from_arrow, lambda t: pl.from_arrow(t).lazy(), _duck, _dask])
@pytest.mark.parametrize("summary", [errors, latency, task_times, violations])
def test_every_kind_of_frame_gives_the_same(
    summary: Callable[[Any], Any], native: Callable[[pa.Table], Any]
) -> None:
    some = frame(
        {**CREATED, "task_id": 7, "response": "{}"},
        {**READY, "task_id": 7, "response": "[]"},
        code("A", task_id=7),
        code("A"),
        {**PROCESSING, "task_id": 7},
    )
    plain = some.astype({name: object for name in some if some[name].dtype == "category"})
    table = pa.Table.from_pandas(plain, preserve_index=False)
    expected = rows_of(summary(some))
    assert expected
    found = summary(native(table)).to_arrow().to_pylist()
    assert found == expected


@pytest.mark.parametrize("summary", [errors, latency, task_times, violations])
def test_an_empty_frame_gives_an_empty_table_of_the_same_types(
    summary: Callable[[Any], Any],
) -> None:
    empty = summary(frame())
    full = summary(
        frame({**CREATED, "task_id": 1, "response": "x"}, code("A"), {**READY, "task_id": 1})
    )
    assert len(empty) == 0
    assert empty.schema == full.schema
