"""A log's folder written by hand, with times as a test needs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import brocap_nb as bn
from brocap_nb.log._journal import request_line, response_line

START = datetime(2026, 1, 1, 23, 0, 0, 123, tzinfo=UTC)


def write(folder: Path, session: str, rows: list[dict[str, Any]]) -> None:
    """A session of a log: its exchanges 20 minutes apart, unless they say `at` which second."""
    folder.mkdir(exist_ok=True)
    with (folder / f"20260101T000000-{session}.jsonl").open("w") as file:
        for number, row in enumerate(rows, 1):
            at = START + timedelta(seconds=row.get("at", 1200 * number))
            fields: dict[str, Any] = {"elapsed_ms": 10.25, "http_status": 200, "error_id": 0}
            fields |= {name: value for name, value in row.items() if name != "at"}
            fields["outcome"] = bn.Outcome(fields.get("outcome", "ok"))
            body = fields.get("response")
            exchange = bn.Exchange(
                exchange_id=f"{session}-{number}",
                started_at=at,
                session=session,
                url=f"http://127.0.0.1/{row['method']}",
                request_bytes=len(fields.setdefault("request", "{}")),
                response_bytes=None if body is None else len(body),
                **fields,
            )
            print(json.dumps(request_line(exchange)), file=file)
            if exchange.outcome != "no_response":
                print(json.dumps(response_line(exchange)), file=file)
