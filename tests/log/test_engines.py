"""The folder as it is, read by four engines: many rows, and whatever a killed process left."""

from __future__ import annotations

import itertools
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
from distributed import Client
from written_log import write

import brocap_nb as bn
from brocap_nb.log import engines
from brocap_nb.log.engines import ENGINES, scan
from brocap_nb.log.summaries import errors, latency, task_events, task_times, tasks, timeline

pytestmark = pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning")

PROCESSING = {"method": "getTaskResult", "outcome": "processing", "status": "processing"}
READY = {"method": "getTaskResult", "status": "ready"}
STEPS = ({"method": "createTask"}, PROCESSING, PROCESSING, READY, {"method": "getBalance"})
CODES = ("ERROR_ZERO_BALANCE", "ERROR_TOO_MUCH_REQUESTS", "ERROR_NEW", "ERROR_NO_SUCH_METHOD")
FATES: list[dict[str, Any]] = [
    *({"outcome": outcome, "http_status": None} for outcome in ("no_response", "timeout")),
    *({"outcome": "api_error", "error_id": 1, "error_code": code} for code in CODES),
    *[{}] * 14,
]
SESSIONS, CYCLES = 4, 100  # of five exchanges each; benchmarks/large_log.py has a million
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several sessions; each cycle is a task: created, asked for three times, then the balance."""
    folder = tmp_path_factory.mktemp("large")
    for session in range(SESSIONS):
        rng, rows = random.Random(session), []
        for cycle, step in itertools.product(range(CYCLES), range(5)):
            row = {
                **STEPS[step],
                "at": session * 86_400 + cycle * 0.700001 + step * 2.100123,
                "task_type": None if step == 4 else f"Type{cycle % 2}",
                # too large for a float
                "task_id": session * CYCLES + cycle + 2**53 if step < 4 else None,
                "elapsed_ms": round(rng.lognormvariate(4, 1), 3),
                "response": "{}",
            }
            fate = rng.choice(FATES)
            rows.append(row | fate | ({"status": None} if fate else {}))
        write(folder, f"sess{session}x", rows)
    return folder


def plain(table: nw.DataFrame[Any]) -> list[dict[str, Any]]:
    """Rows of Python's own values, whatever the engine."""
    return list(nw.from_native(table.to_arrow()).rows(named=True))


def test_four_engines_give_the_same_tables(folder: Path) -> None:
    found: dict[str, Any] = {}
    with Client(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"):
        for engine in ENGINES:
            frame = scan(folder, engine)
            keep = {"dask": "persist", "polars": "collect"}.get(engine)
            frame = getattr(frame, keep)() if keep else frame  # several tables are made from it
            tables = [errors(frame), latency(frame), task_times(frame), tasks(frame, now=NOW)]
            found[engine] = list(map(plain, (*tables, timeline(frame, 2**53 + 5))))
    expected = found.pop("pandas")
    for engine, rows in found.items():
        assert rows == expected, engine
    wrong, methods, _, made, events = expected
    assert {row["error_code"] for row in wrong} == {*CODES}
    keys = [("createTask", "Type0"), ("createTask", "Type1"), ("getBalance", None)]
    assert [(row["method"], row["task_type"]) for row in methods][:3] == keys
    assert [row["method"] for row in events] == ["createTask", *["getTaskResult"] * 3]
    assert len(made) == SESSIONS * CYCLES
    assert {row["state"] for row in made} == {"ready", "failed", "unknown", "abandoned"}


def small(folder: Path) -> bn.ExchangeLog:
    """All outcomes that matter, an unfinished request, and no value in some columns."""
    row = {"status": "ready", "task_id": 2**62 + 1, "task_type": "T", "response": "{}"}
    row["request"] = '{"text": "\N{SNOWMAN} \\"x\\" \x7f"}'
    wrong = {"outcome": "api_error", "error_code": "ERROR_\u2603"}
    steps: list[dict[str, Any]] = [wrong, *({"elapsed_ms": float(n)} for n in range(5))]
    steps.append({"outcome": "no_response", "elapsed_ms": None, "status": None})
    methods = itertools.cycle(["getTaskResult", "createTask"])
    unknown = {"http_status": None, "error_id": None}
    write(folder, "small", [{"method": next(methods), **row, **unknown, **s} for s in steps])
    return bn.ExchangeLog(folder)


def rows_of(frame: Any) -> list[dict[str, Any]]:
    table = nw.from_native(frame).lazy().collect()
    missing = ("None", "nan", "<NA>", "NaT")
    rows = [
        {n: None if str(v) in missing else v for n, v in row.items()}
        | {"started_at": row["started_at"].astimezone(UTC)}
        for row in table.rows(named=True)
    ]
    return sorted(rows, key=lambda row: str(row["exchange_id"]))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_reads_the_rows_that_the_log_shows(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "[1] a log"  # brackets are no pattern
    folder.mkdir()
    empty = nw.from_native(scan(folder, engine)).lazy()
    assert len(empty.collect()) == len(errors(empty)) == 0
    log = small(folder)
    for pattern, count in (("*/brocap_log", 0), ("*", len(log))):  # the logs of a class
        of_class = bn.ExchangeLog(tmp_path / pattern).frame(bodies=False)
        rows = rows_of(scan(tmp_path / pattern, engine))
        assert rows == rows_of(of_class.astype(object))
        assert [row["source"] for row in rows] == [folder.name] * count
    frame = scan(folder, engine)
    assert empty.collect_schema() == nw.from_native(frame).lazy().collect_schema()
    expected, found = rows_of(log.frame(bodies=False).astype(object)), rows_of(frame)
    assert [list(row) for row in found] == [list(row) for row in expected]
    assert found == expected
    assert {row["task_id"] for row in found} == {2**62 + 1}
    assert [row["outcome"] for row in found].count("no_response") == 1
    table = log.tasks()
    assert task_events(frame, made := tasks(frame)) == table.events
    assert made["created_by"].to_list() == table["created_by"].tolist()
    # what is torn, odd or empty is passed over
    (path,) = folder.glob("*.jsonl")
    a_line = path.read_bytes().index(b"\n") + 1
    for size in (61, 400, a_line) if engine == "pandas" else ():
        monkeypatch.setattr(engines, "BLOCK_BYTES", size)  # a block ends in a line, or with it
        assert rows_of(scan(folder, engine)) == found
    odd = '{"kind":"request","exchange_id":"zzz-2","started_at":"2026-13-01","task_id":1}'
    torn = '{"kind":"response","exchange_id":"zzz-1","request":"{\\"a\\":1}'
    path.write_text(path.read_text() + torn + f"\nno JSON\n[1]\n{odd}\n" + torn, encoding="ascii")
    (folder / "20260101T000000-empty.jsonl").touch()
    assert rows_of(scan(folder, engine)) == found


def test_an_engine_that_is_not_there_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(bn.BroCapError, match="Choose one of pandas, polars, duckdb, dask"):
        scan(tmp_path, "spark")
    with pytest.raises(bn.InvalidInputError, match="There is no folder"):
        scan(tmp_path / "typo", "pandas")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(bn.BroCapError, match=r"brocap_nb\[engines\]"):
        scan(tmp_path, "polars")
