"""The lines: appended with one write, read as far as they are complete."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.log._journal import FORMAT, Journal, decode, read_lines

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=()), max_size=40)  # half surrogate pairs as well
    | st.floats(allow_nan=False, allow_infinity=False)
)
LINES = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=8)


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    count = iter(range(10_000))

    @given(LINES)
    def check(lines: list[dict[str, object]]) -> None:
        file, memory = Journal(tmp_path, f"s{next(count)}", NOW), Journal(None, "m", NOW)
        for journal in (file, memory):
            places = [journal.append(line) for line in lines]
            assert list(journal.lines(places)) == [line or {} for line in lines]
        if lines:
            header, *written = [decode(line) for _, line in read_lines(file.path)]
            assert (header["format"], file.path.name[:16]) == (FORMAT, "20260102T030405-")
            assert written == lines
            assert file.path.read_bytes().isascii()

    check()
