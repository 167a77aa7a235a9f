"""Excel files: what a cell cannot hold is made fit for it, and nothing else is changed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from peer import Peer, http

import brocap_nb as bn
from brocap_nb.log._tables import Frame

pytest.importorskip("openpyxl")


def test_a_log_and_its_tables_are_sheets_with_their_times_in_utc(
    client: bn.Client, peer: Peer
) -> None:
    peer.say(
        http(b'{"errorId": 0, "taskId": 7}'),
        http(b'{"errorId": 1, "errorCode": "ERROR_\\u0007", "errorDescription": "=1+1"}'),
    )
    client.create_task(bn.RawTask({"type": "AnyTask"}))
    with pytest.raises(bn.ApiError):
        client.get_task_result(7, paced=False)
    log = client.log
    log.to_excel("log.xlsx")
    frame, back = log.frame(), pd.read_excel("log.xlsx")
    times = zip(frame.pop("started_at"), back.pop("started_at (UTC)"), strict=True)
    assert all(abs(was - at.replace(tzinfo=UTC)) < timedelta(milliseconds=1) for was, at in times)
    assert list(back) == list(frame)
    assert back["response"].tolist() == frame["response"].tolist()
    bn.ExchangeLog(":memory:").to_excel("empty.xlsx")
    assert pd.read_excel("empty.xlsx").shape == (0, 18)
    with pd.ExcelWriter("all.xlsx") as writer:
        log.errors().to_excel(writer, sheet_name="errors")
        log.frame().set_index("started_at")[["method"]].to_excel(writer, sheet_name="by time")
    sheets = pd.read_excel("all.xlsx", sheet_name=None, index_col=0)
    assert sheets["errors"]["error_code"].tolist() == ["ERROR_\ufffd"]
    assert list(sheets["errors"])[3:5] == ["first_seen (UTC)", "last_seen (UTC)"]
    assert sheets["by time"].index.name == "started_at (UTC)"
    assert "started_at (UTC)" not in log.frame()  # the frame itself is as it was


BELL, LONE, LONG = "a\x07b", "\ud800", "\N{HONEYBEE}x" * 20_000


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("größer,\n\t'✓' \N{HONEYBEE}", "größer,\n\t'✓' \N{HONEYBEE}"),
        (f"{BELL}{LONE}\x00\uffff", "a\ufffdb\ufffd\ufffd\ufffd"),
        ("=1+1", "'=1+1"),
        ("x" * 32_768, "x" * 32_738 + "… (cut, of 32,768 characters)"),
        (LONG, LONG[:21_825] + "… (cut, of 40,000 characters)"),
    ],
)
def test_what_a_cell_cannot_hold(text: str, cell: str) -> None:
    made = pd.Series([text, None, "end"], dtype=pd.StringDtype("python"))
    tokyo = pd.Timestamp("2026-01-01 09:00", tz="Asia/Tokyo")
    columns = {"a": made, "b": made.astype("category"), "c": made.astype(object)}
    Frame({"at": [pd.NaT, pd.NaT, tokyo], **columns}).to_excel("x.xlsx", index=False)
    back = pd.read_excel("x.xlsx")
    assert back.pop("at (UTC)").tolist()[2:] == [datetime(2026, 1, 1)]
    for name in columns:
        assert back[name].fillna("").tolist() == [cell, "", "end"]
    assert len(cell.encode("utf-16-le")) <= 2 * 32_767


def test_without_openpyxl_it_is_a_sentence(
    log: bn.ExchangeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name in sys.modules if name.startswith("openpyxl")]
    for name in ("openpyxl", "xlsxwriter", *names):
        monkeypatch.setitem(sys.modules, name, None)
    for write in (log.to_excel, log.errors().to_excel):
        with pytest.raises(bn.InvalidInputError, match=r"brocap_nb\[excel\]"):
            write("x.xlsx")
    assert not Path("x.xlsx").exists()
