"""Search files for a client key, in any dress, and for 32 hexadecimal digits in a key's place.

Every file is text here, whatever it is: a key in JSON, HTML or base64 is found as it stands there.
Of what is found, wherever it stood, no more than the first four characters are ever printed.
"""

from __future__ import annotations

import gzip
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from brocap_nb.api._secrets import Secret
from brocap_nb.sandbox._rules import keys_for

LARGEST: Final = 256 * 2**20  # bytes of a file, unpacked; a larger one is unreadable
# Only what is compressed or not ours; a hidden folder such as .ipynb_checkpoints is searched.
_SKIPPED: Final = frozenset({".git", ".hg", "node_modules"})
_DIGITS: Final = r"(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])"
# a header in a HAR is {"name": …, "value": …}
_LIKE: Final = re.compile(
    r"(?:client[_-]?key|api[_-]?key|(?<![a-z_])key(?:\s+is)?|\bclient\()"
    rf"(?:</?\w+>|value|[\\\"'`\s:=,>(\[]){{0,40}}{_DIGITS}",
    re.IGNORECASE,
)
_ESCAPED: Final = re.compile(r"\\(.)")
# keys of sandboxes are worth nothing, and shown in every other notebook
_SANDBOX_KEYS: Final = {key for seed in range(200) for key in keys_for(seed).values()}
_Path: TypeAlias = str | os.PathLike[str]


class Report(NamedTuple):
    """What a search found: lines to print, with file, place and what stands there."""

    findings: list[str]
    unreadable: list[str]
    files: int


def audit(paths: Iterable[_Path], key: str | None = None) -> Report:
    """Search files, and folders with all that is in them, for `key` and what looks like one."""
    findings, files, secret = dict[str, None](), 0, Secret(key or "")
    problems: list[tuple[object, Exception]] = []
    for path in _files(paths, lambda error: problems.append((error.filename, error))):
        try:
            found = (f"{_shown(str(path), secret)}: {one}" for one in _search(path, secret))
            findings |= dict.fromkeys(found)
            files += 1
        except Exception as error:  # no file, no gzip, no Parquet, or no pyarrow to read it
            problems.append((path, error))
    unreadable = [
        _shown(f"{path} cannot be searched: {getattr(e, 'strerror', None) or e}", secret)
        for path, e in problems
    ]
    return Report([*findings], unreadable, files)


def _files(paths: Iterable[_Path], refused: Callable[[OSError], None]) -> Iterator[Path]:
    for path in map(Path, map(os.path.expanduser, paths)):
        if not path.is_dir():
            yield path
        for folder, folders, names in os.walk(path, onerror=refused) if path.is_dir() else ():
            folders[:] = sorted(set(folders) - _SKIPPED)
            yield from (Path(folder, name) for name in sorted(names))


def _shown(text: str, secret: Secret) -> str:
    """A text that may be printed: without keys, on one line, and harmless to a terminal."""
    text = re.sub(_DIGITS, lambda d: f"{d[1][:4]}…", secret.redact(text), flags=re.IGNORECASE)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _search(path: Path, secret: Secret) -> Iterator[str]:
    yield from (f"its path: {what}" for _, what in _found(str(path), secret))
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise OSError("it is no file")
    name = path.name.lower()
    with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(f"it has more than {LARGEST:,} bytes")
    if not name.removesuffix(".gz").endswith(".parquet"):
        text = data.replace(b"\0", b"").decode("latin-1")  # of UTF-16 as well
        for number, what in _found(text, secret):
            yield f"line {number + 1}: {what}"
        return
    from pyarrow import parquet

    # not through pandas: a small file may unpack to more rows than there is memory for
    batches = parquet.ParquetFile(io.BytesIO(data)).iter_batches(batch_size=1_000)
    for batch, rows in enumerate(batches):
        for number, what in _found("\n".join(map(repr, rows.to_pylist())), secret):
            yield f"row {batch * 1_000 + number}: {what}"


def _found(text: str, secret: Secret) -> Iterator[tuple[int, str]]:
    """Where something stands in a text, as the number of its line, and what with its beginning."""
    clean = []
    for number, line in enumerate(text.split("\n")):
        clean.append(secret.redact(line))
        inner = _ESCAPED.sub(r"\1", line)  # JSON, or HTML, as a text in JSON
        if (line, inner) != (clean[-1], secret.redact(inner)):
            yield number, f"the key ({secret.reveal()[:4]}…)"
    rest = "\n".join(clean)
    for match in _LIKE.finditer(rest):
        digits = match[1].lower()
        if len(set(digits)) > 5 and digits not in _SANDBOX_KEYS:  # fewer are a placeholder
            yield rest.count("\n", 0, match.start(1)), f"looks like a key ({match[1][:4]}…)"
