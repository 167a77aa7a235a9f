"""What the documentation tells in tables is what the code has.

    python tests/test_doc_tables.py

writes the tables into their pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import brocap_nb as bn
from brocap_nb.api._facts import AGAIN, CATALOGUE, again
from brocap_nb.log._rows import DESCRIBED

DOCS = Path(__file__).parents[1] / "docs"
PLACES = {"columns": DOCS / "guides/log.md", "error codes": DOCS / "error-codes.md"}


def table(headers: str, rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines: list[Sequence[str]] = [headers.split(", "), ["---"] * len(headers.split(", ")), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(name: str, text: str) -> str:
    """A page with the table of this name as the code has it."""
    columns = [(f"`{name}`", dtype, what) for name, (dtype, what) in DESCRIBED.items()]
    codes = [(f"`{e.code}`", e.meaning, e.remedy, again(e.retryable)) for e in CATALOGUE.values()]
    made = {
        "columns": table("column, dtype, what it is", columns),
        "error codes": table(f"code, meaning, what to do, {AGAIN}", codes),
    }
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text, count = re.subn(
        f"{start}.*?{end}", lambda _: f"{start}\n{made[name]}\n{end}", text, flags=re.S
    )
    assert count == 1, f"the page has {count} places for {name}"
    return text


def test_the_tables_are_those_of_the_code_and_of_a_frame() -> None:
    for name, page in PLACES.items():
        text = page.read_text("utf-8")
        assert written(name, text) == text, "run: python tests/test_doc_tables.py"
    dtypes = bn.ExchangeLog(":memory:").frame().dtypes
    assert list(DESCRIBED) == list(dtypes.index)
    for name, (word, _) in DESCRIBED.items():
        assert word.split(",")[0] in str(dtypes[name]), name


if __name__ == "__main__":
    for name, page in PLACES.items():
        page.write_text(written(name, page.read_text("utf-8")), "utf-8")
