"""The tables of the documentation, made from the code.

    python tests/doc_tables.py

writes them into their pages; `test_doc_tables.py` holds that they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from brocap_nb.api._facts import AGAIN, CATALOGUE, again
from brocap_nb.log._rows import DESCRIBED

DOCS = Path(__file__).parents[1] / "docs"
PLACES = {"columns": DOCS / "guides/log.md", "error codes": DOCS / "error-codes.md"}


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables() -> dict[str, str]:
    """Each table, by the name in the comments around its place."""
    return {
        "columns": table(
            ("column", "dtype", "what it is"),
            [(f"`{name}`", dtype, what) for name, (dtype, what) in DESCRIBED.items()],
        ),
        "error codes": table(
            ("code", "meaning", "what to do", AGAIN),
            [(f"`{e.code}`", e.meaning, e.remedy, again(e.retryable)) for e in CATALOGUE.values()],
        ),
    }


def written(name: str, text: str) -> str:
    """A page with the table of this name as the code has it."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    rows = f"{start}\n{tables()[name]}\n{end}"
    text, count = re.subn(f"{start}.*?{end}", lambda _: rows, text, flags=re.S)
    assert count == 1, f"the page has {count} places for {name}"
    return text


if __name__ == "__main__":
    for name, page in PLACES.items():
        page.write_text(written(name, page.read_text("utf-8")), "utf-8")
