"""The summaries over frames of any Narwhals engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._facts import RESULT_LIFETIME
from brocap_nb.log._rows import Columns, frame_of
from brocap_nb.log.summaries import (
    errors,
    latency,
    task_events,
    task_times,
    tasks,
    timeline,
    violations,
)

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
    return frame_of([columns], words, [(requests, responses)])


def code(name: str | None, outcome: Outcome = Outcome.API_ERROR, **fields: Any) -> dict[str, Any]:
    return {"outcome": outcome, "error_code": name, **fields}


def rows_of(table: Any) -> list[dict[str, Any]]:
    shown = table.to_native().astype(object)
    return [dict(row) for row in shown.where(shown.notna(), None).to_dict("records")]


def told(found: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows_of(found)]


def test_codes_are_counted_most_frequent_first() -> None:
    table = errors(
        frame(
            code("ODD", Outcome.OK),  # no error has it
            code("A", task_id=1),
            code("B", task_id=1),
            code("B", task_id=2),
            code(None),
            code("B", task_id=2),
            code("B"),
            code("A", CALLBACK, task_id=1),
        )
    )
    names = ("error_code", "count", "share", "tasks", "retryable")
    assert told(table, *names) == [("B", 4, 0.5, 2, False), ("A", 2, 0.25, 1, False)]
    seen = [tuple(START + timedelta(seconds=n) for n in between) for between in ((2, 6), (1, 7))]
    assert told(table, "first_seen", "last_seen") == seen
    assert rows_of(table)[1]["example"] in ("s-2", "s-8")


def test_latency_is_by_method_and_task_type_of_what_was_answered() -> None:
    table = latency(
        frame(
            {"elapsed_ms": 4.0, "task_type": "T"},
            {"elapsed_ms": 3.25, "method": "getBalance"},
            {"elapsed_ms": 9999.0, "outcome": Outcome.TIMEOUT, "task_type": "T"},
            {"outcome": Outcome.NO_RESPONSE},
        )
    )
    names = ("method", "task_type", "count", "p50_ms", "p95_ms", "max_ms")
    assert told(table, *names) == [
        ("getBalance", None, 1, 3.25, 3.25, 3.25),
        ("getTaskResult", "T", 1, 4.0, 4.0, 4.0),
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
    {"method": "reportIncorrect", "task_id": 8, "at": 21},
)


def test_a_number_that_is_given_again_is_another_task() -> None:
    found = told(task_times(TASKS), "task_id", "seconds", "answered_by")
    assert found == [(7, 4.5, "s-4"), (7, 3.5, "s-7"), (8, None, None)]
    names = ("method", "task_type", "count", "p50_ms", "p95_ms")
    assert told(latency(TASKS), *names)[-1] == ("time to result", "T", 2, 3500.0, 4500.0)
    found = told(timeline(TASKS, 7), "exchange_id", "offset_s", "outcome")
    assert found == [("s-6", 0.0, "ok"), ("s-7", 3.5, "callback")]
    names = ("task_id", "created_by", "polls", "callbacks", "exchanges", "queue_s", "answered_by")
    assert told(tasks(TASKS), *names) == [
        (None, "s-8", 0, 0, 1, None, None),
        (7, "s-6", 0, 1, 2, 3.5, "s-7"),
        (8, "s-2", 0, 0, 2, 20.0, None),
        (7, "s-1", 3, 0, 4, 4.5, "s-4"),
    ]
    orphans = frame({**PROCESSING, "task_id": 9, "at": 0}, {**READY, "task_id": 9, "at": 9})
    assert told(timeline(orphans, 9), "exchange_id") == [("s-1",), ("s-2",)]
    late = frame({**PROCESSING, "task_id": 9, "at": 0}, {**CREATED, "task_id": 9, "at": 1})
    assert told(tasks(late), "polls", "exchanges") == [(0, 1)]


BALANCE = {"method": "getBalance", "elapsed_ms": 100.0}
STEPS = {
    "C": CREATED,
    "c": {**CREATED, "elapsed_ms": 1500.0},
    "-": {**CREATED, "elapsed_ms": None},
    "Z": {**CREATED, **code("ERROR_ZERO_BALANCE")},
    "W": {**CREATED, **code("CAPTCHA_NOT_READY")},  # one that may be tried again elsewhere
    "0": {**CREATED, "outcome": Outcome.TIMEOUT},
    "B": BALANCE,
    "b": {**BALANCE, "elapsed_ms": 1500.0},
    "p": PROCESSING,
    "r": READY,
    "k": {"outcome": CALLBACK, "method": "callback"},
    "a": {"outcome": CALLBACK, "method": "callback", "error_code": "AT_LAST"},
    "t": {"outcome": Outcome.TIMEOUT},
    "w": code("CAPTCHA_NOT_READY"),
    "x": code("NEVER_HEARD_OF"),
    "n": code(None),
    "s": code("ERROR_NO_SUCH_CAPCHA_ID"),
    "u": {**READY, "outcome": Outcome.BAD_RESPONSE},
}


@pytest.mark.parametrize(
    ("steps", "state", "error_code", "answered_by"),
    [
        *((steps, "processing", None, None) for steps in ("C", "Cpk", "Cw", "Ct", "Cxp", "Cu")),
        ("Cx", "failed", "NEVER_HEARD_OF", "s-2"),
        ("Cn", "failed", None, "s-2"),
        ("Ca", "failed", "AT_LAST", "s-2"),
        ("Cpxs", "failed", "NEVER_HEARD_OF", "s-3"),
        ("Cxr", "ready", None, "s-3"),
        ("Crs", "ready", None, "s-2"),
        ("Z", "failed", "ERROR_ZERO_BALANCE", "s-1"),
        ("W", "failed", "CAPTCHA_NOT_READY", "s-1"),
        ("0", "unknown", None, None),
    ],
)
def test_the_state_of_a_created_task(
    steps: str, state: str, error_code: str | None, answered_by: str | None
) -> None:
    number = 7 if steps[0] == "C" else None
    some = frame(*({**STEPS[step], "task_id": number} for step in steps), BALANCE)
    edge = START + timedelta(seconds=RESULT_LIFETIME)
    for now in (edge, edge + timedelta(microseconds=1)):
        (row,) = rows_of(tasks(some, now=now))
        late = now > edge and state == "processing"
        assert row["state"] == ("abandoned" if late else state)
        assert (row["error_code"], row["answered_by"]) == (error_code, answered_by)
        assert (row["task_id"], row["exchanges"]) == (number, len(steps))
        assert row["queue_s"] is None if len(steps) == 1 else row["queue_s"] >= 1


ASKED = ("a-2", "a-1", "a-3")


@pytest.mark.parametrize(
    ("steps", "ids", "asked"),
    [
        ("BCB", "aaa", [ASKED]),
        ("B0B", "aaa", [ASKED]),
        ("CB", "aa", []),
        ("BCZB", "aaaa", []),
        # of another session: it is no witness, but it is in the way
        ("BCB", "aab", []),
        ("BCCB", "aaba", []),
        # at the same time
        ("bCB", "aaa", []),
        ("BcB", "aaa", []),
        ("cBCB", "aaaa", []),
        ("B-B", "aaa", []),  # without an answer
    ],
)
def test_a_cost_is_asked_for_only_where_it_can_be_of_one_task(
    steps: str, ids: str, asked: list[Any]
) -> None:
    some = frame(*({**STEPS[s], "task_id": None if s in "Bb" else n} for n, s in enumerate(steps)))
    some["exchange_id"] = [f"{session}-{n}" for n, session in enumerate(ids, 1)]
    some["session"] = [*ids]
    calls: list[Any] = []

    def cost(*exchanges: str) -> float:
        calls.append(exchanges)
        return 0.5

    found = dict(told(tasks(some, cost=cost), "created_by", "cost"))
    assert sorted(calls) == asked
    assert found == {name: 0.5 if name in {one[0] for one in asked} else None for name in found}


EXCHANGES = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["createTask", "getTaskResult", "getTaskResult", "getBalance"]),
        "task_id": st.none() | st.integers(2**62, 2**62 + 2),
        "outcome": st.sampled_from(list(Outcome)),
        "status": st.sampled_from([None, "processing", "ready"]),
        "error_code": st.sampled_from([None, "A", "CAPTCHA_NOT_READY"]),
        "elapsed_ms": st.none() | st.integers(0, 5000).map(float),
    }
)


@given(st.lists(EXCHANGES, max_size=25))
def test_every_creation_is_a_row_and_every_poll_after_one_is_in_the_newest(
    rows: list[dict[str, Any]],
) -> None:
    some = frame(*rows)
    found = {row["created_by"]: row for row in rows_of(tasks(some, now=START))}
    polls: dict[str, int] = {}
    newest: dict[int | None, str] = {}
    for number, row in enumerate(rows, 1):
        if row["method"] == "createTask":
            newest[row["task_id"]] = f"s-{number}"
            polls[f"s-{number}"] = 0
        elif row["method"] == "getTaskResult" and row["task_id"] in newest:
            polls[newest[row["task_id"]]] += row["task_id"] is not None
    assert {name: row["polls"] for name, row in found.items()} == polls
    for name, row in found.items():
        assert row["task_id"] == rows[int(name[2:]) - 1]["task_id"]
        assert (row["answered_by"] is not None) == (row["state"] in ("ready", "failed"))
        assert row["queue_s"] is None or row["queue_s"] > 0
    for count in (len(found), 2, 0):
        shown = tasks(some).head(count)
        events = task_events(some, shown)
        assert {n: (len(e), e[0]["exchange_id"]) for n, e in events.items()} == {
            name: (found[name]["exchanges"], name) for (name,) in told(shown, "created_by")
        }


def test_violations_know_the_task_type_from_the_creation() -> None:
    created = {**CREATED, "task_type": "ComplexImageTask"}
    ready = {"errorId": 0, "status": "ready", "solution": {"answer": [1]}}
    table = violations(
        frame(
            {**created, "task_id": 7, "response": '{"errorId": 0, "taskId": 7, "cost": 1}'},
            {**READY, "task_id": 7, "response": json.dumps(ready)},
            {**READY, "task_id": 8, "response": json.dumps(ready)},
            {"outcome": Outcome.HTTP_ERROR, "response": "<html>"},
            {"outcome": Outcome.CONNECTION_ERROR, "response": '{"errorId'},
            {**STEPS["k"], "task_id": 7, "request": "[]", "response": ""},
        )
    )
    assert told(table, "exchange_id", "field", "found") == [
        ("s-1", "cost", "1"),
        ("s-2", "solution.answer", "[1]"),
        ("s-4", "", '"<html>"'),
        ("s-6", "", "[]"),
    ]
