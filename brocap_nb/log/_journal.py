"""Append and read the lines of a log: JSON Lines in a folder, or in memory.

One file per session, one `write` per line, so several kernels need no lock and a killed process
loses nothing that it had written. The lines are ASCII: any engine reads them.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
import os
import shutil
import stat
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import orjson

from brocap_nb import _html
from brocap_nb.api._body import EmbeddedPicture, picture_file_name, shorten_labels
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._secrets import PICTURE_LABEL
from brocap_nb.log._rows import NOWHERE, Columns, Words

FORMAT: Final = 1  # of the lines; the first line of each file says it
LONGEST_LINE: Final = 256 * 1024 * 1024  # bytes; of 50 MB, however they are escaped, it is shorter
WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What a line or a file that this package did not write may raise."""


class LogWarning(UserWarning):
    """Something of the log could not be written or read; the exchange itself went on."""


class ForeignFileError(ValueError):
    """What lies in a log folder is no file that this package writes: it is not read."""


_OF_REQUESTS: Final = ("verb", "url", "request_kind", "request_headers", "request")
_HAS: Final = {  # an answer's line repeats what its request's says, but for the body
    "request": (
        *("exchange_id", "started_at", "session", "method", "task_type", "task_id", "attempt"),
        *("request_bytes", *_OF_REQUESTS),
    ),
    "response": tuple(name for name in Exchange.__slots__ if name not in _OF_REQUESTS),
}

_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode(line: dict[str, Any]) -> bytes:
    """Return a line's JSON, in ASCII and without its newline."""
    try:
        data = orjson.dumps(line)
    except TypeError:  # half a surrogate pair, which UTF-8 has no bytes for
        data = b""
    return data if data and data.isascii() else _ascii(line).encode("ascii")


def decode(raw: bytes) -> dict[str, Any] | None:
    """Return the fields of a line; None if it is no JSON object."""
    try:
        line = orjson.loads(raw)
    except ValueError:
        try:
            line = json.loads(raw)  # it reads half a surrogate pair
        except (ValueError, RecursionError):
            return None
    return line if isinstance(line, dict) else None


class Session:
    """The rows of one session, and how to read its lines and pictures."""

    columns: Columns
    folder: Path | None  # None: it is in memory
    lines: Callable[[Iterable[int]], Iterator[dict[str, Any]]]

    def picture(self, file_name: str, size: int) -> bytes | None:
        """Return a picture of a log folder; None if there is none of that size and content."""
        images = self.folder and self.folder / "images"
        if images is None or images.is_symlink():
            return None
        try:
            with open_plain(images / file_name) as file:
                data = file.read(size) if os.fstat(file.fileno()).st_size == size else b""
        except (OSError, ForeignFileError):
            return None
        return data if hashlib.sha256(data).hexdigest() == file_name.partition(".")[0] else None

    def bodies(self, rows: Any = slice(None)) -> list[list[str | None]]:
        """Return requests and responses as a frame shows them; None for what cannot be read."""
        both = [self.columns.array("request_at"), self.columns.array("response_at")]
        places = np.concatenate([places[rows] for places in both])
        order = np.argsort(places, kind="stable")  # a file is read from its beginning to its end
        order = order[np.count_nonzero(places == NOWHERE) :]
        middle = len(places) // 2
        texts: list[str | None] = [None] * len(places)
        for n, line in zip(order.tolist(), self.lines(places[order].tolist()), strict=True):
            text = line.get("request" if n < middle else "response")
            if isinstance(text, str):
                texts[n] = _html.printable(shorten_labels(text), "utf-8")
        return [texts[:middle], texts[middle:]]


class Journal(Session):
    """The session that this process writes: a file in a log folder, made with its first line.

    Without a folder it is kept in memory. So is what cannot be written, so that the views still
    show it, and a warning says so once: the exchange itself is never held up by the log.
    """

    def __init__(self, folder: Path | None, session: str, words: Mapping[str, Words]) -> None:
        self.lock = threading.RLock()
        """Held while this session's rows are written or read; it waits for no other file."""
        self.columns, self.folder = Columns(session, words), folder
        now = datetime.now(UTC)
        self.path = folder and folder / f"{now:%Y%m%dT%H%M%S}-{session}.jsonl"
        began = now.isoformat(timespec="microseconds")
        self._header = {"kind": "log", "format": FORMAT, "session": session, "started_at": began}
        self._descriptor, self._warned = -1, False
        self._lines: list[bytes] = []
        self._pictures: dict[str, bytes] = {}
        self.sealed: dict[int, int] = {}  # how many answers each of its segments has

    def append(self, line: dict[str, Any]) -> int:
        """Write a line with one `write` and return where it is; below 0 if it is in memory only."""
        if self.path is not None:
            try:
                return self._write(line, self._open(self.path))
            except OSError as error:
                self._warn("the log lines that follow are kept in this kernel only", error)
        self._lines.append(encode(line))
        return -len(self._lines)

    def lines(self, offsets: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the lines at these places, best in order; {} for one that cannot be read."""
        with self.lock:  # the file has one place to read at
            if self._descriptor >= 0:
                file = os.fdopen(self._descriptor, "rb", closefd=False)
            for offset in offsets:
                if offset < 0:
                    yield decode(self._lines[~offset]) or {}
                else:
                    yield from lines_at(file, (offset,))

    def keep_picture(self, picture: EmbeddedPicture) -> None:
        """Write a picture's file, once for each content."""
        name = picture_file_name(picture.media_type, picture.sha256)
        if self.folder is not None:
            target = self.folder / "images" / name
            try:
                if not target.exists():
                    write_whole(target, picture.data)
                return
            except OSError as error:
                self._warn("pictures are kept in this kernel only", error)
        self._pictures[name] = picture.data

    def picture(self, file_name: str, size: int) -> bytes | None:
        return self._pictures.get(file_name) or super().picture(file_name, size)

    def _open(self, path: Path) -> int:
        """Make the file, or make it again if it was deleted; return where its next line begins."""
        if self._descriptor >= 0:
            state = os.fstat(self._descriptor)
            if state.st_nlink > 0:
                return state.st_size
        make_folder(path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        deleted, self._descriptor = self._descriptor, os.open(path, flags, 0o600)
        share(path)
        if deleted < 0:
            self._write(self._header, 0)
        else:
            with os.fdopen(deleted, "rb") as old, path.open("ab") as new:
                old.seek(0)
                shutil.copyfileobj(old, new)  # same offsets, so every row still finds its lines
        return os.fstat(self._descriptor).st_size

    def _write(self, line: dict[str, Any], start: int) -> int:
        data = encode(line) + b"\n"
        if os.write(self._descriptor, data) < len(data):
            os.ftruncate(self._descriptor, start)  # no line begins in the middle of another
            raise OSError(28, "No space left on device")
        return start

    def _warn(self, lost: str, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The log folder {self.folder} cannot be written ({error.strerror or error}): "
                f"{lost}, and are gone when it stops. Free some space or make the folder writable.",
                LogWarning,
                stacklevel=2,
            )


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone; in a shared one, for its group to read as well."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(0o750 if _is_shared(folder.parent) else 0o700, exist_ok=True)


def write_whole(target: Path, data: bytes) -> None:
    """Write a file, in a folder of a log's folder, that has its name when all of it is there."""
    make_folder(target.parents[1])
    make_folder(target.parent)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:  # "x" follows no link
        with open(part, "xb", opener=functools.partial(os.open, mode=0o600)) as file:
            file.write(data)
        share(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def share(path: Path) -> None:
    """Let the group read a file that was made for its owner alone, if its folder is shared."""
    if _is_shared(path.parent):
        path.chmod(0o640)


def _is_shared(folder: Path) -> bool:
    """Whether somebody gave a folder to its group on purpose: the setgid bit, and group's read."""
    shared = stat.S_ISGID | stat.S_IRGRP
    return folder.stat().st_mode & shared == shared


def open_plain(path: Path) -> IO[bytes]:
    """Open a file of somebody else; ForeignFileError if it is a link, pipe or device."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise ForeignFileError("it is a link")
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ForeignFileError("it is no plain file")
    return os.fdopen(descriptor, "rb", buffering=1 << 20)


def lines_at(file: IO[bytes], offsets: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield the lines at these places of a file, best in order; {} for one that cannot be read."""
    for offset in offsets:
        try:
            file.seek(offset)
            yield decode(file.readline(LONGEST_LINE)) or {}
        except OSError:
            yield {}


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line) of a file from `start` on, less a last line that is still written."""
    with open_plain(path) as file:
        file.seek(start)
        end = os.fstat(file.fileno()).st_size  # what is written meanwhile is for the next look
        while start < end and (raw := file.readline(LONGEST_LINE)):
            if raw.endswith(b"\n"):
                yield start, raw
            elif len(raw) == LONGEST_LINE:
                raise ForeignFileError(f"a line of it is over {LONGEST_LINE >> 20} MB")
            start += len(raw)


def line_of(kind: str, exchange: Exchange) -> dict[str, Any]:
    """Return the line of a `request` that is about to be sent, or of its `response`, or none."""
    return {"kind": kind} | exchange.to_line(_HAS[kind])


def with_pictures(exchange: Exchange, picture: Callable[[str, int], bytes | None]) -> Exchange:
    """Put the logged pictures back in the place of their labels, as many as a line may have."""
    room = LONGEST_LINE

    def full(match: Any) -> str:
        nonlocal room
        size = int(match[2].replace(",", "")[:20] or 0)
        room -= size
        data = None if room < 0 else picture(picture_file_name(match[1], match[3]), size)
        return match[0] if data is None else base64.b64encode(data).decode("ascii")

    return dataclasses.replace(exchange, request=PICTURE_LABEL.sub(full, exchange.request))
