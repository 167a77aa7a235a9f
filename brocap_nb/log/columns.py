"""Rows of exchanges as typed columns that grow: what a log keeps in the kernel.

A row costs about 100 bytes whatever its bodies weigh: they stay in the journal, and the row
knows where.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brocap_nb.exchange import Exchange, Outcome

__all__ = ["COLUMNS", "Columns", "Words", "frame_of"]

COLUMNS: Final = (
    "exchange_id",
    "started_at",
    "session",
    "method",
    "task_type",
    "task_id",
    "attempt",
    "outcome",
    "http_status",
    "error_id",
    "error_code",
    "error_description",
    "status",
    "elapsed_ms",
    "request_bytes",
    "response_bytes",
    "request",
    "response",
)
"""The columns of `log.frame()`, in order."""

ABSENT: Final = -(2**63)
NOWHERE: Final = ABSENT
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_OUTCOMES: Final = {outcome: code for code, outcome in enumerate(Outcome)}
_CODED: Final = ("method", "task_type", "error_code", "error_description", "status")
_INTEGERS: Final = ("task_id", "http_status", "error_id", "response_bytes")

_DTYPES: Final[Mapping[str, Any]] = {
    "number": np.int64,
    "started_at": np.int64,
    **dict.fromkeys(_CODED, np.int32),
    "attempt": np.int32,
    "outcome": np.int8,
    **dict.fromkeys(_INTEGERS, np.int64),
    "elapsed_ms": np.float64,
    "request_bytes": np.int64,
    "request_at": np.int64,
    "response_at": np.int64,
}

STRING: Final = pd.StringDtype("python")


class Words:
    """The distinct texts of one column, numbered in the order in which they came."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._codes: dict[str | None, int] = {None: -1}

    def code(self, text: str | None) -> int:
        """Return the number of `text`; -1 for None."""
        code = self._codes.get(text)
        if code is None:
            assert text is not None
            code = self._codes[text] = len(self.values)
            self.values.append(text)
        return code

    def word(self, code: int) -> str | None:
        """Return the text of a number."""
        return None if code < 0 else self.values[code]


class Columns:
    """The rows of one session. Rows are in the order of their numbers."""

    def __init__(self, session: str, words: Mapping[str, Words]) -> None:
        self.session = session
        self._words = words
        self._size = 0
        self._arrays: dict[str, NDArray[Any]] = {n: np.empty(64, t) for n, t in _DTYPES.items()}

    @staticmethod
    def new_words() -> dict[str, Words]:
        """Return the dictionaries that the columns of one log share."""
        return {name: Words() for name in _CODED}

    def __len__(self) -> int:
        return self._size

    def begin(self, exchange: Exchange, number: int, request_at: int) -> int:
        """Add the row of a request and return its index."""
        row = self._size
        if row == len(self._arrays["number"]):
            self._arrays = {n: np.resize(a, 2 * len(a)) for n, a in self._arrays.items()}
        arrays = self._arrays
        arrays["number"][row] = number
        arrays["started_at"][row] = (exchange.started_at - _EPOCH) // _MICROSECOND
        arrays["method"][row] = self._words["method"].code(exchange.method)
        arrays["task_type"][row] = self._words["task_type"].code(exchange.task_type)
        arrays["attempt"][row] = exchange.attempt
        arrays["request_bytes"][row] = exchange.request_bytes
        arrays["request_at"][row] = request_at
        self._size += 1
        self.finish(row, exchange, NOWHERE)
        return row

    def finish(self, row: int, exchange: Exchange, response_at: int) -> None:
        """Fill in what came back."""
        arrays, words = self._arrays, self._words
        for name in _INTEGERS:
            value = getattr(exchange, name)
            arrays[name][row] = ABSENT if value is None else value
        arrays["outcome"][row] = _OUTCOMES[exchange.outcome]
        arrays["error_code"][row] = words["error_code"].code(exchange.error_code)
        arrays["error_description"][row] = words["error_description"].code(
            exchange.error_description
        )
        arrays["status"][row] = words["status"].code(exchange.status)
        arrays["elapsed_ms"][row] = np.nan if exchange.elapsed_ms is None else exchange.elapsed_ms
        arrays["response_at"][row] = response_at

    def array(self, name: str) -> NDArray[Any]:
        """Return the used part of one column (a view)."""
        return self._arrays[name][: self._size]

    def row_of(self, number: int) -> int | None:
        """Return the row of an exchange's number, or None."""
        row = int(np.searchsorted(self.array("number"), number))
        return row if row < self._size and self._arrays["number"][row] == number else None

    def places(self, row: int) -> tuple[int, int | None]:
        """Return where the request's line and, if there is one, the response's line are."""
        response_at = int(self._arrays["response_at"][row])
        return int(self._arrays["request_at"][row]), None if response_at == NOWHERE else response_at

    def exchange(self, row: int) -> Exchange:
        """Return a row as an exchange without bodies."""
        arrays, words = self._arrays, self._words
        integers = {n: int(v) if (v := arrays[n][row]) != ABSENT else None for n in _INTEGERS}
        coded = {name: words[name].word(int(arrays[name][row])) for name in _CODED}
        elapsed = float(arrays["elapsed_ms"][row])
        return Exchange(
            exchange_id=f"{self.session}-{arrays['number'][row]}",
            started_at=_EPOCH + int(arrays["started_at"][row]) * _MICROSECOND,
            session=self.session,
            attempt=int(arrays["attempt"][row]),
            outcome=list(Outcome)[arrays["outcome"][row]],
            elapsed_ms=None if np.isnan(elapsed) else elapsed,
            request_bytes=int(arrays["request_bytes"][row]),
            **coded,  # type: ignore[arg-type]
            **integers,  # type: ignore[arg-type]
        )


def frame_of(
    tables: list[Columns],
    words: Mapping[str, Words],
    bodies: tuple[list[str | None], list[str | None]] | None,
) -> pd.DataFrame:
    """Return the rows of all sessions as a frame, ordered by start.

    `bodies` are the texts of `request` and `response`, table after table.
    """
    sessions = [table.session for table in tables]
    merged = {
        name: np.concatenate([t.array(name) for t in tables]) if tables else np.empty(0, dtype)
        for name, dtype in _DTYPES.items()
    }
    ids = np.empty(len(merged["number"]), dtype=object)
    ids[:] = [f"{t.session}-{n}" for t in tables for n in t.array("number").tolist()]
    which = np.repeat(np.arange(len(tables), dtype=np.int32), [len(t) for t in tables])
    data: dict[str, Any] = {
        "exchange_id": pd.array(ids, dtype=STRING),
        "started_at": pd.DatetimeIndex(merged["started_at"].view("datetime64[us]")).tz_localize(
            "UTC"
        ),
        "session": _categorical(which, sessions),
        "attempt": merged["attempt"],
        "outcome": _categorical(merged["outcome"], [str(outcome) for outcome in Outcome]),
        "elapsed_ms": merged["elapsed_ms"],
        "request_bytes": merged["request_bytes"],
        **{name: _categorical(merged[name], words[name].values) for name in _CODED},
        **{name: _integers(merged[name]) for name in _INTEGERS},
    }
    if bodies is not None:
        data["request"] = pd.array(_objects(bodies[0]), dtype=STRING)
        data["response"] = pd.array(_objects(bodies[1]), dtype=STRING)
    frame = pd.DataFrame({name: data[name] for name in COLUMNS if name in data}, copy=False)
    if len(tables) < 2:
        return frame
    order = np.argsort(merged["started_at"], kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _categorical(codes: NDArray[Any], values: list[str]) -> pd.Categorical:
    categories = pd.Index(values, dtype=STRING)
    return pd.Categorical.from_codes(codes.tolist() if not len(codes) else codes, categories)


def _integers(values: NDArray[Any]) -> pd.arrays.IntegerArray:
    missing = values == ABSENT
    return pd.arrays.IntegerArray(np.where(missing, 1, values), missing)


def _objects(texts: list[str | None]) -> NDArray[Any]:
    array = np.empty(len(texts), dtype=object)
    array[:] = [pd.NA if text is None else text for text in texts]
    return array
