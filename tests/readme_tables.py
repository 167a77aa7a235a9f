"""The README's tables, made from the code.

    python tests/readme_tables.py

writes them into the README; `test_readme.py` holds that they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from brocap_nb.api._facts import AGAIN, CATALOGUE, again
from brocap_nb.log._rows import DESCRIBED

README = Path(__file__).parents[1] / "README.md"


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


def written(text: str) -> str:
    """The README with its tables as the code has them."""
    for name, rows in tables().items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        text, count = re.subn(
            f"{start}.*?{end}", lambda _, t=f"{start}\n{rows}\n{end}": t, text, flags=re.S
        )
        assert count == 1, f"the README has {count} places for {name}"
    return text


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
