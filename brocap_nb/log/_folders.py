"""Which files a log reads: those of its folder, or those of a class, named by a pattern.

brocap_log              one folder
/shared/class/*         one folder for each student, or its `brocap_log/`, or both
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brocap_nb.api._errors import InvalidInputError

DEFAULT_FOLDER: Final = "brocap_log"
"""The name of a log's folder if none is given."""

FOLDER_VARIABLE: Final = "BROCAP_LOG"
"""The environment variable that names another: for a hub, or a lesson."""

_WILD: Final = ("*", "?")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A session's file."""

    path: Path
    session: str
    """As it is called in the whole log: with the source before it, if there is one."""
    source: str | None
    """The folder names that the pattern's wildcards stand for; None if there is no pattern."""


def is_pattern(folder: Path) -> bool:
    """Whether a folder's name stands for many: it has a `*` or a `?`.

    Raises:
        InvalidInputError: it has `**`, which is no level of folders.
    """
    if "**" in folder.parts:
        raise InvalidInputError(
            f"The pattern {str(folder)!r} has **. Expected one * for each level of folders, such "
            "as /shared/class/* or /shared/*/*. Write it like that.",
            field="folder",
        )
    return any(_is_wild(part) for part in folder.parts)


def log_files(
    folder: Path, unreadable: Callable[[Path, OSError], None] = lambda *_: None
) -> list[LogFile]:
    """Return the files of a folder, or of all folders of a pattern, in order.

    A copy of a file beside it has the same session and is left out.

    Args:
        unreadable: called with a folder that is there but cannot be read, and why.
    """
    found: dict[str, LogFile] = {}
    for source, place in _places(folder, unreadable):
        for name in sorted(_names(place, unreadable)):
            if name.endswith(".jsonl"):
                session = name.removesuffix(".jsonl").rpartition("-")[2]
                session = session if source is None else f"{source}/{session}"
                found.setdefault(session, LogFile(place / name, session, source))
    return list(found.values())


def _places(
    folder: Path, unreadable: Callable[[Path, OSError], None]
) -> Iterator[tuple[str | None, Path]]:
    """Each folder that may have files, and what the wildcards stand for."""
    wild = [n for n, part in enumerate(folder.parts) if _is_wild(part)]
    if not wild:
        yield None, folder
        return
    matches = [Path(*folder.parts[: wild[0]])]
    for part in folder.parts[wild[0] :]:
        if _is_wild(part):
            matches = [
                match / name
                for match in matches
                for name in sorted(_names(match, unreadable, folders=True))
                if fnmatch.fnmatch(name, part) and (part[0] == "." or name[0] != ".")
            ]
        else:
            matches = [match / part for match in matches]
    for match in matches:
        source = "/".join(match.parts[wild[0] : wild[-1] + 1])
        yield source, match
        yield source, match / DEFAULT_FOLDER


def _names(
    folder: Path, unreadable: Callable[[Path, OSError], None], *, folders: bool = False
) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if not folders or _may_be_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):  # it may come later
        return []
    except OSError as error:
        unreadable(folder, error)
        return []


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # reading it will tell
        return True


def _is_wild(part: str) -> bool:
    return any(mark in part for mark in _WILD)
