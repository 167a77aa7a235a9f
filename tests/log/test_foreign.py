"""A log folder of somebody else: nothing outside it is read, nothing in it stops the others."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from pictures import noise
from written_log import write

import brocap_nb as bn
from brocap_nb.log._rows import DTYPES

GOOD = {"method": "getBalance", "response": '{"errorId": 0, "balance": 3}'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of two beside a private log: alice's is sound, bob's is what a test makes it."""
    write(tmp_path / "private", "private", [GOOD])
    folder = tmp_path / "class"
    folder.mkdir()
    write(folder / "alice", "alice", [GOOD])
    (folder / "bob").mkdir()
    return folder


def look(folder: Path) -> tuple[bn.ExchangeLog, list[str]]:
    """The class's log, fully read twice, and what it warned of."""
    log = bn.ExchangeLog(folder / "*")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            for view in (log.frame(), log.tasks(), log.latency(), log.timeline(1)):
                f"{view} {view._repr_html_()} {view.to_csv()}".encode()
            log.errors()
            log.violations()
            log.recent()
            list(log.exchanges())
            log.to_har()
    return log, [str(one.message) for one in told]


def line(**changes: Any) -> str:
    """A request's line with changes."""
    fields = {"kind": "request", "exchange_id": "bob-1", "session": "bob", "method": "getBalance"}
    fields |= {"request": "{}", "request_bytes": 2, "task_id": 1, "url": "http://127.0.0.1/"}
    fields |= {"started_at": "2026-01-01T00:00:00.000000+00:00", **changes}
    return json.dumps(fields, separators=(",", ":")) + "\n"


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(next(path.parents[2].glob("private/*"))),
        lambda path: path.mkdir(),
        sparse,
        lambda path: path.write_bytes(b"\n" * 1_000_000),
        lambda path: path.write_bytes(b"[" * 1_000_000 + b"\n"),
    ],
    ids=["pipe", "device", "link", "folder", "sparse", "rubbish", "nested"],
)
def test_a_file_that_is_no_log_is_told_once_and_left_out(
    make: Callable[[Path], object], folder: Path
) -> None:
    make(folder / "bob/20260101T000000-bob.jsonl")
    log, told = look(folder)
    assert list(log.frame()["exchange_id"]) == ["alice/alice-1"]
    assert len([one for one in told if "bob" in one]) == 1


WRONG: dict[str, list[object]] = {
    "method": [None, 5, ["a"], {"a": 1}],
    "task_type": [5, ["a"], True],
    "task_id": ["x", [1], 10**30],
    "started_at": [
        *(None, 5, "x", "9999-12-31T23:59:59-23:59"),
        *(f"{year}-01-01T00:00:00.00000+00:00" for year in (12345, -1234)),
    ],
    "request": [None, 5, {"a": "b"}, "\ud800"],
    "response": ["\ud800"],
    "request_bytes": ["x", None, 10**30],
    "attempt": ["x", [1], 10**30],
    "error_code": [7, ["x"], "\ud800"],
    "exchange_id": [None, 7, "bob-", "bob-99999999999999999999"],
    "url": [None, 7],
    "request_headers": [[], {"a": 1}, "{", "[1]", '{"a": 1}'],
    "elapsed_ms": [float("inf"), float("nan"), -1e308, "5", [1]],
}


@pytest.mark.parametrize("field", WRONG)
@pytest.mark.parametrize("kind", ["request", "response"])
def test_a_field_of_a_wrong_type_stops_nobody(kind: str, field: str, folder: Path) -> None:
    answer = {"kind": "response", "outcome": "ok", "response": "{}"}
    header = '{"kind":"log","format":1,"session":"bob"}\n'  # those with one are read faster
    for number, value in enumerate(WRONG[field], 1):
        own = {"exchange_id": f"bob-{number}"}
        wrong = own | {field: value}
        bad = line(**wrong) if kind == "request" else line(**own) + line(**answer | wrong)
        (folder / f"bob/20260101T000000-bob{number}.jsonl").write_text(header + bad)
        (folder / f"bob/20260101T000000-other{number}.jsonl").write_text(bad)
    log, _ = look(folder)
    assert "alice/alice-1" in set(log.frame()["exchange_id"])
    for exchange_id in log.frame()["exchange_id"]:
        try:
            log[exchange_id]
        except bn.ExchangeNotFoundError:
            assert exchange_id.startswith("bob/")


def test_requests_in_any_order_are_read_and_one_that_came_before_is_named(folder: Path) -> None:
    answer = {"kind": "response", "outcome": "ok", "response": "{}"}
    names = [f"bob-{number}" for number in (3, 0, 2, 1, 2)]
    lines = [line(exchange_id=name, task_id=n) for n, name in enumerate(names)]
    lines += [line(exchange_id=name, task_id=n, **answer) for n, name in enumerate(names[:4])]
    (folder / "bob/20260101T000000-bob.jsonl").write_text("".join(lines))
    log, told = look(folder)
    rows = log.frame().query("source == 'bob'").set_index("exchange_id")
    assert rows["task_id"].to_dict() == {f"bob/{name}": n for n, name in enumerate(names[:4])}
    assert set(rows["outcome"]) == {"ok"}
    assert log["bob/bob-0"].task_id == 1
    assert [one for one in told if "a request 'bob-2' without a number of its own" in one]


def test_names_that_are_no_text_stop_nobody(folder: Path) -> None:
    odd = folder / os.fsdecode(b"b\xffb")
    odd.mkdir()
    (odd / os.fsdecode(b"20260101T000000-b\xfe.jsonl")).write_text(line())
    log, _ = look(folder)
    assert set(log.frame()["source"]) == {"alice", "b\\udcffb"}


@pytest.mark.parametrize("pattern", ["*", "*/brocap_log"])
def test_a_folder_in_a_students_folder_that_leads_out_is_told_and_left_out(
    pattern: str, folder: Path
) -> None:
    (folder / "bob/brocap_log").symlink_to(folder.parent / "private")
    with pytest.warns(bn.LogWarning, match=r"bob/brocap_log cannot be read \(it is a link\)"):
        assert len(bn.ExchangeLog(folder / pattern)) == (pattern == "*")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of this kind.")
def test_a_students_folder_that_may_not_be_entered_is_told_and_left_out() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own is for its owner alone
        folder = Path(name)
        folder.chmod(0o755)
        write(folder / "alice", "alice", [GOOD])
        (folder / "bob").mkdir(0)
        user = os.geteuid()
        try:
            os.seteuid(user or 65534)  # root may enter everything
            with pytest.warns(bn.LogWarning, match="/bob cannot be read") as told:
                assert len(bn.ExchangeLog(folder / "*")) == 1
        finally:
            os.seteuid(user)
        assert len(told) == 1


def test_a_file_that_grows_while_it_is_read_comes_to_an_end_and_nobody_waits_for_it(
    folder: Path,
) -> None:
    """Its writer is as fast as its reader: for each line that is read there is one more."""
    bad = folder / "bob/20260101T000000-bob.jsonl"
    bad.write_text(line())
    log, numbers = bn.ExchangeLog(folder / "bob"), iter(range(2, 5_000))

    def meanwhile(what: object) -> None:
        if what is orjson.loads:
            with bad.open("a") as file:
                file.write(line(exchange_id=f"bob-{next(numbers)}"))
            request = {"method": "m", "url": "http://x/m", "request_bytes": 0}
            writer = threading.Thread(target=lambda: log.begin(**request))
            writer.start()
            writer.join(60)  # for ever, if the log's lock were held
            assert not writer.is_alive()

    sys.setprofile(lambda frame, event, what: meanwhile(what) if event == "c_return" else None)
    try:
        assert 0 < len(log) < 10
    finally:
        sys.setprofile(None)
    assert len(log.frame(session=log.session)) > 0


def task_with(folder: Path, picture: bytes) -> tuple[str, Path]:
    """Bob's log of a task with this picture; its exchange's id, and the picture's file."""
    log = bn.ExchangeLog(folder / "bob")
    sha = hashlib.sha256(picture).hexdigest()
    text = f'{{"task": {{"imagesBase64": ["<image/png {len(picture):,} bytes sha256:{sha}>"]}}}}'
    log.begin(method="createTask", url="http://127.0.0.1", request=text, request_bytes=2)
    path = folder / f"bob/images/{sha}.png"
    path.parent.mkdir()
    path.write_bytes(picture)
    return f"bob/{log.session}-1", path


def linked_folder(path: Path) -> None:
    path.rename(path.parents[2] / path.name)
    path.parent.rmdir()
    path.parent.symlink_to(path.parents[2])


@pytest.mark.parametrize(
    "spoil",
    [
        None,
        lambda path: path.symlink_to(path.rename(path.parents[2] / "private.png")),
        linked_folder,
        lambda path: path.write_bytes(noise()),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
    ids=["sound", "link", "linked folder", "other", "pipe"],
)
def test_a_picture_is_what_its_label_says_or_is_not_read(
    spoil: Callable[[Path], object] | None, folder: Path
) -> None:
    exchange_id, path = task_with(folder, noise())
    if spoil:
        spoil(path)
    exchange = bn.ExchangeLog(folder / "*")[exchange_id]
    assert ("<image/png" in exchange.request) == (spoil is not None)


def test_a_picture_that_is_asked_for_again_and_again_fills_no_memory(folder: Path) -> None:
    """A line of 100 kB with the label of one picture of 1 MB, which would be gigabytes."""
    picture = bytes(1_000_000)
    exchange_id, path = task_with(folder, picture)
    lines = next((folder / "bob").glob("*.jsonl"))
    label = f"<image/png {len(picture):,} bytes sha256:{path.stem}>"
    lines.write_text(lines.read_text().replace(label, label * 1_000))
    assert len(bn.ExchangeLog(folder / "*")[exchange_id].request) < 500_000_000


WRONG_COLUMNS: list[dict[str, Any]] = [
    *({"outcome": [value, "ok"]} for value in ("won", None, 5, [])),
    *({"started_at": [value, 0]} for value in (2**62, -(2**62), None, "2026-01-01")),
    *({"number": value} for value in ([1, 1], [2, 1], [1], [1, 10**30], 7, None)),
    *({"request_at": [value, 0]} for value in (-5, 10**30, None, "x")),
    *({"response_at": [value, 0]} for value in (-5, 10**30, None, "x")),
    *({"method": [value, "m"]} for value in (5, [], {}, True)),
    *({"elapsed_ms": [value, 1.0]} for value in (1e300, -1e300, "x")),
    *({"rest_at": value} for value in (-1, 1, 10**30, None, "x", [])),
    {"rows": None},
]


def seal(folder: Path, changes: dict[str, Any]) -> None:
    """Bob's log with its first two rows sealed, whose words are not those of its lines."""
    write(folder / "bob", "bob", [GOOD, GOOD, GOOD])
    path = next((folder / "bob").glob("*.jsonl"))
    texts = ("task_type", "error_code", "error_description", "status")
    rows: dict[str, Any] = {n: [None, None] if n in texts else [1, 2] for n in DTYPES}
    rows |= {"method": ["sealed", "sealed"], "outcome": ["ok", "ok"]}
    rest_at = path.read_bytes().index(b'{"kind": "request"', 10)
    made = {"rest_at": rest_at, "rows": {**rows, **changes}} | changes
    (folder / "bob/columns").mkdir()
    (folder / f"bob/columns/{path.stem}-0.json").write_text(json.dumps(made))


@pytest.mark.parametrize("spoil", [{}, *WRONG_COLUMNS, os.mkfifo, sparse])
def test_columns_are_believed_only_if_they_are_sound(
    spoil: dict[str, Any] | Callable[[Path], object], folder: Path
) -> None:
    seal(folder, spoil if isinstance(spoil, dict) else {})
    if callable(spoil):
        (path,) = (folder / "bob/columns").iterdir()
        path.unlink()
        spoil(path)
    log, _ = look(folder)
    assert len(log) == 4
    assert ("sealed" in set(log.frame()["method"])) == (spoil == {})
