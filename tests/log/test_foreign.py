"""A log folder of somebody else: nothing outside it is read, nothing in it stops the others."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import noise
from written_log import write

import brocap_nb as bn
from brocap_nb.log._rows import DTYPES

GOOD = {"method": "getBalance", "response": '{"errorId": 0, "balance": 3}'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of two: alice's log is sound, bob's is what a test makes it."""
    write(tmp_path / "alice", "alice", [GOOD])
    (tmp_path / "bob").mkdir()
    return tmp_path


def look(folder: Path) -> tuple[bn.ExchangeLog, list[str]]:
    """The class's log, fully read twice, and what it warned of."""
    log = bn.ExchangeLog(folder / "*")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            log.frame()["error_code"].value_counts()
            log.errors()
            log.tasks()
            log.recent()
            list(log.exchanges())
    return log, [str(one.message) for one in told]


def line(**changes: Any) -> str:
    """A request's line with changes."""
    fields = {
        "kind": "request",
        "exchange_id": "bob-1",
        "started_at": "2026-01-01T00:00:00.000000+00:00",
        "session": "bob",
        "method": "getBalance",
        "request": "{}",
        "request_bytes": 2,
        "url": "http://127.0.0.1/getBalance",
    }
    return json.dumps(fields | changes) + "\n"


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)


def elsewhere(path: Path) -> Path:
    """A private file beside the class that looks like a log."""
    write(path.parents[2] / "private", "private", [GOOD])
    return next((path.parents[2] / "private").iterdir())


@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(elsewhere(path)),
        lambda path: path.mkdir(),
        sparse,
        lambda path: path.write_bytes(b"\n" * 1_000_000),
        lambda path: path.write_bytes(b"[" * 1_000_000 + b"\n"),
    ],
    ids=["pipe", "device", "link", "folder", "sparse", "rubbish", "nested"],
)
def test_a_file_that_is_no_log_is_told_once_and_left_out(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    write(folder / "alice", "alice", [GOOD])
    (folder / "bob").mkdir()
    make(folder / "bob/20260101T000000-bob.jsonl")
    log, told = look(folder)
    assert list(log.frame()["exchange_id"]) == ["alice/alice-1"]
    assert len([one for one in told if "bob" in one]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("method", value) for value in (None, 5, ["a"], {"a": 1})),
        *(("task_type", value) for value in (5, ["a"], True)),
        *(("task_id", value) for value in ("x", [1], 10**30)),
        *(("started_at", value) for value in (None, 5, "x", "9999-12-31T23:59:59-23:59")),
        *(("request", value) for value in (None, 5, {"a": "b"})),
        *(("request_bytes", value) for value in ("x", None, 10**30)),
        *(("attempt", value) for value in ("x", [1], 10**30)),
        *(("error_code", value) for value in (7, ["x"], "\ud800")),
        *(("exchange_id", value) for value in (None, 7, "bob-", "bob-99999999999999999999")),
        *(("url", value) for value in (None, 7)),
        *(("request_headers", value) for value in ([], {"a": 1})),
    ],
)
@pytest.mark.parametrize("kind", ["request", "response"])
def test_a_field_of_a_wrong_type_stops_nobody(
    kind: str, field: str, value: object, folder: Path
) -> None:
    bad = folder / "bob/20260101T000000-bob.jsonl"
    bad.write_text(line() + line(**{"kind": kind, "outcome": "ok", field: value}))
    log, _ = look(folder)
    assert "alice/alice-1" in set(log.frame()["exchange_id"])
    for exchange_id in log.frame()["exchange_id"]:
        try:
            log[exchange_id]
        except bn.ExchangeNotFoundError:
            assert exchange_id.startswith("bob/")


def task_with(folder: Path, picture: bytes) -> tuple[str, Path]:
    """Bob's log of a task with this picture; its exchange's id, and the picture's file."""
    log = bn.ExchangeLog(folder / "bob")
    sha = hashlib.sha256(picture).hexdigest()
    text = f'{{"task": {{"imagesBase64": ["<image/png {len(picture):,} bytes sha256:{sha}>"]}}}}'
    log.begin(method="createTask", url="http://127.0.0.1", request=text, request_bytes=2)
    (folder / "bob/images").mkdir(exist_ok=True)
    return f"bob/{log.session}-1", folder / f"bob/images/{sha}.png"


@pytest.mark.parametrize("kind", ["link", "other", "pipe", "device", "sparse"])
def test_a_picture_is_what_its_label_says_or_is_not_read(kind: str, folder: Path) -> None:
    secret, other = noise(), noise()
    exchange_id, path = task_with(folder, secret)
    if kind == "link":  # even to the very picture
        (folder / "private.png").write_bytes(secret)
        path.symlink_to(folder / "private.png")
    elif kind == "other":
        path.write_bytes(other)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        sparse(path)
    exchange = bn.ExchangeLog(folder / "*")[exchange_id]
    assert "<image/png" in exchange.request


def test_a_sound_picture_is_read(folder: Path) -> None:
    picture = noise()
    exchange_id, path = task_with(folder, picture)
    path.write_bytes(picture)
    assert "<image/png" not in bn.ExchangeLog(folder / "*")[exchange_id].request


def forged(**changes: Any) -> Any:
    records = np.zeros(2, dtype=list(DTYPES.items()))
    records["number"] = [1, 2]
    for name, value in changes.items():
        records[name] = value
    return records


@pytest.mark.parametrize(
    ("changes", "manifest"),
    [
        ({"outcome": 100}, {}),
        ({"outcome": -1}, {}),
        ({"started_at": 2**62}, {}),
        ({"number": 1}, {}),
        ({"request_at": -5}, {}),
        ({"method": 9}, {}),
        ({}, {"words": {"method": [5]}}),
        ({}, {"words": {"method": [{}]}}),
        ({}, {"words": []}),
        ({}, {"segments": 10**9}),
        ({}, {"segments": "x"}),
        ({}, {"rest_at": -1}),
        ({}, {"rows": 10**12}),
    ],
)
def test_forged_columns_are_not_believed(
    changes: dict[str, Any], manifest: dict[str, Any], folder: Path
) -> None:
    write(folder / "bob", "bob", [GOOD, GOOD, GOOD])
    path = next((folder / "bob").glob("*.jsonl"))
    columns = folder / "bob/columns"
    columns.mkdir()
    words = {name: ["getBalance"] for name in ("method", "task_type", "error_code", "status")}
    said = {"version": 1, "segments": 1, "rows": 2, "words": words | {"error_description": ["x"]}}
    said["rest_at"] = path.read_bytes().index(b'{"kind": "request"', 10)
    (columns / f"{path.stem}.json").write_text(json.dumps(said | manifest))
    np.save(columns / f"{path.stem}-0.npy", forged(**changes))
    log, _ = look(folder)
    assert len(log) == 4


@pytest.mark.parametrize("name", ["", "-0"])
@pytest.mark.parametrize("kind", ["pipe", "sparse"])
def test_columns_that_are_no_files_are_passed_over(kind: str, name: str, folder: Path) -> None:
    write(folder / "bob", "bob", [GOOD, GOOD, GOOD])
    path = next((folder / "bob").glob("*.jsonl"))
    (folder / "bob/columns").mkdir()
    said = {"version": 1, "segments": 1, "rows": 2, "rest_at": 0, "words": {}}
    (folder / f"bob/columns/{path.stem}.json").write_text(json.dumps(said))
    odd = folder / f"bob/columns/{path.stem}{name}{'.npy' if name else '.json'}"
    odd.unlink(missing_ok=True)
    os.mkfifo(odd) if kind == "pipe" else sparse(odd)
    log, _ = look(folder)
    assert len(log) == 4


def test_a_file_is_made_through_no_link_and_for_its_owner_alone(tmp_path: Path) -> None:
    log = bn.ExchangeLog(tmp_path / "log")
    log.begin(method="getBalance", url="u", request="{}", request_bytes=2)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    for path in (tmp_path / "log").rglob("*.jsonl"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
