"""What a log of a million exchanges costs: one more row, a frame, memory, and reading it back.

python benchmarks/large_log.py [rows]
"""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.json
from turns import report, take_turns

import brocap_nb as bn

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
REQUEST = '{"clientKey": "<clientKey>", "taskId": 7654321}'
RESPONSE = '{"errorId": 0, "status": "ready", "solution": {"answer": [false, true]}}'


def add(log: bn.ExchangeLog, rows: int) -> None:
    """Record exchanges as the client does."""
    for number in range(rows):
        sent = log.begin(
            method="getTaskResult",
            url="http://127.0.0.1/getTaskResult",
            request=REQUEST,
            request_bytes=len(REQUEST),
            task_type="ComplexImageTask",
            task_id=7_000_000 + number,
        )
        log.finish(
            dataclasses.replace(
                sent,
                outcome=bn.Outcome.OK,
                http_status=200,
                error_id=0,
                status="ready",
                elapsed_ms=1.5,
                response=RESPONSE,
                response_bytes=len(RESPONSE),
            )
        )


def resident() -> int:
    """Return this process's resident memory in bytes, less what the C library holds unused."""
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def line_by_line(folder: Path) -> pd.DataFrame:
    """What anybody would write first."""
    with next(folder.glob("*.jsonl")).open() as file:
        return pd.DataFrame([r for line in file if (r := json.loads(line))["kind"] == "response"])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = bn.ExchangeLog(folder / "small")
        large = bn.ExchangeLog(folder / "large")
        add(small, 1_000)
        gc.collect()
        before = resident()
        add(large, ROWS)
        gc.collect()
        print(f"memory in the kernel: {(resident() - before) / ROWS:.0f} bytes a row")

        print("\none exchange more (both lines, on disk)")
        medians = take_turns(
            {
                "after 1,000 rows": lambda: add(small, 1),
                f"after {ROWS:,} rows": lambda: add(large, 1),
            },
            rounds=60,
            calls=20,
        )
        report(medians, base="after 1,000 rows")

        print("\nframe(bodies=False)")
        ready = {n: column.array.copy() for n, column in large.frame(bodies=False).items()}

        def ten_more() -> None:
            add(large, 10)
            large.frame(bodies=False)

        medians = take_turns(
            {
                "a DataFrame of ready-made columns": lambda: pd.DataFrame(ready, copy=True),
                "log.frame(bodies=False)": lambda: large.frame(bodies=False),
                "ten more rows, and again": ten_more,
            },
            rounds=30,
        )
        report(medians, base="a DataFrame of ready-made columns", unit=1e3, name="ms")

        print("\nreading it back, without bodies")
        medians = take_turns(
            {
                "json.loads line by line": lambda: line_by_line(folder / "large"),
                "ExchangeLog(folder).frame(bodies=False)": lambda: bn.ExchangeLog(
                    folder / "large"
                ).frame(bodies=False),
            },
            rounds=3,
        )
        report(medians, base="json.loads line by line", unit=1.0, name="s ")

        print("\nreading it back, with bodies")
        (file,) = (folder / "large").glob("*.jsonl")
        medians = take_turns(
            {
                "pyarrow.json.read_json(file).to_pandas()": lambda: pyarrow.json.read_json(
                    file
                ).to_pandas(),
                "ExchangeLog(folder).frame()": lambda: bn.ExchangeLog(folder / "large").frame(),
            },
            rounds=5,
        )
        report(medians, base="pyarrow.json.read_json(file).to_pandas()", unit=1.0, name="s ")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"\n{time.monotonic() - started:.0f} s in all")
