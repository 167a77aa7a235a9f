"""Everyday pandas on every column: the right value in any pandas, with pyarrow or without."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import pickle
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from written_log import START, write

import brocap_nb as bn

CREATED = {"method": "createTask", "response": '{"errorId": 0, "taskId": 7}'}
POLL = {"method": "getTaskResult", "request": '{"taskId": 7}', "task_id": 7}
PROCESSING = '{"errorId": 0, "status": "processing"}'
READY = '{"errorId": 0, "status": "ready", "solution": {"text": "größer, \\"✓\\""}, "extra": 1}'
CODE = "ERROR_CAPTCHA_UNSOLVABLE"
BROKE = {"outcome": "api_error", "error_id": 1, "error_code": CODE}
ALICE: list[dict[str, Any]] = [
    {**CREATED, "task_type": "TaskOne", "task_id": 7},
    {**POLL, "outcome": "processing", "status": "processing", "response": PROCESSING},
    {**POLL, "status": "ready", "response": READY, "elapsed_ms": 1234.5},
    {**BROKE, "method": "getBalance", "error_description": 'nothing, "at all"\nis left: ✓'},
    {"method": "createTask", "task_type": "Ünïcode", "outcome": "timeout", "http_status": None},
]
WRONG = f'{{"errorId": "1", "errorCode": "{CODE}"}}'
BOB: list[dict[str, Any]] = [
    {"method": "createTask", "outcome": "no_response", "http_status": None, "elapsed_ms": None},
    {**CREATED, "task_type": "TaskTwo", "task_id": 2**40, "attempt": 2},
    {**POLL, **BROKE, "task_id": 2**40, "error_code": "ERROR_ZERO_BALANCE", "response": WRONG},
]
TABLES: dict[str, Callable[[bn.ExchangeLog], pd.DataFrame]] = {
    "frame": bn.ExchangeLog.frame,
    "a session": lambda log: log.frame(session="bob222"),
    "errors": bn.ExchangeLog.errors,
    "latency": bn.ExchangeLog.latency,
    "tasks": bn.ExchangeLog.tasks,
    "task times": bn.ExchangeLog.task_times,
    "timeline": lambda log: log.timeline(7),
    "violations": bn.ExchangeLog.violations,
}
EMPTY = bn.ExchangeLog(":memory:")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bn.ExchangeLog:
    folder = tmp_path_factory.mktemp("log")
    write(folder, "alice1", ALICE)
    write(folder, "bob222", BOB)
    return bn.ExchangeLog(folder)


@pytest.fixture(params=["some rows", "no row"])
def log(request: pytest.FixtureRequest, filled: bn.ExchangeLog) -> bn.ExchangeLog:
    return filled if request.param == "some rows" else EMPTY


def plain(column: Any) -> list[Any]:
    """The values as Python has them; None where there is none."""
    return [None if pd.isna(value) else value for value in column]


def known(column: Any) -> list[Any]:
    return [value for value in plain(column) if value is not None]


def kind(column: pd.Series[Any]) -> str:
    is_text = column.dtype in ("string", "category")
    return "text" if is_text else {"M": "time", "b": "bool"}.get(column.dtype.kind, "number")


def texts(frame: pd.DataFrame, name: str) -> None:
    column, values = frame[name], plain(frame[name])
    for got, said in (
        (column.str.upper(), str.upper),
        (column.str[:3], lambda text: text[:3]),
        (column.str.len(), len),
        (column.str.contains("Task"), lambda text: "Task" in text),
    ):
        assert plain(got) == [None if text is None else said(text) for text in values]


def filters(frame: pd.DataFrame, name: str) -> None:
    column, values = frame[name], plain(frame[name])
    for value in {*known(column)}:
        there = [one == value for one in values]
        assert column.isin([value]).tolist() == there
        assert frame.query(f"{name} == @value").index.tolist() == np.flatnonzero(there).tolist()
        assert (column != value).fillna(True).tolist() == [not one for one in there]
    assert column.isna().tolist() == [value is None for value in values]
    assert plain(frame.dropna(subset=[name])[name]) == known(column)


def merge(frame: pd.DataFrame, name: str) -> None:
    distinct = list(dict.fromkeys(known(frame[name])))
    if distinct:
        right = pd.DataFrame({name: distinct, "extra": range(len(distinct))})  # as one types it
        found = frame.merge(right, on=name, how="inner")
        assert [distinct[place] for place in found["extra"]] == plain(found[name])
        assert sorted(plain(found[name])) == sorted(known(frame[name]))


def groups(frame: pd.DataFrame, name: str) -> None:
    counts = Counter(known(frame[name]))
    assert frame.groupby(name, observed=False).size().to_dict() == counts
    assert frame[name].value_counts().to_dict() == counts
    table = frame.assign(one=1).pivot_table(index=name, values="one", aggfunc="sum", observed=False)
    assert (table["one"].to_dict() if len(table) else {}) == counts


def orders(frame: pd.DataFrame, name: str) -> None:
    rest = [None] * (len(frame) - len(known(frame[name])))
    assert plain(frame.sort_values(name)[name]) == sorted(known(frame[name])) + rest


def fills(frame: pd.DataFrame, name: str) -> None:
    column, values = frame[name], plain(frame[name])
    filled = column.astype("string") if column.dtype == "category" else column  # README says so
    zero = column.dtype.type(0) if kind(column) in ("number", "bool") else None
    fill: Any = {"text": "nothing", "time": START}.get(kind(column), zero)
    assert plain(filled.fillna(fill)) == [fill if value is None else value for value in values]


def joins(frame: pd.DataFrame, name: str) -> None:
    twice = pd.concat([frame, frame.head(1), frame.iloc[1:]], ignore_index=True)[name]
    assert plain(twice) == plain(frame[name]) * 2
    assert twice.dtype == frame[name].dtype


def to_csv(frame: pd.DataFrame, name: str) -> None:
    text = io.StringIO(frame.to_csv(index=False), newline="")
    as_text = [row[name] for row in csv.DictReader(text)]
    assert as_text == ["" if value is None else str(value) for value in plain(frame[name])]


def to_json_and_sql(frame: pd.DataFrame, name: str) -> None:
    rows = json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us"))
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        frame.to_sql("log", connection, index=False)
        stored = [row[0] for row in connection.execute(f'SELECT "{name}" FROM log')]
    made = pd.Timestamp if kind(frame[name]) == "time" else lambda value: value
    assert [made(row[name]) for row in rows] == plain(frame[name])
    assert list(map(made, stored)) == plain(frame[name])


def to_pickle(frame: pd.DataFrame, name: str) -> None:
    back = pickle.loads(packed := pickle.dumps(frame))
    if name == "request":  # `frame()`'s needs no package of ours
        assert b"brocap_nb" not in packed
    pd.testing.assert_frame_equal(back, frame, check_frame_type=False)
    assert plain(back[name]) == plain(frame[name])
    assert back._repr_html_() == frame._repr_html_()


def to_parquet(frame: pd.DataFrame, name: str) -> None:
    file = io.BytesIO()
    frame.to_parquet(file, index=False)
    assert plain(pd.read_parquet(file)[name]) == plain(frame[name])


def plots(frame: pd.DataFrame, name: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    if kind(frame[name]) == "number" and len(frame):
        (line,) = frame[name].plot().get_lines()
        assert plain(np.ma.filled(line.get_ydata(), np.nan)) == plain(frame[name])
        plt.close("all")


OPERATIONS: list[Callable[[pd.DataFrame, str], None]] = [
    *(texts, filters, merge, groups, orders, fills, joins, to_csv, to_json_and_sql, to_pickle),
    *([to_parquet] if find_spec("pyarrow") else []),
    *([plots] if find_spec("matplotlib") else []),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("table", TABLES)
def test_every_column_takes_it(
    table: str, operation: Callable[[pd.DataFrame, str], None], log: bn.ExchangeLog
) -> None:
    frame = TABLES[table](log)
    assert (len(frame) > 0) == (log is not EMPTY)
    for name in frame.columns:
        if operation is texts and kind(frame[name]) != "text":
            continue
        try:
            operation(frame, name)
        except Exception as error:
            error.add_note(f"the column {name}, {frame[name].dtype}: {plain(frame[name])}")
            raise


@pytest.mark.parametrize("table", TABLES)
def test_the_dtypes_are_the_same_whatever_the_rows_and_whatever_the_pandas(
    table: str, filled: bn.ExchangeLog
) -> None:
    some, none = TABLES[table](filled).dtypes, TABLES[table](EMPTY).dtypes
    assert some.astype(str).to_dict() == none.astype(str).to_dict()
    for name, dtype in (*some.items(), *none.items()):
        text = dtype.categories.dtype if dtype == "category" else dtype
        assert str(dtype) != "object", name
        assert not isinstance(text, pd.StringDtype) or text == pd.StringDtype("python"), name


def test_half_a_character_in_an_answer_is_found(tmp_path: Path) -> None:
    write(tmp_path, "alice1", [{**CREATED, "response": '{"errorId": 0, "\\ud800": "\\ud800"}'}])
    assert "\ud800" in bn.ExchangeLog(tmp_path).violations()["field"].tolist()


@pytest.mark.parametrize("table", ["frame", "tasks"])
def test_a_query_without_a_zone_says_what_to_write(table: str, log: bn.ExchangeLog) -> None:
    frame = TABLES[table](log)
    name = "started_at" if table == "frame" else "created_at"
    day = datetime(2026, 1, 2)
    for query in (f"{name} > '2026-01-02'", f"'2026-01-02' <= {name}", f"{name} < @day"):
        for part in (frame, frame.sort_values(name).head(3)):
            with pytest.raises(bn.InvalidInputError, match="T00:00Z behind a day") as caught:
                part.query(query)
            assert query in str(caught.value)
    day = day.replace(tzinfo=UTC)
    later = [value for value in frame[name] if value > day]
    assert frame.query(f"{name} > '2026-01-02T00:00Z'")[name].tolist() == later
    assert frame.query(f"{name} > @day")[name].tolist() == later
    with pytest.raises(TypeError, match="int"):
        frame.query("attempt > 'a'" if table == "frame" else "polls > 'a'")
