"""Read a log's folder as it is with pandas, Polars, DuckDB or Dask.

A folder may outgrow a kernel, or a machine: these engines read its lines themselves, each as far
as it needs to. They are not installed with brocap_nb: `pip install "brocap_nb[engines]"`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import narwhals as nw
import pandas as pd

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Outcome
from brocap_nb.log._folders import is_pattern, log_files, path_of
from brocap_nb.log._rows import DESCRIBED, UTC_TIME

__all__ = ["BLOCK_BYTES", "ENGINES", "scan", "schema"]

BLOCK_BYTES: Final = 64 * 1024 * 1024
"""How much of a file is one partition for Dask."""

_TYPES: Final[dict[str, Any]] = {
    **dict.fromkeys(("string", "category"), nw.String()),
    "float64": nw.Float64(),
    "datetime, UTC": nw.Datetime("us", "UTC"),
}
_NAMES: Final = [name for name in DESCRIBED if name not in ("request", "response")]
_LINE: Final = nw.Schema(
    {"kind": nw.String(), **{n: _TYPES.get(DESCRIBED[n][0], nw.Int64()) for n in _NAMES}}
)
_SQL: Final = {"String": "VARCHAR", "Int64": "BIGINT", "Float64": "DOUBLE"}


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
    module = _imported(engine)
    folder = path_of(folder).absolute()
    if not (is_pattern(folder) or folder.is_dir()):
        raise InvalidInputError(
            f"There is no folder {folder}; expected that of a log, such as brocap_log. Check the "
            "path, or send a first request: the folder is made with it.",
            field="folder",
        )
    read = _READERS[engine][1](module)
    groups: dict[str | None, list[str]] = {}
    for file in log_files(folder):
        groups.setdefault(file.source, []).append(str(file.path))
    groups = groups or {"" if is_pattern(folder) else None: [_EMPTY]}
    frames = [_exchanges(nw.from_native(read(files)), name) for name, files in groups.items()]
    return nw.to_native(nw.concat(frames) if len(frames) > 1 else frames[0])


def _exchanges(lines: Any, source: str | None) -> Any:
    """From lines to exchanges: an answer's line repeats what its request's line says."""
    lines = lines.filter(~nw.col("started_at").is_null())
    answers = lines.filter(nw.col("kind").is_in(["response", "callback"])).select(_NAMES)
    requests = lines.filter(nw.col("kind") == "request").select(_NAMES)
    waiting = requests.join(answers.select("exchange_id"), on="exchange_id", how="anti")
    lost = waiting.with_columns(nw.lit(str(Outcome.NO_RESPONSE)).alias("outcome")).select(_NAMES)
    exchanges = nw.concat([answers, lost])
    if source is None:
        return exchanges
    before = nw.lit(f"{source}/")
    own = (nw.concat_str(before, nw.col(n)).alias(n) for n in ("exchange_id", "session"))
    after = _NAMES.index("session") + 1
    names = (*_NAMES[:after], "source", *_NAMES[after:])
    return exchanges.with_columns(nw.lit(source).alias("source"), *own).select(names)


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
    _imported(engine)
    if engine == "duckdb":
        return {name: _SQL.get(str(dtype), "TIMESTAMPTZ") for name, dtype in _LINE.items()}
    if engine == "polars":
        return {**nw.Schema({**_LINE, "started_at": nw.String()}).to_polars()}
    return _LINE.to_arrow()


_Reader: TypeAlias = Callable[[list[str]], Any]  # makes the lines of files a frame
_EMPTY: Final = str(Path(__file__).parents[1] / "py.typed")  # a file of no lines


def _polars(pl: Any) -> _Reader:
    """Line by line: Polars' own reader refuses a whole file for one torn line."""
    line = pl.col("line")  # lines are ASCII, and JSON has no control characters in it
    whole = {"separator": "\x1f", "has_header": False, "quote_char": None, "glob": False}
    whole |= {"schema": {"line": pl.String}, "truncate_ragged_lines": True, "raise_if_empty": False}
    decoded = line.str.json_decode(pl.Struct(schema("polars"))).alias("line")
    at = pl.col("started_at").str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
    )
    is_json = line.str.json_path_match("$.kind").is_not_null()
    return lambda files: (
        pl.scan_csv(files, **whole).filter(is_json).select(decoded).unnest("line").with_columns(at)
    )


def _duckdb(duckdb: Any) -> _Reader:
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})  # no download
    connection.execute("SET TimeZone = 'UTC'")
    form = {"format": "newline_delimited", "columns": schema("duckdb"), "ignore_errors": True}
    return lambda files: connection.read_json(files, **form)


def _pandas(_: Any) -> _Reader:
    return lambda files: pd.concat(map(_read_block, _blocks(files)), ignore_index=True)


def _dask(dask: Any) -> _Reader:
    meta = _read_block((_EMPTY, 0, 0))
    return lambda files: dask.from_map(_read_block, _blocks(files), meta=meta)


_READERS: Final[dict[str, tuple[str, Callable[[Any], _Reader]]]] = {
    "pandas": ("pyarrow.json", _pandas),
    "polars": ("polars", _polars),
    "duckdb": ("duckdb", _duckdb),
    "dask": ("dask.dataframe", _dask),
}

ENGINES: Final = tuple(_READERS)
"""The engines that `scan` knows."""


def _imported(engine: str) -> Any:
    if engine not in _READERS:
        raise InvalidInputError(
            f"There is no engine {engine!r}. Choose one of {', '.join(ENGINES)}.", field="engine"
        )
    try:
        return import_module(_READERS[engine][0])
    except ImportError as error:
        raise InvalidInputError(
            f"The engine {engine} is not installed ({error}). Install it with: "
            'python -m pip install "brocap_nb[engines]"',
            field="engine",
        ) from None


def _blocks(files: list[str]) -> list[tuple[str, int, int]]:
    """A file's path, and where a part of it begins and ends, for each part of each file."""
    return [
        (path, start, start + BLOCK_BYTES)
        for path in files
        for start in range(0, Path(path).stat().st_size or 1, BLOCK_BYTES)
    ]


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
    pa: Any = import_module("pyarrow")
    table = pa.concat_tables([_LINE.to_arrow().empty_table(), *_tables(data)])
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame.astype({"started_at": UTC_TIME})


def _tables(data: bytes) -> list[Any]:
    """The lines as tables of Arrow, which refuses all for one that is no line of a log."""
    pa: Any = import_module("pyarrow")
    from_json: Any = import_module("pyarrow.json")
    options = from_json.ParseOptions(_LINE.to_arrow(), unexpected_field_behavior="ignore")
    reading = from_json.ReadOptions(block_size=max(len(data) + 1, 1024))
    try:
        return [from_json.read_json(pa.BufferReader(data), reading, options)]
    except pa.ArrowInvalid:
        lines = data.splitlines(keepends=True)
        half = len(lines) // 2
        parts = (b"".join(lines[:half]), b"".join(lines[half:])) if half else ()
        return [table for part in parts for table in _tables(part)]
