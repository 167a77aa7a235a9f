"""Which files a log reads, reading on in those of other processes, and telling what they wrote.

brocap_log              one folder
/shared/class/*         one folder for each student, or its `brocap_log/`, or both
"""

from __future__ import annotations

import atexit
import fnmatch
import heapq
import operator
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange
from brocap_nb.log import _journal
from brocap_nb.log._rows import NOWHERE, Columns, Words, number_of
from brocap_nb.log._segments import load_sealed

DEFAULT_FOLDER: Final = "brocap_log"  # $BROCAP_LOG names another: for a hub, or a lesson

Listener = Callable[[Exchange], None]  # called with an exchange that has begun or ended
_Unreadable: TypeAlias = Callable[[Path, str], object]  # told what is there, and what is wrong
INTERVAL = 1.0  # seconds between two looks at the files of others, for who follows them
_MOST_RUBBISH: Final = 1_000  # lines
_is_wild: Final = re.compile("[*?]").search


@dataclass(frozen=True, slots=True)
class LogFile:
    path: Path
    session: str  # with the source before it, if there is one
    source: str | None  # what the pattern's wildcards stand for; None if there is no pattern


def path_of(given: str | os.PathLike[str]) -> Path:
    """A path as it is meant: `~` is the home directory, and an address is refused."""
    if address := re.match(r"\s*([a-z][a-z\d+.-]+):/", os.fspath(given), re.IGNORECASE):
        raise InvalidInputError(
            f"What was given starts with {address[1]}:, so it is an address; expected the path of "
            "a file or folder on this machine, such as brocap_log or ~/brocap_log. Give a path.",
            field="path",
        )
    return Path(os.path.expanduser(given))  # noqa: PTH111 (that of Path fails without a home)


def is_pattern(folder: Path) -> bool:
    """Whether a folder's name stands for many: it has a `*` or a `?`; `**` is refused."""
    if "**" in folder.parts:
        raise InvalidInputError(
            f"The pattern {str(folder)!r} has **. Expected one * for each level of folders, such "
            "as /shared/class/* or /shared/*/*. Write it like that.",
            field="folder",
        )
    return any(map(_is_wild, folder.parts))


def log_files(folder: Path, unreadable: _Unreadable = lambda *_: None) -> list[LogFile]:
    """Return the files of a folder, or of all folders of a pattern, in order."""
    found: dict[str, LogFile] = {}
    for source, place in _places(folder, unreadable):
        for entry in _entries(place, unreadable):
            path = place / entry.name
            if path.suffix == ".jsonl" and entry.is_file(follow_symlinks=False):
                session = _html.printable(path.stem.rpartition("-")[2], "utf-8")
                session = session if source is None else f"{source}/{session}"
                # a copy beside it has the same session, and is left out
                found.setdefault(session, LogFile(path, session, source))
            elif path.suffix == ".jsonl":
                unreadable(path, "cannot be read (it is a link or no plain file)")
    return list(found.values())


def _places(folder: Path, unreadable: _Unreadable) -> Iterator[tuple[str | None, Path]]:
    """Each folder that may have files, and what the wildcards stand for."""
    wild = [n for n, part in enumerate(folder.parts) if _is_wild(part)]
    if not wild:
        yield None, folder
        return
    matches = [Path(*folder.parts[: wild[0]])]
    for part in folder.parts[wild[0] :]:
        matches = [found for match in matches for found in _inside(match, part, unreadable)]
    for match in matches:
        source = _html.printable("/".join(match.parts[wild[0] : wild[-1] + 1]), "utf-8")
        for place in (match, *_inside(match, DEFAULT_FOLDER, unreadable)):
            yield source, place


def _inside(folder: Path, part: str, unreadable: _Unreadable) -> Iterator[Path]:
    """What a part of a pattern stands for in a folder of somebody else."""
    if _is_wild(part):
        for entry in _entries(folder, unreadable):
            if fnmatch.fnmatch(entry.name, part) and (part[0] == "." or entry.name[0] != "."):
                yield folder / entry.name
    elif os.path.islink(folder / part):  # noqa: PTH114 (that of Path may raise)
        unreadable(folder / part, "cannot be read (it is a link)")  # it may lead out
    else:
        yield folder / part


def _entries(folder: Path, unreadable: _Unreadable) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=operator.attrgetter("name"))
    except (FileNotFoundError, NotADirectoryError):  # it may come later
        pass
    except OSError as error:
        told = f"cannot be read ({error.strerror or error}): ask its owner, or whoever set it up, "
        unreadable(folder, f"{told}to put that right")
    return []


class OtherSession(_journal.Session):
    """A file that another session writes: read as far as it is complete, again and again."""

    def __init__(self, file: LogFile, words: Mapping[str, Words]) -> None:
        self._file, self._words, self.folder = file, words, file.path.parent
        self._forget()

    def _forget(self) -> None:
        self.columns = Columns(self._file.session, self._words, self._file.source)
        self._read_to = self._size = self._rubbish = 0
        self._strange = ""

    def lines(self, offsets: Iterable[int]) -> Iterator[dict[str, Any]]:
        try:
            with _journal.open_plain(self._file.path) as file:
                yield from _journal.lines_at(file, offsets)
        except (OSError, _journal.ForeignFileError):
            yield from ({} for _ in offsets)

    def read_on(self) -> str:
        """Read what was written since the last look, and return what is wrong with it."""
        path = self._file.path
        try:
            size = path.stat().st_size
            if size < self._read_to:
                self._forget()
            if size != self._size:
                self._read_to = self._read_to or load_sealed(path, self.columns)
                for offset, raw in _journal.read_lines(path, self._read_to):
                    self._take(raw, offset)
                    self._read_to = offset + len(raw)
                self._size = max(size, self._read_to)
        except _journal.ForeignFileError as error:
            self._strange, self._size = f"is no log: {error}", size  # not to be tried again
        except FileNotFoundError:
            self._forget()
        except OSError as error:  # for a moment, perhaps
            return f"cannot be read ({error.strerror or error})"
        torn = "has a torn last line" if self._read_to < self._size else ""
        return self._strange or torn

    def _take(self, raw: bytes, offset: int) -> None:
        line = _journal.decode(raw)
        if line is None:
            self._strange = "has a line that is no JSON object"
            self._rubbish += 1
            if self._rubbish > _MOST_RUBBISH:
                raise _journal.ForeignFileError("most of its lines are no JSON objects")
            return
        kind, columns = line.get("kind"), self.columns
        if kind == "log" and line.get("format") != _journal.FORMAT:
            self._strange = (
                f"has format {line.get('format')!r}, this version reads {_journal.FORMAT}; what "
                "can be read is read"
            )
        elif kind in ("request", "response"):
            name = line.get("exchange_id")
            number = number_of(name)
            try:
                exchange, row = Exchange.from_line(line), columns.row_of(number)
                if kind == "response" and row is not None:
                    columns.finish(row, exchange, offset)
                elif kind == "request" and row is None and number >= 0:
                    columns.begin(exchange, number, offset)
                elif kind == "request":
                    self._strange = f"has a request {name!r:.60} without a number of its own"
            except _journal.WRONG:
                self._strange = f"has a {kind} {name!r:.60} with fields of a wrong type"


class Others:
    """The sessions of other processes than `own`, and who is told of what they write."""

    def __init__(self, folder: Path | None, words: Mapping[str, Words], own: str) -> None:
        self._folder, self._words, self._own = folder, words, own
        self._told: set[Path] = set()
        self.lock = threading.RLock()
        """Held while the files of others are read: whoever writes does not wait for it."""
        self.sessions: dict[Path, OtherSession] = {}

    def look(self, *, tell: bool = True) -> None:
        """Read what was written since; warn of what cannot be read, or leave it to a later look."""
        wrong: dict[Path, str] = {}
        known = len(self.sessions)
        for file in log_files(self._folder, wrong.__setitem__) if self._folder else ():
            if file.session != self._own and file.path not in self.sessions:
                self.sessions[file.path] = OtherSession(file, self._words)
        if len(self.sessions) > known:
            self.sessions = dict(sorted(self.sessions.items()))
        for path, session in self.sessions.items():
            if what := session.read_on():
                wrong[path] = what
        for path, what in wrong.items():
            if tell and path not in self._told and path.parent not in wrong:
                self._told.add(path)
                kind = "file" if path.suffix == ".jsonl" else "folder"
                warnings.warn(
                    f"The log {kind} {path} {what}. That part is skipped, the rest is shown.",
                    _journal.LogWarning,
                    stacklevel=5,
                )

    def follow(self, listener: Listener) -> Callable[[], None]:
        told: dict[Path, NDArray[np.int64]] = {}
        ended = threading.Event()
        with self.lock:
            self.look()
            self._news(told)  # it was before the listener's time

        def run() -> None:
            while not ended.wait(INTERVAL):
                with self.lock:
                    self.look(tell=False)
                    news = self._news(told)
                if not ended.is_set():  # so what came after the end is not told
                    tell(news, (listener,))

        follower = threading.Thread(target=run, name="brocap-nb follower", daemon=True)
        follower.start()

        def end() -> None:  # a daemon thread that is in the middle of C++ aborts the process
            ended.set()
            follower.join(5)

        def stop() -> None:
            atexit.unregister(end)
            ended.set()

        atexit.register(end)
        return stop

    def _news(self, told: dict[Path, NDArray[np.int64]]) -> list[Exchange]:
        """Return the exchanges that began or ended since, each once, bare."""
        news = []
        for path, session in self.sessions.items():
            columns = session.columns
            begun = 2 * columns.array("number").astype("i8")
            states = begun + (columns.array("response_at") != NOWHERE)
            known = told.get(path, np.empty(0, "i8"))
            fresh = np.flatnonzero(~np.isin(states, known))
            # what has ended is no news if it begins again, in a file that became shorter
            told[path] = np.union1d(known, [begun[fresh], states[fresh]])
            news.append([columns.exchange(row) for row in fresh.tolist()])
        return list(heapq.merge(*news, key=operator.attrgetter("started_at")))


def tell(
    news: Iterable[Any],
    listeners: Iterable[Callable[[Any], None]],
    what: str = "log",
    kind: type[Warning] = _journal.LogWarning,
) -> None:
    for one in news:
        for listener in listeners:
            try:
                listener(one)
            except Exception as error:  # a view that fails must not hold up the exchange
                told = f"A listener of the {what} failed: {type(error).__name__}: {error}"
                warnings.warn(told, kind, stacklevel=4)
