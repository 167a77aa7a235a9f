"""Search files for a client key: what is saved, shared or committed should not hold one.

Two things are looked for: the key itself, in any dress in which it could have been written down,
and 32 hexadecimal digits that stand where a key stands (`clientKey`, `api_key`, `Client("…")`).
What is found is never printed, wherever it stood: no more than its first four characters.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from brocap_nb.api._json import parse
from brocap_nb.api._secrets import Secret
from brocap_nb.sandbox._rules import keys_for

THE_KEY: Final = "the key"
LIKE_A_KEY: Final = "looks like a key"
LARGEST: Final = 256 * 2**20
"""Bytes of a file, unpacked, that are searched; a larger one is unreadable."""

# Only what is compressed or not ours; a hidden folder such as .ipynb_checkpoints is searched.
_SKIPPED: Final = frozenset({".git", ".hg", "node_modules"})
_DIGITS: Final = r"(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])"
_LIKE: Final = re.compile(
    r"(?:client[_-]?key|api[_-]?key|(?<![a-z_])key(?:\s+is)?|\bclient\()"
    rf"(?:</?\w+>|[\\\"'`\s:=,>(\[]){{0,24}}{_DIGITS}",
    re.IGNORECASE,
)
_LINES: Final = ("jsonl", "ndjson")
_JSON: Final = ("ipynb", "json", "har", *_LINES)
_VARIETY: Final = 6  # fewer different digits are a placeholder
_SANDBOX_SEEDS: Final = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One place at which a key stands, or what looks like one."""

    path: str
    place: str
    what: str
    start: str  # its first four characters; never more

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
    """Search files, and folders with all that is in them, for `key` and what looks like one."""
    report = Report()
    secret = Secret(key) if key else None
    for path in _files(paths, report):
        shown = _shown(str(path), secret)
        try:
            found = list(_search(path, secret))
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            report.unreadable.append((shown, _shown(reason, secret)))
            continue
        report.files += 1
        places = dict.fromkeys((_shown(place, secret), *what) for place, what in found)
        report.findings += [Finding(shown, *place) for place in places]
    report.unreadable = [(_shown(path, secret), reason) for path, reason in report.unreadable]
    return report


_What = tuple[str, str]  # what it is, and its first characters
_Spot = tuple[str, _What]


def _files(paths: Iterable[str | os.PathLike[str]], report: Report) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        report.unreadable.append((str(error.filename), error.strerror or str(error)))

    for path in map(Path, paths):
        if not path.is_dir():
            yield path
        for folder, folders, names in os.walk(path, onerror=refused) if path.is_dir() else ():
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            yield from (Path(folder, name) for name in sorted(names))


def _shown(text: str, secret: Secret | None) -> str:
    """A text that may be printed: without keys, on one line, and harmless to a terminal."""
    text = secret.redact(text) if secret is not None else text
    text = re.sub(_DIGITS, lambda digits: f"{digits[1][:4]}…", text, flags=re.IGNORECASE)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _search(path: Path, secret: Secret | None) -> Iterator[_Spot]:
    for what in _kinds(str(path), secret):
        yield "its path", what
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise OSError("it is no file")
    name = path.name.lower()
    with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(f"it has more than {LARGEST:,} bytes")
    kind = name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        yield from _parquet(data, secret)
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        # a notebook saved as UTF-16 has a NUL in each character, which the key's pattern allows
        yield from (("in its bytes", what) for what in _kinds(data.decode("latin-1"), secret))
        return
    for number, part in enumerate(text.split("\n") if kind in _LINES else [text], 1):
        place = f"line {number}" if kind in _LINES else ""
        if place and "\\" not in part and not any(_kinds(part, secret)):
            continue
        value, problem = parse(part) if kind in _JSON else (None, "")
        if problem is None:
            yield from _walk(value, place, secret)
        else:  # plain text, torn, or not what its name says
            yield from _text(part, secret, place)


def _kinds(text: str, secret: Secret | None) -> Iterator[_What]:
    """What stands in a text."""
    rest = text
    if secret is not None:
        rest = secret.redact(text)
        if rest != text:
            yield THE_KEY, secret.reveal()[:4]
    for match in _LIKE.finditer(rest):
        digits = match[1].lower()
        if len(set(digits)) >= _VARIETY and digits not in _sandbox_keys():
            yield LIKE_A_KEY, match[1][:4]


def _text(text: str, secret: Secret | None, place: str = "") -> Iterator[_Spot]:
    """Search a text; name the line, if it has several."""
    whole = list(_kinds(text, secret))
    lines = text.splitlines() if whole else []
    named = False
    for number, line in enumerate(lines, 1):
        for what in _kinds(line, secret):
            named = True
            where = f"line {number}" if len(lines) > 1 or not place else ""
            yield ", ".join(filter(None, (place, where))), what
    if not named:  # it goes over the end of a line
        yield from ((place or "over several lines", what) for what in whole)


def _walk(document: Any, place: str, secret: Secret | None) -> Iterator[_Spot]:
    """Search a JSON value; a place is the path to it."""
    top = f"{place}, " if place else ""
    rest: list[tuple[str, str, Any]] = [("", "", document)]
    while rest:
        path, name, value = rest.pop()
        place = _in_words(top + path) or "top"
        inner: list[tuple[str, str, Any]] = []
        if isinstance(value, dict):
            label = value.get("name")  # a header in a HAR is {"name": …, "value": …}
            for one, item in value.items():
                yield from ((f"{place}: a name", what) for what in _kinds(str(one), secret))
                known = label if one == "value" and isinstance(label, str) else str(one)
                inner.append((f"{path}.{one}".lstrip("."), known, item))
        elif isinstance(value, list):
            # a notebook keeps a text in pieces
            texts = all(isinstance(item, str) for item in value)
            found = list(_text("".join(value), secret, place)) if texts else []
            yield from found
            if not found:
                inner = [(f"{path}[{at}]", name, item) for at, item in enumerate(value)]
        else:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            found = list(_text(text, secret, place))
            yield from found or (
                (place, what)
                for what in _kinds(f"{name}: {text}", secret)
                if what[0] == LIKE_A_KEY  # the name tells it from other digits
            )
        rest += reversed(inner)


def _in_words(path: str) -> str:
    """Cells and outputs of a notebook by their numbers, as a person counts them."""
    path = re.sub(r"\.?\bcells\[(\d+)\](\.source)?", lambda m: f"cell {int(m[1]) + 1}", path)
    path = re.sub(r"\.outputs\[(\d+)\]", lambda m: f", output {int(m[1]) + 1}", path)
    return path.removesuffix(", ")


def _parquet(data: bytes, secret: Secret | None) -> Iterator[_Spot]:
    if find_spec("pyarrow") is None:
        raise OSError(
            'to search Parquet, pyarrow is needed: python -m pip install "brocap_nb[parquet]"'
        )
    from pyarrow import ArrowException, parquet

    number = 0
    try:
        table = parquet.ParquetFile(io.BytesIO(data))
        for name, value in (table.schema_arrow.metadata or {}).items():
            yield from _walk(value, f"metadata {name.decode('latin-1')}", secret)
        for batch in table.iter_batches(batch_size=1_000):
            for row in batch.to_pylist():
                yield from _walk(row, f"row {number}", secret)
                number += 1
    except (ArrowException, OSError, ValueError) as error:
        raise OSError(f"it is no Parquet file ({type(error).__name__})") from None


@lru_cache(maxsize=1)
def _sandbox_keys() -> frozenset[str]:
    """Keys of sandboxes: worth nothing, and shown in every other notebook."""
    return frozenset(key for seed in range(_SANDBOX_SEEDS) for key in keys_for(seed).values())
