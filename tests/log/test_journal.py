"""The lines: appended with one write, read as far as they are complete."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb.api._body import EmbeddedPicture
from brocap_nb.log._journal import (
    FORMAT,
    Journal,
    decode,
    encode,
    read_lines,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LINES = st.lists(
    st.dictionaries(
        st.text(max_size=5),
        st.none()
        | st.integers(-(2**63), 2**63 - 1)
        | st.text(max_size=40)
        | st.floats(allow_nan=False, allow_infinity=False),
        max_size=4,
    ),
    max_size=8,
)


def test_the_file_is_named_by_start_and_session_and_says_its_format(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc234", NOW)
    journal.append({"kind": "request"})
    path = tmp_path / "20260102T030405-abc234.jsonl"
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["kind"], first["format"], first["session"]) == ("log", FORMAT, "abc234")
    assert second == {"kind": "request"}


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc234", NOW)
    journal.append({})
    assert journal.path.stat().st_mode & 0o077 == 0


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    count = iter(range(10_000))

    @given(LINES)
    def check(lines: list[dict[str, object]]) -> None:
        file, memory = Journal(tmp_path, f"s{next(count)}", NOW), Journal(None, "m", NOW)
        for journal in (file, memory):
            places = [journal.append(line) for line in lines]
            assert list(journal.lines(places)) == [line or {} for line in lines]
        if lines:
            assert [decode(line) for _, line in read_lines(file.path)][1:] == lines
            assert file.path.read_bytes().isascii()

    check()


def test_a_line_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":')
    assert list(read_lines(path)) == [(0, b'{"a":1}\n')]
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    assert list(read_lines(path, 8)) == [(8, b'{"b":2}\n')]


@pytest.mark.parametrize("text", ["\ud800", "\u0416 \U0001f600", "\x7f\x00", "a\u2028b"])
def test_any_text_is_a_line_of_ascii(text: str) -> None:
    line = {"a": text}
    assert encode(line).isascii()
    assert b"\n" not in encode(line)
    assert decode(encode(line)) == line


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of this kind.")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027])
@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o600), (0o775, 0o600), (0o2750, 0o640)])
def test_files_are_for_their_owner_unless_the_folder_was_given_to_a_group(
    folder: int, file: int, umask: int, tmp_path: Path
) -> None:
    place = tmp_path / "alice"
    place.mkdir()
    place.chmod(folder)
    before = os.umask(umask)
    try:
        log = bn.ExchangeLog(place / "brocap_log")
        picture = EmbeddedPicture(b"", b"PNG", "image/png", "0" * 64)
        log.begin(method="m", url="u", request="{}", request_bytes=2, pictures=[picture])
        assert log._sealer is not None
        log._sealer._rows = 1
        log.begin(method="m", url="u", request="{}", request_bytes=2)
    finally:
        os.umask(before)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {"brocap_log", "images", "columns"}
    assert {path.stat().st_mode & 0o777 for path in files} == {file}
