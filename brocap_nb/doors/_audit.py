"""Search files for a client key: what is saved, shared or committed should not hold one.

Two things are looked for: the key itself, in any dress in which it could have been written down,
and 32 hexadecimal digits that stand where a key stands (`clientKey`, `api_key`, `Client("…")`).
Notebooks, HAR, JSON Lines and Parquet are taken apart, so that a place can be named; the rest is
searched as text or bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from brocap_nb.api._secrets import Secret

THE_KEY: Final = "the key"
LIKE_A_KEY: Final = "looks like a key"

# Only what is compressed or not ours; a hidden folder such as .ipynb_checkpoints is searched.
_SKIPPED: Final = frozenset({".git", ".hg", "node_modules"})
_LIKE: Final = re.compile(
    r"(?:client[_-]?key|api[_-]?key|(?<![a-z_])key(?:\s+is)?|\bclient\()"
    r"(?:</?\w+>|[\\\"'`\s:=,>(\[]){0,24}"
    r"(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])",
    re.IGNORECASE,
)
_SHOWN: Final = 4
_SANDBOX_SEEDS: Final = 200
_VARIETY: Final = 6  # fewer different digits are a placeholder


@dataclass(frozen=True, slots=True)
class Finding:
    """One place at which a key stands, or what looks like one."""

    path: str
    place: str
    """Where in the file: a cell, a line, or a path into its JSON."""
    what: str
    """`the key` or `looks like a key`."""
    start: str
    """Its first four characters; never more."""

    def __str__(self) -> str:
        return f"{self.path}: {self.place}: {self.what} ({self.start}…)"


@dataclass(slots=True)
class Report:
    """What a search found."""

    findings: list[Finding] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Paths that could not be searched, each with the reason."""
    files: int = 0
    """How many files were searched."""

    @property
    def exit_code(self) -> int:
        """1: something was found. 2: nothing was, but a path could not be read. Else 0."""
        return 1 if self.findings else 2 if self.unreadable else 0


def audit(paths: Iterable[str | os.PathLike[str]], key: str | None = None) -> Report:
    """Search files, and folders with all that is in them, for a key.

    >>> from pathlib import Path
    >>> from brocap_nb.doors._audit import audit
    >>> Path("notes.txt").write_text(f"my key: {'0123456789abcdef' * 2}")
    40
    >>> print(audit(["notes.txt"]).findings[0])
    notes.txt: line 1: looks like a key (0123…)

    Args:
        paths: files and folders.
        key: the key to look for; without one, only what looks like a key is found.
    """
    report = Report()
    secret = Secret(key) if key else None
    for given in paths:
        for path in _files(Path(given), report):
            report.files += 1
            try:
                found = list(_search(path, path.name, path.read_bytes(), secret))
            except (OSError, _UnreadableError, EOFError, zlib.error) as error:
                report.files -= 1
                reason = getattr(error, "strerror", None) or str(error)
                report.unreadable.append((str(path), reason))
                continue
            for place, (what, start) in dict.fromkeys(found):
                report.findings.append(Finding(str(path), place, what, start))
    return report


class _UnreadableError(Exception):
    """A file that cannot be searched, in a sentence."""


_Spot = tuple[str, tuple[str, str]]  # place, (what, start)


def _files(path: Path, report: Report) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return

    def refused(error: OSError) -> None:
        report.unreadable.append((str(error.filename), error.strerror or str(error)))

    for folder, folders, names in os.walk(path, onerror=refused):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file():  # no socket, no pipe: they would be waited for
                yield file


def _search(path: Path, name: str, data: bytes, secret: Secret | None) -> Iterator[_Spot]:
    kind = name.lower().rpartition(".")[2]
    if kind == "gz":
        yield from _search(path, name[:-3], gzip.decompress(data), secret)
        return
    if kind == "parquet":
        yield from _parquet(data, secret)
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        # a notebook saved as UTF-16 has a NUL in each character, which the key's pattern allows
        for what in _kinds(data.decode("latin-1"), secret):
            yield "in its bytes", what
        return
    try:
        if kind == "ipynb":
            yield from _notebook(json.loads(text), secret)
        elif kind in ("json", "har"):
            yield from _json(json.loads(text), "", secret)
        elif kind in ("jsonl", "ndjson"):
            yield from _json_lines(text, secret)
        else:
            yield from _text(text, secret)
    except (ValueError, RecursionError):  # torn, or not what its name says
        yield from _text(text, secret)


def _kinds(text: str, secret: Secret | None) -> Iterator[tuple[str, str]]:
    """What stands in a text: (what, its first characters)."""
    rest = text
    if secret is not None:
        rest = secret.redact(text)
        if rest != text:
            yield THE_KEY, secret.reveal()[:_SHOWN]
    for match in _LIKE.finditer(rest):
        digits = match[1].lower()
        if len(set(digits)) >= _VARIETY and digits not in _sandbox_keys():
            yield LIKE_A_KEY, match[1][:_SHOWN]


def _text(text: str, secret: Secret | None, place: str = "") -> Iterator[_Spot]:
    """Search a text; name the line, if it has several."""
    whole = list(_kinds(text, secret))
    if not whole:
        return
    named = False
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        for what in _kinds(line, secret):
            named = True
            where = f"line {number}" if len(lines) > 1 or not place else ""
            yield ", ".join(filter(None, (place, where))), what
    if not named:  # it goes over the end of a line
        yield from ((place or "over several lines", what) for what in whole)


def _json_lines(text: str, secret: Secret | None) -> Iterator[_Spot]:
    for number, line in enumerate(text.split("\n"), 1):
        if not any(_kinds(line, secret)) and "\\" not in line:
            continue
        try:
            found = list(_json(json.loads(line), "", secret))
        except (ValueError, RecursionError):
            found = [("", what) for what in _kinds(line, secret)]
        for place, what in found:
            yield ", ".join(filter(None, (f"line {number}", place))), what


def _notebook(document: Any, secret: Secret | None) -> Iterator[_Spot]:
    """Cells by their number, outputs by theirs, and the rest by its path."""
    document = dict(document)
    cells = document.pop("cells", None)
    for number, cell in enumerate(cells if isinstance(cells, list) else [], 1):
        where = f"cell {number}"
        if not isinstance(cell, dict):
            yield from _json(cell, where, secret)
            continue
        rest = dict(cell)
        yield from _text(_joined(rest.pop("source", "")), secret, where)
        outputs = rest.pop("outputs", None) or []
        for index, output in enumerate(outputs, 1):
            yield from _json(output, f"{where}, output {index}", secret)
        yield from _json(rest, where, secret)
    yield from _json(document, "", secret)


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _json(value: Any, place: str, secret: Secret | None, name: str = "") -> Iterator[_Spot]:
    """Search a JSON value; `name` is the name it goes by, which tells a key from other digits."""
    if isinstance(value, str):
        yield from _text(value, secret, place or "its only value")
        if name:
            for what in _kinds(f"{name}: {value}", secret):
                if what[0] == LIKE_A_KEY:
                    yield place, what
    elif isinstance(value, dict):
        label = value.get("name")
        for inner, item in value.items():
            under = f"{place}.{inner}" if place else inner
            if any(_kinds(inner, secret)):
                yield f"{place or 'top'}: a name", next(_kinds(inner, secret))
            # a header in a HAR is {"name": …, "value": …}
            known = label if inner == "value" and isinstance(label, str) else inner
            yield from _json(item, under, secret, known)
    elif isinstance(value, list):
        texts = bool(value) and all(isinstance(item, str) for item in value)
        if texts and len(value) > 1 and all(item.endswith("\n") for item in value[:-1]):
            yield from _text("".join(value), secret, place)  # as a notebook keeps a text
            return
        found = False
        for index, item in enumerate(value):
            for spot in _json(item, f"{place}[{index}]", secret, name):
                found = True
                yield spot
        if texts and not found:
            yield from _text("".join(value), secret, place)  # a text that is kept in pieces


def _parquet(data: bytes, secret: Secret | None) -> Iterator[_Spot]:
    if find_spec("pyarrow") is None:
        raise _UnreadableError(
            'to search Parquet, pyarrow is needed: python -m pip install "brocap_nb[parquet]"'
        )
    from pyarrow import ArrowException, parquet

    try:
        rows = parquet.ParquetFile(io.BytesIO(data))
        first = 0
        for batch in rows.iter_batches():
            for number, row in enumerate(batch.to_pylist(), first):
                yield from _json(_plain(row), f"row {number}", secret)
            first += batch.num_rows
        metadata = rows.schema_arrow.metadata or {}
    except (ArrowException, OSError, ValueError) as error:
        raise _UnreadableError(f"it is no Parquet file ({type(error).__name__})") from None
    for name, value in metadata.items():
        told = name.decode("utf-8", "replace")
        yield from _text(value.decode("utf-8", "replace"), secret, f"metadata {told}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


@lru_cache(maxsize=1)
def _sandbox_keys() -> frozenset[str]:
    """Keys of sandboxes: worth nothing, and shown in every other notebook."""
    from brocap_nb.sandbox._rules import keys_for

    return frozenset(key for seed in range(_SANDBOX_SEEDS) for key in keys_for(seed).values())
