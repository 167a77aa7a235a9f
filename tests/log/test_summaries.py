"""The summaries over frames of any Narwhals engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from brocap_nb.log.summaries import ErrorTable, errors

START = datetime(2026, 1, 1, tzinfo=UTC)


def frame(*rows: tuple[str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "outcome": [outcome for outcome, _ in rows],
            "error_code": [code for _, code in rows],
            "started_at": [START + timedelta(seconds=n) for n in range(len(rows))],
        }
    )


def test_codes_are_counted_most_frequent_first() -> None:
    table = errors(
        frame(
            ("ok", None),
            ("api_error", "A"),
            ("api_error", "B"),
            ("api_error", "B"),
            ("timeout", None),
        )
    ).to_native()
    assert table["error_code"].tolist() == ["B", "A"]
    assert table["count"].tolist() == [2, 1]
    assert table["share"].tolist() == [0.4, 0.2]
    assert table["first_seen"].tolist() == [START + timedelta(seconds=n) for n in (2, 1)]
    assert table["last_seen"].tolist() == [START + timedelta(seconds=n) for n in (3, 1)]
    assert table["retryable"].tolist() == [False, False]


def test_a_code_in_an_answer_that_is_no_error_is_not_counted() -> None:
    assert len(errors(frame(("ok", "ODD"), ("http_error", "ODD")))) == 0


def test_hostile_text_is_escaped() -> None:
    table = ErrorTable(errors(frame(("api_error", "<script>x</script>"))).to_native())
    assert "<script>" not in table._repr_html_()
