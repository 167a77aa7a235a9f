"""Finding rows of a log: a filter, and the newest of what it lets through.

Only a text has to be looked for in the bodies; what was found is remembered, so a new row costs
the same in a long log as in a short one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.log._rows import NOWHERE

if TYPE_CHECKING:
    from brocap_nb.log._folders import Session
    from brocap_nb.log._log import ExchangeLog
    from brocap_nb.log._rows import Columns


CHUNK: Final = 500
"""Rows whose bodies are read at a stretch: the log can be written to in between."""

_NONE: Final = np.empty(0, "i8")
_UNKNOWN, _NO, _YES, _NOT_YET = 0, 1, 2, 3  # not yet: its answer may have the text
_ROW_TEXTS: Final = (
    *("exchange_id", "method", "task_type", "task_id", "outcome", "http_status"),
    *("error_code", "error_description", "status"),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which exchanges are wanted. What is None, or empty, does not matter."""

    outcome: str | None = None
    """An `Outcome`."""
    method: str | None = None
    error_code: str | None = None
    task_id: int | None = None
    text: str = ""
    """Stands in the row or in one of its bodies, in capitals or not."""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) not in (None, "") for field in fields(self))


EVERYTHING: Final = Filter()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the exchanges that were found."""

    exchanges: tuple[Exchange, ...]
    """Newest first, without their bodies."""
    found: int
    """How many there are in all."""
    rows: int
    """How many exchanges the log has."""


class Search:
    """The exchanges of a log that a filter lets through; ask for pages as the log grows."""

    def __init__(self, log: ExchangeLog, wanted: Filter = EVERYTHING) -> None:
        self.wanted = wanted
        self._log = log
        self._text = wanted.text.casefold()
        self._verdicts: dict[Columns, NDArray[np.uint8]] = {}

    def page(self, size: int, stopped: Callable[[], bool] = lambda: False) -> Page | None:
        """Return the newest `size` exchanges.

        `stopped` is asked now and then while bodies are read; if it returns True, so is None.
        """
        if self._text and not self._read_bodies(stopped):
            return None
        with self._log.reading(still=True) as sessions:
            found = [self._rows(session) for session in sessions]
            parts = [s.columns.order()[rows] for s, rows in zip(sessions, found, strict=True)]
            order = np.argsort(np.concatenate([_NONE, *parts]), kind="stable")[::-1]
            whose = np.repeat(np.arange(len(found)), [len(rows) for rows in found])
            rows = np.concatenate([_NONE, *found])
            exchanges = tuple(
                sessions[whose[n]].columns.exchange(int(rows[n])) for n in order[:size]
            )
            count = sum(len(session.columns) for session in sessions)
        return Page(exchanges, len(rows), count)

    def _rows(self, session: Session) -> NDArray[np.intp]:
        """The rows of a session that are wanted."""
        columns, wanted = session.columns, self.wanted
        mask = np.ones(len(columns), bool)
        if wanted.outcome is not None:
            mask &= columns.array("outcome") == list(Outcome).index(Outcome(wanted.outcome))
        for name in ("method", "error_code"):
            word = getattr(wanted, name)
            if word is not None:
                mask &= columns.array(name) == columns.code_of(name, word)
        if self._text:
            verdicts = self._verdicts.get(columns, np.zeros(0, np.uint8))
            seen = min(len(verdicts), len(mask))
            mask[:seen] &= verdicts[:seen] == _YES
            mask[seen:] = False  # it came just now: the next look has it
        if wanted.task_id is not None:
            mask &= columns.array("task_id") == wanted.task_id
        return np.flatnonzero(mask)

    def _read_bodies(self, stopped: Callable[[], bool]) -> bool:
        """Bring the verdicts up to date, a few rows at a stretch. False if stopped."""
        while True:
            with self._log.reading() as sessions:
                if not any(self._read_some(session) for session in reversed(sessions)):
                    return True
            if stopped():
                return False

    def _read_some(self, session: Session) -> bool:
        """Look into the next rows that nobody has looked into; whether there were some."""
        columns = session.columns
        old = self._verdicts.get(columns, np.zeros(0, np.uint8))
        verdicts = np.zeros(len(columns), np.uint8)
        verdicts[: len(old)] = old[: len(columns)]
        self._verdicts[columns] = verdicts
        answered = columns.array("response_at")[: len(verdicts)] != NOWHERE
        due = (verdicts == _UNKNOWN) | ((verdicts == _NOT_YET) & answered)
        fresh = np.flatnonzero(due)[-CHUNK:]
        for row, *bodies in zip(fresh.tolist(), *session.bodies(fresh), strict=True):
            exchange = columns.exchange(row)
            shown = [*bodies, *(getattr(exchange, name) for name in _ROW_TEXTS)]
            has = any(self._text in str(text).casefold() for text in shown if text is not None)
            verdicts[row] = _YES if has else _NO if answered[row] else _NOT_YET
        return bool(len(fresh))
