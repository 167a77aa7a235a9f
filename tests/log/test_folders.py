"""Which files a log reads, of one folder or of a class."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import brocap_nb as bn
from brocap_nb.log import engines
from brocap_nb.log._folders import is_pattern, log_files


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_a_pattern_has_a_star_or_a_question_mark() -> None:
    assert [is_pattern(Path(name)) for name in ("log", "[log]", "class/*", "s?/log")] == [
        *(False, False, True, True)
    ]
    with pytest.raises(bn.InvalidInputError, match=r"one \* for each level"):
        bn.ExchangeLog("class/**")


def test_the_files_of_each_folder_and_of_the_log_in_it(tmp_path: Path) -> None:
    for name in ("bob/brocap_log/1-bbb", "alice/1-aaa", "alice/brocap_log/2-aab", ".hidden/1-h"):
        touch(tmp_path / f"{name}.jsonl")
    touch(tmp_path / "alice/images/1-no.jsonl")
    touch(tmp_path / "1-no.jsonl")
    found = log_files(tmp_path / "*")
    assert [(file.source, file.session) for file in found] == [
        ("alice", "alice/aaa"),
        ("alice", "alice/aab"),
        ("bob", "bob/bbb"),
    ]
    assert found[1].path == tmp_path / "alice/brocap_log/2-aab.jsonl"
    assert [file.session for file in log_files(tmp_path / "alice")] == ["aaa"]
    assert log_files(tmp_path / "alice")[0].source is None


@pytest.mark.parametrize(
    ("pattern", "sources"),
    [
        ("*/*", ["2025/ann", "2026/ann"]),
        ("2026/*", ["ann"]),
        ("*/ann", ["2025", "2026"]),
        ("202?/a*", ["2025/ann", "2026/ann"]),
        ("*/bob", []),
        ("absent/*", []),
    ],
)
def test_a_source_is_what_the_wildcards_stand_for(
    pattern: str, sources: list[str], tmp_path: Path
) -> None:
    for year in ("2025", "2026"):
        touch(tmp_path / year / "ann" / "1-x.jsonl")
    assert [file.source for file in log_files(tmp_path / pattern)] == sources


def test_a_copy_of_a_file_is_the_same_session(tmp_path: Path) -> None:
    log = bn.ExchangeLog(tmp_path)
    log.begin(method="m", url="u", request="{}", request_bytes=2)
    path = next(tmp_path.glob("*.jsonl"))
    (tmp_path / f"copy-of-{path.name}").write_bytes(path.read_bytes())
    assert len(bn.ExchangeLog(tmp_path).frame()) == 1
    assert len(log.frame()) == 1


def test_an_environment_variable_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bn.ExchangeLog().folder == Path.cwd() / "brocap_log"
    monkeypatch.setenv("BROCAP_LOG", str(tmp_path / "class" / "alice"))
    assert bn.ExchangeLog().folder == tmp_path / "class" / "alice"
    assert bn.ExchangeLog("other").folder == Path.cwd() / "other"
    monkeypatch.setenv("BROCAP_LOG", ":memory:")
    assert bn.ExchangeLog().folder is None


def test_a_tilde_is_the_home_directory_wherever_a_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))  # on Windows
    monkeypatch.setenv("BROCAP_LOG", "~/log")
    log = bn.ExchangeLog()
    assert log.folder == bn.ExchangeLog(Path("~/log")).folder == home / "log"
    log.to_har("~/log.har")
    assert (home / "log.har").is_file()
    assert len(bn.ExchangeLog.from_har("~/log.har").frame()) == 0
    with pytest.raises(bn.SandboxError, match="no answered exchange in " + re.escape(str(home))):
        bn.Sandbox.from_log("~/log")
    with pytest.raises(bn.InvalidInputError, match="There is no folder " + re.escape(str(home))):
        engines.scan("~/absent")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/log", " HTTPS://example.com", "s3://a/b"])
def test_an_address_is_no_folder(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROCAP_LOG", address)
    for given in (None, address, Path(address)):
        with pytest.raises(bn.InvalidInputError, match="is an address; expected the path"):
            bn.ExchangeLog(given)
    assert [*Path.cwd().iterdir()] == []
    assert bn.ExchangeLog("C:/log").folder is not None
