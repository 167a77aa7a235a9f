"""What the documentation tells in tables is what the code has."""

from __future__ import annotations

import re

from doc_tables import PLACES, tables, written

import brocap_nb as bn


def test_the_tables_are_those_of_the_code() -> None:
    for name, page in PLACES.items():
        text = page.read_text("utf-8")
        assert written(name, text) == text, "run: python tests/doc_tables.py"


def test_the_tables_have_every_code_and_every_column_with_its_dtype() -> None:
    made, dtypes = tables(), bn.ExchangeLog(":memory:").frame().dtypes
    assert re.findall(r"^\| `(\w+)` \|", made["error codes"], re.M) == list(bn.CATALOGUE)
    words = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", made["columns"], re.M))
    assert list(words) == list(dtypes.index)
    for name, word in words.items():
        assert word.split(",")[0] in str(dtypes[name]), name
