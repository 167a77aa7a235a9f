"""The logs of a class read as one, and followed while they grow."""

from __future__ import annotations

import base64
import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import requests
from peer import Peer, http
from waiting import until

import brocap_nb as bn
from brocap_nb import ExchangeLog
from brocap_nb.log import _folders

OK = http(b'{"errorId": 0, "balance": 3}')
NO_MONEY = http(b'{"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE", "errorDescription": "none"}')
CREATED = http(b'{"errorId": 0, "taskId": 7}')
READY = http(b'{"errorId": 0, "status": "ready", "solution": {"answer": [true]}}')


def student(peer: Peer, folder: Path, *answers: bytes) -> bn.Client:
    """A client that has got these answers to getBalance."""
    client = bn.Client("k" * 32, base_url=peer.url, log=ExchangeLog(folder))
    for answer in answers:
        peer.say(answer)
        with contextlib.suppress(bn.ApiError):
            client.get_balance()
    return client


def followers() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name == "brocap-nb follower"}


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_folders, "INTERVAL", 0.01)


@pytest.fixture
def teacher(tmp_path: Path) -> ExchangeLog:
    return ExchangeLog(tmp_path / "*")


@pytest.fixture
def heard(teacher: ExchangeLog) -> Iterator[list[bn.Exchange]]:
    """What the teacher hears of."""
    heard: list[bn.Exchange] = []
    before = followers()  # those of other tests
    teacher.subscribe(print)
    assert followers() <= before, "a thread is for the sake of others only"
    stop = teacher.subscribe(heard.append, others=True)
    yield heard
    stop()
    until(lambda: followers() <= before)


def test_all_folders_are_one_frame_with_who(
    peer: Peer, teacher: ExchangeLog, tmp_path: Path
) -> None:
    empty = teacher.frame()
    alice = student(peer, tmp_path / "alice", OK, NO_MONEY).log
    bob = student(peer, tmp_path / "bob" / "brocap_log", NO_MONEY).log
    frame = teacher.frame()
    columns = list(alice.frame())
    columns.insert(columns.index("session") + 1, "source")
    assert list(frame) == columns
    assert frame.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()
    assert frame["source"].tolist() == ["alice", "alice", "bob"]
    ids = [*(f"alice/{alice.session}-{n}" for n in (1, 2)), f"bob/{bob.session}-1"]
    assert frame["exchange_id"].tolist() == ids
    assert len(teacher.latency()) == len(teacher.frame(session=f"bob/{bob.session}")) == 1
    assert ids[2] in teacher._repr_mimebundle_()["text/plain"]
    (row,) = teacher.errors().to_dict("records")
    assert (row["count"], row["error_code"]) == (2, "ERROR_ZERO_BALANCE")
    assert teacher[row["example"]].error_code == "ERROR_ZERO_BALANCE"
    teacher.to_har(tmp_path / "class.har")
    back = ExchangeLog.from_har(tmp_path / "class.har", tmp_path / "back")
    assert back.frame()["outcome"].tolist() == ["ok", "api_error", "api_error"]
    assert set(back.frame()["session"]) == {back.session}, "its folders' names are not in a HAR"


def test_two_students_with_the_same_session_and_task_number(
    peer: Peer, teacher: ExchangeLog, tmp_path: Path
) -> None:
    """A sandbox gives the same numbers in every kernel; a copied folder has the same session."""
    pictures = {name: b"\x89PNG\r\n\x1a\n" + os.urandom(300) for name in ("alice", "bob")}
    for name, picture in pictures.items():
        client = student(peer, tmp_path / name)
        peer.say(CREATED, NO_MONEY)
        client.create_task(bn.ComplexImageTask.from_image(picture, "Pick it"))
        with pytest.raises(bn.ApiError):
            client.get_task_result(7)
        for path in (tmp_path / name).glob("*.jsonl"):
            path.write_text(path.read_text().replace(client.log.session, "twins2"))
            path.rename(path.with_name("1-twins2.jsonl"))
    reader = bn.Client("k" * 32, base_url=peer.url, log=ExchangeLog(tmp_path / "alice"))
    peer.say(READY)
    reader.get_task_result(7)
    ids = {"alice": "alice/twins2-1", "bob": "bob/twins2-1"}
    created = teacher.frame().query("method == 'createTask'").set_index("source")["exchange_id"]
    assert created.to_dict() == ids
    for name, picture in pictures.items():
        assert teacher[ids[name]].exchange_id == ids[name]
        assert base64.b64encode(picture).decode() in teacher[ids[name]].request
    assert teacher.errors()["tasks"].tolist() == [2]
    assert ExchangeLog(tmp_path / "bob").errors()["tasks"].tolist() == [1]
    alices = f"alice/{reader.log.session}-1"
    assert teacher.task_times()["answered_by"].fillna("").tolist() == [alices, ""]
    assert teacher.timeline(7)["exchange_id"].tolist() == [ids["bob"], "bob/twins2-2"]
    states = teacher.tasks().set_index("created_by")[["state", "polls"]].T.to_dict("list")
    assert states == {ids["alice"]: ["ready", 2], ids["bob"]: ["failed", 1]}


def test_it_is_never_written(peer: Peer, teacher: ExchangeLog, tmp_path: Path) -> None:
    student(peer, tmp_path / "alice", OK).log.to_har(tmp_path / "log.har")
    before, sent = sorted(tmp_path.rglob("*")), len(peer.requests)
    for write, told in (
        (lambda: bn.Client("k" * 32, base_url=peer.url, log=teacher), "only read"),
        (lambda: teacher.attach(requests.Session()), "never written"),
        (lambda: ExchangeLog.from_har(tmp_path / "log.har", tmp_path / "*"), "never written"),
    ):
        with pytest.raises(bn.InvalidInputError, match=told):
            write()
    assert (len(peer.requests), sorted(tmp_path.rglob("*"))) == (sent, before)
    assert (teacher.read_only, ExchangeLog(tmp_path / "alice").read_only) == (True, False)


def test_what_cannot_be_read_for_a_moment_stays_and_what_became_shorter_is_read_anew(
    peer: Peer, tmp_path: Path
) -> None:
    alice = student(peer, tmp_path / "alice", OK)
    reader = ExchangeLog(tmp_path / "alice")
    assert len(reader) == 1
    aside = (tmp_path / "alice").rename(tmp_path / "aside")
    (tmp_path / "alice").symlink_to("alice")  # root may read any folder, but not this one
    with pytest.warns(bn.LogWarning, match=r"The log folder .* cannot be read") as seen:
        assert [len(reader), len(reader)] == [1, 1]
    assert len(seen) == 1
    (tmp_path / "alice").unlink()
    aside.rename(tmp_path / "alice")
    alice.get_balance()
    assert reader.frame()["outcome"].tolist() == ["ok", "ok"]
    path = next(tmp_path.glob("alice/*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert reader.frame()["response"].notna().tolist() == [True]
    path.write_bytes(b"".join(lines))
    pd.testing.assert_frame_equal(reader.frame(), alice.log.frame())


def told(heard: list[bn.Exchange]) -> list[str]:
    """The ids of those that have ended."""
    return [one.exchange_id for one in heard if one.outcome != "no_response"]


def test_a_follower_hears_of_the_others_once_each_whoever_reads_or_breaks(
    peer: Peer, teacher: ExchangeLog, heard: list[bn.Exchange], tmp_path: Path
) -> None:
    stop = teacher.subscribe(lambda exchange: 1 / 0, others=True)
    alice = student(peer, tmp_path / "alice")
    peer.say(OK)
    with pytest.warns(bn.LogWarning, match="division by zero") as seen:
        for number in range(1, 31):
            alice.get_balance()
            assert len(teacher) == number
        until(lambda: len(told(heard)) == 30 and len(seen) > 0)
        stop()
        student(peer, tmp_path / "bob", NO_MONEY)
        until(lambda: len(told(heard)) == 31)
    assert sorted(told(heard)) == sorted(teacher.frame()["exchange_id"])


def test_what_was_there_before_is_not_told_and_own_exchanges_once(
    peer: Peer, tmp_path: Path
) -> None:
    alice = student(peer, tmp_path / "alice", OK)
    log = ExchangeLog(tmp_path / "alice")
    first: list[bn.Exchange] = []
    second: list[bn.Exchange] = []
    stop = log.subscribe(first.append, others=True)
    alice.get_balance()
    log.subscribe(lambda exchange: 1 / 0)  # it cannot break the exchange
    stop_second = log.subscribe(second.append, others=True)
    until(lambda: len(told(first)) == 1)
    with pytest.warns(bn.LogWarning, match="division by zero"):
        bn.Client("k" * 32, base_url=peer.url, log=log).get_balance()
    own = f"{log.session}-1"
    assert [one.outcome for one in second] == ["no_response", "ok"], "in the thread that recorded"
    stop_second()
    stop_second()  # again does nothing
    alice.get_balance()
    until(lambda: len(told(first)) == 3)
    assert told(first) == [f"{alice.log.session}-2", own, f"{alice.log.session}-3"]
    assert told(second) == [own]
    stop()


def test_a_follower_survives_what_happens_to_files_and_tells_nothing_twice(
    peer: Peer, teacher: ExchangeLog, heard: list[bn.Exchange], tmp_path: Path
) -> None:
    alice = student(peer, tmp_path / "alice", NO_MONEY, OK)
    until(lambda: len(told(heard)) == 2)
    path = next(tmp_path.glob("alice/*.jsonl"))
    lines = path.read_bytes()
    for left in (lines[:-25], lines):  # truncated, in the middle of a line
        path.write_bytes(left)
        until(lambda left=left: _size_known(teacher) == len(left))

    # a line that is half written is no torn line
    line = lines.splitlines(keepends=True)[-2].replace(b'-2"', b'-3"')
    with path.open("ab", buffering=0) as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        file.write(line[:40])
        until(lambda: _size_known(teacher) == path.stat().st_size)
        file.write(line[40:])
        until(lambda: heard[-1].exchange_id.endswith("-3"))
        assert len(teacher) == 3

    path.unlink()
    until(lambda: _size_known(teacher) == 0)
    alice.get_balance()  # makes the file again, and adds to it
    until(lambda: len(told(heard)) == 3)
    assert len(set(told(heard))) == 3


def _size_known(log: ExchangeLog) -> int:
    """How much of the only file the follower has seen."""
    (session,) = log._others.sessions.values()
    return session._size
