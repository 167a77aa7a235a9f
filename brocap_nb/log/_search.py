"""Finding rows of a log: a filter, and the newest of what it lets through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brocap_nb.api._exchange import Exchange
from brocap_nb.log._rows import CODED, NOWHERE, in_order

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog
    from brocap_nb.log._journal import Session
    from brocap_nb.log._rows import Columns


CHUNK: Final = 500  # rows whose bodies are read at a stretch: others may write in between
_YES: Final = 3  # a row has the text; else how many of its lines do not have it
_ROW_TEXTS: Final = (*CODED, "task_id", "outcome", "http_status")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which exchanges are wanted. What is None, or empty, does not matter."""

    outcome: str | None = None
    method: str | None = None
    error_code: str | None = None
    task_id: int | None = None
    text: str = ""  # stands in the row or in one of its bodies, in capitals or not

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) not in (None, "") for field in fields(self))


EVERYTHING: Final = Filter()


class Page(NamedTuple):
    exchanges: tuple[Exchange, ...]  # newest first, without their bodies
    found: int  # how many there are in all
    rows: int  # how many exchanges the log has


class Search:
    """The exchanges of a log that a filter lets through; ask for pages as the log grows."""

    def __init__(self, log: ExchangeLog, wanted: Filter = EVERYTHING) -> None:
        self.wanted = wanted
        self._log = log
        self._text = wanted.text.casefold()
        self._verdicts: dict[Columns, NDArray[np.uint8]] = {}  # a row is looked into once

    def page(self, size: int, stopped: Callable[[], bool] = lambda: False) -> Page | None:
        """Return the newest `size` exchanges; None if `stopped`, while bodies are read."""
        while self._text:  # only a text has to be looked for in the bodies
            with self._log.reading() as sessions:
                if not any(map(self._read_some, reversed(sessions))):
                    break
            if stopped():
                return None
        with self._log.reading(still=True) as sessions:
            tables = [session.columns for session in sessions]
            found = [*map(self._rows, tables)]
            # the newest of all are among the newest of each
            shown = in_order(tables, [rows[-size:] for rows in found])[::-1][:size].tolist()
            exchanges = tuple(tables[number].exchange(row) for number, row in shown)
        return Page(exchanges, sum(map(len, found)), sum(map(len, tables)))

    def _rows(self, columns: Columns) -> NDArray[np.intp]:
        mask = np.ones(len(columns), bool)
        for name in ("outcome", "method", "error_code", "task_id"):
            value = getattr(self.wanted, name)
            if value is not None:
                mask &= columns.array(name) == columns.code_of(name, value)
        if self._text:
            mask &= self._looked_into(columns) == _YES  # what came just now: the next look has it
        return np.flatnonzero(mask)

    def _read_some(self, session: Session) -> bool:
        """Look into the next rows that nobody has looked into; whether there were some."""
        columns = session.columns
        verdicts = self._verdicts[columns] = self._looked_into(columns)
        lines = 1 + (columns.array("response_at")[: len(verdicts)] != NOWHERE)
        fresh = np.flatnonzero(verdicts < lines)[-CHUNK:]
        told = columns.lists(fresh)
        ids = [f"{columns.session}-{number}" for number in told["number"]]
        shown = zip(ids, *session.bodies(fresh), *map(told.__getitem__, _ROW_TEXTS), strict=True)
        for row, texts in zip(fresh.tolist(), shown, strict=True):
            known = (str(text).casefold() for text in texts if text not in (None, NOWHERE))
            verdicts[row] = _YES if any(self._text in text for text in known) else lines[row]
        return bool(len(fresh))

    def _looked_into(self, columns: Columns) -> NDArray[np.uint8]:
        known = self._verdicts.get(columns, np.zeros(0, np.uint8))
        return np.pad(known, (0, max(0, len(columns) - len(known))))
