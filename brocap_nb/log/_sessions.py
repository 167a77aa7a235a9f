"""Sessions of a log: the rows of one, how to read its lines, and how to follow another's file."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from brocap_nb.api._body import shorten_labels
from brocap_nb.api._exchange import Exchange
from brocap_nb.log._folders import LogFile
from brocap_nb.log._journal import FORMAT, LogWarning, line_at, read_lines, read_picture
from brocap_nb.log._rows import Columns, Words
from brocap_nb.log._segments import load_sealed

_LONG: Final = 50_000_000  # bytes of lines from which on reading them shows its progress


class Session:
    """The rows of one session, and how to read its lines and pictures."""

    def __init__(
        self,
        columns: Columns,
        line: Callable[[int], dict[str, Any]],
        picture: Callable[[str], bytes | None],
    ) -> None:
        self.columns = columns
        self.line = line
        self.picture = picture

    def named(self, exchange: Exchange) -> Exchange:
        """Return an exchange that was read with the names that the whole log has for it."""
        session = self.columns.session
        if exchange.session == session:
            return exchange
        exchange_id = f"{session}-{number_of(exchange.exchange_id)}"
        return dataclasses.replace(exchange, session=session, exchange_id=exchange_id)

    def bodies(self) -> Iterator[tuple[str | None, str | None]]:
        """Yield each row's request and response, as a frame shows them."""
        for row in range(len(self.columns)):
            yield self.texts(row)

    def texts(self, row: int) -> tuple[str | None, str | None]:
        """Return a row's request and response; None for what cannot be read."""
        request_at, response_at = self.columns.places(row)
        return (
            self._text(request_at, "request"),
            None if response_at is None else self._text(response_at, "response"),
        )

    def _text(self, offset: int, name: str) -> str | None:
        try:
            text = self.line(offset).get(name)
        except (OSError, ValueError):
            return None
        return shorten_labels(text) if isinstance(text, str) else None


class OtherSession(Session):
    """A file that another session writes: read as far as it is complete, again and again."""

    def __init__(self, file: LogFile, words: Mapping[str, Words]) -> None:
        self._file, self._words = file, words
        super().__init__(self._no_rows(), self._line, self._picture)
        self._path = file.path
        self._read_to = 0
        self._size = 0
        self._earlier: Columns | None = None
        self._news: dict[int, None] | None = None
        self._descriptor: int | None = None
        self._unreadable = self._strange = ""
        self._warned = False

    def bodies(self) -> Iterator[tuple[str | None, str | None]]:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            self._unreadable = f"its bodies cannot be read ({error.strerror or error})"
            self.tell()
        try:
            yield from super().bodies()
        finally:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None

    def read_on(self) -> None:
        """Read what was written since the last look; all of it if the file became shorter."""
        try:
            size = self._path.stat().st_size
            self._unreadable = ""
            if size == self._size:
                return
            if size < self._read_to:
                self._start_over()
            if self._read_to == 0:
                self._read_to = load_sealed(self._path, self.columns)
                for number in self.columns.array("number").tolist():
                    self._note(number)
            with _progress(self._path.name, size - self._read_to) as advance:
                for offset, end, line in read_lines(self._path, self._read_to):
                    self._read_to = end
                    self._take(line, offset)
                    advance(end - offset)
            self._size = max(size, self._read_to)
        except FileNotFoundError:
            self._unreadable = ""
            self._start_over()
        except OSError as error:  # for a moment, perhaps
            self._unreadable = f"it cannot be read ({error.strerror or error})"

    def follow(self, following: bool) -> None:
        """Begin, or end, to remember what is new."""
        self._news = {} if following else None

    def news(self) -> list[Exchange]:
        """Return the exchanges that began or ended since the last call, without their bodies."""
        if not self._news:
            return []
        numbers, self._news = self._news, {}
        rows = (self.columns.row_of(number) for number in numbers)
        return [self.columns.exchange(row) for row in rows if row is not None]

    def tell(self) -> None:
        """Warn, once, of what cannot be read."""
        torn = "its last line is torn" if self._read_to < self._size else ""
        what = self._strange or self._unreadable or torn
        if what and not self._warned:
            self._warned = True
            warnings.warn(
                f"Log file {self._path.name}: {what}. That part is skipped, the rest is shown.",
                LogWarning,
                stacklevel=5,
            )

    def _no_rows(self) -> Columns:
        return Columns(self._file.session, self._words, self._file.source)

    def _start_over(self) -> None:
        """Forget the rows, but not which were known: they are no news if they come again."""
        if self._earlier is None or len(self.columns) > len(self._earlier):
            self._earlier = self.columns
        self.columns = self._no_rows()
        self._read_to = self._size = 0

    def _note(self, number: int, *, answered: bool = True) -> None:
        """Remember an exchange as news, unless that much of it was known before."""
        if self._news is None:
            return
        row = None if self._earlier is None else self._earlier.row_of(number)
        if self._earlier is not None and row is not None:
            known = self._earlier.places(row)[1] is not None or not answered
            if known:
                return
        self._news[number] = None

    def _picture(self, file_name: str) -> bytes | None:
        return read_picture(self._path.parent, file_name)

    def _line(self, offset: int) -> dict[str, Any]:
        if self._descriptor is not None:
            return line_at(self._descriptor, offset)
        with self._path.open("rb") as file:
            return line_at(file.fileno(), offset)

    def _take(self, line: dict[str, Any] | None, offset: int) -> None:
        if line is None:
            self._strange = "a line of it is no JSON object"
            return
        kind = line.get("kind")
        if kind == "log":
            if line.get("format") != FORMAT:
                self._strange = (
                    f"it has format {line.get('format')!r}, this version reads {FORMAT}; what can "
                    "be read is read"
                )
            return
        if kind not in ("request", "response"):
            return
        try:
            exchange = Exchange.from_line(line)
            number = number_of(exchange.exchange_id)
            row = self.columns.row_of(number)
            if kind == "request" and row is None:
                self.columns.begin(self.named(exchange), number, offset)
                self._note(number, answered=False)
            elif kind == "response" and row is not None:
                self.columns.finish(row, exchange, offset)
                self._note(number)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            self._strange = "a line of it has fields of a wrong type"


def number_of(exchange_id: str) -> int:
    """The number in an exchange's id; 0, which no exchange has, if there is none."""
    digits = str(exchange_id).rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0


class _progress:  # noqa: N801
    """A progress bar while many bytes are read; nothing for few."""

    def __init__(self, name: str, size: int) -> None:
        self._bar: Any = None
        if size > _LONG:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=size, unit="B", unit_scale=True, desc=f"reading {name}")

    def __enter__(self) -> Callable[[int], Any]:
        return (lambda size: None) if self._bar is None else self._bar.update

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
