"""A clock that is set back while a log is written: no row is lost, none changes its place."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from written_log import write

import brocap_nb as bn
from brocap_nb.log import summaries
from brocap_nb.log._search import Search
from brocap_nb.log._swimlane import svg

BACK = -3600
POLL = {"method": "getTaskResult", "outcome": "processing", "status": "processing"}
READY = {"method": "getTaskResult", "status": "ready"}
TRUE = '{"errorId": 0, "status": "ready", "solution": {}, "extra": 1}'
ALICE: list[dict[str, Any]] = [
    {"method": "getBalance", "response": '{"errorId": 0, "balance": 10}', "at": 0},
    {"method": "createTask", "task_type": "One", "task_id": 7, "at": 10},
    {**POLL, "task_id": 7, "at": 20, "response": TRUE.replace("ready", "processing")},
    {**POLL, "task_id": 7, "at": BACK + 30},
    {**READY, "task_id": 7, "at": BACK + 40, "response": TRUE},
    {"method": "getBalance", "response": '{"errorId": 0, "balance": 9}', "at": BACK + 50},
    {"method": "createTask", "task_type": "Two", "task_id": 8, "at": BACK + 60},
    {**READY, "task_id": 8, "at": BACK + 70, "response": TRUE},
    {"method": "getBalance", "response": '{"errorId": 0, "balance": 7}', "at": BACK + 80},
    {"method": "createTask", "task_type": "Two", "task_id": 7, "at": BACK + 90},
    {**READY, "task_id": 7, "at": BACK + 100},
]
BOB = [{"method": "getBalance", "at": 5}, {"method": "getBalance", "at": 100}]
ORDER = ["alice1-1", "bob222-1", *(f"alice1-{n}" for n in range(2, 12)), "bob222-2"]


@pytest.fixture
def log(tmp_path: Path) -> bn.ExchangeLog:
    write(tmp_path / "log", "alice1", ALICE)
    write(tmp_path / "log", "bob222", BOB)
    return bn.ExchangeLog(tmp_path / "log")


def test_a_sessions_rows_keep_their_order_everywhere(log: bn.ExchangeLog) -> None:
    alices = [name for name in ORDER if name.startswith("alice1")]
    assert log.frame()["exchange_id"].tolist() == ORDER
    assert log.frame(session="alice1")["exchange_id"].tolist() == alices
    assert [exchange.exchange_id for exchange in log.exchanges()] == ORDER
    for count in (4, 50):
        newest = [exchange.exchange_id for exchange in log.recent(count)]
        assert newest == ORDER[::-1][:count]
    violations = log.violations()["exchange_id"].unique().tolist()
    assert violations == ["alice1-3", "alice1-5", "alice1-8"]
    page = Search(log).page(50)
    assert page is not None
    assert [exchange.exchange_id for exchange in page.exchanges] == ORDER[::-1]


def test_a_task_has_all_its_polls_and_no_time_that_nobody_measured(log: bn.ExchangeLog) -> None:
    tasks = log.tasks()
    assert tasks[["created_by", "polls", "answered_by"]].to_numpy().tolist() == [
        ["alice1-10", 1, "alice1-11"],
        ["alice1-7", 1, "alice1-8"],
        ["alice1-2", 3, "alice1-5"],
    ]
    assert tasks["queue_s"].round(2).tolist()[:2] == [10.01, 10.01]
    assert pd.isna(tasks["queue_s"][2])
    assert tasks["cost"].isna().all()  # nobody knows what came between
    times = log.task_times()
    assert times["answered_by"].tolist() == ["alice1-5", "alice1-11", "alice1-8"]
    assert times["seconds"].isna().tolist() == [True, False, False]
    (row,) = log.latency().query("method == 'time to result'").to_dict("records")
    assert row["count"] == 2


def test_a_timeline_is_in_order_and_says_that_its_times_are_not_to_be_trusted(
    log: bn.ExchangeLog, tmp_path: Path
) -> None:
    write(tmp_path / "one", "alice1", ALICE[:5])
    line = bn.ExchangeLog(tmp_path / "one").timeline(7)
    assert line["exchange_id"].tolist() == [f"alice1-{n}" for n in range(2, 6)]
    assert line["offset_s"].tolist() == [0, 10, BACK + 20, BACK + 30]
    assert "The clock was set back in between" in str(line)
    assert svg(line.as_dicts()).count("<path") > 4
    line = log.timeline(7)
    assert line["exchange_id"].tolist() == ["alice1-10", "alice1-11"]
    assert "set back" not in str(line)


def test_the_order_is_that_of_the_ids_not_of_the_rows(log: bn.ExchangeLog) -> None:
    """Engines have no order."""
    frame = log.frame()
    mixed = frame.sample(frac=1, random_state=1)
    timeline = functools.partial(summaries.timeline, task_id=7)
    for summary in (summaries.tasks, summaries.task_times, summaries.violations, timeline):
        pd.testing.assert_frame_equal(summary(mixed).to_native(), summary(frame).to_native())
