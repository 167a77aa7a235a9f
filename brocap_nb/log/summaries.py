"""Summaries of a log's frame, written once over Narwhals: pandas is only the default engine.

Each takes an eager frame (pandas, Polars, PyArrow) or a lazy one (Polars, DuckDB, Dask) with the
columns of `log.frame()`, of which only `violations` needs the bodies, and gives the table of the
log's method of the same name: eager, of the engine's own kind (PyArrow for DuckDB).

A service that starts anew may give a number again: each createTask is a task of its own, to which
belongs what came after it and before the number was given again, in whatever session.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brocap_nb.api._answers import Departure, departures
from brocap_nb.api._exchange import Outcome
from brocap_nb.api._facts import CATALOGUE, RESULT_LIFETIME, explain
from brocap_nb.log._rows import DESCRIBED, STRING, UTC_TIME, number_of

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

TIME_TO_RESULT: Final = "time to result"  # the method of such rows of `latency`

_OK, _CALLBACK, _API_ERROR = str(Outcome.OK), str(Outcome.CALLBACK), str(Outcome.API_ERROR)
_PROCESSING: Final = str(Outcome.PROCESSING)
_ANSWERED: Final = [
    *(_OK, _PROCESSING, _API_ERROR, str(Outcome.HTTP_ERROR), str(Outcome.BAD_RESPONSE)),
]
_WITH_CODE: Final = [_API_ERROR, _CALLBACK]
_WITH_RESULT: Final = [_OK, _CALLBACK]
_RETRYABLE: Final = [code for code, entry in CATALOGUE.items() if entry.retryable]
_NO_TASK: Final = -(2**63)  # no number of a task: `bodies` refuses it
_TIME: Final = nw.Datetime("us", "UTC")
_TYPES: Final[Mapping[str, tuple[Any, Any]]] = {  # of Narwhals and of pandas
    **dict.fromkeys(("count", "tasks", "task_id", "polls", "callbacks"), (nw.Int64(), "int64")),
    **dict.fromkeys(("exchanges", "attempt"), (nw.Int64(), "int64")),
    **dict.fromkeys(("p50_ms", "p95_ms", "max_ms", "elapsed_ms"), (nw.Float64(), "float64")),
    **dict.fromkeys(("seconds", "queue_s", "offset_s"), (nw.Float64(), "float64")),
    **dict.fromkeys(("share", "cost"), (nw.Float64(), "float64")),
    **dict.fromkeys(("first_seen", "last_seen", "created_at", "started_at"), (_TIME, UTC_TIME)),
    "retryable": (nw.Boolean(), "bool"),
}
_TEXT: Final = nw.String(), STRING  # what else there is

_CATEGORIES: Final = {name for name, (dtype, _) in DESCRIBED.items() if dtype == "category"}

_ERRORS: Final = (
    *("error_code", "count", "share", "first_seen", "last_seen", "tasks"),
    *("meaning", "remedy", "retryable", "example"),
)
_LATENCY: Final = ("method", "task_type", "count", "p50_ms", "p95_ms", "max_ms")
_TASKS: Final = (
    *("task_id", "task_type", "created_at", "state", "polls", "callbacks", "queue_s"),
    *("error_code", "cost", "exchanges", "created_by", "answered_by"),
)
_TIMELINE: Final = (
    *("started_at", "offset_s", "exchange_id", "method", "outcome", "status", "error_code"),
    *("elapsed_ms", "attempt"),
)
_VIOLATIONS: Final = ("exchange_id", "started_at", "method", "field", "rule", "found")


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
    table = lazy.filter(has_code).select(*map(_plain, names)).collect()
    came: dict[str, list[tuple[Any, ...]]] = {}
    for code, *one in zip(*(_values(table[name]) for name in names), strict=True):
        came.setdefault(code, []).append(tuple(one))
    rows = []
    for code, found in sorted(came.items(), key=lambda item: (-len(item[1]), item[0])):
        sources, numbers, times, ids = zip(*found, strict=True)
        tasks = {task for task in zip(sources, numbers, strict=True) if task[1] is not None}
        entry = explain(code)
        rows.append(
            (
                *(code, len(found), len(found) / total, min(times), max(times), len(tasks)),
                *(entry.meaning, entry.remedy, entry.retryable, max(ids)),
            )
        )
    return _table(_by_name(rows, _ERRORS), _ERRORS, table)


def latency(frame: Any) -> nw.DataFrame[Any]:
    """Return how long answers took, by method and task type, and how long results took.

    Only attempts that were answered are counted: a timeout has a limit, not a latency. The last
    rows, with the method `time to result`, are about tasks, see `task_times`. `p50_ms` and
    `p95_ms` are nearest ranks: the smallest value that 50% or 95% of the values do not exceed.
    """
    lazy = _lazy(frame)
    answered = (
        lazy.filter(_plain("outcome").is_in(_ANSWERED) & ~nw.col("elapsed_ms").is_null())
        .select(*map(_plain, ("method", "task_type", "elapsed_ms")))
        .collect()
    )
    times = task_times(lazy).drop_nulls("seconds")
    rows: list[tuple[Any, ...]] = []
    for part, methods, milliseconds in (
        (answered, answered["method"].to_list(), answered["elapsed_ms"].to_numpy()),
        (times, [TIME_TO_RESULT] * len(times), times["seconds"].to_numpy() * 1000),
    ):
        types = [task_type or "" for task_type in _values(part["task_type"])]
        for (method, task_type), found in pd.Series(milliseconds).groupby([methods, types]):
            values = sorted(found.tolist())
            ranks = (values[-(-len(values) * percent // 100) - 1] for percent in (50, 95, 100))
            rows.append((method, task_type or None, len(values), *ranks))
    return _table(_by_name(rows, _LATENCY), _LATENCY, answered)


def task_times(frame: Any) -> nw.DataFrame[Any]:
    """Return one row per created task: how long it was from createTask to the result.

    The rows are by number and time. `seconds` runs from the start of createTask to the end of the
    first answer that was ready, or to the callback; null if there is no result, or if the clock
    was set back in between.
    """
    found = tasks(frame).filter(~nw.col("task_id").is_null())
    order = np.lexsort((-np.arange(len(found)), found["task_id"].to_numpy()))
    ready = nw.when(nw.col("state") == "ready")
    of_results = ready.then("queue_s").alias("seconds"), ready.then("answered_by")
    told = found[order].select("task_id", "task_type", "created_at", *of_results)
    return nw.maybe_reset_index(told)


def tasks(
    frame: Any,
    *,
    now: datetime | None = None,
    cost: Callable[[str, str, str], float | None] | None = None,
) -> nw.DataFrame[Any]:
    """Return one row per createTask, newest first, its polls and callbacks folded in.

    Its columns are those of `ExchangeLog.tasks`.

    Args:
        now: the time that `processing` and `abandoned` are told apart by. Default: now.
        cost: called with the `exchange_id` of a createTask, and of the getBalance before and after
            it, where no other createTask lies between; returns what the task cost, or None.
    """
    asked = (_plain("method") == "getBalance") & (_plain("outcome") == _OK)
    created = _plain("method") == CREATE
    stories = _Stories(_lazy(frame).filter(~nw.col("task_id").is_null() | created | asked))
    columns = stories.told(now or datetime.now(UTC))
    around = dict(stories.balances()) if cost is not None else {}
    columns["cost"] = [
        cost(name, *around[name]) if cost and name in around else None
        for name in columns["created_by"]
    ]
    table = _table(columns, _TASKS, stories.table, missing=["task_id"])
    return nw.maybe_reset_index(table[stories.newest_first()])


def timeline(frame: Any, task_id: int) -> nw.DataFrame[Any]:
    """Return every exchange and callback of the newest task with a number, in order.

    `offset_s` is in seconds from the first of them, and below 0 where the clock was set back.
    """
    stories = _Stories(_lazy(frame).filter(nw.col("task_id") == task_id), orphans=True)
    rows = next(stories.events(stories.newest_first()[:1].tolist()), [])
    columns = {name: [row[name] for row in rows] for name in _TIMELINE}
    return _table(columns, _TIMELINE, stories.table)


def task_events(frame: Any, rows: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the timelines of some rows of `tasks(frame)`, by the rows' `created_by`."""
    chosen = _lazy(rows).select("task_id", "created_by").collect()
    numbers = sorted({number for number in _values(chosen["task_id"]) if number is not None})
    found = set(_values(chosen["created_by"]))
    without = nw.col("task_id").is_null() & (_plain("method") == CREATE)
    stories = _Stories(_lazy(frame).filter(without | nw.col("task_id").is_in(numbers)))
    shown = [n for n, head in enumerate(stories.heads) if stories.ids[head] in found]
    return {rows[0]["exchange_id"]: rows for rows in stories.events(shown)}


def violations(frame: Any) -> nw.DataFrame[Any]:
    """Return every departure of an answer from the documented contract, in order.

    A callback is held to the rules of getTaskResult. The solution of a task is checked if its type
    is known. `field` is empty if it is the answer as a whole.
    """
    lazy = _lazy(frame)
    called = _plain("outcome") == _CALLBACK  # its body was sent to us
    body = nw.when(called).then(_plain("request")).otherwise(_plain("response"))
    names = ("exchange_id", "started_at", "source", "task_id", "task_type", "method")
    answered = _plain("outcome").is_in([*_ANSWERED, _CALLBACK])
    table = lazy.filter(answered).select(*map(_plain, names), body.alias("body")).collect()
    clock = _clock(table)
    table = table[clock.order]
    columns = (_values(table[name]) for name in (*names[2:], "body"))
    types: dict[tuple[Any, Any], str] = {}
    found_in = functools.lru_cache(maxsize=10_000)(departures)  # most answers say the same
    rows: list[int] = []
    broken: list[str] = []  # field, rule, found, and again: few objects for Python to look after
    for row, (source, task_id, task_type, method, text) in enumerate(zip(*columns, strict=True)):
        if task_id is not None:
            if task_type is None:
                task_type = types.get((source, task_id))
            else:
                types[source, task_id] = task_type
        if text is not None:
            for departure in found_in(method, text, task_type):
                rows.append(row)
                broken += departure
    told: dict[str, Any] = {n: _values(table[n][rows]) for n in ("exchange_id", "method")}
    told["started_at"] = clock.start[clock.order][rows]
    told |= {name: broken[n::3] for n, name in enumerate(Departure._fields)}
    return _table(told, _VIOLATIONS, table)


class _Clock(NamedTuple):
    """When exchanges were, each of them a row of a table."""

    start: NDArray[np.int64]  # when it began, in microseconds since 1970
    since: NDArray[np.int64]  # the same, or that of an earlier one of its session, if it is later
    session: NDArray[np.int64]
    order: NDArray[np.int64]  # a clock may be set back, the order of a session's own rows is sure


def _clock(table: nw.DataFrame[Any]) -> _Clock:
    ids = table["exchange_id"].to_list()
    session = _codes([name.rpartition("-")[0] for name in ids])
    number = np.array([number_of(name) for name in ids], "i8")
    start = table["started_at"].dt.timestamp("us").cast(nw.Int64).to_numpy()
    since = start.copy()
    own = np.lexsort((number, session))
    for rows in np.split(own, np.flatnonzero(np.diff(session[own])) + 1):
        since[rows] = np.maximum.accumulate(since[rows])
    return _Clock(start, since, session, np.lexsort((number, session, since)))


class _Stories:
    """Exchanges in order of task and time, cut into what happened to one task after another."""

    def __init__(self, lazy: nw.LazyFrame[Any], *, orphans: bool = False) -> None:
        """Collect what the stories are made of; with `orphans` those without a createTask too."""
        names = "task_id", "task_type", "source", *(n for n in _TIMELINE if n != "offset_s")
        self.table = table = lazy.select(*map(_plain, names)).collect()
        self.ids: list[str] = table["exchange_id"].to_list()
        self._clock = clock = _clock(table)
        self._took = np.nan_to_num(table["elapsed_ms"].cast(nw.Float64).to_numpy()) * 1e3
        self._created = created = _mask(table["method"] == CREATE)
        self._place = place = np.argsort(clock.order)
        task = table["task_id"].fill_null(_NO_TASK).cast(nw.Int64).to_numpy()
        source = _codes(table["source"].to_list())
        rows = np.lexsort((place, task, source))
        others = (np.diff(task[rows], prepend=0) != 0) | (np.diff(source[rows], prepend=-1) != 0)
        begins = created[rows] | (task[rows] == _NO_TASK) | others
        heads = np.flatnonzero(begins)
        kept = created[rows[heads]] | orphans
        story = np.cumsum(begins) - 1
        self._rows = rows[kept[story]]
        self._counts = np.bincount(story, minlength=len(heads))[kept]
        self._first = np.cumsum(self._counts) - self._counts
        self.heads = self._rows[self._first]
        """The row of each story's first exchange."""

    def newest_first(self) -> NDArray[np.int64]:
        """The stories by when they began; those without a createTask are older than all."""
        return np.lexsort((self._place[self.heads], self._created[self.heads]))[::-1]

    def told(self, now: datetime) -> dict[str, Any]:
        """What became of each task: the columns of `tasks`, less its cost."""
        table, rows, first = self.table, self._rows, self._first
        none, at = len(rows), np.arange(len(rows))
        outcome = table["outcome"]
        called = _mask(outcome == _CALLBACK)
        fails = _mask(outcome.is_in(_WITH_CODE)) & ~_mask(table["error_code"].is_in(_RETRYABLE))
        fails &= ~(called & _mask(table["error_code"].is_null()))
        is_result = _mask(outcome.is_in(_WITH_RESULT)) & _mask(table["status"] == "ready")
        is_head = np.isin(at, first)

        def earliest(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
            return np.minimum.reduceat(np.where(mask, at, none), first)

        def count(mask: NDArray[np.bool_]) -> list[int]:
            return list(np.add.reduceat(mask[rows], first, dtype="i8"))

        result = earliest(is_result[rows] & ~is_head)
        # an error ends it, unless it turns out that it goes on
        goes_on = np.where(_mask(outcome == _PROCESSING)[rows], at, -1)
        goes_on = np.repeat(np.maximum.reduceat(goes_on, first), self._counts)
        failure = earliest(fails[rows] & (at > goes_on))
        refused = _mask(outcome == _API_ERROR)[self.heads]
        failure = np.where(refused, np.minimum(failure, first), failure)
        ready = result < none
        failed = ~ready & (failure < none)
        ended = np.where(ready, result, failure)
        expired = self._clock.start[self.heads] < _microseconds(now) - RESULT_LIFETIME * 1_000_000
        unread = ~_mask(outcome == _OK)[self.heads]
        names = ["ready", "failed", "unknown", "abandoned"]
        states = np.select([ready, failed, unread, expired], names, "processing")
        # when its end was there: that of all after the first, if nothing ended it
        end = self._clock.start[rows] + self._took[rows]
        latest = np.maximum.reduceat(np.where(is_head, -np.inf, end), first)
        is_ended = ended < none
        answer = rows[np.where(is_ended, ended, first)]
        last = np.where(is_ended, end[np.where(is_ended, ended, first)], latest)
        seconds = (last - self._clock.start[self.heads]) / 1e6
        seconds[(seconds < 0) | (ended == first)] = np.nan
        return {
            "task_id": _values(table["task_id"][self.heads]),
            "task_type": _values(table["task_type"][self.heads]),
            "created_at": self._clock.start[self.heads],
            "state": states.tolist(),
            "polls": count(_mask(table["method"] == "getTaskResult")),
            "callbacks": count(called),
            "queue_s": [None if value != value else value for value in seconds.tolist()],
            "error_code": _where(failed, _values(table["error_code"][answer])),
            "exchanges": self._counts.tolist(),
            "created_by": [self.ids[row] for row in self.heads],
            "answered_by": _where(is_ended, [self.ids[row] for row in answer]),
        }

    def balances(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield each createTask that is alone between two getBalance of its session, and those."""
        start, session = self._clock.since, self._clock.session
        end = start + self._took  # by the latest that its session's clock has shown
        created = self._clock.order[self._created[self._clock.order]]
        asked = np.flatnonzero(_mask(self.table["method"] == "getBalance"))
        asked = asked[np.lexsort((self._place[asked], session[asked]))]
        before, after = asked[:-1], asked[1:]
        low = np.searchsorted(start[created], start[before])
        alone = np.searchsorted(start[created], end[after]) - low == 1
        reach = np.maximum.accumulate([-np.inf, *end[created]])  # the latest end of all before
        alone &= (session[before] == session[after]) & (reach[low] <= start[before])
        before, after, one = before[alone], after[alone], created[low[alone]]
        answered = ~_mask(self.table["elapsed_ms"].is_null())[one]
        sure = answered & (session[one] == session[before])
        sure &= (end[before] <= start[one]) & (end[one] <= start[after])
        for row, *around in zip(one[sure], before[sure], after[sure], strict=True):
            yield self.ids[row], (self.ids[around[0]], self.ids[around[1]])

    def events(self, stories: Sequence[int]) -> Iterator[list[dict[str, Any]]]:
        """Yield the exchanges of each of some stories as rows of `timeline`."""
        parts = [self._rows[self._first[n] : self._first[n] + self._counts[n]] for n in stories]
        rows = np.concatenate([np.empty(0, "i8"), *parts]).astype("i8")
        names = [name for name in _TIMELINE if name != "offset_s"]
        found = zip(*(_values(self.table[name][rows]) for name in names), strict=True)
        for part in parts:
            offsets = (self._clock.start[part] - self._clock.start[part[0]]) / 1e6
            yield [
                dict(zip(names, next(found), strict=True), offset_s=offset)
                for offset in offsets.tolist()
            ]


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    native: nw.DataFrame[Any] | nw.LazyFrame[Any] = nw.from_native(frame)
    lazy = native.lazy()
    if "source" in lazy.collect_schema():  # it tells apart tasks of the same number
        return lazy
    return lazy.with_columns(nw.lit("").alias("source"))


def _codes(texts: Sequence[Any]) -> NDArray[np.int64]:
    """A number for each text, in the order of the alphabet; the least for none."""
    return np.asarray(pd.factorize(np.array(texts, object), sort=True)[0], "i8")


def _plain(name: str) -> nw.Expr:
    """A column; as text if it may be categorical."""
    column = nw.col(name)
    return column.cast(nw.String) if name in _CATEGORIES else column


def _mask(series: nw.Series[Any]) -> NDArray[np.bool_]:
    return series.fill_null(False).to_numpy().astype(bool)


def _where(mask: NDArray[np.bool_], values: Sequence[Any]) -> list[Any]:
    return [value if there else None for there, value in zip(mask, values, strict=True)]


def _values(series: nw.Series[Any]) -> list[Any]:
    """The values of a column; None where there is none, whatever the engine says there."""
    return [
        None if value is None or value is pd.NA or value is pd.NaT or value != value else value
        for value in series.to_list()
    ]


def _by_name(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _table(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    names: Sequence[str],
    like: nw.DataFrame[Any],
    missing: Collection[str] = (),
) -> nw.DataFrame[Any]:
    """Return columns as a frame of the same engine; `missing` may be whole numbers or None."""
    types = {name: _TYPES.get(name, _TEXT) for name in names}
    if not like.implementation.is_pandas():
        data = {name: _of_python(columns[name]) for name in names}
        schema = nw.Schema({name: own for name, (own, _) in types.items()})
        return nw.from_dict(data, schema, backend=like.implementation)
    # by hand, for the same dtypes in any pandas
    dtypes = {name: "Int64" if name in missing else dtype for name, (_, dtype) in types.items()}
    made = {name: pd.Series(columns[name], dtype=dtypes[name]) for name in names}
    return nw.from_native(pd.DataFrame(made), eager_only=True)


def _of_python(values: Sequence[Any] | NDArray[Any]) -> list[Any]:
    if isinstance(values, np.ndarray):
        return [value.replace(tzinfo=UTC) for value in values.view("M8[us]").tolist()]
    return list(values)
