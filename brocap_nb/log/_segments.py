"""Columns that are sealed beside the lines, so that a long log is read back at once.

They are made from the lines and add nothing to them: where they are missing, damaged or do not
fit, the lines are read instead. Engines that read the folder see only the lines.

    brocap_log/columns/<file>-<n>.json    the n-th 500 rows, and where the lines after them begin
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from brocap_nb.log._journal import WRONG, decode, open_plain, write_whole
from brocap_nb.log._rows import NOWHERE, Columns

SEGMENT_ROWS: Final = 500
"""How many exchanges are sealed together."""
_MOST_BYTES: Final = 64 * 1024 * 1024


class Sealer:
    """Seals the rows of the session that this process writes, a segment at a time."""

    def __init__(self, path: Path | None, columns: Columns, rows: int = SEGMENT_ROWS) -> None:
        self._path, self._columns, self._rows = path, columns, rows
        self._answers: dict[int, int] = {}  # how many were sealed in each segment

    def seal(self) -> None:
        """Seal the full segments but the newest, and again those that got an answer since.

        What cannot be written is left out: the lines are enough.
        """
        if self._path is None or len(self._columns) % self._rows:
            return
        request_at, response_at = map(self._columns.array, ("request_at", "response_at"))
        answered = (response_at[: -self._rows] != NOWHERE).reshape(-1, self._rows).sum(axis=1)
        for number, answers in enumerate(answered.tolist()):
            if self._answers.get(number) != answers:
                rows = slice(number * self._rows, (number + 1) * self._rows)
                made = {"rest_at": int(request_at[rows.stop]), "rows": self._columns.lists(rows)}
                with contextlib.suppress(OSError):
                    if _are_in_file(made):
                        data = orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY)
                        write_whole(_segment(self._path, number), data)
                    self._answers[number] = answers


def load_sealed(path: Path, columns: Columns) -> int:
    """Fill `columns` with the sealed rows of a log file and return where its other lines begin."""
    rest_at = 0
    with contextlib.suppress(OSError, *WRONG):
        for number in itertools.count():
            with open_plain(_segment(path, number)) as file:  # it may be somebody else's
                found = decode(file.read(_MOST_BYTES)) or {}
            if not (_begins_a_line(path, found["rest_at"]) and _are_in_file(found)):
                break
            columns.extend(found["rows"])
            rest_at = found["rest_at"]
    return rest_at


def _are_in_file(segment: dict[str, Any]) -> bool:
    """Whether all lines are in the file: some may be in the kernel that wrote them only."""
    rows = segment["rows"]
    places = np.array([*rows["request_at"], segment["rest_at"], *rows["response_at"]])
    return bool((places[places != NOWHERE] >= 0).all())


def _begins_a_line(path: Path, offset: int) -> bool:
    with open_plain(path) as file:
        os.lseek(file.fileno(), offset - 1, os.SEEK_SET)
        return os.read(file.fileno(), 2) == b"\n{"  # not all that the file's buffer holds


def _segment(path: Path, number: int) -> Path:
    return path.parent / "columns" / f"{path.stem}-{number}.json"
