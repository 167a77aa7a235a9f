"""Summaries of a log's frame, written once: Narwhals reads any engine, and pandas tells the rest.

Each takes an eager frame (pandas, Polars, PyArrow) or a lazy one (Polars, DuckDB, Dask) with the
columns of `log.frame()`, of which only `violations` needs the bodies, and gives the table of the
log's method of the same name: eager, of the engine's own kind (PyArrow for DuckDB). For others than
pandas it needs PyArrow.

A service that starts anew may give a number again: each createTask is a task of its own, to which
belongs what came after it and before the number was given again, in whatever session.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brocap_nb.api._answers import Departure, departures
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import CATALOGUE, RESULT_LIFETIME, explain
from brocap_nb.log._rows import DESCRIBED, STRING, UTC_TIME, number_of

__all__ = ["errors", "latency", "task_events", "task_times", "tasks", "timeline", "violations"]

CREATE: Final = "createTask"
_OK, _CALLBACK, _API_ERROR = str(Outcome.OK), str(Outcome.CALLBACK), str(Outcome.API_ERROR)
_PROCESSING: Final = str(Outcome.PROCESSING)
_ANSWERED: Final = [
    *(_OK, _PROCESSING, _API_ERROR, str(Outcome.HTTP_ERROR), str(Outcome.BAD_RESPONSE)),
]
_WITH_CODE: Final = [_API_ERROR, _CALLBACK]
_RETRYABLE: Final = [code for code, entry in CATALOGUE.items() if entry.retryable]
_NO_TASK: Final = -(2**63)  # no number of a task: `bodies` refuses it
_DTYPES: Final[dict[str, Any]] = {  # what has no name here is text
    **dict.fromkeys(("count", "tasks", "polls", "callbacks", "exchanges", "attempt"), "int64"),
    **dict.fromkeys(("p50_ms", "p95_ms", "max_ms", "elapsed_ms", "share", "cost"), "float64"),
    **dict.fromkeys(("seconds", "queue_s", "offset_s"), "float64"),
    **dict.fromkeys(("first_seen", "last_seen", "created_at", "started_at"), UTC_TIME),
    "task_id": "Int64",
    "retryable": "bool",
}

_CATEGORIES: Final = {name for name, (dtype, _) in DESCRIBED.items() if dtype == "category"}

_ERRORS: Final = [
    *("error_code", "count", "share", "first_seen", "last_seen", "tasks"),
    *("meaning", "remedy", "retryable", "example"),
]
_LATENCY: Final = ["method", "task_type", "count", "p50_ms", "p95_ms", "max_ms"]
_TASKS: Final = [
    *("task_id", "task_type", "created_at", "state", "polls", "callbacks", "queue_s"),
    *("error_code", "cost", "exchanges", "created_by", "answered_by"),
]
_TASK_TIMES: Final = ["task_id", "task_type", "created_at", "seconds", "answered_by"]
_TIMELINE: Final = [
    *("started_at", "offset_s", "exchange_id", "method", "outcome", "status", "error_code"),
    *("elapsed_ms", "attempt"),
]
_VIOLATIONS: Final = ["exchange_id", "started_at", "method", "field", "rule", "found"]


def errors(frame: Any) -> nw.DataFrame[Any]:
    """Return one row per error code: how often and when it came, and its explanation.

    >>> from brocap_nb.log import summaries
    >>> summaries.errors(log.frame()).columns
    ['error_code', 'count', 'share', 'first_seen', 'last_seen', 'tasks', ...]

    The most frequent is first; `share` is of all exchanges in the frame, 0 to 1.
    """
    lazy = _lazy(frame)
    total = lazy.select(nw.col("exchange_id").len().alias("total")).collect()["total"].to_list()[0]
    has_code = _plain("outcome").is_in(_WITH_CODE) & ~nw.col("error_code").is_null()
    names = ("error_code", "source", "task_id", "started_at", "exchange_id")
    rows = []
    for code, found in _read(lazy.filter(has_code), *names).groupby("error_code", observed=True):
        entry, times = explain(str(code)), found["started_at"]
        tasks = found.loc[found["task_id"] != _NO_TASK, ["source", "task_id"]].drop_duplicates()
        told = (entry.meaning, entry.remedy, entry.retryable, max(found["exchange_id"]))
        count = len(found)
        rows.append((code, count, count / total, times.min(), times.max(), len(tasks), *told))
    rows.sort(key=lambda row: (-row[1], row[0]))
    return _table(pd.DataFrame(rows, columns=_ERRORS), frame)


def latency(frame: Any) -> nw.DataFrame[Any]:
    """Return how long answers took, by method and task type, and how long results took.

    Only attempts that were answered are counted: a timeout has a limit, not a latency. The last
    rows, with the method `time to result`, are about tasks, see `task_times`. `p50_ms` and
    `p95_ms` are nearest ranks: the smallest value that 50% or 95% of the values do not exceed.
    """
    answered = _plain("outcome").is_in(_ANSWERED) & ~nw.col("elapsed_ms").is_null()
    times = task_times(frame).to_pandas().dropna(subset="seconds")
    rows: list[tuple[Any, ...]] = []
    for part in (
        _read(_lazy(frame).filter(answered), "method", "task_type", "elapsed_ms"),
        times.assign(method="time to result", elapsed_ms=times["seconds"] * 1000),
    ):
        keys = part["method"].astype(STRING), part["task_type"].astype(STRING).fillna("")
        for (method, task_type), found in part["elapsed_ms"].groupby([*keys]):
            values = sorted(found.tolist())
            ranks = (values[-(-len(values) * percent // 100) - 1] for percent in (50, 95, 100))
            rows.append((method, task_type or None, len(values), *ranks))
    return _table(pd.DataFrame(rows, columns=_LATENCY), frame)


def task_times(frame: Any) -> nw.DataFrame[Any]:
    """Return one row per created task: how long it was from createTask to the result.

    The rows are by number and time. `seconds` runs from the start of createTask to the end of the
    first answer that was ready, or to the callback; null if there is no result, or if the clock
    was set back in between.
    """
    found = _tasks(frame)[::-1].dropna(subset="task_id").sort_values("task_id", kind="stable")
    ready = found["state"] == "ready"
    found["seconds"] = found["queue_s"].where(ready)
    found["answered_by"] = found["answered_by"].where(ready, None)
    return _table(found[_TASK_TIMES], frame)


_Cost: TypeAlias = Callable[[str, str, str], float | None]


def tasks(
    frame: Any, *, now: datetime | None = None, cost: _Cost | None = None
) -> nw.DataFrame[Any]:
    """Return one row per createTask, newest first, its polls and callbacks folded in.

    Its columns are those of `ExchangeLog.tasks`.

    Args:
        now: the time that `processing` and `abandoned` are told apart by. Default: now.
        cost: called with the `exchange_id` of a createTask, and of the getBalance before and after
            it, where no other createTask lies between; returns what the task cost, or None.
    """
    return _table(_tasks(frame, now, cost)[_TASKS], frame)


def _tasks(frame: Any, now: datetime | None = None, cost: _Cost | None = None) -> pd.DataFrame:
    asked = (_plain("method") == "getBalance") & (_plain("outcome") == _OK)
    created = _plain("method") == CREATE
    table = _in_order(_lazy(frame).filter(~nw.col("task_id").is_null() | created | asked), *_STORY)
    found = _told(table, _stories(table), now or datetime.now(UTC))
    costs = {names[0]: cost(*names) for names in _balances(table)} if cost else {}
    found["cost"] = [costs.get(name) for name in found["created_by"]]
    return found[::-1]


def timeline(frame: Any, task_id: int) -> nw.DataFrame[Any]:
    """Return every exchange and callback of the newest task with a number, in order.

    `offset_s` is in seconds from the first of them, and below 0 where the clock was set back.
    """
    table = _in_order(_lazy(frame).filter(nw.col("task_id") == task_id), *_STORY)
    return _table(_events(table, _stories(table, orphans=True)[-1:])[_TIMELINE], frame)


def task_events(frame: Any, rows: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the timelines of some rows of `tasks(frame)`, by the rows' `created_by`."""
    chosen = nw.from_native(rows).lazy().select("task_id", "created_by").collect()
    numbers = chosen["task_id"].drop_nulls().unique().to_list()
    without = nw.col("task_id").is_null() & (_plain("method") == CREATE)
    table = _in_order(_lazy(frame).filter(without | nw.col("task_id").is_in(numbers)), *_STORY)
    is_chosen = table["exchange_id"].isin(chosen["created_by"].to_list()).tolist()
    events = _events(table, [story for story in _stories(table) if is_chosen[story[0]]])
    groups = events.groupby("created_by")
    return {str(name): _objects(group).to_dict("records") for name, group in groups}


def violations(frame: Any) -> nw.DataFrame[Any]:
    """Return every departure of an answer from the documented contract, in order.

    A callback is held to the rules of getTaskResult. The solution of a task is checked if its type
    is known. `field` is empty if it is the answer as a whole.
    """
    called = _plain("outcome") == _CALLBACK  # its body was sent to us
    body = nw.when(called).then(_plain("request")).otherwise(_plain("response"))
    names = ("source", "task_id", "task_type", "method", body.alias("body"))
    answered = _plain("outcome").is_in([*_ANSWERED, _CALLBACK])
    table = _in_order(_lazy(frame).filter(answered), *names)
    types: dict[tuple[Any, Any], str | None] = {}
    found_in = functools.lru_cache(maxsize=10_000)(departures)  # most answers say the same
    rows: list[int] = []
    broken: list[str] = []  # field, rule, found, and again: few objects for Python to look after
    columns = (_objects(table[name]).tolist() for name in (*names[:-1], "body"))
    for row, (source, task_id, task_type, method, text) in enumerate(zip(*columns, strict=True)):
        if task_id != _NO_TASK:
            types[source, task_id] = task_type = task_type or types.get((source, task_id))
        if text is not None:
            for departure in found_in(method, text, task_type):
                rows.append(row)
                broken += departure
    # in Python's own texts, since PyArrow takes no lone surrogates
    parts = {n: pd.array(broken[at::3], dtype=STRING) for at, n in enumerate(Departure._fields)}
    return _table(table.iloc[rows].assign(**parts)[_VIOLATIONS], frame)


_STORY: Final = (
    *("source", "task_id", "task_type", "method", "outcome", "status", "error_code"),
    *("elapsed_ms", "attempt"),
)


def _in_order(lazy: nw.LazyFrame[Any], *columns: str | nw.Expr) -> pd.DataFrame:
    """Exchanges by time: `since` is their beginning, or one before in their session, if later."""
    table = _read(lazy, "exchange_id", "started_at", "session", *columns)
    table["session"] = pd.factorize(table["session"].astype(object), sort=True)[0]
    table["number"] = [number_of(name) for name in table["exchange_id"]]
    clock = table[["session", "number", "started_at"]].sort_values(["session", "number"])
    clock["since"] = clock.groupby("session")["started_at"].cummax()  # a clock may be set back
    order = clock.sort_values(["since", "session", "number"]).index
    return table.assign(since=clock["since"]).iloc[order].reset_index(drop=True)


def _stories(table: pd.DataFrame, *, orphans: bool = False) -> list[list[int]]:
    """The rows of each createTask, and of its task; with `orphans` of others too; oldest first."""
    stories: list[list[int]] = []
    newest: dict[tuple[str, int], list[int]] = {}
    created = (table["method"] == CREATE).tolist()
    for row, key in enumerate(zip(table["source"], table["task_id"].tolist(), strict=True)):
        if created[row] or (orphans and key not in newest):
            newest[key] = [row]
            stories.append(newest[key])
        elif key[1] != _NO_TASK and key in newest:
            newest[key].append(row)
    return stories


def _told(table: pd.DataFrame, stories: list[list[int]], now: datetime) -> pd.DataFrame:
    """What became of each task: the columns of `tasks`, less its cost."""
    outcome, code = table["outcome"], table["error_code"]
    called = outcome == _CALLBACK
    fails = outcome.isin(_WITH_CODE) & ~code.isin(_RETRYABLE) & ~(called & code.isna())
    is_result = outcome.isin([_OK, _CALLBACK]) & (table["status"] == "ready")
    flags = (fails, is_result, outcome == _PROCESSING, called, table["method"] == "getTaskResult")
    fail, result, goes_on, callback, poll = (flag.tolist() for flag in flags)
    outcomes, codes, ids = (table[n].tolist() for n in ("outcome", "error_code", "exchange_id"))
    start, end = _times(table, "started_at")
    expired = now.timestamp() * 1e6 - RESULT_LIFETIME * 1_000_000
    rows = []
    for story in stories:
        head, *later = story
        ready = next((row for row in later if result[row]), None)
        # an error ends it, unless it turns out that it goes on
        going = max((row for row in story if goes_on[row]), default=-1)
        failed = next((row for row in story if fail[row] and row > going), None)
        failed = head if outcomes[head] == _API_ERROR else failed
        ended, error = failed if ready is None else ready, None
        if ready is not None:
            state = "ready"
        elif failed is not None:
            state, error = "failed", codes[failed]
        elif outcomes[head] != _OK:
            state = "unknown"
        else:
            state = "abandoned" if start[head] < expired else "processing"
        # when its end was there: that of all after the first, if nothing ended it
        latest = max((end[row] for row in (later if ended is None else [ended])), default=-1)
        seconds = None if latest < start[head] or ended == head else (latest - start[head]) / 1e6
        counts = sum(poll[row] for row in story), sum(callback[row] for row in story)
        answered_by = None if ended is None else ids[ended]
        rows.append((state, *counts, seconds, error, len(story), ids[head], answered_by))
    found = table.iloc[[story[0] for story in stories]].reset_index(drop=True)
    found = found[["task_id", "task_type", "started_at"]].set_axis(_TASKS[:3], axis=1)
    number = found["task_id"].astype("Int64")
    found["task_id"] = number.mask(number == _NO_TASK)
    names = [name for name in _TASKS[3:] if name != "cost"]
    return found.join(pd.DataFrame(rows, columns=names, dtype=object))


def _balances(table: pd.DataFrame) -> list[list[str]]:
    """Each createTask that is alone between two getBalance of its session, and those two."""
    start, end = _times(table, "since")
    rows = pd.Series(np.arange(len(table)))
    asked = rows.where(table["method"] == "getBalance").groupby(table["session"])
    one = np.flatnonzero(table["method"] == CREATE)
    near = (asked.ffill(), asked.bfill())
    before, after = (found.fillna(rows).astype("i8").to_numpy()[one] for found in near)
    reach = np.append(-np.inf, np.maximum.accumulate(end[one]))[:-1]  # the end of all before
    later = np.append(start[one], np.inf)[1:]
    alone = table["elapsed_ms"].notna().to_numpy()[one] & (before < one) & (one < after)
    alone &= (reach <= start[before]) & (end[before] <= start[one])
    alone &= (end[one] <= start[after]) & (end[after] <= later)
    names = table["exchange_id"].to_numpy()[np.column_stack((one, before, after))[alone]]
    return [*names.tolist()]


def _times(table: pd.DataFrame, begin: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """When exchanges began and ended, in microseconds since 1970."""
    start = table[begin].astype("i8").to_numpy()
    return start, start + np.nan_to_num(table["elapsed_ms"].to_numpy()) * 1e3


def _events(table: pd.DataFrame, stories: list[list[int]]) -> pd.DataFrame:
    """The exchanges of some stories, as rows of `timeline` with the story's `created_by`."""
    rows = [row for story in stories for row in story]
    heads = [story[0] for story in stories for _ in story]
    start, ids = table["started_at"].astype("i8").to_numpy(), table["exchange_id"].to_numpy()
    found: pd.DataFrame = table.iloc[rows]
    return found.assign(offset_s=(start[rows] - start[heads]) / 1e6, created_by=ids[heads])


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    if "source" in lazy.collect_schema():  # it tells apart tasks of the same number
        return lazy
    return lazy.with_columns(nw.lit("").alias("source"))


def _plain(name: str) -> nw.Expr:
    """A column; as text if it may be categorical."""
    column = nw.col(name)
    return column.cast(nw.String) if name in _CATEGORIES else column


def _read(lazy: nw.LazyFrame[Any], *columns: str | nw.Expr) -> pd.DataFrame:
    """Columns as pandas has them; repeated texts are categories, and no task is `_NO_TASK`."""
    number = nw.col("task_id").fill_null(_NO_TASK).cast(nw.Int64)
    table = lazy.with_columns(number).select(*columns).collect().to_pandas()
    dtypes: dict[str, Any] = dict.fromkeys((*_CATEGORIES, "source"), "category")
    dtypes |= {"task_id": "int64", "elapsed_ms": "float64", "started_at": UTC_TIME}
    known = {name: dtype for name, dtype in dtypes.items() if name in table}
    return table.astype(known).reset_index(drop=True)


def _objects(table: Any) -> Any:
    """The values of a table or a column; None where there is none."""
    return table.astype(object).where(table.notna(), None)


def _table(found: pd.DataFrame, frame: Any) -> nw.DataFrame[Any]:
    """Return what was found as a frame of the engine of `frame`, with the same dtypes in any."""
    made = found.astype({n: _DTYPES.get(str(n), STRING) for n in found}).reset_index(drop=True)
    table = nw.from_native(made, eager_only=True)
    engine = nw.from_native(frame).implementation
    if engine.is_pandas() or engine.is_dask():
        return table
    backend: Any = "polars" if engine.is_polars() else "pyarrow"
    return nw.from_dict(_objects(made).to_dict("list"), table.schema, backend=backend)
