"""Columns that are sealed beside the lines, so that a long log is read back at once.

They are made from the lines and add nothing to them: where they are missing, damaged or do not
fit, the lines are read instead. Engines that read the folder see only the lines.

    brocap_log/columns/<file>-<n>.rows    the n-th 10,000 rows, as records
    brocap_log/columns/<file>.json        what they are, where the rest begins, the texts
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brocap_nb.api._exchange import Outcome
from brocap_nb.log._journal import (
    WRONG,
    decode,
    make_folder,
    open_plain,
    write_whole,
)
from brocap_nb.log._rows import DTYPES, NOWHERE, Columns, Words, is_plausible

SEGMENT_ROWS: Final = 10_000
"""How many exchanges are sealed together."""
_DTYPE: Final = np.dtype(list(DTYPES.items()))
_MOST_BYTES: Final = 64 * 1024 * 1024


class Sealer:
    """Seals the rows of the session that this process writes, a segment at a time."""

    def __init__(
        self, path: Path, columns: Columns, words: Mapping[str, Words], rows: int = SEGMENT_ROWS
    ) -> None:
        self._path, self._columns, self._words = path, columns, words
        self._rows = rows
        self._sealed = 0

    def seal(self) -> None:
        """Seal the full segments but the newest, whose answers may still come.

        What cannot be written is left out: the lines are enough.
        """
        if len(self._columns) % self._rows == 0:
            with contextlib.suppress(OSError):
                self._seal()

    def _seal(self) -> None:
        ready = len(self._columns) // self._rows - 1
        if ready <= self._sealed:
            return
        make_folder(_folder(self._path))
        while self._sealed < ready:
            start = self._sealed * self._rows
            records = self._columns.records(start, start + self._rows)
            if (records["request_at"] < 0).any():  # kept in this kernel only
                return
            write_whole(_segment(self._path, self._sealed), records.tofile)
            self._sealed += 1
        manifest = {
            "dtype": str(_DTYPE),
            "segments": self._sealed,
            "rows": self._rows,
            # the first line that belongs to no sealed row; answers to sealed rows that come
            # after it are read again, which changes nothing
            "rest_at": int(self._columns.array("request_at")[self._sealed * self._rows]),
            "words": {name: words.texts for name, words in self._words.items()},
        }
        write_whole(
            _manifest(self._path), lambda file: file.write(json.dumps(manifest).encode("ascii"))
        )


def load_sealed(path: Path, columns: Columns) -> int:
    """Fill `columns` with the sealed rows of a log file and return where its other lines begin.

    0, and nothing filled, if there are none that fit the file.
    """
    try:
        with open_plain(_manifest(path)) as file:
            manifest = decode(file.read(_MOST_BYTES)) or {}
        rest_at = int(manifest["rest_at"])
        words: dict[str, list[str]] = manifest["words"]
        if manifest["dtype"] != str(_DTYPE) or not _begins_a_line(path, rest_at):
            return 0
        segments = [_load(_segment(path, number)) for number in range(int(manifest["segments"]))]
        if not all(_fits(records, manifest["rows"], words, rest_at) for records in segments):
            return 0
        if not all(isinstance(text, str) for texts in words.values() for text in texts):
            return 0
    except (OSError, *WRONG):
        return 0
    for records in segments:
        columns.extend_sealed(records, words)
    return rest_at


def _load(path: Path) -> NDArray[Any]:
    """Records of a file that may be somebody else's: not more than are sealed together."""
    with open_plain(path) as file:
        return np.frombuffer(file.read(_MOST_BYTES), _DTYPE)


def _fits(records: NDArray[Any], rows: int, words: Mapping[str, list[str]], rest_at: int) -> bool:
    if len(records) != rows or words.keys() != Columns.new_words().keys():
        return False
    coded = all(
        int(records[name].max()) < len(texts) and int(records[name].min()) >= -1
        for name, texts in words.items()
    )
    places = records["response_at"][records["response_at"] != NOWHERE]
    return bool(
        coded
        and (records["outcome"].view("u1") < len(Outcome)).all()
        and is_plausible(records["started_at"], records["elapsed_ms"])
        and (np.diff(records["number"]) > 0).all()
        and (records["request_at"] < rest_at).all()
        and (records["request_at"] >= 0).all()
        and (places >= 0).all()
    )


def _begins_a_line(path: Path, offset: int) -> bool:
    with open_plain(path) as file:
        file.seek(offset - 1)
        before, after = file.read(1), file.read(1)
    return before == b"\n" and after == b"{"


def _folder(path: Path) -> Path:
    return path.parent / "columns"


def _segment(path: Path, number: int) -> Path:
    return _folder(path) / f"{path.stem}-{number}.rows"


def _manifest(path: Path) -> Path:
    return _folder(path) / f"{path.stem}.json"
