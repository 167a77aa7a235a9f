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
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from brocap_nb.api._json import parse
from brocap_nb.api._secrets import Secret
from brocap_nb.sandbox._rules import keys_for

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
_VARIETY: Final = 6  # fewer different digits are a placeholder
_SANDBOX_SEEDS: Final = 200

_Spot = tuple[str, str]  # a place, and what stands there


class Report(NamedTuple):
    """What a search found: lines to print, with file, place and what stands there."""

    findings: list[str]
    unreadable: list[str]
    files: int


def audit(paths: Iterable[str | os.PathLike[str]], key: str | None = None) -> Report:
    """Search files, and folders with all that is in them, for `key` and what looks like one."""
    findings, files, secret = dict[str, None](), 0, Secret(key or "")
    problems: list[tuple[object, Exception]] = []
    for path in _files(paths, lambda error: problems.append((error.filename, error))):
        try:
            spots = list(_search(path, secret))
        except Exception as error:  # no file, no gzip, no Parquet, or no pyarrow to read it
            problems.append((path, error))
            continue
        files += 1
        findings |= {_shown(f"{path}: {place}: ", secret) + what: None for place, what in spots}
    unreadable = [
        _shown(f"{path} cannot be searched: {getattr(e, 'strerror', None) or e}", secret)
        for path, e in problems
    ]
    return Report([*findings], unreadable, files)


def _files(
    paths: Iterable[str | os.PathLike[str]], refused: Callable[[OSError], None]
) -> Iterator[Path]:
    for path in map(Path, map(os.path.expanduser, paths)):
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path, onerror=refused):
            folders[:] = sorted(set(folders) - _SKIPPED)
            yield from (Path(folder, name) for name in sorted(names))


def _shown(text: str, secret: Secret) -> str:
    """A text that may be printed: without keys, on one line, and harmless to a terminal."""
    text = re.sub(_DIGITS, lambda d: f"{d[1][:4]}…", secret.redact(text), flags=re.IGNORECASE)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _search(path: Path, secret: Secret) -> Iterator[_Spot]:
    yield from (("its path", what) for what in _kinds(str(path), secret))
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise OSError("it is no file")
    name = path.name.lower()
    with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(f"it has more than {LARGEST:,} bytes")
    parts = _rows(data) if name.removesuffix(".gz").endswith(".parquet") else _parts(data)
    found = [spot for part in parts for spot in _walk(*part, secret)]
    whole = data.decode("latin-1")
    # it may go over the end of a line, or stand in what is no text
    yield from found or (("in the whole file", what) for what in _kinds(whole, secret))


def _parts(data: bytes) -> Iterator[tuple[str, Any]]:
    """A file's JSON, or its lines, which may be JSON each; with the place."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    value, _ = parse(text)
    if isinstance(value, dict | list):
        yield "", value
        return
    for number, line in enumerate(text.split("\n"), 1):
        value = parse(line)[0] if line.startswith("{") else None
        yield f"line {number}", value or line


def _rows(data: bytes) -> Iterator[tuple[str, Any]]:
    from pyarrow import parquet

    # not through pandas: a small file may unpack to more rows than there is memory for
    batches = parquet.ParquetFile(io.BytesIO(data)).iter_batches(batch_size=1_000)
    rows = (row for batch in batches for row in batch.to_pylist())
    yield from ((f"row {number}", row) for number, row in enumerate(rows))


def _walk(top: str, document: Any, secret: Secret) -> Iterator[_Spot]:
    """Search a JSON value; a place is the path to it."""
    rest: list[tuple[str, str, Any]] = [("", "", document)]
    while rest:
        path, name, value = rest.pop()
        place = ", ".join(filter(None, (top, path.lstrip(".")))) or "top"
        if isinstance(value, dict):
            for one in value:
                yield from ((f"{place}: a name", what) for what in _kinds(str(one), secret))
            # a header in a HAR is {"name": …, "value": …}
            names = {"value": str(value.get("name", "value"))}
            inner = [(f"{path}.{one}", names.get(one, str(one)), value[one]) for one in value]
        elif isinstance(value, list):
            inner = [(f"{path}[{at}]", name, item) for at, item in enumerate(value)]
        else:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            # the name tells a key from other digits
            yield from ((place, what) for what in _kinds(f"{name}: {text}", secret))
            continue
        rest += reversed(inner)


def _kinds(text: str, secret: Secret) -> Iterator[str]:
    """What stands in a text, with its first four characters."""
    rest = secret.redact(text)
    if rest != text:
        yield f"the key ({secret.reveal()[:4]}…)"
    for match in _LIKE.finditer(rest):
        digits = match[1].lower()
        if len(set(digits)) >= _VARIETY and digits not in _sandbox_keys():
            yield f"looks like a key ({match[1][:4]}…)"


@lru_cache(maxsize=1)
def _sandbox_keys() -> frozenset[str]:
    """Keys of sandboxes: worth nothing, and shown in every other notebook."""
    return frozenset(key for seed in range(_SANDBOX_SEEDS) for key in keys_for(seed).values())
