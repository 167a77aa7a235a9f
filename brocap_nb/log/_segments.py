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

from brocap_nb.log._journal import WRONG, Journal, decode, open_plain, write_whole
from brocap_nb.log._rows import NOWHERE, Columns

SEGMENT_ROWS = 500  # exchanges that are sealed together
_MOST_BYTES: Final = 64 * 1024 * 1024


def seal(journal: Journal) -> None:
    """Seal the full segments but the newest, and again those that got an answer since."""
    columns, size = journal.columns, SEGMENT_ROWS
    if journal.path is None or len(columns) % size:
        return
    answered = (columns.array("response_at")[:-size] != NOWHERE).reshape(-1, size).sum(axis=1)
    for number, answers in enumerate(answered.tolist()):
        if journal.sealed.get(number) != answers:
            rows = slice(number * size, (number + 1) * size)
            rest_at = int(columns.array("request_at")[rows.stop])
            made = {"rest_at": rest_at, "rows": columns.lists(rows)}
            with contextlib.suppress(OSError):  # the lines are enough
                if _are_in_file(made):
                    write_whole(_segment(journal.path, number), orjson.dumps(made))
                journal.sealed[number] = answers


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
