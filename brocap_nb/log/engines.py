"""Read a log's folder as it is with pandas, Polars, DuckDB or Dask.

A folder may outgrow a kernel, or a machine: these engines read its lines themselves, each as far
as it needs to. They are not installed with brocap_nb: `pip install "brocap_nb[engines]"`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import pandas as pd

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome
from brocap_nb.log._folders import is_pattern, log_files, path_of
from brocap_nb.log._rows import DESCRIBED, UTC_TIME

__all__ = ["BLOCK_BYTES", "ENGINES", "scan", "schema"]

BLOCK_BYTES: Final = 64 * 1024 * 1024
"""How much of a file is one partition for Dask."""

_TEXT, _WHOLE, _DECIMAL, _TIME = "text", "whole", "decimal", "time"
_KINDS: Final = {
    **dict.fromkeys(("string", "category"), _TEXT),
    **dict.fromkeys(("int32", "int64", "Int64"), _WHOLE),
    "float64": _DECIMAL,
    "datetime, UTC": _TIME,
}
_COLUMNS: Final = {
    name: _KINDS[dtype]
    for name, (dtype, _) in DESCRIBED.items()
    if name not in ("request", "response")
}
_LINE: Final = {"kind": _TEXT, **_COLUMNS}


def scan(folder: str | os.PathLike[str], engine: str = "polars") -> Any:
    """Return the exchanges of a log's folder as a frame of an engine, for `summaries`.

    The frame has the columns of `log.frame(bodies=False)`, with plain texts for categories, and no
    order. A line that is no JSON, like the torn last one of a killed process, is passed over.

    >>> from brocap_nb.log import engines
    >>> bn.Client(sandbox.key, base_url=sandbox.url).get_balance()
    Balance(balance=10.0)
    >>> engines.scan("brocap_log", "duckdb").select("method, outcome").fetchall()
    [('getBalance', 'ok')]

    Args:
        folder: the log's folder, or the pattern of many, `log.folder`.
        engine: `pandas` (all in memory), `polars` (a LazyFrame), `duckdb` (a relation) or `dask`
            (a DataFrame of the current cluster; each worker must see the folder).

    Raises:
        InvalidInputError: there is no such engine or folder, or the engine is not installed.
    """
    reader = _reader(engine)
    folder = path_of(folder).absolute()
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


def schema(engine: str = "duckdb") -> Any:
    """Return the columns of a log's lines and their types, for a reader of one's own.

    >>> from brocap_nb.log import engines
    >>> engines.schema("duckdb")["method"]
    'VARCHAR'

    Args:
        engine: `duckdb`, names of SQL; `polars`, its own types, where times are texts; `pandas`
            or `dask`, a schema of PyArrow.

    Raises:
        InvalidInputError: there is no such engine, or it is not installed.
    """
    _reader(engine)
    types: dict[str, Any]
    if engine == "duckdb":
        types = {_TEXT: "VARCHAR", _WHOLE: "BIGINT", _DECIMAL: "DOUBLE", _TIME: "TIMESTAMPTZ"}
    elif engine == "polars":
        pl: Any = import_module("polars")
        types = {_TEXT: pl.String, _WHOLE: pl.Int64, _DECIMAL: pl.Float64, _TIME: pl.String}
    else:
        pa: Any = import_module("pyarrow")
        types = {_TEXT: pa.string(), _WHOLE: pa.int64(), _DECIMAL: pa.float64()}
        types[_TIME] = pa.timestamp("us", tz="UTC")
        return pa.schema([(name, types[kind]) for name, kind in _LINE.items()])
    return {name: types[kind] for name, kind in _LINE.items()}


def _polars(groups: list[list[str]]) -> list[Any]:
    """Line by line: Polars' own reader refuses a whole file for one torn line."""
    pl: Any = import_module("polars")
    line = pl.col("line")  # lines are ASCII, and JSON has no control characters in it
    reading = {"separator": "\x1f", "has_header": False, "quote_char": None, "glob": False}
    form = {"line": pl.String}
    at = pl.col("started_at").str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
    )
    return [
        (
            pl.scan_csv(files, schema=form, truncate_ragged_lines=True, **reading)
            if files
            else pl.LazyFrame(schema=form)
        )
        .filter(line.str.json_path_match("$.kind").is_not_null())
        .select(line.str.json_decode(pl.Struct(schema("polars"))).alias("line"))
        .unnest("line")
        .with_columns(at)
        for files in groups
    ]


def _duckdb(groups: list[list[str]]) -> list[Any]:
    duckdb: Any = import_module("duckdb")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})  # no download
    connection.execute("SET TimeZone = 'UTC'")
    columns = schema("duckdb")
    empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())
    reading = {"format": "newline_delimited", "columns": columns, "ignore_errors": True}
    return [
        connection.read_json(files, **reading)
        if files
        else connection.sql(f"SELECT {empty} WHERE false")
        for files in groups
    ]


def _pandas(groups: list[list[str]]) -> list[Any]:
    blocks = [[_read_block(block) for block in _blocks(files)] for files in groups]
    return [pd.concat(found, ignore_index=True) if found else _frame([]) for found in blocks]


def _dask(groups: list[list[str]]) -> list[Any]:
    dask: Any = import_module("dask.dataframe")
    empty = _frame([])
    return [
        dask.from_map(_read_block, blocks, meta=empty)
        if (blocks := list(_blocks(files)))
        else dask.from_pandas(empty, npartitions=1)
        for files in groups
    ]


_READERS: Final[dict[str, Callable[[list[list[str]]], list[Any]]]] = {
    "pandas": _pandas,
    "polars": _polars,
    "duckdb": _duckdb,
    "dask": _dask,
}

ENGINES: Final = tuple(_READERS)
"""The engines that `scan` knows."""


def _reader(engine: str) -> Callable[[list[list[str]]], list[Any]]:
    reader = _READERS.get(engine)
    if reader is None:
        raise InvalidInputError(
            f"There is no engine {engine!r}. Choose one of {', '.join(ENGINES)}.", field="engine"
        )
    return reader


def _blocks(files: list[str]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        size = Path(path).stat().st_size
        for start in range(0, size, BLOCK_BYTES):
            yield path, start, min(start + BLOCK_BYTES, size)


def _read_block(block: tuple[str, int, int]) -> pd.DataFrame:
    """Return the lines of a file that begin at `start` or later and before `end`."""
    path, start, end = block
    with Path(path).open("rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()  # it began in the block before
        data = file.read(max(0, end - file.tell()))
        if data and not data.endswith(b"\n"):
            data += file.readline()
    return _frame(_tables(data))


def _tables(data: bytes) -> list[Any]:
    """The lines as tables of Arrow, which refuses all for one that is no line of a log."""
    pa: Any = import_module("pyarrow")
    from_json: Any = import_module("pyarrow.json")
    options = from_json.ParseOptions(
        explicit_schema=schema("pandas"), unexpected_field_behavior="ignore"
    )
    reading = from_json.ReadOptions(block_size=max(len(data) + 1, 1024))
    try:
        return [from_json.read_json(pa.BufferReader(data), reading, options)]
    except pa.ArrowInvalid:
        lines = data.splitlines(keepends=True)
        half = len(lines) // 2
        parts = (b"".join(lines[:half]), b"".join(lines[half:])) if half else ()
        return [table for part in parts for table in _tables(part)]


def _frame(tables: list[Any]) -> pd.DataFrame:
    pa: Any = import_module("pyarrow")
    table = pa.concat_tables(tables or [schema("pandas").empty_table()])
    dtypes = {_TEXT: pd.Series([""]).dtype, _WHOLE: "Int64", _DECIMAL: "float64", _TIME: UTC_TIME}
    whole = {pa.int64(): pd.Int64Dtype()}.get
    columns = {name: table[name].to_pandas(types_mapper=whole) for name in _LINE}
    return pd.DataFrame({name: columns[name].astype(dtypes[k]) for name, k in _LINE.items()})
