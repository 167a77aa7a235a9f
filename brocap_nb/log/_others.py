"""What other processes write into a log's folders: their sessions, and a thread to follow them."""

from __future__ import annotations

import heapq
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from brocap_nb.api._exchange import Exchange
from brocap_nb.log._folders import log_files
from brocap_nb.log._journal import LogWarning
from brocap_nb.log._rows import Words
from brocap_nb.log._sessions import OtherSession


class Others:
    """The sessions of other processes, read as far as they are written."""

    def __init__(self, folder: Path | None, words: Mapping[str, Words]) -> None:
        self._folder, self._words = folder, words
        self._sessions: dict[Path, OtherSession] = {}
        self._unreadable: dict[Path, str] = {}
        self._told: set[Path] = set()
        self._following = False

    def sessions(self) -> list[OtherSession]:
        """Return them in the order of their files, as of the last look."""
        return [session for session in self._sessions.values() if len(session.columns)]

    def look(self, own: str, *, tell: bool = True) -> None:
        """Read what was written since the last look.

        A file that is gone has no rows; one that cannot be read now keeps those that it had.

        Args:
            own: the session that is not another's.
            tell: whether to warn of what cannot be read; if not, a later look does.
        """
        if self._folder is None:
            return
        self._unreadable.clear()
        found = [
            file for file in log_files(self._folder, self._note_unreadable) if file.session != own
        ]
        new = [file for file in found if file.path not in self._sessions]
        for file in new:
            self._sessions[file.path] = OtherSession(file, self._words)
            self._sessions[file.path].follow(self._following)
        if new:
            self._sessions = dict(sorted(self._sessions.items()))
        for session in self._sessions.values():
            session.read_on()
            if tell:
                session.tell()
        if tell:
            self._tell()

    def follow(self, following: bool) -> None:
        """Begin, or end, to remember what is new."""
        self._following = following
        for session in self._sessions.values():
            session.follow(following)

    def news(self) -> list[Exchange]:
        """Return the exchanges that began or ended since the last call, without their bodies."""
        news = [session.news() for session in self._sessions.values()]
        return list(heapq.merge(*news, key=lambda exchange: exchange.started_at))

    def _note_unreadable(self, folder: Path, error: OSError) -> None:
        self._unreadable[folder] = error.strerror or str(error)

    def _tell(self) -> None:
        for folder, reason in self._unreadable.items():
            if folder not in self._told:
                self._told.add(folder)
                warnings.warn(
                    f"The log folder {folder} cannot be read ({reason}). The others are shown. "
                    "Ask its owner, or whoever set it up, for the right to read it.",
                    LogWarning,
                    stacklevel=5,
                )


class Follower:
    """A thread that looks now and then, as long as somebody wants it to."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._wanted: list[float] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def want(self, interval: float) -> None:
        """Look at least every `interval` seconds."""
        with self._lock:
            self._wanted.append(interval)
            gone = self._thread is None or not self._thread.is_alive()  # as after a fork
            if gone or interval < min(self._wanted[:-1], default=interval + 1):
                self._restart(min(self._wanted))

    def unwant(self, interval: float) -> bool:
        """Take back a wish. Returns whether it was the last one: then the thread ends."""
        with self._lock:
            fastest = min(self._wanted)
            self._wanted.remove(interval)
            if not self._wanted:
                self._stop.set()
                self._thread = None
            elif min(self._wanted) > fastest:
                self._restart(min(self._wanted))
            return not self._wanted

    def _restart(self, interval: float) -> None:
        self._stop.set()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop, interval), name="brocap-nb follower", daemon=True
        )
        self._thread.start()

    def _run(self, stop: threading.Event, interval: float) -> None:
        while not stop.wait(interval):
            self._look()
