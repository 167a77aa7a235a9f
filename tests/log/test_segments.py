"""Sealed columns: the same rows as the lines, or nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import brocap_nb as bn
from brocap_nb.log import _segments
from brocap_nb.log._rows import Columns

ROWS = 50


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_segments, "SEGMENT_ROWS", ROWS)


def filled(folder: Path) -> bn.ExchangeLog:
    """170 rows that are sealed every 50; the request of one stays without an answer."""
    log = bn.ExchangeLog(folder)
    for number in range(1, 171):
        method, request = f"m{number % 3}", f'"{number}"'
        sent = log.begin(method=method, url="u", request=request, request_bytes=number)
        changes: dict[str, Any] = {"outcome": bn.Outcome.OK, "task_id": number}
        if number % 5 == 0:
            changes |= {"outcome": bn.Outcome.API_ERROR, "error_code": f"E{number}"}
        if number != 7:
            changes |= {"elapsed_ms": number / 2, "response": f"[{number}]", "response_bytes": 3}
            log.finish(dataclasses.replace(sent, **changes))
    return log


def same_as(log: bn.ExchangeLog) -> None:
    """A reader finds just what the writer has, bodies included."""
    reader = bn.ExchangeLog(log.folder)
    pd.testing.assert_frame_equal(reader.frame(), log.frame(), check_categorical=False)
    assert reader[f"{log.session}-{len(log)}"] == log[-1]


def test_what_is_sealed_is_what_the_lines_say_and_is_not_read_from_them(tmp_path: Path) -> None:
    log = filled(tmp_path)
    assert len(list((tmp_path / "columns").iterdir())) == 2, "the last full one may still change"
    same_as(log)
    path = next(tmp_path.glob("*.jsonl"))  # a text becomes another one of the same length
    path.write_bytes(path.read_bytes().replace(b'"method":"m1"', b'"method":"m9"'))
    methods = bn.ExchangeLog(tmp_path).frame(bodies=False)["method"].astype(str)
    assert "m9" not in set(methods[: 2 * ROWS])
    assert "m9" in set(methods[2 * ROWS :])
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:41]))
    assert len(bn.ExchangeLog(tmp_path)) == 21, "a file that was cut is read from its lines"


def test_an_answer_that_came_after_the_sealing_is_found(tmp_path: Path) -> None:
    log = filled(tmp_path)
    log.finish(dataclasses.replace(log[6], outcome=bn.Outcome.TIMEOUT, elapsed_ms=1.0))
    for _ in range(3):
        same_as(log)
        for _ in range(ROWS):  # what lies behind the answer is sealed as well
            log.begin(method="m", url="u", request_bytes=0)


@pytest.mark.parametrize("left", [None, 0, 2_000])
def test_damaged_columns_are_passed_over(tmp_path: Path, left: int | None) -> None:
    """What is in them but wrong is in test_foreign.py."""
    log = filled(tmp_path)
    segment = sorted((tmp_path / "columns").iterdir())[1]
    if left is None:
        segment.unlink()
    else:
        segment.write_bytes(segment.read_bytes()[:left])
    same_as(log)


def test_no_columns_where_they_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "columns").write_text("in the way")
    same_as(filled(tmp_path))


def test_a_row_costs_less_than_200_bytes() -> None:
    columns = Columns("s", Columns.new_words())
    assert sum(array.itemsize for array in columns._arrays.values()) < 200
