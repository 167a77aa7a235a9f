"""Which files a log makes and reads, of one folder or of a class."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import brocap_nb as bn
from brocap_nb.api._body import EmbeddedPicture
from brocap_nb.log import _segments, engines
from brocap_nb.log._folders import log_files


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("2025/*", ["ann/aaa", "ann/aab", "bob/bbb"]),
        ("2025/ann", ["aaa"]),
        ("*/*", ["2025/ann/aaa", "2025/ann/aab", "2025/bob/bbb", "2026/ann/aaa"]),
        ("*/ann", ["2025/aaa", "2025/aab", "2026/aaa"]),
        ("202?/a*", ["2025/ann/aaa", "2025/ann/aab", "2026/ann/aaa"]),
        ("absent/*", []),
    ],
)
def test_the_files_of_each_folder_and_of_the_log_in_it(
    pattern: str, found: list[str], tmp_path: Path
) -> None:
    """A source is what the wildcards stand for, with their folders in between."""
    year = ("bob/brocap_log/1-bbb", "ann/1-aaa", "ann/brocap_log/2-aab")
    others = ("2026/ann/1-aaa", "2025/.hidden/1-h", "2025/ann/images/1-no", "2025/1-no")
    for name in (*(f"2025/{name}" for name in year), *others):
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    files = log_files(tmp_path / pattern)
    assert [file.session for file in files] == found
    assert [file.source or "" for file in files] == [name.rpartition("/")[0] for name in found]


def test_an_environment_variable_names_the_folder_and_a_tilde_is_home_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name, value in (("HOME", home), ("USERPROFILE", home), ("BROCAP_LOG", "~/log")):
        monkeypatch.setenv(name, str(value))
    log = bn.ExchangeLog()
    assert log.folder == bn.ExchangeLog(Path("~/log")).folder == home / "log"
    log.to_har("~/log.har")
    assert (home / "log.har").is_file()
    assert len(bn.ExchangeLog.from_har("~/log.har").frame()) == 0
    with pytest.raises(bn.SandboxError, match="no answered exchange in " + re.escape(str(home))):
        bn.Sandbox.from_log("~/log")
    with pytest.raises(bn.InvalidInputError, match="There is no folder " + re.escape(str(home))):
        engines.scan("~/absent")
    monkeypatch.setenv("BROCAP_LOG", ":memory:")
    assert bn.ExchangeLog().folder is None
    assert bn.ExchangeLog("class/alice").folder == Path.cwd() / "class" / "alice"
    monkeypatch.delenv("BROCAP_LOG")
    assert bn.ExchangeLog().folder == Path.cwd() / "brocap_log"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/log", " HTTPS://example.com", "s3://a/b"])
def test_an_address_is_no_folder(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROCAP_LOG", address)
    for given in (None, address, Path(address)):
        with pytest.raises(bn.InvalidInputError, match="is an address; expected the path"):
            bn.ExchangeLog(given)
    assert [*Path.cwd().iterdir()] == []


def test_a_pattern_has_a_star_or_a_question_mark() -> None:
    names = {"[log]": False, "C:/log": False, "class/*": True, "s?/log": True}
    assert {name: bn.ExchangeLog(name).read_only for name in names} == names
    with pytest.raises(bn.InvalidInputError, match=r"one \* for each level"):
        bn.ExchangeLog("class/**")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of this kind.")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027])
@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o600), (0o775, 0o600), (0o2750, 0o640)])
def test_files_are_for_their_owner_unless_the_folder_was_given_to_a_group(
    folder: int, file: int, umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "alice"
    place.mkdir()
    place.chmod(folder)
    before = os.umask(umask)
    try:
        log = bn.ExchangeLog(place / "brocap_log")
        picture = EmbeddedPicture(b"", b"PNG", "image/png", "0" * 64)
        log.begin(method="m", url="u", request="{}", request_bytes=2, pictures=[picture])
        monkeypatch.setattr(_segments, "SEGMENT_ROWS", 1)
        log.begin(method="m", url="u", request="{}", request_bytes=2)
    finally:
        os.umask(before)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {"brocap_log", "images", "columns"}
    assert {path.stat().st_mode & 0o777 for path in files} == {file}
    assert (place / "brocap_log").stat().st_mode & 0o777 == (0o750 if file == 0o640 else 0o700)


@pytest.mark.filterwarnings("ignore:.*without a number of its own")
def test_only_what_is_new_is_read_again_and_what_is_gone_is_gone(tmp_path: Path) -> None:
    log, reader = bn.ExchangeLog(tmp_path), bn.ExchangeLog(tmp_path)
    for _ in range(3):
        log.begin(method="m", url="u", request="{}", request_bytes=2)
    assert len(reader) == 3
    path = next(tmp_path.glob("*.jsonl"))
    before = path.read_bytes()
    copy = tmp_path / f"copy-of-{path.name}"
    copy.write_bytes(before)
    assert len(reader) == len(log) == 3, "it is the same session"
    copy.unlink()
    path.write_bytes(b"x" * (len(before) - 1) + b"\n")  # what was read is not looked at again
    with path.open("ab") as file:
        line = before.splitlines(keepends=True)[-1]
        fresh = line.replace(f"{log.session}-3".encode(), f"{log.session}-4".encode())
        file.write(fresh * 2 + line)  # what is there already is no row once more
    assert len(reader) == 4
    path.unlink()
    assert len(reader) == 0
