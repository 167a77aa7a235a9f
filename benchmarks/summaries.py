"""What the summaries of 300,000 exchanges cost, in turns with the frame that they are made from.

python benchmarks/summaries.py
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from turns import report, take_turns

import brocap_nb as bn

TASKS, POLLS = 60_000, 4


def write(folder: Path) -> None:
    """A session: each task is created, and asked for until it is ready."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    with (folder / "20260101T000000-abcdef.jsonl").open("w") as file:
        for number in range(TASKS * (POLLS + 1)):
            task, step = divmod(number, POLLS + 1)
            asked = {
                "exchange_id": f"abcdef-{number + 1}",
                "started_at": (begun + timedelta(seconds=number)).isoformat(
                    timespec="microseconds"
                ),
                "session": "abcdef",
                "method": "getTaskResult" if step else "createTask",
                "task_type": "ComplexImageTask",
                "task_id": task + 1,
                "attempt": 1,
                "request_bytes": 60,
            }
            status = {0: None, POLLS: "ready"}.get(step, "processing")
            body: dict[str, object] = {"errorId": 0, "status": status, "n": number}
            if status == "ready":
                body["solution"] = {"answer": [False, True]}
            answered = {
                "outcome": "processing" if status == "processing" else "ok",
                "http_status": 200,
                "error_id": 0,
                "status": status,
                "elapsed_ms": number % 997 + 0.5,
                "response": json.dumps(body),
                "response_bytes": 60,
            }
            sent = {"url": "http://127.0.0.1/", "request": '{"clientKey": "<clientKey>"}'}
            print(json.dumps({"kind": "request", **asked, **sent}), file=file)
            print(json.dumps({"kind": "response", **asked, **answered}), file=file)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        log = bn.ExchangeLog(folder)
        len(log)
        ways = {
            "frame": log.frame,
            "errors": log.errors,
            "latency": log.latency,
            "tasks": log.tasks,
            "violations": log.violations,
        }
        report(take_turns(ways, rounds=3), "frame", unit=1, name="s")


if __name__ == "__main__":
    main()
