"""Summaries of a log's frame, written once over Narwhals: pandas is only the default engine.

Each takes an eager frame (pandas, Polars, PyArrow) or a lazy one (Polars, DuckDB, Dask) with the
columns of `log.frame()`, lets the engine reduce it to a small table, and explains that table here.
So all engines give the same rows. The result is eager, of the engine's own kind: pandas for Dask,
PyArrow for DuckDB.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brocap_nb.api._answers import Departure, departures
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import RESULT_LIFETIME, explain
from brocap_nb.log._rows import STRING, UTC_TIME, number_of
from brocap_nb.log._swimlane import Event

__all__ = [
    "TIME_TO_RESULT",
    "errors",
    "latency",
    "task_events",
    "task_times",
    "tasks",
    "timeline",
    "violations",
]

CREATE: Final = "createTask"
BALANCE: Final = "getBalance"

TIME_TO_RESULT: Final = "time to result"
"""What `latency` calls its rows from createTask to the result."""

_ANSWERED: Final = [
    *(str(outcome) for outcome in (Outcome.OK, Outcome.PROCESSING, Outcome.API_ERROR)),
    *(str(outcome) for outcome in (Outcome.HTTP_ERROR, Outcome.BAD_RESPONSE)),
]
_WITH_CODE: Final = [str(Outcome.API_ERROR), str(Outcome.CALLBACK)]
_WITH_RESULT: Final = [str(Outcome.OK), str(Outcome.CALLBACK)]
_NO_TASK: Final = -(2**63)  # no number of a task: `bodies` refuses it
_TIME: Final = nw.Datetime("us", "UTC")
_PANDAS: Final[Mapping[Any, Any]] = {
    nw.String(): STRING,
    nw.Int64(): "int64",
    nw.Float64(): "float64",
    nw.Boolean(): "bool",
    _TIME: UTC_TIME,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BUCKETS_PER_MS: Final = 10


def errors(frame: Any) -> nw.DataFrame[Any]:
    """Return one row per error code: how often and when it came, and its explanation.

    >>> from brocap_nb.log import summaries
    >>> summaries.errors(log.frame()).columns
    ['error_code', 'count', 'share', 'first_seen', 'last_seen', 'tasks', ...]

    Args:
        frame: a frame with the columns `exchange_id, started_at, outcome, error_code, task_id`.

    Returns:
        Columns `error_code, count, share, first_seen, last_seen, tasks, meaning, remedy,
        retryable, example`, most frequent first. `share` is of all exchanges in the frame, 0 to 1;
        `tasks` is the number of different task ids; `example` is an `exchange_id`.
    """
    has_code = _text("outcome").is_in(_WITH_CODE) & ~nw.col("error_code").is_null()
    lazy = _lazy(frame)
    source = _source(lazy)
    table = (
        lazy.select(
            nw.when(has_code).then(_text("error_code")).alias("error_code"),
            nw.when(has_code).then(nw.col("task_id")).alias("task_id"),
            nw.when(has_code).then(nw.col("exchange_id")).alias("exchange_id"),
            nw.col("started_at"),
            *(_text(name).alias(name) for name in source),
        )
        # Engines count distinct values with nulls among them differently: by task, then by code.
        .with_columns(
            nw.col("task_id").fill_null(_NO_TASK),
            (~nw.col("task_id").is_null()).cast(nw.Int64).alias("is_task"),
        )
        .group_by("error_code", *source, "task_id")
        .agg(
            nw.len().alias("count"),
            nw.col("started_at").min().alias("first_seen"),
            nw.col("started_at").max().alias("last_seen"),
            nw.col("is_task").max().alias("is_task"),
            nw.col("exchange_id").max().alias("example"),
        )
        .group_by("error_code")
        .agg(
            nw.col("count").sum().alias("count"),
            nw.col("first_seen").min().alias("first_seen"),
            nw.col("last_seen").max().alias("last_seen"),
            nw.col("is_task").sum().alias("tasks"),
            nw.col("example").max().alias("example"),
        )
        .with_columns(nw.col("count", "tasks").cast(nw.Int64))  # DuckDB's sums have 128 bits
        .collect()
    )
    rows = _rows(table)
    total = sum(row["count"] for row in rows) or 1
    rows = [row for row in rows if row["error_code"] is not None]
    rows.sort(key=lambda row: (-row["count"], row["error_code"]))
    for row in rows:
        entry = explain(row["error_code"])
        row.update(
            share=row["count"] / total,
            meaning=entry.meaning,
            remedy=entry.remedy,
            retryable=entry.retryable,
        )
    return _table(
        rows,
        {
            "error_code": nw.String(),
            "count": nw.Int64(),
            "share": nw.Float64(),
            "first_seen": _TIME,
            "last_seen": _TIME,
            "tasks": nw.Int64(),
            "meaning": nw.String(),
            "remedy": nw.String(),
            "retryable": nw.Boolean(),
            "example": nw.String(),
        },
        table,
    )


def latency(frame: Any) -> nw.DataFrame[Any]:
    """Return how long answers took, by method and task type, and how long results took.

    Only attempts that were answered are counted: a timeout has a limit, not a latency. The last
    rows, with the method `time to result`, are about tasks: from the start of createTask to the
    end of the answer (or the callback) that brought the result, see `task_times`.

    `p50_ms` and `p95_ms` are exact, on every engine: the nearest rank, that is the smallest value
    that at least 50% or 95% of the values do not exceed. So each is a time that really occurred,
    nothing is interpolated. The engine counts values in steps of 0.1 ms, then only the values of
    the steps in which the two ranks lie are looked at: two passes over the frame, and a third for
    the tasks.

    Args:
        frame: a frame with the columns `exchange_id, started_at, method, task_type, task_id,
            outcome, status, elapsed_ms`.

    Returns:
        Columns `method, task_type, count, p50_ms, p95_ms, max_ms`.
    """
    lazy = _lazy(frame)
    answered = lazy.filter(
        _text("outcome").is_in(_ANSWERED) & ~nw.col("elapsed_ms").is_null()
    ).select(
        _text("method").alias("method"),
        _text("task_type").alias("task_type"),
        nw.col("elapsed_ms"),
        (nw.col("elapsed_ms") * _BUCKETS_PER_MS).floor().alias("bucket"),
    )
    table = (
        answered.group_by("method", "task_type", "bucket")
        .agg(nw.len().alias("count"), nw.col("elapsed_ms").max().alias("longest"))
        .collect()
    )
    groups: dict[tuple[str, str | None], list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(table):
        groups[row["method"], row["task_type"]].append(row)
    wanted = {_bucket(buckets, percent)[0] for buckets in groups.values() for percent in (50, 95)}
    values: dict[tuple[str, str | None, float], list[float]] = defaultdict(list)
    if wanted:
        looked_at = answered.filter(nw.col("bucket").is_in(sorted(wanted))).collect()
        columns = (_values(looked_at[name]) for name in ("method", "task_type", "bucket"))
        for *place, elapsed in zip(*columns, _values(looked_at["elapsed_ms"]), strict=True):
            values[tuple(place)].append(elapsed)
    rows = []
    for (method, task_type), buckets in groups.items():
        row = {"method": method, "task_type": task_type}
        for percent in (50, 95):
            bucket, rank = _bucket(buckets, percent)
            row[f"p{percent}_ms"] = sorted(values[method, task_type, bucket])[rank]
        row["count"] = sum(one["count"] for one in buckets)
        row["max_ms"] = max(one["longest"] for one in buckets)
        rows.append(row)
    rows.sort(key=lambda row: (str(row["method"]), str(row["task_type"] or "")))
    return _table(
        rows + _times_to_result(task_times(lazy)),
        {
            "method": nw.String(),
            "task_type": nw.String(),
            "count": nw.Int64(),
            "p50_ms": nw.Float64(),
            "p95_ms": nw.Float64(),
            "max_ms": nw.Float64(),
        },
        table,
    )


def _rank(count: int, percent: int) -> int:
    """The nearest rank, counted from 0."""
    return -(-count * percent // 100) - 1


def _bucket(buckets: Iterable[Mapping[str, Any]], percent: int) -> tuple[float, int]:
    """In which bucket a percentile lies, and its rank among the values in there."""
    ordered = sorted(buckets, key=lambda row: row["bucket"])
    rank = _rank(sum(row["count"] for row in ordered), percent)
    for row in ordered:
        if rank < row["count"]:
            return row["bucket"], rank
        rank -= row["count"]
    raise AssertionError("a rank is smaller than the count")


def _times_to_result(times: nw.DataFrame[Any]) -> list[dict[str, Any]]:
    groups: dict[str | None, list[float]] = defaultdict(list)
    for task_type, seconds in zip(
        _values(times["task_type"]), _values(times["seconds"]), strict=True
    ):
        if seconds is not None:
            groups[task_type].append(seconds * 1000)
    return [
        {
            "method": TIME_TO_RESULT,
            "task_type": task_type,
            "count": len(found),
            "p50_ms": found[_rank(len(found), 50)],
            "p95_ms": found[_rank(len(found), 95)],
            "max_ms": found[-1],
        }
        for task_type, unsorted in sorted(groups.items(), key=lambda item: item[0] or "")
        for found in [sorted(unsorted)]
    ]


def task_times(frame: Any) -> nw.DataFrame[Any]:
    """Return one row per created task: how long it was from createTask to the result.

    A service that starts anew may give a number again: each createTask is a task of its own, and
    its result is the first that came after it and before the number was given again. In a frame of
    many folders, which has the column `source`, each folder has task numbers of its own.

    Args:
        frame: as for `latency`.

    Returns:
        Columns `task_id, task_type, created_at, seconds, answered_by`, by number and time.
        `seconds` runs from the start of createTask to the end of the answer that was ready, or to
        the callback; null if there is no result, or if the clock was set back in between.
        `answered_by` is the `exchange_id` of the result.
    """
    is_result = (_text("status") == "ready") & _text("outcome").is_in(_WITH_RESULT)
    is_created = (_text("method") == CREATE) & (_text("outcome") == str(Outcome.OK))
    moments, table = _moments(
        _lazy(frame).filter(~nw.col("task_id").is_null() & (is_result | is_created))
    )
    rows = []
    for created, *later in _histories(moments):
        result = next((one for one in later if one.is_result), None)
        rows.append(
            {
                "task_id": created.task_id,
                "task_type": created.task_type,
                "created_at": _at(created.start),
                "seconds": None if result is None else _seconds(created, result.end),
                "answered_by": None if result is None else result.exchange_id,
            }
        )
    return _table(
        rows,
        {
            "task_id": nw.Int64(),
            "task_type": nw.String(),
            "created_at": _TIME,
            "seconds": nw.Float64(),
            "answered_by": nw.String(),
        },
        table,
    )


def tasks(
    frame: Any,
    *,
    now: datetime | None = None,
    cost: Callable[[str, str, str], float | None] | None = None,
) -> nw.DataFrame[Any]:
    """Return one row per createTask, with the polls and callbacks of its task folded in.

    What has a task's number belongs to the newest createTask of that number that began before it,
    in whatever session. What came before all of them, such as the polls of a task that another
    log created, is in no row.

    `state` is one of

    - `ready`: a result came, from a poll or a callback;
    - `failed`: createTask, or later a poll or a callback, was answered with an error code that is
      not `retryable` in `brocap_nb.api._facts`, and no result and no `processing` came after it;
    - `unknown`: createTask has no answer that can be read (or none yet), so whether there is a
      task, nobody knows;
    - `processing`: nothing of this so far, and the result can still be asked for;
    - `abandoned`: nothing of this, and the 5 minutes in which it could be asked for are over.

    Args:
        frame: a frame with the columns of `log.frame()`; bodies are not looked at.
        now: the time that `processing` and `abandoned` are told apart by. Default: now.
        cost: called with the `exchange_id` of a createTask, and of the getBalance before and after
            it; returns what the task cost, or None. Without it `cost` is missing everywhere.

    Returns:
        Columns `task_id, task_type, created_at, state, polls, callbacks, queue_s, error_code,
        cost, exchanges, created_by, answered_by`, newest first. `queue_s` is in seconds from the
        start of createTask to the end of the answer that ended it, or, if none did, of the last
        exchange about it; missing if nothing came after createTask, if that failed itself, or if
        the clock was set back in between.
        `error_code` is the one that it failed with. `answered_by` is the exchange that ended it,
        with a result or an error code. `cost` is asked for only if it can be this task's alone:
        createTask was answered, the same session has a getBalance before it and one after it, and
        between them there is no other createTask of any session.
    """
    asked = (_text("method") == BALANCE) & (_text("outcome") == str(Outcome.OK))
    created = _text("method") == CREATE
    moments, table = _moments(_lazy(frame).filter(~nw.col("task_id").is_null() | created | asked))
    balances = _balances_around(moments) if cost is not None else {}
    until = _microseconds((now or datetime.now(UTC)) - timedelta(seconds=RESULT_LIFETIME))
    rows = []
    for history in sorted(_histories(moments), key=lambda found: found[0].place, reverse=True):
        row = _task(history, until)
        around = balances.get(row["created_by"])
        row["cost"] = cost(row["created_by"], *around) if cost and around else None
        rows.append(row)
    return _table(
        rows,
        {
            "task_id": nw.Int64(),
            "task_type": nw.String(),
            "created_at": _TIME,
            "state": nw.String(),
            "polls": nw.Int64(),
            "callbacks": nw.Int64(),
            "queue_s": nw.Float64(),
            "error_code": nw.String(),
            "cost": nw.Float64(),
            "exchanges": nw.Int64(),
            "created_by": nw.String(),
            "answered_by": nw.String(),
        },
        table,
        missing=["task_id"],
    )


def task_events(frame: Any, rows: Any) -> dict[str, list[Event]]:
    """Return the exchanges of some rows of `tasks`, as events for `swimlane.strip`.

    Args:
        frame: the frame that `tasks` was given.
        rows: the rows, as a frame with the columns `task_id, created_by`.

    Returns:
        The events in order, for each of the rows by its `created_by`.
    """
    chosen = _lazy(rows).select("task_id", "created_by").collect()
    numbers = sorted({number for number in _values(chosen["task_id"]) if number is not None})
    found = set(_values(chosen["created_by"]))
    without = nw.col("task_id").is_null() & (_text("method") == CREATE)
    moments, _ = _moments(_lazy(frame).filter(without | nw.col("task_id").is_in(numbers)))
    return {
        history[0].exchange_id: [
            Event(
                lane=one.method,
                start=(one.start - history[0].start) / 1e6,
                seconds=(one.elapsed_ms or 0.0) / 1e3,
                outcome=one.outcome,
                status=one.status,
                error_code=one.error_code,
                name=one.exchange_id,
            )
            for one in history
        ]
        for history in _histories(moments)
        if history[0].exchange_id in found
    }


def _in_order(
    ids: Sequence[str], starts: Sequence[int]
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the order of exchanges, and for each since when there was it or one before it.

    As `Columns.order` has it: a clock may be set back, the order of a session's own rows is sure.
    """
    sessions = [name.rpartition("-")[0] for name in ids]
    codes = {session: code for code, session in enumerate(sorted(set(sessions)))}
    session = np.array([codes[name] for name in sessions], "i8")
    number = np.array([number_of(name) for name in ids], "i8")
    own = np.lexsort((number, session))
    since = np.array(starts, "i8")
    for rows in np.split(own, np.flatnonzero(np.diff(session[own])) + 1):
        since[rows] = np.maximum.accumulate(since[rows])
    return np.lexsort((number, session, since)), since


class _Moment(NamedTuple):
    """An exchange, as far as the story of a task needs it. In the order of their stories."""

    task_id: int
    """`_NO_TASK` if there is none."""
    source: str
    """The folder, if the frame is of many: each has task numbers of its own."""
    place: int
    """In the order of all."""
    since: int
    """As `start`, or that of an earlier one of its session, if it is later: see `_in_order`."""
    start: int
    """When it began, in microseconds since 1970."""
    exchange_id: str
    elapsed_ms: float | None
    method: str
    task_type: str | None
    outcome: str
    status: str | None
    error_code: str | None

    @property
    def end(self) -> float:
        """When its answer was there; when it began, if there is none."""
        return self.start + (self.elapsed_ms or 0.0) * 1e3

    @property
    def is_result(self) -> bool:
        return self.status == "ready" and self.outcome in _WITH_RESULT

    @property
    def is_final_error(self) -> bool:
        """Whether it is answered with an error code that stays: asking again gives the same."""
        if self.outcome == str(Outcome.CALLBACK) and self.error_code is None:
            return False
        return self.outcome in _WITH_CODE and not explain(self.error_code or "").retryable


def _moments(lazy: nw.LazyFrame[Any]) -> tuple[list[_Moment], nw.DataFrame[Any]]:
    """Return the exchanges in order of task and time, and the table that they are from."""
    texts = ("method", "task_type", "outcome", "status", "error_code", *_source(lazy))
    table = lazy.select(
        nw.col("task_id").fill_null(_NO_TASK),
        *("started_at", "exchange_id", "elapsed_ms"),
        *(_text(name).alias(name) for name in texts),
    ).collect()
    columns = {name: _values(table[name]) for name in table.columns if name != "started_at"}
    columns["start"] = _values(table["started_at"].dt.timestamp("us"))
    order, since = _in_order(columns["exchange_id"], columns["start"])
    columns["place"], columns["since"] = np.argsort(order).tolist(), since.tolist()
    columns.setdefault("source", [""] * len(table))
    return sorted(map(_Moment, *(columns[name] for name in _Moment._fields))), table


def _histories(moments: Iterable[_Moment]) -> list[list[_Moment]]:
    """Return for each createTask what happened to its task, itself first.

    A service that starts anew may give a number again: then another story begins. Folders of
    several people have numbers of their own.
    """
    histories: list[list[_Moment]] = []
    for one in moments:
        if one.method == CREATE:
            histories.append([one])
        elif histories and one.task_id != _NO_TASK and one[:2] == histories[-1][0][:2]:
            histories[-1].append(one)
    return histories


def _task(history: list[_Moment], until: int) -> dict[str, Any]:
    created, *later = history
    ended = next((one for one in later if one.is_result), None)
    if ended is not None:
        state = "ready"
    else:
        for one in history:  # an error ends it, unless it turns out that it goes on
            if one.is_final_error:
                ended = ended or one
            elif one.outcome == str(Outcome.PROCESSING):
                ended = None
        if ended is not None or created.outcome == str(Outcome.API_ERROR):
            state, ended = "failed", ended or created
        elif created.outcome != str(Outcome.OK):
            state = "unknown"
        else:
            state = "abandoned" if created.start < until else "processing"
    last = (
        None
        if not later or ended is created
        else ended.end
        if ended
        else max(one.end for one in later)
    )
    methods = [one.method for one in history]
    return {
        "task_id": None if created.task_id == _NO_TASK else created.task_id,
        "task_type": created.task_type,
        "created_at": _at(created.start),
        "state": state,
        "polls": methods.count("getTaskResult"),
        "callbacks": sum(one.outcome == str(Outcome.CALLBACK) for one in history),
        "queue_s": None if last is None else _seconds(created, last),
        "error_code": ended.error_code if ended is not None and state == "failed" else None,
        "exchanges": len(history),
        "created_by": created.exchange_id,
        "answered_by": None if ended is None else ended.exchange_id,
    }


def _seconds(created: _Moment, end: float) -> float | None:
    """How long it was from a start to an end; None if the clock was set back in between."""
    return None if end < created.start else (end - created.start) / 1e6


def _balances_around(moments: Iterable[_Moment]) -> dict[str, tuple[str, str]]:
    """Return the getBalance before and after each createTask that is alone between them."""
    in_time = sorted(moments, key=lambda one: one.place)
    created = [one for one in in_time if one.method == CREATE]
    starts = [one.since for one in created]
    reach = [0.0, *accumulate(map(_latest_end, created), max)]  # the latest end of all before
    sessions: dict[str, list[_Moment]] = defaultdict(list)
    for one in in_time:
        if one.method == BALANCE:
            sessions[_session(one)].append(one)
    found = {}
    for session, balances in sessions.items():
        for before, after in pairwise(balances):
            low = bisect_left(starts, before.since)
            high = bisect_left(starts, _latest_end(after))
            if high - low != 1 or reach[low] > before.since:
                continue
            one = created[low]
            if (
                _latest_end(before) <= one.since
                and _latest_end(one) <= after.since
                and one.elapsed_ms is not None
                and _session(one) == session
            ):
                found[one.exchange_id] = before.exchange_id, after.exchange_id
    return found


def _session(one: _Moment) -> str:
    return one.exchange_id.rpartition("-")[0]


def _latest_end(one: _Moment) -> float:
    """When its answer was there, by the latest that its session's clock has shown."""
    return one.since + (one.elapsed_ms or 0.0) * 1e3


def _at(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def timeline(frame: Any, task_id: int) -> nw.DataFrame[Any]:
    """Return every exchange and callback of one task, in order.

    A service that starts anew, or another source's, may give a number again; then it is the newest
    task of that number.

    Args:
        frame: a frame with the columns of `log.frame()`, bodies may be absent.
        task_id: the service's number of the task.

    Returns:
        Columns `started_at, offset_s, exchange_id, method, outcome, status, error_code,
        elapsed_ms, attempt`. `offset_s` is in seconds from the first of them, and below 0 where
        the clock was set back.
    """
    lazy = _lazy(frame)
    names = ("method", "outcome", "status", "error_code", *_source(lazy))
    table = (
        lazy.filter(nw.col("task_id") == task_id)
        .select(
            *("started_at", "exchange_id", "elapsed_ms", "attempt"),
            *(_text(name).alias(name) for name in names),
        )
        .collect()
    )
    rows = _rows_in_order(table)
    creations = [n for n, row in enumerate(rows) if row["method"] == CREATE]
    first = creations[-1] if creations else 0
    rows = [row for row in rows[first:] if row.get("source") == rows[first].get("source")]
    for row in rows:
        row["offset_s"] = (row["started_at"] - rows[0]["started_at"]).total_seconds()
    return _table(
        rows,
        {
            "started_at": _TIME,
            "offset_s": nw.Float64(),
            "exchange_id": nw.String(),
            "method": nw.String(),
            "outcome": nw.String(),
            "status": nw.String(),
            "error_code": nw.String(),
            "elapsed_ms": nw.Float64(),
            "attempt": nw.Int64(),
        },
        table,
    )


def violations(frame: Any) -> nw.DataFrame[Any]:
    """Return every departure of an answer from the documented contract (`brocap_nb.api._answers`).

    A callback is held to the rules of getTaskResult. The solution of a task is checked if its type
    is known: from the exchange itself, or from the createTask in the frame.

    Args:
        frame: a frame with the columns of `log.frame()`, bodies included.

    Returns:
        Columns `exchange_id, started_at, method, field, rule, found`, in the order in which the
        exchanges began. `field` is empty if it is the answer as a whole.
    """
    lazy = _lazy(frame)
    names = ("method", "task_type", "outcome", "request", "response", *_source(lazy))
    table = (
        lazy.filter(_text("outcome").is_in([*_ANSWERED, str(Outcome.CALLBACK)]))
        .select(
            *("exchange_id", "started_at", "task_id"),
            *(_text(name).alias(name) for name in names),
        )
        .collect()
    )
    types: dict[tuple[Any, int | None], str] = {}
    known: dict[tuple[str, str, str | None], list[Departure]] = {}
    rows = []
    for row in _rows_in_order(table):
        task, task_type = (row.get("source"), row["task_id"]), row["task_type"]
        if row["task_id"] is not None and task_type is not None:
            types[task] = task_type
        called = row["outcome"] == str(Outcome.CALLBACK)  # its body was sent to us
        text = row["request" if called else "response"]
        if text is None:
            continue
        place = row["method"], text, task_type or types.get(task)
        found = known.get(place)
        if found is None:
            found = known[place] = departures(*place)
        rows += [{**row, "field": one.field, "rule": one.rule, "found": one.found} for one in found]
    return _table(
        rows,
        {
            "exchange_id": nw.String(),
            "started_at": _TIME,
            "method": nw.String(),
            "field": nw.String(),
            "rule": nw.String(),
            "found": nw.String(),
        },
        table,
    )


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    native: nw.DataFrame[Any] | nw.LazyFrame[Any] = nw.from_native(frame)
    return native.lazy()


def _source(lazy: nw.LazyFrame[Any]) -> list[str]:
    """The column that tells apart tasks of the same number, if the frame is of many folders."""
    return [name for name in lazy.collect_schema().names() if name == "source"]


def _text(name: str) -> nw.Expr:
    """A column that may be categorical, as text."""
    return nw.col(name).cast(nw.String)


def _values(series: nw.Series[Any]) -> list[Any]:
    """The values of a column; None where there is none, whatever the engine says there."""
    return [
        None if value is None or value is pd.NA or value is pd.NaT or value != value else value
        for value in series.to_list()
    ]


def _rows(table: nw.DataFrame[Any]) -> list[dict[str, Any]]:
    columns = [_values(table[name]) for name in table.columns]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _rows_in_order(table: nw.DataFrame[Any]) -> list[dict[str, Any]]:
    rows = _rows(table)
    starts = [_microseconds(row["started_at"]) for row in rows]
    order, _ = _in_order([row["exchange_id"] for row in rows], starts)
    return [rows[at] for at in order]


def _table(
    rows: list[dict[str, Any]],
    schema: Mapping[str, Any],
    like: nw.DataFrame[Any],
    missing: Collection[str] = (),
) -> nw.DataFrame[Any]:
    """Return the rows as a frame of the same engine; `missing` may be whole numbers or None."""
    data = {name: [row[name] for row in rows] for name in schema}
    if not like.implementation.is_pandas():
        return nw.from_dict(data, nw.Schema(schema), backend=like.implementation)
    # by hand, for the same dtypes in any pandas
    dtypes = {name: "Int64" if name in missing else _PANDAS[schema[name]] for name in schema}
    columns = {name: pd.Series(data[name], dtype=dtypes[name]) for name in schema}
    return nw.from_native(pd.DataFrame(columns), eager_only=True)
