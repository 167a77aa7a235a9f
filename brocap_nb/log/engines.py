"""Read a log's folder as it is with pandas, Polars, DuckDB or Dask.

A folder may outgrow a kernel, or a machine: these engines read its lines themselves, each as far
as it needs to. They are not installed with brocap_nb: `pip install "brocap_nb[engines]"`.

    >>> from brocap_nb.log import engines, summaries
    >>> bn.Client(sandbox.key, base_url=sandbox.url).get_balance()
    Balance(balance=10.0)
    >>> frame = engines.scan("brocap_log", "duckdb")
    >>> summaries.latency(frame).columns
    ['method', 'task_type', 'count', 'p50_ms', 'p95_ms', 'max_ms']
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import pandas as pd

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome
from brocap_nb.log._folders import is_pattern, log_files

__all__ = ["BLOCK_BYTES", "ENGINES", "scan"]

BLOCK_BYTES: Final = 64 * 1024 * 1024
"""How much of a file is one partition for Dask."""

_TEXT, _WHOLE, _DECIMAL, _TIME = "text", "whole", "decimal", "time"
_COLUMNS: Final = {
    "exchange_id": _TEXT,
    "started_at": _TIME,
    "session": _TEXT,
    "method": _TEXT,
    "task_type": _TEXT,
    "task_id": _WHOLE,
    "attempt": _WHOLE,
    "outcome": _TEXT,
    "http_status": _WHOLE,
    "error_id": _WHOLE,
    "error_code": _TEXT,
    "error_description": _TEXT,
    "status": _TEXT,
    "elapsed_ms": _DECIMAL,
    "request_bytes": _WHOLE,
    "response_bytes": _WHOLE,
}
_LINE: Final = {"kind": _TEXT, **_COLUMNS}


def scan(folder: str | os.PathLike[str], engine: str = "polars") -> Any:
    """Return the exchanges of a log's folder as a frame of an engine.

    The frame has the columns of `log.frame(bodies=False)`, with plain texts for categories, and no
    order. A request without an answer is there with the outcome `no_response`. The columns have
    the same types whatever the lines hold; a line that is no JSON, like the torn last one of a
    killed process, is passed over.

    >>> from brocap_nb.log import engines
    >>> bn.Client(sandbox.key, base_url=sandbox.url).get_balance()
    Balance(balance=10.0)
    >>> engines.scan("brocap_log", "duckdb").select("method, outcome").fetchall()
    [('getBalance', 'ok')]

    Args:
        folder: the log's folder, or the pattern of many, `log.folder`. With a pattern the frame
            has the column `source` after `session`, as `log.frame()` has.
        engine: `pandas` (all in memory), `polars` (a LazyFrame), `duckdb` (a relation) or `dask`
            (a DataFrame of the current cluster; each worker must see the folder).

    Returns:
        The native frame. `brocap_nb.log.summaries` takes it as it is.

    Raises:
        InvalidInputError: there is no such engine or folder, or the engine is not installed.
    """
    reader = _READERS.get(engine)
    if reader is None:
        raise InvalidInputError(
            f"There is no engine {engine!r}. Choose one of {', '.join(ENGINES)}.", field="engine"
        )
    folder = Path(folder).absolute()
    if not (is_pattern(folder) or folder.is_dir()):
        raise InvalidInputError(
            f"There is no folder {folder}; expected that of a log, such as brocap_log. Check the "
            "path, or send a first request: the folder is made with it.",
            field="folder",
        )
    groups = _groups(folder)
    try:
        read = reader(list(groups.values()))
    except ImportError as error:
        raise InvalidInputError(
            f"The engine {engine} is not installed ({error}). Install it with: "
            'python -m pip install "brocap_nb[engines]"',
            field="engine",
        ) from None
    frames = [
        _exchanges(nw.from_native(lines), source)
        for source, lines in zip(groups, read, strict=True)
    ]
    return nw.to_native(nw.concat(frames) if len(frames) > 1 else frames[0])


def _groups(folder: Path) -> dict[str | None, list[str]]:
    """The files of each source that have something in them; at least one group."""
    groups: dict[str | None, list[str]] = {}
    for file in log_files(folder):
        if file.path.stat().st_size:
            groups.setdefault(file.source, []).append(str(file.path))
    return groups or {"" if is_pattern(folder) else None: []}


def _exchanges(lines: Any, source: str | None) -> Any:
    """From lines to exchanges: an answer's line repeats what its request's line says."""
    names = list(_COLUMNS)
    lines = lines.filter(~nw.col("started_at").is_null())
    answers = lines.filter(nw.col("kind").is_in(["response", "callback"])).select(names)
    requests = lines.filter(nw.col("kind") == "request").select(names)
    waiting = requests.join(answers.select("exchange_id"), on="exchange_id", how="anti")
    lost = waiting.with_columns(nw.lit(str(Outcome.NO_RESPONSE)).alias("outcome")).select(names)
    exchanges = nw.concat([answers, lost])
    if source is None:
        return exchanges
    named = {
        name: nw.concat_str([nw.lit(f"{source}/"), nw.col(name)]).alias(name)
        for name in ("exchange_id", "session")
    }
    after = names.index("session") + 1
    columns = [named.get(name, nw.col(name)) for name in names]
    return exchanges.select(*columns[:after], nw.lit(source).alias("source"), *columns[after:])


def _polars(groups: list[list[str]]) -> list[Any]:
    pl: Any = import_module("polars")
    return [_polars_lines(pl, files) for files in groups]


def _polars_lines(pl: Any, files: list[str]) -> Any:
    types = {_TEXT: pl.String, _WHOLE: pl.Int64, _DECIMAL: pl.Float64, _TIME: pl.String}
    fields = {name: types[kind] for name, kind in _LINE.items()}
    damaged = [path for path in files if not _looks_whole(path)]
    whole = [path for path in files if path not in damaged]
    lines = [pl.LazyFrame(schema=fields)]
    if whole:
        lines.append(pl.scan_ndjson(whole, schema=fields))
    if damaged:
        lines.append(_polars_line_by_line(pl, damaged, fields))
    return pl.concat(lines).with_columns(
        pl.col("started_at").str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
        )
    )


def _polars_line_by_line(pl: Any, files: list[str], fields: dict[str, Any]) -> Any:
    """Polars' own reader refuses a whole file for one torn line."""
    line = pl.col("line")  # lines are ASCII, and JSON has no control characters in it
    return (
        pl.scan_csv(
            files,
            separator="\x1f",
            has_header=False,
            quote_char=None,
            schema={"line": pl.String},
            truncate_ragged_lines=True,
        )
        .filter(line.str.json_path_match("$.kind").is_not_null())
        .select(line.str.json_decode(pl.Struct(fields)).alias("line"))
        .unnest("line")
    )


def _looks_whole(path: str) -> bool:
    """Whether each line begins and ends as a line of a log does: cheap, next to parsing it."""
    begun, ended, newlines, last = 0, 0, 0, b"\n"
    with open(path, "rb") as file:  # noqa: PTH123
        while data := file.read(BLOCK_BYTES):
            data = last + data
            begun += data.count(b'\n{"kind":"')
            ended += data.count(b"}\n")
            newlines += data.count(b"\n") - last.count(b"\n")
            last = data[-10:]
            begun -= last.count(b'\n{"kind":"')
            ended -= last.count(b"}\n")
    begun += last.count(b'\n{"kind":"')
    ended += last.count(b"}\n")
    return begun == ended == newlines and last.endswith(b"\n")


def _duckdb(groups: list[list[str]]) -> list[Any]:
    duckdb: Any = import_module("duckdb")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})  # no download
    connection.execute("SET TimeZone = 'UTC'")
    return [_duckdb_lines(connection, files) for files in groups]


def _duckdb_lines(connection: Any, files: list[str]) -> Any:
    types = {_TEXT: "VARCHAR", _WHOLE: "BIGINT", _DECIMAL: "DOUBLE", _TIME: "TIMESTAMPTZ"}
    if not files:
        empty = ", ".join(f"NULL::{types[kind]} AS {name}" for name, kind in _LINE.items())
        return connection.sql(f"SELECT {empty} WHERE false")
    return connection.read_json(
        files,
        format="newline_delimited",
        columns={name: types[kind] for name, kind in _LINE.items()},
        ignore_errors=True,
    )


def _pandas(groups: list[list[str]]) -> list[Any]:
    return [_pandas_lines(files) for files in groups]


def _pandas_lines(files: list[str]) -> Any:
    blocks = [_read_block(*block) for block in _blocks(files)]
    return pd.concat(blocks, ignore_index=True) if blocks else _no_lines()


def _dask(groups: list[list[str]]) -> list[Any]:
    dask: Any = import_module("dask.dataframe")
    return [_dask_lines(dask, files) for files in groups]


def _dask_lines(dask: Any, files: list[str]) -> Any:
    blocks = list(_blocks(files))
    if not blocks:
        return dask.from_pandas(_no_lines(), npartitions=1)
    return dask.from_map(_read_blocks, blocks, meta=_no_lines())


_READERS: Final[dict[str, Callable[[list[list[str]]], list[Any]]]] = {
    "pandas": _pandas,
    "polars": _polars,
    "duckdb": _duckdb,
    "dask": _dask,
}

ENGINES: Final = tuple(_READERS)
"""The engines that `scan` knows."""


def _blocks(files: list[str]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        size = Path(path).stat().st_size
        for start in range(0, size, BLOCK_BYTES):
            yield path, start, min(start + BLOCK_BYTES, size)


def _read_blocks(block: tuple[str, int, int]) -> pd.DataFrame:
    return _read_block(*block)


def _read_block(path: str, start: int, end: int) -> pd.DataFrame:
    """Return the lines of a file that begin at `start` or later and before `end`."""
    with open(path, "rb") as file:  # noqa: PTH123
        if start:
            file.seek(start - 1)
            file.readline()  # it began in the block before
        if file.tell() >= end:
            return _no_lines()  # it ends there or later, too
        data = file.read(end - file.tell())
        if not data.endswith(b"\n"):
            data += file.readline()
    return _lines(data)


def _lines(data: bytes) -> pd.DataFrame:
    pa: Any = import_module("pyarrow")
    from_json: Any = import_module("pyarrow.json")
    types = {
        _TEXT: pa.string(),
        _WHOLE: pa.int64(),
        _DECIMAL: pa.float64(),
        _TIME: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in _LINE.items()])
    options = from_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    reading = from_json.ReadOptions(block_size=max(len(data) + 1, 1024))
    try:
        table = from_json.read_json(pa.BufferReader(data), reading, options)
    except pa.ArrowInvalid:  # no line at all, or one that is no line of a log: line by line
        sound = b"".join(line for line in data.splitlines(keepends=True) if _is_sound(line))
        if not sound:
            return _no_lines()
        table = from_json.read_json(pa.BufferReader(sound), reading, options)
    return pd.DataFrame({name: _series(table[name], kind) for name, kind in _LINE.items()})


def _is_sound(line: bytes) -> bool:
    try:
        fields = json.loads(line)
        for name, kind in _LINE.items():
            value = fields.get(name)
            if value is not None and not (isinstance(value, _PYTHON[kind]) and value is not True):
                return False
        datetime.fromisoformat(fields["started_at"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    return True


def _series(column: Any, kind: str) -> Any:
    if kind == _WHOLE:
        return column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)
    return column.to_pandas().astype(_DTYPES[kind])


_PYTHON: Final[dict[str, Any]] = {_TEXT: str, _WHOLE: int, _DECIMAL: (int, float), _TIME: str}

_DTYPES: Final[dict[str, Any]] = {
    _TEXT: pd.Series([""]).dtype,
    _WHOLE: "Int64",
    _DECIMAL: "float64",
    _TIME: "datetime64[us, UTC]",
}


def _no_lines() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=_DTYPES[kind]) for name, kind in _LINE.items()})
