"""A log's folder written by hand, with times as a test needs them; and any exchange."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb.log._journal import line_of

START = datetime(2026, 1, 1, 23, 0, 0, 123, tzinfo=UTC)

NUMBER = st.none() | st.integers(-(2**63) + 1, 2**63 - 1)
WORD = st.none() | st.text(string.printable, min_size=1, max_size=9)


def exchanges(**fields: Any) -> st.SearchStrategy[bn.Exchange]:
    """Any exchange, without an id, an address and bodies unless they are given."""
    known: dict[str, Any] = {
        "exchange_id": st.just(""),
        "started_at": st.datetimes(
            datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)
        ),
        "session": st.just("s"),
        "method": st.text(string.printable, min_size=1, max_size=9),
        "attempt": st.integers(1, 1000),
        "outcome": st.sampled_from(bn.Outcome),
        "http_status": st.none() | st.integers(100, 599),
        "elapsed_ms": st.none() | st.floats(0, 1e9),
        "request_bytes": st.integers(0, 2**40),
        "response_bytes": st.none() | st.integers(0, 2**40),
        **dict.fromkeys(("task_id", "error_id"), NUMBER),
        **dict.fromkeys(("task_type", "error_code", "error_description", "status"), WORD),
    }
    return st.builds(bn.Exchange, **known | fields)


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
            print(json.dumps(line_of("request", exchange)), file=file)
            if exchange.outcome != "no_response":
                print(json.dumps(line_of("response", exchange)), file=file)
