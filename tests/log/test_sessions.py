"""Following the file of another session."""

from __future__ import annotations

from pathlib import Path

import pytest

import brocap_nb as bn
from brocap_nb.log import _rows


def fill(folder: Path, rows: int) -> bn.ExchangeLog:
    log = bn.ExchangeLog(folder)
    for _ in range(rows):
        log.begin(method="m", url="u", request="{}", request_bytes=2)
    return log


def test_only_what_is_new_is_read_again(tmp_path: Path) -> None:
    log, reader = fill(tmp_path, 3), bn.ExchangeLog(tmp_path)
    assert len(reader) == 3
    path = next(tmp_path.glob("*.jsonl"))
    before = path.read_bytes()
    path.write_bytes(b"x" * (len(before) - 1) + b"\n")  # what was read is not looked at again
    with path.open("ab") as file:
        line = before.splitlines(keepends=True)[-1]
        file.write(line.replace(f"{log.session}-3".encode(), f"{log.session}-4".encode()))
    assert len(reader) == 4


def test_a_file_that_is_gone_is_gone_from_the_frame(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    reader = bn.ExchangeLog(tmp_path)
    assert len(reader) == 3
    next(tmp_path.glob("*.jsonl")).unlink()
    assert len(reader) == 0


@pytest.mark.parametrize(
    ("exchange_id", "number"),
    [
        ("abc-12", 12),
        ("12", 12),
        ("abc-", 0),
        ("", 0),
        ("abc-x1", 0),
        ("a-²", 0),
        ("a-" + "9" * 30, 0),
    ],
)
def test_the_number_of_an_exchange(exchange_id: str, number: int) -> None:
    assert _rows.number_of(exchange_id) == number
