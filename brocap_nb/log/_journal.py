"""Append and read the lines of a log: JSON Lines in a folder, or in memory.

One file per session, one `write` per line, so several kernels need no lock and a killed process
loses nothing that it had written. The lines are ASCII: any engine reads them. An exchange has two,
its request's and its answer's, which repeats what the request's says but for the body.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import stat
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import orjson

from brocap_nb.api._body import EmbeddedPicture, picture_file_name
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._secrets import PICTURE_LABEL

FORMAT: Final = 1
"""Version of the lines' format; the first line of each file says it."""

LONGEST_LINE: Final = 256 * 1024 * 1024
"""Bytes of a line that is read: an answer of 50 MB, however it is escaped, is shorter."""

WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What a line or a file that this package did not write may raise."""


class LogWarning(UserWarning):
    """Something of the log could not be written or read; the exchange itself went on."""


class ForeignFileError(ValueError):
    """What lies in a log folder is no file that this package writes: it is not read."""


_REQUEST_HAS: Final = (
    *("exchange_id", "started_at", "session", "method", "task_type", "task_id", "attempt"),
    *("verb", "url", "request_kind", "request_bytes", "request_headers", "request"),
)
_RESPONSE_HAS: Final = tuple(
    field.name
    for field in dataclasses.fields(Exchange)
    if field.name not in ("url", "request", "request_headers", "verb", "request_kind")
)

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


class Journal:
    """One session's lines and pictures: a file in a log folder, made when the first is written.

    Without a folder they are kept in memory. So is what cannot be written, so that the views still
    show it, and a warning says so once: the exchange itself is never held up by the log.
    """

    def __init__(self, folder: Path | None, session: str, started_at: datetime) -> None:
        self.lock = threading.RLock()
        """Held while this session's rows are written or read; it waits for no other file."""
        self.folder = folder
        name = f"{started_at:%Y%m%dT%H%M%S}-{session}.jsonl"
        self.path = None if folder is None else folder / name
        self._header = {
            "kind": "log",
            "format": FORMAT,
            "session": session,
            "started_at": started_at.isoformat(timespec="microseconds"),
        }
        self._descriptor = -1
        self._end = 0
        self._torn = False
        self._warned = False
        self._lines: list[bytes] = []
        self._pictures: dict[str, bytes] = {}

    def append(self, line: dict[str, Any]) -> int:
        """Write a line with one `write` and return where it is; below 0 if it is in memory only."""
        if self.path is not None:
            try:
                self._open(self.path)
                return self._write(line)
            except OSError as error:
                self._warn("the log lines that follow are kept in this kernel only", error)
        self._lines.append(encode(line))
        return -len(self._lines)

    def lines(self, offsets: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the lines at these places, best in order; {} for one that cannot be read."""
        with self.lock, contextlib.ExitStack() as opened:  # the file has one place to read at
            if self._descriptor >= 0:
                file = opened.enter_context(open(self._descriptor, "rb", closefd=False))
            for offset in offsets:
                if offset < 0:
                    yield decode(self._lines[-1 - offset]) or {}
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
        kept = self._pictures.get(file_name)
        if kept is not None or self.folder is None:
            return kept
        return read_picture(self.folder, file_name, size)

    def _open(self, path: Path) -> None:
        """Make the file, or make it again if somebody deleted it."""
        if self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink > 0:
            return
        make_folder(path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        deleted, self._descriptor = self._descriptor, os.open(path, flags, 0o600)
        share(path)
        if deleted < 0:
            self._end = 0
            self._write(self._header)
            return
        with os.fdopen(deleted, "rb") as old, path.open("ab") as new:
            old.seek(0)
            shutil.copyfileobj(old, new)  # same offsets, so every row still finds its lines

    def _write(self, line: dict[str, Any]) -> int:
        data = encode(line) + b"\n"
        start = self._end
        if self._torn:  # the disk was full in the middle of a line: close that line first
            data, start = b"\n" + data, start + 1
        written = os.write(self._descriptor, data)
        self._end += written
        self._torn = written < len(data)
        if self._torn:
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
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)  # follows no link
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
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
    """Open a file of a log folder, which may be somebody else's: never a link, pipe or device.

    Raises:
        OSError: it cannot be opened.
        ForeignFileError: it is no plain file.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise ForeignFileError("it is a link")
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ForeignFileError("it is no plain file")
    return os.fdopen(descriptor, "rb", buffering=1 << 20)


def read_picture(folder: Path, file_name: str, size: int) -> bytes | None:
    """Return a picture of a log folder; None if there is none of that size and content."""
    images = folder / "images"
    if images.is_symlink():
        return None
    try:
        with open_plain(images / file_name) as file:
            data = file.read(size) if os.fstat(file.fileno()).st_size == size else b""
    except (OSError, ForeignFileError):
        return None
    return data if hashlib.sha256(data).hexdigest() == file_name.partition(".")[0] else None


def lines_at(file: IO[bytes], offsets: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield the lines at these places of a file, best in order; {} for one that cannot be read."""
    for offset in offsets:
        try:
            file.seek(offset)
            yield decode(file.readline(LONGEST_LINE)) or {}
        except OSError:
            yield {}


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line) for each complete line of a file from `start` on; see `decode`.

    A last line without its newline is left alone: it may still be being written.
    """
    with open_plain(path) as file:
        file.seek(start)
        end = os.fstat(file.fileno()).st_size  # what is written meanwhile is for the next look
        while start < end and (raw := file.readline(LONGEST_LINE)):
            if raw.endswith(b"\n"):
                yield start, raw
            elif len(raw) == LONGEST_LINE:
                raise ForeignFileError(f"a line of it is over {LONGEST_LINE >> 20} MB")
            start += len(raw)


def request_line(exchange: Exchange) -> dict[str, Any]:
    """Return what is written before a request is sent."""
    return {"kind": "request"} | exchange.to_line(_REQUEST_HAS)


def response_line(exchange: Exchange) -> dict[str, Any]:
    """Return what is written when its answer has come, or none will."""
    return {"kind": "response"} | exchange.to_line(_RESPONSE_HAS)


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
