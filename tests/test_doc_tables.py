"""What the documentation tells in tables is what the code has."""

from __future__ import annotations

import re

from doc_tables import PLACES, tables, written

import brocap_nb as bn


def test_the_tables_are_those_of_the_code() -> None:
    for name, page in PLACES.items():
        text = page.read_text("utf-8")
        assert written(name, text) == text, "run: python tests/doc_tables.py"


def test_the_tables_have_every_column_and_every_code() -> None:
    made = tables()
    log = bn.ExchangeLog(":memory:")
    assert re.findall(r"^\| `(\w+)` \|", made["columns"], re.M) == list(log.frame().columns)
    assert re.findall(r"^\| `(\w+)` \|", made["error codes"], re.M) == list(bn.CATALOGUE)


def test_the_words_for_dtypes_are_those_of_the_frame() -> None:
    words = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", tables()["columns"], re.M))
    for name, dtype in bn.ExchangeLog(":memory:").frame().dtypes.items():
        assert words[str(name)].split(",")[0] in str(dtype), name
