"""Sessions of a log: the rows of one, how to read its lines, and how to follow another's file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from brocap_nb.exchange import Exchange
from brocap_nb.log.columns import Columns, Words
from brocap_nb.log.journal import FORMAT, LogWarning, line_at, read_lines
from brocap_nb.log.segments import load_sealed
from brocap_nb.redaction import shorten_labels

__all__ = ["OtherSession", "Session", "number_of"]

_LONG: Final = 50_000_000  # bytes of lines from which on reading them shows its progress


class Session:
    """The rows of one session, and how to read its lines."""

    def __init__(self, columns: Columns, line: Callable[[int], dict[str, Any]]) -> None:
        self.columns = columns
        self.line = line

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

    def __init__(self, path: Path, words: Mapping[str, Words]) -> None:
        session = path.stem.rpartition("-")[2]
        super().__init__(Columns(session, words), self._line)
        self._path = path
        self._read_to = 0
        self._warned = False
        self._descriptor: int | None = None

    def bodies(self) -> Iterator[tuple[str | None, str | None]]:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            self._warn(f"its bodies cannot be read ({error.strerror or error})")
        try:
            yield from super().bodies()
        finally:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None

    def read_on(self) -> None:
        """Read what was written since the last look."""
        try:
            size = self._path.stat().st_size
            if size == self._read_to:
                return
            if self._read_to == 0:
                self._read_to = load_sealed(self._path, self.columns)
            with _progress(self._path.name, size - self._read_to) as advance:
                for offset, end, line in read_lines(self._path, self._read_to):
                    self._read_to = end
                    self._take(line, offset)
                    advance(end - offset)
            if self._read_to < size:
                self._warn("its last line is torn")
        except OSError as error:
            self._warn(f"it cannot be read ({error.strerror or error})")

    def _line(self, offset: int) -> dict[str, Any]:
        if self._descriptor is not None:
            return line_at(self._descriptor, offset)
        with self._path.open("rb") as file:
            return line_at(file.fileno(), offset)

    def _take(self, line: dict[str, Any] | None, offset: int) -> None:
        if line is None:
            self._warn("a line of it is no JSON object")
            return
        kind = line.get("kind")
        if kind == "log":
            if line.get("format") != FORMAT:
                self._warn(
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
                self.columns.begin(exchange, number, offset)
            elif kind == "response" and row is not None:
                self.columns.finish(row, exchange, offset)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            self._warn("a line of it has fields of a wrong type")

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"Log file {self._path.name}: {what}. That part is skipped, the rest is shown.",
                LogWarning,
                stacklevel=4,
            )


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
