"""Columns that are sealed beside the lines, so that a long log is read back at once.

They are made from the lines and add nothing to them: where they are missing, damaged or do not
fit, the lines are read instead. Engines that read the folder see only the lines.

    brocap_log/columns/<file>-<n>.npy     the n-th 10,000 rows, as records
    brocap_log/columns/<file>.json        how many there are, where the rest begins, the texts
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brocap_nb.log._journal import share
from brocap_nb.log._rows import DTYPES, NOWHERE, Columns, Words

SEGMENT_ROWS: Final = 10_000
"""How many exchanges are sealed together."""
_VERSION: Final = 1


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
        _folder(self._path).mkdir(exist_ok=True)
        while self._sealed < ready:
            start = self._sealed * self._rows
            records = self._columns.records(start, start + self._rows)
            if (records["request_at"] < 0).any():  # kept in this kernel only
                return
            with _part(_segment(self._path, self._sealed)) as file:
                np.save(file, records, allow_pickle=False)
            self._sealed += 1
        manifest = {
            "version": _VERSION,
            "segments": self._sealed,
            "rows": self._rows,
            # the first line that belongs to no sealed row; answers to sealed rows that come
            # after it are read again, which changes nothing
            "rest_at": int(self._columns.array("request_at")[self._sealed * self._rows]),
            "words": {name: words.texts for name, words in self._words.items()},
        }
        with _part(_manifest(self._path)) as file:
            file.write(json.dumps(manifest).encode("ascii"))


def load_sealed(path: Path, columns: Columns) -> int:
    """Fill `columns` with the sealed rows of a log file and return where its other lines begin.

    0, and nothing filled, if there are none that fit the file.
    """
    try:
        manifest = json.loads(_manifest(path).read_bytes())
        rest_at = int(manifest["rest_at"])
        words: dict[str, list[str]] = manifest["words"]
        if manifest["version"] != _VERSION or not _begins_a_line(path, rest_at):
            return 0
        segments = [
            np.load(_segment(path, number), allow_pickle=False)
            for number in range(int(manifest["segments"]))
        ]
        if not all(_fits(records, manifest["rows"], words, rest_at) for records in segments):
            return 0
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return 0
    for records in segments:
        columns.extend_sealed(records, words)
    return rest_at


def _fits(records: NDArray[Any], rows: int, words: Mapping[str, list[str]], rest_at: int) -> bool:
    dtype = np.dtype(list(DTYPES.items()))
    if records.dtype != dtype or len(records) != rows:
        return False
    coded = all(
        int(records[name].max()) < len(texts) and int(records[name].min()) >= -1
        for name, texts in words.items()
    )
    places = records["response_at"][records["response_at"] != NOWHERE]
    return coded and bool((records["request_at"] < rest_at).all() and (places >= 0).all())


def _begins_a_line(path: Path, offset: int) -> bool:
    with path.open("rb") as file:
        file.seek(offset - 1)
        before, after = file.read(1), file.read(1)
    return before == b"\n" and after == b"{"


def _folder(path: Path) -> Path:
    return path.parent / "columns"


def _segment(path: Path, number: int) -> Path:
    return _folder(path) / f"{path.stem}-{number}.npy"


def _manifest(path: Path) -> Path:
    return _folder(path) / f"{path.stem}.json"


class _part:  # noqa: N801
    """A file that takes its name only when it is complete."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f".{target.name}.{os.getpid()}.part")

    def __enter__(self) -> Any:
        self._path.touch(mode=0o600)
        self._file = self._path.open("wb")
        return self._file

    def __exit__(self, kind: object, *rest: object) -> None:
        self._file.close()
        if kind is None:
            share(self._path)
            self._path.replace(self._target)
        else:
            self._path.unlink(missing_ok=True)
