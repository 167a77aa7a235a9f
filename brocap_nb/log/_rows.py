"""Rows of exchanges as typed columns that grow: what a log keeps in the kernel.

A row costs about 100 bytes whatever its bodies weigh: they stay in the journal, and the row
knows where.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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

COLUMNS: Final = tuple(DESCRIBED)
"""The columns of `log.frame()`, in order."""

NOWHERE: Final = -(2**63)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_OUTCOMES: Final = {outcome: code for code, outcome in enumerate(Outcome)}
_OUTCOME_LIST: Final = list(Outcome)
_CODED: Final = ("method", "task_type", "error_code", "error_description", "status")
_INTEGERS: Final = ("task_id", "http_status", "error_id", "response_bytes")

# A number that may be absent has a column of its own that says so: a frame needs both anyway.
DTYPES: Final[Mapping[str, str]] = {
    "number": "i4",
    "started_at": "i8",
    **dict.fromkeys(_CODED, "i4"),
    "attempt": "i4",
    "outcome": "i1",
    **dict.fromkeys(_INTEGERS, "i8"),
    **{f"no_{name}": "?" for name in _INTEGERS},
    "elapsed_ms": "f8",
    "request_bytes": "i8",
    "request_at": "i8",
    "response_at": "i8",
}

READ: Final = (
    *("started_at", *_CODED, "attempt", "outcome", *_INTEGERS),
    *("elapsed_ms", "request_bytes"),
)
"""The fields of a line that are columns."""
_ROW: Final = ("number", "request_at", "response_at", *READ)

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
    """The number in an exchange's id; 0, which no exchange has, if there is none."""
    digits = str(exchange_id).rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0


class Columns:
    """The rows of one session. Rows are in the order of their numbers."""

    def __init__(self, session: str, words: Mapping[str, Words], source: str | None = None) -> None:
        self.session = session
        self.source = source
        self._words = words
        self._size = 0
        self._arrays: dict[str, NDArray[Any]] = {n: np.empty(64, t) for n, t in DTYPES.items()}
        self._ids: NDArray[np.object_] = np.empty(64, dtype=object)
        self._named = 0

    @staticmethod
    def new_words() -> dict[str, Words]:
        """Return the dictionaries that the columns of one log share."""
        return {name: Words() for name in _CODED}

    def __len__(self) -> int:
        return self._size

    def begin(self, exchange: Exchange, number: int, request_at: int) -> int:
        """Add the row of a request and return its index."""
        row = self._size
        self._reserve(row + 1)
        arrays = self._arrays
        arrays["number"][row] = number
        arrays["started_at"][row] = (exchange.started_at - _EPOCH) // _MICROSECOND
        arrays["method"][row] = self._words["method"][exchange.method]
        arrays["task_type"][row] = self._words["task_type"][exchange.task_type]
        arrays["attempt"][row] = exchange.attempt
        arrays["request_bytes"][row] = exchange.request_bytes
        arrays["request_at"][row] = request_at
        self.finish(row, exchange, NOWHERE)
        self._size += 1
        return row

    def finish(self, row: int, exchange: Exchange, response_at: int) -> None:
        """Fill in what came back."""
        arrays, words = self._arrays, self._words
        for name in _INTEGERS:
            value = getattr(exchange, name)
            arrays[f"no_{name}"][row] = value is None
            arrays[name][row] = 1 if value is None else value
        arrays["outcome"][row] = _OUTCOMES[exchange.outcome]
        arrays["error_code"][row] = words["error_code"][exchange.error_code]
        arrays["error_description"][row] = words["error_description"][exchange.error_description]
        arrays["status"][row] = words["status"][exchange.status]
        arrays["elapsed_ms"][row] = np.nan if exchange.elapsed_ms is None else exchange.elapsed_ms
        arrays["response_at"][row] = response_at

    def extend(self, rows: list[tuple[Any, ...]]) -> None:
        """Add rows that were read (number, places, fields of `READ`), or none if one is wrong."""
        read = dict(zip(_ROW, zip(*rows, strict=True), strict=True))
        made: dict[str, Any] = {name: read[name] for name in _ROW[:3]}
        made |= {name: read[name] for name in ("attempt", "elapsed_ms", "request_bytes")}
        made["started_at"] = _microseconds(read["started_at"])
        made["outcome"] = [_OUTCOMES[outcome] for outcome in read["outcome"]]
        for name in _CODED:
            made[name] = [*map(self._words[name].__getitem__, read[name])]
        for name in _INTEGERS:
            made[name] = [1 if value is None else value for value in read[name]]
            made[f"no_{name}"] = [value is None for value in read[name]]
        arrays = {name: np.array(made[name], dtype) for name, dtype in DTYPES.items()}
        if not is_plausible(arrays["started_at"], arrays["elapsed_ms"]):
            raise ValueError("a time that no clock shows")
        start, stop = self._size, self._size + len(rows)
        self._reserve(stop)
        for name, array in arrays.items():
            self._arrays[name][start:stop] = array
        self._size = stop

    def extend_sealed(self, records: NDArray[Any], words: Mapping[str, list[str]]) -> None:
        """Add rows that `records` gave, whose texts are numbered as in `words`."""
        start, stop = self._size, self._size + len(records)
        self._reserve(stop)
        for name in DTYPES:
            self._arrays[name][start:stop] = records[name]
        for name in _CODED:
            ours = np.array([self._words[name][text] for text in (*words[name], None)], "i4")
            self._arrays[name][start:stop] = ours[records[name]]  # -1 is the last: None
        self._size = stop

    def records(self, start: int, stop: int) -> NDArray[Any]:
        """Return rows as one array of records, for a file."""
        made = np.empty(stop - start, dtype=list(DTYPES.items()))
        for name in DTYPES:
            made[name] = self._arrays[name][start:stop]
        return made

    def array(self, name: str) -> NDArray[Any]:
        """Return the used part of one column (a view)."""
        return self._arrays[name][: self._size]

    def ids(self) -> NDArray[np.object_]:
        """Return the exchange ids (a view)."""
        fresh = self.array("number")[self._named :].tolist()  # made when first asked for
        self._ids[self._named : self._size] = [f"{self.session}-{number}" for number in fresh]
        self._named = self._size
        return self._ids[: self._size]

    def order(self) -> NDArray[np.int64]:
        """Return what to sort the rows of several sessions by (stably): when each was begun.

        A row is never before an earlier one of its session, though its clock was set back.
        """
        return np.maximum.accumulate(self.array("started_at"))

    def row_of(self, number: int) -> int | None:
        """Return the row of an exchange's number, or None."""
        numbers = self.array("number")
        row = number - 1  # so it is unless the file was damaged
        if not (0 <= row < self._size and numbers[row] == number):
            if not 0 < number < 2**31:
                return None
            row = int(np.searchsorted(numbers, np.int32(number)))
        return row if row < self._size and numbers[row] == number else None

    def code_of(self, name: str, word: str) -> int:
        """Return the number that stands for `word` in a column of texts; -2 if none does."""
        return self._words[name].get(word, -2)

    def places(self, row: int) -> list[int]:
        """Return where the request's line and, if there is one, the answer's line are."""
        both = [int(self._arrays[name][row]) for name in ("request_at", "response_at")]
        return both if both[1] != NOWHERE else both[:1]

    def exchange(self, row: int) -> Exchange:
        """Return a row as an exchange without bodies."""
        arrays, words = self._arrays, self._words
        integers = {n: None if arrays[f"no_{n}"][row] else int(arrays[n][row]) for n in _INTEGERS}
        codes = {name: int(arrays[name][row]) for name in _CODED}
        coded = {name: words[name].texts[n] if n >= 0 else None for name, n in codes.items()}
        elapsed = float(arrays["elapsed_ms"][row])
        return Exchange(
            exchange_id=f"{self.session}-{arrays['number'][row]}",
            started_at=_EPOCH + int(arrays["started_at"][row]) * _MICROSECOND,
            session=self.session,
            attempt=int(arrays["attempt"][row]),
            outcome=_OUTCOME_LIST[arrays["outcome"][row]],
            elapsed_ms=None if np.isnan(elapsed) else elapsed,
            request_bytes=int(arrays["request_bytes"][row]),
            **coded,  # type: ignore[arg-type]
            **integers,  # type: ignore[arg-type]
        )

    def _reserve(self, rows: int) -> None:
        """Make room for that many rows: an eighth more each time, since rows cost memory."""
        room = len(self._ids)
        if rows > room:
            room = max(rows, room + room // 8 + 64)
            self._arrays = {name: _longer(array, room) for name, array in self._arrays.items()}
            self._ids = _longer(self._ids, room)


def is_plausible(started_at: NDArray[Any], elapsed_ms: NDArray[Any]) -> bool:
    """Whether times that were read are of the years 1 to 9999 and last less than a lifetime."""
    dated = (started_at >= _FIRST) & (started_at <= _LAST)
    return bool((dated & ~(np.abs(elapsed_ms) >= MOST_MS)).all())  # one may be absent: nan


def _microseconds(texts: tuple[str, ...]) -> Any:
    """Return times of lines as numbers; those that this package wrote all at once."""
    if all(text[26:] == "+00:00" for text in texts):
        return np.array([text[:26] for text in texts], "M8[us]").view("i8")
    return [
        (datetime.fromisoformat(text).astimezone(UTC) - _EPOCH) // _MICROSECOND for text in texts
    ]


def _longer(array: NDArray[Any], room: int) -> NDArray[Any]:
    longer = np.empty(room, array.dtype)
    longer[: len(array)] = array
    return longer


def in_order(tables: list[Columns], newest: int | None = None) -> NDArray[np.intp]:
    """Return the table and the row of all rows in their order, or of the `newest` ones at least."""
    pairs, orders = [_NO_ROWS], []
    for number, table in enumerate(tables):
        first = 0 if newest is None else max(0, len(table) - newest)
        rows = np.arange(first, len(table))
        pairs.append(np.column_stack((np.full(len(rows), number), rows)))
        orders.append(table.order()[first:])
    return np.concatenate(pairs)[_sorted(orders)]


def _sorted(orders: list[NDArray[np.int64]]) -> NDArray[np.intp]:
    return np.argsort(_joined(orders, "i8"), kind="stable")


def frame_of(
    tables: list[Columns],
    words: Mapping[str, Words],
    bodies: list[list[list[str | None]]] | None,
    *,
    sourced: bool = False,
) -> pd.DataFrame:
    """Return the rows of all sessions as a frame, in their order; `bodies` are their texts."""
    merged = {
        name: _joined([table.array(name) for table in tables], DTYPES[name]) for name in _PLAIN
    }
    coded = {name: [table.array(name) for table in tables] for name in ("outcome", *_CODED)}
    sessions = [table.session for table in tables]
    sources = [table.source or "" for table in tables]
    sizes = [len(table) for table in tables]
    data: dict[str, Any] = {
        "exchange_id": _texts(_joined([table.ids() for table in tables], "O")),
        "started_at": pd.array(merged["started_at"].view("M8[us]"), dtype=UTC_TIME, copy=False),
        "session": _repeated(sessions, sizes),
        **({"source": _repeated(sources, sizes)} if sourced else {}),
        "attempt": merged["attempt"],
        "outcome": _occurring(coded["outcome"], [str(outcome) for outcome in Outcome]),
        "elapsed_ms": merged["elapsed_ms"],
        "request_bytes": merged["request_bytes"],
        **{name: _occurring(coded[name], words[name].texts) for name in _CODED},
        **{n: pd.arrays.IntegerArray(merged[n], merged[f"no_{n}"]) for n in _INTEGERS},
    }
    if bodies is not None:
        for n, name in enumerate(("request", "response")):
            data[name] = _texts([text for texts in bodies for text in texts[n]])
    frame = pd.DataFrame({name: data[name] for name in _ORDER if name in data}, copy=False)
    if len(tables) < 2:
        return frame
    return frame.iloc[_sorted([table.order() for table in tables])].reset_index(drop=True)


_AFTER_SESSION: Final = COLUMNS.index("session") + 1
_ORDER: Final = (*COLUMNS[:_AFTER_SESSION], "source", *COLUMNS[_AFTER_SESSION:])
_CHUNK: Final = 50_000
_NO_ROWS: Final = np.empty((0, 2), np.intp)
_PLAIN: Final = (
    *("started_at", "attempt", "elapsed_ms", "request_bytes", *_INTEGERS),
    *(f"no_{name}" for name in _INTEGERS),
)


def _joined(arrays: list[NDArray[Any]], dtype: str) -> NDArray[Any]:
    """Return one array of its own, never a view of the log's."""
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)


def _texts(texts: Any) -> Any:
    return pd.array(texts, dtype=STRING, copy=False)


def _repeated(texts: list[str], sizes: list[int]) -> pd.Categorical:
    """Return each text so many times."""
    words = sorted(set(texts))
    places = {word: place for place, word in enumerate(words)}
    return _categorical(np.repeat(_codes([places[text] for text in texts], words), sizes), words)


def _occurring(parts: list[NDArray[Any]], values: list[str]) -> pd.Categorical:
    """Return the texts of the numbers; -1 is none. Its categories are what occurs, sorted."""
    counts = np.zeros(len(values) + 1, "i8")
    for numbers in parts:
        for start in range(0, len(numbers), _CHUNK):
            if counts[1:].all():  # most often after the first
                break
            counts += np.bincount(numbers[start : start + _CHUNK] + 1, minlength=len(counts))
    words = sorted(value for value, count in zip(values, counts[1:], strict=True) if count)
    places = {word: place for place, word in enumerate(words)}
    codes = _codes([*(places.get(value, -1) for value in values), -1], words)  # -1 is the last
    return _categorical(_joined([np.take(codes, numbers) for numbers in parts], "i1"), words)


def _codes(codes: list[int], words: list[str]) -> NDArray[Any]:
    return np.array(codes, np.min_scalar_type(-len(words) - 1))


def _categorical(codes: NDArray[Any], words: list[str]) -> pd.Categorical:
    dtype = pd.CategoricalDtype(pd.Index(words, dtype=STRING))
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
