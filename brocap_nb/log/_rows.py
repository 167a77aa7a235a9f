"""Rows of exchanges as typed columns that grow; a row knows where in the journal its bodies are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brocap_nb import _html
from brocap_nb.api._exchange import MOST_MS, Exchange, Outcome

DESCRIBED: Final[Mapping[str, tuple[str, str]]] = {
    "exchange_id": ("string", "`<session>-<number>`; `log[exchange_id]` shows all of it"),
    "started_at": ("datetime, UTC", "when the request was begun"),
    "session": ("category", "which log session recorded it: one per kernel and log"),
    "method": ("category", "`createTask`, `getTaskResult`, `getBalance`"),
    "task_type": ("category", "the task's `type`"),
    "task_id": ("Int64", "the service's number of the task"),
    "attempt": ("int32", "2 if it repeats a request that broke, and so on"),
    "outcome": ("category", "see below"),
    "http_status": ("Int64", "HTTP status of the answer"),
    "error_id": ("Int64", "`errorId` of the answer"),
    "error_code": ("category", "`errorCode`, as it came"),
    "error_description": ("category", "`errorDescription`, as it came"),
    "status": ("category", "`processing` or `ready`"),
    "elapsed_ms": ("float64", "from the first byte sent to the last received, in milliseconds"),
    "request_bytes": ("int64", "length of the request's body"),
    "response_bytes": ("Int64", "length of the answer's body"),
    "request": ("string", "the request's body; pictures and the key are short labels"),
    "response": ("string", "the answer's body as it came, less secrets"),
}
"""Column to its dtype, in words, and what it is."""

COLUMNS: Final = tuple(DESCRIBED)  # of `log.frame()`, in order
NOWHERE: Final = -(2**63)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST, _LAST = np.array(["0001-01-02", "9999-12-30"], "M8[us]").view("i8")
_OUTCOMES: Final = {outcome: code for code, outcome in enumerate(Outcome)}
_OUTCOME_LIST: Final = list(Outcome)
CODED: Final = ("method", "task_type", "error_code", "error_description", "status")
_INTEGERS: Final = ("task_id", "http_status", "error_id", "response_bytes")

DTYPES: Final[Mapping[str, str]] = {
    "number": "i4",
    "request_at": "i8",
    "response_at": "i8",
    "started_at": "i8",
    **dict.fromkeys(CODED, "i4"),
    "attempt": "i4",
    "outcome": "i1",
    **dict.fromkeys(_INTEGERS, "i8"),
    "elapsed_ms": "f8",
    "request_bytes": "i8",
}
"""The columns that are kept; an absent integer is `NOWHERE`."""

STRING: Final = pd.StringDtype("python")
"""What `pd.array` makes of texts in any pandas, with pyarrow or without; None becomes pd.NA."""
UTC_TIME: Final = pd.DatetimeTZDtype("us", "UTC")
_numbering: Final = threading.Lock()


class Words(dict[str | None, int]):
    """The distinct texts of one column, numbered in the order in which they came; None is -1."""

    def __init__(self) -> None:
        super().__init__({None: -1})
        self.texts: list[str] = []

    def __missing__(self, text: object) -> int:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
        with _numbering:  # a reader of other sessions and a writer of our own share the words
            if text not in self:
                self.texts.append(_html.printable(text, "utf-8"))
            return self.setdefault(text, len(self.texts) - 1)


def number_of(exchange_id: object) -> int:
    """The number in an exchange's id; -1 if there is none."""
    digits = str(exchange_id).rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -1


class Columns:
    """The rows of one session, in the order of their numbers, but for those of a foreign file."""

    def __init__(self, session: str, words: Mapping[str, Words], source: str | None = None) -> None:
        self.session, self.source, self._words = session, source, words
        self._size = self._named = 0
        self._places: dict[int, int] = {}  # of numbers, if the rows are in another order
        dtypes = {**DTYPES, "exchange_id": "O"}
        self._arrays: dict[str, NDArray[Any]] = {n: np.empty(64, t) for n, t in dtypes.items()}

    @staticmethod
    def new_words() -> dict[str, Words]:
        """Return the dictionaries that the columns of one log share."""
        return {name: Words() for name in CODED}

    def __len__(self) -> int:
        return self._size

    def begin(self, exchange: Exchange, number: int, request_at: int) -> int:
        row = self._size
        self._reserve(row + 1)
        self._arrays["number"][row] = number
        self._arrays["request_at"][row] = request_at
        self.finish(row, exchange, NOWHERE)
        self._size += 1
        if self._places:
            self._places[number] = row
        elif row and number < self._arrays["number"][row - 1]:
            self._places = {n: place for place, n in enumerate(self.array("number").tolist())}
        return row

    def finish(self, row: int, exchange: Exchange, response_at: int) -> None:
        arrays = self._arrays
        for name in CODED:
            arrays[name][row] = self._words[name][getattr(exchange, name)]
        for name in _INTEGERS:
            value = getattr(exchange, name)
            arrays[name][row] = NOWHERE if value is None else value
        arrays["started_at"][row] = (exchange.started_at - _EPOCH) // _MICROSECOND
        arrays["attempt"][row] = exchange.attempt
        arrays["outcome"][row] = _OUTCOMES[exchange.outcome]
        arrays["elapsed_ms"][row] = exchange.elapsed_ms  # None is nan
        arrays["request_bytes"][row] = exchange.request_bytes
        arrays["response_at"][row] = response_at

    def extend(self, read: Mapping[str, Any]) -> None:
        """Add rows that were read, as a list for each column; none if one is wrong."""
        made = {}
        for name, dtype in DTYPES.items():
            values = read[name]
            if name in CODED:
                values = [*map(self._words[name].__getitem__, values)]
            elif name == "outcome":
                values = [_OUTCOMES[outcome] for outcome in values]
            made[name] = np.array(values, dtype)
        started, elapsed = made["started_at"], made["elapsed_ms"]  # nan: there is no answer
        wrong = (started < _FIRST) | (started > _LAST) | (abs(elapsed) >= MOST_MS)
        if wrong.any() or (np.diff(made["number"], prepend=self.array("number")[-1:]) <= 0).any():
            raise ValueError("a time that no clock shows, or rows that are not in order")
        start, stop = self._size, self._size + len(read["number"])
        self._reserve(stop)
        for name, array in made.items():
            self._arrays[name][start:stop] = array
        self._size = stop

    def lists(self, rows: slice | NDArray[np.intp]) -> dict[str, list[Any]]:
        """Return rows as `extend` takes them."""
        made = {name: self._arrays[name][rows].tolist() for name in DTYPES}
        for name in CODED:
            texts = self._words[name].texts
            made[name] = [None if code < 0 else texts[code] for code in made[name]]
        made["outcome"] = [_OUTCOME_LIST[code] for code in made["outcome"]]
        made["elapsed_ms"] = [None if isnan(one) else one for one in made["elapsed_ms"]]
        return made

    def array(self, name: str) -> NDArray[Any]:
        """Return the used part of one column (a view)."""
        return self._arrays[name][: self._size]

    def ids(self) -> NDArray[np.object_]:
        fresh, ids = self.array("number")[self._named :].tolist(), self.array("exchange_id")
        ids[self._named :] = [f"{self.session}-{n}" for n in fresh]  # made when first asked for
        self._named = self._size
        return ids

    def order(self) -> NDArray[np.int64]:
        """When rows began, but none before an earlier one: the clock may have been set back."""
        return np.maximum.accumulate(self.array("started_at"))

    def row_of(self, number: int) -> int | None:
        if self._places:
            return self._places.get(number)
        numbers = self.array("number")
        if 0 < number <= self._size and numbers[number - 1] == number:
            return number - 1  # as in any file of our own
        if not self._size or not 0 <= number <= numbers[-1]:
            return None
        row = int(np.searchsorted(numbers, np.int32(number)))
        return row if numbers[row] == number else None

    def code_of(self, name: str, value: Any) -> int:
        """Return the number that stands for a value in a column; -2 if none does."""
        known: Any = _OUTCOMES if name == "outcome" else self._words.get(name, {value: value})
        return int(known.get(value, -2))

    def exchange(self, row: int) -> Exchange:
        """Return a row as an exchange without bodies."""
        rows = self.lists(slice(row, row + 1))
        found: dict[str, Any] = {n: None if one == NOWHERE else one for n, (one,) in rows.items()}
        return Exchange(
            exchange_id=f"{self.session}-{found['number']}",
            started_at=_EPOCH + found["started_at"] * _MICROSECOND,
            session=self.session,
            **{name: found[name] for name in (*CODED, *_INTEGERS, *_PLAIN, "outcome")},
        )

    def _reserve(self, rows: int) -> None:
        """Make room for that many rows: an eighth more each time, since rows cost memory."""
        room = len(self._arrays["exchange_id"])  # the last: Ctrl+C may come in between
        if rows > room:
            room = max(rows, room + room // 8 + 64)
            for name, array in self._arrays.items():
                self._arrays[name] = np.empty(room, array.dtype)
                self._arrays[name][: len(array)] = array


def in_order(tables: list[Columns], rows: list[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return the table and the row of these rows of each table, in the order of all."""
    pairs = [np.column_stack((np.full(len(some), n), some)) for n, some in enumerate(rows)]
    orders = [table.order()[some] for table, some in zip(tables, rows, strict=True)]
    order = np.argsort(np.concatenate([np.empty(0, "i8"), *orders]), kind="stable")
    return np.concatenate([np.empty((0, 2), np.intp), *pairs])[order]


def newest(tables: list[Columns], count: int | None = None) -> NDArray[np.intp]:
    """Return the table and the row of all rows in their order, or of the last `count`."""
    last = slice(None if count is None else -count, None)
    return in_order(tables, [np.arange(len(table))[last] for table in tables])[last]


def frame_of(
    tables: list[Columns],
    words: Mapping[str, Words],
    bodies: list[list[list[str | None]]] | None,
    *,
    sourced: bool = False,
) -> pd.DataFrame:
    """Return the rows of all sessions as a frame, in their order; `bodies` are their texts."""

    def of(name: str) -> list[NDArray[Any]]:
        return [table.array(name) for table in tables]

    tables = tables or [Columns("", words)]
    sizes = [len(table) for table in tables]
    started_at = np.concatenate(of("started_at")).view("M8[us]")  # never a view of the log's
    data: dict[str, Any] = {
        "exchange_id": _texts(np.concatenate([table.ids() for table in tables])),
        "started_at": pd.array(started_at, dtype=UTC_TIME, copy=False),
        "session": _repeated([table.session for table in tables], sizes),
        "outcome": _occurring(of("outcome"), [str(outcome) for outcome in Outcome]),
        **{name: _occurring(of(name), words[name].texts) for name in CODED},
        **{name: _integers(np.concatenate(of(name))) for name in _INTEGERS},
        **{name: np.concatenate(of(name)) for name in _PLAIN},
    }
    if bodies is not None:
        for n, name in enumerate(("request", "response")):
            data[name] = _texts([text for texts in bodies for text in texts[n]])
    frame = pd.DataFrame({name: data[name] for name in COLUMNS if name in data}, copy=False)
    if sourced:
        sources = _repeated([table.source or "" for table in tables], sizes)
        frame.insert(COLUMNS.index("session") + 1, "source", sources)
    if len(tables) < 2:
        return frame
    order = np.argsort(np.concatenate([table.order() for table in tables]), kind="stable")
    return frame.iloc[order].reset_index(drop=True)


_CHUNK: Final = 50_000
_PLAIN: Final = ("attempt", "elapsed_ms", "request_bytes")


def _texts(texts: Any) -> Any:
    return pd.array(texts, dtype=STRING, copy=False)


def _integers(numbers: NDArray[np.int64]) -> Any:
    absent = numbers == NOWHERE
    numbers[absent] = 1
    return pd.arrays.IntegerArray(numbers, absent)


def _repeated(texts: list[str], sizes: list[int]) -> Any:
    return _occurring([np.full(size, n, "i4") for n, size in enumerate(sizes)], texts)


def _occurring(parts: list[NDArray[Any]], values: list[str]) -> pd.Categorical:
    """Return the texts of the numbers; -1 is none. Its categories are what occurs, sorted."""
    counts = np.zeros(len(values) + 1, "i8")
    for numbers in parts:
        for start in range(0, len(numbers), _CHUNK):
            if counts[1:].all():  # most often after the first
                break
            counts += np.bincount(numbers[start : start + _CHUNK] + 1, minlength=len(counts))
    words = sorted({value for value, count in zip(values, counts[1:], strict=True) if count})
    places = {word: place for place, word in enumerate(words)}
    codes = [*(places.get(value, -1) for value in values), -1]  # -1 is the last
    small = np.array(codes, np.min_scalar_type(-len(words) - 1))
    dtype = pd.CategoricalDtype(pd.Index(words, dtype=STRING))
    merged = np.concatenate([np.take(small, numbers) for numbers in parts])
    return pd.Categorical.from_codes(merged, dtype=dtype, validate=False)
