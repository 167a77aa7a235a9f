"""The log: what goes in comes out, whoever wrote it and whatever happened to its files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from peer import Peer, http

import brocap_nb as bn
from brocap_nb import ExchangeLog

BALANCE = http(b'{"errorId": 0, "balance": 3}')


def begin(log: ExchangeLog, **fields: object) -> bn.Exchange:
    given = {"method": "getBalance", "url": "http://127.0.0.1", "request": "{}", **fields}
    return log.begin(request_bytes=2, **given)  # type: ignore[arg-type]


def test_another_log_on_the_folder_sees_all_sessions(client: bn.Client, peer: Peer) -> None:
    peer.say(BALANCE)
    client.get_balance()
    reader, full = ExchangeLog(client.log.folder), client.log.frame()
    pd.testing.assert_frame_equal(reader.frame(), full)
    assert full["response"][0] == client.log[0].response == '{"errorId": 0, "balance": 3}'
    assert (full["elapsed_ms"] > 0).all()
    assert list(client.log.frame(bodies=False)) == list(full)[:-2]
    full.loc[0, "attempt"] = 99
    assert client.log.frame()["attempt"].tolist() == [1], "a frame is a copy"
    client.get_balance()
    begin(reader, request='"of the reader"')
    client.get_balance()
    for log in (reader, client.log):
        assert log.frame()["outcome"].tolist() == ["ok", "ok", "no_response", "ok"]
        assert log.frame(session=reader.session)["outcome"].tolist() == ["no_response"]
        told = log.frame()["request"].str.contains("reader").tolist()
        assert told == [False, False, True, False], "bodies stay with their rows"
    assert reader[client.log[0].exchange_id] == client.log[0]


def test_nothing_is_on_disk_of_a_log_in_memory_or_before_the_first_exchange(
    peer: Peer, key: str, log: ExchangeLog, tmp_path: Path
) -> None:
    memory = ExchangeLog(":memory:")
    peer.say(BALANCE)
    bn.Client(key, base_url=peer.url, log=memory).get_balance()
    assert memory.folder is None
    assert memory[0].response == '{"errorId": 0, "balance": 3}'
    with pytest.raises(bn.InvalidInputError, match="'outcome' has no words to list; expected"):
        memory.words("outcome")
    assert len(log.frame()) == len(log.recent()) == 0
    assert "0 exchanges" in log._repr_mimebundle_()["text/plain"]
    assert list(tmp_path.rglob("*")) == []
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(bn.InvalidInputError, match="is a file; expected a folder"):
        ExchangeLog("a.jsonl")


def test_an_exchange_has_its_id_and_is_a_row_of_the_frame_whoever_wrote_it(tmp_path: Path) -> None:
    logs = [ExchangeLog(tmp_path / name) for name in ("ann", "bob", "ann")]
    for log in (*logs, logs[0]):
        begin(log)
    for reader in (ExchangeLog(tmp_path / "*"), ExchangeLog(tmp_path / "ann"), logs[0]):
        ids = reader.frame()["exchange_id"].tolist()
        assert [reader[n].exchange_id for n in range(-len(ids), len(ids))] == ids * 2
        assert [reader[one].exchange_id for one in ids] == ids
        assert reader[reader[0]] == reader[0]
        assert reader[-1].exchange_id.endswith(f"{logs[0].session}-2")
        odd: list[Any] = ["nonsense", f"{ids[0]}9", f"{ids[0]}x", "", 1.5, None]
        for missing in (len(ids), -len(ids) - 1, *odd):
            with pytest.raises(bn.ExchangeNotFoundError, match=f"it has {len(ids)}"):
                reader[missing]


def test_a_fork_writes_a_file_of_its_own_whoever_follows(tmp_path: Path) -> None:
    """The child has no follower, and none of the locks that one held."""
    code = """
import dataclasses, os
import brocap_nb as bn
from brocap_nb.log import _folders
_folders.INTERVAL = 0.0001
log, memory = bn.ExchangeLog("log"), bn.ExchangeLog(":memory:")
log.subscribe(lambda exchange: None, others=True)
def begin(log):
    return log.begin(method="m", url="u", request="{}", request_bytes=2)
first = dataclasses.replace(begin(log), outcome=bn.Outcome.OK)
for number in range(30):
    begin(log), begin(memory)
    child = os.fork()
    if not child:
        own, _ = begin(log), begin(memory)
        log.finish(first)  # which is another session's, though of the same number
        os._exit(len(memory) - number - 2 + (log[own].outcome == "ok"))
    assert os.waitpid(child, 0)[1] == 0
assert len(log) == 61, len(log)
assert log.frame()["session"].nunique() == 31
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (rb"(?s).{25}\Z", b"", "torn"),
        (b'"format":1', b'"format":9,"new":[1]', "format 9"),
        (b"\n", b"\nnot json\n", "no JSON object"),
        (b"\n", b"\n[1, 2]\n", "no JSON object"),
    ],
)
def test_what_is_strange_is_skipped_with_one_warning_and_the_rest_is_read(
    old: bytes, new: bytes, told: str, client: bn.Client, peer: Peer, tmp_path: Path
) -> None:
    peer.say(BALANCE)
    client.get_balance()
    client.get_balance()
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(re.sub(old, new, path.read_bytes(), count=1))
    reader = ExchangeLog(client.log.folder)
    with pytest.warns(bn.LogWarning, match=told) as seen:
        outcomes = reader.frame()["outcome"].tolist()
        reader.frame()
    assert outcomes == ["ok", "no_response" if told == "torn" else "ok"]
    assert len(seen) == 1


def test_a_folder_that_cannot_be_written_warns_once_and_keeps_the_rows(
    peer: Peer, key: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    log = ExchangeLog(tmp_path / "file" / "log")
    client = bn.Client(key, base_url=peer.url, log=log)
    peer.say(BALANCE)
    with pytest.warns(bn.LogWarning, match="cannot be written") as seen:
        assert client.get_balance().balance == 3
        assert client.get_balance().balance == 3
    assert len(seen) == 1
    assert log.frame()["outcome"].tolist() == ["ok", "ok"]
    assert log[1].response == '{"errorId": 0, "balance": 3}'


def test_a_deleted_folder_comes_back_with_all_its_lines(
    client: bn.Client, peer: Peer, tmp_path: Path
) -> None:
    peer.say(BALANCE)
    client.get_balance()
    (path,) = tmp_path.rglob("*.jsonl")
    path.unlink()
    path.parent.rmdir()
    client.get_balance()
    assert client.log.frame()["response"].notna().tolist() == [True, True]
    pd.testing.assert_frame_equal(ExchangeLog(client.log.folder).frame(), client.log.frame())


@pytest.mark.filterwarnings("ignore::brocap_nb.LogWarning")
def test_a_full_disk_loses_nothing_of_the_exchange(tmp_path: Path) -> None:
    """A limit on the file's size stands for the disk: the write is cut in the middle."""
    code = """
import resource, signal, sys, warnings
import brocap_nb as bn
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = bn.ExchangeLog("log")
def begin():
    log.begin(method="m", url="u", request="x" * 300, request_bytes=1)
begin()
resource.setrlimit(resource.RLIMIT_FSIZE, (900, resource.RLIM_INFINITY))
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    begin(); begin()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
begin()
frame = log.frame()
assert len(frame) == 4 and frame["request"].notna().all(), frame
assert len(seen) == 1 and "No space" in str(seen[0].message) or "too large" in str(seen[0].message)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert len(ExchangeLog(tmp_path / "log").frame()) >= 2, (
        "the lines before and after the full disk are there"
    )


def test_a_balance_that_rose_tells_no_cost_nor_does_that_of_another_address(
    client: bn.Client, peer: Peer
) -> None:
    other = bn.Client("k" * 32, base_url=f"{peer.url}/other", log=client.log)
    for before, after in ((0.3, 0.1), (3, 3), (2.5, 3)):
        answers = ({"balance": before}, {"taskId": 7}, {"balance": after})
        for asking in (client, other):
            peer.say(*(http(json.dumps({"errorId": 0, **answer}).encode()) for answer in answers))
            asking.get_balance()
            client.create_task(bn.RawTask({"type": "X"}))
            asking.get_balance()
    costs = client.log.tasks()["cost"]  # newest first
    assert costs.fillna(-1).tolist() == [-1, -1, -1, 0, -1, 0.2]
